//! `longshore report`: where the completion report is, or its rows.

use std::path::Path;

use longshore_job::ObjectId;
use longshore_job::report::TaskStatus;
use longshore_queue::{JobRecord, Queue};
use longshore_store::transfer;
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore report`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    /// Print the rows of these tasks as CSV: Bucket, Key, VersionId, TaskStatus, HTTPStatusCode, ErrorCode, ResultMessage
    #[arg(long, value_name = "WHICH")]
    rows: Option<Which>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Every row of the report
    All,
    /// Tasks that succeeded
    Succeeded,
    /// Tasks that failed
    Failed,
}

impl Which {
    fn takes(self, status: &str) -> bool {
        match self {
            Self::All => true,
            Self::Succeeded => status == TaskStatus::Succeeded.name(),
            Self::Failed => status == TaskStatus::Failed.name(),
        }
    }
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let record = queue.job(&arguments.job)?;
    let Some(location) = record.report.clone() else {
        return print_kept(arguments, context, &queue, &record);
    };
    let Some(which) = arguments.rows else {
        if context.json {
            context.screen.json(&json!({ "report": location }))?;
        } else {
            context.screen.line(location)?;
        }
        return Ok(Exit::Success);
    };
    let source = Source::open(context, &record, &location).await?;
    let manifest: Value = serde_json::from_slice(&source.read(&location).await?)
        .map_err(|error| CliError::new(Exit::Error, format!("{location}: not a report manifest: {error}")))?;
    for file in manifest.get("Results").and_then(Value::as_array).into_iter().flatten() {
        let text = |name| file.get(name).and_then(Value::as_str).unwrap_or_default();
        if which.takes(text("TaskExecutionStatus")) {
            let name = source.result_file(&location, text("Key"));
            context.screen.bytes(&source.read(&name).await?)?;
        }
    }
    Ok(Exit::Success)
}

/// Prints the rows of a report that could not be written, from the data directory.
fn print_kept(
    arguments: &Arguments,
    context: &Context,
    queue: &Queue,
    record: &JobRecord,
) -> Result<Exit, CliError> {
    let kept = longshore_runner::kept_rows(&context.engine_config()?, queue, record)?;
    let Some(which) = arguments.rows.filter(|_| record.state.is_terminal() && !kept.is_empty()) else {
        return Err(no_report(record));
    };
    for (status, path) in kept {
        if which.takes(status.name()) {
            let unreadable =
                |error| CliError::new(Exit::Error, format!("{}: cannot read: {error}", path.display()));
            context.screen.bytes(&std::fs::read(&path).map_err(unreadable)?)?;
        }
    }
    Ok(Exit::Success)
}

fn no_report(record: &JobRecord) -> CliError {
    let why = if record.spec.report.is_none() {
        "its job file switches the report off"
    } else if record.state.is_terminal() {
        "no task of it ran, or the report could not be written ('longshore status --events' says); --rows prints rows \
         that were kept"
    } else {
        "it has not ended yet"
    };
    CliError::input(format!("job {} has no completion report: {why}", record.id))
}

/// Where a report is read from.
enum Source {
    Local,
    Store(Box<longshore_store::S3Store>),
}

impl Source {
    async fn open(context: &Context, record: &JobRecord, location: &str) -> Result<Self, CliError> {
        if !location.starts_with("s3://") {
            return Ok(Self::Local);
        }
        let store = longshore_runner::connect_store(&context.engine_config()?, &record.spec.store).await?;
        Ok(Self::Store(Box::new(store)))
    }

    /// The full name of a result file, which the report's manifest names below the place of the report.
    fn result_file(&self, manifest: &str, key: &str) -> String {
        match self {
            // <directory>/job-<id>/manifest.json lists job-<id>/results/….csv
            Self::Local => {
                let root = Path::new(manifest).parent().and_then(Path::parent).unwrap_or(Path::new(""));
                root.join(key).display().to_string()
            }
            Self::Store(_) => {
                let bucket = manifest.trim_start_matches("s3://").split('/').next().unwrap_or_default();
                format!("s3://{bucket}/{key}")
            }
        }
    }

    async fn read(&self, name: &str) -> Result<Vec<u8>, CliError> {
        match self {
            Self::Local => std::fs::read(name)
                .map_err(|error| CliError::new(Exit::Error, format!("{name}: cannot read: {error}"))),
            Self::Store(store) => {
                let (bucket, key) = name.trim_start_matches("s3://").split_once('/').unwrap_or_default();
                let scratch = tempfile::tempdir()?;
                let path = scratch.path().join("part");
                transfer::download(store, &ObjectId::new(bucket, key), None, &path)
                    .await
                    .map_err(|error| CliError::new(Exit::Error, format!("{name}: cannot read: {error}")))?;
                Ok(std::fs::read(&path)?)
            }
        }
    }
}
