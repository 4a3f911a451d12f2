//! The result rows of a job that has ended: in its completion report, or in the data directory if that could not be written.

use std::path::Path;

use longshore_job::ObjectId;
use longshore_job::report::TaskStatus;
use longshore_queue::{JobRecord, Queue};
use longshore_store::{S3Store, transfer};
use serde_json::Value;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Files of result rows, each small enough for memory.
pub(crate) struct Results {
    /// Present if they are in a store.
    store: Option<Box<S3Store>>,
    /// What their rows are of, and their names.
    files: Vec<(TaskStatus, String)>,
}

impl Results {
    /// Finds the files. None if there is no report, and no rows were kept for one.
    pub(crate) async fn of(
        context: &Context,
        queue: &Queue,
        record: &JobRecord,
    ) -> Result<Option<Self>, CliError> {
        match &record.report {
            Some(location) => Self::of_report(context, record, location).await.map(Some),
            None if record.state.is_terminal() => {
                let kept = longshore_runner::kept_rows(&context.engine_config()?, queue, record)?;
                let files: Vec<_> =
                    kept.into_iter().map(|(status, path)| (status, path.display().to_string())).collect();
                Ok((!files.is_empty()).then_some(Self { store: None, files }))
            }
            None => Ok(None),
        }
    }

    async fn of_report(context: &Context, record: &JobRecord, location: &str) -> Result<Self, CliError> {
        let mut results = Self { store: None, files: Vec::new() };
        if location.starts_with("s3://") {
            let config = context.engine_config()?;
            let store = longshore_runner::connect_store(&config, &record.spec.store).await?;
            results.store = Some(Box::new(store));
        }
        let manifest: Value = serde_json::from_slice(&results.read(location).await?).map_err(|error| {
            CliError::new(Exit::Error, format!("{location}: not a report manifest: {error}"))
        })?;
        for file in manifest.get("Results").and_then(Value::as_array).into_iter().flatten() {
            let text = |name| file.get(name).and_then(Value::as_str).unwrap_or_default();
            let status = match text("TaskExecutionStatus") {
                "succeeded" => TaskStatus::Succeeded,
                "failed" => TaskStatus::Failed,
                other => {
                    let why = format!("{location}: not a report manifest: {other:?} is no status of tasks");
                    return Err(CliError::new(Exit::Error, why));
                }
            };
            let name = results.name_below(location, text("Key"));
            results.files.push((status, name));
        }
        Ok(results)
    }

    /// The names of the files with rows of these tasks, in order.
    pub(crate) fn files(&self, takes: impl Fn(TaskStatus) -> bool) -> impl Iterator<Item = &str> {
        self.files.iter().filter(move |(status, _)| takes(*status)).map(|(_, name)| name.as_str())
    }

    /// The full name of a result file, which the report's manifest names below the place of the report.
    fn name_below(&self, manifest: &str, key: &str) -> String {
        if self.store.is_some() {
            let bucket = manifest.trim_start_matches("s3://").split('/').next().unwrap_or_default();
            return format!("s3://{bucket}/{key}");
        }
        // <directory>/job-<id>/manifest.json lists job-<id>/results/….csv
        let root = Path::new(manifest).parent().and_then(Path::parent).unwrap_or(Path::new(""));
        root.join(key).display().to_string()
    }

    /// A whole file.
    pub(crate) async fn read(&self, name: &str) -> Result<Vec<u8>, CliError> {
        let unreadable = |error: &dyn std::fmt::Display| {
            CliError::new(Exit::Error, format!("{name}: cannot read: {error}"))
        };
        let Some(store) = &self.store else { return std::fs::read(name).map_err(|error| unreadable(&error)) };
        let (bucket, key) = name.trim_start_matches("s3://").split_once('/').unwrap_or_default();
        let scratch = tempfile::tempdir()?;
        let path = scratch.path().join("part");
        let object = ObjectId::new(bucket, key);
        transfer::download(store, &object, None, &path).await.map_err(|error| unreadable(&error))?;
        Ok(std::fs::read(&path)?)
    }
}
