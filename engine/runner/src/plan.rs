//! The dry run: what a job would send, and what its role would refuse. The operation plans, the policies are asked,
//! nothing is sent to objects (but GetObjectTagging where a policy has a condition on existing tags).

use std::path::Path;

use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId};
use longshore_plugin::Lane;
use longshore_store::Request;

use crate::catalog::Catalog;
use crate::error::{JobFailure, OPERATION_NOT_USABLE};
use crate::execute::{columns_of, row_object};
use crate::ingest::{Access, RowStream};
use crate::resolve::Resolved;
use crate::store::Stores;

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

/// Plans the first `limit` tasks of a job and hands each to `each`. `scratch` takes what must be downloaded.
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
    let resolved =
        Resolved::find(config, (catalog, &Stores::new(config)), spec, plugin_digest, "plan").await?;
    let access = Access::from_here(&resolved, scratch, &spec.manifest);
    let mut rows = RowStream::open(&spec.manifest, access);
    let mut lane = lane(&resolved, spec).await?;
    let (keys, names) = (spec.manifest.keys(), spec.manifest.columns().into());
    for row in 1u64..=limit {
        let Some(parsed) = rows.next().await? else { break };
        let object = match row_object(&parsed, keys) {
            Ok(object) => object,
            Err(failure) => {
                each(PlannedTask { row, object: None, plan: Err(failure) });
                continue;
            }
        };
        lane.set_columns(columns_of(&parsed, &names));
        let plan = match lane.plan(&object, 1, &resolved.gate).await {
            Ok(requests) => Ok(requests.iter().map(Request::name).collect()),
            Err(failure) => Err(failure),
        };
        each(PlannedTask { row, object: Some(object), plan });
    }
    Ok(())
}

/// A lane that plans tasks.
pub(crate) async fn lane(resolved: &Resolved, spec: &JobSpec) -> Result<Lane, JobFailure> {
    let lane = resolved.plugin.lane(&spec.operation.parameters, resolved.isolation, "plan").await;
    lane.map_err(|error| JobFailure::new(OPERATION_NOT_USABLE, error.to_string()))
}
