//! What the engine tells the machine around it: the service manager, whoever collects metrics, whoever wants to be notified.

mod http;
mod notify;
mod systemd;

pub use http::Monitor;
pub use notify::{Notifier, Telling};
pub use systemd::{ServiceManager, WatchdogError};
