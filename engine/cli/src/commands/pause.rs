//! `longshore pause`: hold a job until it is resumed.

use jiff::Timestamp;
use longshore_queue::Queue;

use super::ask;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore pause`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    /// Why; kept with the job's events
    #[arg(long, default_value = "paused by the user")]
    reason: String,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let asked = |queue: &Queue, id: &str| queue.request_pause(id, &arguments.reason, Timestamp::now());
    ask(context, &arguments.job, asked)
}
