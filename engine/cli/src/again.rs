//! A job that was submitted before, as a new one: what its specification names is looked up again, as for a job file.

use std::path::Path;

use jiff::Timestamp;
use longshore_job::job_file::OperationName;
use longshore_job::spec::{OperationSource, OperationSpec};
use longshore_job::{EngineConfig, InstalledName, JobSpec, OperationCatalog as _};
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
    let catalog = context.catalog(&config)?;
    let mut spec = JobSpec { priority: old.priority, client_token: None, ..old.spec.clone() };
    if let Some(priority) = changes.priority {
        spec.priority = priority;
    }
    if let Some(description) = &changes.description {
        spec.description = Some(description.clone());
    }
    require_store(&config, &spec)?;
    context.policies_of(&spec.role, &config, spec.policy.as_ref())?;
    let mut plugin_digests = Vec::with_capacity(spec.steps.len());
    for (number, step) in spec.steps.iter_mut().enumerate() {
        operation_of_now(&catalog, &mut step.operation)?;
        let digest = catalog.digest(&step.operation.source).map_err(CliError::input)?;
        let before = old.plugin_digests.get(number).map_or("", String::as_str);
        let source = &step.operation.source;
        if digest != before && !matches!(source, OperationSource::Builtin(_)) {
            note(&format!(
                "{}: the plugin is another than that of job {} (SHA-256 was {before}, is {digest}); the new job runs the new one",
                source.name(),
                old.id
            ));
        }
        plugin_digests.push(digest);
    }
    Ok(NewJob { id: uuid::Uuid::new_v4().to_string(), spec, plugin_digests, created_at: Timestamp::now() })
}

/// Finds the operation as a job file's is found, and asks it about its parameters.
fn operation_of_now(catalog: &Catalog, operation: &mut OperationSpec) -> Result<(), CliError> {
    let name = match &operation.source {
        OperationSource::Builtin(_) => None,
        OperationSource::File { path, .. } => Some(OperationName::Plugin(Path::new(path))),
        OperationSource::Installed { name, version, .. } => {
            Some(OperationName::Installed(InstalledName::Version(name, version)))
        }
    };
    if let Some(name) = name {
        let found = catalog.find(name).map_err(CliError::input)?;
        operation.source = found.source;
    }
    catalog.check(operation).map_err(CliError::input)
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
