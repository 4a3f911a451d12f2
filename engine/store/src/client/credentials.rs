//! Where credentials, region and TLS come from.

use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_s3::config::{Region, SharedHttpClient};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::{CredentialsSource, StoreConfig};
use crate::error::{StoreError, code};

/// Region that S3-compatible stores accept when they have none of their own.
const FALLBACK_REGION: &str = "us-east-1";

/// Whether connections may need the machine's root certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Roots {
    /// They do.
    Native,
    /// Plain HTTP: a machine without certificates must do.
    None,
}

/// An HTTP client that keeps up to `idle` connections to each host.
pub(crate) fn http_client(roots: Roots, idle: usize) -> Result<SharedHttpClient, StoreError> {
    let trust = match roots {
        Roots::Native => TrustStore::default(),
        Roots::None => TrustStore::empty(),
    };
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| StoreError::new(code::INVALID_REQUEST, format!("TLS: {error}")))?;
    Ok(Builder::new()
        .pool_max_idle_per_host(idle)
        .pool_idle_timeout(POOL_IDLE)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https())
}

/// How long an unused connection is kept. Less than the 20 s after which Amazon S3 closes them, so that a request
/// rarely meets a connection that the store is just closing.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// The region to sign for.
pub(super) async fn region(config: &StoreConfig) -> Result<Region, StoreError> {
    if let Some(region) = &config.region {
        return Ok(Region::new(region.clone()));
    }
    let profile = match &config.credentials {
        CredentialsSource::Profile(name) => ProfileFileRegionProvider::builder().profile_name(name).build(),
        _ => ProfileFileRegionProvider::new(),
    };
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile);
    // Only Amazon's own machines know a region of their own; asking elsewhere costs seconds.
    let chain = match config.endpoint {
        Some(_) => chain.or_else(Region::from_static(FALLBACK_REGION)),
        None => chain.or_default_provider(),
    };
    chain.region().await.ok_or_else(|| {
        let name = &config.name;
        let message = format!(
            "store \"{name}\": no region: set `region` in [store.{name}] of longshore.toml, or AWS_REGION"
        );
        StoreError::new(code::INVALID_REQUEST, message)
    })
}

/// The provider of credentials for `what`, asked once so that missing ones are noticed at once.
pub(crate) async fn provider(
    what: &str,
    source: &CredentialsSource,
    region: &Region,
    http: SharedHttpClient,
) -> Result<SharedCredentialsProvider, StoreError> {
    let context =
        ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(http.clone());
    let (provider, place) = match source {
        CredentialsSource::Static { access_key_id, secret_access_key, session_token } => {
            let (id, secret) = (access_key_id.as_str(), secret_access_key.as_str());
            let credentials = Credentials::new(id, secret, session_token.clone(), None, "longshore.toml");
            return Ok(SharedCredentialsProvider::new(credentials));
        }
        CredentialsSource::Environment => (
            SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()),
            "the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)".to_owned(),
        ),
        CredentialsSource::Profile(name) => (
            SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder().configure(&context).profile_name(name).build(),
            ),
            format!("profile \"{name}\" of the shared AWS configuration files"),
        ),
        CredentialsSource::WebIdentity => (
            SharedCredentialsProvider::new(
                WebIdentityTokenCredentialsProvider::builder().configure(&context).build(),
            ),
            "the web identity token (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN)".to_owned(),
        ),
        CredentialsSource::DefaultChain => {
            let chain = aws_config::default_provider::credentials::DefaultCredentialsChain::builder();
            (
                SharedCredentialsProvider::new(chain.configure(context).region(region.clone()).build().await),
                "the AWS SDK's default chain (environment, profile, web identity, container, instance)"
                    .to_owned(),
            )
        }
    };
    let found = provider.provide_credentials().await;
    found.map(|_| provider).map_err(|error| {
        let message = format!("{what}: no credentials from {place}: {}", cause(&error));
        StoreError::new(code::CREDENTIALS_ERROR, message)
    })
}

/// Why there are none.
pub(crate) fn cause(error: &CredentialsError) -> String {
    super::errors::root_cause(error)
}
