//! The dry run: what a job would send, and what its role would refuse. The operation plans, the policies are asked,
//! nothing is sent to objects (but GetObjectTagging where a policy has a condition on existing tags).

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId};
use longshore_manifest::read_csv;
use longshore_store::Request;

use crate::catalog::Catalog;
use crate::error::{JobFailure, OPERATION_NOT_USABLE, RunnerError};
use crate::prepare::{fetch, manifest_failure};
use crate::resolve::Resolved;

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
    let source = fetch(&resolved, &spec.manifest, scratch).await?;
    let unreadable = |error: RunnerError| JobFailure::new("ManifestNotReadable", error.to_string());
    let file = File::open(&source.path).map_err(RunnerError::io("read", &source.path)).map_err(unreadable)?;
    let rows = read_csv(BufReader::new(file), &spec.manifest.fields, spec.manifest.keys);
    let mut lane = resolved
        .plugin
        .lane(&spec.operation.parameters, resolved.isolation, "plan")
        .await
        .map_err(|error| JobFailure::new(OPERATION_NOT_USABLE, error.to_string()))?;
    for (row, parsed) in
        (1u64..=limit).zip(rows.map_err(|error| manifest_failure(&spec.manifest.location, &error))?)
    {
        let parsed = parsed.map_err(|error| manifest_failure(&spec.manifest.location, &error))?;
        let object = parsed.object(spec.manifest.keys).map_err(|error| {
            let reason = format!("{}: row {row}: {error}", spec.manifest.location);
            JobFailure::new("InvalidManifestContent", reason)
        })?;
        let plan = match lane.plan(&object, 1, &resolved.gate).await {
            Ok(requests) => Ok(requests.iter().map(Request::name).collect()),
            Err(failure) => Err(failure),
        };
        each(PlannedTask { row, object, plan });
    }
    Ok(())
}
