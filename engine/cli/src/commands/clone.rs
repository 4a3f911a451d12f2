//! `longshore clone`: submit a job anew as it was submitted before.

use longshore_job::spec::SourceSpec;
use serde_json::json;

use crate::again::{Changes, again};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore clone`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of the job, or the first characters of it
    job: String,
    #[command(flatten)]
    changes: Changes,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let old = queue.job(&arguments.job)?;
    if old.spec.manifest.sources.iter().any(SourceSpec::is_stdin) {
        return Err(CliError::input(format!(
            "the manifest of job {} was the standard input of a process that is gone; run its job file again",
            old.id
        )));
    }
    let new = again(context, &old, &arguments.changes)?;
    let id = queue.submit_because(&new, &format!("submitted: a clone of job {}", old.id))?.id;
    if context.json {
        context.screen.json(&json!({ "id": id, "clone_of": old.id }))?;
    } else {
        context.screen.line(&id)?;
        note(&format!(
            "queued: what job {} did, on {}, read anew; 'longshore start' works through the queue",
            old.id, new.spec.manifest
        ));
    }
    Ok(Exit::Success)
}
