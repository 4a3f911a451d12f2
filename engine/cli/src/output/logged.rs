//! The engine's events as log events, for a log that a machine reads.

use std::time::Duration;

use longshore_runner::{Event, Observer};

use super::progress::Pace;
use crate::logging::ENGINE;

/// Time between two counters: what is finer is in the metrics.
const EVERY: Duration = Duration::from_secs(60);

/// Writes events to the log.
pub(super) struct Logged {
    pace: Pace,
}

impl Logged {
    pub(super) fn new() -> Self {
        Self { pace: Pace::new(EVERY) }
    }
}

impl Observer for Logged {
    fn event(&self, event: &Event) {
        for event in self.pace.due(event) {
            log(&event);
        }
    }
}

fn log(event: &Event) {
    match event {
        Event::State { job, state, cause } => {
            tracing::info!(target: ENGINE, job, %state, cause, "the job moved");
        }
        Event::Listing { job, listed, rows } => {
            tracing::info!(target: ENGINE, job, listed, rows, "listing the bucket");
        }
        Event::Reading { job, rows } => tracing::info!(target: ENGINE, job, rows, "reading the manifest"),
        Event::Progress { job, progress } => tracing::info!(
            target: ENGINE,
            job,
            total = progress.total,
            succeeded = progress.succeeded,
            failed = progress.failed,
            "running tasks"
        ),
    }
}
