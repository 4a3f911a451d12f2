//! The client of one S3 endpoint.

mod answers;
mod calls;
mod computed;
pub(crate) mod credentials;
mod deletions;
mod digesting;
mod errors;
mod kept;
mod measured;
mod multipart;
mod reach;
mod replication;
mod streamed;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};

use self::calls::ReadStatus;
pub(crate) use self::calls::Sdk;
use self::credentials::Roots;
use self::errors::Mapper;
pub(crate) use self::errors::retry_after;
pub(crate) use self::measured::measured;
use crate::Store;
use crate::error::{StoreError, code};
use crate::rate::{Pace, RateLimits};
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
    /// Whether deletions that wait for their turn go together, as DeleteObjects.
    pub batch_deletes: bool,
    /// Whether the signature covers the bodies of uploads also where a Content-MD5, which it covers, lets the store check them.
    pub sign_bodies: bool,
    /// Whether the endpoint has UpdateObjectEncryption; `None` means that Amazon S3 has it and others have not.
    pub update_encryption: Option<bool>,
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
            batch_deletes: false,
            sign_bodies: false,
            update_encryption: None,
            retry: RetryPolicy::default(),
        }
    }
}

impl StoreConfig {
    /// Region that requests are signed for, and whether they travel over TLS. Nothing is sent to the endpoint.
    ///
    /// # Errors
    /// If the endpoint is not a URL, or no region can be found.
    pub async fn surroundings(&self) -> Result<(String, bool), StoreError> {
        let secure = is_secure(self)?;
        Ok((credentials::region(self).await?.to_string(), secure))
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
#[derive(Debug)]
pub struct S3Store {
    retrying: Retrying<Sdk>,
    region: String,
    secure: bool,
}

impl S3Store {
    /// Makes a client for the endpoint. Sends nothing to it; see [`S3Store::check_reachable`]. Credentials that are
    /// not given are looked up, which may ask the services that hand them out.
    ///
    /// # Errors
    /// If the endpoint is not a URL, or region or credentials cannot be found.
    pub async fn connect(config: StoreConfig) -> Result<Self, StoreError> {
        let secure = is_secure(&config)?;
        let region = credentials::region(&config).await?;
        let idle = usize::try_from(config.rate.max_in_flight).unwrap_or(usize::MAX);
        let roots = if secure { Roots::Native } else { Roots::None };
        let http = credentials::http_client(roots, idle)?;
        // Credentials may come from services that speak HTTPS, whatever the store speaks.
        let credentials_http = credentials::http_client(Roots::Native, 1)?;
        let what = format!("store \"{}\"", config.name);
        let provider = credentials::provider(&what, &config.credentials, &region, credentials_http).await?;
        let mut sdk = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .region(region.clone())
            .credentials_provider(provider)
            .force_path_style(config.path_style)
            // `Retrying` is the only retry layer.
            .retry_config(RetryConfig::disabled())
            // Older S3-compatible stores know neither the newer checksum headers nor trailers.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // Attempts are bound as a whole, body included, by `Sdk` and by the transfers.
            .timeout_config(TimeoutConfig::builder().connect_timeout(config.connect_timeout).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .interceptor(ReadStatus);
        sdk.set_endpoint_url(config.endpoint.clone());
        let update_encryption =
            config.update_encryption.unwrap_or_else(|| is_amazon(config.endpoint.as_deref()));
        let place = config.endpoint.unwrap_or_else(|| format!("Amazon S3 in {region}"));
        let sdk = Sdk {
            name: config.name.clone(),
            client: aws_sdk_s3::Client::from_conf(sdk.build()),
            update_encryption,
            mapper: Mapper { store: format!("store \"{}\" ({place})", config.name) },
            request_timeout: config.request_timeout,
            deletions: config.batch_deletes.then(Arc::default),
            sign_bodies: config.sign_bodies,
        };
        let retrying = Retrying::new(sdk, config.retry, config.rate);
        Ok(Self { retrying, region: region.to_string(), secure })
    }

    /// The client behind, and the retries in front of it.
    pub(crate) fn retrying(&self) -> &Retrying<Sdk> {
        &self.retrying
    }

    /// The same endpoint for somebody whose requests are retried otherwise: connections and limits are shared.
    #[must_use]
    pub fn with_retries(&self, policy: RetryPolicy) -> Self {
        let retrying = self.retrying.with_policy(policy);
        Self { retrying, region: self.region.clone(), secure: self.secure }
    }

    /// Its requests and bytes are also under the bounds of `pace`.
    #[must_use]
    pub fn at_pace(self, pace: Arc<Pace>) -> Self {
        Self { retrying: self.retrying.at_pace(pace), ..self }
    }

    /// Whether the store has refused everything as too much since `moment`. Then it is as good as gone.
    pub fn overwhelmed_since(&self, moment: std::time::Instant) -> bool {
        self.retrying.overwhelmed_since(moment.into())
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

/// Whether an endpoint is one of Amazon S3's: none, or a host of `amazonaws.com` or `amazonaws.com.cn`.
fn is_amazon(endpoint: Option<&str>) -> bool {
    let Some(endpoint) = endpoint else { return true };
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|domain| host.ends_with(domain))
}

/// Whether the endpoint speaks TLS.
fn is_secure(config: &StoreConfig) -> Result<bool, StoreError> {
    let Some(endpoint) = &config.endpoint else { return Ok(true) };
    let scheme = endpoint.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    match scheme.as_ref().map(|(scheme, rest)| (scheme.as_str(), rest.is_empty())) {
        Some(("https", false)) => Ok(true),
        Some(("http", false)) => Ok(false),
        _ => {
            let message = format!(
                "store \"{}\": endpoint {endpoint:?} is not a URL: write http:// or https:// and a host",
                config.name
            );
            Err(StoreError::new(code::INVALID_REQUEST, message))
        }
    }
}

#[async_trait::async_trait]
impl Store for S3Store {
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        self.retrying.send(request).await
    }
}

#[cfg(test)]
mod tests;
