//! What the engine tells the machine around it: the service manager, whoever collects metrics, whoever wants to be notified.

mod systemd;

pub use systemd::{ServiceManager, WatchdogError};
