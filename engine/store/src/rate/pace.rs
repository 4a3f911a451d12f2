//! Bounds per second on the requests of a part of those who share a store, and on bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::spec::RateSpec;
use tokio::time::{Instant, sleep};

use super::bucket::TokenBucket;
use super::{RATE_BURST, lock};

/// What of one kind may go out each second: of a job, of all jobs, or of all that use a store. Requests count when they go
/// out, retries too. Bytes are those of bodies that pass through the engine: an upload counts before it begins, an answer
/// once it is there, so that who comes next waits for what came before. No body is cut or slowed down on its way.
#[derive(Debug, Default)]
pub struct Pace {
    requests: Option<Mutex<TokenBucket>>,
    bytes: Option<Mutex<TokenBucket>>,
}

impl Pace {
    /// Nothing is bound where `rate` says nothing.
    pub fn new(rate: RateSpec) -> Self {
        let bucket = |rate: f64| {
            let burst = (rate * RATE_BURST.as_secs_f64()).max(1.0);
            Mutex::new(TokenBucket::new(rate, burst, Instant::now()))
        };
        Self {
            requests: rate.requests_per_second.map(|rate| bucket(f64::from(rate))),
            bytes: rate.bytes_per_second.map(|rate| bucket(tokens(rate))),
        }
    }

    /// Waits until one request may go out that carries `bytes`.
    async fn turn(&self, bytes: u64) {
        let now = Instant::now();
        let requests = self.requests.as_ref().and_then(|bucket| lock(bucket).take(now, Duration::MAX));
        let bytes = self.bytes.as_ref().map(|bucket| lock(bucket).spend(now, tokens(bytes)));
        let wait = requests.max(bytes).unwrap_or_default();
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }

    /// Counts bytes that came with an answer.
    fn received(&self, bytes: u64) {
        if let Some(bucket) = &self.bytes {
            lock(bucket).spend(Instant::now(), tokens(bytes));
        }
    }
}

/// Everybody whose bounds a request is under. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paces(Vec<Arc<Pace>>);

impl Paces {
    /// These and one more.
    #[must_use]
    pub(crate) fn and(&self, pace: Arc<Pace>) -> Self {
        Self(self.0.iter().cloned().chain([pace]).collect())
    }

    /// Waits until all of them let a request go out that carries `bytes`.
    pub(crate) async fn turn(&self, bytes: u64) {
        for pace in &self.0 {
            pace.turn(bytes).await;
        }
    }

    /// Counts bytes that came with an answer.
    pub(crate) fn received(&self, bytes: u64) {
        self.0.iter().for_each(|pace| pace.received(bytes));
    }
}

/// Exact up to 2^53; nobody has more bytes a second.
#[allow(clippy::cast_precision_loss, reason = "see above")]
fn tokens(count: u64) -> f64 {
    count as f64
}
