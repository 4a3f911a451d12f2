//! The engine: which job is next, and the loop that takes a job through its stages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use longshore_job::{EngineConfig, JobSpec, JobState};
use longshore_queue::{Access, JobRecord, Queue};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::chunk_spool::ChunkSpool;
use crate::close::{close_started_chunks, in_a_cause};
use crate::error::{Halt, JobFailure, OPERATION_NOT_USABLE, RunnerError, STORE_NOT_USABLE};
use crate::event::{Event, Observer};
use crate::held::Held;
use crate::job::{Books, Job, clean_up};
use crate::resolve::Resolved;
use crate::stages;
use crate::sweep;

/// How often an idle engine looks for new jobs.
const IDLE_POLL: Duration = Duration::from_millis(500);

/// Works through the queue of one data directory. There is one engine per data directory; a second one is refused.
pub struct Engine {
    config: EngineConfig,
    catalog: Arc<Catalog>,
    queue: Queue,
    observer: Arc<dyn Observer>,
    /// Whether standard input is for the manifest of a job.
    stdin: bool,
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
        let engine = Self { config, catalog, queue, observer, stdin: false };
        sweep::folders(&engine.config, &engine.queue)?;
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
        sweep::buckets(&self.config, &self.queue).await?;
        self.advance(id, stop).await
    }

    async fn advance(&self, id: &str, stop: &CancellationToken) -> Result<JobRecord, RunnerError> {
        let mut resolved: Option<Job> = None;
        loop {
            let record = self.queue.job(id)?;
            if record.state.is_terminal() || record.state.waits_for_user() || stop.is_cancelled() {
                return Ok(record);
            }
            let job = match resolved.take() {
                Some(job) => job,
                None => match self.resolve(&record).await {
                    Ok(job) => job,
                    Err(Halt::Job(failure)) => {
                        self.do_without(&record, failure).await?;
                        continue;
                    }
                    Err(Halt::Engine(error)) => return Err(error),
                },
            };
            if record.obstacle.is_some() {
                self.queue.set_obstacle(id, None)?;
            }
            match stages::advance(&job, &record, stop).await {
                Ok(true) => resolved = Some(job),
                Ok(false) => return Ok(self.queue.job(id)?),
                Err(RunnerError::Obstacle { failure, .. }) => return Err(self.hold(id, failure)?),
                Err(error) => return Err(error),
            }
        }
    }

    /// Works on whatever is in the queue, highest priority first, until `stop` or, with `until_idle`, until no job is left
    /// that it can work on. A job that meets an obstacle is held back and tried again later; others go on meanwhile.
    /// Hands the record of every job that ended to `ended`.
    ///
    /// # Errors
    /// If the engine cannot go on; with `until_idle` also the first obstacle of a job that is left.
    pub async fn work(
        &self,
        stop: &CancellationToken,
        until_idle: bool,
        mut ended: impl FnMut(&JobRecord),
    ) -> Result<(), RunnerError> {
        sweep::buckets(&self.config, &self.queue).await?;
        let mut held = Held::default();
        while !stop.is_cancelled() {
            let runnable = self.queue.runnable()?;
            let next = runnable.iter().find(|record| held.is_due(record, Instant::now()));
            match next {
                Some(next) => match self.advance(&next.id, stop).await {
                    Ok(record) => {
                        held.release(&record.id);
                        if record.state.is_terminal() {
                            ended(&record);
                        }
                    }
                    Err(obstacle @ RunnerError::Obstacle { .. }) => {
                        held.hold(&next.id, obstacle, Instant::now());
                    }
                    Err(error) => return Err(error),
                },
                None if until_idle => return held.first_of(&runnable),
                None => tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(IDLE_POLL) => {}
                },
            }
        }
        Ok(())
    }

    /// Finds everything the job names: operation, role, store.
    async fn resolve(&self, record: &JobRecord) -> Result<Job, Halt> {
        let spec = Arc::new(record.spec.clone());
        let resolved =
            Resolved::find(&self.config, &self.catalog, &spec, &record.plugin_digest, &record.id).await?;
        self.check_store(record, &resolved).await?;
        let (digest, documents) = (&resolved.policy_digest, &resolved.policy_documents);
        self.queue.set_policies(&record.id, digest, documents, Timestamp::now())?;
        Ok(Job {
            books: self.books(record, spec, Some(&resolved)),
            observer: Arc::clone(&self.observer),
            stdin: self.stdin,
            submitted: record.created_at,
            resolved,
        })
    }

    fn books(&self, record: &JobRecord, spec: Arc<JobSpec>, resolved: Option<&Resolved>) -> Books {
        let directory = self.config.spool_path().join(&record.id);
        let spool = ChunkSpool::new(&self.config, &record.id, &directory);
        let spool = match resolved {
            Some(resolved) => spool.sharing(&spec, &resolved.store),
            None => spool,
        };
        Books { id: record.id.clone(), spec, queue: self.queue.clone(), directory, spool }
    }

    /// Notices before the next task that the store is not there.
    async fn check_store(&self, record: &JobRecord, resolved: &Resolved) -> Result<(), Halt> {
        if matches!(
            record.state,
            JobState::Pausing | JobState::Completing | JobState::Cancelling | JobState::Failing
        ) {
            return Ok(());
        }
        let reached = resolved.store.check_reachable(None).await;
        reached.map_err(|error| JobFailure::new(STORE_NOT_USABLE, error.to_string()).into())
    }

    /// Decides about a job whose operation, role or store cannot be used. What may be mended from outside holds the job
    /// back as it is. An operation that is not the submitted one any more fails a job of which nothing has run. A job that
    /// is about to end, ends: its report is not written, and its rows are kept.
    async fn do_without(&self, record: &JobRecord, failure: JobFailure) -> Result<(), RunnerError> {
        let is_operation = failure.code == OPERATION_NOT_USABLE;
        match record.state {
            JobState::New if is_operation => self.step(record, JobState::Preparing, "the engine took it up"),
            JobState::Preparing | JobState::Ready if is_operation => {
                stages::fail_in_queue(&self.queue, &record.id, record.state, &failure)
            }
            JobState::Pausing => self.step(record, JobState::Paused, stages::PAUSED),
            JobState::Cancelling => self.end_without(record, JobState::Cancelled, &failure).await,
            JobState::Failing => self.end_without(record, JobState::Failed, &failure).await,
            _ => Err(self.hold(&record.id, failure)?),
        }
    }

    async fn end_without(
        &self,
        record: &JobRecord,
        end: JobState,
        failure: &JobFailure,
    ) -> Result<(), RunnerError> {
        let books = self.books(record, Arc::new(record.spec.clone()), None);
        let lost = match close_started_chunks(&books).await {
            Err(RunnerError::Obstacle { failure, .. }) => return Err(self.hold(&record.id, failure)?),
            closed => closed?,
        };
        self.step(record, end, &format!("ended without a report: {failure}{}", in_a_cause(lost)))?;
        clean_up(&books.spool, &self.queue.job(&record.id)?).await.map(drop)
    }

    fn step(&self, record: &JobRecord, next: JobState, cause: &str) -> Result<(), RunnerError> {
        stages::step_in_queue(&self.queue, &record.id, record.state, next, cause)?;
        let (job, cause) = (record.id.clone(), cause.to_owned());
        self.observer.event(&Event::State { job, state: next, cause });
        Ok(())
    }

    /// Keeps with the job what is in its way. The answer is the error that says so.
    fn hold(&self, id: &str, failure: JobFailure) -> Result<RunnerError, RunnerError> {
        self.queue.set_obstacle(id, Some(&failure.to_string()))?;
        Ok(RunnerError::Obstacle { job: id.to_owned(), failure })
    }
}
