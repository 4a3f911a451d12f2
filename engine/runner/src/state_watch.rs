//! What users ask of a job from other processes (cancel, pause), noticed while a stage is at work.

use std::time::Duration;

use longshore_job::JobState;
use longshore_queue::Queue;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::{RunnerError, blocking};
use crate::job::Job;

/// How often a stage looks at the state of its job.
const POLL: Duration = Duration::from_millis(250);

/// Looks after a job's state while a stage works.
pub(crate) struct StateWatch {
    halt: CancellationToken,
    watching: JoinHandle<Result<bool, RunnerError>>,
}

impl StateWatch {
    /// Cancels `halt` once the job is in another state than `state`.
    pub(crate) fn start(job: &Job, state: JobState, halt: &CancellationToken) -> Self {
        let watching = tokio::spawn(watch(job.queue.clone(), job.id.clone(), state, halt.clone()));
        Self { halt: halt.clone(), watching }
    }

    /// Ends the stage; true if a user moved the job meanwhile.
    pub(crate) async fn end(self) -> Result<bool, RunnerError> {
        self.halt.cancel();
        self.watching.await.map_err(|error| RunnerError::Internal(error.to_string()))?
    }
}

async fn watch(
    queue: Queue,
    id: String,
    state: JobState,
    halt: CancellationToken,
) -> Result<bool, RunnerError> {
    loop {
        let ended = halt.is_cancelled();
        let (queue, id) = (queue.clone(), id.clone());
        let now = blocking(move || queue.job(&id)).await??.state;
        if now != state {
            halt.cancel();
            return Ok(true);
        }
        if ended {
            return Ok(false);
        }
        tokio::select! {
            () = halt.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}
