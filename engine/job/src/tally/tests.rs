//! Counting, and the edges of the failure threshold.

use proptest::prelude::*;

use super::*;
use crate::task::Failure;

fn tally(failed: u64, finished: u64) -> Tally {
    Tally { failed, succeeded: finished - failed }
}

#[test]
fn amazon_gives_up_above_half_of_a_thousand() {
    let threshold = FailureThreshold::default();
    assert!(!tally(500, 1000).exceeds(&threshold));
    assert!(tally(501, 1000).exceeds(&threshold));
    assert!(!tally(999, 999).exceeds(&threshold));
    assert!(tally(1000, 1000).exceeds(&threshold));
    assert!(!tally(1000, 2000).exceeds(&threshold));
    assert!(tally(1001, 2001).exceeds(&threshold));
}

#[test]
fn the_ends_of_the_scale() {
    let at = |percent, minimum_tasks| FailureThreshold { percent, minimum_tasks, count: None };
    assert!(tally(1, 1_000_000).exceeds(&at(0.0, 1)));
    assert!(!tally(0, 1_000_000).exceeds(&at(0.0, 1)));
    assert!(!tally(10, 10).exceeds(&at(100.0, 1)));
    assert!(!Tally::default().exceeds(&at(0.0, 0)));
}

#[test]
fn skipped_tasks_count_as_succeeded() {
    let mut tally = Tally::default();
    tally.count(&Outcome::Succeeded(None));
    tally.count(&Outcome::Skipped("nothing to do".into()));
    tally.count(&Outcome::Failed(Failure {
        code: "NoSuchKey".into(),
        status: Some(404),
        message: String::new(),
    }));
    assert_eq!(tally, Tally { succeeded: 2, failed: 1 });
    tally += tally;
    assert_eq!(tally.finished(), 6);
}

proptest! {
    #[test]
    fn exceeds_is_the_exact_comparison(failed in 0..5_000_u64, more in 0..5_000_u64, percent in 0..=100_u32, minimum in 1..5_000_u64) {
        let threshold = FailureThreshold { percent: f64::from(percent), minimum_tasks: minimum, count: None };
        let finished = failed + more;
        let exactly = finished >= minimum && failed * 100 > u64::from(percent) * finished;
        prop_assert_eq!(tally(failed, finished).exceeds(&threshold), exactly);
    }

    #[test]
    fn one_more_failure_never_saves_a_job(failed in 0..5_000_u64, more in 0..5_000_u64, percent in 0.0..100.0) {
        let threshold = FailureThreshold { percent, minimum_tasks: 100, count: None };
        let now = tally(failed, failed + more);
        let next = tally(failed + 1, failed + more + 1);
        prop_assert!(!now.exceeds(&threshold) || next.exceeds(&threshold));
    }
}
