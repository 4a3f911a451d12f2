//! `longshore cancel`: stop a job.

use jiff::Timestamp;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    /// Why; kept with the job
    #[arg(long, default_value = "cancelled by the user")]
    reason: String,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let id = queue.job(&arguments.job)?.id;
    let state = queue.request_cancel(&id, &arguments.reason, "user", Timestamp::now())?;
    if context.json {
        context.screen.json(&json!({ "id": id, "state": state }))?;
    } else {
        context.screen.line(format!("{id} {state}"))?;
    }
    Ok(Exit::Success)
}
