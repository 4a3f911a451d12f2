//! The form of a job file. Doc comments here are what editors show.
//!
//! Keys that must be given are `Option`s marked `required`: their absence is the schema's finding, and what else the file says
//! is still looked at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::generate::GenerateSection;
use super::operation::{OperationForm, one_or_several};
use super::retry::RetrySection;
use super::timing::ScheduleSection;
use crate::declare::size::Size;
use crate::filter::Filter;
use crate::row::KeyEncoding;
use crate::spec::{DeleteMarkers, FailureThreshold, OnBadRow, ReportRows, ReportScope};

/// Directory of completion reports, beside the job file, unless it says otherwise.
const REPORT_LOCATION: &str = "reports";

/// Lanes of a job that says nothing: enough to hide the latency of a store in the same region.
const CONCURRENCY: u32 = 64;

/// Longshore job file: one operation, or several in order, for every object of a manifest. Paths are relative to this file. Strings may take
/// environment variables: `${NAME}`, `${NAME:-default}`; not secrets, because jobs are stored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JobFile {
    /// What the job is for, 1 to 256 characters.
    #[schemars(length(min = 1, max = 256), extend("examples" = ["Tag last year's logs"]))]
    pub(super) description: Option<String>,
    /// Jobs with a higher number go first.
    #[serde(default)]
    #[schemars(range(min = 0, max = 2_147_483_647), extend("examples" = [10]))]
    pub(super) priority: u32,
    /// Read the manifest, then wait: no task runs before `longshore confirm`.
    #[serde(default)]
    pub(super) confirm: bool,
    /// Do not begin before this moment: a date (midnight UTC) or an RFC 3339 time.
    #[schemars(length(min = 1), extend("examples" = ["2026-12-01T22:00:00Z"]))]
    pub(super) start_at: Option<String>,
    /// When tasks are left to run then, the job fails and what ran is reported: a moment, or a time from the job's start.
    #[schemars(length(min = 1), extend("examples" = ["6h", "2026-12-02T06:00:00Z"]))]
    pub(super) deadline: Option<String>,
    /// Jobs that must be Complete before this one begins: their IDs (or first characters), or client tokens. If one ends
    /// otherwise, this one fails.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(min = 1)), extend("examples" = [["logs-2025-q4"]]))]
    pub(super) after: Vec<String>,
    /// Jobs that must have ended, in whatever state, before this one begins.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(min = 1)), extend("examples" = [["logs-2025-q4"]]))]
    pub(super) after_ended: Vec<String>,
    /// Run again and again: the job is the template of jobs that begin by a schedule.
    pub(super) schedule: Option<ScheduleSection>,
    /// Role of `longshore.toml` under which the job runs: its policies decide what the job may do.
    #[schemars(required, length(min = 1), extend("examples" = ["tagger"]))]
    pub(super) role: Option<String>,
    /// Store of `longshore.toml` that the job works on. May be left out if the role names one or there is only one.
    #[schemars(length(min = 1), extend("examples" = ["main"]))]
    pub(super) store: Option<String>,
    /// Two submissions with the same token are one job.
    #[schemars(length(min = 1, max = 64), extend("examples" = ["logs-2025-q4"]))]
    pub(super) client_token: Option<String>,
    /// A policy of the job itself (IAM JSON, type: session policy, at most 2,048 bytes): what it does not allow is refused,
    /// whatever the role may do. Kept with the job as it is at submission.
    #[schemars(length(min = 1), extend("examples" = ["policies/only-2025.json"]))]
    pub(super) policy: Option<String>,
    /// Labels of the job itself, at most 50.
    #[serde(default)]
    #[schemars(extend(
        "maxProperties" = 50,
        "propertyNames" = {"minLength": 1, "maxLength": 128},
        "additionalProperties" = {"type": "string", "maxLength": 256},
        "examples" = [{"team": "storage"}]
    ))]
    pub(super) tags: BTreeMap<String, String>,
    /// What is done to each object: one operation, or several steps, in order.
    #[schemars(required, schema_with = "one_or_several")]
    pub(super) operation: Option<OperationForm>,
    /// Which objects.
    #[schemars(required)]
    pub(super) manifest: Option<ManifestSection>,
    /// The completion report: what became of every task.
    #[serde(default)]
    pub(super) report: ReportSection,
    /// Bounds of the job.
    #[serde(default)]
    pub(super) limits: LimitsSection,
    /// When the requests of tasks are sent again.
    #[serde(default)]
    pub(super) retry: RetrySection,
}

/// Which objects: one source, or several under `sources`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(extend("additionalProperties" = false))]
pub(super) struct ManifestSection {
    /// The only source, unless there are `sources`.
    #[serde(flatten)]
    pub(super) source: SourceSection,
    /// Several sources, read one after the other.
    #[schemars(length(min = 1, max = 1000), extend("examples" = [[{"location": "list.csv", "fields": ["Bucket", "Key"]}]]))]
    pub(super) sources: Option<Vec<SourceSection>>,
    /// A random part of the rows: the share of them, above 0, at most 1.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1, "examples" = [0.001]))]
    pub(super) sample: Option<f64>,
    /// Where the random numbers of `sample` start: another seed takes other rows.
    #[schemars(extend("examples" = [7]))]
    pub(super) seed: Option<u64>,
    /// Whether of several rows that name the same object only the first becomes a task.
    #[serde(default)]
    pub(super) unique: bool,
    /// What a row that names no object does: the job fails before any task runs, or the row is a failed task.
    #[serde(default)]
    pub(super) on_bad_row: OnBadRow,
    /// Most tasks. Reading stops there.
    #[schemars(range(min = 1), extend("examples" = [1000]))]
    pub(super) limit: Option<u64>,
}

/// Where rows come from: a list, or a bucket that is listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(extend("additionalProperties" = false))]
pub(super) struct SourceSection {
    /// A local file, `s3://bucket/key` on the job's store, or `-` for standard input.
    #[schemars(length(min = 1), extend("examples" = ["list.csv", "s3://lists/2025-q4.csv", "-"]))]
    pub(super) location: Option<String>,
    /// Format of the list. Whether it is compressed is seen from its first bytes.
    pub(super) format: Option<ManifestFormat>,
    /// The columns. CSV: all of them, in order; other formats: those to be read.
    #[schemars(length(min = 1), extend("examples" = [["Bucket", "Key"], ["Bucket", "Key", "VersionId", {"column": "owner"}]]))]
    pub(super) fields: Option<Vec<FieldForm>>,
    /// CSV: whether the first row names the columns.
    pub(super) header: Option<bool>,
    /// CSV: what stands between two cells.
    #[schemars(length(min = 1, max = 1), extend("examples" = [";"]))]
    pub(super) delimiter: Option<char>,
    /// How keys are written: percent-encoded, or as they are.
    pub(super) keys: Option<KeyEncoding>,
    /// The bucket of every row, where the list has no such column.
    #[schemars(length(min = 1), extend("examples" = ["photos"]))]
    pub(super) bucket: Option<String>,
    /// Inventories: whether delete markers are left out.
    pub(super) delete_markers: Option<DeleteMarkers>,
    /// Inventories: which of the objects, by what the columns tell about them.
    #[schemars(extend("examples" = [{"prefixes": ["logs/"], "storage-classes": ["GLACIER"]}]))]
    pub(super) r#where: Option<Filter>,
    /// Completion reports: which rows.
    pub(super) rows: Option<ReportRows>,
    /// ETag that the list must have; for a local file its MD5 in hexadecimal.
    #[schemars(length(min = 1, max = 1024), extend("examples" = ["d41d8cd98f00b204e9800998ecf8427e"]))]
    pub(super) etag: Option<String>,
    /// Version of the list, where it is an object.
    #[schemars(length(min = 1, max = 1024), extend("examples" = ["PZ9ibn9D5lP6p298B7S9_ceqx1n5EJ0p"]))]
    pub(super) version_id: Option<String>,
    /// The objects of a bucket, instead of a list.
    pub(super) generate: Option<GenerateSection>,
}

/// A column of a list: what it holds, or its name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum FieldForm {
    /// What it holds.
    Meaning(FieldName),
    /// A column by its name.
    Column(ColumnForm),
}

/// A column by its name in the list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ColumnForm {
    /// The column's name.
    #[schemars(length(min = 1, max = 128))]
    pub(super) column: String,
    /// What it holds. Without this it is handed to the operation under its name.
    #[serde(rename = "as")]
    pub(super) meaning: Option<FieldName>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(super) enum FieldName {
    /// Bucket name.
    Bucket,
    /// Object key.
    Key,
    /// Version ID.
    VersionId,
    /// A column to pass over.
    Ignore,
}

/// Format of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum ManifestFormat {
    /// CSV, one object a line.
    #[default]
    #[serde(rename = "S3BatchOperations_CSV_20180820")]
    Csv,
    /// The `manifest.json` of an inventory; its data files are CSV, Parquet or ORC.
    #[serde(rename = "S3InventoryReport_CSV_20161130")]
    Inventory,
    /// The same, as generated manifests are saved.
    #[serde(rename = "S3InventoryReport_CSV_20211130")]
    GeneratedInventory,
    /// The completion report of an earlier job: its `manifest.json` or one of its result files.
    #[serde(rename = "Report_CSV_20180820")]
    Report,
    /// One JSON object a line.
    #[serde(rename = "JSONLines")]
    JsonLines,
    /// A Parquet file.
    Parquet,
    /// An ORC file.
    #[serde(rename = "ORC")]
    Orc,
}

/// The completion report.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ReportSection {
    /// Whether a report is written.
    pub(super) enabled: bool,
    /// A local directory, or `s3://bucket/prefix` on the job's store. The report is in `job-<id>/` below it.
    #[schemars(length(min = 1), extend("examples" = ["s3://reports/tagging", "reports"]))]
    pub(super) location: String,
    /// Which tasks it lists.
    pub(super) scope: ReportScope,
}

impl Default for ReportSection {
    fn default() -> Self {
        Self { enabled: true, location: REPORT_LOCATION.to_owned(), scope: ReportScope::AllTasks }
    }
}

/// Bounds of the job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct LimitsSection {
    /// How many tasks run at once.
    #[schemars(range(min = 1, max = 4_000), extend("examples" = [64]))]
    pub(super) concurrency: u32,
    /// Most requests per second, retries included. Without it the store's own bounds decide.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [500]))]
    pub(super) requests_per_second: Option<u32>,
    /// Most bytes of objects per second that pass through the engine: a number, or a text with a unit.
    #[schemars(extend("examples" = ["50 MB"]))]
    pub(super) bytes_per_second: Option<Size>,
    /// When the job as a whole gives up.
    pub(super) failure_threshold: ThresholdSection,
    /// Error codes that end the job.
    #[schemars(length(max = 50), extend("examples" = [[{"codes": ["AccessDenied"], "count": 1}]]))]
    pub(super) stop: Vec<StopSection>,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            concurrency: CONCURRENCY,
            requests_per_second: None,
            bytes_per_second: None,
            failure_threshold: ThresholdSection::default(),
            stop: Vec::new(),
        }
    }
}

/// The job fails once `minimum-tasks` have run and more than `percent` of the tasks run so far have failed, or once `count`
/// have failed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ThresholdSection {
    /// Share of failed tasks, 0 to 100. 100 switches the rule off.
    #[schemars(range(min = 0, max = 100), extend("examples" = [50]))]
    pub(super) percent: f64,
    /// Tasks that must have run before the rule applies.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64), extend("examples" = [1000]))]
    pub(super) minimum_tasks: u64,
    /// Failed tasks at which the job fails, however many have run.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64), extend("examples" = [100]))]
    pub(super) count: Option<u64>,
}

/// The job fails as soon as `count` of its tasks have failed with one of `codes`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct StopSection {
    /// Error codes, as they are in the completion report; `*` stands for any characters.
    #[schemars(
        required,
        length(min = 1, max = 100),
        inner(length(min = 1, max = 64), regex(pattern = r"^[A-Za-z0-9._*-]*$")),
        extend("examples" = [["AccessDenied", "Invalid*"]])
    )]
    pub(super) codes: Option<Vec<String>>,
    /// Failed tasks at which the job fails.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64), extend("examples" = [1]))]
    pub(super) count: u64,
}

/// The first failure ends the job.
fn first() -> u64 {
    1
}

impl Default for ThresholdSection {
    fn default() -> Self {
        let FailureThreshold { percent, minimum_tasks, count } = FailureThreshold::default();
        Self { percent, minimum_tasks, count }
    }
}
