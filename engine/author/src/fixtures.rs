//! The form of a fixtures file: cases, each with the objects of its store and what is expected. Doc comments here are what editors show.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What `longshore plugin test` runs: cases, each on a store of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fixtures {
    /// The cases.
    #[schemars(required, length(min = 1))]
    #[serde(default)]
    pub case: Vec<Case>,
}

/// One task, and what is expected of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// What it shows, in a few words.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Parameters of the operation, as under `[operation.parameters]`.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// Bucket of the task's object. Without it that of `key`: `bucket`.
    pub bucket: Option<String>,
    /// Key of the task's object, which need not be there. Without it the task is the one on the first object.
    #[schemars(length(min = 1, max = 1024))]
    pub key: Option<String>,
    /// What the manifest's row says in columns of its own.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// Which run of the task it is: 1, and one more each time it was answered "again after".
    #[serde(default = "first")]
    #[schemars(range(min = 1))]
    pub attempt: u32,
    /// The objects that are there before.
    #[serde(default)]
    pub object: Vec<Object>,
    /// What is expected.
    #[serde(default)]
    pub expect: Expect,
}

fn first() -> u32 {
    1
}

/// The bucket of everything that names none.
pub(crate) fn bucket() -> String {
    "bucket".to_owned()
}

/// An object that is there before.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Object {
    /// Its bucket.
    #[serde(default = "bucket")]
    pub bucket: String,
    /// Its key.
    #[schemars(length(min = 1, max = 1024))]
    pub key: String,
    /// Its bytes, as text.
    pub body: Option<String>,
    /// A file with its bytes, relative to the fixtures file.
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// So many bytes, all of them zero.
    #[schemars(range(max = 1_073_741_824))]
    pub size: Option<u64>,
    /// Its storage class.
    pub class: Option<String>,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Its user metadata, names without `x-amz-meta-`.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Done.
    Done,
    /// There was nothing to do.
    Skipped,
    /// Failed.
    Failed,
    /// Not yet.
    AgainAfter,
}

/// What is expected. What is left out is not looked at.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expect {
    /// How the task ends.
    pub outcome: Option<Ending>,
    /// Message, reason or note.
    pub message: Option<String>,
    /// Error code of a failure.
    pub code: Option<String>,
    /// After how many seconds it wants to run again.
    pub seconds: Option<u32>,
    /// All requests, in order: the call, then perhaps the object, then perhaps some of its settings, as `plugin test` prints them.
    pub calls: Option<Vec<String>>,
    /// Objects that are there afterwards, or not.
    #[serde(default)]
    pub object: Vec<ExpectedObject>,
}

/// An object afterwards. What is left out is not looked at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectedObject {
    /// Its bucket.
    #[serde(default = "bucket")]
    pub bucket: String,
    /// Its key.
    #[schemars(length(min = 1, max = 1024))]
    pub key: String,
    /// Whether there is none.
    #[serde(default)]
    pub absent: bool,
    /// Its bytes, as text.
    pub body: Option<String>,
    /// A file with its bytes, relative to the fixtures file.
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// Its storage class.
    pub class: Option<String>,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// All of its user metadata.
    pub metadata: Option<BTreeMap<String, String>>,
    /// All of its tags.
    pub tags: Option<BTreeMap<String, String>>,
}
