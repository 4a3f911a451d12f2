//! Tells trouble with one object from trouble with the store, so that an outage does not become a thousand failed tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_job::{Failure, Outcome};
use longshore_store::{S3Store, StoreError, code};
use tokio::sync::Mutex;

use crate::error::{JobFailure, STORE_NOT_USABLE};

/// For how long an answer of the store stands for all lanes that ask.
const FRESH: Duration = Duration::from_secs(1);

/// Nobody answered, or the clock of this machine is wrong.
fn is_silence(failure: &Failure) -> bool {
    let code = failure.code.as_str();
    let unanswered = matches!(
        code,
        code::CONNECTION_ERROR | code::CONNECTION_LOST | code::TIMEOUT | code::CREDENTIALS_ERROR
    );
    (failure.status.is_none() && unanswered) || code == code::REQUEST_TIME_TOO_SKEWED
}

/// The store asks for fewer requests.
fn is_throttle(failure: &Failure) -> bool {
    StoreError { status: failure.status, ..StoreError::new(failure.code.as_str(), "") }.is_throttle()
}

/// Asks the stores of a job whether they are there, once for all its lanes.
pub(crate) struct Outage {
    stores: Vec<Arc<S3Store>>,
    seen: Mutex<Seen>,
}

enum Seen {
    Nothing,
    Answer(Instant),
    /// Final for these lanes: they end.
    Silence(JobFailure),
}

impl Outage {
    pub(crate) fn new(stores: Vec<Arc<S3Store>>) -> Self {
        Self { stores, seen: Mutex::new(Seen::Nothing) }
    }

    /// Fails if the outcome of a task that began at `begin` may be the store's and not the object's, and the store is gone:
    /// it does not answer (or did not answer another lane), or it asked for fewer requests whatever it was sent since then.
    pub(crate) async fn check(&self, outcome: &Outcome, begin: Instant) -> Result<(), JobFailure> {
        let Outcome::Failed(failure) = outcome else { return Ok(()) };
        if is_throttle(failure) && self.stores.iter().any(|store| store.overwhelmed_since(begin)) {
            return self.overwhelmed(failure).await;
        }
        if is_silence(failure) { self.ask().await } else { Ok(()) }
    }

    async fn overwhelmed(&self, failure: &Failure) -> Result<(), JobFailure> {
        let reason = format!(
            "the store asks for fewer requests, however few it gets: {}: {}",
            failure.code, failure.message
        );
        let failure = JobFailure::new(STORE_NOT_USABLE, reason);
        *self.seen.lock().await = Seen::Silence(failure.clone());
        Err(failure)
    }

    async fn ask(&self) -> Result<(), JobFailure> {
        let mut seen = self.seen.lock().await;
        match &*seen {
            Seen::Silence(failure) => return Err(failure.clone()),
            Seen::Answer(at) if at.elapsed() < FRESH => return Ok(()),
            Seen::Answer(_) | Seen::Nothing => {}
        }
        for store in &self.stores {
            if let Err(error) = store.check_reachable(None).await {
                let failure = JobFailure::new(STORE_NOT_USABLE, error.to_string());
                *seen = Seen::Silence(failure.clone());
                return Err(failure);
            }
        }
        *seen = Seen::Answer(Instant::now());
        Ok(())
    }
}
