//! `longshore start`: work through the queue until stopped.

use longshore_runner::Engine;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, observer};
use crate::signals::stop_on_signal;

/// Arguments of `longshore start`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Stop once no job is left to work on; the exit code says nothing about how the jobs ended
    #[arg(long)]
    until_idle: bool,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let engine = Engine::open(context.engine_config()?, context.catalog()?, observer(context.json))?;
    let stop = stop_on_signal();
    if !context.json {
        note("engine started; SIGINT or SIGTERM stops it after the running tasks");
    }
    engine.work(&stop, arguments.until_idle).await?;
    let left = engine.queue().runnable()?.len();
    if left == 0 {
        return Ok(Exit::Success);
    }
    if !context.json {
        note(&format!("stopped with {left} jobs not ended; the next start goes on with them"));
    }
    Ok(Exit::Interrupted)
}
