//! The places go to the highest priorities; nobody makes way for an equal.

use std::collections::BTreeMap;

use longshore_job::JobState;
use longshore_queue::Candidate;
use proptest::prelude::*;

use super::places::{AtWork, Phase, Plan, plan};

fn candidate(id: &str, state: JobState, priority: u32) -> Candidate {
    Candidate { id: id.to_owned(), state, priority }
}

fn work(phase: Phase, priority: u32) -> AtWork {
    AtWork { phase, priority, displaced: false }
}

fn at_work<const N: usize>(jobs: [(&str, AtWork); N]) -> BTreeMap<String, AtWork> {
    jobs.into_iter().map(|(id, work)| (id.to_owned(), work)).collect()
}

fn begun(plan: &Plan) -> Vec<&str> {
    plan.begin.iter().map(|(id, _)| id.as_str()).collect()
}

#[test]
fn as_many_jobs_run_as_there_are_places() {
    let jobs = ["a", "b", "c"].map(|id| candidate(id, JobState::Ready, 0));
    assert_eq!(begun(&plan(2, &jobs, &BTreeMap::new())), ["a", "b"]);
    let one = at_work([("a", work(Phase::Running, 0))]);
    assert_eq!(begun(&plan(2, &jobs, &one)), ["b"]);
}

#[test]
fn what_ends_or_is_prepared_takes_no_place_from_what_runs() {
    let jobs = [
        candidate("runs", JobState::Active, 9),
        candidate("ends", JobState::Completing, 0),
        candidate("new", JobState::New, 0),
        candidate("waits", JobState::Paused, 99),
    ];
    let plan = plan(1, &jobs, &at_work([("x", work(Phase::Running, 9))]));
    assert_eq!(begun(&plan), ["ends", "new"]);
    assert_eq!(plan.displace, Vec::<String>::new());
}

#[test]
fn the_lowest_makes_way_for_a_higher_and_only_once() {
    let mut jobs = at_work([("low", work(Phase::Running, 1)), ("high", work(Phase::Running, 5))]);
    let waiting = [candidate("urgent", JobState::Ready, 3), candidate("equal", JobState::Ready, 1)];
    assert_eq!(plan(2, &waiting, &jobs).displace, ["low"]);
    jobs.insert("low".into(), AtWork { displaced: true, ..work(Phase::Running, 1) });
    assert_eq!(plan(2, &waiting, &jobs), Plan::default(), "somebody makes way already");
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![Just(Phase::Running), Just(Phase::Preparing), Just(Phase::Ending)]
}

proptest! {
    #[test]
    fn places_are_never_too_many_and_never_wasted(
        places in 1usize..5,
        states in prop::collection::vec((0usize..13, 0u32..4), 0..30),
        running in prop::collection::btree_map("[a-z]", (phase(), 0u32..4, any::<bool>()), 0..5),
    ) {
        let mut jobs: Vec<Candidate> = (0..)
            .zip(&states)
            .map(|(number, (state, priority)): (usize, _)| {
                candidate(&number.to_string(), JobState::ALL[*state], *priority)
            })
            .collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.priority));
        let at_work: BTreeMap<String, AtWork> = running
            .into_iter()
            .map(|(id, (phase, priority, displaced))| (id, AtWork { phase, priority, displaced }))
            .collect();
        let plan = plan(places, &jobs, &at_work);
        for phase in [Phase::Running, Phase::Preparing] {
            let taken = at_work.values().filter(|work| work.phase == phase).count();
            let begun = plan.begin.iter().filter(|(_, begun)| *begun == phase).count();
            let waiting = jobs.iter().filter(|job| Phase::of(job.state) == Some(phase)).count();
            prop_assert_eq!(begun, waiting.min(places.saturating_sub(taken)));
        }
        let left: Vec<u32> = jobs
            .iter()
            .filter(|job| Phase::of(job.state) == Some(Phase::Running) && !begun(&plan).contains(&job.id.as_str()))
            .map(|job| job.priority)
            .collect();
        for victim in &plan.displace {
            prop_assert!(!at_work[victim].displaced);
            prop_assert!(left.iter().any(|priority| *priority > at_work[victim].priority));
        }
        prop_assert!(plan.displace.len() <= left.len());
    }
}
