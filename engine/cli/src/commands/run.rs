//! `longshore run`: submit a job and work on it in the foreground.

use std::path::PathBuf;

use longshore_job::JobState;
use longshore_queue::JobRecord;
use longshore_runner::Engine;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{describe, note, observer, summary, unless_unread};
use crate::service::notifier;
use crate::signals::{stop_on_signal, within};

/// Arguments of `longshore run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job file
    file: PathBuf,
}

pub(crate) async fn run(arguments: Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog(&config)?;
    let new = context.job(&arguments.file, &config, &catalog)?;
    if new.spec.timing.schedule.is_some() {
        return Err(CliError::input(
            "a job with a schedule begins again and again, which 'longshore run' does not wait for; use 'longshore submit' and \
             'longshore start'",
        ));
    }
    longshore_runner::check_store(&config, &new.spec).await?;

    let drain = config.drain;
    let engine = Engine::open(config.clone(), catalog, observer(context.json))?.with_stdin();
    let submission = engine.queue().submit(&new)?;
    if !context.json {
        let verb = if submission.created { "Job" } else { "Same client token, same job" };
        note(&format!("{verb} {}", submission.id));
    }
    let telling = notifier(&config, engine.queue())?.start();
    let stop = stop_on_signal();
    let record = match within(&stop, drain, engine.run(&submission.id, &stop)).await {
        Some(ended) => ended?,
        None => engine.queue().job(&submission.id)?,
    };
    telling.finish().await;
    finish(context, &engine, &record)
}

fn finish(context: &Context, engine: &Engine, record: &JobRecord) -> Result<Exit, CliError> {
    let codes = engine.queue().failure_codes(&record.id)?;
    unless_unread(if context.json {
        context.screen.json(&json!({ "event": "summary", "job": summary(record, &codes) }))
    } else {
        context.screen.line(describe(record, &codes))
    })?;
    if !record.state.is_terminal() && !context.json {
        note(&next_step(record));
    }
    Ok(Exit::of(record))
}

/// What a user does with a job that has not ended.
fn next_step(record: &JobRecord) -> String {
    let id = &record.id;
    match record.state {
        JobState::Suspended => {
            let tasks = record.total_tasks.unwrap_or_default();
            format!(
                "the manifest is read ({tasks} tasks), nothing has run; to run it: 'longshore confirm {id}', then \
                 'longshore start'; else 'longshore cancel {id}'"
            )
        }
        JobState::Paused => format!("paused; to go on: 'longshore resume {id}', then 'longshore start'"),
        JobState::New if !record.spec.timing.is_default() => {
            "the job waits for its time or for other jobs; 'longshore start' runs it then".to_owned()
        }
        _ => "stopped before the end; 'longshore start' goes on from here".to_owned(),
    }
}
