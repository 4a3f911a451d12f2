//! `longshore submit`: put a job into the queue.

use std::path::PathBuf;

use longshore_job::spec::SourceSpec;
use longshore_queue::{Access, Queue};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore submit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job file
    file: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog(&config)?;
    let new = context.job(&arguments.file, &config, &catalog)?;
    if new.spec.manifest.sources.iter().any(SourceSpec::is_stdin) {
        return Err(CliError::input(
            "the manifest is standard input, which no later engine could read; use 'longshore run', or give a file",
        ));
    }
    let queue = Queue::open(&config.data_path(), Access::Client)?;
    let submission = queue.submit(&new)?;
    if context.json {
        context.screen.json(&json!({ "id": submission.id, "created": submission.created }))?;
    } else {
        context.screen.line(&submission.id)?;
        note(if submission.created && !new.spec.timing.is_default() {
            "queued; 'longshore start' runs it when its time comes; 'longshore status' shows when"
        } else if submission.created {
            "queued; 'longshore start' works through the queue"
        } else {
            "a job with this client token is in the queue already; nothing was added"
        });
    }
    Ok(Exit::Success)
}
