//! Gives the jobs of the queue to workers, as many at once as there are places.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use longshore_job::JobState;
use longshore_queue::{Candidate, JobRecord, Occurrence};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, count};
use crate::error::RunnerError;
use crate::event::Event;
use crate::held::Held;
use crate::resolve::Resolved;
use crate::retention::Caretaker;
use crate::schedule::places::{AtWork, Phase, plan};
use crate::schedule::slots::Seat;
use crate::worker::{Attended, Worker};

/// How often the engine looks for new jobs and other priorities.
const POLL: Duration = Duration::from_millis(500);

/// What a worker ends with, and which job it had.
type Done = (String, Result<Attended, RunnerError>);

/// Works through the queue, or on one job of it.
pub(crate) struct Dispatcher<'a> {
    engine: &'a Engine,
    only: Option<&'a str>,
    held: Held,
    at_work: BTreeMap<String, Post>,
    workers: JoinSet<Done>,
    /// What jobs name that may go on at once with another kind of work.
    resolved: BTreeMap<String, Resolved>,
    caretaker: Caretaker,
}

/// A job that has a worker.
struct Post {
    work: AtWork,
    seat: Arc<Seat>,
    displaced: CancellationToken,
}

impl<'a> Dispatcher<'a> {
    /// For all jobs, or for the one with this full ID.
    pub(crate) fn new(engine: &'a Engine, only: Option<&'a str>) -> Self {
        Self {
            engine,
            only,
            held: Held::default(),
            at_work: BTreeMap::new(),
            workers: JoinSet::new(),
            resolved: BTreeMap::new(),
            caretaker: Caretaker::new(),
        }
    }

    /// Works until `stop`, or `until_idle`. The error of one worker stops the others, too.
    pub(crate) async fn run(
        mut self,
        stop: &CancellationToken,
        until_idle: bool,
        mut ended: impl FnMut(&JobRecord),
    ) -> Result<(), RunnerError> {
        let halt = stop.child_token();
        let _halt_on_return = halt.clone().drop_guard();
        let mut result = self.dispatch(&halt, until_idle, &mut ended).await;
        halt.cancel();
        while let Some(done) = self.workers.join_next().await {
            let settled = self.settle(done, &mut ended);
            if result.is_ok() {
                result = settled;
            }
        }
        result.and(self.caretaker.finish().await.map(drop))
    }

    async fn dispatch(
        &mut self,
        halt: &CancellationToken,
        until_idle: bool,
        ended: &mut impl FnMut(&JobRecord),
    ) -> Result<(), RunnerError> {
        while !halt.is_cancelled() {
            let now = Timestamp::now();
            let tidied = self.tidy(now).await;
            self.unless_full(tidied)?;
            let occurred = self.occur(now);
            self.unless_full(occurred)?;
            self.unless_full(self.fail_late(now))?;
            let runnable = self.runnable(now)?;
            self.follow(&runnable, halt);
            if self.workers.is_empty() && until_idle && !self.held.waits(&runnable) {
                if self.caretaker.finish().await? {
                    continue; // it may have left jobs to end
                }
                return std::mem::take(&mut self.held).first_of(&runnable);
            }
            tokio::select! {
                Some(done) = self.workers.join_next() => self.settle(done, ended)?,
                () = halt.cancelled() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        Ok(())
    }

    /// What is not done for want of room is done when there is some.
    fn unless_full(&self, done: Result<(), RunnerError>) -> Result<(), RunnerError> {
        match done {
            Err(error) if self.engine.disk.obstacle(&error).is_some() => {
                tracing::warn!("{error}");
                Ok(())
            }
            done => done,
        }
    }

    /// Looks for jobs that are too old. An engine of one job leaves the others alone.
    async fn tidy(&mut self, now: Timestamp) -> Result<(), RunnerError> {
        match self.only {
            Some(_) => Ok(()),
            None => self.caretaker.look(self.engine, now).await,
        }
    }

    /// Begins the occurrences of schedules that are due.
    fn occur(&self, now: Timestamp) -> Result<(), RunnerError> {
        if self.only.is_some() {
            return Ok(());
        }
        for occasion in self.engine.queue.occasions(now)? {
            let id = uuid::Uuid::new_v4().to_string();
            let occurrence = self.engine.queue.occur(&occasion, &id, now)?;
            if let Some(Occurrence { template, at, job: Some(job) }) = occurrence {
                let cause = format!("the occurrence of job {template} at {at:.0}");
                self.engine.observer.event(&Event::State { job, state: JobState::New, cause });
            }
        }
        Ok(())
    }

    /// Jobs whose time is over fail, also while a worker has them: it finds them in their new state.
    fn fail_late(&self, now: Timestamp) -> Result<(), RunnerError> {
        for job in self.engine.queue.fail_late(now)? {
            let record = self.engine.queue.job(&job)?;
            let cause = record.failure_reason.unwrap_or_default();
            self.engine.observer.event(&Event::State { job, state: record.state, cause });
        }
        Ok(())
    }

    fn runnable(&self, now: Timestamp) -> Result<Vec<Candidate>, RunnerError> {
        let mut runnable = self.engine.queue.runnable(now)?;
        if let Some(only) = self.only {
            runnable.retain(|job| job.id == only);
        }
        Ok(runnable)
    }

    /// Does what the queue as it stands asks for.
    fn follow(&mut self, runnable: &[Candidate], halt: &CancellationToken) {
        for job in runnable {
            if let Some(post) = self.at_work.get_mut(&job.id) {
                post.work.priority = job.priority;
                post.seat.set_priority(job.priority);
            }
        }
        let (now, wall) = (Instant::now(), Timestamp::now());
        let due: Vec<Candidate> =
            runnable.iter().filter(|job| self.held.is_due(job, now, wall)).cloned().collect();
        let at_work = self.at_work.iter().map(|(id, post)| (id.clone(), post.work)).collect();
        let plan = plan(count(self.engine.config.engine.active_jobs), &due, &at_work);
        for id in plan.displace {
            if let Some(post) = self.at_work.get_mut(&id) {
                post.work.displaced = true;
                post.displaced.cancel();
            }
        }
        for (id, phase) in plan.begin {
            let priority = due.iter().find(|job| job.id == id).map_or(0, |job| job.priority);
            self.begin(id, phase, priority, halt);
        }
        self.resolved.clear();
    }

    fn begin(&mut self, id: String, phase: Phase, priority: u32, halt: &CancellationToken) {
        let (seat, displaced) = (self.engine.slots.seat(priority), halt.child_token());
        let worker = Worker {
            engine: self.engine.clone(),
            id: id.clone(),
            phase,
            seat: Arc::clone(&seat),
            stop: halt.clone(),
            displaced: displaced.clone(),
        };
        let (resolved, name) = (self.resolved.remove(&id), id.clone());
        self.workers.spawn(async move { (name, worker.attend(resolved).await) });
        let work = AtWork { phase, priority, displaced: false };
        self.at_work.insert(id, Post { work, seat, displaced });
    }

    /// Takes note of what became of a job.
    fn settle(
        &mut self,
        done: Result<Done, tokio::task::JoinError>,
        ended: &mut impl FnMut(&JobRecord),
    ) -> Result<(), RunnerError> {
        let (id, attended) = done.map_err(|panic| RunnerError::Internal(panic.to_string()))?;
        self.at_work.remove(&id);
        match attended {
            Ok(Attended { record, resolved }) => {
                self.held.release(&id);
                self.resolved.extend(resolved.map(|resolved| (id, resolved)));
                if record.state.is_terminal() {
                    ended(&record);
                }
                Ok(())
            }
            Err(RunnerError::Waits { until, .. }) => {
                self.held.wait(&id, until);
                Ok(())
            }
            Err(obstacle @ RunnerError::Obstacle { .. }) if self.only.is_none() => {
                self.held.hold(&id, obstacle, Instant::now());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}
