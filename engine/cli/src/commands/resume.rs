//! `longshore resume`: let a paused job go on.

use jiff::Timestamp;
use longshore_queue::Queue;

use super::ask;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore resume`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    ask(context, &arguments.job, |queue: &Queue, id: &str| queue.request_resume(id, Timestamp::now()))
}
