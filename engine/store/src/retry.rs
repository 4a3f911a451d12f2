//! The only retry layer of the engine.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use longshore_job::spec::{RetriedErrors, RetrySpec};
use tokio::time::{Instant, sleep};

use crate::Store;
use crate::digest::DigestSoFar;
use crate::error::{StoreError, code};
use crate::rate::{Pace, Paces, Pressure, RateLimits, Sign, Verdict};
use crate::request::{PartBody, Request, UploadPart};
use crate::response::Response;

/// When a failed request is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included.
    pub max_attempts: u32,
    /// Upper bound of the first delay; each further bound is twice the last.
    pub base_delay: Duration,
    /// Upper bound of every delay that the store did not ask for.
    pub max_delay: Duration,
    /// No attempt begins later than this after the first: a lane must not be lost to one object.
    pub total_time: Duration,
    /// Which errors are tried again.
    pub errors: RetriedErrors,
}

impl Default for RetryPolicy {
    /// As for a job that says nothing.
    fn default() -> Self {
        Self::from(&RetrySpec::default())
    }
}

impl From<&RetrySpec> for RetryPolicy {
    fn from(spec: &RetrySpec) -> Self {
        Self {
            max_attempts: spec.attempts,
            base_delay: Duration::from_millis(spec.base_delay_ms),
            max_delay: Duration::from_millis(spec.max_delay_ms),
            total_time: Duration::from_millis(spec.total_time_ms),
            errors: spec.errors.clone(),
        }
    }
}

impl RetryPolicy {
    /// The same for a request that may take so much longer: a part of gigabytes may fail later than a small one has to be through.
    fn allowing(&self, allowance: Duration) -> Cow<'_, Self> {
        if allowance.is_zero() {
            return Cow::Borrowed(self);
        }
        let total_time = self.total_time.saturating_add(allowance);
        Cow::Owned(Self { total_time, ..self.clone() })
    }

    /// How long to wait after `failures` failed attempts (from 1): exponential back-off with full jitter, that is
    /// `random` (0 up to 1) times the bound. See "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let bound = self.base_delay.saturating_mul(1 << doublings).min(self.max_delay);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }
}

/// For how long a store may refuse everything as too much before its requests are given up: it is not one request's matter
/// then, and whoever sends them decides what becomes of the others.
const PATIENCE: Duration = Duration::from_secs(15);

/// A store whose failed requests are retried and whose load is controlled.
///
/// Retried are the errors that the policy includes; a store's `Retry-After` is honoured; retries of one
/// endpoint are paced together ([`RateLimits`]). A retry may repeat a request that took effect although its answer
/// was lost. All calls of [`Request`] end in the same state when repeated, with these exceptions, as with every S3
/// client: a PutObject, CopyObject or DeleteObject in a versioned bucket may leave an extra version or delete marker; one
/// with a condition may answer 412, and AbortMultipartUpload 404, for its own effect; for RestoreObject see [`Retrying::send`].
#[derive(Debug)]
pub struct Retrying<S> {
    inner: Arc<S>,
    policy: RetryPolicy,
    pressure: Arc<Pressure>,
    paces: Paces,
}

/// What an attempt puts on a store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    /// The bucket that it works on.
    pub bucket: Option<&'a str>,
    /// Bytes of the body that it sends.
    pub bytes: u64,
}

impl<S> Retrying<S> {
    /// Puts retries and rate control in front of `inner`, which must not retry by itself. One endpoint needs one of
    /// these: its limits are shared by all that use it.
    pub fn new(inner: S, policy: RetryPolicy, limits: RateLimits) -> Self {
        let pressure = Arc::new(Pressure::new(limits));
        Self { inner: Arc::new(inner), policy, pressure, paces: Paces::default() }
    }

    /// The same endpoint with another policy: connections, limits and the budget for retries are shared.
    #[must_use]
    pub fn with_policy(&self, policy: RetryPolicy) -> Self {
        let (inner, pressure) = (Arc::clone(&self.inner), Arc::clone(&self.pressure));
        Self { inner, policy, pressure, paces: self.paces.clone() }
    }

    /// Whose requests and bytes are also under the bounds of `pace`.
    #[must_use]
    pub fn at_pace(self, pace: Arc<Pace>) -> Self {
        Self { paces: self.paces.and(pace), ..self }
    }

    /// Counts bytes that came with an answer.
    pub(crate) fn received(&self, bytes: u64) {
        self.paces.received(bytes);
    }

    /// Whether the store has refused everything as too much since `moment`. Then it is as good as gone.
    pub(crate) fn overwhelmed_since(&self, moment: Instant) -> bool {
        self.pressure.overwhelmed_since(moment)
    }

    /// When its requests are retried.
    pub(crate) fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// The store behind.
    pub(crate) fn inner(&self) -> &S {
        &self.inner
    }

    /// Calls `attempt`, which puts `load` on the store, until it succeeds or, by `policy`, should not be tried again.
    pub(crate) async fn run<T, F, A>(
        &self,
        policy: &RetryPolicy,
        load: Load<'_>,
        mut attempt: F,
    ) -> Result<T, StoreError>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<T, StoreError>>,
    {
        let begin = Instant::now();
        let mut attempts = 0_u32;
        loop {
            self.paces.turn(load.bytes).await;
            let turn = self.pressure.turn(load.bucket).await?;
            let result = attempt().await;
            self.pressure.settle(turn, sign(&result));
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
        if !policy.errors.include(error.class(), &error.code) {
            return Err(error);
        }
        let now = Instant::now();
        let left = policy.total_time.saturating_sub(now.saturating_duration_since(begin));
        let asked = error.retry_after.unwrap_or_default();
        let delay = policy.delay(attempts, fastrand::f64()).max(asked);
        let hopeless = error.is_throttle() && self.pressure.overwhelmed_since(begin);
        let gave_up = if attempts >= policy.max_attempts {
            "no attempts are left"
        } else if delay > left {
            "no time is left"
        } else if hopeless && now.saturating_duration_since(begin) >= PATIENCE {
            "it refuses everything"
        } else {
            match self.pressure.retry(left) {
                Some(turn) => {
                    longshore_measure::retry();
                    return Ok(delay.max(turn));
                }
                None => "too many other requests to this endpoint are being retried",
            }
        };
        error.message = format!("{} (given up after {attempts} attempts: {gave_up})", error.message);
        if hopeless {
            self.pressure.give_up(&error);
        }
        Err(error)
    }
}

/// What a result says about the load. S3 throttles by bucket, so its own words (`SlowDown`) are about the bucket; whatever
/// else asks for fewer requests speaks for the store.
fn sign<T>(result: &Result<T, StoreError>) -> Sign {
    let verdict = match result {
        Err(error) if error.is_throttle() => Verdict::Throttled(error.retry_after),
        Err(error) if error.status.is_none() || error.retryable => Verdict::Unclear,
        _ => Verdict::Fine,
    };
    let of_bucket = matches!(result, Err(error) if error.code.starts_with("SlowDown"));
    Sign { bucket: verdict, store: if of_bucket { Verdict::Unclear } else { verdict } }
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
        let load = Load { bucket: request.bucket(), bytes: request.body_bytes() };
        let policy = self.policy.allowing(request.allowance());
        let result = self
            .run(&policy, load, || async {
                let result = self.inner.send(request).await;
                if let Ok(response) = &result {
                    self.received(received(request, response));
                }
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

/// Bytes of an object that came with an answer, also those that went through a hasher only.
fn received(request: &Request, response: &Response) -> u64 {
    match request {
        // What went out, which could not be counted before.
        Request::UploadPart(UploadPart { body: PartBody::Streamed(stream), .. }) => stream.size(),
        Request::DigestObject(call) => {
            let read = response.digest_so_far.as_ref().map(DigestSoFar::bytes).or(response.size);
            read.unwrap_or_default().saturating_sub(call.first())
        }
        _ => count(&response.body),
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
