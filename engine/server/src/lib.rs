//! What the engine tells the machine around it: the service manager, whoever collects metrics, whoever wants to be notified.

mod http;
mod systemd;

pub use http::Monitor;
pub use systemd::{ServiceManager, WatchdogError};
