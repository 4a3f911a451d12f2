//! The Preparing stage: the whole manifest is read and checked, and spooled as chunks, before the first task runs.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use longshore_job::spec::{Location, ManifestSpec};
use longshore_job::{ObjectId, Row};
use longshore_manifest::{CHUNK_ROWS, ManifestError, Md5Reader, SpoolWriter, read_csv};
use longshore_queue::NewChunk;
use longshore_store::{Certainty, GetObject, Request, StoreError, code, transfer};
use tokio_util::sync::CancellationToken;

use crate::error::{Halt, JobFailure, RunnerError, blocking};
use crate::event::Event;
use crate::job::Job;
use crate::resolve::Resolved;

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
    let source = fetch(&job.resolved, &job.spec.manifest, &job.directory).await?;
    let reading = Reading { job: job.clone(), stop: stop.clone() };
    let path = source.path.clone();
    let prepared = blocking(move || reading.read(&path)).await?;
    if source.temporary {
        std::fs::remove_file(&source.path).map_err(RunnerError::io("remove", &source.path))?;
    }
    if prepared.is_err() {
        remove_if_there(&job.spool_path())?;
    }
    prepared
}

/// Where the manifest can be read on this machine.
pub(crate) struct Source {
    pub path: PathBuf,
    pub temporary: bool,
}

/// Brings the manifest to this machine, into `directory`, where it is not here yet.
pub(crate) async fn fetch(
    resolved: &Resolved,
    manifest: &ManifestSpec,
    directory: &Path,
) -> Result<Source, JobFailure> {
    match &manifest.location {
        Location::Local(path) => Ok(Source { path: PathBuf::from(path), temporary: false }),
        Location::S3 { bucket, key } => {
            let version_id = manifest.version_id.clone();
            let object = ObjectId { bucket: bucket.clone(), key: key.clone(), version_id };
            let path = directory.join("manifest.download");
            let downloaded = download(resolved, &object, manifest.etag.as_deref(), &path).await;
            downloaded.map_err(|error| match &manifest.etag {
                Some(etag) if error.code == code::PRECONDITION_FAILED => {
                    changed(&manifest.location.to_string(), etag, "the store has another one")
                }
                _ => {
                    let reason = format!("reading the manifest {} failed: {error}", manifest.location);
                    JobFailure::new("ManifestNotReadable", reason)
                }
            })?;
            Ok(Source { path, temporary: true })
        }
    }
}

/// Downloads what the role may read.
async fn download(
    resolved: &Resolved,
    object: &ObjectId,
    etag: Option<&str>,
    path: &Path,
) -> Result<(), StoreError> {
    let request = Request::GetObject(GetObject::new(object.clone()));
    resolved.gate.task(object.clone()).check(&request, Certainty::Exact).await?;
    transfer::download(resolved.store.as_ref(), object, etag, path).await.map(drop)
}

struct Reading {
    job: Job,
    stop: CancellationToken,
}

impl Reading {
    fn read(&self, path: &Path) -> Result<Option<Prepared>, Halt> {
        let unreadable = |error: std::io::Error| {
            JobFailure::new(
                "ManifestNotReadable",
                format!("{}: cannot read the manifest: {error}", path.display()),
            )
        };
        let file = File::open(path).map_err(unreadable)?;
        let mut content = Md5Reader::new(BufReader::with_capacity(1 << 20, file));
        let prepared = self.spool(&mut content)?;
        self.check_etag(path, content)?;
        Ok(prepared)
    }

    fn spool(&self, content: &mut impl Read) -> Result<Option<Prepared>, Halt> {
        let spec: &ManifestSpec = &self.job.spec.manifest;
        let mut spool = SpoolWriter::create(&self.job.spool_path()).map_err(RunnerError::from)?;
        let mut prepared = Prepared { chunks: Vec::new(), total: 0 };
        let mut rows: Vec<Row> = Vec::with_capacity(CHUNK_ROWS);
        for row in read_csv(content, &spec.fields, spec.keys)
            .map_err(|error| manifest_failure(&spec.location, &error))?
        {
            rows.push(row.map_err(|error| manifest_failure(&spec.location, &error))?);
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

    /// A local manifest's ETag is its MD5; a downloaded one was checked by the store.
    fn check_etag(&self, path: &Path, content: Md5Reader<impl Read>) -> Result<(), Halt> {
        let manifest = &self.job.spec.manifest;
        let (Location::Local(_), Some(expected)) = (&manifest.location, &manifest.etag) else {
            return Ok(());
        };
        let found = content.finish();
        if found.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(changed(&path.display().to_string(), expected, &format!("the file's MD5 is {found}")).into())
    }
}

/// The list is not the one that the job file means.
fn changed(list: &str, expected: &str, found: &str) -> JobFailure {
    JobFailure::new(
        "ManifestETagMismatch",
        format!(
            "{list}: the job file says the manifest's ETag is {expected}, but {found}; the list changed since the job \
             was written: check it, then correct or remove manifest.etag"
        ),
    )
}

/// What is wrong with the list at `location`.
pub(crate) fn manifest_failure(location: &Location, error: &ManifestError) -> JobFailure {
    JobFailure::new(error.code(), format!("{location}: {error}"))
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
