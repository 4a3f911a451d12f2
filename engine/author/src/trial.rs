//! What is tried on one object, as the job that it would be.

use std::path::Path;

use longshore_job::{EngineConfig, Environment, JobFile, JobSpec, Problems};
use longshore_runner::{Catalog, JobPolicies};
use serde_json::{Map, Value};

/// What is tried.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The plugin's file.
    pub plugin: &'a Path,
    /// Its parameters.
    pub parameters: &'a Map<String, Value>,
    /// The role under which it runs.
    pub role: &'a str,
    /// The store that it works on; `None`: that of the role, or the only one.
    pub store: Option<&'a str>,
    /// How messages call what was given.
    pub shown: &'a str,
}

/// A job of one row, with everything checked as in a job file, and the digest of its plugin.
///
/// # Errors
/// Every problem, as a job file would have it.
pub fn job(
    subject: &Subject<'_>,
    config: &EngineConfig,
    catalog: &Catalog,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(JobSpec, Vec<String>), TrialError> {
    let source = source(subject)?;
    let directory = std::env::current_dir().map_err(|error| TrialError::Input(error.to_string()))?;
    let environment =
        Environment { variable, directory: &directory, config, operations: catalog, policies: &JobPolicies };
    let spec = JobFile::parse(&source, subject.shown, &environment)?;
    let digests = spec.steps.iter().map(|step| catalog.digest(&step.operation.source));
    let digests = digests.collect::<Result<_, _>>().map_err(TrialError::Input)?;
    Ok((spec, digests))
}

/// Why something cannot be tried.
#[derive(Debug)]
pub enum TrialError {
    /// In a sentence.
    Input(String),
    /// At places of what was given.
    Problems(Problems),
}

impl From<Problems> for TrialError {
    fn from(problems: Problems) -> Self {
        Self::Problems(problems)
    }
}

/// The job file that says the same. Its manifest is never read.
fn source(subject: &Subject<'_>) -> Result<String, TrialError> {
    let text = |text: &str| toml::Value::String(text.to_owned());
    let bad = |error: &dyn std::fmt::Display| {
        TrialError::Input(format!("the parameters have no form in TOML: {error}"))
    };
    let plugin = subject
        .plugin
        .to_str()
        .ok_or_else(|| TrialError::Input(format!("{}: the path is no UTF-8", subject.plugin.display())))?;
    let parameters = toml::Table::try_from(subject.parameters).map_err(|error| bad(&error))?;
    let operation: toml::Table =
        [("plugin".to_owned(), text(plugin)), ("parameters".to_owned(), parameters.into())]
            .into_iter()
            .collect();
    let fields = toml::Value::Array(vec![text("Bucket"), text("Key")]);
    let manifest: toml::Table =
        [("location".to_owned(), text("-")), ("fields".to_owned(), fields)].into_iter().collect();
    let mut job: toml::Table = [
        ("role".to_owned(), text(subject.role)),
        ("operation".to_owned(), operation.into()),
        ("manifest".to_owned(), manifest.into()),
    ]
    .into_iter()
    .collect();
    job.extend(subject.store.map(|store| ("store".to_owned(), text(store))));
    toml::to_string(&job).map_err(|error| bad(&error))
}
