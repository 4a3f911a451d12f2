//! What every stage of one job needs.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_job::report::TaskStatus;
use longshore_job::{EngineConfig, JobSpec};
use longshore_queue::{JobRecord, Queue};
use tokio_util::sync::CancellationToken;

use crate::chunk_spool::ChunkSpool;
use crate::error::RunnerError;
use crate::event::{Event, Observer, Progress};
use crate::resolve::Resolved;
use crate::schedule::slots::Seat;
use crate::spool;

/// A job's books: its place in the queue and its folder. They can be kept and closed without operation, role and store.
#[derive(Clone)]
pub(crate) struct Books {
    pub id: String,
    pub spec: Arc<JobSpec>,
    pub queue: Queue,
    /// The job's own folder in the data directory.
    pub directory: PathBuf,
    /// Where the rows of its manifest are.
    pub spool: ChunkSpool,
}

/// One job with everything it was resolved to.
#[derive(Clone)]
pub(crate) struct Job {
    pub books: Books,
    pub observer: Arc<dyn Observer>,
    /// Whether standard input is the job's to read.
    pub stdin: bool,
    /// Its right to run tasks.
    pub seat: Arc<Seat>,
    /// It makes way for another, or the engine stops: no further task begins.
    pub displaced: CancellationToken,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// How long running tasks may go on once the engine is asked to stop.
    pub drain: Duration,
    /// Operation, role and store.
    pub resolved: Resolved,
}

impl Books {
    /// Where report rows are spooled.
    pub(crate) fn report_directory(&self) -> PathBuf {
        report_directory(&self.directory)
    }
}

/// Where report rows are spooled, in a job's folder.
fn report_directory(folder: &Path) -> PathBuf {
    folder.join("report")
}

/// Whether the job ended with rows that its report should hold and does not: they are only in its folder.
pub(crate) fn owes_report(record: &JobRecord) -> bool {
    record.spec.report.is_some() && record.report.is_none() && record.succeeded + record.failed > 0
}

/// The result rows of a job whose report could not be written: CSV files without header, in the columns of the report.
///
/// # Errors
/// If the queue cannot be read.
pub fn kept_rows(
    config: &EngineConfig,
    queue: &Queue,
    record: &JobRecord,
) -> Result<Vec<(TaskStatus, PathBuf)>, RunnerError> {
    if !owes_report(record) {
        return Ok(Vec::new());
    }
    let marks = queue.report_marks(&record.id)?;
    let folder = report_directory(&config.spool_path().join(&record.id));
    let kept = [(TaskStatus::Succeeded, &marks.succeeded), (TaskStatus::Failed, &marks.failed)];
    let files = kept.into_iter().flat_map(|(status, mark)| {
        spool::parts(&folder, status, mark).into_iter().map(move |(_, path)| (status, path))
    });
    Ok(files.collect())
}

/// Removes what a job that has ended has in a bucket, and then its folder. False if the bucket cannot be used: that keeps nobody
/// waiting, and the next start removes what is left.
pub(crate) async fn clean_up(spool: &ChunkSpool, record: &JobRecord) -> Result<bool, RunnerError> {
    match spool.remove_segments().await {
        Err(RunnerError::Spool(error)) => {
            tracing::warn!(
                job = record.id,
                %error,
                "rows of a job that has ended are left in a bucket; the next start of the engine removes them"
            );
            Ok(false)
        }
        removed => removed.and_then(|()| remove_folder(spool.folder(), record)).map(|()| true),
    }
}

/// Removes the folder of a job that has ended, but for the rows of a report that could not be written.
pub(crate) fn remove_folder(folder: &Path, record: &JobRecord) -> Result<(), RunnerError> {
    if !owes_report(record) {
        return unless_absent(std::fs::remove_dir_all(folder), folder);
    }
    let kept = report_directory(folder);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        absent => return unless_absent(absent.map(drop), folder),
    };
    for entry in entries {
        let path = entry.map_err(RunnerError::io("list", folder))?.path();
        if path != kept {
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            unless_absent(removed, &path)?;
        }
    }
    Ok(())
}

fn unless_absent(removed: std::io::Result<()>, path: &Path) -> Result<(), RunnerError> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(RunnerError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

impl Deref for Job {
    type Target = Books;

    fn deref(&self) -> &Books {
        &self.books
    }
}

impl Job {
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
