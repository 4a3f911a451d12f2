//! `longshore start`: work through the queue until stopped.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_runner::Engine;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, observer};
use crate::service::{Watcher, listen_at, monitor, notifier, serve, service_manager};
use crate::signals::{stop_on_signal, within};

/// Arguments of `longshore start`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Stop once no job is left to work on; the exit code is then that of the job which ended worst
    #[arg(long)]
    until_idle: bool,
    /// Answer /metrics, /healthz and /readyz at this address; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let drain = config.drain;
    let listen = listen_at(arguments.listen, &config)?;
    let service = Arc::new(service_manager()?);
    let watcher = Arc::new(Watcher::new(observer(context.json), Arc::clone(&service)));
    let engine = Engine::open(config.clone(), context.catalog(&config)?, watcher)?;
    let telling = notifier(&config, engine.queue())?.start();
    let stop = stop_on_signal();
    let _monitor = monitor(listen, engine.queue(), &stop).await?;
    let _service = serve(service, engine.queue(), &stop);
    if !context.json {
        note("engine started; SIGINT or SIGTERM stops it after the running tasks");
    }
    let mut worst = Exit::Success;
    let work = engine.work(&stop, arguments.until_idle, |record| worst = worst.or_worse(Exit::of(record)));
    within(&stop, drain, work).await.transpose()?;
    telling.finish().await;
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
