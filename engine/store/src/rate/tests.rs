use std::sync::Arc;
use std::time::Duration;

use longshore_job::spec::RateSpec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::aimd::Aimd;
use super::bucket::TokenBucket;
use super::limiter::{Limiter, Verdict};
use super::pause::Pause;
use super::{Pace, Paces, Pressure, RateLimits, Sign};

#[test]
fn a_throttle_halves_and_a_window_of_successes_adds_one() {
    let mut aimd = Aimd::new(16);
    let begun = aimd.generation();
    aimd.throttled(begun);
    assert_eq!(aimd.limit(), 8);
    (0..8).for_each(|_| aimd.succeeded());
    assert_eq!(aimd.limit(), 9);
    (0..8).for_each(|_| aimd.succeeded());
    assert_eq!(aimd.limit(), 9, "the window is as long as the limit");
    aimd.succeeded();
    assert_eq!(aimd.limit(), 10);
}

#[test]
fn what_was_refused_is_tried_again_slowly_and_then_forgotten() {
    let mut aimd = Aimd::new(16);
    aimd.throttled(aimd.generation());
    aimd.throttled(aimd.generation());
    assert_eq!(aimd.limit(), 4);
    (0..4 + 5 + 6).for_each(|_| aimd.succeeded());
    assert_eq!(aimd.limit(), 7, "8 was refused");
    (0..99).for_each(|_| aimd.succeeded());
    assert_eq!(aimd.limit(), 7);
    aimd.succeeded();
    assert_eq!(aimd.limit(), 8);
    (0..8).for_each(|_| aimd.succeeded());
    assert_eq!(aimd.limit(), 9, "the store takes it now");
}

#[test]
fn one_burst_of_throttles_halves_once() {
    let mut aimd = Aimd::new(16);
    let begun = aimd.generation();
    (0..16).for_each(|_| _ = aimd.throttled(begun));
    assert_eq!(aimd.limit(), 8);
}

proptest! {
    #[test]
    fn the_limit_stays_within_its_bounds(max in 0_u32..300, events in prop::collection::vec(any::<bool>(), 0..2000)) {
        let mut aimd = Aimd::new(max);
        for succeeded in events {
            let before = aimd.limit();
            if succeeded {
                aimd.succeeded();
                prop_assert!(aimd.limit() == before || aimd.limit() == before + 1);
            } else {
                aimd.throttled(aimd.generation());
                prop_assert_eq!(aimd.limit(), (before / 2).max(1));
            }
            prop_assert!((1..=max.max(1)).contains(&aimd.limit()));
        }
    }

    /// Over any stretch of time no more tokens are spent than came in, plus the burst.
    #[test]
    fn a_bucket_keeps_its_rate(
        per_second in 1.0_f64..1000.0,
        burst in 1.0_f64..50.0,
        gaps in prop::collection::vec(0_u64..200, 1..300),
    ) {
        let begin = Instant::now();
        let mut now = begin;
        let mut bucket = TokenBucket::new(per_second, burst, now);
        for (taken, gap) in (1_u32..).zip(gaps) {
            now += Duration::from_millis(gap);
            let wait = bucket.take(now, Duration::MAX).unwrap();
            let at = (now + wait).duration_since(begin).as_secs_f64();
            prop_assert!(f64::from(taken) <= at * per_second + burst + 1e-3, "{taken} tokens in {at} s");
        }
    }

    #[test]
    fn the_pauses_grow_and_have_an_end(random in prop::collection::vec(0.0_f64..1.0, 1..20)) {
        let begin = Instant::now();
        let mut now = begin;
        let mut pause = Pause::default();
        for (refusal, random) in (0_u32..).zip(random) {
            pause.refused(now, random);
            let until = pause.until(now).unwrap();
            let bound = Duration::from_millis(100 * 2_u64.pow(refusal.min(16))).min(Duration::from_secs(5));
            let length = until.duration_since(now);
            prop_assert!(bound.mul_f64(0.49) <= length && length <= bound, "{length:?} of {bound:?}");
            now = until;
            prop_assert_eq!(pause.until(now), None, "it is over then");
        }
        pause.succeeded();
        pause.refused(now, 1.0);
        prop_assert!(pause.until(now).unwrap().duration_since(now) <= Duration::from_millis(100));
    }

    /// Retries are never more than the budget: what was saved, and what time and successes bring.
    #[test]
    fn successes_pay_for_retries(events in prop::collection::vec(any::<bool>(), 1..500), burst in 1.0_f64..20.0) {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(1.0, burst, now);
        let (mut successes, mut retries) = (0.0, 0.0);
        for success in events {
            if success {
                successes += 1.0;
                bucket.deposit(0.2);
            } else if bucket.take(now, Duration::ZERO).is_some() {
                retries += 1.0;
            }
            prop_assert!(retries <= burst + successes * 0.2 + 1e-6);
        }
    }

    #[test]
    fn an_impatient_taker_takes_nothing(patience in 0_u64..900) {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(1.0, 1.0, now);
        prop_assert_eq!(bucket.take(now, Duration::ZERO), Some(Duration::ZERO));
        prop_assert_eq!(bucket.take(now, Duration::from_millis(patience)), None);
        prop_assert_eq!(bucket.take(now, Duration::from_secs(2)), Some(Duration::from_secs(1)));
    }
}

fn limiter(max_in_flight: u32, requests_per_second: Option<u32>) -> Arc<Limiter> {
    Arc::new(Limiter::new(max_in_flight, requests_per_second))
}

#[tokio::test(start_paused = true)]
async fn no_more_slots_than_the_limit() {
    let limiter = limiter(2, None);
    let first = limiter.slot().await;
    let _second = limiter.slot().await;
    let patience = Duration::from_secs(60);
    assert!(tokio::time::timeout(patience, limiter.slot()).await.is_err());
    first.release(Verdict::Fine);
    assert!(tokio::time::timeout(patience, limiter.slot()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_slot_comes_back() {
    let limiter = limiter(1, None);
    for _ in 0..10 {
        drop(limiter.slot().await);
    }
    assert_eq!(limiter.limit(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_throttle_half_as_many_are_let_through_and_then_more_again() {
    let limiter = limiter(8, None);
    let mut slots = Vec::new();
    for _ in 0..8 {
        slots.push(limiter.slot().await);
    }
    slots.drain(..).for_each(|slot| slot.release(Verdict::Throttled(None)));
    assert_eq!(limiter.limit(), 4);
    for _ in 0..4 {
        slots.push(limiter.slot().await);
    }
    assert!(tokio::time::timeout(Duration::from_secs(60), limiter.slot()).await.is_err());
    slots.drain(..).for_each(|slot| slot.release(Verdict::Fine));
    assert_eq!(limiter.limit(), 5);
    for _ in 0..5 {
        slots.push(tokio::time::timeout(Duration::from_secs(60), limiter.slot()).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn requests_per_second() {
    let limiter = limiter(8, Some(100));
    let begin = Instant::now();
    for _ in 0..1005 {
        limiter.slot().await.release(Verdict::Fine);
    }
    let elapsed = begin.elapsed();
    assert!((Duration::from_millis(9_990)..Duration::from_millis(10_100)).contains(&elapsed), "{elapsed:?}");
}

fn pace(requests_per_second: Option<u32>, bytes_per_second: Option<u64>) -> Paces {
    let rate = RateSpec { requests_per_second, bytes_per_second };
    Paces::default().and(Arc::new(Pace::new(rate)))
}

#[tokio::test(start_paused = true)]
async fn a_pace_without_bounds_keeps_nobody() {
    let (paces, begin) = (pace(None, None), Instant::now());
    for _ in 0..10_000 {
        paces.turn(u64::MAX).await;
        paces.received(u64::MAX);
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_narrowest_of_several_paces_decides() {
    let paces = pace(Some(500), None)
        .and(Arc::new(Pace::new(RateSpec { requests_per_second: Some(100), bytes_per_second: None })));
    let begin = Instant::now();
    for _ in 0..1005 {
        paces.turn(0).await;
    }
    let elapsed = begin.elapsed();
    assert!((Duration::from_millis(9_990)..Duration::from_millis(10_200)).contains(&elapsed), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn bytes_count_in_both_directions_and_whoever_comes_next_waits_for_them() {
    let (paces, begin) = (pace(None, Some(1_000)), Instant::now());
    paces.turn(5_050).await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
    paces.received(2_000);
    paces.turn(0).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(7));
    paces.turn(0).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn what_a_store_asks_for_holds_for_every_request() {
    let limiter = limiter(8, None);
    let (first, second) = (limiter.slot().await, limiter.slot().await);
    first.release(Verdict::Throttled(Some(Duration::from_secs(42))));
    second.release(Verdict::Fine);
    let begin = Instant::now();
    let _third = limiter.slot().await;
    assert_eq!(begin.elapsed().as_secs(), 42);
}

#[tokio::test(start_paused = true)]
async fn a_store_may_not_ask_for_hours() {
    let limiter = limiter(8, None);
    limiter.slot().await.release(Verdict::Throttled(Some(Duration::from_secs(86_400))));
    let begin = Instant::now();
    let _next = limiter.slot().await;
    assert_eq!(begin.elapsed().as_secs(), 300);
}

fn pressure(max_in_flight: u32) -> Pressure {
    Pressure::new(RateLimits { max_in_flight, ..RateLimits::default() })
}

const FINE: Sign = Sign { bucket: Verdict::Fine, store: Verdict::Fine };
const SLOW_BUCKET: Sign = Sign { bucket: Verdict::Throttled(None), store: Verdict::Unclear };
const SLOW_STORE: Sign = Sign { bucket: Verdict::Throttled(None), store: Verdict::Throttled(None) };

#[tokio::test(start_paused = true)]
async fn a_bucket_under_pressure_is_no_other_buckets_business() {
    let pressure = pressure(16);
    for sign in [SLOW_BUCKET, SLOW_BUCKET, SLOW_STORE] {
        let turn = pressure.turn(Some("hot")).await.unwrap();
        pressure.settle(turn, sign);
    }
    assert_eq!((pressure.limit("hot"), pressure.limit("cold"), pressure.store_limit()), (2, 16, 8));
}

#[tokio::test(start_paused = true)]
async fn buckets_without_number_have_the_limit_of_the_store() {
    let pressure = pressure(1);
    for bucket in 0..2000 {
        let turn = pressure.turn(Some(&format!("bucket-{bucket}"))).await.unwrap();
        pressure.settle(turn, FINE);
    }
    assert_eq!(pressure.limit("bucket-1023"), 1);
    assert_eq!(pressure.limit("bucket-1024"), 0, "it has none of its own");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_everything() {
    let pressure = pressure(16);
    let begin = Instant::now();
    for refused in 0..8 {
        assert!(!pressure.overwhelmed_since(begin), "{refused}");
        let turn = pressure.turn(Some("b")).await.unwrap();
        pressure.settle(turn, SLOW_BUCKET);
    }
    assert!(pressure.overwhelmed_since(begin));
    let turn = pressure.turn(Some("b")).await.unwrap();
    pressure.settle(turn, FINE);
    assert!(!pressure.overwhelmed_since(begin));
}
