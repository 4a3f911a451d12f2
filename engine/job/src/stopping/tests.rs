use proptest::prelude::*;

use super::*;
use crate::spec::RateSpec;
use crate::spec::stop::matches;
use crate::task::Failure;

fn failed(code: &str) -> Outcome {
    Outcome::Failed(Failure { code: code.into(), status: None, message: String::new() })
}

fn done() -> Outcome {
    Outcome::Succeeded(None)
}

fn rule(codes: &[&str], count: u64) -> StopRule {
    StopRule { codes: codes.iter().map(|&code| code.to_owned()).collect(), count }
}

fn limits(threshold: FailureThreshold, stop: Vec<StopRule>) -> Limits {
    Limits { concurrency: 1, rate: RateSpec::default(), failure_threshold: threshold, stop }
}

/// A threshold that only its count can exceed.
fn at_most(count: u64) -> FailureThreshold {
    FailureThreshold { percent: 100.0, count: Some(count), ..FailureThreshold::default() }
}

fn after<'a>(limits: &Limits, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Stopping {
    let mut stopping = Stopping::new(limits, Tally::default(), &[]);
    outcomes.into_iter().for_each(|outcome| stopping.count(outcome));
    stopping
}

fn words(stopping: &Stopping) -> Option<String> {
    stopping.reached().map(ToString::to_string)
}

#[test]
fn the_first_refusal_ends_a_job_that_says_so() {
    let limits = limits(FailureThreshold::default(), vec![rule(&["AccessDenied", "Plugin*"], 1)]);
    assert_eq!(words(&after(&limits, &[done(), failed("NoSuchKey")])), None);
    let stopped = after(&limits, &[done(), failed("NoSuchKey"), failed("PluginTrap"), done()]);
    assert_eq!(
        words(&stopped).as_deref(),
        Some("1 task failed with AccessDenied or Plugin*: rule 1 of limits.stop ends the job at 1")
    );
    assert_eq!(stopped.tally(), Tally { succeeded: 2, failed: 2 });
}

#[test]
fn a_number_of_failures_ends_a_job_whatever_its_share() {
    let limits = limits(at_most(3), Vec::new());
    let outcomes = [failed("A"), done(), failed("B"), done(), done(), done(), failed("C")];
    assert_eq!(words(&after(&limits, &outcomes[..6])), None);
    assert_eq!(
        words(&after(&limits, &outcomes)).as_deref(),
        Some("3 of 7 tasks run so far failed, as many as limits.failure-threshold.count (3) allows")
    );
}

/// Amazon asks after each task, not once for all that are committed together.
#[test]
fn successes_that_come_later_do_not_save_a_job() {
    let limits = limits(FailureThreshold::default(), Vec::new());
    let mut stopping = Stopping::new(&limits, Tally { succeeded: 499, failed: 500 }, &[]);
    assert_eq!(stopping.reached(), None, "999 tasks");
    stopping.count(&failed("A"));
    (0..100).for_each(|_| stopping.count(&done()));
    assert_eq!(
        words(&stopping).as_deref(),
        Some("501 of 1000 tasks run so far failed, more than the 50 % that limits.failure-threshold allows")
    );
}

#[test]
fn patterns_of_codes() {
    for (pattern, code) in [
        ("SlowDown", "SlowDown"),
        ("Slow*", "SlowDown"),
        ("*Down", "SlowDown"),
        ("*", ""),
        ("*", "x"),
        ("S*w*n", "SlowDown"),
        ("*a*", "a"),
        ("a*a", "aa"),
        ("**", "x"),
        ("ab*ba", "abba"),
        ("*ab*ab*", "xabyab"),
    ] {
        assert!(matches(pattern, code), "{pattern} {code}");
    }
    for (pattern, code) in [
        ("SlowDown", "SlowDownRead"),
        ("slowdown", "SlowDown"),
        ("Slow*", "NoSlow"),
        ("*Down", "Downs"),
        ("", "x"),
        ("a*a", "a"),
        ("ab*ba", "aba"),
        ("*ab*ab*", "xab"),
        ("S*w*x", "SlowDown"),
    ] {
        assert!(!matches(pattern, code), "{pattern} {code}");
    }
}

fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let codes = prop::sample::select(vec!["AccessDenied", "SlowDown", "SlowDownRead", "NoSuchKey"]);
    let outcome = prop_oneof![Just(done()), codes.prop_map(failed)];
    prop::collection::vec(outcome, 0..200)
}

proptest! {
    /// An engine that starts again with what is durable stops exactly where one would that never stopped.
    #[test]
    fn a_restart_forgets_nothing(
        outcomes in outcomes(),
        restart in 0..200_usize,
        count in prop::option::of(1..50_u64),
        percent in 0..=100_u32,
        minimum_tasks in 1..100_u64,
        by_code in 1..40_u64,
    ) {
        let threshold = FailureThreshold { percent: f64::from(percent), minimum_tasks, count };
        let limits = limits(threshold, vec![rule(&["Slow*"], by_code), rule(&["AccessDenied"], by_code / 2)]);
        let (before, rest) = outcomes.split_at(restart.min(outcomes.len()));
        let whole = after(&limits, &outcomes);
        let first = after(&limits, before);
        if first.reached().is_some() {
            prop_assert_eq!(first.reached(), whole.reached());
            return Ok(());
        }
        let mut codes = std::collections::BTreeMap::<String, u64>::new();
        for outcome in before {
            if let Outcome::Failed(failure) = outcome {
                *codes.entry(failure.code.clone()).or_default() += 1;
            }
        }
        let codes: Vec<_> = codes.into_iter().collect();
        let mut second = Stopping::new(&limits, first.tally(), &codes);
        rest.iter().for_each(|outcome| second.count(outcome));
        prop_assert_eq!(second.reached(), whole.reached());
        prop_assert_eq!(second.tally(), whole.tally());
    }

    #[test]
    fn a_pattern_matches_as_a_regular_expression_would(pattern in "[ab*]{0,6}", code in "[ab]{0,8}") {
        let expression = format!("^{}$", pattern.replace('*', ".*"));
        prop_assert_eq!(matches(&pattern, &code), regex::Regex::new(&expression).unwrap().is_match(&code));
    }
}
