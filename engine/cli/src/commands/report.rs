//! `longshore report`: where the completion report is, or its rows.

use longshore_job::report::TaskStatus;
use longshore_queue::JobRecord;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::results::Results;

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
    fn takes(self, status: TaskStatus) -> bool {
        match self {
            Self::All => true,
            Self::Succeeded => status == TaskStatus::Succeeded,
            Self::Failed => status == TaskStatus::Failed,
        }
    }
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let record = queue.job(&arguments.job)?;
    let Some(which) = arguments.rows else {
        let location = record.report.as_ref().ok_or_else(|| no_report(&record))?;
        if context.json {
            context.screen.json(&json!({ "report": location }))?;
        } else {
            context.screen.line(location)?;
        }
        return Ok(Exit::Success);
    };
    let results = Results::of(context, &queue, &record).await?.ok_or_else(|| no_report(&record))?;
    for name in results.files(|status| which.takes(status)) {
        context.screen.bytes(&results.read(name).await?)?;
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
