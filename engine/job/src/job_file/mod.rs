//! The job file: what a user writes to run an operation over a manifest.

#[cfg(test)]
mod docs_tests;
mod file;
mod generate;
mod list;
mod location;
mod manifest;
mod named;
mod operation;
#[cfg(test)]
mod operation_tests;
mod resolve;
mod retry;
#[cfg(test)]
mod rules_tests;
mod section;
#[cfg(test)]
mod tests;
mod timing;

use std::path::Path;

use serde_json::{Value, json};

use crate::config::EngineConfig;
use crate::declare::{Declaration, Problems, Refusal, Variables, schema};
use crate::plugin_reference::InstalledName;
use crate::spec::{JobSpec, OperationSource, OperationSpec};

pub use file::JobFile;
pub use named::other_stores;
pub use section::manifest_section;

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
    /// Reads the policy that a job brings.
    pub policies: &'a dyn PolicyReader,
}

/// Reads policy files for a job.
pub trait PolicyReader {
    /// The text of the session policy at the absolute path `path`, which the job file calls `written`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn session_policy(&self, written: &str, path: &Path) -> Result<String, Vec<BadPolicy>>;
}

/// One thing that is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPolicy {
    /// What, and where in the policy file.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
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
    /// An installed plugin.
    Installed(InstalledName<'a>),
}

/// An operation that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogEntry {
    /// What goes into the job: the built-in's name, or the plugin as it is now, with its digest.
    pub source: OperationSource,
    /// JSON Schema of its parameters.
    pub parameters: Value,
}

impl JobFile {
    /// Reads a job file and resolves it: role, store, operation and paths. `file` is its name as messages show it.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn parse(source: &str, file: &str, environment: &Environment<'_>) -> Result<JobSpec, Problems> {
        let variables = Variables { lookup: environment.variable, refuse: refuse_secret };
        let mut declaration = Declaration::read(source, file, variables);
        declaration.refuse_secrets(secrets(environment), &secret_in("a configured secret is in this value"));
        declaration.check(&schema::of::<Self>(TITLE), "");
        declaration.leave_out_unresolved();
        let spec = declaration.get().and_then(|form| resolve::resolve(form, environment, &mut declaration));
        declaration.finish(spec)
    }
}

/// Parts of a variable's name by which it is taken for a secret.
const SECRET_NAMES: [&str; 11] = [
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "API_KEY",
    "APIKEY",
    "AWS_SESSION",
];

/// Words of a variable's name, between underscores, by which it is taken for a secret; one alone is none (`PWD`).
const SECRET_ENDINGS: [&str; 5] = ["PASS", "PWD", "PW", "PAT", "AUTH"];

/// Variables in which the AWS SDK looks for secrets.
const AWS_SECRETS: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// A job file becomes a job in the queue's database, where secrets must not be.
fn refuse_secret(name: &str) -> Option<Refusal> {
    let upper = name.to_ascii_uppercase();
    let by_ending = || upper.rsplit_once('_').is_some_and(|(_, last)| SECRET_ENDINGS.contains(&last));
    let looks = SECRET_NAMES.iter().any(|part| upper.contains(part)) || by_ending();
    looks.then(|| secret_in(&format!("{name} looks like a secret")))
}

fn secret_in(what: &str) -> Refusal {
    Refusal {
        message: format!("{what}, and a job file must not hold one: jobs are stored in the queue"),
        help: format!("put credentials into {}, under [store.…] credentials", crate::config::CONFIG_FILE),
    }
}

/// The secrets of the stores, wherever they are written.
fn secrets(environment: &Environment<'_>) -> Vec<String> {
    let configured = environment.config.secrets().map(|secret| secret.reveal().to_owned());
    let of_sdk = AWS_SECRETS.iter().filter_map(|name| (environment.variable)(name));
    configured.chain(of_sdk).filter(|secret| !secret.is_empty()).collect()
}

/// Title of the JSON Schema.
const TITLE: &str = "Longshore job file";

/// JSON Schema (2020-12) of the job file, for editors. It knows the parameters of the built-in operations.
///
/// # Errors
/// If one of these cannot be used.
pub fn job_schema(operations: &dyn OperationCatalog) -> Result<Value, String> {
    let mut schema = schema::of::<JobFile>(TITLE);
    let mut rules = Vec::new();
    for name in operations.names() {
        rules.push(rule_of(&name, &operations.find(OperationName::Builtin(&name))?.parameters));
    }
    if let Some(section) = schema.pointer_mut(OPERATION).and_then(Value::as_object_mut) {
        section.insert("allOf".to_owned(), Value::Array(rules));
    }
    Ok(schema::with_references(schema))
}

/// Where the schema of the job file describes `[operation]`.
const OPERATION: &str = "/properties/operation";

/// What `[operation]` holds if it names this operation.
fn rule_of(name: &str, parameters: &Value) -> Value {
    let mut parameters = parameters_schema(parameters);
    let required = parameters.get("required").and_then(Value::as_array);
    let needed: &[&str] = if required.is_some_and(|keys| !keys.is_empty()) { &["parameters"] } else { &[] };
    if let Some(object) = parameters.as_object_mut() {
        object.remove("$schema");
        object.remove("title");
    }
    let then = json!({ "properties": { "parameters": parameters }, "required": needed });
    json!({ "if": { "properties": { "name": { "const": name } }, "required": ["name"] }, "then": then })
}

/// JSON Schema of an operation's parameters, as it fits TOML: without `null`, and with descriptions that editors wrap.
pub fn parameters_schema(declared: &Value) -> Value {
    schema::for_toml(declared)
}
