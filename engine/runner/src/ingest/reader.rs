//! The rows of a manifest without a job, for commands.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use longshore_job::spec::{Location, ManifestSpec, OnBadRow, Origin};
use longshore_job::{EngineConfig, Row};
use longshore_manifest::{CHUNK_ROWS, GUESS_BYTES, ListStart, decompressed};
use longshore_store::StoreError;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::distinct::{Distinct, DistinctRows};
use super::{Access, Rows, Witness, bytes};
use crate::error::{INTERRUPTED, JobFailure, RunnerError, STORE_NOT_USABLE};
use crate::resolve::RoleOnStore;

/// Name of the role session that reads the lists.
const SESSION: &str = "manifest";

/// What manifests are read with. Made where the runtime is; everything else here blocks.
pub struct ManifestAccess {
    access: Access,
}

impl ManifestAccess {
    /// For local lists and standard input. `scratch` takes what must be on this machine.
    pub fn local(scratch: &Path) -> Self {
        Self {
            access: Access {
                role: None,
                directory: scratch.to_owned(),
                runtime: Handle::current(),
                stdin: Some(Arc::default()),
                skip_bad_rows: false,
                submitted: Timestamp::now(),
                ledger: None,
                witness: None,
            },
        }
    }

    /// For lists in a store, too: the role's policies are asked whether they may be read.
    ///
    /// # Errors
    /// Role or store cannot be used, or the store does not answer.
    pub async fn with_store(
        mut self,
        config: &EngineConfig,
        role: &str,
        store: &str,
    ) -> Result<Self, JobFailure> {
        let role = RoleOnStore::find(config, (role, store), SESSION).await?;
        let unusable = |error: StoreError| JobFailure::new(STORE_NOT_USABLE, error.to_string());
        role.store.check_reachable(None).await.map_err(unusable)?;
        self.access.role = Some(role);
        Ok(self)
    }

    /// The start of a list, to guess its format by. Of standard input nothing is lost.
    ///
    /// # Errors
    /// The list cannot be read.
    pub fn start(&mut self, origin: &Origin) -> Result<ListStart, JobFailure> {
        let content = bytes::open(origin, None, None, false, &self.access)?;
        let pin = content.pin;
        let taken = Arc::new(Mutex::new(Vec::new()));
        let tee = Tee { source: content.reader, taken: Arc::clone(&taken) };
        let broken = |error: &io::Error| super::list::broken(&pin, error);
        let (mut text, compression) = decompressed(tee).map_err(|error| broken(&error))?;
        let mut start = Vec::with_capacity(GUESS_BYTES);
        let ended = fill(&mut *text, &mut start);
        if let Err(error) = &ended
            && let Some(failure) = pin.broken(error)
        {
            return Err(failure);
        }
        if *origin == Origin::Stdin {
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            self.access.stdin = Some(std::mem::take(&mut *taken).into());
        }
        let file = match origin {
            Origin::At(Location::Local(path)) => File::open(path).ok(),
            _ => None,
        };
        // What is damaged is whole as far as it can be seen; its reader says what is wrong with it.
        Ok(ListStart::new(start, ended.unwrap_or(true), compression, file.as_ref()))
    }
}

/// Reads until `start` is full; true if the list ends before.
fn fill(text: &mut dyn Read, start: &mut Vec<u8>) -> io::Result<bool> {
    text.take(GUESS_BYTES as u64).read_to_end(start)?;
    Ok(start.len() < GUESS_BYTES)
}

/// Remembers what was read: standard input is there only once.
struct Tee {
    source: Box<dyn Read + Send>,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend_from_slice(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// Who watches while a manifest is read.
#[derive(Clone)]
pub struct Watch {
    /// Ends the reading.
    pub stop: CancellationToken,
    /// Is told how many rows were read, now and then.
    pub progress: Arc<dyn Fn(u64) + Send + Sync>,
    /// Is told what is found in the lists.
    pub witness: Option<Arc<dyn Witness>>,
}

/// The rows of a manifest: the very rows that would be the tasks of a job.
pub struct ManifestReader {
    rows: Source,
    watch: Watch,
    read: u64,
}

enum Source {
    Rows(Box<Rows>),
    /// Rows that are not read yet, and those that were.
    Waiting(Box<(Rows, Distinct)>),
    Distinct(Box<DistinctRows>),
    Ended,
}

impl ManifestReader {
    /// Opens nothing yet. What standard input gave to [`ManifestAccess::start`] comes first.
    ///
    /// # Errors
    /// Nothing can be kept on this machine.
    pub fn new(manifest: &ManifestSpec, access: &ManifestAccess, watch: Watch) -> Result<Self, JobFailure> {
        let access = Access {
            skip_bad_rows: manifest.on_bad_row == OnBadRow::Skip,
            witness: watch.witness.clone(),
            ..access.access.clone()
        };
        let distinct = manifest.unique.then(|| Distinct::create(manifest, &access.directory)).transpose();
        let distinct = distinct.map_err(|error| unkept(&error))?;
        let rows = Rows::new(manifest, access);
        let rows = match distinct {
            Some(distinct) => Source::Waiting(Box::new((rows, distinct))),
            None => Source::Rows(Box::new(rows)),
        };
        Ok(Self { rows, watch, read: 0 })
    }

    /// Puts the next row into `row`; false after the last. Its key is written as [`ManifestSpec::keys`] says.
    ///
    /// # Errors
    /// What a job would fail with, or [`INTERRUPTED`].
    pub fn next(&mut self, row: &mut Row) -> Result<bool, JobFailure> {
        loop {
            self.tick()?;
            let distinct = match &mut self.rows {
                Source::Rows(rows) => return rows.next(row),
                Source::Distinct(rows) => return rows.next(row).map_err(|error| unkept(&error)),
                Source::Waiting(waiting) => {
                    let (rows, distinct) = &mut **waiting;
                    if rows.next(row)? {
                        distinct.push(row).map_err(|error| unkept(&error))?;
                        continue;
                    }
                    std::mem::replace(&mut self.rows, Source::Ended)
                }
                Source::Ended => return Ok(false),
            };
            let Source::Waiting(waiting) = distinct else { return Ok(false) };
            let rows = waiting.1.finish().map_err(|error| unkept(&error))?;
            self.rows = Source::Distinct(Box::new(rows));
        }
    }

    fn tick(&mut self) -> Result<(), JobFailure> {
        self.read += 1;
        if !self.read.is_multiple_of(CHUNK_ROWS as u64) {
            return Ok(());
        }
        (self.watch.progress)(self.read);
        if self.watch.stop.is_cancelled() {
            return Err(JobFailure::new(INTERRUPTED, "stopped before the end"));
        }
        Ok(())
    }
}

fn unkept(error: &RunnerError) -> JobFailure {
    JobFailure::new("InternalError", error.to_string())
}
