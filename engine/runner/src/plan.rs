//! The dry run: what a job would send, and what its role would refuse. The operation plans, the policies are asked,
//! nothing is sent to objects (but GetObjectTagging where a policy has a condition on existing tags).

use std::path::Path;

use jiff::Timestamp;
use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId};

use crate::catalog::Catalog;
use crate::error::JobFailure;
use crate::execute::row_object;
use crate::ingest::{Access, RowStream};
use crate::resolve::Resolved;
use crate::steps::{PlannedStep, for_planning};
use crate::store::Stores;

/// What one task would do.
#[derive(Debug)]
pub struct PlannedTask {
    /// Row in the manifest, from 1.
    pub row: u64,
    /// Its object; `None` if the row names none.
    pub object: Option<ObjectId>,
    /// What its steps would do, or why it would fail.
    pub plan: Result<Vec<PlannedStep>, Failure>,
}

/// Plans the first `limit` tasks of a job and hands each to `each`. `scratch` takes what must be downloaded.
///
/// # Errors
/// A manifest, role, store or operation that cannot be used.
pub async fn plan(
    config: &EngineConfig,
    catalog: &Catalog,
    spec: &JobSpec,
    plugin_digests: &[String],
    scratch: &Path,
    limit: u64,
    mut each: impl FnMut(PlannedTask),
) -> Result<(), JobFailure> {
    let session = ("plan", Timestamp::now());
    let resolved =
        Resolved::find(config, (catalog, &Stores::new(config)), spec, plugin_digests, session).await?;
    let access = Access::from_here(&resolved, scratch, &spec.manifest);
    let mut rows = RowStream::open(&spec.manifest, access);
    let mut lanes = for_planning(&resolved, spec).await?;
    for row in 1u64..=limit {
        let Some(parsed) = rows.next().await? else { break };
        let object = match row_object(&parsed, spec.manifest.keys()) {
            Ok(object) => object,
            Err(failure) => {
                each(PlannedTask { row, object: None, plan: Err(failure) });
                continue;
            }
        };
        let plan = lanes.plan(lanes.subject(object.clone(), &parsed, false), None).await;
        each(PlannedTask { row, object: Some(object), plan });
    }
    Ok(())
}
