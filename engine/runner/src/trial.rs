//! One object, tried as a task of a job would be: same role, same policies, same limits; no queue, no report.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::{EngineConfig, Failure, JobSpec, ObjectId};
use longshore_plugin::{Columns, Execution, Lane, Watcher};
use longshore_store::{Gate, Request};

use crate::catalog::Catalog;
use crate::error::{JobFailure, OPERATION_NOT_USABLE};
use crate::resolve::Resolved;
use crate::store::Stores;

/// Name of the role session, which is that of no job.
const SESSION: &str = "trial";

/// The operation of a job's first step, ready for objects.
pub struct Trial {
    lane: Lane,
    gate: Gate,
}

impl Trial {
    /// Finds what `spec` names, all but its manifest.
    ///
    /// # Errors
    /// A role, store or operation that cannot be used.
    pub async fn start(
        config: &EngineConfig,
        catalog: &Catalog,
        spec: &JobSpec,
        plugin_digests: &[String],
    ) -> Result<Self, JobFailure> {
        let session = (SESSION, Timestamp::now());
        let stores = Stores::new(config);
        let resolved = Resolved::find(config, (catalog, &stores), spec, plugin_digests, session).await?;
        let unusable = |why: String| JobFailure::new(OPERATION_NOT_USABLE, why);
        let (Some(step), Some(of_spec)) = (resolved.steps.first(), spec.steps.first()) else {
            return Err(unusable("the job has no step".to_owned()));
        };
        let lane = step.plugin.lane(&of_spec.operation.parameters, step.isolation, SESSION).await;
        let lane = lane.map_err(|error| unusable(error.to_string()))?;
        Ok(Self { lane, gate: resolved.gate })
    }

    /// What the operation plans for an object, if the policies allow it all. Nothing is sent, but what conditions of the
    /// policies on the tags that objects have need.
    ///
    /// # Errors
    /// The failure that the task would have.
    pub async fn plan(&mut self, object: &ObjectId, columns: Columns) -> Result<Vec<Request>, Failure> {
        self.lane.set_columns(columns);
        self.lane.plan(object, 1, &self.gate).await
    }

    /// Runs the operation on an object, for the `attempt`th time, from 1. `watcher` is told of each call that it makes.
    pub async fn run(
        &mut self,
        object: &ObjectId,
        (columns, attempt): (Columns, u32),
        watcher: Arc<dyn Watcher>,
    ) -> Execution {
        self.lane.set_columns(columns);
        self.lane.watch(watcher);
        self.lane.execute(object, attempt, &self.gate).await
    }
}
