//! Takes one job through the states of one kind of work.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::{JobSpec, JobState};
use longshore_queue::JobRecord;
use tokio_util::sync::CancellationToken;

use crate::close::{close_started_chunks, in_a_cause};
use crate::engine::Engine;
use crate::error::{Halt, JobFailure, OPERATION_NOT_USABLE, RunnerError, STORE_NOT_USABLE};
use crate::event::Event;
use crate::job::{Books, Job, clean_up};
use crate::resolve::Resolved;
use crate::schedule::places::Phase;
use crate::schedule::slots::Seat;
use crate::stages;
use crate::uploads::Ledger;

/// Why a job does not go on for now.
const MADE_WAY: &str = "it makes way for a job of higher priority";

/// One job at work.
pub(crate) struct Worker {
    pub engine: Engine,
    pub id: String,
    /// What is done for it. It stops where another kind of work begins.
    pub phase: Phase,
    pub seat: Arc<Seat>,
    /// The engine stops.
    pub stop: CancellationToken,
    /// The job makes way for another, or the engine stops.
    pub displaced: CancellationToken,
}

/// A job that was worked on.
pub(crate) struct Attended {
    /// How it stands.
    pub record: JobRecord,
    /// What it names, as it was found, for whoever goes on with it.
    pub resolved: Option<Resolved>,
}

impl Worker {
    /// Works on the job until another kind of work is next, it makes way, or the engine stops.
    ///
    /// # Errors
    /// [`RunnerError::Obstacle`] if something outside the job is in its way for now; others if the engine cannot go on.
    pub(crate) async fn attend(self, resolved: Option<Resolved>) -> Result<Attended, RunnerError> {
        let attended = self.go_on(resolved).await;
        match attended.as_ref().err().and_then(|error| self.engine.disk.obstacle(error)) {
            Some(full) => Err(self.hold(full)?),
            None => attended,
        }
    }

    async fn go_on(&self, mut resolved: Option<Resolved>) -> Result<Attended, RunnerError> {
        self.engine.disk.reserve()?;
        loop {
            let record = self.engine.queue.job(&self.id)?;
            if Phase::of(record.state) != Some(self.phase) || self.displaced.is_cancelled() {
                return self.leave(record, resolved);
            }
            let resolved_now = match resolved.take() {
                Some(resolved) => resolved,
                None => match self.resolve(&record).await {
                    Ok(resolved) => resolved,
                    Err(Halt::Job(failure)) => {
                        self.do_without(&record, failure).await?;
                        continue;
                    }
                    Err(Halt::Engine(error)) => return Err(error),
                },
            };
            if record.obstacle.is_some() {
                self.engine.queue.set_obstacle(&self.id, None)?;
            }
            let job = self.job(&record, resolved_now.clone());
            match stages::advance(&job, &record, &self.stop).await {
                Ok(true) => resolved = Some(resolved_now),
                Ok(false) => return self.leave(self.engine.queue.job(&self.id)?, None),
                Err(RunnerError::Obstacle { failure, .. }) => return Err(self.hold(failure)?),
                Err(error) => return Err(error),
            }
        }
    }

    /// A job that makes way for another waits again where it can be seen to.
    fn leave(&self, record: JobRecord, resolved: Option<Resolved>) -> Result<Attended, RunnerError> {
        if record.state != JobState::Active || self.stop.is_cancelled() || !self.displaced.is_cancelled() {
            return Ok(Attended { record, resolved });
        }
        self.step(&record, JobState::Ready, MADE_WAY)?;
        Ok(Attended { record: self.engine.queue.job(&self.id)?, resolved: None })
    }

    /// Finds everything the job names: operation, role, store.
    async fn resolve(&self, record: &JobRecord) -> Result<Resolved, Halt> {
        let Engine { config, catalog, stores, queue, .. } = &self.engine;
        let session = (self.id.as_str(), record.created_at);
        let found =
            Resolved::find(config, (catalog, stores), &record.spec, &record.plugin_digests, session).await?;
        let found = found.with_ledger(Arc::new(Ledger::new(queue.clone(), &self.id)));
        self.check_store(record, &found).await?;
        queue.set_policies(&self.id, &found.policy_digest, &found.policy_documents, Timestamp::now())?;
        Ok(found)
    }

    fn job(&self, record: &JobRecord, resolved: Resolved) -> Job {
        Job {
            books: self.books(record),
            observer: Arc::clone(&self.engine.observer),
            stdin: self.engine.stdin,
            seat: Arc::clone(&self.seat),
            displaced: self.displaced.clone(),
            submitted: record.created_at,
            drain: self.engine.config.drain,
            resolved,
        }
    }

    fn books(&self, record: &JobRecord) -> Books {
        let (directory, spool) = (self.engine.folder(&record.id), self.engine.chunk_spool(&record.id));
        let spec: Arc<JobSpec> = Arc::new(record.spec.clone());
        Books { id: record.id.clone(), spec, queue: self.engine.queue.clone(), directory, spool }
    }

    /// Notices before the next task that a store is not there.
    async fn check_store(&self, record: &JobRecord, resolved: &Resolved) -> Result<(), Halt> {
        if self.phase == Phase::Ending {
            return Ok(());
        }
        let others = resolved.others.iter().map(|(name, (store, _))| (name, store));
        for (name, store) in std::iter::once((&record.spec.store, &resolved.store)).chain(others) {
            if let Err(error) = store.check_reachable(None).await {
                self.engine.stores.forget(name).await;
                return Err(JobFailure::new(STORE_NOT_USABLE, error.to_string()).into());
            }
        }
        Ok(())
    }

    /// Decides about a job whose operation, role or store cannot be used. What may be mended from outside holds the job
    /// back as it is. An operation that is not the submitted one any more fails a job of which nothing has run. A job that
    /// is about to end, ends: its report is not written, and its rows are kept.
    async fn do_without(&self, record: &JobRecord, failure: JobFailure) -> Result<(), RunnerError> {
        let is_operation = failure.code == OPERATION_NOT_USABLE;
        match record.state {
            JobState::New if is_operation => self.step(record, JobState::Preparing, "the engine took it up"),
            JobState::Preparing | JobState::Ready if is_operation => {
                stages::fail_in_queue(&self.engine.queue, &record.id, record.state, &failure)
            }
            JobState::Pausing => self.step(record, JobState::Paused, stages::PAUSED),
            JobState::Cancelling => self.end_without(record, JobState::Cancelled, &failure).await,
            JobState::Failing => self.end_without(record, JobState::Failed, &failure).await,
            _ => Err(self.hold(failure)?),
        }
    }

    async fn end_without(
        &self,
        record: &JobRecord,
        end: JobState,
        failure: &JobFailure,
    ) -> Result<(), RunnerError> {
        let books = self.books(record);
        let lost = match close_started_chunks(&books).await {
            Err(RunnerError::Obstacle { failure, .. }) => return Err(self.hold(failure)?),
            closed => closed?,
        };
        self.step(record, end, &format!("ended without a report: {failure}{}", in_a_cause(lost)))?;
        clean_up(&books.spool, &self.engine.queue.job(&record.id)?).await.map(drop)
    }

    fn step(&self, record: &JobRecord, next: JobState, cause: &str) -> Result<(), RunnerError> {
        stages::step_in_queue(&self.engine.queue, &record.id, record.state, next, cause)?;
        let (job, cause) = (record.id.clone(), cause.to_owned());
        self.engine.observer.event(&Event::State { job, state: next, cause });
        Ok(())
    }

    /// Keeps with the job what is in its way. The answer is the error that says so.
    fn hold(&self, failure: JobFailure) -> Result<RunnerError, RunnerError> {
        let noted = self.engine.queue.set_obstacle(&self.id, Some(&failure.to_string()));
        match noted.map_err(RunnerError::from) {
            // There is not even room to say so.
            Err(error) if self.engine.disk.obstacle(&error).is_some() => tracing::warn!("{error}"),
            noted => noted?,
        }
        Ok(RunnerError::Obstacle { job: self.id.clone(), failure })
    }
}
