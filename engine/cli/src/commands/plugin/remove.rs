//! `longshore plugin remove`: remove an installed plugin.

use longshore_job::InstalledName;
use longshore_job::spec::OperationSource;
use longshore_queue::{Access, JobRecord, Queue};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, short};

/// Arguments of `longshore plugin remove`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plugin: NAME@VERSION
    #[arg(value_name = "NAME@VERSION")]
    name: String,
    /// Also if jobs use it that have not ended; they fail, or wait until it is installed again
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let InstalledName::Version(name, version) = super::installed_name(&arguments.name)? else {
        return Err(CliError::input(format!(
            "{}: say which version is to be removed: NAME@VERSION; 'longshore plugin list' shows them",
            arguments.name
        )));
    };
    let data = context.engine_config()?.data_path();
    let registry = super::registry(context)?;
    // Its record need not be readable to be removed.
    if !registry.entries()?.iter().any(|entry| entry.name == name && entry.version == version) {
        registry.find(InstalledName::Version(name, version))?;
    }
    let jobs = users(&Queue::open(&data, Access::Client)?, name, version)?;
    if !jobs.is_empty() {
        let ids: Vec<String> = jobs.iter().map(|job| format!("{} ({})", short(&job.id), job.state)).collect();
        let used = format!("{name}@{version} is used by jobs that have not ended: {}", ids.join(", "));
        if !arguments.force {
            return Err(CliError::input(format!(
                "{used}; cancel them or wait for them, or remove it all the same with --force"
            )));
        }
        note(&format!("{used}; they fail, or wait until it is installed again"));
    }
    registry.lock()?.remove(name, version)?;
    if context.json {
        context.screen.json(&json!({ "removed": format!("{name}@{version}") }))?;
    } else {
        context.screen.line(format!("{name}@{version} is removed"))?;
    }
    Ok(Exit::Success)
}

/// The jobs that have not ended and use that plugin.
fn users(queue: &Queue, name: &str, version: &str) -> Result<Vec<JobRecord>, CliError> {
    let (mut jobs, _) = queue.unfinished(None)?;
    jobs.retain(|job| {
        job.spec.steps.iter().any(|step| match &step.operation.source {
            OperationSource::Installed { name: used, version: of, .. } => used == name && of == version,
            _ => false,
        })
    });
    Ok(jobs)
}
