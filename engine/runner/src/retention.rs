//! How long jobs are kept: looked after when the engine starts, and then every hour.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use longshore_job::EngineConfig;
use longshore_queue::Queue;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::{RunnerError, blocking};

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(3600);

/// Looks after the age of jobs, beside the work on them.
pub(crate) struct Caretaker {
    due: Instant,
    round: Option<JoinHandle<Result<(), RunnerError>>>,
}

impl Caretaker {
    pub(crate) fn new() -> Self {
        Self { due: Instant::now(), round: None }
    }

    /// Begins a round if it is time for one, and says what became of the last.
    ///
    /// # Errors
    /// If the queue or a folder could not be used.
    pub(crate) async fn look(
        &mut self,
        config: &EngineConfig,
        queue: &Queue,
        now: Timestamp,
    ) -> Result<(), RunnerError> {
        if self.round.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish().await?;
        }
        if self.round.is_none() && self.due <= Instant::now() {
            self.due = Instant::now() + EVERY;
            let (config, queue) = (config.clone(), queue.clone());
            self.round =
                Some(tokio::spawn(async move { blocking(move || tidy(&config, &queue, now)).await? }));
        }
        Ok(())
    }

    /// Waits for the round that is under way. False if none is.
    ///
    /// # Errors
    /// As [`Caretaker::look`].
    pub(crate) async fn finish(&mut self) -> Result<bool, RunnerError> {
        let Some(round) = self.round.take() else { return Ok(false) };
        round.await.map_err(|panic| RunnerError::Internal(panic.to_string()))??;
        Ok(true)
    }
}

/// Fails and deletes what is too old at `now`.
fn tidy(config: &EngineConfig, queue: &Queue, now: Timestamp) -> Result<(), RunnerError> {
    let before = |kept: Option<SignedDuration>| kept.and_then(|kept| now.checked_sub(kept).ok());
    if let Some(before) = before(config.retention.suspended) {
        queue.fail_unconfirmed(before, now)?;
    }
    let Some(before) = before(config.retention.finished) else { return Ok(()) };
    for id in queue.finished_before(before)? {
        // The folder first: without its job nobody would know it any more.
        let folder = config.spool_path().join(&id);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RunnerError::io("remove", &folder)(error));
            }
            _ => queue.delete(&id)?,
        }
        tracing::info!(job = id, "deleted: it ended before {before:.0}");
    }
    Ok(())
}
