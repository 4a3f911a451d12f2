//! The engine of one data directory: what all of its jobs share.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_job::EngineConfig;
use longshore_queue::{Access, JobRecord, Queue};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::chunk_spool::ChunkSpool;
use crate::disk::Disk;
use crate::dispatch::Dispatcher;
use crate::error::RunnerError;
use crate::event::Observer;
use crate::execute::COMMIT_WINDOW;
use crate::schedule::slots::Slots;
use crate::store::Stores;
use crate::sweep;

/// Works through the queue of one data directory. There is one engine per data directory; a second one is refused. Cloning is
/// cheap.
#[derive(Clone)]
pub struct Engine {
    pub(crate) config: Arc<EngineConfig>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) queue: Queue,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) disk: Arc<Disk>,
    /// Whether standard input is for the manifest of a job.
    pub(crate) stdin: bool,
    pub(crate) stores: Arc<Stores>,
    /// The tasks that may run at once.
    pub(crate) slots: Arc<Slots>,
}

impl Engine {
    /// Takes hold of the data directory.
    ///
    /// # Errors
    /// If another engine holds it, or it cannot be used.
    pub fn open(
        config: EngineConfig,
        catalog: Arc<Catalog>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, RunnerError> {
        let queue = Queue::open(&config.data_path(), Access::Engine)?;
        let slots = Slots::new(count(config.engine.concurrency), COMMIT_WINDOW);
        let disk = Arc::new(Disk::new(config.data_path()));
        let stores = Arc::new(Stores::new(&config));
        let config = Arc::new(config);
        let engine = Self { config, catalog, queue, observer, disk, stdin: false, stores, slots };
        sweep::folders(&engine)?;
        Ok(engine)
    }

    /// An engine that hands its standard input to the job that wants it.
    #[must_use]
    pub fn with_stdin(self) -> Self {
        Self { stdin: true, ..self }
    }

    /// The queue this engine works on.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Takes one job to its end, or as far as it gets before `stop`. The record says how it stands.
    ///
    /// # Errors
    /// [`RunnerError::Obstacle`] if something outside the job is in its way for now; others if the engine cannot go on.
    /// The job can be taken up again in any case.
    pub async fn run(&self, id: &str, stop: &CancellationToken) -> Result<JobRecord, RunnerError> {
        sweep::buckets(self).await?;
        Dispatcher::new(self, Some(id)).run(stop, true, |_| {}).await?;
        Ok(self.queue.job(id)?)
    }

    /// Works on whatever is in the queue, several jobs at once, until `stop` or, with `until_idle`, until no job is left
    /// that it can work on. A job that meets an obstacle is held back and tried again later; others go on meanwhile.
    /// Hands the record of every job that ended to `ended`.
    ///
    /// # Errors
    /// If the engine cannot go on; with `until_idle` also the first obstacle of a job that is left.
    pub async fn work(
        &self,
        stop: &CancellationToken,
        until_idle: bool,
        ended: impl FnMut(&JobRecord),
    ) -> Result<(), RunnerError> {
        sweep::buckets(self).await?;
        Dispatcher::new(self, None).run(stop, until_idle, ended).await
    }

    /// The job's own folder.
    pub(crate) fn folder(&self, id: &str) -> PathBuf {
        self.config.spool_path().join(id)
    }

    /// Where the rows of the job's manifest are.
    pub(crate) fn chunk_spool(&self, id: &str) -> ChunkSpool {
        ChunkSpool::new((&self.config, &self.stores), id, self.folder(id))
    }
}

pub(crate) fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
