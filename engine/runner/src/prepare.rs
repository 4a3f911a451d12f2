//! The Preparing stage: the whole manifest is read and checked, and spooled as chunks, before the first task runs.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::spec::{GenerateSpec, Location, SourceSpec};
use longshore_job::{ChunkExtent, Row};
use longshore_manifest::generate::ListFile;
use longshore_manifest::{CHUNK_ROWS, SpoolWriter};
use longshore_queue::{NewChunk, SavedList};
use tokio_util::sync::CancellationToken;

use crate::durable::{make_directory, remove_if_there};
use crate::error::{Halt, RunnerError, blocking};
use crate::event::Event;
use crate::generate::{self, Listed, Listing, saved_places};
use crate::ingest::{Access, Distinct, DistinctRows, Rows};
use crate::job::Job;

/// Chunks between two progress events.
const CHUNKS_PER_EVENT: usize = 50;

/// The manifest as it stands in the spool.
pub(crate) struct Prepared {
    pub chunks: Vec<NewChunk>,
    pub total: u64,
    pub first: Option<Row>,
}

/// Reads the job's manifest into its spool. `None` if the engine was asked to stop meanwhile.
pub(crate) async fn prepare(job: &Job, stop: &CancellationToken) -> Result<Option<Prepared>, Halt> {
    // That of all jobs first: it may be there, made by an engine that was killed before its name was durable.
    let mut folders = job.directory.parent().into_iter().chain([&*job.directory]);
    folders.try_for_each(make_directory).map_err(RunnerError::io("create the directory", &job.directory))?;
    if !generate_lists(job, stop).await? {
        return Ok(None);
    }
    let access = Access {
        stdin: job.stdin.then(Arc::default),
        submitted: job.submitted,
        ledger: Some((job.queue.clone(), job.id.clone())),
        ..Access::from_here(&job.resolved, &job.directory, &job.spec.manifest)
    };
    let reading = Reading { job: job.clone(), stop: stop.clone() };
    let prepared = blocking(move || reading.spool(access)).await?;
    if prepared.is_err() && job.queue.confirm_tenure().is_ok() {
        job.spool.abandon()?;
    }
    prepared
}

/// Lists the buckets that the manifest is generated from, and saves the lists where the job wants them. False if the engine
/// was asked to stop meanwhile.
async fn generate_lists(job: &Job, stop: &CancellationToken) -> Result<bool, Halt> {
    let role = job.resolved.role_on_store();
    let places: Vec<(Location, u32)> = saved_places(&job.spec.manifest, &job.id).collect();
    for (place, _) in &places {
        generate::check_place(&role, place).await?;
    }
    for (number, spec) in generated(job) {
        let path = generate::list_path(&job.directory, spec);
        let (observer, id) = (Arc::clone(&job.observer), job.id.clone());
        let progress = move |Listed { listed, rows }| {
            observer.event(&Event::Listing { job: id.clone(), listed, rows });
        };
        let listing = Listing {
            spec,
            role: role.clone(),
            submitted: job.submitted,
            path: &path,
            stop: stop.clone(),
            progress: Arc::new(progress),
        };
        let Some(list) = listing.run().await? else { return Ok(false) };
        generate::check_found(spec, &list)?;
        if let Some((place, _)) = places.iter().find(|(_, source)| *source == number) {
            save_list(job, number, spec, place, list).await?;
        }
    }
    Ok(true)
}

/// The sources that are generated, with their numbers in the manifest.
fn generated(job: &Job) -> impl Iterator<Item = (u32, &GenerateSpec)> {
    (0..).zip(&job.spec.manifest.sources).filter_map(|(number, source)| match source {
        SourceSpec::Generate(spec) => Some((number, &**spec)),
        SourceSpec::List(_) | SourceSpec::Retry(_) => None,
    })
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
    let scratch = tempfile::tempdir_in(&job.directory)
        .map_err(RunnerError::io("make a directory in", &job.directory))?;
    let role = job.resolved.role_on_store();
    let saved = generate::save(&role, spec, list, place, scratch.path(), Timestamp::now()).await?;
    let saved = SavedList { source: number, location: saved.location, etag: saved.etag };
    job.queue.set_saved_list(&job.id, &saved)?;
    Ok(())
}

/// Removes the lists of buckets once their rows are in the queue.
pub(crate) fn forget_lists(job: &Job) -> Result<(), RunnerError> {
    generated(job).try_for_each(|(_, spec)| remove_if_there(&generate::list_path(&job.directory, spec)))
}

struct Reading {
    job: Job,
    stop: CancellationToken,
}

impl Reading {
    fn spool(&self, access: Access) -> Result<Option<Prepared>, Halt> {
        let manifest = &self.job.spec.manifest;
        let mut spool = Spool::create(&self.job)?;
        let mut source = Rows::new(manifest, access);
        let mut row = Row::default();
        if !manifest.unique {
            while source.next(&mut row)? {
                if spool.push(&row)? && self.stop.is_cancelled() {
                    return Ok(None);
                }
            }
            return Ok(Some(spool.finish()?));
        }
        let Some(mut rows) = self.distinct(source)? else { return Ok(None) };
        while rows.next(&mut row)? {
            if spool.push(&row)? && self.stop.is_cancelled() {
                return Ok(None);
            }
        }
        Ok(Some(spool.finish()?))
    }

    /// All rows, without those that name an object which an earlier one names.
    fn distinct(&self, mut source: Rows) -> Result<Option<DistinctRows>, Halt> {
        let mut distinct = Distinct::create(&self.job.spec.manifest, &self.job.directory)?;
        let mut row = Row::default();
        let mut rows = 0_u64;
        while source.next(&mut row)? {
            rows += 1;
            if distinct.push(&row)? && self.stop.is_cancelled() {
                return Ok(None);
            }
            if rows.is_multiple_of((CHUNKS_PER_EVENT * CHUNK_ROWS) as u64) {
                self.job.observe(&Event::Reading { job: self.job.id.clone(), rows });
            }
        }
        Ok(Some(distinct.finish()?))
    }
}

/// The chunk spool of a job while it is written.
struct Spool<'a> {
    job: &'a Job,
    rows: SpoolWriter,
    prepared: Prepared,
}

impl<'a> Spool<'a> {
    fn create(job: &'a Job) -> Result<Self, RunnerError> {
        let prepared = Prepared { chunks: Vec::new(), total: 0, first: None };
        Ok(Self { job, rows: job.spool.create()?, prepared })
    }

    /// Adds a row; true if that ended a chunk.
    fn push(&mut self, row: &Row) -> Result<bool, RunnerError> {
        self.prepared.first.get_or_insert_with(|| row.clone());
        let Some(extent) = self.rows.push(row)? else { return Ok(false) };
        self.add(extent)?;
        Ok(true)
    }

    fn add(&mut self, extent: ChunkExtent) -> Result<(), RunnerError> {
        self.job.queue.confirm_tenure()?;
        let prepared = &mut self.prepared;
        let number = u32::try_from(prepared.chunks.len())
            .map_err(|_| RunnerError::Internal("the manifest has more than 2^32 chunks".into()))?;
        prepared.chunks.push(NewChunk { number, first_row: prepared.total, extent });
        prepared.total += u64::from(extent.rows);
        if prepared.chunks.len().is_multiple_of(CHUNKS_PER_EVENT) {
            self.job.observe(&Event::Reading { job: self.job.id.clone(), rows: prepared.total });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Prepared, RunnerError> {
        if let Some(extent) = self.rows.flush()? {
            self.add(extent)?;
        }
        self.rows.finish()?;
        Ok(self.prepared)
    }
}
