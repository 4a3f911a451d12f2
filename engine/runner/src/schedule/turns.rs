//! Which job a free slot goes to: the one of the highest priority that has a task to run; of equals the one that holds the
//! fewest slots, then the one that has waited longest since its last. So equals share the slots evenly, and where there are
//! fewer slots than jobs, they take turns.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Names a job among those that run.
pub(crate) type JobNumber = u64;

/// The slots of the engine's concurrency, and who holds them and wants them.
#[derive(Debug)]
pub(crate) struct Turns {
    free: usize,
    jobs: BTreeMap<JobNumber, Demand>,
    /// Counts the grants.
    grants: u64,
}

#[derive(Debug, Clone, Copy)]
struct Demand {
    priority: u32,
    /// Slots that it holds.
    held: usize,
    /// Lanes that have a task and no slot.
    waiting: usize,
    /// The grant that it last got.
    last: u64,
}

/// Who is first: the greatest.
type Rank = (u32, Reverse<usize>, Reverse<u64>);

impl Demand {
    fn rank(&self) -> Rank {
        (self.priority, Reverse(self.held), Reverse(self.last))
    }

    /// As if it gave a slot back now: nobody's last turn is later.
    fn rank_after_turn(self) -> Rank {
        Self { held: self.held.saturating_sub(1), last: u64::MAX, ..self }.rank()
    }
}

impl Turns {
    /// With so many slots, all free.
    pub(crate) fn new(slots: usize) -> Self {
        Self { free: slots, jobs: BTreeMap::new(), grants: 0 }
    }

    /// A job that may want slots from now on. It comes after the equals that are there.
    pub(crate) fn join(&mut self, job: JobNumber, priority: u32) {
        self.jobs.insert(job, Demand { priority, held: 0, waiting: 0, last: self.grants });
    }

    /// The job wants nothing any more. What it still held is free.
    pub(crate) fn leave(&mut self, job: JobNumber) {
        self.free += self.jobs.remove(&job).map_or(0, |demand| demand.held);
    }

    /// The job has another priority.
    pub(crate) fn set_priority(&mut self, job: JobNumber, priority: u32) {
        if let Some(demand) = self.jobs.get_mut(&job) {
            demand.priority = priority;
        }
    }

    /// One more lane of the job waits for a slot.
    pub(crate) fn want(&mut self, job: JobNumber) {
        if let Some(demand) = self.jobs.get_mut(&job) {
            demand.waiting += 1;
        }
    }

    /// One lane of the job waits no longer.
    pub(crate) fn give_up(&mut self, job: JobNumber) {
        if let Some(demand) = self.jobs.get_mut(&job) {
            demand.waiting = demand.waiting.saturating_sub(1);
        }
    }

    /// One lane of the job gives its slot back.
    pub(crate) fn release(&mut self, job: JobNumber) {
        if let Some(demand) = self.jobs.get_mut(&job).filter(|demand| demand.held > 0) {
            demand.held -= 1;
            self.free += 1;
        }
    }

    /// Gives a free slot to a lane that waits, if there are both. Says whose.
    pub(crate) fn grant(&mut self) -> Option<JobNumber> {
        let waiting = self.jobs.iter_mut().filter(|(_, demand)| demand.waiting > 0);
        let (job, demand) = waiting.max_by_key(|(_, demand)| demand.rank())?;
        self.free = self.free.checked_sub(1)?;
        self.grants += 1;
        demand.waiting -= 1;
        demand.held += 1;
        demand.last = self.grants;
        Some(*job)
    }

    /// Whether a slot of this job would go to another if it were given back and wanted again.
    pub(crate) fn would_lose(&self, job: JobNumber) -> bool {
        let Some(own) = self.jobs.get(&job) else { return true };
        let mut others = self.jobs.iter().filter(|(number, demand)| **number != job && demand.waiting > 0);
        others.any(|(_, demand)| demand.rank() > own.rank_after_turn())
    }

    /// The highest priority of the jobs that wait.
    pub(crate) fn pressure(&self) -> Option<u32> {
        self.jobs.values().filter(|demand| demand.waiting > 0).map(|demand| demand.priority).max()
    }
}

#[cfg(test)]
impl Turns {
    pub(crate) fn held(&self, job: JobNumber) -> usize {
        self.jobs.get(&job).map_or(0, |demand| demand.held)
    }

    pub(crate) fn waiting(&self, job: JobNumber) -> usize {
        self.jobs.get(&job).map_or(0, |demand| demand.waiting)
    }

    pub(crate) fn free(&self) -> usize {
        self.free
    }
}
