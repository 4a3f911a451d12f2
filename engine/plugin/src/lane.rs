//! One slot of concurrency: runs one task at a time.

use longshore_job::{Failure, ObjectId, Outcome};
use longshore_store::{Gate, Request};

/// One slot of concurrency: runs one task at a time.
pub struct Lane {}

/// What came of one run of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution {
    /// The task has its outcome.
    Done(Outcome),
    /// The operation wants to run again for this object.
    AgainAfter {
        /// After how many seconds, at the earliest.
        seconds: u32,
        /// Why.
        note: String,
    },
}

impl Lane {
    /// Runs the operation on one object: plan, policy check of each planned request, run.
    ///
    /// `attempt` counts from 1. Must be called within a tokio runtime that has its timer enabled.
    pub async fn execute(&mut self, object: &ObjectId, attempt: u32, gate: &Gate) -> Execution {
        let _ = (object, attempt, gate);
        Execution::Done(Outcome::Succeeded(None))
    }

    /// The requests that the operation would send for this object. Nothing is sent.
    ///
    /// # Errors
    /// The failure that [`Lane::execute`] would give the task for the same reason.
    pub async fn plan(&mut self, object: &ObjectId, attempt: u32) -> Result<Vec<Request>, Failure> {
        let _ = (object, attempt);
        Ok(Vec::new())
    }
}
