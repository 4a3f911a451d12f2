//! The smoothed rate.

use proptest::prelude::*;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn nothing_is_known_at_first() {
    let mut throughput = Throughput::new();
    assert_eq!(throughput.per_second(), None);
    throughput.observe(seconds(5), 100);
    assert_eq!((throughput.per_second(), throughput.remaining(10)), (None, None));
    throughput.observe(seconds(5), 200);
    assert_eq!(throughput.per_second(), None);
}

#[test]
fn an_even_pace_is_its_rate() {
    let mut throughput = Throughput::new();
    (0..60).for_each(|n| throughput.observe(seconds(n), n * 50));
    assert!((throughput.per_second().unwrap() - 50.0).abs() < 1e-6);
    assert!((throughput.remaining(500).unwrap().as_secs_f64() - 10.0).abs() < 1e-6);
    assert_eq!(throughput.remaining(0), Some(Duration::ZERO));
}

#[test]
fn a_new_pace_takes_over() {
    let mut throughput = Throughput::new();
    (0..60).for_each(|n| throughput.observe(seconds(n), n * 1000));
    (0..60).for_each(|n| throughput.observe(seconds(60 + n), 60_000 + n * 10));
    let rate = throughput.per_second().unwrap();
    assert!((10.0..20.0).contains(&rate), "{rate}");
}

#[test]
fn a_stalled_job_has_no_estimate() {
    let mut throughput = Throughput::new();
    throughput.observe(seconds(0), 7);
    throughput.observe(seconds(10), 7);
    assert_eq!(throughput.per_second(), Some(0.0));
    assert_eq!(throughput.remaining(1), None);
    throughput.observe(seconds(20), 8);
    assert_eq!(throughput.remaining(u64::MAX), None);
}

#[test]
fn going_back_starts_afresh() {
    let mut throughput = Throughput::new();
    (0..5).for_each(|n| throughput.observe(seconds(n), n * 10));
    throughput.observe(seconds(9), 3);
    assert_eq!(throughput.per_second(), None);
    throughput.observe(seconds(10), 8);
    assert_eq!(throughput.per_second(), Some(5.0));
}

proptest! {
    #[test]
    fn the_rate_lies_between_the_paces(steps in prop::collection::vec((1..10_000_u64, 0..10_000_u64), 1..50)) {
        let mut throughput = Throughput::new();
        let (mut at, mut finished) = (Duration::ZERO, 0);
        throughput.observe(at, finished);
        let mut paces = Vec::new();
        for (millis, tasks) in steps {
            at += Duration::from_millis(millis);
            finished += tasks;
            paces.push(tasks as f64 * 1000.0 / millis as f64);
            throughput.observe(at, finished);
        }
        let rate = throughput.per_second().unwrap();
        let least = paces.iter().copied().fold(f64::INFINITY, f64::min);
        let most = paces.iter().copied().fold(0.0, f64::max);
        prop_assert!(rate >= least * (1.0 - 1e-9) && rate <= most * (1.0 + 1e-9), "{} {} {}", least, rate, most);
    }
}
