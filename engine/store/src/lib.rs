//! The only crate that talks S3, and calls the endpoints that tasks may use beside it: requests, errors, retries, rate control, and the policy gate in front.
//!
//! A request is a value ([`Request`]). Everything between an operation and the network implements one method,
//! [`Store::send`], so layers stack: [`Gate`] asks the role's policies, [`Retrying`] retries and controls the rate,
//! [`S3Store`] signs and sends. The accesses that policies are asked about are derived from the very value that is
//! sent ([`Request::accesses`]), so policy and request cannot drift apart.

mod access;
mod client;
mod copying;
mod digest;
mod digesting;
mod endpoint;
mod error;
mod gate;
mod mandate;
mod names;
mod rate;
mod reach;
mod rehearsal;
mod request;
mod response;
mod retry;
pub mod testing;
pub mod transfer;
mod uploading;

pub use access::{Access, Subject};
pub use client::{CredentialsSource, S3Store, StoreConfig};
pub use copying::{BegunUpload, UploadLedger};
pub use digest::{ChecksumAlgorithm, DigestSoFar};
pub use endpoint::{Batching, EndpointConfig, EndpointKind, Endpoints};
pub use error::{StoreError, code};
pub use gate::{Certainty, Gate, GateConfig, TaskGate};
pub use mandate::Mandate;
pub use rate::{Pace, RateLimits};
pub use reach::{Progress, Reach};
pub use rehearsal::{Foreseen, Journal};
pub use request::*;
pub use response::{
    Acl, ListPage, ListedObject, ListedUpload, ListedVersion, MAX_BODY_BYTES, PartPage, Response, Restore,
    UploadPage, VersionPage,
};
pub use retry::{RetryPolicy, Retrying};
pub use uploading::BegunUploads;

/// Something that answers S3 requests: a server, or a layer in front of one.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// Sends one request and returns the answer, whole.
    ///
    /// # Errors
    /// If the store refused or failed the request, or could not be asked. A request that ended without an answer may
    /// have taken effect: see [`StoreError::is_lost_answer`].
    async fn send(&self, request: &Request) -> Result<Response, StoreError>;
}

#[async_trait::async_trait]
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        (**self).send(request).await
    }
}
