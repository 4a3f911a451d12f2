//! The dry run: what a job would send, and what its role would refuse. The operation plans, the policies are asked,
//! nothing is sent to objects (but GetObjectTagging where a policy has a condition on existing tags).

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::spec::{ManifestSpec, SourceSpec};
use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId, Row};
use longshore_store::Request;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::error::{Halt, JobFailure, blocking};
use crate::generate::{self, Listing};
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
    let access =
        Access { resolved: resolved.clone(), directory: scratch.to_owned(), runtime: Handle::current() };
    generate_lists(&resolved, &spec.manifest, scratch).await?;
    let (sender, mut rows) = mpsc::channel(ROWS_AHEAD);
    let manifest = spec.manifest.clone();
    let reading = blocking(move || read(&manifest, access, &sender));
    let reading = tokio::spawn(reading);
    let mut lane = resolved
        .plugin
        .lane(&spec.operation.parameters, resolved.isolation, "plan")
        .await
        .map_err(|error| JobFailure::new("OperationNotUsable", error.to_string()))?;
    let mut number = 0;
    while number < limit
        && let Some(row) = rows.recv().await
    {
        number += 1;
        let object = row
            .object(keys)
            .map_err(|error| JobFailure::new("InvalidManifestContent", format!("row {number}: {error}")))?;
        let plan = match lane.plan(&object, 1, &resolved.gate).await {
            Ok(requests) => Ok(requests.iter().map(Request::name).collect()),
            Err(failure) => Err(failure),
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

/// Lists the buckets that the manifest is generated from; nothing is saved.
async fn generate_lists(
    resolved: &Resolved,
    manifest: &ManifestSpec,
    scratch: &Path,
) -> Result<(), JobFailure> {
    for source in &manifest.sources {
        let SourceSpec::Generate(spec) = source else { continue };
        let listing = Listing {
            spec,
            gate: resolved.gate.clone(),
            submitted: Timestamp::now(),
            path: &generate::list_path(scratch, spec),
            stop: CancellationToken::new(),
            progress: Arc::new(|_| {}),
        };
        listing.run().await.map_err(|halt| match halt {
            Halt::Job(failure) => failure,
            Halt::Engine(error) => internal(&error),
        })?;
    }
    Ok(())
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
