//! A job as the engine works on it: the job file resolved, ready to be stored and run.

mod failed_tasks;
mod generate;
mod manifest;
mod retry;
mod step;
pub(crate) mod stop;
mod timing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use failed_tasks::FailedTasks;
pub use generate::{Conflict, GenerateSpec, Versions};
pub use manifest::{
    DeleteMarkers, Field, ListFormat, ListSpec, ManifestSpec, Meaning, OnBadRow, Origin, ReportRows, Sample,
    SourceSpec,
};
pub use retry::{RetriedErrors, RetryClass, RetrySpec};
pub use step::{OnFailure, StepSpec};
pub use stop::StopRule;
pub use timing::{Deadline, Overlap, ScheduleSpec, Timing};

/// Everything that defines a job. Stored as JSON in the queue; holds no secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Free text, 1–256 characters.
    pub description: Option<String>,
    /// 0–2147483647, higher first; what the job was submitted with.
    pub priority: u32,
    /// Whether a user must confirm the job once its manifest is read, before any task runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm: bool,
    /// When it runs.
    #[serde(default, skip_serializing_if = "Timing::is_default")]
    pub timing: Timing,
    /// Name of the role in `longshore.toml` under which the job runs.
    pub role: String,
    /// Name of the store in `longshore.toml` whose objects the tasks work on.
    pub store: String,
    /// Labels of the job (not of objects).
    pub tags: BTreeMap<String, String>,
    /// Two submissions with one token are one job.
    pub client_token: Option<String>,
    /// The job's own policy, which narrows what the role may do; `None` if it brings none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<JobPolicy>,
    /// What is done to each object, step by step: at least one, at most [`MAX_STEPS`](crate::pipeline::MAX_STEPS).
    pub steps: Vec<StepSpec>,
    /// Which objects.
    pub manifest: ManifestSpec,
    /// The completion report; `None` if switched off.
    pub report: Option<ReportSpec>,
    /// Bounds.
    pub limits: Limits,
    /// When failed requests are sent again.
    #[serde(default, skip_serializing_if = "RetrySpec::is_default")]
    pub retry: RetrySpec,
}

impl JobSpec {
    /// What is done to each object as one word: the names of the operations, `restore+tagging`.
    pub fn operation_name(&self) -> String {
        let names: Vec<_> = self.steps.iter().map(|step| step.operation.source.name()).collect();
        names.join("+")
    }
}

/// A session policy that a job brings, as it was at submission: what becomes of the file later does not change the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPolicy {
    /// The file as the job file names it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// The operation and its parameters, already checked against the operation's schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationSpec {
    /// A built-in operation, a plugin's file or an installed plugin.
    pub source: OperationSource,
    /// The parameters, in the form of the operation's JSON Schema.
    pub parameters: serde_json::Value,
}

/// Where an operation comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationSource {
    /// A built-in, by name.
    Builtin(String),
    /// A plugin file, by absolute path, and the SHA-256 (lower-case hex) it had at submission.
    File {
        /// Absolute path.
        path: String,
        /// SHA-256 of the file, lower-case hex.
        sha256: String,
    },
    /// An installed plugin, as the job's file was resolved at submission.
    Installed {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// SHA-256 of its component, lower-case hex.
        sha256: String,
        /// What it was granted: the job never has more, whatever is granted later.
        grants: Vec<String>,
    },
}

/// A place for bytes: an object, a key prefix or a local path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Location {
    /// An absolute local path (a file for manifests, a directory for reports).
    Local(String),
    /// `s3://bucket/key` or `s3://bucket/prefix`, on the job's store.
    S3 {
        /// Bucket name.
        bucket: String,
        /// Key (manifest) or prefix (report, may be empty), decoded.
        key: String,
    },
}

impl Location {
    /// The place `name` below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(format!("{}/{name}", path.trim_end_matches('/'))),
            Self::S3 { bucket, key } if key.is_empty() => {
                Self::S3 { bucket: bucket.clone(), key: name.to_owned() }
            }
            Self::S3 { bucket, key } => {
                Self::S3 { bucket: bucket.clone(), key: format!("{}/{name}", key.trim_end_matches('/')) }
            }
        }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(path) => f.write_str(path),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// Where the completion report goes and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSpec {
    /// A local directory, or bucket and prefix.
    pub location: Location,
    /// Which tasks it lists.
    pub scope: ReportScope,
}

/// Which tasks the completion report lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub enum ReportScope {
    /// Every task.
    #[default]
    AllTasks,
    /// Failed tasks only.
    FailedTasksOnly,
}

/// Bounds of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Lanes: how many tasks run at once.
    pub concurrency: u32,
    /// Its requests and bytes per second, over all of its tasks.
    #[serde(default, skip_serializing_if = "RateSpec::is_unbound")]
    pub rate: RateSpec,
    /// When the job as a whole gives up.
    pub failure_threshold: FailureThreshold,
    /// Error codes that end the job. The first rule that is met counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<StopRule>,
}

/// What may be sent and received each second; `None` for no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RateSpec {
    /// Requests, retries included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// Bytes of objects that pass through the engine. What the store copies by itself is not among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
}

impl RateSpec {
    /// Whether everything is allowed.
    pub fn is_unbound(&self) -> bool {
        *self == Self::default()
    }
}

/// The job fails once `minimum_tasks` have run and more than `percent` of the tasks run so far have failed, or once `count`
/// tasks have failed (reference: S3 Batch Operations fails a job above 50 % of at least 1,000 tasks).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FailureThreshold {
    /// 0–100; 100 switches the rule off.
    pub percent: f64,
    /// Tasks that must have run before the rule applies.
    pub minimum_tasks: u64,
    /// Failed tasks at which the job fails, however many have run; `None` for no such rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl Default for FailureThreshold {
    /// Amazon's rule: above 50 % of at least 1,000 tasks.
    fn default() -> Self {
        Self { percent: 50.0, minimum_tasks: 1000, count: None }
    }
}
