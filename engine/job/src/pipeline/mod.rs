//! The steps of one task: which comes next, and what they amount to. A job with one operation has one step.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::spec::{OnFailure, StepSpec};
use crate::task::{Failure, Outcome};

/// Steps that a job may have (count): more than anyone reads in a row of the report, whose message names each that failed.
pub const MAX_STEPS: usize = 16;

/// Reason for which a step is skipped whose condition is not met.
pub const CONDITION_NOT_MET: &str = "the condition is not met";

/// How far a task has come: what became of its steps so far, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskProgress(Vec<Outcome>);

impl TaskProgress {
    /// The step to run now, counted from 0; `None` if the task has ended.
    pub fn next(&self, steps: &[StepSpec]) -> Option<usize> {
        let next = self.0.len();
        (next < steps.len() && !self.is_stopped(steps)).then_some(next)
    }

    /// Adds what became of the step that was next.
    pub fn add(&mut self, outcome: Outcome) {
        self.0.push(outcome);
    }

    /// What became of the task. If a step failed, it is a failed one with the code and status of the first that did.
    ///
    /// The only step of a job speaks for itself. Of several, each that failed, was skipped or has something to say is named:
    /// `step 2 (tagging): AccessDenied: …`.
    pub fn outcome(mut self, steps: &[StepSpec]) -> Outcome {
        if steps.len() == 1 {
            return self.0.pop().unwrap_or(Outcome::Succeeded(None));
        }
        let message = self.message(steps);
        let failure = self.0.iter().find_map(|outcome| match outcome {
            Outcome::Failed(failure) => Some((failure.code.clone(), failure.status)),
            _ => None,
        });
        match failure {
            Some((code, status)) => Outcome::Failed(Failure { code, status, message }),
            None if self.0.iter().all(|outcome| matches!(outcome, Outcome::Skipped(_))) => {
                Outcome::Skipped(message)
            }
            None => Outcome::Succeeded((!message.is_empty()).then_some(message)),
        }
    }

    fn is_stopped(&self, steps: &[StepSpec]) -> bool {
        let Some(last) = self.0.len().checked_sub(1) else { return false };
        matches!(self.0.get(last), Some(Outcome::Failed(_)))
            && steps.get(last).is_none_or(|step| step.on_failure == OnFailure::Stop)
    }

    fn message(&self, steps: &[StepSpec]) -> String {
        let mut parts = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let name = step_name(number, step);
            parts.extend(match self.0.get(number) {
                Some(Outcome::Succeeded(message)) => {
                    message.as_ref().map(|message| format!("{name}: {message}"))
                }
                Some(Outcome::Skipped(reason)) => Some(format!("{name} skipped: {reason}")),
                Some(Outcome::Failed(Failure { code, message, .. })) => {
                    Some(format!("{name}: {code}: {message}"))
                }
                None => Some(format!("{name} not run")),
            });
        }
        parts.join("; ")
    }
}

/// How messages call the step `number`, counted from 0, of several: `step 2 (tagging)`.
pub fn step_name(number: usize, step: &StepSpec) -> String {
    format!("step {} ({})", number.saturating_add(1), step.name())
}
