//! What every command needs: the configuration, the queue, the job file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::config::RoleConfig;
use longshore_job::spec::JobPolicy;
use longshore_job::{EngineConfig, Environment, JobFile, JobSpec};
use longshore_queue::{Access, NewJob, Queue};
use longshore_registry::Registry;
use longshore_runner::{
    Catalog, CatalogSettings, JobPolicies, Rehearsal, RehearsedTask, RoleSnapshot, Selection, rehearse,
};

use crate::compiler;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{Screen, note};

/// The resolved global options.
pub(crate) struct Context {
    config: PathBuf,
    /// Whether standard output is for machines.
    pub json: bool,
    /// Standard output.
    pub screen: Screen,
}

impl Context {
    /// From the command line.
    pub(crate) fn new(config: PathBuf, json: bool) -> Self {
        Self { config, json, screen: Screen::default() }
    }

    /// Reads the engine configuration.
    pub(crate) fn engine_config(&self) -> Result<EngineConfig, CliError> {
        let path = &self.config;
        let source = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => CliError::input(format!(
                "{}: there is no engine configuration here; 'longshore init' writes one, --config names another",
                path.display()
            )),
            _ => CliError::input(format!("{}: cannot read the engine configuration: {error}", path.display())),
        })?;
        Ok(EngineConfig::parse(&source, &path.display().to_string(), &variable)?)
    }

    /// Opens the queue beside whatever engine is running.
    pub(crate) fn queue(&self) -> Result<Queue, CliError> {
        let config = self.engine_config()?;
        Ok(Queue::open(&config.data_path(), Access::Client)?)
    }

    /// The built-in operations, with what compiles plugins as the configuration says, if there is one.
    pub(crate) fn builtins(&self) -> Result<Catalog, CliError> {
        // Whoever needs the configuration says what is wrong with it.
        compiling(self.engine_config().ok().as_ref())
    }

    /// Every operation there is.
    pub(crate) fn catalog(&self, config: &EngineConfig) -> Result<Arc<Catalog>, CliError> {
        Ok(Arc::new(compiling(Some(config))?.with_installed(Registry::new(&config.data_path()))))
    }

    /// Reads and resolves a job file: everything that can be known before the store is asked is checked.
    pub(crate) fn job(
        &self,
        file: &Path,
        config: &EngineConfig,
        catalog: &Catalog,
    ) -> Result<NewJob, CliError> {
        let shown = file.display().to_string();
        let unreadable =
            |error: std::io::Error| CliError::input(format!("{shown}: cannot read the job file: {error}"));
        let source = std::fs::read_to_string(file).map_err(unreadable)?;
        let absolute = std::path::absolute(file).map_err(unreadable)?;
        let environment = Environment {
            variable: &variable,
            directory: absolute.parent().unwrap_or(Path::new("/")),
            config,
            operations: catalog,
            policies: &JobPolicies,
        };
        let spec = JobFile::parse(&source, &shown, &environment)?;
        self.policies_of(&spec.role, config, spec.policy.as_ref())?;
        let digests = spec.steps.iter().map(|step| catalog.digest(&step.operation.source));
        let plugin_digests = digests.collect::<Result<_, _>>().map_err(CliError::input)?;
        Ok(NewJob {
            id: uuid::Uuid::new_v4().to_string(),
            spec,
            plugin_digests,
            created_at: Timestamp::now(),
        })
    }

    /// Asks the policies about every request of the job in `file`, and the store about nothing but its manifest.
    pub(crate) async fn rehearse(
        &self,
        file: &Path,
        selection: Selection,
        each: impl FnMut(RehearsedTask),
    ) -> Result<RehearsedJob, CliError> {
        let config = self.engine_config()?;
        let catalog = self.catalog(&config)?;
        let NewJob { spec, plugin_digests, .. } = self.job(file, &config, &catalog)?;
        let scratch = tempfile::tempdir()?;
        let rehearsal = rehearse(&config, &catalog, &spec, &plugin_digests, scratch.path(), selection, each)
            .await
            .map_err(|failure| CliError::new(Exit::JobFailed, failure.to_string()))?;
        Ok(RehearsedJob { spec, rehearsal })
    }

    /// The failure for a role that the configuration does not have.
    pub(crate) fn unknown_role(&self, role: &str, config: &EngineConfig) -> CliError {
        let known: Vec<&str> = config.roles.keys().map(String::as_str).collect();
        let file = self.config.display();
        CliError::input(format!(
            "--role {role}: {file} has no such role; its roles are: {}",
            known.join(", ")
        ))
    }

    /// The policies of a role, with what is hardly meant in them said.
    pub(crate) fn policies_of(
        &self,
        role: &str,
        config: &EngineConfig,
        policy: Option<&JobPolicy>,
    ) -> Result<RoleSnapshot, CliError> {
        let role = longshore_runner::load_role(config, role, policy)
            .map_err(|findings| CliError::input(findings.join("\n       ")))?;
        for warning in &role.warnings {
            note(&format!("warning: {warning}"));
        }
        Ok(role)
    }

    /// The role that the command line names, or the only one.
    pub(crate) fn role(&self, named: Option<&String>, config: &EngineConfig) -> Result<String, CliError> {
        let names: Vec<&String> = config.roles.keys().collect();
        match (named, names.as_slice()) {
            (Some(name), _) if config.roles.contains_key(name) => Ok(name.clone()),
            (Some(name), _) => Err(self.unknown_role(name, config)),
            (None, [only]) => Ok((*only).clone()),
            (None, several) => {
                let known: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                let (file, known) = (self.config.display(), known.join(", "));
                Err(CliError::input(format!("--role is needed: {file} has these roles: {known}")))
            }
        }
    }

    /// The store that the command line names, or the role, or the only one.
    pub(crate) fn store(
        &self,
        named: Option<&String>,
        role: &RoleConfig,
        config: &EngineConfig,
    ) -> Result<String, CliError> {
        let file = self.config.display();
        let names: Vec<&str> = config.stores.keys().map(String::as_str).collect();
        match (named.or(role.store.as_ref()), names.as_slice()) {
            (Some(name), _) if config.stores.contains_key(name) => Ok(name.clone()),
            (Some(name), _) => Err(CliError::input(format!("--store {name}: {file} has no such store"))),
            (None, [only]) => Ok((*only).to_owned()),
            (None, several) => {
                let known = if several.is_empty() { "none".to_owned() } else { several.join(", ") };
                Err(CliError::input(format!("--store is needed: {file} has these stores: {known}")))
            }
        }
    }
}

/// A job that was rehearsed.
pub(crate) struct RehearsedJob {
    /// The job.
    pub spec: JobSpec,
    /// What was rehearsed.
    pub rehearsal: Rehearsal,
}

/// What compiles operations and keeps their machine code.
fn compiling(config: Option<&EngineConfig>) -> Result<Catalog, CliError> {
    let plugins = config.map(|config| config.plugins.clone()).unwrap_or_default();
    // Who keeps nothing needs no directory either.
    let keeps = plugins.cache_bytes > 0;
    let settings = CatalogSettings {
        plugins,
        caches: if keeps { compiler::caches(config.map(EngineConfig::data_path)) } else { Vec::new() },
        compiler: Some(compiler::program()),
    };
    Catalog::new(&settings).map_err(|error| CliError::new(Exit::Error, error.to_string()))
}

/// The environment, for `${NAME}`.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
