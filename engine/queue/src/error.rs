//! What the queue can refuse or fail with.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use longshore_job::JobState;
use rusqlite::{ErrorCode, ffi};

use crate::schema::{BUSY_TIMEOUT, VERSION};

/// Why the queue did not do what it was asked. Unless a message says otherwise, nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// The data directory, or a file in it, cannot be made or used.
    #[error("cannot use the data directory: {}: {source}; it must be a directory in which this user may write", .path.display())]
    DataDir {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Another engine works on this data directory.
    #[error(
        "another engine{} works on {}; only one may: stop it, or submit jobs to it",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), .path.display()
    )]
    Busy {
        /// The data directory.
        path: PathBuf,
        /// Its process ID, if it is known.
        pid: Option<u32>,
    },
    /// Another engine has taken this data directory over while this one thought it had it.
    #[error("another engine took over {}; this one may not write any more: stop it", .path.display())]
    Fenced {
        /// The database file.
        path: PathBuf,
    },
    /// The database was made by a newer version of Longshore.
    #[error(
        "{} has schema version {found}, this program knows up to {VERSION}; \
         use the version of Longshore that wrote it, or a newer one", .path.display()
    )]
    SchemaNewer {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
    },
    /// The database belongs to some other program.
    #[error("{} is a SQLite database, but not a Longshore queue; use another data directory", .path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// Another process kept the database locked for too long.
    #[error(
        "cannot {doing}: {} was locked by another process for {} s; try again, and look for a program that keeps it open",
        .path.display(), BUSY_TIMEOUT.as_secs()
    )]
    Locked {
        /// The database file.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
    },
    /// No room on the disk.
    #[error("cannot {doing}: the disk of {} is full; make room and try again", .path.display())]
    DiskFull {
        /// The database file.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
    },
    /// The database holds something that Longshore did not write.
    #[error(
        "cannot {doing}: {} is damaged: {detail}; \
         stop the engine and recover the file (sqlite3 .recover) or restore it from a copy", .path.display()
    )]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What was found.
        detail: String,
    },
    /// SQLite failed in some other way.
    #[error("cannot {doing} in {}: {source}", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// A commit failed, and whether it took effect could not be read back.
    #[error(
        "cannot {doing} in {}: the commit failed ({source}) and may or may not have taken effect; \
         look at the job before you repeat it", .path.display()
    )]
    CommitUnknown {
        /// The database file.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said to the commit.
        source: Arc<rusqlite::Error>,
    },
    /// The queue's writer is gone; the process is ending.
    #[error("cannot {doing}: the queue is shut down")]
    Stopped {
        /// What was attempted.
        doing: &'static str,
    },
    /// Only the engine may do this.
    #[error("cannot {doing}: the queue was opened beside an engine, not by it")]
    NotEngine {
        /// What was attempted.
        doing: &'static str,
    },
    /// No such job.
    #[error("no job has the ID {id:?}; give the full ID or its first {MIN_PREFIX} or more characters")]
    NotFound {
        /// What was asked for.
        id: String,
    },
    /// A job comes after one that there is not.
    #[error(
        "the job is to run after {name:?}, and no job has that ID or client token; submit the other job first, or \
         name one of 'longshore list'"
    )]
    UnknownDependency {
        /// What was asked for.
        name: String,
    },
    /// Several jobs start with these characters.
    #[error("{prefix:?} is the start of several job IDs ({}); give more of it", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// Some of the jobs.
        candidates: Vec<String>,
    },
    /// The job is not in the state that this needs.
    #[error("job {id} is {found}; only a job that is {needed} may {doing}")]
    State {
        /// The job.
        id: String,
        /// Its state.
        found: JobState,
        /// The states that it would have to be in.
        needed: String,
        /// What was attempted.
        doing: &'static str,
    },
    /// There is no such transition.
    #[error("a job cannot move from {from} to {to}")]
    Transition {
        /// From.
        from: JobState,
        /// To.
        to: JobState,
    },
    /// A client token came back with another job.
    #[error(
        "client token {token:?} belongs to job {id}, which is another one than this; use a new token for a new job"
    )]
    TokenReused {
        /// The token.
        token: String,
        /// The job that has it.
        id: String,
    },
    /// A job with this ID exists.
    #[error("there is a job {id} already; job IDs are never used twice")]
    IdTaken {
        /// The ID.
        id: String,
    },
    /// A job of which no task failed cannot be retried.
    #[error("no task of job {id} failed: there is nothing to retry{}", rows_gone(*.not_run))]
    NothingFailed {
        /// The job.
        id: String,
        /// How many of its tasks did not run.
        not_run: u64,
    },
    /// No failed task that a retry asks for has a row that names an object.
    #[error(
        "the failed tasks of job {id} that are asked for have rows that name no object: running them again cannot help; \
         correct the manifest and submit the job again"
    )]
    OnlyBadRows {
        /// The job.
        id: String,
    },
    /// No task of the job failed with these codes.
    #[error("no task of job {id} failed with {}; its tasks failed with {}", .unknown.join(" or "), counted(.known))]
    UnknownCode {
        /// The job.
        id: String,
        /// Codes and HTTP statuses that were asked for.
        unknown: Vec<String>,
        /// Codes with HTTP statuses that there are, and how often.
        known: Vec<(String, u64)>,
    },
    /// A query that SQLite does not understand, or cannot do.
    #[error("the query cannot be answered: {message}{place}")]
    Sql {
        /// What SQLite said.
        message: String,
        /// Where in the query, if it is known.
        place: String,
    },
    /// SQL that is not one query.
    #[error(
        "this is not one query: give one SELECT statement; the queue is only read this way, and changed by the other \
         commands"
    )]
    NoQuery,
    /// A query that took too long.
    #[error(
        "the query was stopped after {} s: while it runs, the engine's log cannot be reset; ask for less, give it more time, or \
         query a copy of the database", .time.as_secs_f64()
    )]
    QueryTooSlow {
        /// How long it was allowed to take.
        time: Duration,
    },
    /// A query whose answer does not fit into memory.
    #[error(
        "the answer has more than {mebibytes} MiB; ask for less, or query the database file with another program"
    )]
    AnswerTooLarge {
        /// How much may be.
        mebibytes: usize,
    },
    /// The job has no such chunk.
    #[error("job {id} has no chunk {chunk}")]
    NoChunk {
        /// The job.
        id: String,
        /// The chunk's number.
        chunk: u32,
    },
    /// A chunk cannot be closed before all of its tasks have a result.
    #[error("chunk {chunk} of job {id} cannot be closed: {missing} of its tasks have no result")]
    Unfinished {
        /// The job.
        id: String,
        /// The chunk's number.
        chunk: u32,
        /// How many tasks have no result.
        missing: u32,
    },
    /// The caller gave values that do not fit together; a fault of the program.
    #[error("cannot {doing}: {detail}; this is a bug, please report it")]
    Invalid {
        /// What was attempted.
        doing: &'static str,
        /// What does not fit.
        detail: String,
    },
}

fn rows_gone(tasks: u64) -> String {
    if tasks == 0 {
        return String::new();
    }
    format!(
        "; {tasks} of its tasks did not run, and their rows went with the end of the job: 'longshore clone' reads the \
         manifest anew"
    )
}

fn counted(codes: &[(String, u64)]) -> String {
    let shown: Vec<String> = codes.iter().map(|(code, tasks)| format!("{code} ({tasks})")).collect();
    shown.join(", ")
}

/// Fewest characters of a job's ID that may stand for it.
pub(crate) const MIN_PREFIX: usize = 4;

/// What a step inside a transaction ends with when it does not succeed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite failed; the edge says in doing what.
    Sql(rusqlite::Error),
    /// The step was refused.
    Refused(QueueError),
}

/// The result of a step inside a transaction.
pub(crate) type Step<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<QueueError> for Fault {
    fn from(error: QueueError) -> Self {
        Self::Refused(error)
    }
}

impl Fault {
    /// The error for the caller.
    pub(crate) fn explain(self, path: &Path, doing: &'static str) -> QueueError {
        match self {
            Self::Refused(error) => error,
            Self::Sql(error) => explain(error, path, doing),
        }
    }
}

fn explain(error: rusqlite::Error, path: &Path, doing: &'static str) -> QueueError {
    let path = path.to_owned();
    let code = error.sqlite_error_code();
    // The index that connections share is a file of its own, and SQLite does not say why it cannot grow.
    let is_index = error.sqlite_error().is_some_and(|known| known.extended_code == ffi::SQLITE_IOERR_SHMSIZE);
    match code {
        _ if is_index && !has_room_beside(&path) => QueueError::DiskFull { path, doing },
        Some(ErrorCode::DiskFull) => QueueError::DiskFull { path, doing },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => QueueError::Locked { path, doing },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            QueueError::Corrupt { path, doing, detail: error.to_string() }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            QueueError::DataDir { path, source: Arc::new(io::Error::other(error)) }
        }
        None if is_unreadable(&error) => QueueError::Corrupt { path, doing, detail: error.to_string() },
        _ => QueueError::Database { path, doing, source: Arc::new(error) },
    }
}

/// Whether another file in the directory of this one could have the size of an index.
fn has_room_beside(path: &Path) -> bool {
    const INDEX_BYTES: usize = 32 << 10;
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = tempfile::tempfile_in(directory).and_then(|mut file| file.write_all(&vec![0; INDEX_BYTES]));
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    written.map_or_else(|error| !full.contains(&error.kind()), |()| true)
}

/// Whether a value was stored that no version of this schema writes.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite's result codes become for the user; the other errors are in the tests of what raises them.
    #[test]
    fn sqlite_errors_in_words() {
        let codes = [
            ffi::SQLITE_FULL,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_IOERR,
        ];
        let sqlite = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let (path, doing) = (PathBuf::from("DATA/queue.db"), "record results");
        let mut words: Vec<String> =
            codes.iter().map(|code| explain(sqlite(*code), &path, doing).to_string()).collect();
        let source = Arc::new(sqlite(ffi::SQLITE_IOERR));
        words.push(QueueError::CommitUnknown { path, doing, source }.to_string());
        words.push(QueueError::Stopped { doing }.to_string());
        insta::assert_snapshot!(words.join("\n"));
    }
}
