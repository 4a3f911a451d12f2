//! Ingestion: the sources of a manifest as one sequence of rows.
//!
//! A kind of source is one implementation of [`RowSource`] and one line in [`open`]. What follows, in this order, is the
//! same for all of them: the sample, the limit, the chunk spool. All of it blocks: sources that wait for the store do so on
//! [`Access::runtime`].

mod bytes;
mod list;
mod locate;
mod retry;
mod rows;
mod stream;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use longshore_job::Row;
use longshore_job::spec::{ManifestSpec, OnBadRow, SourceSpec};
use longshore_queue::Queue;
use tokio::runtime::Handle;

use crate::error::JobFailure;
use crate::generate::Generated;
use crate::resolve::Resolved;

pub(crate) use rows::Rows;
pub(crate) use stream::RowStream;

/// Rows from one place, in an order that does not change.
pub(crate) trait RowSource: Send {
    /// Puts the next row into `row`, whatever that held before; false after the last. Its key is written as
    /// [`SourceSpec::keys`] says.
    fn next(&mut self, row: &mut Row) -> Result<bool, JobFailure>;

    /// Called once no more rows are wanted, which may be before the last: whether the source is still what it was.
    fn finish(&mut self) -> Result<(), JobFailure>;
}

/// What sources are read with.
#[derive(Clone)]
pub(crate) struct Access {
    /// Role and store: what is read from the store, the role's policies are asked about.
    pub resolved: Resolved,
    /// The job's own folder, for what must be on this machine.
    pub directory: PathBuf,
    /// Runs what waits for the store.
    pub runtime: Handle,
    /// Whether standard input may be read: it belongs to the process that was given the job file.
    pub stdin: bool,
    /// Whether a row that names no object is a task that fails, instead of the end of the job.
    pub skip_bad_rows: bool,
    /// The moment from which the ages of objects count back: when the job was submitted.
    pub submitted: Timestamp,
    /// The queue and the job's ID in it; a manifest that is only tried has none.
    pub ledger: Option<(Queue, String)>,
}

impl Access {
    /// For the process that was given the job file. Called where the runtime is.
    pub(crate) fn from_here(resolved: &Resolved, directory: &Path, manifest: &ManifestSpec) -> Self {
        Self {
            resolved: resolved.clone(),
            directory: directory.to_owned(),
            runtime: Handle::current(),
            stdin: true,
            skip_bad_rows: manifest.on_bad_row == OnBadRow::Skip,
            submitted: Timestamp::now(),
            ledger: None,
        }
    }
}

/// Opens one source; nothing of it is read before its first row is asked for.
fn open(source: &SourceSpec, access: &Access) -> Result<Box<dyn RowSource>, JobFailure> {
    Ok(match source {
        SourceSpec::List(list) => Box::new(list::List::open(list, access)?),
        SourceSpec::Generate(spec) => Box::new(Generated::open(spec, access)?),
        SourceSpec::Retry(_) => Box::new(retry::Retried::open(access)?),
    })
}
