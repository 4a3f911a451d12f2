//! `longshore cancel`: stop a job.

use jiff::Timestamp;
use longshore_queue::Queue;

use super::ask;
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
    let asked = |queue: &Queue, id: &str| queue.request_cancel(id, &arguments.reason, Timestamp::now());
    ask(context, &arguments.job, asked)
}
