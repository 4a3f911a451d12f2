//! Exit codes: part of the interface, documented in `longshore --help` and the README.

use longshore_job::JobState;
use longshore_queue::JobRecord;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything that was asked for was done; of a job: every task succeeded.
    Success = 0,
    /// Something outside the job went wrong: a file, the network, the database.
    Error = 1,
    /// Bad input: the command line, the job file, the configuration, a policy, a list that a command reads.
    Input = 2,
    /// The job is complete, but some of its tasks failed; of a dry run or an explanation: something would be refused.
    TasksFailed = 3,
    /// The job as a whole failed.
    JobFailed = 4,
    /// The job was cancelled.
    Cancelled = 5,
    /// Stopped before the end, by a signal or because the job is paused or waits for a confirmation.
    Interrupted = 6,
    /// Another engine works on this data directory.
    Busy = 7,
    /// A store cannot be reached or refuses the credentials; a job that has begun can go on.
    Unreachable = 8,
}

/// The codes and their meanings, as `--help` shows them.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; of a job: every task succeeded
  1  something outside the job went wrong (file, network, database)
  2  bad input (command line, job file, configuration, policy, manifest)
  3  the job is complete, but some of its tasks failed; of a dry run: something would be refused
  4  the job as a whole failed
  5  the job was cancelled
  6  stopped before the end (by a signal; paused; to be confirmed); 'longshore start' goes on
  7  another engine works on this data directory
  8  a store cannot be reached or refuses the credentials; a job that has begun can go on";

impl Exit {
    /// The code that says how a job stands.
    pub(crate) fn of(record: &JobRecord) -> Self {
        match record.state {
            JobState::Complete if record.failed == 0 => Self::Success,
            JobState::Complete => Self::TasksFailed,
            JobState::Failed => Self::JobFailed,
            JobState::Cancelled => Self::Cancelled,
            _ => Self::Interrupted,
        }
    }

    /// The worse of the ends of two jobs: failed, with failed tasks, cancelled, all well.
    pub(crate) fn or_worse(self, other: Self) -> Self {
        let badness = |exit| match exit {
            Self::Success => 0,
            Self::Cancelled => 1,
            Self::TasksFailed => 2,
            _ => 3,
        };
        if badness(other) > badness(self) { other } else { self }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
