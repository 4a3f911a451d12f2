//! What a gate reaches beside its own store: other stores, the ledger of uploads, memory for copies.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use crate::copying::{BUFFER_UNITS, Unrecorded, UploadLedger};
use crate::gate::Gate;

/// What a gate reaches beside its own store.
#[derive(Clone)]
pub struct Reach {
    /// The stores that copies may go to, by name, each behind the policies of the same role.
    pub stores: BTreeMap<String, Gate>,
    /// Remembers uploads that were begun.
    pub uploads: Arc<dyn UploadLedger>,
    /// Memory for what is copied from one store to another, in MiB, over all jobs: see [`Reach::buffers`].
    pub buffers: Arc<Semaphore>,
}

impl Reach {
    /// The memory that copies between stores share; one for each engine.
    pub fn buffers() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(BUFFER_UNITS))
    }
}

impl Default for Reach {
    /// No other stores, and nothing is remembered.
    fn default() -> Self {
        Self { stores: BTreeMap::new(), uploads: Arc::new(Unrecorded), buffers: Self::buffers() }
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("stores", &self.stores.keys()).finish_non_exhaustive()
    }
}

/// Counts the steps that a long request has made, for whoever asks whether it still gets ahead.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
