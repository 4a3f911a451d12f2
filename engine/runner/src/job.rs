//! What every stage of one job needs.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::JobSpec;
use longshore_queue::{JobRecord, Queue};

use crate::event::{Event, Observer, Progress};
use crate::resolve::Resolved;

/// One job with everything it was resolved to.
#[derive(Clone)]
pub(crate) struct Job {
    pub id: String,
    pub spec: Arc<JobSpec>,
    pub queue: Queue,
    pub observer: Arc<dyn Observer>,
    /// The job's own folder in the data directory: chunk spool, report spool.
    pub directory: PathBuf,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// Operation, role and store.
    pub resolved: Resolved,
}

impl Job {
    /// Where the rows of the manifest are spooled.
    pub(crate) fn spool_path(&self) -> PathBuf {
        self.directory.join("manifest.spool")
    }

    /// Where report rows are spooled.
    pub(crate) fn report_directory(&self) -> PathBuf {
        self.directory.join("report")
    }

    pub(crate) fn observe(&self, event: &Event) {
        self.observer.event(event);
    }

    pub(crate) fn observe_progress(&self, progress: Progress) {
        self.observe(&Event::Progress { job: self.id.clone(), progress });
    }
}

/// The counters of a stored job.
pub(crate) fn progress_of(record: &JobRecord) -> Progress {
    Progress { total: record.total_tasks.unwrap_or(0), succeeded: record.succeeded, failed: record.failed }
}
