//! What a guest writes to the engine's log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::bindings::longshore::operation::host::Level;
use crate::text;

/// The log of one instance: with operation and job, and bounded for each task. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Log(Arc<Inner>);

struct Inner {
    operation: Arc<str>,
    job: Arc<str>,
    /// Bytes that each task may write.
    limit: usize,
    written: AtomicUsize,
}

impl Log {
    pub(crate) fn new(operation: Arc<str>, job: Arc<str>, limit: usize) -> Self {
        Self(Arc::new(Inner { operation, job, limit, written: AtomicUsize::new(0) }))
    }

    /// What is counted per task begins anew.
    pub(crate) fn begin_task(&self) {
        self.0.written.store(0, Ordering::Relaxed);
    }

    /// Writes a line: as much of it as the task may still write, which is returned.
    pub(crate) fn write(&self, level: Level, message: String) -> Option<String> {
        let Inner { operation, job, limit, written } = &*self.0;
        let left = limit.saturating_sub(written.fetch_add(message.len(), Ordering::Relaxed));
        if left == 0 {
            // Never so much that it overflows.
            written.store(*limit, Ordering::Relaxed);
            return None;
        }
        let message = text::cut(message, left);
        let (operation, job) = (&**operation, &**job);
        match level {
            Level::Error => tracing::error!(operation, job, "{message}"),
            Level::Warn => tracing::warn!(operation, job, "{message}"),
            Level::Info => tracing::info!(operation, job, "{message}"),
            Level::Debug => tracing::debug!(operation, job, "{message}"),
        }
        Some(message)
    }
}
