//! The form of a filter as TOML writes it. Doc comments here are what editors show.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::size::Size;

use super::facts::{Encryption, ReplicationStatus};

/// Which objects: an object passes if it meets every condition that is given. Lists are alternatives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Filter {
    /// The key begins with one of these. Only these parts of the bucket are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 1024)), extend("examples" = [["logs/2024/", "logs/2025/"]]))]
    pub prefixes: Vec<String>,
    /// The key ends with one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 1024)), extend("examples" = [[".jpg", ".jpeg"]]))]
    pub suffixes: Vec<String>,
    /// The key contains one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 1024)), extend("examples" = [["/tmp/"]]))]
    pub substrings: Vec<String>,
    /// The whole key matches one of these: `*` any text without a slash, `**` any text, `?` one character but a slash, `[a-z]`
    /// one of these characters, `\` takes the next character as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 1024)), extend("examples" = [["**/*.parquet"]]))]
    pub glob: Vec<String>,
    /// The key contains a match of this regular expression (syntax of the Rust crate `regex`; `^` and `$` anchor it).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), extend("examples" = ["^logs/[0-9]{4}/"]))]
    pub regex: Option<String>,
    /// The object has more bytes than this: a number, or a text with a unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["10 MiB"]))]
    pub size_greater_than: Option<Size>,
    /// The object has fewer bytes than this: a number, or a text with a unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["1 GB"]))]
    pub size_less_than: Option<Size>,
    /// The object was last written after this moment: a date (midnight UTC) or an RFC 3339 time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("examples" = ["2025-01-01"]))]
    pub created_after: Option<String>,
    /// The object was last written before this moment: a date (midnight UTC) or an RFC 3339 time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("examples" = ["2025-01-01T12:00:00Z"]))]
    pub created_before: Option<String>,
    /// The object was last written longer ago than this, counted back from the job's submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("examples" = ["90d"]))]
    pub older_than: Option<String>,
    /// The object was last written less long ago than this, counted back from the job's submission.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("examples" = ["12h"]))]
    pub newer_than: Option<String>,
    /// The ETag is one of these, with or without quotes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 1024)), extend("examples" = [["d41d8cd98f00b204e9800998ecf8427e"]]))]
    pub etags: Vec<String>,
    /// The storage class is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 64)), extend("examples" = [["STANDARD", "STANDARD_IA"]]))]
    pub storage_classes: Vec<String>,
    /// The object is encrypted in one of these ways. Costs one HeadObject for each object that meets the other conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), extend("examples" = [["NOT-SSE"]]))]
    pub encryption: Vec<Encryption>,
    /// The object is encrypted with one of these KMS keys, as the store names them. Costs one HeadObject, as `encryption`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100), inner(length(min = 1, max = 2048)), extend("examples" = [["arn:aws:kms:eu-central-1:111122223333:key/1a2b"]]))]
    pub kms_keys: Vec<String>,
    /// The replication status is one of these. Costs one HeadObject, as `encryption`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), extend("examples" = [["FAILED", "NONE"]]))]
    pub replication_statuses: Vec<ReplicationStatus>,
    /// The object has these tags. Costs one GetObjectTagging for each object that meets the other conditions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("minProperties" = 1, "examples" = [{"class": "cold"}]))]
    pub tags: BTreeMap<String, Wanted>,
    /// The object has this user metadata (names without `x-amz-meta-`). Costs one HeadObject, as `encryption`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("minProperties" = 1, "examples" = [{"origin": "scanner"}]))]
    pub metadata: BTreeMap<String, Wanted>,
    /// An expression that must be true, in the Common Expression Language (CEL): see docs/manifests.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), extend("examples" = ["size > 10 * MiB && key.endsWith('.log')"]))]
    pub expression: Option<String>,
    /// At least one of these filters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100))]
    pub any: Vec<Filter>,
    /// Every one of these filters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 100))]
    pub all: Vec<Filter>,
    /// Not this filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Filter>>,
}

/// What a tag or a header must be: a value, one of several values, there at all (`true`), or not there (`false`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Wanted {
    /// Whether it is there, with any value.
    Present(bool),
    /// This value.
    Value(String),
    /// One of these values.
    OneOf(Vec<String>),
}
