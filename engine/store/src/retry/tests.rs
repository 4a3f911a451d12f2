use std::sync::Arc;
use std::time::Duration;

use longshore_job::ObjectId;
use longshore_job::spec::RateSpec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::{RetryPolicy, Retrying};
use crate::Store;
use crate::error::{StoreError, code};
use crate::rate::{Pace, RateLimits};
use crate::request::{ByteRange, HeadObject, Request, RestoreObject, Upload, UploadPartCopy};
use crate::response::Response;
use crate::testing::{FakeStore, Fault, Faulty};

proptest! {
    #[test]
    fn delays_are_jittered_below_a_doubling_bound(failures in 1_u32..100, random in 0.0_f64..1.0) {
        let policy = RetryPolicy::default();
        let bound = policy.base_delay.saturating_mul(2_u32.saturating_pow(failures - 1)).min(policy.max_delay);
        let delay = policy.delay(failures, random);
        prop_assert!(delay <= bound);
        prop_assert!(delay >= bound.mul_f64(random).saturating_sub(Duration::from_micros(1)));
        prop_assert_eq!(policy.delay(failures, 0.0), Duration::ZERO);
        prop_assert_eq!(policy.delay(failures, 1.0), bound);
    }
}

fn slow_down() -> StoreError {
    StoreError::new("SlowDown", "Please reduce your request rate.").with_status(503).retry()
}

fn lost() -> StoreError {
    StoreError::new(code::CONNECTION_LOST, "the connection broke").retry()
}

fn ok() -> Response {
    Response { http_status: 200, ..Response::default() }
}

fn head() -> Request {
    HeadObject::new(ObjectId::new("b", "k")).into()
}

fn restore() -> Request {
    RestoreObject { object: ObjectId::new("b", "k"), days: Some(1), tier: None }.into()
}

fn retrying<S>(store: S) -> Retrying<S> {
    Retrying::new(store, RetryPolicy::default(), RateLimits::default())
}

#[tokio::test(start_paused = true)]
async fn what_is_retryable_is_retried() {
    let fake = Arc::new(FakeStore::scripted([Err(slow_down()), Err(lost()), Ok(ok())]));
    assert_eq!(retrying(Arc::clone(&fake)).send(&head()).await, Ok(ok()));
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_final_is_not() {
    let gone = StoreError::new("NoSuchKey", "The specified key does not exist.").with_status(404);
    let fake = Arc::new(FakeStore::scripted([Err(gone.clone()), Ok(ok())]));
    assert_eq!(retrying(Arc::clone(&fake)).send(&head()).await, Err(gone));
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_run_out() {
    let fake = Arc::new(FakeStore::answering(|_| Err(slow_down())));
    let error = retrying(Arc::clone(&fake)).send(&head()).await.unwrap_err();
    assert_eq!(fake.requests().len(), 8);
    assert_eq!((error.code.as_str(), error.status), ("SlowDown", Some(503)));
    assert_eq!(
        error.message,
        "Please reduce your request rate. (given up after 8 attempts: no attempts are left)"
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let busy = StoreError { retry_after: Some(Duration::from_secs(42)), ..slow_down() };
    let store = retrying(FakeStore::scripted([Err(busy), Ok(ok())]));
    let begin = Instant::now();
    assert_eq!(store.send(&head()).await, Ok(ok()));
    assert!(begin.elapsed() >= Duration::from_secs(42));
}

#[tokio::test(start_paused = true)]
async fn time_runs_out() {
    let busy = StoreError { retry_after: Some(Duration::from_secs(301)), ..slow_down() };
    let fake = Arc::new(FakeStore::answering(move |_| Err(busy.clone())));
    let begin = Instant::now();
    let error = retrying(Arc::clone(&fake)).send(&head()).await.unwrap_err();
    assert_eq!(fake.requests().len(), 1);
    assert!(error.message.ends_with("(given up after 1 attempts: no time is left)"), "{error}");
    assert_eq!(begin.elapsed(), Duration::ZERO, "a wait that cannot help is not begun");
}

/// The same wait as above, which would be too long for a small request.
#[tokio::test(start_paused = true)]
async fn a_part_of_gigabytes_has_more_time() {
    let upload = Upload { id: "u".to_owned(), object: Arc::default() };
    let range = ByteRange { first: 0, last: Some((1 << 30) - 1) };
    let source = ObjectId::new("b", "k");
    let (copy_source_if_match, requester_pays) = (None, false);
    let part = UploadPartCopy { upload, number: 1, source, range, copy_source_if_match, requester_pays };
    let busy = StoreError { retry_after: Some(Duration::from_secs(301)), ..slow_down() };
    let store = retrying(FakeStore::scripted([Err(busy), Ok(ok())]));
    assert_eq!(store.send(&part.into()).await, Ok(ok()));
}

#[tokio::test(start_paused = true)]
async fn retries_of_one_endpoint_are_paced_together() {
    let limits = RateLimits { retry_burst: 10, retries_per_second: 2.0, ..RateLimits::default() };
    let policy = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let fake = Arc::new(FakeStore::answering(|_| Err(lost())));
    let store = Arc::new(Retrying::new(Arc::clone(&fake), policy, limits));
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.send(&head()).await });
    }
    tasks.join_all().await;
    assert_eq!(fake.requests().len(), 100);
    // 10 at once, 40 at two a second.
    let elapsed = begin.elapsed();
    assert!((Duration::from_secs(20)..Duration::from_secs(21)).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_without_a_turn_in_time_is_given_up() {
    let limits = RateLimits { retry_burst: 1, retries_per_second: 0.001, ..RateLimits::default() };
    let store = Retrying::new(FakeStore::answering(|_| Err(lost())), RetryPolicy::default(), limits);
    let error = store.send(&head()).await.unwrap_err();
    let why = "(given up after 2 attempts: too many other requests to this endpoint are being retried)";
    assert!(error.message.ends_with(why), "{error}");
}

/// A store on which one restore can be started.
fn restorable() -> FakeStore {
    let mut started = false;
    FakeStore::answering(move |_| {
        if std::mem::replace(&mut started, true) {
            let message = "Object restore is already in progress";
            return Err(StoreError::new("RestoreAlreadyInProgress", message).with_status(409));
        }
        Ok(Response { http_status: 202, ..Response::default() })
    })
}

#[tokio::test(start_paused = true)]
async fn a_restore_whose_answer_was_lost_has_succeeded() {
    let faulty = Faulty::new(restorable(), |number, _| (number == 0).then(|| Fault::LoseAnswer(lost())));
    let store = retrying(faulty);
    assert_eq!(store.send(&restore()).await.map(|answer| answer.http_status), Ok(202));
    assert_eq!(store.inner().inner().requests().len(), 2);
    let error = store.send(&restore()).await.unwrap_err();
    assert_eq!(error.code, "RestoreAlreadyInProgress", "another request's restore is not this one's");
}

#[tokio::test(start_paused = true)]
async fn a_restore_that_never_arrived_has_not_succeeded() {
    let unreachable = || StoreError::new(code::CONNECTION_ERROR, "connection refused").retry();
    let inner = restorable();
    inner.send(&restore()).await.unwrap();
    let faulty = Faulty::new(inner, move |number, _| (number == 0).then(|| Fault::Refuse(unreachable())));
    let error = retrying(faulty).send(&restore()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("RestoreAlreadyInProgress", Some(409)));
}

#[tokio::test(start_paused = true)]
async fn throttles_lower_the_concurrency() {
    let limits = RateLimits { max_in_flight: 64, ..RateLimits::default() };
    let fake = FakeStore::scripted([Err(slow_down()), Err(slow_down()), Ok(ok())]);
    let store = Retrying::new(fake, RetryPolicy::default(), limits);
    store.send(&head()).await.unwrap();
    assert_eq!((store.pressure.limit("b"), store.pressure.store_limit()), (16, 64));
}

/// A store that takes so many requests at once, each of which lasts a while, and refuses what is beyond.
struct Loaded {
    takes: usize,
    now: std::sync::atomic::AtomicUsize,
    sent: std::sync::atomic::AtomicUsize,
}

#[async_trait::async_trait]
impl Store for Loaded {
    async fn send(&self, _: &Request) -> Result<Response, StoreError> {
        use std::sync::atomic::Ordering::Relaxed;
        self.sent.fetch_add(1, Relaxed);
        if self.now.fetch_add(1, Relaxed) >= self.takes {
            self.now.fetch_sub(1, Relaxed);
            return Err(slow_down());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.now.fetch_sub(1, Relaxed);
        Ok(ok())
    }
}

/// The number of requests that `count` calls from `lanes` lanes need on such a store.
async fn needed(takes: usize, lanes: usize, count: usize) -> usize {
    let loaded = Arc::new(Loaded { takes, now: 0.into(), sent: 0.into() });
    let most = u32::try_from(lanes).unwrap();
    let limits = RateLimits {
        max_in_flight: most,
        retries_per_second: f64::from(most) / 4.0,
        retry_burst: most * 2,
        ..RateLimits::default()
    };
    let store = Arc::new(Retrying::new(Arc::clone(&loaded), RetryPolicy::default(), limits));
    let mut tasks = tokio::task::JoinSet::new();
    let left = Arc::new(std::sync::atomic::AtomicUsize::new(count));
    for _ in 0..lanes {
        let (store, left) = (Arc::clone(&store), Arc::clone(&left));
        tasks.spawn(async move {
            use std::sync::atomic::Ordering::Relaxed;
            while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                store.send(&head()).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    loaded.sent.load(std::sync::atomic::Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn the_load_that_a_store_takes_is_found_with_few_refusals() {
    for (takes, lanes) in [(1, 16), (4, 64), (8, 64), (45, 64), (64, 64), (100, 256)] {
        let sent = needed(takes, lanes, 5000).await;
        println!("{takes} of {lanes} at once: 5000 calls took {sent} requests");
        assert!((5000..=6500).contains(&sent), "{takes} of {lanes} at once: {sent} requests for 5000");
    }
}

/// The policies of two jobs on one store.
#[tokio::test(start_paused = true)]
async fn those_who_retry_otherwise_share_the_limits() {
    let fake = Arc::new(FakeStore::answering(|_| Err(slow_down())));
    let limits = RateLimits { max_in_flight: 64, ..RateLimits::default() };
    let patient = Retrying::new(Arc::clone(&fake), RetryPolicy::default(), limits);
    let hasty = patient.with_policy(RetryPolicy { max_attempts: 1, ..RetryPolicy::default() });
    hasty.send(&head()).await.unwrap_err();
    assert_eq!((fake.requests().len(), patient.pressure.limit("b")), (1, 32));
}

/// Retries count, too, and two jobs on one store have a pace each.
#[tokio::test(start_paused = true)]
async fn every_attempt_is_under_the_bounds_of_its_own_job() {
    let fake = Arc::new(FakeStore::answering(|_| Err(lost())));
    let limits = RateLimits { retries_per_second: 1e6, ..RateLimits::default() };
    let policy = RetryPolicy { max_delay: Duration::from_millis(1), ..RetryPolicy::default() };
    let store = Retrying::new(Arc::clone(&fake), policy.clone(), limits);
    let rate = RateSpec { requests_per_second: Some(1), bytes_per_second: None };
    let slow = store.with_policy(policy.clone()).at_pace(Arc::new(Pace::new(rate)));
    let begin = Instant::now();
    slow.send(&head()).await.unwrap_err();
    assert_eq!(begin.elapsed().as_secs(), u64::from(policy.max_attempts) - 1);
    assert_eq!(fake.requests().len(), policy.max_attempts as usize);
    let begin = Instant::now();
    store.send(&head()).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_everything_is_given_up_by_all() {
    let fake = Arc::new(FakeStore::answering(|_| Err(slow_down())));
    let limits = RateLimits { max_in_flight: 64, ..RateLimits::default() };
    let store = Arc::new(Retrying::new(Arc::clone(&fake), RetryPolicy::default(), limits));
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.send(&head()).await.unwrap_err() });
    }
    for error in tasks.join_all().await {
        assert_eq!((error.code.as_str(), error.status), ("SlowDown", Some(503)));
    }
    let (elapsed, sent) = (begin.elapsed(), fake.requests().len());
    println!("64 calls on a store that refuses everything: {sent} requests in {elapsed:?}");
    assert!(elapsed < Duration::from_secs(60), "{elapsed:?}");
    assert!(sent < 64 * 3, "{sent} requests");
    assert!(store.overwhelmed_since(begin));
}
