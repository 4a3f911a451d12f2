//! One slot of concurrency: runs one task at a time.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Failure, ObjectId, Outcome};
use longshore_store::{Gate, Progress, Request};
use tokio::time::timeout;

use crate::handle::Columns;
use crate::instance::{Broken, Instance};
use crate::stop::Stop;
use crate::watch::{Watcher, Watching};
use crate::{Isolation, Plugin, PluginError, codes};

/// One slot of concurrency: runs one task at a time.
///
/// A future of [`Lane::execute`] that is dropped ends its guest; the lane stays usable.
pub struct Lane {
    plugin: Plugin,
    parameters: String,
    job_id: Arc<str>,
    columns: Columns,
    watching: Watching,
    /// A configured instance for the next task. Taken out while it runs, so that one which does not come back from a
    /// task is never used again.
    ready: Option<Instance>,
    /// Fuel that the last task used.
    fuel: Option<u64>,
}

/// What came of one run of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution {
    /// The task has its outcome.
    Done(Outcome),
    /// The operation wants to run again for this object.
    AgainAfter {
        /// After how many seconds, at the earliest.
        seconds: u32,
        /// Why.
        note: String,
    },
}

impl Lane {
    pub(crate) async fn new(
        plugin: Plugin,
        parameters: String,
        job_id: Arc<str>,
    ) -> Result<Self, PluginError> {
        let start = |failure: Failure| PluginError::Start {
            operation: plugin.name().to_string(),
            code: failure.code,
            reason: failure.message,
        };
        let limit = plugin.limits().task_time;
        let ready = timeout(limit, async {
            let mut instance = plugin.instantiate(&job_id).await?;
            Ok::<_, Failure>(instance.configure(&parameters).await?.map(|()| instance))
        });
        let ready = ready.await.unwrap_or_else(|_| Err(Stop::TaskTime(limit).into())).map_err(start)?;
        let ready = ready
            .map_err(|reason| PluginError::Parameters { operation: plugin.name().to_string(), reason })?;
        Ok(Self {
            plugin,
            parameters,
            job_id,
            columns: Columns::default(),
            watching: Watching::default(),
            ready: Some(ready),
            fuel: None,
        })
    }

    /// What the manifest says about the next object for the operation. Stays until it is set again.
    pub fn set_columns(&mut self, columns: Columns) {
        self.columns = columns;
    }

    /// Tells `watcher` of each call of the host that later tasks make.
    pub fn watch(&mut self, watcher: Arc<dyn Watcher>) {
        self.watching = Watching(Some(watcher));
    }

    /// Runs the operation on one object: plan, policy check of each planned request, run.
    ///
    /// `attempt` counts from 1. Must be called within a tokio runtime that has its timer enabled.
    pub async fn execute(&mut self, object: &ObjectId, attempt: u32, gate: &Gate) -> Execution {
        self.fuel = None;
        let limit = self.plugin.limits().task_time;
        let closing = gate.task(object.clone());
        let gate = gate.task(object.clone()).within(self.plugin.mandate());
        let (progress, uploads) = (gate.progress(), gate.begun_uploads());
        let result = while_it_gets_ahead(limit, &progress, async {
            let mut instance = self.take().await?;
            instance.watch(self.watching.clone());
            let execution = instance.execute(object, attempt, &self.columns, gate).await;
            self.fuel = instance.fuel_used();
            let execution = execution.map_err(|Broken(failure)| failure)?;
            self.give_back(instance);
            Ok(execution)
        });
        let ended = result.await;
        // However it ended: what it left open nobody else can complete.
        uploads.abort(&closing).await;
        match ended {
            Ok(Ok(execution)) => execution,
            Ok(Err(failure)) => Execution::Done(Outcome::Failed(failure)),
            Err(Stalled) => Execution::Done(Outcome::Failed(Stop::TaskTime(limit).into())),
        }
    }

    /// Fuel that the last task used, if its plugin's is limited and the task came to an end of its own: the same for the same
    /// work, on every machine.
    pub fn fuel(&self) -> Option<u64> {
        self.fuel
    }

    /// The dry run: the requests that the operation plans for this object, if the role's policies allow them all.
    /// Nothing is sent, but what [`TaskGate::check`](longshore_store::TaskGate::check) asks.
    ///
    /// # Errors
    /// The failure that [`Lane::execute`] would give the task for the same reason.
    pub async fn plan(
        &mut self,
        object: &ObjectId,
        attempt: u32,
        gate: &Gate,
    ) -> Result<Vec<Request>, Failure> {
        let limit = self.plugin.limits().task_time;
        let gate = gate.task(object.clone()).within(self.plugin.mandate());
        let plan = timeout(limit, async {
            let mut instance = self.take().await?;
            let plan = instance.plan(object, attempt, &self.columns, &gate).await;
            let plan = plan.map_err(|Broken(failure)| failure)?;
            self.give_back(instance);
            plan
        });
        plan.await.unwrap_or_else(|_| Err(Stop::TaskTime(limit).into()))
    }

    async fn take(&mut self) -> Result<Instance, Failure> {
        if let Some(instance) = self.ready.take() {
            return Ok(instance);
        }
        let mut instance = self.plugin.instantiate(&self.job_id).await?;
        instance.configure(&self.parameters).await?.map_err(|reason| Failure {
            code: codes::PARAMETERS.to_owned(),
            status: None,
            message: format!("the operation refuses parameters that it accepted before: {reason}"),
        })?;
        Ok(instance)
    }

    fn give_back(&mut self, instance: Instance) {
        if self.plugin.isolation() == Isolation::Reuse && instance.is_clean() {
            self.ready = Some(instance);
        }
    }
}

/// A task had no end and did not get ahead for as long as a task may take.
struct Stalled;

/// Waits for a task as long as a task may take, and again as long after each step of a long transfer.
async fn while_it_gets_ahead<T>(
    limit: Duration,
    progress: &Progress,
    task: impl Future<Output = T>,
) -> Result<T, Stalled> {
    let mut task = std::pin::pin!(task);
    loop {
        let before = progress.steps();
        match timeout(limit, &mut task).await {
            Ok(ended) => return Ok(ended),
            Err(_) if progress.steps() == before => return Err(Stalled),
            Err(_) => {}
        }
    }
}
