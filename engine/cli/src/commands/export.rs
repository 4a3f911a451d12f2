//! `longshore export`: the results of a job as a file for other programs.

use std::path::{Path, PathBuf};

use indicatif::HumanCount;
use longshore_job::Row;
use longshore_job::report::REPORT_COLUMNS;
use longshore_job::spec::ReportScope;
use longshore_manifest::{Compression, Layout, WrittenFormat};
use longshore_queue::{FailureRecord, JobRecord, Queue};
use serde_json::json;

use super::manifest::{Written, exists};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;
use crate::results::Results;

/// Failures read at once (count; bounds memory).
const PAGE: usize = 1000;

/// Arguments of `longshore export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    /// The file that is written, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The format; without it, what the name of the file says: .parquet, .jsonl, .csv
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Only failed tasks, from the ledger: also of a job that runs, or has no completion report
    #[arg(long)]
    failed: bool,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A Parquet file
    Parquet,
    /// One JSON object a line
    Jsonl,
    /// CSV, with the names of the columns in the first line
    Csv,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let stdout = arguments.output == Path::new("-");
    let format = format(arguments)?;
    if !stdout && !arguments.force && arguments.output.exists() {
        return Err(exists(&arguments.output));
    }
    let queue = context.queue()?;
    let record = queue.job(&arguments.job)?;
    let results = if arguments.failed { None } else { results(context, &queue, &record).await? };
    let layout = layout(&record, format);
    let mut written =
        if stdout { Written::stdout(&layout)? } else { Written::file(&arguments.output, &layout)? };
    if arguments.failed {
        write_failures(&queue, &record.id, &mut written)?;
    } else {
        if let Some(results) = results {
            write_results(&results, &mut written).await?;
        }
        check_count(&record, written.rows)?;
    }
    let rows = written.rows;
    let bytes = written.finish(arguments.force)?;
    say(arguments, context, &record, rows, bytes)
}

fn format(arguments: &Arguments) -> Result<Format, CliError> {
    let extension = arguments.output.extension().and_then(|extension| extension.to_str());
    match (arguments.format, extension) {
        (Some(format), _) => Ok(format),
        (None, Some("parquet")) => Ok(Format::Parquet),
        (None, Some("jsonl" | "ndjson")) => Ok(Format::Jsonl),
        (None, Some("csv")) => Ok(Format::Csv),
        (None, _) => Err(CliError::input(format!(
            "{}: the name says no format; give --format parquet, jsonl or csv",
            arguments.output.display()
        ))),
    }
}

/// Keys stay as the manifest writes them, for rows that name no object are among them.
fn layout(record: &JobRecord, format: Format) -> Layout {
    let keys = record.spec.manifest.keys();
    Layout {
        format: match format {
            Format::Parquet => WrittenFormat::Parquet,
            Format::Jsonl => WrittenFormat::JsonLines,
            Format::Csv => WrittenFormat::Csv { header: true, delimiter: b',' },
        },
        compression: if format == Format::Parquet { Compression::Zstd } else { Compression::None },
        keys,
        row_keys: keys,
        // A column like others: some rows of a job may have a version ID, and some none.
        versions: false,
        columns: REPORT_COLUMNS.iter().skip(2).map(ToString::to_string).collect(),
    }
}

/// The result rows of all tasks; none if no task ran.
async fn results(context: &Context, queue: &Queue, record: &JobRecord) -> Result<Option<Results>, CliError> {
    let refuse = |why: &str| {
        Err(CliError::input(format!(
            "job {}: {why}; of a task that succeeded the ledger keeps only that it did, so only failures can be exported: --failed",
            record.id
        )))
    };
    match &record.spec.report {
        _ if !record.state.is_terminal() => refuse("it has not ended yet"),
        None => refuse("its job file switches the completion report off"),
        Some(report) if report.scope == ReportScope::FailedTasksOnly && record.succeeded > 0 => {
            refuse("its completion report lists failed tasks only")
        }
        Some(_) => Results::of(context, queue, record).await,
    }
}

async fn write_results(results: &Results, written: &mut Written) -> Result<(), CliError> {
    for name in results.files(|_| true) {
        let bytes = results.read(name).await?;
        let damaged = |why: String| CliError::new(Exit::Error, format!("{name}: no rows of a report: {why}"));
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
        let mut cells = csv::StringRecord::new();
        while rows.read_record(&mut cells).map_err(|error| damaged(error.to_string()))? {
            let mut cells = cells.iter();
            let (Some(bucket), Some(key)) = (cells.next(), cells.next()) else {
                return Err(damaged("a row has no bucket and key".to_owned()));
            };
            let columns = cells.map(|cell| Some(cell.to_owned()).filter(|cell| !cell.is_empty())).collect();
            written.push(&row(bucket, key, columns))?;
        }
    }
    Ok(())
}

fn write_failures(queue: &Queue, id: &str, written: &mut Written) -> Result<(), CliError> {
    let mut after = None;
    loop {
        let page = queue.failures(id, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.row);
        for failure in page {
            let FailureRecord { bucket, key, version_id, code, status, message, .. } = failure;
            let status = status.map(|status| status.to_string());
            let columns = vec![version_id, Some("failed".to_owned()), status, Some(code), Some(message)];
            written.push(&row(&bucket, &key, columns))?;
        }
    }
}

fn row(bucket: &str, key: &str, columns: Vec<Option<String>>) -> Row {
    Row { bucket: bucket.to_owned(), key: key.to_owned(), columns, ..Row::default() }
}

/// A report from which somebody took rows is not the whole.
fn check_count(record: &JobRecord, rows: u64) -> Result<(), CliError> {
    let ran = record.succeeded + record.failed;
    if rows == ran {
        return Ok(());
    }
    let place = record.report.as_deref().unwrap_or("the data directory");
    Err(CliError::new(
        Exit::Error,
        format!(
            "job {} ran {ran} tasks, and its report in {place} has {rows} rows; it is not whole any more",
            record.id
        ),
    ))
}

fn say(
    arguments: &Arguments,
    context: &Context,
    record: &JobRecord,
    rows: u64,
    bytes: u64,
) -> Result<Exit, CliError> {
    if arguments.output == Path::new("-") {
        return Ok(Exit::Success);
    }
    let file = arguments.output.display().to_string();
    if context.json {
        context.screen.json(&json!({ "file": file, "rows": rows, "bytes": bytes }))?;
        return Ok(Exit::Success);
    }
    context.screen.line(format!(
        "{} rows written to {file} ({} bytes)",
        HumanCount(rows),
        HumanCount(bytes)
    ))?;
    if !record.state.is_terminal() {
        note("the job has not ended: these are the failures so far");
    }
    let left = record.total_tasks.unwrap_or_default().saturating_sub(record.succeeded + record.failed);
    if left > 0 && record.state.is_terminal() {
        note(&format!("{} tasks did not run and are in no report", HumanCount(left)));
    }
    Ok(Exit::Success)
}
