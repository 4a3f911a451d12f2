//! The states of a job and the one table of allowed transitions.
//!
//! | from | to | who | when |
//! |---|---|---|---|
//! | – | `New` | submission | the job is stored |
//! | `New` | `Preparing` | scheduler | it takes the job up |
//! | `Preparing` | `Ready` | preparation | the whole manifest is read and in order |
//! | `Preparing` | `Suspended` | preparation | as before, and the job wants a confirmation |
//! | `Suspended` | `Ready` | user | the confirmation |
//! | `Ready` | `Active` | scheduler | the job is next by priority |
//! | `Active` | `Ready` | scheduler | it makes way for a job of higher priority |
//! | `Ready` | `Paused` | user | a request to pause, before any task runs |
//! | `Active` | `Pausing` | user | a request to pause |
//! | `Pausing` | `Paused` | executor | no task runs any more |
//! | `Paused` | `Ready` | user | a request to resume |
//! | `Active` | `Completing` | executor | every task has a result |
//! | `Completing` | `Complete` | report writer | the report is written, or none is wanted |
//! | `New`, `Preparing`, `Suspended`, `Ready`, `Active`, `Pausing`, `Paused` | `Cancelling` | user | a request to cancel |
//! | `Cancelling` | `Cancelled` | executor | no task runs any more and the report of those that did is written |
//! | `New`, `Preparing`, `Suspended`, `Ready`, `Active`, `Paused` | `Failing` | engine | its deadline has passed, or a job that it comes after ended otherwise |
//! | `Preparing` | `Failing` | preparation | the manifest or a permission is in the way |
//! | `Ready`, `Active` | `Failing` | executor | the failure threshold, or nothing can run at all |
//! | `Completing`, `Cancelling` | `Failing` | report writer | the report cannot be written |
//! | `Failing` | `Failed` | engine | what report there can be is written |

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

/// Where a job is in its life. Names as in the S3 Control API (`JobStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum JobState {
    /// Accepted and stored. Submission puts a job here; the engine moves it on to `Preparing`.
    New,
    /// The engine reads and checks the manifest. It moves on to `Ready`, or to `Failing` on bad input.
    Preparing,
    /// The manifest is read, and the job waits for a user to confirm that it is to run.
    Suspended,
    /// Waits for the scheduler, which moves it to `Active`.
    Ready,
    /// Tasks run. The executor moves it to `Completing`, or to `Failing` at the failure threshold; the scheduler back to
    /// `Ready` when a job of higher priority needs its place.
    Active,
    /// A user asked to pause. The engine lets running tasks end and moves it to `Paused`.
    Pausing,
    /// Stopped by a user, who can resume it: then it is `Ready` again, and goes on where it was.
    Paused,
    /// All tasks have a result; the report is being written. Then `Complete`.
    Completing,
    /// Every task has a result and the report is written. Terminal. Not the same as success.
    Complete,
    /// A user asked to cancel. The engine stops the tasks, writes the report and moves it to `Cancelled`.
    Cancelling,
    /// Stopped by a user; the report says what did run. Terminal.
    Cancelled,
    /// The job as a whole cannot go on. The engine writes what report it can and moves it to `Failed`.
    Failing,
    /// The job as a whole failed; its failure reason says why. Terminal.
    Failed,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 13] = [
        Self::New,
        Self::Preparing,
        Self::Suspended,
        Self::Ready,
        Self::Active,
        Self::Pausing,
        Self::Paused,
        Self::Completing,
        Self::Complete,
        Self::Cancelling,
        Self::Cancelled,
        Self::Failing,
        Self::Failed,
    ];

    /// Whether no transition leads out of this state.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Cancelled | Self::Failed)
    }

    /// Whether the engine leaves a job in this state alone until a user moves it.
    pub fn waits_for_user(self) -> bool {
        matches!(self, Self::Suspended | Self::Paused)
    }

    /// Whether a job in this state may move to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use JobState::{
            Active, Cancelled, Cancelling, Complete, Completing, Failed, Failing, New, Paused, Pausing,
            Preparing, Ready, Suspended,
        };
        matches!(
            (self, next),
            (New, Preparing)
                | (Preparing, Ready | Suspended)
                | (Suspended, Ready)
                | (Ready, Active | Paused)
                | (Active, Completing | Pausing | Ready)
                | (Pausing, Paused)
                | (Paused, Ready)
                | (Completing, Complete)
                | (New | Preparing | Suspended | Ready | Active | Pausing | Paused, Cancelling)
                | (Cancelling, Cancelled)
                | (New | Preparing | Suspended | Ready | Active | Paused | Completing | Cancelling, Failing)
                | (Failing, Failed)
        )
    }

    /// The name as the S3 Control API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Preparing => "Preparing",
            Self::Ready => "Ready",
            Self::Active => "Active",
            Self::Suspended => "Suspended",
            Self::Pausing => "Pausing",
            Self::Paused => "Paused",
            Self::Completing => "Completing",
            Self::Complete => "Complete",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::Failing => "Failing",
            Self::Failed => "Failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
