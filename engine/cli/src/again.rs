//! A job that was submitted before, as a new one: what its specification names is looked up again, as for a job file.

use std::path::Path;

use jiff::Timestamp;
use longshore_job::job_file::OperationName;
use longshore_job::spec::OperationSource;
use longshore_job::{EngineConfig, JobSpec, OperationCatalog as _};
use longshore_queue::{JobRecord, NewJob};
use longshore_runner::Catalog;

use crate::context::Context;
use crate::failure::CliError;
use crate::output::note;

/// What the new job has of its own.
#[derive(Debug, clap::Args)]
pub(crate) struct Changes {
    /// Priority of the new job [default: that of the old one]
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=2_147_483_647))]
    priority: Option<u32>,
    /// Description of the new job, at most 256 characters [default: that of the old one]
    #[arg(long, value_parser = description)]
    description: Option<String>,
}

fn description(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=256 => Ok(text.to_owned()),
        length => Err(format!("a description has 1 to 256 characters, this has {length}")),
    }
}

/// A new job like `old`. Its operation, role and store are those of now; a plugin that has changed is said.
pub(crate) fn again(context: &Context, old: &JobRecord, changes: &Changes) -> Result<NewJob, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog()?;
    let mut spec = JobSpec { priority: old.priority, client_token: None, ..old.spec.clone() };
    if let Some(priority) = changes.priority {
        spec.priority = priority;
    }
    if let Some(description) = &changes.description {
        spec.description = Some(description.clone());
    }
    require_store(&config, &spec)?;
    context.policies_of(&spec.role, &config, spec.policy.as_ref())?;
    let plugin_digest = operation_of_now(&catalog, &mut spec)?;
    if let (OperationSource::File { path, .. }, true) =
        (&spec.operation.source, plugin_digest != old.plugin_digest)
    {
        note(&format!(
            "{path}: the plugin is another than that of job {} (SHA-256 was {}, is {plugin_digest}); the new job runs the new one",
            old.id, old.plugin_digest
        ));
    }
    Ok(NewJob { id: uuid::Uuid::new_v4().to_string(), spec, plugin_digest, created_at: Timestamp::now() })
}

/// Finds the operation as a job file's is found, and asks it about its parameters. The answer is its digest.
fn operation_of_now(catalog: &Catalog, spec: &mut JobSpec) -> Result<String, CliError> {
    let operation = &mut spec.operation;
    let digest = match &operation.source {
        OperationSource::Builtin(name) => catalog.builtin(name).map_err(CliError::input)?.digest().to_owned(),
        OperationSource::File { path, .. } => {
            let found = catalog.find(OperationName::Plugin(Path::new(path))).map_err(CliError::input)?;
            operation.source = found.source;
            match &operation.source {
                OperationSource::File { sha256, .. } => sha256.clone(),
                OperationSource::Builtin(_) => String::new(),
            }
        }
    };
    catalog.check(operation).map_err(CliError::input)?;
    Ok(digest)
}

fn require_store(config: &EngineConfig, spec: &JobSpec) -> Result<(), CliError> {
    if config.stores.contains_key(&spec.store) {
        return Ok(());
    }
    let known: Vec<&str> = config.stores.keys().map(String::as_str).collect();
    Err(CliError::input(format!(
        "the job works on store {}, which the engine configuration does not have any more; its stores are: {}",
        spec.store,
        known.join(", ")
    )))
}
