//! The report spool: result rows on local disk, in files that are uploaded once the job is done.
//!
//! Rows are appended and synced first, then the queue stores how far each file is valid, in the transaction that closes
//! the chunk. After a crash the files are cut back to those marks, so a row is never there twice.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use longshore_job::report::{TaskStatus, push_result_row};
use longshore_job::spec::ReportScope;
use longshore_job::{Outcome, Row};
use longshore_manifest::sync_name;
use longshore_queue::{FileMark, ReportMarks};

use crate::durable::make_directory;
use crate::error::RunnerError;

/// A result file is not continued once it has this many bytes: small enough to be uploaded in one request from memory.
const PART_BYTES: u64 = 32 << 20;

/// Appends the rows of finished tasks.
pub(crate) struct ReportSpool {
    scope: ReportScope,
    succeeded: ResultFile,
    failed: ResultFile,
}

impl ReportSpool {
    /// Opens the spool in `directory` and cuts it back to `marks`.
    pub(crate) fn open(
        directory: &Path,
        scope: ReportScope,
        marks: &ReportMarks,
    ) -> Result<Self, RunnerError> {
        make_directory(directory).map_err(RunnerError::io("create the directory", directory))?;
        Ok(Self {
            scope,
            succeeded: ResultFile::open(directory, TaskStatus::Succeeded, &marks.succeeded)?,
            failed: ResultFile::open(directory, TaskStatus::Failed, &marks.failed)?,
        })
    }

    /// Appends one row for each outcome, in the order given. Not durable before [`ReportSpool::sync`].
    pub(crate) fn append<'a>(
        &mut self,
        outcomes: impl Iterator<Item = (&'a Row, Outcome)>,
    ) -> Result<(), RunnerError> {
        let (mut succeeded, mut failed) = (String::new(), String::new());
        for (row, outcome) in outcomes {
            match (TaskStatus::of(&outcome), self.scope) {
                (TaskStatus::Failed, _) => push_result_row(&mut failed, row, &outcome),
                (TaskStatus::Succeeded, ReportScope::AllTasks) => {
                    push_result_row(&mut succeeded, row, &outcome)
                }
                (TaskStatus::Succeeded, ReportScope::FailedTasksOnly) => {}
            }
        }
        self.succeeded.append(&succeeded)?;
        self.failed.append(&failed)
    }

    /// Makes everything appended durable and says how far the files go.
    pub(crate) fn sync(&mut self) -> Result<ReportMarks, RunnerError> {
        Ok(ReportMarks { succeeded: self.succeeded.sync()?, failed: self.failed.sync()? })
    }
}

/// The first `bytes` of the file at `path`, as a file of its own in its place. An engine that was replaced and does not know
/// it yet still has the other one open: what it writes there is in nobody's way.
fn continued(directory: &Path, path: &Path, bytes: u64) -> Result<File, RunnerError> {
    let failed = |error| RunnerError::io("continue the report", path)(error);
    let mut copy = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    let source = File::open(path).map_err(failed)?;
    std::io::copy(&mut source.take(bytes), copy.as_file_mut()).map_err(failed)?;
    copy.as_file().sync_all().map_err(failed)?;
    let file = copy.persist(path).map_err(|error| failed(error.error))?;
    // Without this a power loss could bring back the old file, which lacks what is written from now on.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(file)
}

/// The result files of `status` that `marks` vouch for, by part.
pub(crate) fn parts(directory: &Path, status: TaskStatus, mark: &FileMark) -> Vec<(u32, PathBuf)> {
    let last = if mark.bytes > 0 { mark.part + 1 } else { mark.part };
    (0..last).map(|part| (part, part_path(directory, status, part))).collect()
}

fn part_path(directory: &Path, status: TaskStatus, part: u32) -> PathBuf {
    directory.join(format!("{}-{part:05}.csv", status.name()))
}

struct ResultFile {
    directory: PathBuf,
    status: TaskStatus,
    mark: FileMark,
    file: File,
    path: PathBuf,
    dirty: bool,
}

impl ResultFile {
    fn open(directory: &Path, status: TaskStatus, mark: &FileMark) -> Result<Self, RunnerError> {
        let path = part_path(directory, status, mark.part);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(RunnerError::io("open", &path))?;
        sync_name(&path).map_err(RunnerError::io("sync the directory of", &path))?;
        let length = file.metadata().map_err(RunnerError::io("read", &path))?.len();
        if length < mark.bytes {
            let missing = std::io::Error::other(format!(
                "it has {length} bytes, the queue vouches for {}; rows of the report were lost",
                mark.bytes
            ));
            return Err(RunnerError::io("continue the report", &path)(missing));
        }
        if length > 0 {
            file = continued(directory, &path, mark.bytes)?;
        }
        file.seek(SeekFrom::End(0)).map_err(RunnerError::io("seek", &path))?;
        Ok(Self { directory: directory.to_owned(), status, mark: mark.clone(), file, path, dirty: false })
    }

    fn append(&mut self, rows: &str) -> Result<(), RunnerError> {
        if rows.is_empty() {
            return Ok(());
        }
        if self.mark.bytes >= PART_BYTES {
            self.sync()?;
            let next = FileMark { part: self.mark.part + 1, bytes: 0 };
            *self = Self::open(&self.directory, self.status, &next)?;
        }
        self.file.write_all(rows.as_bytes()).map_err(RunnerError::io("write", &self.path))?;
        self.mark.bytes += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        self.dirty = true;
        Ok(())
    }

    fn sync(&mut self) -> Result<FileMark, RunnerError> {
        if std::mem::take(&mut self.dirty) {
            self.file.sync_data().map_err(RunnerError::io("sync", &self.path))?;
        }
        Ok(self.mark.clone())
    }
}
