//! The only retry layer of the engine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Store;
use crate::error::{StoreError, code};
use crate::rate::{Limiter, RateLimits, TokenBucket, Verdict};
use crate::request::Request;
use crate::response::Response;

/// When a failed request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included. Default 8: with the delays below 6 seconds on average, 13 at
    /// most. Longer outages are not for single requests to sit out: whoever sends them asks whether the store is there.
    pub max_attempts: u32,
    /// Upper bound of the first delay; each further bound is twice the last. Default 100 ms.
    pub base_delay: Duration,
    /// Upper bound of every delay that the store did not ask for. Default 20 s.
    pub max_delay: Duration,
    /// No attempt begins later than this after the first. Default 5 minutes: a lane must not be lost to one object.
    pub total_time: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(20),
            total_time: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// How long to wait after `failures` failed attempts (from 1): exponential back-off with full jitter, that is
    /// `random` (0 up to 1) times the bound. See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let bound = self.base_delay.saturating_mul(1 << doublings).min(self.max_delay);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }
}

/// A store whose failed requests are retried and whose load is controlled.
///
/// Retried are the errors marked [`StoreError::retryable`]; a store's `Retry-After` is honoured; retries of one
/// endpoint are paced together ([`RateLimits`]). A retry may repeat a request that took effect although its answer
/// was lost. All calls of [`Request`] end in the same state when repeated, with these exceptions, as with every S3
/// client: a PutObject or CopyObject into a versioned bucket may leave an extra version; a PutObject with
/// `if_none_match` may answer 412 for its own object; for RestoreObject see [`Retrying::send`].
#[derive(Debug)]
pub struct Retrying<S> {
    inner: S,
    policy: RetryPolicy,
    limiter: Limiter,
    retries: Mutex<TokenBucket>,
}

impl<S> Retrying<S> {
    /// Puts retries and rate control in front of `inner`, which must not retry by itself. One endpoint needs one of
    /// these: its limits are shared by all that use it.
    pub fn new(inner: S, policy: RetryPolicy, limits: RateLimits) -> Self {
        let retries =
            TokenBucket::new(limits.retries_per_second, f64::from(limits.retry_burst), Instant::now());
        Self { inner, policy, limiter: Limiter::new(&limits), retries: Mutex::new(retries) }
    }

    /// When its requests are retried.
    pub(crate) fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The store behind.
    pub(crate) fn inner(&self) -> &S {
        &self.inner
    }

    /// Calls `attempt` until it succeeds or, by `policy`, should not be tried again.
    pub(crate) async fn run<T, F, A>(&self, policy: &RetryPolicy, mut attempt: F) -> Result<T, StoreError>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<T, StoreError>>,
    {
        let begin = Instant::now();
        let mut attempts = 0_u32;
        loop {
            let slot = self.limiter.slot().await;
            let result = attempt().await;
            slot.release(verdict(&result));
            attempts = attempts.saturating_add(1);
            match result {
                Ok(value) => return Ok(value),
                Err(error) => sleep(self.next(policy, error, attempts, begin)?).await,
            }
        }
    }

    /// How long to wait before the next attempt, or the error to end with.
    fn next(
        &self,
        policy: &RetryPolicy,
        mut error: StoreError,
        attempts: u32,
        begin: Instant,
    ) -> Result<Duration, StoreError> {
        if !error.retryable {
            return Err(error);
        }
        let now = Instant::now();
        let left = policy.total_time.saturating_sub(now.saturating_duration_since(begin));
        let asked = error.retry_after.unwrap_or_default();
        let delay = policy.delay(attempts, fastrand::f64()).max(asked);
        let gave_up = if attempts >= policy.max_attempts {
            "no attempts are left"
        } else if delay > left {
            "no time is left"
        } else {
            let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
            match retries.take(now, left) {
                Some(turn) => {
                    longshore_measure::retry();
                    return Ok(delay.max(turn));
                }
                None => "too many other requests to this endpoint are being retried",
            }
        };
        error.message = format!("{} (given up after {attempts} attempts: {gave_up})", error.message);
        Err(error)
    }
}

fn verdict<T>(result: &Result<T, StoreError>) -> Verdict {
    match result {
        Err(error) if error.is_throttle() => Verdict::Throttled,
        Err(error) if error.status.is_none() || error.retryable => Verdict::Unclear,
        _ => Verdict::Fine,
    }
}

#[async_trait::async_trait]
impl<S: Store> Store for Retrying<S> {
    /// Sends with retries.
    ///
    /// RestoreObject is the one call whose repetition fails after its own success: S3 answers 409
    /// `RestoreAlreadyInProgress`. When it says so after an attempt of this very call whose answer was lost on the way,
    /// the restore is taken to be the one that attempt began, and the call succeeds with 202. Without such an attempt
    /// the 409 is an error like any other.
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        let lost_answer = AtomicBool::new(false);
        let result = self
            .run(&self.policy, || async {
                let result = self.inner.send(request).await;
                if result.as_ref().is_err_and(StoreError::is_lost_answer) {
                    lost_answer.store(true, Ordering::Relaxed);
                }
                result
            })
            .await;
        match (request, result) {
            (Request::RestoreObject(restore), Err(error))
                if error.code == code::RESTORE_ALREADY_IN_PROGRESS && lost_answer.into_inner() =>
            {
                tracing::warn!(
                    bucket = restore.object.bucket,
                    key = restore.object.key,
                    "a restore is in progress and an answer was lost: taken to be this request's own restore"
                );
                Ok(Response { http_status: 202, ..Response::default() })
            }
            (_, result) => result,
        }
    }
}

#[cfg(test)]
mod tests;
