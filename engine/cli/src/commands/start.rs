//! `longshore start`: work through the queue until stopped.

use jiff::Timestamp;
use longshore_runner::Engine;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, observer};
use crate::signals::stop_on_signal;

/// Arguments of `longshore start`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Stop once no job is left to work on; the exit code is then that of the job which ended worst
    #[arg(long)]
    until_idle: bool,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let engine = Engine::open(context.engine_config()?, context.catalog()?, observer(context.json))?;
    let stop = stop_on_signal();
    if !context.json {
        note("engine started; SIGINT or SIGTERM stops it after the running tasks");
    }
    let mut worst = Exit::Success;
    engine.work(&stop, arguments.until_idle, |record| worst = worst.or_worse(Exit::of(record))).await?;
    let now = Timestamp::now();
    let (left, waiting) = (engine.queue().runnable(now)?.len(), engine.queue().jobs_waiting(now)?);
    if !context.json {
        say_what_waits(&engine, waiting)?;
    }
    if left == 0 && waiting == 0 {
        return Ok(if arguments.until_idle { worst } else { Exit::Success });
    }
    if !context.json && left > 0 {
        note(&format!("stopped with {left} jobs not ended; the next start goes on with them"));
    }
    Ok(Exit::Interrupted)
}

/// The engine leaves some jobs alone until a user moves them.
fn say_what_waits(engine: &Engine, for_others: u64) -> Result<(), CliError> {
    if for_others > 0 {
        note(&format!("{for_others} jobs wait for their time or for other jobs: see 'longshore status'"));
    }
    let waiting = engine.queue().jobs()?.into_iter().filter(|record| record.state.waits_for_user()).count();
    if waiting > 0 {
        note(&format!("{waiting} jobs are paused or wait for a confirmation: see 'longshore status'"));
    }
    Ok(())
}
