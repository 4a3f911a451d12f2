//! Which jobs are worked on: how many at once, and who makes way for whom.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use longshore_job::JobState;
use longshore_queue::Candidate;

/// Jobs whose end (report, cancellation, failure, pause) is worked on at once (count; each holds one file of its report in
/// memory). Apart from the others, so that no job that runs keeps one from ending.
const ENDING: usize = 16;

/// What is done for a job, for as long as it is in some states. Each kind of work has places of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The manifest is read.
    Preparing,
    /// Tasks run.
    Running,
    /// The job is brought to its end, or to a pause.
    Ending,
}

impl Phase {
    /// What is to be done for a job in this state; `None` if nothing is.
    pub(crate) fn of(state: JobState) -> Option<Self> {
        match state {
            JobState::New | JobState::Preparing => Some(Self::Preparing),
            JobState::Ready | JobState::Active => Some(Self::Running),
            JobState::Pausing | JobState::Completing | JobState::Cancelling | JobState::Failing => {
                Some(Self::Ending)
            }
            JobState::Suspended
            | JobState::Paused
            | JobState::Complete
            | JobState::Cancelled
            | JobState::Failed => None,
        }
    }
}

/// A job that is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AtWork {
    pub phase: Phase,
    pub priority: u32,
    /// Whether it was told to make way.
    pub displaced: bool,
}

/// What is to be done next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Jobs to begin or to go on with.
    pub begin: Vec<(String, Phase)>,
    /// Jobs that make way for one of higher priority.
    pub displace: Vec<String>,
}

/// Gives the places to the jobs that come first. `active_jobs` is how many run tasks at once, and how many read manifests.
/// `candidates` may all be worked on, and are in the order in which they are to run.
pub(crate) fn plan(active_jobs: usize, candidates: &[Candidate], at_work: &BTreeMap<String, AtWork>) -> Plan {
    let mut plan = Plan::default();
    for (phase, places) in
        [(Phase::Ending, ENDING), (Phase::Running, active_jobs), (Phase::Preparing, active_jobs)]
    {
        let taken = at_work.values().filter(|work| work.phase == phase).count();
        let mut waiting = candidates
            .iter()
            .filter(|job| Phase::of(job.state) == Some(phase) && !at_work.contains_key(&job.id));
        let next = waiting.by_ref().take(places.saturating_sub(taken));
        plan.begin.extend(next.map(|job| (job.id.clone(), phase)));
        if phase == Phase::Running {
            plan.displace = victims(waiting, at_work);
        }
    }
    plan
}

/// Who makes way for the jobs that are left `waiting`: the lowest priority first.
fn victims<'a>(
    waiting: impl Iterator<Item = &'a Candidate>,
    at_work: &BTreeMap<String, AtWork>,
) -> Vec<String> {
    let running = at_work.iter().filter(|(_, work)| work.phase == Phase::Running);
    let (leaving, mut staying): (Vec<_>, Vec<_>) = running.partition(|(_, work)| work.displaced);
    staying.sort_by_key(|(_, work)| Reverse(work.priority));
    let mut victims = Vec::new();
    for job in waiting.skip(leaving.len()) {
        match staying.pop() {
            Some((victim, work)) if work.priority < job.priority => victims.push(victim.clone()),
            _ => break,
        }
    }
    victims
}
