//! Who looks on as a task runs: for trials and tests of operations.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_store::{Request, Response, StoreError};

/// A call of the host that has an effect, and what came of it.
#[derive(Debug)]
pub enum HostCall<'a> {
    /// A request was to be sent; one that the policies refuse was not.
    Sent {
        /// The request.
        request: &'a Request,
        /// The store, if it is not the job's own.
        store: Option<&'a str>,
        /// What the guest was answered.
        answer: Result<&'a Response, &'a StoreError>,
        /// How long that took, retries included.
        took: Duration,
    },
    /// A line for the engine's log.
    Logged {
        /// `error`, `warn`, `info` or `debug`.
        level: &'static str,
        /// The line.
        message: &'a str,
    },
}

/// Is told of each call as it ends.
pub trait Watcher: Send + Sync {
    /// A call has ended.
    fn called(&self, call: &HostCall<'_>);
}

/// A watcher, or none.
#[derive(Clone, Default)]
pub(crate) struct Watching(pub(crate) Option<Arc<dyn Watcher>>);

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watching").field(&self.0.is_some()).finish()
    }
}

impl Watching {
    pub(crate) fn called(&self, call: &HostCall<'_>) {
        if let Some(watcher) = &self.0 {
            watcher.called(call);
        }
    }
}
