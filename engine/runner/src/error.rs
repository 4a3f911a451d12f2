//! What can go wrong, in two kinds: the job failed, or the engine cannot go on.

use std::path::{Path, PathBuf};

use longshore_manifest::SpoolError;
use longshore_plugin::PluginError;
use longshore_queue::QueueError;

/// The code of a job whose store cannot be used.
pub const STORE_NOT_USABLE: &str = "StoreNotUsable";
/// The code of what was stopped before its end.
pub const INTERRUPTED: &str = "Interrupted";
/// The code of a job whose role cannot be used.
pub const ROLE_NOT_USABLE: &str = "RoleNotUsable";
/// The code of a job whose operation cannot be used.
pub(crate) const OPERATION_NOT_USABLE: &str = "OperationNotUsable";

/// The code of a job whose rows are out of reach.
pub const SPOOL_NOT_REACHABLE: &str = "SpoolNotReachable";
/// The code of a job whose rows were lost.
const SPOOL_DAMAGED: &str = "SpoolDamaged";

/// Why a job as a whole failed. Ends in the job's `FailureReasons`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct JobFailure {
    /// A stable code (docs/errors.md).
    pub code: String,
    /// What, where, why, and what to do.
    pub reason: String,
}

impl JobFailure {
    /// A failure with one of the engine's codes.
    pub fn new(code: &str, reason: impl Into<String>) -> Self {
        Self { code: code.to_owned(), reason: reason.into() }
    }
}

/// Why the engine itself cannot go on. The job stays as it is and can be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The queue refused or failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The plugin host could not be set up.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A file of the data directory could not be used.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Rows cannot be kept or read back.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Something outside the job is in its way for now: its store, its role, its operation.
    #[error("job {job}: {}; the job stays as it is, 'longshore start' goes on once this is mended", .failure.reason)]
    Obstacle {
        /// The job.
        job: String,
        /// What is in its way.
        failure: JobFailure,
    },
    /// Every task of a job that has no result asked to run again later.
    #[error("job {job}: its tasks run again from {until} on")]
    Waits {
        /// The job.
        job: String,
        /// When the first of them is due.
        until: jiff::Timestamp,
    },
    /// A part of the engine ended in a way it must not.
    #[error("internal error: {0}; this is a bug, please report it")]
    Internal(String),
}

impl RunnerError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }

    /// As it is for `job`: a spool that cannot be reached is in its way.
    pub(crate) fn of_job(self, job: &str) -> Self {
        match self {
            Self::Spool(error @ SpoolError::Unavailable { .. }) => {
                let failure = JobFailure::new(SPOOL_NOT_REACHABLE, error.to_string());
                Self::Obstacle { job: job.to_owned(), failure }
            }
            other => other,
        }
    }
}

/// What stops a stage before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Halt {
    /// The job fails; the engine goes on.
    #[error(transparent)]
    Job(#[from] JobFailure),
    /// The engine cannot go on; the job stays as it is.
    #[error(transparent)]
    Engine(#[from] RunnerError),
}

impl Halt {
    /// As it is for `job`: rows that are lost fail it.
    pub(crate) fn of_job(self, job: &str) -> Self {
        match self {
            Self::Engine(RunnerError::Spool(error @ SpoolError::Damaged { .. })) => {
                Self::Job(JobFailure::new(SPOOL_DAMAGED, error.to_string()))
            }
            Self::Engine(error) => Self::Engine(error.of_job(job)),
            Self::Job(failure) => Self::Job(failure),
        }
    }

    /// For whoever has no engine that goes on.
    pub(crate) fn into_failure(self) -> JobFailure {
        match self {
            Self::Job(failure) => failure,
            Self::Engine(error) => JobFailure::new("InternalError", error.to_string()),
        }
    }
}

impl From<QueueError> for Halt {
    fn from(error: QueueError) -> Self {
        Self::Engine(error.into())
    }
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunnerError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| RunnerError::Internal(error.to_string()))
}
