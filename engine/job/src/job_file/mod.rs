//! The job file: what a user writes to run an operation over a manifest.

use std::path::Path;

use crate::config::EngineConfig;
use crate::declare::Problems;
use crate::spec::{JobSpec, OperationSource};

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

/// A job file.
#[derive(Debug)]
pub struct JobFile {}

impl JobFile {
    /// Reads a job file and resolves it: roles, stores, operation and paths. `file` is its name as messages show it.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn parse(source: &str, file: &str, environment: &Environment<'_>) -> Result<JobSpec, Problems> {
        let _ = environment;
        Err(Problems::new(file, source, Vec::new()))
    }
}

/// JSON Schema (2020-12) of the job file.
pub fn job_schema() -> serde_json::Value {
    serde_json::Value::Null
}
