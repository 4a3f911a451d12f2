//! Where the chunks of a job are: in a file of its folder, or in a bucket.
//!
//! The configuration says where a spool begins. A spool in a bucket is noted in the job's folder, so that its segments are found
//! whatever the configuration says by then, and so that nobody removes the folder before them.

mod segments;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use longshore_job::EngineConfig;
use longshore_job::config::SpoolConfig;
use longshore_manifest::{SpoolError, SpoolReader, SpoolWriter};
use longshore_store::Store;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use self::segments::Segments;
use crate::durable::{remove_if_there, write_file};
use crate::error::{JobFailure, RunnerError};
use crate::store::Stores;

/// The chunk spool of one job. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct ChunkSpool {
    job: String,
    folder: PathBuf,
    config: Arc<EngineConfig>,
    /// Those of the jobs, too: if the bucket is in the store of one, the limits of the store hold for both.
    stores: Arc<Stores>,
}

/// Which segments a job has.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Note {
    store: String,
    bucket: String,
    prefix: String,
    attempt: String,
}

impl ChunkSpool {
    /// The spool of the job `id`, in `folder`.
    pub(crate) fn new(
        (config, stores): (&Arc<EngineConfig>, &Arc<Stores>),
        id: &str,
        folder: PathBuf,
    ) -> Self {
        let (config, stores) = (Arc::clone(config), Arc::clone(stores));
        Self { job: id.to_owned(), folder, config, stores }
    }

    /// Begins the spool, in place of what an interrupted preparation left of it. For threads that may block.
    pub(crate) fn create(&self) -> Result<SpoolWriter, RunnerError> {
        let runtime = Handle::current();
        runtime.block_on(self.remove_segments())?;
        let Some(note) = self.begin() else {
            remove_if_there(&self.note())?;
            return Ok(SpoolWriter::create(&self.file())?);
        };
        let segments = runtime.block_on(self.segments(&note))?;
        // Before the first segment, so that there is never one of which nothing is noted.
        let noted = serde_json::to_vec(&note).map_err(std::io::Error::other);
        noted
            .and_then(|note| write_file(&self.note(), &note))
            .map_err(RunnerError::io("write", &self.note()))?;
        Ok(SpoolWriter::keep_in(Box::new(segments.writer()))?)
    }

    /// Opens the spool. For threads that may block.
    pub(crate) fn open(&self) -> Result<SpoolReader, RunnerError> {
        match self.noted()? {
            Some(note) => {
                let segments = Handle::current().block_on(self.segments(&note))?;
                Ok(SpoolReader::of(Box::new(segments.reader())))
            }
            None => Ok(SpoolReader::open(&self.file())?),
        }
    }

    /// Gives up a spool that was not finished. Its segments stay until it begins again, or the job ends.
    pub(crate) fn abandon(&self) -> Result<(), RunnerError> {
        remove_if_there(&self.file())
    }

    /// Removes what the job has in a bucket.
    pub(crate) async fn remove_segments(&self) -> Result<(), RunnerError> {
        let Some(note) = self.noted()? else { return Ok(()) };
        Ok(self.segments(&note).await?.remove().await?)
    }

    /// Whether the job may have something in a bucket.
    pub(crate) fn is_in_bucket(&self) -> bool {
        self.note().exists()
    }

    /// The job's own folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self) -> PathBuf {
        self.folder.join("manifest.spool")
    }

    fn note(&self) -> PathBuf {
        self.folder.join("segments.json")
    }

    /// What is noted of a spool that begins; none if it is a file.
    fn begin(&self) -> Option<Note> {
        let Some(SpoolConfig::Bucket { store, bucket, prefix }) = &self.config.spool else { return None };
        Some(Note {
            store: store.clone(),
            bucket: bucket.clone(),
            prefix: format!("{prefix}{}/", self.job),
            attempt: uuid::Uuid::new_v4().simple().to_string(),
        })
    }

    fn noted(&self) -> Result<Option<Note>, RunnerError> {
        let path = self.note();
        let text = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(RunnerError::io("read", &path))?,
        };
        let note = serde_json::from_slice(&text).map_err(std::io::Error::other);
        note.map(Some).map_err(RunnerError::io("understand", &path))
    }

    async fn segments(&self, note: &Note) -> Result<Segments, RunnerError> {
        Ok(Segments {
            store: self.store(&note.store).await?,
            bucket: note.bucket.clone(),
            prefix: note.prefix.clone(),
            attempt: note.attempt.clone(),
        })
    }

    /// The store `name`, with the engine's own credentials: what the engine keeps there is not the role's business.
    async fn store(&self, name: &str) -> Result<Arc<dyn Store>, RunnerError> {
        let store = self.stores.get(&self.config, name).await;
        store.map(|store| store as Arc<dyn Store>).map_err(|failure| self.unavailable(name, failure))
    }

    fn unavailable(&self, store: &str, failure: JobFailure) -> RunnerError {
        let place = format!("of job {} in store {store}", self.job);
        SpoolError::Unavailable { action: "reach", place, reason: failure.reason }.into()
    }
}
