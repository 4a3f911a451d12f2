//! What users ask of jobs: to be cancelled, paused, resumed, confirmed, or of another priority. Any process may ask; the
//! engine finds the answer in the job's state.

use jiff::Timestamp;
use longshore_job::JobState;
use rusqlite::params;

use crate::error::QueueError;
use crate::jobs::resolve;
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
        let from = JobState::ALL.into_iter().filter(|state| state.may_become(to)).collect();
        let ask = Ask { doing: "cancel the job", what: "be cancelled", from, cause: reason };
        self.ask(id, ask, |_| JobState::Cancelling, now)
    }

    /// Asks for a job to be paused: one whose tasks run moves to Pausing, and the engine then to Paused; one that is ready
    /// to run is Paused at once. Asking again changes nothing. The answer is the job's state.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it cannot be paused now; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn request_pause(&self, id: &str, reason: &str, now: Timestamp) -> Result<JobState, QueueError> {
        let next = |state| match state {
            JobState::Active | JobState::Pausing => JobState::Pausing,
            _ => JobState::Paused,
        };
        let from = vec![JobState::Ready, JobState::Active];
        self.ask(id, Ask { doing: "pause the job", what: "be paused", from, cause: reason }, next, now)
    }

    /// Asks for a paused job to go on: it is Ready again. Asking again changes nothing. The answer is the job's state.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it is not Paused; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn request_resume(&self, id: &str, now: Timestamp) -> Result<JobState, QueueError> {
        let from = vec![JobState::Paused];
        let ask = Ask { doing: "resume the job", what: "be resumed", from, cause: "resumed" };
        self.ask(id, ask, |_| JobState::Ready, now)
    }

    /// Confirms that a job is to run: from Suspended it is Ready. Asking again changes nothing. The answer is the job's
    /// state.
    ///
    /// # Errors
    ///
    /// [`QueueError::State`] if it does not wait for that; [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn confirm(&self, id: &str, now: Timestamp) -> Result<JobState, QueueError> {
        let from = vec![JobState::Suspended];
        let ask = Ask { doing: "confirm the job", what: "be confirmed", from, cause: "confirmed" };
        self.ask(id, ask, |_| JobState::Ready, now)
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
            let sql = "UPDATE job_records SET priority = ?2 WHERE number = ?1 AND priority <> ?2";
            if connection.execute(sql, params![job.number, priority])? > 0 {
                let step = by_user(job.state, &format!("priority {priority}"), now);
                note(connection, job.number, Some(job.state), &step)?;
            }
            Ok(())
        })
    }

    /// Moves a job on, unless it is where it is asked to be.
    fn ask(
        &self,
        id: &str,
        ask: Ask<'_>,
        next: fn(JobState) -> JobState,
        now: Timestamp,
    ) -> Result<JobState, QueueError> {
        let Ask { doing, what, from, cause } = ask;
        let (id, cause) = (id.to_owned(), cause.to_owned());
        self.write(doing, move |connection| {
            let job = resolve(connection, &id)?;
            let to = next(job.state);
            if job.state != to {
                job.require(&from, what)?;
                move_job(connection, &job, &by_user(to, &cause, now))?;
            }
            Ok(to)
        })
    }
}

/// What a user asks of a job.
struct Ask<'a> {
    /// What the queue does, for messages.
    doing: &'static str,
    /// What happens to the job, for messages.
    what: &'static str,
    /// The states in which it may be asked.
    from: Vec<JobState>,
    cause: &'a str,
}

fn by_user(to: JobState, cause: &str, at: Timestamp) -> Transition {
    Transition { to, cause: cause.to_owned(), actor: USER.to_owned(), at }
}
