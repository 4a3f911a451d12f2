//! The client of one S3 endpoint.

use std::fmt;
use std::time::Duration;

use crate::Store;
use crate::error::{StoreError, code};
use crate::rate::RateLimits;
use crate::request::Request;
use crate::response::Response;
use crate::retry::{RetryPolicy, Retrying};

/// An S3 endpoint and how to use it.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// What messages call it.
    pub name: String,
    /// URL with scheme `http` or `https`; `None` means Amazon S3 in `region`.
    pub endpoint: Option<String>,
    /// Region that requests are signed for. `None` leaves it to the environment and the profile; if these say nothing
    /// either, it is `us-east-1` for an `endpoint` and an error for Amazon S3.
    pub region: Option<String>,
    /// Whether the bucket is in the path (most S3-compatible stores) or in the host name (Amazon S3).
    pub path_style: bool,
    /// Where credentials come from.
    pub credentials: CredentialsSource,
    /// Most time for a connection to be made. Default 5 s.
    pub connect_timeout: Duration,
    /// Most time for one attempt of a request, from connecting to the last byte of the answer. Default 60 s: a
    /// CopyObject of 5 GB takes that long on some stores. Transfers of whole files are bound by stalling instead.
    pub request_timeout: Duration,
    /// Bounds on the requests to this endpoint.
    pub rate: RateLimits,
    /// When requests are retried.
    pub retry: RetryPolicy,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            endpoint: None,
            region: None,
            path_style: false,
            credentials: CredentialsSource::DefaultChain,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            rate: RateLimits::default(),
            retry: RetryPolicy::default(),
        }
    }
}

/// Where the credentials of a store come from.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialsSource {
    /// The AWS SDK's own chain: environment, profiles, web identity, container, instance.
    DefaultChain,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`.
    Environment,
    /// A profile of the shared AWS configuration files.
    Profile(String),
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`.
    WebIdentity,
    /// These.
    Static {
        /// Access key ID.
        access_key_id: String,
        /// Secret access key; not shown by `Debug`.
        secret_access_key: String,
        /// Session token of temporary credentials; not shown by `Debug`.
        session_token: Option<String>,
    },
}

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultChain => f.write_str("DefaultChain"),
            Self::Environment => f.write_str("Environment"),
            Self::Profile(name) => f.debug_tuple("Profile").field(name).finish(),
            Self::WebIdentity => f.write_str("WebIdentity"),
            Self::Static { access_key_id, .. } => {
                f.debug_struct("Static").field("access_key_id", access_key_id).finish_non_exhaustive()
            }
        }
    }
}

/// One S3 endpoint: signs and sends, with retries and rate control.
pub struct S3Store {
    region: String,
    secure: bool,
}

impl S3Store {
    /// Makes a client for the endpoint. Sends nothing; see [`S3Store::check_reachable`].
    ///
    /// # Errors
    /// If the endpoint is not a URL, or region or credentials cannot be found.
    pub async fn connect(_config: StoreConfig) -> Result<Self, StoreError> {
        Err(StoreError::new(code::INVALID_REQUEST, "connecting is not built yet"))
    }

    /// Sends one cheap signed request and explains its failure: HeadBucket of `bucket`, or ListBuckets.
    ///
    /// # Errors
    /// If the endpoint cannot be reached, the credentials are not accepted, the clocks differ, the region is wrong or
    /// there is no such bucket.
    pub async fn check_reachable(&self, _bucket: Option<&str>) -> Result<(), StoreError> {
        Err(StoreError::new(code::INVALID_REQUEST, "connecting is not built yet"))
    }

    /// Region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whether requests travel over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

#[async_trait::async_trait]
impl Store for S3Store {
    async fn send(&self, _request: &Request) -> Result<Response, StoreError> {
        Err(StoreError::new(code::INVALID_REQUEST, "sending is not built yet"))
    }
}
