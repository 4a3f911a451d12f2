//! The contract's interface `host`, natively.

/// How urgent a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For who looks closely.
    Debug,
}

/// Writes to the engine's log. Natively there is none.
pub fn log(level: Level, message: &str) {
    let _ = (level, message);
}

#[derive(Clone)]
pub struct Task {
    pub(crate) attempt: u32,
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) now: String,
}

impl Task {
    pub(crate) fn job_id(&self) -> String {
        "00000000-0000-0000-0000-000000000000".to_owned()
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }

    pub(crate) fn now(&self) -> String {
        self.now.clone()
    }

    pub(crate) fn column(&self, name: &str) -> Option<String> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

pub struct Description {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub parameters: String,
    pub actions: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Retry {
    pub seconds: u32,
    pub note: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Done(Option<String>),
    Skipped(String),
    AgainAfter(Retry),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub http_status: Option<u16>,
}
