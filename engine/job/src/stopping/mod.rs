//! When a job gives up: its results counted against the rules in its limits.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::spec::{FailureThreshold, Limits, StopRule};
use crate::tally::Tally;
use crate::task::Outcome;

/// Counts results and notices the first rule that ends the job. What it needs of the past is durable: the job's counters
/// and how often each code occurred, so that it goes on after a restart where it was.
#[derive(Debug, Clone)]
pub struct Stopping {
    tally: Tally,
    threshold: FailureThreshold,
    rules: Vec<Counted>,
    reached: Option<Stop>,
}

#[derive(Debug, Clone)]
struct Counted {
    rule: StopRule,
    failed: u64,
}

/// Why a job gives up.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// More tasks failed than the failure threshold allows.
    Threshold {
        /// The threshold.
        threshold: FailureThreshold,
        /// The counters when that was noticed.
        tally: Tally,
    },
    /// As many tasks failed with certain codes as a rule allows.
    Codes {
        /// The rule's place in the job file, from 1.
        number: usize,
        /// The rule.
        rule: StopRule,
        /// Tasks that failed with its codes.
        failed: u64,
    },
}

impl Stopping {
    /// Starts from the job's durable counters and how often each code occurred.
    pub fn new(limits: &Limits, tally: Tally, codes: &[(String, u64)]) -> Self {
        let counted = |rule: &StopRule| Counted {
            failed: codes.iter().filter(|(code, _)| rule.matches(code)).map(|(_, count)| count).sum(),
            rule: rule.clone(),
        };
        let rules = limits.stop.iter().map(counted).collect();
        let mut stopping = Self { tally, threshold: limits.failure_threshold, rules, reached: None };
        stopping.check();
        stopping
    }

    /// Counts one result that is durable. The rules are asked after each, whatever is counted together.
    pub fn count(&mut self, outcome: &Outcome) {
        self.tally.count(outcome);
        if let Outcome::Failed(failure) = outcome {
            for counted in self.rules.iter_mut().filter(|counted| counted.rule.matches(&failure.code)) {
                counted.failed = counted.failed.saturating_add(1);
            }
        }
        self.check();
    }

    /// The counters.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// The rule that was met first, if one was: later results do not save the job.
    pub fn reached(&self) -> Option<&Stop> {
        self.reached.as_ref()
    }

    fn check(&mut self) {
        if self.reached.is_some() {
            return;
        }
        let met = |(number, counted): (usize, &Counted)| {
            (counted.failed >= counted.rule.count.max(1)).then(|| Stop::Codes {
                number,
                rule: counted.rule.clone(),
                failed: counted.failed,
            })
        };
        self.reached = (1..).zip(&self.rules).find_map(met).or_else(|| {
            let (threshold, tally) = (self.threshold, self.tally);
            tally.exceeds(&threshold).then_some(Stop::Threshold { threshold, tally })
        });
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold { threshold, tally } => {
                let (failed, finished) = (tally.failed, tally.finished());
                write!(f, "{failed} of {finished} tasks run so far failed, ")?;
                match threshold.count {
                    Some(count) if failed >= count => {
                        write!(f, "as many as limits.failure-threshold.count ({count}) allows")
                    }
                    _ => write!(
                        f,
                        "more than the {} % that limits.failure-threshold allows",
                        threshold.percent
                    ),
                }
            }
            Self::Codes { number, rule, failed } => {
                let tasks = if *failed == 1 { "task" } else { "tasks" };
                let (codes, count) = (rule.codes.join(" or "), rule.count);
                write!(
                    f,
                    "{failed} {tasks} failed with {codes}: rule {number} of limits.stop ends the job at {count}"
                )
            }
        }
    }
}
