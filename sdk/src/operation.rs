//! The trait of operations, and how a task ends.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Object, Request, StoreError, Task};

/// What a job does to each object of its manifest.
///
/// One value is made per instance, from the job's parameters, and runs many tasks. Nothing may depend on which tasks
/// it ran before: with a fresh instance for every task it has run none.
pub trait Operation: Sized + 'static {
    /// The parameters of a job. Their JSON Schema is what job files are checked against: use kebab-case names,
    /// `#[serde(deny_unknown_fields)]`, and a doc comment on each field.
    type Parameters: DeserializeOwned + JsonSchema;

    /// The name that job files use: lower-case letters, digits, hyphens; 1–64 characters.
    const NAME: &'static str;

    /// What it does, in one sentence.
    const SUMMARY: &'static str;

    /// IAM actions the operation may need: `s3:GetObject`, `s3:Get*`. It is granted no other, whatever the role allows, and
    /// the role has to allow them too. An action on an object stands for the one on its versions as well
    /// (`s3:GetObjectVersion`); `s3:DeleteObjectVersion`, which deletes for good, is declared by its own name.
    const ACTIONS: &'static [&'static str] = &[];

    /// Takes the parameters.
    ///
    /// # Errors
    /// A sentence that says what to change in the job file, for whatever the schema cannot express.
    fn new(parameters: Self::Parameters) -> Result<Self, String>;

    /// The requests that [`run`](Self::run) may send for this object. The engine asks the role's policies about each
    /// before the task starts, so that nothing is half done when one is refused, and shows them in a dry run.
    /// Nothing is sent. Mark with `provisional` what will look different once something else has been read.
    ///
    /// With the default, an empty list, the policies are asked only when a request is sent.
    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        let _ = (object, task);
        Vec::new()
    }

    /// Does the work on one object. The engine has no undo: put what may fail first.
    ///
    /// # Errors
    /// The task's failure. `?` turns a [`StoreError`] into one.
    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure>;
}

/// The parameters of an operation that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// The end of a task that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done. The message goes to the completion report.
    Done(Option<String>),
    /// There was nothing to do. The reason goes to the completion report.
    Skipped(String),
    /// Not yet: run this task again.
    AgainAfter {
        /// After how many seconds, at the earliest.
        seconds: u32,
        /// Why, in a few words.
        note: String,
    },
}

impl Outcome {
    /// Done, with nothing to add.
    pub fn done() -> Self {
        Self::Done(None)
    }

    /// Done, with a message for the completion report.
    pub fn done_with(message: impl Into<String>) -> Self {
        Self::Done(Some(message.into()))
    }
}

/// The end of a task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// An S3 error code, or one of the operation's own: letters, digits, `.`, `_`, `-`; 1–64 characters.
    pub code: String,
    /// What happened, in a sentence.
    pub message: String,
    /// HTTP status, where there is one.
    pub http_status: Option<u16>,
}

impl Failure {
    /// A failure that no store reported.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), http_status: None }
    }

    /// The same with the HTTP status that the store would answer.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { code: error.code, message: error.message, http_status: error.http_status }
    }
}
