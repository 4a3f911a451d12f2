//! Slots go to the highest priority, evenly among equals, and never stay free while somebody waits.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::turns::{JobNumber, Turns};

/// Grants until nothing more can be granted.
fn settle(turns: &mut Turns) -> Vec<JobNumber> {
    std::iter::from_fn(|| turns.grant()).collect()
}

fn demand(turns: &mut Turns, job: JobNumber, priority: u32, lanes: usize) {
    turns.join(job, priority);
    (0..lanes).for_each(|_| turns.want(job));
}

/// The lane of `job` ends its turn, and wants the next.
fn end_turn(turns: &mut Turns, job: JobNumber) {
    if turns.would_lose(job) {
        turns.release(job);
        turns.want(job);
        settle(turns);
    }
}

#[test]
fn the_higher_priority_has_what_it_can_use_and_the_lower_the_rest() {
    let mut turns = Turns::new(10);
    demand(&mut turns, 1, 0, 10);
    settle(&mut turns);
    assert_eq!(turns.held(1), 10);
    demand(&mut turns, 2, 5, 7);
    assert_eq!(turns.pressure(), Some(5));
    (0..10).for_each(|_| end_turn(&mut turns, 1));
    assert_eq!((turns.held(1), turns.held(2)), (3, 7));
    assert_eq!(turns.pressure(), Some(0));
    assert!(!turns.would_lose(2), "nobody is taken from for a lower priority");
}

#[test]
fn equals_that_come_later_get_their_share() {
    let mut turns = Turns::new(8);
    demand(&mut turns, 1, 0, 8);
    settle(&mut turns);
    demand(&mut turns, 2, 0, 8);
    (0..8).for_each(|_| end_turn(&mut turns, 1));
    assert_eq!((turns.held(1), turns.held(2)), (4, 4));
    assert!(!turns.would_lose(1) && !turns.would_lose(2), "an even share is left alone");
}

#[test]
fn equals_take_turns_at_one_slot() {
    let mut turns = Turns::new(1);
    (1..=3).for_each(|job| demand(&mut turns, job, 0, 4));
    let mut order = settle(&mut turns);
    while order.len() < 9 {
        let holder = order[order.len() - 1];
        assert!(turns.would_lose(holder));
        turns.release(holder);
        turns.want(holder);
        order.extend(settle(&mut turns));
    }
    let distinct = |three: &[JobNumber]| three.iter().collect::<BTreeSet<_>>().len() == 3;
    assert!(order.windows(3).all(distinct), "{order:?}");
}

#[test]
fn an_equal_that_comes_later_gets_its_turn_at_one_slot() {
    let mut turns = Turns::new(1);
    demand(&mut turns, 1, 0, 2);
    assert_eq!(settle(&mut turns), [1]);
    demand(&mut turns, 2, 0, 2);
    end_turn(&mut turns, 1);
    assert_eq!((turns.held(1), turns.held(2)), (0, 1));
    end_turn(&mut turns, 2);
    assert_eq!((turns.held(1), turns.held(2)), (1, 0));
}

#[test]
fn another_priority_counts_at_once() {
    let mut turns = Turns::new(2);
    demand(&mut turns, 1, 5, 2);
    demand(&mut turns, 2, 4, 2);
    settle(&mut turns);
    assert_eq!((turns.held(1), turns.would_lose(1)), (2, false));
    turns.set_priority(2, 6);
    assert!(turns.would_lose(1));
    (0..2).for_each(|_| end_turn(&mut turns, 1));
    assert_eq!((turns.held(1), turns.held(2)), (0, 2));
}

#[test]
fn a_job_that_leaves_frees_what_it_held() {
    let mut turns = Turns::new(3);
    demand(&mut turns, 1, 0, 3);
    settle(&mut turns);
    demand(&mut turns, 2, 0, 3);
    turns.leave(1);
    assert_eq!(settle(&mut turns), [2, 2, 2]);
    turns.release(1);
    assert_eq!(turns.free(), 0, "a lane that comes late gives nothing back twice");
}

#[derive(Debug, Clone)]
enum Step {
    Want(JobNumber),
    GiveUp(JobNumber),
    Release(JobNumber),
    EndTurn(JobNumber),
    Priority(JobNumber, u32),
    Leave(JobNumber),
}

const JOBS: JobNumber = 5;

fn step() -> impl Strategy<Value = Step> {
    let job = || 0..JOBS;
    prop_oneof![
        6 => job().prop_map(Step::Want),
        1 => job().prop_map(Step::GiveUp),
        3 => job().prop_map(Step::Release),
        3 => job().prop_map(Step::EndTurn),
        1 => (job(), 0u32..4).prop_map(|(job, priority)| Step::Priority(job, priority)),
        1 => job().prop_map(Step::Leave),
    ]
}

/// What there must be of a job: priority, slots and waiting lanes together.
type Model = BTreeMap<JobNumber, (u32, usize)>;

fn apply(turns: &mut Turns, model: &mut Model, step: &Step) {
    match *step {
        Step::Want(job) => {
            turns.want(job);
            model.entry(job).and_modify(|(_, lanes)| *lanes += 1);
        }
        Step::GiveUp(job) if turns.waiting(job) > 0 => {
            turns.give_up(job);
            model.entry(job).and_modify(|(_, lanes)| *lanes -= 1);
        }
        Step::Release(job) if turns.held(job) > 0 => {
            turns.release(job);
            model.entry(job).and_modify(|(_, lanes)| *lanes -= 1);
        }
        Step::EndTurn(job) if turns.held(job) > 0 => end_turn(turns, job),
        Step::Priority(job, priority) => {
            turns.set_priority(job, priority);
            model.entry(job).and_modify(|(own, _)| *own = priority);
        }
        Step::Leave(job) => {
            turns.leave(job);
            turns.join(job, 1);
            model.insert(job, (1, 0));
        }
        Step::GiveUp(_) | Step::Release(_) | Step::EndTurn(_) => {}
    }
}

proptest! {
    #[test]
    fn no_slot_is_lost_idle_or_given_twice(slots in 0usize..6, steps in prop::collection::vec(step(), 0..200)) {
        let mut turns = Turns::new(slots);
        let mut model: Model = (0..JOBS).map(|job| (job, (1, 0))).collect();
        (0..JOBS).for_each(|job| turns.join(job, 1));
        for step in &steps {
            apply(&mut turns, &mut model, step);
            while let Some(job) = turns.grant() {
                let higher = model.iter().any(|(other, (priority, _))| {
                    *priority > model[&job].0 && turns.waiting(*other) > 0
                });
                prop_assert!(!higher, "job {job} got a slot that a higher priority wanted");
            }
            let held: usize = (0..JOBS).map(|job| turns.held(job)).sum();
            let waiting: usize = (0..JOBS).map(|job| turns.waiting(job)).sum();
            prop_assert_eq!(held + turns.free(), slots);
            prop_assert!(turns.free() == 0 || waiting == 0, "a slot is free and somebody waits");
            for (job, (_, lanes)) in &model {
                prop_assert_eq!(turns.held(*job) + turns.waiting(*job), *lanes);
            }
        }
    }

    /// Once every lane has ended its turn often enough, priorities are strict and equals have even shares.
    #[test]
    fn turns_lead_to_the_fair_share(
        slots in 1usize..12,
        jobs in prop::collection::vec((0u32..3, 0usize..12), 1..6),
    ) {
        let mut turns = Turns::new(slots);
        let numbered: Vec<(JobNumber, u32, usize)> =
            (0..).zip(&jobs).map(|(number, (priority, lanes))| (number, *priority, *lanes)).collect();
        for (number, priority, lanes) in &numbered {
            demand(&mut turns, *number, *priority, *lanes);
            settle(&mut turns);
        }
        for _ in 0..slots * jobs.len() {
            for (number, ..) in &numbered {
                if turns.held(*number) > 0 {
                    end_turn(&mut turns, *number);
                }
            }
        }
        for (one, high, _) in &numbered {
            for (other, low, _) in &numbered {
                if high > low && turns.held(*other) > 0 {
                    prop_assert_eq!(turns.waiting(*one), 0, "a lower priority holds what a higher one wants");
                }
                if high == low && turns.waiting(*one) > 0 {
                    prop_assert!(turns.held(*other) <= turns.held(*one) + 1, "equals do not share evenly");
                }
            }
        }
    }
}
