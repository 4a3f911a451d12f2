//! The Preparing stage: the whole manifest is read and checked, and spooled as chunks, before the first task runs.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::Row;
use longshore_job::spec::{GenerateSpec, Location, SourceSpec};
use longshore_manifest::generate::ListFile;
use longshore_manifest::{CHUNK_ROWS, SpoolWriter};
use longshore_queue::{NewChunk, SavedList};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::{Halt, RunnerError, blocking};
use crate::event::Event;
use crate::generate::{self, Listed, Listing};
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
    if !generate_lists(job, stop).await? {
        return Ok(None);
    }
    let reading = Reading { job: job.clone(), stop: stop.clone() };
    let prepared = blocking(move || reading.spool(access)).await?;
    if prepared.is_err() {
        remove_if_there(&job.spool_path())?;
    }
    prepared
}

/// Lists the buckets that the manifest is generated from, and saves the lists where the job wants them. False if the engine was asked
/// to stop meanwhile.
async fn generate_lists(job: &Job, stop: &CancellationToken) -> Result<bool, Halt> {
    for (number, source) in (0..).zip(&job.spec.manifest.sources) {
        let SourceSpec::Generate(spec) = source else { continue };
        let path = generate::list_path(&job.directory, spec);
        let (observer, id) = (Arc::clone(&job.observer), job.id.clone());
        let progress = move |Listed { listed, rows }| {
            observer.event(&Event::Listing { job: id.clone(), listed, rows });
        };
        let listing = Listing {
            spec,
            gate: job.resolved.gate.clone(),
            submitted: job.submitted,
            path: &path,
            stop: stop.clone(),
            progress: Arc::new(progress),
        };
        let Some(list) = listing.run().await? else { return Ok(false) };
        if let Some(place) = &spec.save {
            save_list(job, number, spec, place, list).await?;
        }
    }
    Ok(true)
}

async fn save_list(
    job: &Job,
    number: u32,
    spec: &GenerateSpec,
    place: &Location,
    list: ListFile,
) -> Result<(), Halt> {
    if job.queue.saved_lists(&job.id)?.iter().any(|saved| saved.source == number) {
        return Ok(());
    }
    let name = if number == 0 { format!("job-{}", job.id) } else { format!("job-{}-{number}", job.id) };
    let place = place.join(&name);
    let scratch = job.directory.join("saved-list");
    let access = job.resolved.access();
    let saved = generate::save(&access, spec, list, &place, &scratch, Timestamp::now()).await?;
    let saved = SavedList { source: number, location: saved.location, etag: saved.etag };
    job.queue.set_saved_list(&job.id, &saved)?;
    Ok(())
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
