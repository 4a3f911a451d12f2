//! Runs the cases of a fixtures file.

use std::path::Path;
use std::sync::Arc;

use longshore_job::{ObjectId, declare};
use longshore_plugin::{Columns, Watcher};
use longshore_runner::{Catalog, Trial};

use crate::calls::{Call, Recorder};
use crate::error::AuthorError;
use crate::fixtures::{Case, Fixtures, bucket};
use crate::matching::{name, of_calls, of_execution, told};
use crate::store::CaseStore;
use crate::trial::{self, Subject, TrialError};

/// What became of a case.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseResult {
    /// Its name.
    pub name: String,
    /// What the operation called.
    pub calls: Vec<Call>,
    /// How its task ended.
    pub outcome: String,
    /// What it said.
    pub message: Option<String>,
    /// Everything that is not as expected: none of it, and the case has passed.
    pub differences: Vec<String>,
}

/// Reads a fixtures file.
///
/// # Errors
/// If it cannot be read; every problem of it.
pub fn fixtures(path: &Path) -> Result<Fixtures, AuthorError> {
    let source = std::fs::read_to_string(path).map_err(AuthorError::io("read", path))?;
    let file = path.display().to_string();
    declare::read(&source, &file, "Fixtures of an operation").map_err(AuthorError::Problems)
}

/// Runs a case of the plugin in a file. `directory` is that of the fixtures file.
///
/// # Errors
/// If the case cannot be run: then nothing is known about the operation.
pub async fn run(
    case: &Case,
    (plugin, directory): (&Path, &Path),
    catalog: &Catalog,
) -> Result<CaseResult, AuthorError> {
    let of_case = |what: String| AuthorError::Case { case: case.name.clone(), what };
    let first = case.object.first();
    let key = case.key.as_ref().or_else(|| first.map(|object| &object.key));
    let key = key.ok_or_else(|| of_case("give it an object, or a key".to_owned()))?;
    let of_key = case
        .bucket
        .clone()
        .or_else(|| case.object.iter().find(|it| it.key == *key).map(|it| it.bucket.clone()));
    let object = ObjectId::new(of_key.unwrap_or_else(bucket), key);
    let scratch = tempfile::tempdir().map_err(AuthorError::io("make a folder in", &std::env::temp_dir()))?;
    let store = CaseStore::start(case, directory, scratch.path())
        .await
        .map_err(|error| of_case(error.to_string()))?;
    let subject = Subject {
        plugin,
        parameters: &case.parameters,
        role: "fixtures",
        store: None,
        shown: &format!("parameters of {:?}", case.name),
    };
    let job = trial::job(&subject, &store.config, catalog, &|name| Some(format!("${{{name}}}")));
    let (spec, digests) = job.map_err(|error| match error {
        TrialError::Input(what) => of_case(what),
        TrialError::Problems(problems) => AuthorError::Problems(problems),
    })?;
    let trial = Trial::start(&store.config, catalog, &spec, &digests).await;
    let mut trial = trial.map_err(|failure| of_case(failure.reason))?;
    let columns = Columns {
        names: case.columns.keys().cloned().collect(),
        values: case.columns.values().cloned().map(Some).collect(),
    };
    let recorder = Arc::new(Recorder::telling(|_| {}));
    let watcher = Arc::clone(&recorder) as Arc<dyn Watcher>;
    let execution = trial.run(&object, (columns, case.attempt), watcher).await;
    let calls = recorder.take();
    let mut differences = of_execution(&case.expect, &execution);
    differences.extend(case.expect.calls.as_ref().and_then(|expected| of_calls(expected, &calls)));
    for expected in &case.expect.object {
        differences.extend(store.differences(expected).await?);
    }
    store.stop().await;
    let (ending, message) = told(&execution);
    Ok(CaseResult { name: case.name.clone(), calls, outcome: name(ending), message, differences })
}
