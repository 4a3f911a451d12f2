//! What a task has beside its own requests: other stores, the ledger of uploads, memory for copies.

use std::sync::Arc;

use tokio::sync::SemaphorePermit;

use super::{Gate, TaskGate};
use crate::copying::UploadLedger;
use crate::error::{StoreError, code};
use crate::names;

impl TaskGate {
    /// The same task for one who outlives this borrow.
    pub(crate) fn again(&self) -> Self {
        self.through(&self.gate)
    }

    /// The same task on another store.
    pub(crate) fn on(&self, store: &str) -> Result<Self, StoreError> {
        let gate = self.gate.reach.stores.get(store).ok_or_else(|| {
            let message =
                format!("the job's parameters name no store {} that a copy may go to", names::shown(store));
            StoreError::new(code::INVALID_REQUEST, message)
        })?;
        Ok(self.through(&Gate { inner: Arc::clone(&gate.inner), reach: Arc::clone(&self.gate.reach) }))
    }

    fn through(&self, gate: &Gate) -> Self {
        let (progress, mandate) = (self.progress.clone(), self.mandate.clone());
        Self { progress, mandate, ..gate.task(self.object.clone()) }
    }

    pub(crate) fn uploads(&self) -> &dyn UploadLedger {
        self.gate.reach.uploads.as_ref()
    }

    /// Waits for memory.
    pub(crate) async fn buffers(&self, units: u32) -> Result<SemaphorePermit<'_>, StoreError> {
        let memory = self.gate.reach.buffers.acquire_many(units).await;
        memory.map_err(|error| StoreError::new(code::INVALID_REQUEST, error.to_string()))
    }
}
