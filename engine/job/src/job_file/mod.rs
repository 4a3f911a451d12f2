//! The job file: what a user writes to run an operation over a manifest.

mod file;
mod generate;
mod location;
mod manifest;
mod resolve;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::config::EngineConfig;
use crate::declare::{Declaration, Problems, Refusal, Variables, schema};
use crate::spec::{JobSpec, OperationSource, OperationSpec};

pub use file::JobFile;

/// Everything around a job file that decides what it means.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Looks up an environment variable for `${NAME}`.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Absolute directory of the job file, against which its paths are resolved.
    pub directory: &'a Path,
    /// The engine configuration: roles and stores.
    pub config: &'a EngineConfig,
    /// The operations there are.
    pub operations: &'a dyn OperationCatalog,
}

/// The operations that a job file may name.
pub trait OperationCatalog {
    /// Names of the built-in operations.
    fn names(&self) -> Vec<String>;

    /// Finds an operation. A built-in is asked for only if [`OperationCatalog::names`] has it.
    ///
    /// # Errors
    /// Why it cannot be used, in a sentence that names the file or operation.
    fn find(&self, operation: OperationName<'_>) -> Result<CatalogEntry, String>;

    /// Asks the operation itself about parameters that fit its schema: it may refuse what a schema cannot express.
    ///
    /// # Errors
    /// The operation's own words.
    fn check(&self, operation: &OperationSpec) -> Result<(), String>;
}

/// An operation as a job file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationName<'a> {
    /// A built-in.
    Builtin(&'a str),
    /// A plugin file, by absolute path.
    Plugin(&'a Path),
}

/// An operation that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogEntry {
    /// What goes into the job: a plugin file's path and digest, or the built-in's name.
    pub source: OperationSource,
    /// JSON Schema of its parameters.
    pub parameters: serde_json::Value,
}

impl JobFile {
    /// Reads a job file and resolves it: role, store, operation and paths. `file` is its name as messages show it.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn parse(source: &str, file: &str, environment: &Environment<'_>) -> Result<JobSpec, Problems> {
        let variables = Variables { lookup: environment.variable, refuse: refuse_secret };
        let mut declaration = Declaration::read(source, file, variables);
        declaration.check(&schema::of::<Self>(TITLE), "");
        let spec = declaration.get().and_then(|form| resolve::resolve(form, environment, &mut declaration));
        declaration.finish(spec)
    }
}

/// Parts of a variable's name by which it is taken for a secret.
const SECRET_NAMES: [&str; 5] = ["SECRET", "TOKEN", "PASSWORD", "PRIVATE_KEY", "AWS_SESSION"];

/// A job file becomes a job in the queue's database, where secrets must not be.
fn refuse_secret(name: &str) -> Option<Refusal> {
    let upper = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| upper.contains(part)).then(|| Refusal {
        message: format!(
            "{name} looks like a secret, and a job file must not hold one: jobs are stored in the queue"
        ),
        help: format!("put credentials into {}, under [store.…] credentials", crate::config::CONFIG_FILE),
    })
}

/// Title of the JSON Schema.
const TITLE: &str = "Longshore job file";

/// JSON Schema (2020-12) of the job file, for editors.
pub fn job_schema() -> serde_json::Value {
    schema::with_references(schema::of::<JobFile>(TITLE))
}
