//! Requests of a listing: the role is asked first, then they are sent.

use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_job::ObjectId;
use longshore_store::{Request, Response, Store as _, StoreError};

use crate::resolve::RoleOnStore;

/// Requests of one listing that a rehearsal writes down (count; bounds memory): a filter may need one for each object of the
/// bucket.
const REHEARSED: usize = 10_000;

/// Sends the requests of one listing.
pub(super) struct Asker {
    role: RoleOnStore,
    rehearsed: AtomicUsize,
}

impl Asker {
    pub(super) fn new(role: RoleOnStore) -> Self {
        Self { role, rehearsed: AtomicUsize::new(0) }
    }

    /// Asks the role about `request`, which is about `on`, and sends it. Past [`REHEARSED`], a rehearsal only sends.
    pub(super) async fn send(
        &self,
        on: ObjectId,
        request: impl Into<Request>,
    ) -> Result<Response, StoreError> {
        if self.role.gate.is_rehearsal() && self.rehearsed.fetch_add(1, Ordering::Relaxed) >= REHEARSED {
            return self.role.store.send(&request.into()).await;
        }
        self.role.send(on, request).await
    }
}
