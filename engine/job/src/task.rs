//! What becomes of a task.

use serde::{Deserialize, Serialize};

/// Why a task failed, in S3's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// S3's error code (`NoSuchKey`, `AccessDenied`, …) or one of the engine's own (docs/errors.md).
    pub code: String,
    /// HTTP status, where there is one.
    pub status: Option<u16>,
    /// What happened, in a sentence.
    pub message: String,
}

/// The end of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The operation did its work. The message goes to the report; `None` reads `Successful` there.
    Succeeded(Option<String>),
    /// There was nothing to do; counts as succeeded, the reason goes to the report.
    Skipped(String),
    /// The operation failed for good.
    Failed(Failure),
}

/// The end of one task and which one it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Position of the task's row in its chunk, from 0.
    pub index: u32,
    /// What became of it.
    pub outcome: Outcome,
}
