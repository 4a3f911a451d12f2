//! What users ask of jobs: to be cancelled, paused, resumed, confirmed, or of another priority. Any process may ask; the
//! engine finds the answer in the job's state.

use jiff::Timestamp;
use longshore_job::JobState;
use rusqlite::params;

use crate::error::QueueError;
use crate::jobs::{JobKey, resolve};
use crate::queue::Queue;
use crate::transitions::{Transition, move_job, note};

/// Who asks, in events.
const USER: &str = "user";

impl Queue {
    /// Asks for a job to be cancelled: it moves to Cancelling, and the engine then to Cancelled. Asking again
    /// changes nothing; the first reason stays. The answer is the job's state.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it is too late; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn request_cancel(&self, id: &str, reason: &str, now: Timestamp) -> Result<JobState, QueueError> {
        let to = JobState::Cancelling;
        let step = by_user(to, reason, now);
        let id = id.to_owned();
        self.write("cancel the job", move |connection| {
            let job = resolve(connection, &id)?;
            if job.state == to {
                return Ok(to);
            }
            job.require(&before(to), "be cancelled")?;
            let sql = "UPDATE jobs SET status_reason = ?2 WHERE number = ?1";
            connection.execute(sql, params![job.number, step.cause])?;
            move_job(connection, &job, &step)?;
            Ok(to)
        })
    }

    /// Asks for a job to be paused: one whose tasks run moves to Pausing, and the engine then to Paused; one that is ready
    /// to run is Paused at once. Asking again changes nothing. The answer is the job's state.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it cannot be paused now; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn request_pause(&self, id: &str, reason: &str, now: Timestamp) -> Result<JobState, QueueError> {
        let next = |job: &JobKey| match job.state {
            JobState::Active => JobState::Pausing,
            JobState::Pausing => JobState::Pausing,
            _ => JobState::Paused,
        };
        let from = [JobState::Ready, JobState::Active];
        self.request("pause the job", "be paused", id, &from, next, reason, now)
    }

    /// Asks for a paused job to go on: it is Ready again. Asking again changes nothing. The answer is the job's state.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it is not Paused; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn request_resume(&self, id: &str, now: Timestamp) -> Result<JobState, QueueError> {
        let next = |_: &JobKey| JobState::Ready;
        self.request("resume the job", "be resumed", id, &[JobState::Paused], next, "resumed", now)
    }

    /// Confirms that a job is to run: from Suspended it is Ready. Asking again changes nothing. The answer is the job's
    /// state.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it does not wait for that; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn confirm(&self, id: &str, now: Timestamp) -> Result<JobState, QueueError> {
        let next = |_: &JobKey| JobState::Ready;
        self.request("confirm the job", "be confirmed", id, &[JobState::Suspended], next, "confirmed", now)
    }

    /// Gives a job another priority. Which job runs next follows it from then on.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if the job has ended; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn set_priority(&self, id: &str, priority: u32, now: Timestamp) -> Result<(), QueueError> {
        let id = id.to_owned();
        self.write("change the priority", move |connection| {
            let job = resolve(connection, &id)?;
            let open: Vec<_> = JobState::ALL.into_iter().filter(|state| !state.is_terminal()).collect();
            job.require(&open, "get another priority")?;
            let sql = "UPDATE jobs SET priority = ?2 WHERE number = ?1 AND priority <> ?2";
            if connection.execute(sql, params![job.number, priority])? > 0 {
                let step = by_user(job.state, &format!("priority {priority}"), now);
                note(connection, job.number, Some(job.state), &step)?;
            }
            Ok(())
        })
    }

    #[allow(clippy::too_many_arguments, reason = "two names of what is asked, and what the asker gave")]
    fn request(
        &self,
        doing: &'static str,
        what: &'static str,
        id: &str,
        from: &[JobState],
        next: impl Fn(&JobKey) -> JobState + Send + 'static,
        cause: &str,
        now: Timestamp,
    ) -> Result<JobState, QueueError> {
        let (id, cause, from) = (id.to_owned(), cause.to_owned(), from.to_vec());
        self.write(doing, move |connection| {
            let job = resolve(connection, &id)?;
            let to = next(&job);
            if job.state == to {
                return Ok(to);
            }
            job.require(&from, what)?;
            move_job(connection, &job, &by_user(to, &cause, now))?;
            Ok(to)
        })
    }
}

fn by_user(to: JobState, cause: &str, at: Timestamp) -> Transition {
    Transition { to, cause: cause.to_owned(), actor: USER.to_owned(), at }
}

/// The states from which a job may become `to`.
fn before(to: JobState) -> Vec<JobState> {
    JobState::ALL.into_iter().filter(|state| state.may_become(to)).collect()
}
