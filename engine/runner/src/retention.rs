//! How long jobs are kept: looked after when the engine starts, and then every hour.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::engine::Engine;
use crate::error::RunnerError;

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
    pub(crate) async fn look(&mut self, engine: &Engine, now: Timestamp) -> Result<(), RunnerError> {
        if self.round.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish().await?;
        }
        if self.round.is_none() && self.due <= Instant::now() {
            self.due = Instant::now() + EVERY;
            let engine = engine.clone();
            self.round = Some(tokio::spawn(async move { tidy(&engine, now).await }));
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
async fn tidy(engine: &Engine, now: Timestamp) -> Result<(), RunnerError> {
    let Engine { config, queue, .. } = engine;
    let before = |kept: Option<SignedDuration>| kept.and_then(|kept| now.checked_sub(kept).ok());
    if let Some(before) = before(config.retention.suspended) {
        queue.fail_unconfirmed(before, now)?;
    }
    let Some(before) = before(config.retention.finished) else { return Ok(()) };
    for id in queue.finished_before(before)? {
        // What it has elsewhere first: without the job nobody would know it any more.
        match engine.chunk_spool(&id).remove_segments().await {
            Err(RunnerError::Spool(error)) => {
                tracing::warn!(job = id, %error, "not deleted yet: its rows in a bucket cannot be removed");
                continue;
            }
            removed => removed?,
        }
        let folder = engine.folder(&id);
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
