//! What a command can fail with: a message for people, a value for machines, an exit code.

use longshore_author::AuthorError;
use longshore_job::Problems;
use longshore_queue::QueueError;
use longshore_runner::{JobFailure, RunnerError, SPOOL_NOT_REACHABLE, STORE_NOT_USABLE};
use serde_json::{Value, json};

use crate::exit::Exit;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct CliError {
    exit: Exit,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Message(String),
    Problems(Problems),
    /// Standard output has no reader any more.
    Unread,
}

impl CliError {
    /// A failure with one message.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, kind: Kind::Message(message.into()) }
    }

    /// A failure because of what the user wrote.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Exit::Input, message)
    }

    /// Whether the only trouble is that nobody reads standard output any more.
    pub(crate) fn is_unread(&self) -> bool {
        matches!(self.kind, Kind::Unread)
    }

    /// The process's exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// For people; several lines where there are several problems.
    pub(crate) fn text(&self, colour: bool) -> String {
        match &self.kind {
            Kind::Message(message) => format!("error: {message}\n"),
            Kind::Unread => String::new(),
            Kind::Problems(problems) if colour => problems.render_coloured(),
            Kind::Problems(problems) => problems.render(),
        }
    }

    /// For machines.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Message(message) => json!({ "error": message, "exit": self.exit as u8 }),
            Kind::Problems(problems) => json!({ "problems": problems, "exit": self.exit as u8 }),
            Kind::Unread => Value::Null,
        }
    }
}

impl From<Problems> for CliError {
    fn from(problems: Problems) -> Self {
        Self { exit: Exit::Input, kind: Kind::Problems(problems) }
    }
}

impl From<QueueError> for CliError {
    fn from(error: QueueError) -> Self {
        let exit = match &error {
            QueueError::Busy { .. } | QueueError::Fenced { .. } => Exit::Busy,
            QueueError::NotFound { .. } | QueueError::Ambiguous { .. } | QueueError::State { .. } => {
                Exit::Input
            }
            QueueError::TokenReused { .. }
            | QueueError::UnknownDependency { .. }
            | QueueError::NothingFailed { .. }
            | QueueError::OnlyBadRows { .. }
            | QueueError::UnknownCode { .. }
            | QueueError::Sql { .. }
            | QueueError::NoQuery => Exit::Input,
            _ => Exit::Error,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<RunnerError> for CliError {
    fn from(error: RunnerError) -> Self {
        match error {
            RunnerError::Queue(error) => error.into(),
            RunnerError::Obstacle { ref failure, .. } => {
                let is_store = [STORE_NOT_USABLE, SPOOL_NOT_REACHABLE].contains(&failure.code.as_str());
                Self::new(if is_store { Exit::Unreachable } else { Exit::Interrupted }, error.to_string())
            }
            other => Self::new(Exit::Error, other.to_string()),
        }
    }
}

impl From<JobFailure> for CliError {
    fn from(failure: JobFailure) -> Self {
        Self::new(Exit::Unreachable, failure.reason)
    }
}

impl From<AuthorError> for CliError {
    fn from(error: AuthorError) -> Self {
        let exit = match error {
            AuthorError::Problems(problems) => return problems.into(),
            AuthorError::Io { .. }
            | AuthorError::Failed { .. }
            | AuthorError::NoOperation(_)
            | AuthorError::Store(_)
            | AuthorError::Template(_) => Exit::Error,
            _ => Exit::Input,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Success, kind: Kind::Unread };
        }
        Self::new(Exit::Error, error.to_string())
    }
}
