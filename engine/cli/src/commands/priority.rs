//! `longshore priority`: give a job another priority.

use jiff::Timestamp;
use longshore_queue::Queue;

use super::ask;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore priority`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    /// The new priority: jobs with a higher number go first
    #[arg(value_parser = clap::value_parser!(u32).range(0..=2_147_483_647))]
    priority: u32,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let asked = |queue: &Queue, id: &str| {
        queue.set_priority(id, arguments.priority, Timestamp::now())?;
        Ok(queue.job(id)?.state)
    };
    ask(context, &arguments.job, asked)
}
