//! What a guest writes to the engine's log.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::bindings::longshore::operation::host::Level;
use crate::text;

/// What a line costs beside its words (time, level, job, operation): also empty ones have an end.
const LINE_BYTES: usize = 64;

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

    /// Writes a line, and returns it as it was written; `None` if the task has written all that it may.
    pub(crate) fn write(&self, level: Level, message: String) -> Option<String> {
        let Inner { operation, job, limit, written } = &*self.0;
        let cost = message.len().saturating_add(LINE_BYTES);
        let left = limit.saturating_sub(written.fetch_add(cost, Ordering::Relaxed));
        if left == 0 {
            // Never so much that it overflows.
            written.store(*limit, Ordering::Relaxed);
            return None;
        }
        let message = text::line(message, left);
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

/// A level as people and other programs read it.
pub(crate) fn name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}
