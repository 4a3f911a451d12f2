//! The life of a job: its one way from state to state. The table of transitions is [`JobState::may_become`]; here
//! each one is guarded again in SQL and leaves an event.

use jiff::Timestamp;
use longshore_job::JobState;
use rusqlite::{Connection, params};

use crate::error::{QueueError, Step};
use crate::jobs::{JobKey, resolve, time_text};
use crate::queue::Queue;
use crate::{retry, timing, waiting};

/// The state that a job moves to, and what its event says.
pub(crate) struct Transition {
    pub(crate) to: JobState,
    pub(crate) cause: String,
    pub(crate) actor: String,
    pub(crate) at: Timestamp,
}

impl Queue {
    /// Moves a job from one state to another.
    ///
    /// # Errors
    ///
    /// [`QueueError::Transition`] if no job may move so; [`QueueError::State`] if this one is not in `from` (a user
    /// may have cancelled it); [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn transition(
        &self,
        id: &str,
        from: JobState,
        to: JobState,
        cause: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let step = Transition { to, cause: cause.to_owned(), actor: actor.to_owned(), at: now };
        let id = id.to_owned();
        self.write_as_engine("move the job", move |connection| {
            move_from(connection, &id, from, &step).map(drop)
        })
    }

    /// Moves a job to `to` because it cannot go on, and keeps why.
    ///
    /// # Errors
    ///
    /// As [`transition`](Self::transition).
    #[allow(clippy::too_many_arguments, reason = "a transition and its reason; each has one meaning")]
    pub fn fail(
        &self,
        id: &str,
        from: JobState,
        to: JobState,
        code: &str,
        reason: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let step = Transition { to, cause: format!("{code}: {reason}"), actor: actor.to_owned(), at: now };
        let (id, code, reason) = (id.to_owned(), code.to_owned(), reason.to_owned());
        self.write_as_engine("move the job", move |connection| {
            let job = move_from(connection, &id, from, &step)?;
            let sql = "UPDATE job_records SET failure_code = ?2, failure_reason = ?3 WHERE number = ?1";
            connection.execute(sql, params![job.number, code, reason])?;
            Ok(())
        })
    }

    /// Keeps the policies under which the job runs from now on. Does nothing if they are those that it ran under
    /// before.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn set_policies(
        &self,
        id: &str,
        digest: &str,
        documents: &str,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        let (id, digest, documents) = (id.to_owned(), digest.to_owned(), documents.to_owned());
        self.write_as_engine("keep the policies", move |connection| {
            let job = resolve(connection, &id)?;
            let sql =
                "UPDATE job_records SET policy_digest = ?2 WHERE number = ?1 AND policy_digest IS NOT ?2";
            if connection.execute(sql, params![job.number, digest])? == 0 {
                return Ok(());
            }
            let sql = "INSERT INTO policy_snapshots (job, at, digest, documents) VALUES (?1, ?2, ?3, ?4)";
            connection.execute(sql, params![job.number, time_text(now), digest, documents])?;
            Ok(())
        })
    }

    /// Keeps where the `manifest.json` of the completion report is.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn set_report(&self, id: &str, location: &str) -> Result<(), QueueError> {
        self.set(
            "UPDATE job_records SET report = ?2 WHERE number = ?1",
            "keep the report's place",
            id,
            location,
        )
    }

    /// Keeps what is in the way of a job for now, or that nothing is any more.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn set_obstacle(&self, id: &str, obstacle: Option<&str>) -> Result<(), QueueError> {
        let sql = "UPDATE job_records SET obstacle = nullif(?2, '') WHERE number = ?1";
        self.set(sql, "keep what is in the way", id, obstacle.unwrap_or_default())
    }

    fn set(&self, sql: &'static str, doing: &'static str, id: &str, text: &str) -> Result<(), QueueError> {
        let (id, text) = (id.to_owned(), text.to_owned());
        self.write_as_engine(doing, move |connection| {
            let job = resolve(connection, &id)?;
            connection.execute(sql, params![job.number, text])?;
            Ok(())
        })
    }
}

fn move_from(connection: &Connection, id: &str, from: JobState, step: &Transition) -> Step<JobKey> {
    let job = resolve(connection, id)?;
    if !from.may_become(step.to) {
        return Err(QueueError::Transition { from, to: step.to }.into());
    }
    job.require(&[from], "make this move")?;
    move_job(connection, &job, step)?;
    Ok(job)
}

/// Moves a job from the state that it was found in.
pub(crate) fn move_job(connection: &Connection, job: &JobKey, step: &Transition) -> Step<()> {
    let at = time_text(step.at);
    let started = (step.to == JobState::Active).then_some(&at);
    let finished = step.to.is_terminal().then_some(&at);
    let suspended = (step.to == JobState::Suspended).then_some(&at);
    let reason = (step.to == JobState::Cancelling).then_some(&step.cause);
    let sql = "UPDATE job_records SET state = ?3, started_at = coalesce(started_at, ?4), finished_at = ?5,
                               suspended_at = coalesce(suspended_at, ?6), status_reason = coalesce(status_reason, ?7)
               WHERE number = ?1 AND state = ?2";
    let moved = connection.prepare_cached(sql)?.execute(params![
        job.number,
        job.state.name(),
        step.to.name(),
        started,
        finished,
        suspended,
        reason
    ])?;
    if moved != 1 {
        let detail = format!("job {} left {} meanwhile", job.id, job.state);
        return Err(QueueError::Invalid { doing: "move the job", detail }.into());
    }
    if matches!(job.state, JobState::New | JobState::Preparing) && step.to != JobState::Preparing {
        retry::forget_rows(connection, job)?;
    }
    if job.state == JobState::New {
        timing::begin(connection, job.number)?;
    }
    if step.to == JobState::Active {
        timing::set_deadline(connection, job.number, step.at)?;
    }
    if step.to.is_terminal() {
        waiting::forget_all(connection, job.number)?;
    }
    note(connection, job.number, Some(job.state), step)
}

/// Leaves the event of a transition.
pub(crate) fn note(connection: &Connection, job: i64, from: Option<JobState>, step: &Transition) -> Step<()> {
    let sql = "INSERT INTO event_records (job, at, from_state, to_state, cause, actor) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        job,
        time_text(step.at),
        from.map(JobState::name),
        step.to.name(),
        step.cause,
        step.actor
    ])?;
    // A change of priority is no transition.
    if from != Some(step.to) {
        connection.prepare_cached("INSERT INTO outbox VALUES (last_insert_rowid())")?.execute([])?;
    }
    Ok(())
}
