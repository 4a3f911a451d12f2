//! What a task may call beside the store: the endpoints that the operator named.
//!
//! An operation knows an endpoint by its name alone. Where it is, how requests to it are signed and which permission a call
//! needs is the configuration's.

mod client;
mod function;
mod signer;
#[cfg(test)]
mod tests;
mod together;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_policy::Context;

use self::client::Client;
pub use self::together::Batching;
use self::together::Together;
use crate::Store as _;
use crate::access::{Access, Subject};
use crate::client::CredentialsSource;
use crate::error::{StoreError, code};
use crate::names;
use crate::rate::RateLimits;
use crate::request::{InvokeEndpoint, Request};
use crate::response::Response;
use crate::retry::{RetryPolicy, Retrying};

/// An endpoint and how to use it.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// What job files and messages call it.
    pub name: String,
    /// What it speaks.
    pub kind: EndpointKind,
    /// Most time for one attempt, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Most bytes of an answer: each call under way may hold so many.
    pub answer_bytes: usize,
    /// Bounds on the calls; several that go together are one.
    pub rate: RateLimits,
    /// How calls go together; `None` if each goes alone.
    pub batching: Option<Batching>,
}

/// What an endpoint speaks.
#[derive(Clone)]
pub enum EndpointKind {
    /// The Invoke API of AWS Lambda, version 2015-03-31.
    Lambda {
        /// ARN of the function, perhaps with a version or alias.
        function: String,
        /// Server that speaks the API; `None` means Amazon's in the ARN's region.
        url: Option<String>,
        /// Whose signature calls carry; `None` means none.
        credentials: Option<CredentialsSource>,
    },
    /// A plain POST.
    Webhook {
        /// Where to.
        url: String,
        /// Further headers; not shown by `Debug`.
        headers: Vec<(String, String)>,
        /// Key of a signature as Standard Webhooks has it; not shown by `Debug`.
        key: Option<Vec<u8>>,
    },
}

impl fmt::Debug for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lambda { function, .. } => f.debug_tuple("Lambda").field(function).finish(),
            // A webhook's URL is often a secret itself.
            Self::Webhook { .. } => f.write_str("Webhook"),
        }
    }
}

/// The endpoints that tasks may call, by name. Cloning shares them.
#[derive(Clone, Default)]
pub struct Endpoints(Arc<BTreeMap<String, Endpoint>>);

struct Endpoint {
    /// The permission that a call needs.
    access: Access,
    calls: Arc<Retrying<Client>>,
    /// Where calls meet that go together; `None` if each goes alone.
    together: Option<Arc<Together>>,
}

impl Endpoints {
    /// Nothing is sent, and nothing looked up, before the first call.
    ///
    /// # Errors
    /// If a function's ARN is none.
    pub fn new(configs: Vec<EndpointConfig>) -> Result<Self, StoreError> {
        let endpoint = |config: EndpointConfig| {
            let (name, rate) = (config.name.clone(), config.rate);
            let together = config.batching.map(|batching| Arc::new(Together::new(batching)));
            let client = Client::new(config)?;
            let access = access(&name, &client);
            let calls = Arc::new(Retrying::new(client, RetryPolicy::default(), rate));
            Ok((name, Endpoint { access, calls, together }))
        };
        configs.into_iter().map(endpoint).collect::<Result<_, StoreError>>().map(|all| Self(Arc::new(all)))
    }

    /// The same endpoints for somebody whose calls are retried otherwise, and go together with no other's: connections and limits
    /// are shared.
    #[must_use]
    pub fn with_retries(&self, policy: &RetryPolicy) -> Self {
        let with = |(name, endpoint): (&String, &Endpoint)| {
            let calls = Arc::new(endpoint.calls.with_policy(policy.clone()));
            let together = endpoint.together.as_ref().map(|other| Arc::new(Together::new(other.batching)));
            (name.clone(), Endpoint { access: endpoint.access.clone(), calls, together })
        };
        Self(Arc::new(self.0.iter().map(with).collect()))
    }

    /// The permission that `call` needs.
    ///
    /// # Errors
    /// If there is no such endpoint.
    pub(crate) fn access(&self, call: &InvokeEndpoint) -> Result<Access, StoreError> {
        self.get(call).map(|endpoint| endpoint.access.clone())
    }

    /// Makes a call, with retries.
    ///
    /// # Errors
    /// If there is no such endpoint, or it did not answer as it should.
    pub(crate) async fn invoke(&self, call: &InvokeEndpoint) -> Result<Response, StoreError> {
        let Endpoint { calls, together, .. } = self.get(call)?;
        match together {
            Some(together) => together.send(calls, call).await,
            None => calls.send(&Request::InvokeEndpoint(call.clone())).await,
        }
    }

    fn get(&self, call: &InvokeEndpoint) -> Result<&Endpoint, StoreError> {
        let name = call.endpoint.as_str();
        self.0.get(name).ok_or_else(|| {
            StoreError::new(
                code::INVALID_REQUEST,
                format!("longshore.toml has no endpoint {}", names::shown(name)),
            )
        })
    }
}

/// A function is asked about as AWS does it, another endpoint by its name. Of the condition keys that every request has, those
/// are here that are not about the store.
fn access(name: &str, client: &Client) -> Access {
    let mut context = Context::new();
    context.set("aws:SecureTransport", client.is_secure().to_string());
    let (action, resource) = match client.function() {
        Some(function) => {
            context.set("aws:RequestedRegion", function.region.as_str());
            context.set("aws:ResourceAccount", function.account.as_str());
            ("lambda:InvokeFunction", function.arn.clone())
        }
        None => ("longshore:InvokeEndpoint", format!("arn:aws:longshore:::endpoint/{name}")),
    };
    Access { action, resource, subject: Subject::Endpoint, context }
}
