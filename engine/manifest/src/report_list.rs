//! Completion reports of earlier jobs as lists (Amazon S3 User Guide, "Tracking job status and completion reports").

use longshore_job::Row;
use longshore_job::row::KeyEncoding;
use longshore_job::spec::{Field, ReportRows};
use serde::Deserialize;

use crate::csv::CsvOptions;
use crate::error::{ManifestError, Problem};
use crate::reader::RowReader;

/// The `manifest.json` of a completion report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReportIndex {
    /// `Report_CSV_20180820`.
    pub format: String,
    /// The result files.
    pub results: Vec<ReportFile>,
}

/// A result file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReportFile {
    /// `succeeded` or `failed`.
    pub task_execution_status: String,
    /// Bucket that holds it; empty for a report in a local directory.
    pub bucket: String,
    /// Its MD5 in hex.
    #[serde(rename = "MD5Checksum")]
    pub md5: String,
    /// Its key, or its path below the directory of reports.
    pub key: String,
}

impl ReportIndex {
    /// Reads a `manifest.json`.
    ///
    /// # Errors
    /// [`ManifestError::Schema`] if it is none.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        serde_json::from_slice(text).map_err(|error| {
            let why = format!("this is no manifest.json of a completion report: {error}");
            ManifestError::Schema { problem: Problem::Index(why) }
        })
    }

    /// The files that have such rows.
    pub fn files(&self, rows: ReportRows) -> impl Iterator<Item = &ReportFile> {
        self.results.iter().filter(move |file| wants(rows, &file.task_execution_status))
    }
}

fn wants(rows: ReportRows, status: &str) -> bool {
    match rows {
        ReportRows::Failed => status == "failed",
        ReportRows::Succeeded => status == "succeeded",
        ReportRows::All => true,
    }
}

/// How result files are written: Bucket, Key, VersionId, TaskStatus, and three columns that say what happened.
pub fn report_options(keys: KeyEncoding) -> CsvOptions {
    let status = Field::extra("TaskStatus");
    let fields =
        [Field::BUCKET, Field::KEY, Field::VERSION_ID, status, Field::IGNORE, Field::IGNORE, Field::IGNORE];
    CsvOptions::amazon(&fields, keys)
}

/// The rows of one result file that a job wants.
pub struct ReportReader<R> {
    rows: R,
    wanted: ReportRows,
    any: bool,
}

impl<R: RowReader> ReportReader<R> {
    /// Takes the rows of a file that was opened with [`report_options`].
    pub fn new(rows: R, wanted: ReportRows) -> Self {
        Self { rows, wanted, any: false }
    }
}

impl<R: RowReader> RowReader for ReportReader<R> {
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError> {
        loop {
            if !self.rows.read(row)? {
                if self.any {
                    return Ok(false);
                }
                return Err(ManifestError::Schema { problem: no_rows(self.wanted) });
            }
            let status = row.columns.first().cloned().flatten().unwrap_or_default();
            if !wants(self.wanted, &status) {
                continue;
            }
            self.any = true;
            row.columns.clear();
            // A report writes no version as an empty cell.
            row.version_id = row.version_id.take().filter(|id| !id.is_empty());
            return Ok(true);
        }
    }
}

/// A report without rows of the kind that is wanted.
pub fn no_rows(wanted: ReportRows) -> Problem {
    let what = match wanted {
        ReportRows::Failed => "no failed tasks; for the others write rows = \"succeeded\" or \"all\"",
        ReportRows::Succeeded => "no tasks that succeeded; for the others write rows = \"failed\" or \"all\"",
        ReportRows::All => "no tasks",
    };
    Problem::Index(format!("the report has {what}"))
}
