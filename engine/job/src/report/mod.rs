//! The completion report: where its files are, its result rows and its `manifest.json`, as Amazon S3 Batch Operations
//! writes them (S3 User Guide, "Tracking job status and completion reports"; format `Report_CSV_20180820`).
//!
//! Result rows carry seven columns and no header. Their real order differs from the one that `ReportSchema` declares: the
//! HTTP status comes **before** the error code. Both are kept as they are, because readers of real reports depend on them.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::row::Row;
use crate::spec::StepSpec;
use crate::task::Outcome;

/// Format name in `manifest.json`.
pub const REPORT_FORMAT: &str = "Report_CSV_20180820";

/// `ReportSchema` in `manifest.json`: what Amazon declares, not the order in the files.
pub const REPORT_SCHEMA: &str =
    "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage";

/// The columns of result rows, in the order in which they stand in the files.
pub const REPORT_COLUMNS: [&str; 7] =
    ["Bucket", "Key", "VersionId", "TaskStatus", "HTTPStatusCode", "ErrorCode", "ResultMessage"];

/// Message of a success that brought none.
const SUCCESSFUL: &str = "Successful";

/// Whether a result file lists tasks that succeeded or tasks that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// `succeeded`, skipped tasks included.
    Succeeded,
    /// `failed`.
    Failed,
}

impl TaskStatus {
    /// The status of a task that ended like this.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Succeeded(_) | Outcome::Skipped(_) => Self::Succeeded,
            Outcome::Failed(_) => Self::Failed,
        }
    }

    /// As the report spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Where the files of one job's report are, below the report's bucket and prefix or below its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLayout {
    root: String,
}

impl ReportLayout {
    /// Layout of the report of job `job_id`. `prefix` is the key prefix as declared, or empty; it is not trimmed, so one that
    /// ends in `/` gives `prefix//job-…`, as Amazon does. For a local directory pass an empty prefix and join the
    /// names to the directory.
    pub fn new(prefix: &str, job_id: &str) -> Self {
        let separator = if prefix.is_empty() { "" } else { "/" };
        Self { root: format!("{prefix}{separator}job-{job_id}") }
    }

    /// Key of `manifest.json`.
    pub fn manifest(&self) -> String {
        format!("{}/manifest.json", self.root)
    }

    /// Key of `manifest.json.md5`, which holds the hexadecimal MD5 of `manifest.json`.
    pub fn manifest_md5(&self) -> String {
        format!("{}/manifest.json.md5", self.root)
    }

    /// Key of `policies.json`, which says under which policies the tasks ran. Amazon's reports have no such file, and their
    /// readers find all others through `manifest.json`.
    pub fn policies(&self) -> String {
        format!("{}/policies.json", self.root)
    }

    /// Key of `operations.json`, which says which operations ran: the installed plugins with version and digest. A file of its
    /// own for the same reason.
    pub fn operations(&self) -> String {
        format!("{}/operations.json", self.root)
    }

    /// Key of a result file: a name of 40 hexadecimal digits, the same for the same job, status and part, so that writing a
    /// report again replaces it instead of adding to it. `part` counts from 0.
    pub fn results(&self, status: TaskStatus, part: u32) -> String {
        let mut digest = Sha256::digest(format!("{}\n{}\n{part}", self.root, status.name())).to_vec();
        digest.truncate(20);
        format!("{}/results/{}.csv", self.root, hex::encode(digest))
    }
}

/// Appends the result row of one task to `out`: RFC 4180 quoting where a field needs it, the line ends in LF. The key is
/// echoed byte for byte as the manifest writes it, and cells that a spreadsheet would take for a formula are left alone: the
/// report says what the manifest and the store said.
pub fn push_result_row(out: &mut String, row: &Row, outcome: &Outcome) {
    let http_status;
    let (status, code, message) = match outcome {
        Outcome::Succeeded(message) => ("200", "", message.as_deref().unwrap_or(SUCCESSFUL)),
        Outcome::Skipped(reason) => ("200", "", reason.as_str()),
        Outcome::Failed(failure) => {
            http_status = failure.status.map(|status| status.to_string()).unwrap_or_default();
            (http_status.as_str(), failure.code.as_str(), failure.message.as_str())
        }
    };
    let cells = [
        row.bucket.as_str(),
        row.key.as_str(),
        row.version_id.as_deref().unwrap_or_default(),
        TaskStatus::of(outcome).name(),
        status,
        code,
        message,
    ];
    for (position, cell) in cells.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        push_cell(out, cell);
    }
    out.push('\n');
}

/// One CSV cell. Quoted if it holds a comma, a quote or any control character, so that none of these can be taken for the
/// end of a cell or of a line.
fn push_cell(out: &mut String, cell: &str) {
    if !cell.contains(|c: char| c == ',' || c == '"' || c.is_control()) {
        out.push_str(cell);
        return;
    }
    out.push('"');
    for (position, part) in cell.split('"').enumerate() {
        if position > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

/// One result file, as `manifest.json` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResultFile {
    /// Which tasks the file lists.
    pub task_execution_status: TaskStatus,
    /// Plain name of the bucket that holds it; empty for a report in a local directory.
    pub bucket: String,
    /// Lower-case hexadecimal MD5 of the file.
    #[serde(rename = "MD5Checksum")]
    pub md5_checksum: String,
    /// Its key; for a report in a local directory its path below that directory.
    pub key: String,
}

/// The policies of a job's role from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicySnapshot {
    /// When the engine loaded them.
    pub since: Timestamp,
    /// SHA-256 over all documents, lower-case hexadecimal.
    #[serde(rename = "SHA256")]
    pub sha256: String,
}

/// The text of the report's `policies.json`: the snapshots in the order in which tasks ran under them.
///
/// # Errors
/// None in practice: the JSON writer's signature has one.
pub fn report_policies_json(
    job_id: &str,
    role: &str,
    snapshots: &[PolicySnapshot],
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Policies<'a> {
        job_id: &'a str,
        role: &'a str,
        policy_snapshots: &'a [PolicySnapshot],
    }
    serde_json::to_string_pretty(&Policies { job_id, role, policy_snapshots: snapshots })
}

/// The text of the report's `operations.json`: what ran, step by step. `digests` are those of the steps' components; `fuel` is
/// what all tasks used together (instructions), 0 if it was not counted.
///
/// # Errors
/// None in practice: the JSON writer's signature has one.
pub fn report_operations_json(
    job_id: &str,
    steps: &[StepSpec],
    digests: &[String],
    fuel: u64,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Operation<'a> {
        step: usize,
        operation: Cow<'a, str>,
        #[serde(rename = "SHA256")]
        sha256: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Operations<'a> {
        job_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        fuel: Option<u64>,
        operations: Vec<Operation<'a>>,
    }
    let operations = (1..).zip(steps).zip(digests).map(|((step, spec), sha256)| Operation {
        step,
        operation: spec.operation.source.name(),
        sha256,
    });
    let fuel = (fuel > 0).then_some(fuel);
    serde_json::to_string_pretty(&Operations { job_id, fuel, operations: operations.collect() })
}

/// The text of the report's `manifest.json`.
///
/// # Errors
/// None in practice: the JSON writer's signature has one.
pub fn report_manifest_json(created: Timestamp, results: &[ResultFile]) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Manifest<'a> {
        format: &'a str,
        report_creation_date: String,
        results: &'a [ResultFile],
        report_schema: &'a str,
    }
    serde_json::to_string_pretty(&Manifest {
        format: REPORT_FORMAT,
        report_creation_date: format!("{created:.3}"),
        results,
        report_schema: REPORT_SCHEMA,
    })
}
