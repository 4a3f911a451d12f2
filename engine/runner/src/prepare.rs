//! The Preparing stage: the whole manifest is read and checked, and spooled as chunks, before the first task runs.

use std::path::Path;

use longshore_job::Row;
use longshore_manifest::{CHUNK_ROWS, SpoolWriter};
use longshore_queue::NewChunk;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::{Halt, RunnerError, blocking};
use crate::event::Event;
use crate::ingest::{Access, Rows};
use crate::job::Job;

/// Chunks between two progress events.
const CHUNKS_PER_EVENT: usize = 50;

/// The manifest as it stands in the spool.
pub(crate) struct Prepared {
    pub chunks: Vec<NewChunk>,
    pub total: u64,
}

/// Reads the job's manifest into its spool. `None` if the engine was asked to stop meanwhile.
pub(crate) async fn prepare(job: &Job, stop: &CancellationToken) -> Result<Option<Prepared>, Halt> {
    std::fs::create_dir_all(&job.directory)
        .map_err(RunnerError::io("create the directory", &job.directory))?;
    let access = Access {
        resolved: job.resolved.clone(),
        directory: job.directory.clone(),
        runtime: Handle::current(),
    };
    let reading = Reading { job: job.clone(), stop: stop.clone() };
    let prepared = blocking(move || reading.spool(access)).await?;
    if prepared.is_err() {
        remove_if_there(&job.spool_path())?;
    }
    prepared
}

struct Reading {
    job: Job,
    stop: CancellationToken,
}

impl Reading {
    fn spool(&self, access: Access) -> Result<Option<Prepared>, Halt> {
        let mut source = Rows::new(&self.job.spec.manifest, access);
        let mut spool = SpoolWriter::create(&self.job.spool_path()).map_err(RunnerError::from)?;
        let mut prepared = Prepared { chunks: Vec::new(), total: 0 };
        let mut rows: Vec<Row> = Vec::with_capacity(CHUNK_ROWS);
        let mut row = Row::default();
        while source.next(&mut row)? {
            rows.push(std::mem::take(&mut row));
            if rows.len() == CHUNK_ROWS {
                self.append(&mut spool, &mut rows, &mut prepared)?;
                if self.stop.is_cancelled() {
                    return Ok(None);
                }
            }
        }
        if !rows.is_empty() {
            self.append(&mut spool, &mut rows, &mut prepared)?;
        }
        spool.finish().map_err(RunnerError::from)?;
        Ok(Some(prepared))
    }

    fn append(
        &self,
        spool: &mut SpoolWriter,
        rows: &mut Vec<Row>,
        prepared: &mut Prepared,
    ) -> Result<(), RunnerError> {
        let extent = spool.append(rows)?;
        let number = u32::try_from(prepared.chunks.len())
            .map_err(|_| RunnerError::Internal("the manifest has more than 2^32 chunks".into()))?;
        prepared.chunks.push(NewChunk { number, first_row: prepared.total, extent });
        prepared.total += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        rows.clear();
        if prepared.chunks.len().is_multiple_of(CHUNKS_PER_EVENT) {
            self.job.observe(&Event::Reading { job: self.job.id.clone(), rows: prepared.total });
        }
        Ok(())
    }
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), RunnerError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(RunnerError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
