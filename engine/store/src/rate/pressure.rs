//! What bounds the requests to one endpoint: a limit for the store, one for each bucket, and a budget for retries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::bucket::TokenBucket;
use super::limiter::{Limiter, Slot, Verdict};
use super::{RateLimits, lock};
use crate::error::StoreError;

/// Buckets with a limit of their own (count): those beyond it have the store's only. A job works on a few.
const MAX_BUCKETS: usize = 1024;

/// The load on one endpoint, shared by all that send to it.
#[derive(Debug)]
pub(crate) struct Pressure {
    store: Arc<Limiter>,
    buckets: Mutex<HashMap<String, Arc<Limiter>>>,
    retries: Mutex<TokenBucket>,
    limits: RateLimits,
    answers: Mutex<Answers>,
    /// Wakes those who wait for a turn that is not worth waiting for.
    hopeless: Notify,
}

/// What the store said last.
#[derive(Debug, Default)]
struct Answers {
    /// When it last answered without complaint.
    fine: Option<Instant>,
    /// Requests that it has refused as too many since then.
    refused: u32,
    /// Why it was given up last.
    refusal: Option<StoreError>,
}

/// Requests that a store must have refused in a row before it counts as refusing all (count): one object that is refused
/// in all its attempts is no such evidence.
const EVIDENCE: u32 = 8;

/// The right to send one request now.
#[derive(Debug)]
pub(crate) struct Turn {
    store: Slot,
    bucket: Option<Slot>,
}

/// What an answer says about the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sign {
    /// What it says about the bucket.
    pub bucket: Verdict,
    /// What it says about the store as a whole.
    pub store: Verdict,
}

impl Pressure {
    pub(crate) fn new(limits: RateLimits) -> Self {
        let burst = f64::from(limits.retry_burst);
        Self {
            store: Arc::new(Limiter::new(limits.max_in_flight, limits.requests_per_second)),
            buckets: Mutex::default(),
            retries: Mutex::new(TokenBucket::new(limits.retries_per_second, burst, Instant::now())),
            limits,
            answers: Mutex::default(),
            hopeless: Notify::new(),
        }
    }

    /// Waits until one request on `bucket` may go out. The store's slot comes last: who waits for a bucket holds up no other.
    ///
    /// # Errors
    /// If meanwhile somebody gave up on the store, which refuses everything as too much: the refusal.
    pub(crate) async fn turn(&self, bucket: Option<&str>) -> Result<Turn, StoreError> {
        tokio::select! {
            biased;
            turn = self.wait(bucket) => Ok(turn),
            () = self.hopeless.notified() => Err(self.refusal()),
        }
    }

    /// Nobody waits any longer for a turn on a store that refuses everything with `refusal`.
    pub(crate) fn give_up(&self, refusal: &StoreError) {
        lock(&self.answers).refusal = Some(refusal.clone());
        self.hopeless.notify_waiters();
    }

    fn refusal(&self) -> StoreError {
        let refusal = lock(&self.answers).refusal.clone();
        refusal.unwrap_or_else(|| StoreError::new("SlowDown", "the store refuses everything").retry())
    }

    async fn wait(&self, bucket: Option<&str>) -> Turn {
        let bucket = match bucket.and_then(|bucket| self.bucket(bucket)) {
            Some(limiter) => Some(limiter.slot().await),
            None => None,
        };
        Turn { store: self.store.slot().await, bucket }
    }

    /// Gives a turn back with what its answer says.
    pub(crate) fn settle(&self, turn: Turn, sign: Sign) {
        match sign.bucket {
            Verdict::Fine => {
                *lock(&self.answers) = Answers { fine: Some(Instant::now()), ..Answers::default() };
                lock(&self.retries).deposit(self.limits.retries_per_success);
            }
            Verdict::Throttled(_) => {
                let mut answers = lock(&self.answers);
                answers.refused = answers.refused.saturating_add(1);
            }
            Verdict::Unclear => {}
        }
        turn.store.release(sign.store);
        if let Some(bucket) = turn.bucket {
            bucket.release(sign.bucket);
        }
    }

    /// Takes one retry out of the budget if it can be had within `patience`, and says how long to wait before it.
    pub(crate) fn retry(&self, patience: Duration) -> Option<Duration> {
        lock(&self.retries).take(Instant::now(), patience)
    }

    /// Whether the store has refused everything as too much since `moment`.
    pub(crate) fn overwhelmed_since(&self, moment: Instant) -> bool {
        let answers = lock(&self.answers);
        answers.refused >= EVIDENCE && answers.fine.is_none_or(|fine| fine < moment)
    }

    fn bucket(&self, name: &str) -> Option<Arc<Limiter>> {
        let mut buckets = lock(&self.buckets);
        if let Some(limiter) = buckets.get(name) {
            return Some(Arc::clone(limiter));
        }
        if buckets.len() >= MAX_BUCKETS {
            return None;
        }
        let limiter = Arc::new(Limiter::new(self.limits.max_in_flight, None));
        buckets.insert(name.to_owned(), Arc::clone(&limiter));
        Some(limiter)
    }

    /// Requests on `bucket` that may be in flight now.
    #[cfg(test)]
    pub(crate) fn limit(&self, bucket: &str) -> u32 {
        self.bucket(bucket).map_or(0, |limiter| limiter.limit())
    }

    /// Requests that may be in flight now, over all buckets.
    #[cfg(test)]
    pub(crate) fn store_limit(&self) -> u32 {
        self.store.limit()
    }
}
