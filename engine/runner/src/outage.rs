//! Tells trouble with one object from trouble with the store, so that an outage does not become a thousand failed tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_job::Outcome;
use longshore_store::{S3Store, code};
use tokio::sync::Mutex;

use crate::error::{JobFailure, STORE_NOT_USABLE};

/// For how long an answer of the store stands for all lanes that ask.
const FRESH: Duration = Duration::from_secs(1);

/// Asks the store whether it is there, once for all lanes of a job.
pub(crate) struct Outage {
    store: Arc<S3Store>,
    seen: Mutex<Seen>,
}

enum Seen {
    Nothing,
    Answer(Instant),
    /// Final for these lanes: they end.
    Silence(JobFailure),
}

impl Outage {
    pub(crate) fn new(store: Arc<S3Store>) -> Self {
        Self { store, seen: Mutex::new(Seen::Nothing) }
    }

    /// Whether this outcome may be the store's and not the object's: nobody answered, or the clock of this machine is wrong.
    pub(crate) fn may_explain(outcome: &Outcome) -> bool {
        let Outcome::Failed(failure) = outcome else { return false };
        let is_silence = failure.status.is_none()
            && matches!(
                failure.code.as_str(),
                code::CONNECTION_ERROR | code::CONNECTION_LOST | code::TIMEOUT | code::CREDENTIALS_ERROR
            );
        is_silence || failure.code == code::REQUEST_TIME_TOO_SKEWED
    }

    /// Fails if the store does not answer, or did not answer another lane.
    pub(crate) async fn check(&self) -> Result<(), JobFailure> {
        let mut seen = self.seen.lock().await;
        match &*seen {
            Seen::Silence(failure) => return Err(failure.clone()),
            Seen::Answer(at) if at.elapsed() < FRESH => return Ok(()),
            Seen::Answer(_) | Seen::Nothing => {}
        }
        match self.store.check_reachable(None).await {
            Ok(()) => {
                *seen = Seen::Answer(Instant::now());
                Ok(())
            }
            Err(error) => {
                let failure = JobFailure::new(STORE_NOT_USABLE, error.to_string());
                *seen = Seen::Silence(failure.clone());
                Err(failure)
            }
        }
    }
}
