//! A gate with nothing behind it: what the policies would say, without asking the store anything.

use std::sync::{Arc, Mutex, PoisonError};

use longshore_policy::Foresight;

use crate::Store;
use crate::access::Access;
use crate::error::{StoreError, code};
use crate::gate::Certainty;
use crate::request::Request;
use crate::response::Response;

/// What the policies would say about one access.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// The access, with the condition keys that are known.
    pub access: Access,
    /// Whether the request is known in full, but for the tags that its objects have.
    pub certainty: Certainty,
    /// What can be said.
    pub foresight: Foresight,
}

/// What a rehearsing gate was asked, in order. Grows until it is [taken](Journal::take): take it after each task. Cloning
/// shares it.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<Foreseen>>>);

impl Journal {
    /// Everything since the last time.
    pub fn take(&self) -> Vec<Foreseen> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn note(&self, foreseen: Foreseen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(foreseen);
    }
}

/// Where nothing can be sent.
pub(crate) struct Nowhere;

#[async_trait::async_trait]
impl Store for Nowhere {
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        let message = format!("a rehearsal sends nothing, not even {}", request.name());
        Err(StoreError::new(code::INVALID_REQUEST, message))
    }
}
