//! The dry run: what a job would send, and what its role would refuse. The operation plans, the policies are asked,
//! nothing is sent to objects (but GetObjectTagging where a policy has a condition on existing tags).

use std::path::Path;
use std::sync::Arc;

use longshore_job::spec::{ManifestSpec, OnBadRow};
use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId, Row};
use longshore_plugin::Columns;
use longshore_store::Request;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::catalog::Catalog;
use crate::error::{JobFailure, blocking};
use crate::execute::bad_row;
use crate::ingest::{Access, Rows};
use crate::resolve::Resolved;

/// Rows that are read ahead of the plan (count; bounds memory).
const ROWS_AHEAD: usize = 1000;

/// What one task would do.
#[derive(Debug)]
pub struct PlannedTask {
    /// Row in the manifest, from 1.
    pub row: u64,
    /// Its object.
    pub object: ObjectId,
    /// The names of the requests it plans, or why it would fail before it sends any.
    pub plan: Result<Vec<&'static str>, Failure>,
}

/// Plans the first `limit` tasks of a job and hands each to `each`. `scratch` takes a manifest that must be downloaded.
///
/// # Errors
/// A manifest, role, store or operation that cannot be used.
pub async fn plan(
    config: &EngineConfig,
    catalog: &Catalog,
    spec: &JobSpec,
    plugin_digest: &str,
    scratch: &Path,
    limit: u64,
    mut each: impl FnMut(PlannedTask),
) -> Result<(), JobFailure> {
    let resolved = Resolved::find(config, catalog, spec, plugin_digest, "plan").await?;
    let keys = spec.manifest.keys();
    let access = Access {
        resolved: resolved.clone(),
        directory: scratch.to_owned(),
        runtime: Handle::current(),
        stdin: true,
        skip_bad_rows: spec.manifest.on_bad_row == OnBadRow::Skip,
    };
    let (sender, mut rows) = mpsc::channel(ROWS_AHEAD);
    let manifest = spec.manifest.clone();
    let reading = blocking(move || read(&manifest, access, &sender));
    let reading = tokio::spawn(reading);
    let mut lane = resolved
        .plugin
        .lane(&spec.operation.parameters, resolved.isolation, "plan")
        .await
        .map_err(|error| JobFailure::new("OperationNotUsable", error.to_string()))?;
    let columns: Arc<[String]> = spec.manifest.columns().into();
    let mut number = 0;
    while number < limit
        && let Some(row) = rows.recv().await
    {
        number += 1;
        let named = match row.problem.clone() {
            Some(problem) => Err(problem),
            None => row.object(keys).map_err(|error| error.to_string()),
        };
        let (object, plan) = match named {
            Ok(object) => {
                lane.set_columns(Columns { names: Arc::clone(&columns), values: row.columns });
                let plan = lane.plan(&object, 1, &resolved.gate).await;
                (object, plan.map(|requests| requests.iter().map(Request::name).collect()))
            }
            Err(problem) => (ObjectId::new(row.bucket, row.key), Err(bad_row(problem))),
        };
        each(PlannedTask { row: number, object, plan });
    }
    drop(rows);
    let ended = reading
        .await
        .map_err(|error| internal(&error))
        .and_then(|read| read.map_err(|error| internal(&error)));
    ended?
}

/// Reads the manifest until nobody takes its rows any more.
fn read(manifest: &ManifestSpec, access: Access, rows: &mpsc::Sender<Row>) -> Result<(), JobFailure> {
    let mut source = Rows::new(manifest, access);
    let mut row = Row::default();
    while source.next(&mut row)? {
        if rows.blocking_send(std::mem::take(&mut row)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn internal(error: &impl ToString) -> JobFailure {
    JobFailure::new("InternalError", error.to_string())
}
