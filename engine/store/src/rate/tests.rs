use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::aimd::Aimd;
use super::limiter::{Limiter, Verdict};
use super::{RateLimits, TokenBucket};

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
fn one_burst_of_throttles_halves_once() {
    let mut aimd = Aimd::new(16);
    let begun = aimd.generation();
    (0..16).for_each(|_| aimd.throttled(begun));
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
    fn an_impatient_taker_takes_nothing(patience in 0_u64..900) {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(1.0, 1.0, now);
        prop_assert_eq!(bucket.take(now, Duration::ZERO), Some(Duration::ZERO));
        prop_assert_eq!(bucket.take(now, Duration::from_millis(patience)), None);
        prop_assert_eq!(bucket.take(now, Duration::from_secs(2)), Some(Duration::from_secs(1)));
    }
}

fn limits(max_in_flight: u32) -> RateLimits {
    RateLimits { max_in_flight, ..RateLimits::default() }
}

#[tokio::test(start_paused = true)]
async fn no_more_slots_than_the_limit() {
    let limiter = Limiter::new(&limits(2));
    let first = limiter.slot().await;
    let _second = limiter.slot().await;
    let patience = Duration::from_secs(60);
    assert!(tokio::time::timeout(patience, limiter.slot()).await.is_err());
    first.release(Verdict::Fine);
    assert!(tokio::time::timeout(patience, limiter.slot()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_slot_comes_back() {
    let limiter = Limiter::new(&limits(1));
    for _ in 0..10 {
        drop(limiter.slot().await);
    }
    assert_eq!(limiter.limit(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_throttle_half_as_many_are_let_through_and_then_more_again() {
    let limiter = Limiter::new(&limits(8));
    let mut slots = Vec::new();
    for _ in 0..8 {
        slots.push(limiter.slot().await);
    }
    slots.drain(..).for_each(|slot| slot.release(Verdict::Throttled));
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
    let limiter = Limiter::new(&RateLimits { requests_per_second: Some(100), ..limits(8) });
    let begin = Instant::now();
    for _ in 0..1005 {
        limiter.slot().await.release(Verdict::Fine);
    }
    let elapsed = begin.elapsed();
    assert!((Duration::from_millis(9_990)..Duration::from_millis(10_100)).contains(&elapsed), "{elapsed:?}");
}
