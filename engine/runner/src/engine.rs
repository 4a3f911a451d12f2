//! The engine: which job is next, and the loop that takes a job through its stages.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{EngineConfig, JobState};
use longshore_queue::{Access, JobRecord, Queue};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::error::{Halt, JobFailure, RunnerError};
use crate::event::{Event, Observer};
use crate::job::Job;
use crate::resolve::Resolved;
use crate::stages;

/// How often an idle engine looks for new jobs.
const IDLE_POLL: Duration = Duration::from_millis(500);

/// Works through the queue of one data directory. There is one engine per data directory; a second one is refused.
pub struct Engine {
    config: EngineConfig,
    catalog: Arc<Catalog>,
    queue: Queue,
    observer: Arc<dyn Observer>,
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
        let engine = Self { config, catalog, queue, observer };
        engine.sweep()?;
        Ok(engine)
    }

    /// The queue this engine works on.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Takes one job to its end, or as far as it gets before `stop`. The record says how it stands.
    ///
    /// # Errors
    /// If the engine cannot go on; the job can be taken up again.
    pub async fn run(&self, id: &str, stop: &CancellationToken) -> Result<JobRecord, RunnerError> {
        let mut resolved: Option<Job> = None;
        loop {
            let record = self.queue.job(id)?;
            if record.state.is_terminal() || stop.is_cancelled() {
                return Ok(record);
            }
            let job = match resolved.take() {
                Some(job) => job,
                None => match self.resolve(&record).await {
                    Ok(job) => job,
                    Err(Halt::Job(failure)) => {
                        self.give_up(&record, &failure)?;
                        continue;
                    }
                    Err(Halt::Engine(error)) => return Err(error),
                },
            };
            if !stages::advance(&job, &record, stop).await? {
                return Ok(self.queue.job(id)?);
            }
            resolved = Some(job);
        }
    }

    /// Works on whatever is in the queue, highest priority first, until `stop` or, with `until_idle`, until every job has
    /// ended.
    ///
    /// # Errors
    /// If the engine cannot go on.
    pub async fn work(&self, stop: &CancellationToken, until_idle: bool) -> Result<(), RunnerError> {
        while !stop.is_cancelled() {
            match self.queue.runnable()?.first() {
                Some(record) => {
                    self.run(&record.id, stop).await?;
                }
                None if until_idle => return Ok(()),
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
        if record.policy_digest.as_deref() != Some(&resolved.policy_digest) {
            self.queue.set_policy_digest(&record.id, &resolved.policy_digest)?;
        }
        Ok(Job {
            id: record.id.clone(),
            spec,
            queue: self.queue.clone(),
            observer: Arc::clone(&self.observer),
            directory: self.job_directory(&record.id),
            submitted: record.created_at,
            resolved,
        })
    }

    /// Notices before the first task that the store is not there: a job that has not begun fails, one that has begun is
    /// left as it is.
    async fn check_store(&self, record: &JobRecord, resolved: &Resolved) -> Result<(), Halt> {
        let begun = match record.state {
            JobState::New | JobState::Preparing | JobState::Ready => false,
            JobState::Active => true,
            _ => return Ok(()),
        };
        match resolved.store.check_reachable(None).await {
            Ok(()) => Ok(()),
            Err(source) if begun => Err(RunnerError::Unreachable { job: record.id.clone(), source }.into()),
            Err(error) => Err(JobFailure::new("StoreNotUsable", error.to_string()).into()),
        }
    }

    /// Moves a job that cannot even be resolved one state nearer to its end: there is no store to write a report to.
    fn give_up(&self, record: &JobRecord, failure: &JobFailure) -> Result<(), RunnerError> {
        let next = match record.state {
            JobState::New => JobState::Preparing,
            JobState::Failing => JobState::Failed,
            state => return stages::fail_in_queue(&self.queue, &record.id, state, failure),
        };
        stages::step_in_queue(&self.queue, &record.id, record.state, next, &failure.reason)?;
        let (job, cause) = (record.id.clone(), failure.to_string());
        self.observer.event(&Event::State { job, state: next, cause });
        Ok(())
    }

    fn job_directory(&self, id: &str) -> PathBuf {
        self.jobs_directory().join(id)
    }

    fn jobs_directory(&self) -> PathBuf {
        self.config.data_path().join("jobs")
    }

    /// Removes spools that a crash left behind after their job had ended.
    fn sweep(&self) -> Result<(), RunnerError> {
        let directory = self.jobs_directory();
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(RunnerError::io("list", &directory)(error)),
        };
        let runnable: BTreeSet<String> = self.queue.runnable()?.into_iter().map(|record| record.id).collect();
        for entry in entries {
            let entry = entry.map_err(RunnerError::io("list", &directory))?;
            if !entry.file_name().to_str().is_some_and(|name| runnable.contains(name)) {
                let path = entry.path();
                std::fs::remove_dir_all(&path).map_err(RunnerError::io("remove", &path))?;
            }
        }
        Ok(())
    }
}
