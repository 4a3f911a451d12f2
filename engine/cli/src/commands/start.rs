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
    /// Stop once no job is left to work on; the exit code is that of a success even if jobs failed
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
    Ok(Exit::Success)
}
