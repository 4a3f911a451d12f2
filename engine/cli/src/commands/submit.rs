//! `longshore submit`: put a job into the queue.

use std::path::PathBuf;

use jiff::Timestamp;
use longshore_job::spec::OperationSource;
use longshore_job::JobSpec;
use longshore_queue::{Access, NewJob, Queue};
use longshore_runner::Catalog;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore submit`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The job file
    file: PathBuf,
}

pub fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog()?;
    let spec = context.job(&arguments.file, &config, &catalog)?;
    let queue = Queue::open(&config.data_path(), Access::Client)?;
    let submission = queue.submit(&new_job(spec, &catalog)?)?;
    if context.json {
        context.screen.json(&json!({ "id": submission.id, "created": submission.created }))?;
    } else {
        context.screen.line(&submission.id)?;
        note(if submission.created {
            "queued; 'longshore start' works through the queue"
        } else {
            "a job with this client token is in the queue already; nothing was added"
        });
    }
    Ok(Exit::Success)
}

/// A job ready for the queue: a new ID, and the digest of the operation's code.
pub fn new_job(spec: JobSpec, catalog: &Catalog) -> Result<NewJob, CliError> {
    let plugin_digest = match &spec.operation.source {
        OperationSource::Builtin(name) => catalog.builtin(name).map_err(CliError::input)?.digest().to_owned(),
        OperationSource::File { sha256, .. } => sha256.clone(),
    };
    Ok(NewJob { id: uuid::Uuid::new_v4().to_string(), spec, plugin_digest, created_at: Timestamp::now() })
}
