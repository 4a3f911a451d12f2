//! A full disk holds a job back, and never fails it.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use longshore_manifest::SpoolError;
use longshore_queue::QueueError;

use crate::durable::remove_if_there;
use crate::error::{Halt, JobFailure, RunnerError};

/// The code of a job that waits for room on a disk.
const DISK_FULL: &str = "DiskFull";

/// Room that the engine keeps for itself in the data directory, in bytes. Given up when the disk is full, so that what
/// the jobs wait for can still be written down: some transactions of a few pages each. No job goes on before there is as
/// much again, so that a disk that fills up does not have the same tasks run over and over.
const RESERVE_BYTES: usize = 1 << 20;

/// What is written to see whether there is room at all, in bytes.
const PROBE_BYTES: usize = 64 << 10;

/// The disk of the data directory.
pub(crate) struct Disk {
    directory: PathBuf,
    reserve: PathBuf,
}

impl Disk {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { reserve: directory.join("reserve"), directory }
    }

    /// Keeps room, where it is not kept already.
    pub(crate) fn reserve(&self) -> Result<(), RunnerError> {
        let kept = std::fs::metadata(&self.reserve).is_ok_and(|file| file.len() == RESERVE_BYTES as u64);
        if kept {
            return Ok(());
        }
        let written = File::create(&self.reserve).and_then(|file| fill(file, RESERVE_BYTES));
        written.map_err(|error| {
            self.release();
            RunnerError::io("keep room in", &self.reserve)(error)
        })
    }

    /// Gives the room up.
    fn release(&self) {
        if let Err(error) = remove_if_there(&self.reserve) {
            tracing::warn!("{error}");
        }
    }

    /// What is in the way of a job that this error stopped, if that is a full disk. There is then some room to note it down.
    pub(crate) fn obstacle(&self, error: &RunnerError) -> Option<JobFailure> {
        let full = is_full(error) || (hides_cause(error) && self.has_no_room());
        full.then(|| {
            self.release();
            JobFailure::new(DISK_FULL, error.to_string())
        })
    }

    fn has_no_room(&self) -> bool {
        let probed = tempfile::tempfile_in(&self.directory).and_then(|file| fill(file, PROBE_BYTES));
        probed.is_err_and(|error| no_room(&error))
    }
}

fn fill(mut file: File, bytes: usize) -> io::Result<()> {
    file.write_all(&vec![0; bytes])?;
    file.sync_all()
}

/// Whether the system refused to write for want of room or quota.
pub(crate) fn no_room(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Whether a disk is full: that of the data directory, or another that the job writes to.
pub(crate) fn is_full(error: &RunnerError) -> bool {
    match error {
        RunnerError::Queue(QueueError::DiskFull { .. }) => true,
        RunnerError::Io { source, .. } | RunnerError::Spool(SpoolError::Io { source, .. }) => no_room(source),
        _ => false,
    }
}

/// SQLite has a result code for a full disk, and none for a full quota or for an index that cannot grow.
fn hides_cause(error: &RunnerError) -> bool {
    use QueueError::{CommitUnknown, DataDir, Database};
    matches!(error, RunnerError::Queue(Database { .. } | DataDir { .. } | CommitUnknown { .. }))
}

/// Fails the job with `failure`, unless only room is missing where it writes.
pub(crate) fn unless_full(
    path: &Path,
    failure: impl FnOnce(&io::Error) -> JobFailure,
) -> impl FnOnce(io::Error) -> Halt {
    let path = path.to_owned();
    move |error| {
        if no_room(&error) { RunnerError::io("write", &path)(error).into() } else { failure(&error).into() }
    }
}
