//! What the engine tells whoever watches: progress bar, JSON lines and logs are equal consumers of these.

use longshore_job::JobState;
use serde::Serialize;

/// Counters of a job at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Progress {
    /// Rows of the manifest.
    pub total: u64,
    /// Tasks that succeeded or had nothing to do, durably recorded.
    pub succeeded: u64,
    /// Tasks that failed for good, durably recorded.
    pub failed: u64,
}

impl Progress {
    /// Tasks that have a result.
    pub fn finished(self) -> u64 {
        self.succeeded + self.failed
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A job moved to another state.
    State {
        /// The job.
        job: String,
        /// Its new state.
        state: JobState,
        /// Why.
        cause: String,
    },
    /// Entries of a bucket listed so far, to generate the manifest.
    Listing {
        /// The job.
        job: String,
        /// Entries that the store listed.
        listed: u64,
        /// Those that pass the filter.
        rows: u64,
    },
    /// Rows of the manifest read so far.
    Reading {
        /// The job.
        job: String,
        /// Rows read and checked.
        rows: u64,
    },
    /// Results were committed.
    Progress {
        /// The job.
        job: String,
        /// Its counters.
        #[serde(flatten)]
        progress: Progress,
    },
}

impl Event {
    /// The job that it is about.
    pub fn job(&self) -> &str {
        match self {
            Self::State { job, .. }
            | Self::Listing { job, .. }
            | Self::Reading { job, .. }
            | Self::Progress { job, .. } => job,
        }
    }
}

/// Receives events. Called from the engine's own tasks: must return quickly and never block.
pub trait Observer: Send + Sync {
    /// One event.
    fn event(&self, event: &Event);
}
