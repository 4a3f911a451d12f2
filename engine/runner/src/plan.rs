//! The dry run: what a job would send, and what its role would refuse. The operation plans, the policies are asked,
//! nothing is sent to objects (but GetObjectTagging where a policy has a condition on existing tags).

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use longshore_job::spec::ManifestSpec;
use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId, Row};
use longshore_manifest::read_csv;
use longshore_plugin::Lane;
use longshore_store::Request;

use crate::catalog::Catalog;
use crate::error::{JobFailure, OPERATION_NOT_USABLE, RunnerError};
use crate::execute::row_object;
use crate::prepare::{fetch, manifest_failure};
use crate::resolve::Resolved;

/// What one task would do.
#[derive(Debug)]
pub struct PlannedTask {
    /// Row in the manifest, from 1.
    pub row: u64,
    /// Its object; `None` if the row names none.
    pub object: Option<ObjectId>,
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
    let mut lane = lane(&resolved, spec).await?;
    for (row, parsed) in (1u64..=limit).zip(rows(&source.path, &spec.manifest)?) {
        let object = match row_object(&parsed?, spec.manifest.keys) {
            Ok(object) => object,
            Err(failure) => {
                each(PlannedTask { row, object: None, plan: Err(failure) });
                continue;
            }
        };
        let plan = match lane.plan(&object, 1, &resolved.gate).await {
            Ok(requests) => Ok(requests.iter().map(Request::name).collect()),
            Err(failure) => Err(failure),
        };
        each(PlannedTask { row, object: Some(object), plan });
    }
    Ok(())
}

/// The rows of the manifest at `path`, in order; the first that is none ends them.
pub(crate) fn rows(
    path: &Path,
    manifest: &ManifestSpec,
) -> Result<impl Iterator<Item = Result<Row, JobFailure>>, JobFailure> {
    let unreadable = |error: RunnerError| JobFailure::new("ManifestNotReadable", error.to_string());
    let file = File::open(path).map_err(RunnerError::io("read", path)).map_err(unreadable)?;
    let wrong = |error| manifest_failure(&manifest.location, &error);
    let rows = read_csv(BufReader::new(file), &manifest.fields, manifest.keys).map_err(wrong)?;
    Ok(rows.map(move |row| row.map_err(wrong)))
}

/// A lane that plans tasks.
pub(crate) async fn lane(resolved: &Resolved, spec: &JobSpec) -> Result<Lane, JobFailure> {
    let lane = resolved.plugin.lane(&spec.operation.parameters, resolved.isolation, "plan").await;
    lane.map_err(|error| JobFailure::new(OPERATION_NOT_USABLE, error.to_string()))
}
