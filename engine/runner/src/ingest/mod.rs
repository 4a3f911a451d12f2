//! Ingestion: the sources of a manifest as one sequence of rows.
//!
//! A kind of source is one implementation of [`RowSource`] and one line in [`open`]. What follows, in this order, is the
//! same for all of them: the sample, the limit, the chunk spool. All of it blocks: sources that wait for the store do so on
//! [`Access::runtime`].

mod bytes;
mod distinct;
mod list;
mod locate;
mod reader;
mod retry;
mod rows;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::Row;
use longshore_job::spec::{ManifestSpec, OnBadRow, SourceSpec};
use longshore_manifest::ManifestError;
use longshore_queue::Queue;
use tokio::runtime::Handle;

use crate::error::{JobFailure, STORE_NOT_USABLE};
use crate::generate::Generated;
use crate::resolve::{Resolved, RoleOnStore};

pub(crate) use distinct::{Distinct, DistinctRows};
pub use reader::{ManifestAccess, ManifestReader, Watch};
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

/// Is told what is found in lists while they are read. Called from the thread that reads.
pub trait Witness: Send + Sync {
    /// Something is wrong with a row of `file` or with all of it.
    fn problem(&self, file: &str, problem: &ManifestError);

    /// A file of rows was read to its end, and has not changed meanwhile.
    fn file(&self, file: ReadFile<'_>);
}

/// A file that was read.
#[derive(Debug, Clone, Copy)]
pub struct ReadFile<'a> {
    /// As messages name it.
    pub name: &'a str,
    /// Its size in bytes, as it is stored.
    pub bytes: u64,
    /// The ETag that a job file could demand of it; empty if the store tells none.
    pub etag: &'a str,
}

/// What sources are read with.
#[derive(Clone)]
pub(crate) struct Access {
    /// Role and store: what is read from the store, the role's policies are asked about. None where nothing is.
    pub role: Option<RoleOnStore>,
    /// The job's own folder, for what must be on this machine.
    pub directory: PathBuf,
    /// Runs what waits for the store.
    pub runtime: Handle,
    /// What was taken of standard input already; none if it may not be read: it belongs to the process that was given the
    /// job file.
    pub stdin: Option<Arc<[u8]>>,
    /// Whether a row that names no object is a task that fails, instead of the end of the job.
    pub skip_bad_rows: bool,
    /// The moment from which the ages of objects count back: when the job was submitted.
    pub submitted: Timestamp,
    /// The queue and the job's ID in it; a manifest that is only tried has none.
    pub ledger: Option<(Queue, String)>,
    /// Is told what is found in the lists.
    pub witness: Option<Arc<dyn Witness>>,
}

impl Access {
    /// For the process that was given the job file. Called where the runtime is.
    pub(crate) fn from_here(resolved: &Resolved, directory: &Path, manifest: &ManifestSpec) -> Self {
        Self {
            role: Some(resolved.role_on_store()),
            directory: directory.to_owned(),
            runtime: Handle::current(),
            stdin: Some(Arc::default()),
            skip_bad_rows: manifest.on_bad_row == OnBadRow::Skip,
            submitted: Timestamp::now(),
            ledger: None,
            witness: None,
        }
    }

    /// Role and store.
    pub(crate) fn role(&self) -> Result<&RoleOnStore, JobFailure> {
        let none = || JobFailure::new(STORE_NOT_USABLE, "no store was named to read the manifest from");
        self.role.as_ref().ok_or_else(none)
    }

    fn tell(&self, file: &str, problem: &ManifestError) {
        if let Some(witness) = &self.witness {
            witness.problem(file, problem);
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
