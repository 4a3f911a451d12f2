//! Connects to a store of the engine configuration.

use longshore_job::config::Credentials;
use longshore_job::spec::RetrySpec;
use longshore_job::{EngineConfig, JobSpec};
use longshore_store::{CredentialsSource, RateLimits, S3Store, StoreConfig, StoreError};

use crate::error::{JobFailure, STORE_NOT_USABLE};

/// Requests that may be in flight for commands that send a few (count).
const FEW: u32 = 16;

/// Connects to store `name`, for a few requests. Nothing is sent yet.
///
/// # Errors
/// If there is no such store, or its credentials cannot be found.
pub async fn connect(config: &EngineConfig, name: &str) -> Result<S3Store, JobFailure> {
    connect_for(config, name, FEW, &RetrySpec::default()).await
}

/// Connects to store `name`, for `lanes` requests at once that are sent again as `retry` says.
pub(crate) async fn connect_for(
    config: &EngineConfig,
    name: &str,
    lanes: u32,
    retry: &RetrySpec,
) -> Result<S3Store, JobFailure> {
    let settings = StoreConfig { retry: retry.into(), ..settings(config, name, lanes)? };
    S3Store::connect(settings).await.map_err(unusable)
}

/// Region that requests to store `name` are signed for, and whether they travel over TLS. Nothing is sent to the store.
///
/// # Errors
/// If there is no such store, or its region cannot be found.
pub async fn surroundings(config: &EngineConfig, name: &str) -> Result<(String, bool), JobFailure> {
    settings(config, name, FEW)?.surroundings().await.map_err(unusable)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn unusable(error: StoreError) -> JobFailure {
    JobFailure::new(STORE_NOT_USABLE, error.to_string())
}

/// Retries are bound by the lanes, too: a quarter of one each per second beside those that successes earn, so that a store
/// in trouble gets fewer of them than it gets requests.
fn settings(config: &EngineConfig, name: &str, lanes: u32) -> Result<StoreConfig, JobFailure> {
    let store = config
        .stores
        .get(name)
        .ok_or_else(|| JobFailure::new(STORE_NOT_USABLE, format!("longshore.toml has no store {name}")))?;
    Ok(StoreConfig {
        name: name.to_owned(),
        endpoint: store.endpoint.clone(),
        region: store.region.clone(),
        path_style: store.path_style,
        credentials: credentials(&store.credentials),
        request_timeout: store.request_timeout,
        rate: RateLimits {
            max_in_flight: lanes,
            requests_per_second: store.requests_per_second,
            retries_per_second: (f64::from(lanes) / 4.0).max(1.0),
            retry_burst: lanes.saturating_mul(2),
            ..RateLimits::default()
        },
        ..StoreConfig::default()
    })
}

fn credentials(source: &Credentials) -> CredentialsSource {
    match source {
        Credentials::DefaultChain => CredentialsSource::DefaultChain,
        Credentials::Environment => CredentialsSource::Environment,
        Credentials::Profile { name } => CredentialsSource::Profile(name.clone()),
        Credentials::WebIdentity => CredentialsSource::WebIdentity,
        Credentials::Static { access_key_id, secret_access_key, session_token } => {
            CredentialsSource::Static {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.reveal().to_owned(),
                session_token: session_token.as_ref().map(|token| token.reveal().to_owned()),
            }
        }
    }
}

/// Checks that the job's store answers and takes the credentials, before anything of the job starts.
///
/// # Errors
/// Why it does not, in words that say what to correct.
pub async fn check(config: &EngineConfig, spec: &JobSpec) -> Result<(), JobFailure> {
    let store = connect(config, &spec.store).await?;
    store.check_reachable(None).await.map_err(unusable)
}
