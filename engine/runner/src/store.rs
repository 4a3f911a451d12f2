//! Connects to a store of the engine configuration.

use longshore_job::config::Credentials;
use longshore_job::{EngineConfig, JobSpec};
use longshore_store::{CredentialsSource, RateLimits, S3Store, StoreConfig};

use crate::error::JobFailure;

/// Connects to store `name`. Nothing is sent yet.
///
/// # Errors
/// If there is no such store, or its credentials cannot be found.
pub async fn connect(config: &EngineConfig, name: &str) -> Result<S3Store, JobFailure> {
    let settings = settings(config, name)?;
    S3Store::connect(settings).await.map_err(|error| JobFailure::new("StoreNotUsable", error.to_string()))
}

/// Region that requests to store `name` are signed for, and whether they travel over TLS. Nothing is sent to the store.
///
/// # Errors
/// If there is no such store, or its region cannot be found.
pub async fn surroundings(config: &EngineConfig, name: &str) -> Result<(String, bool), JobFailure> {
    let found = settings(config, name)?.surroundings().await;
    found.map_err(|error| JobFailure::new("StoreNotUsable", error.to_string()))
}

fn settings(config: &EngineConfig, name: &str) -> Result<StoreConfig, JobFailure> {
    let store = config
        .stores
        .get(name)
        .ok_or_else(|| JobFailure::new("StoreNotUsable", format!("longshore.toml has no store {name}")))?;
    Ok(StoreConfig {
        name: name.to_owned(),
        endpoint: store.endpoint.clone(),
        region: store.region.clone(),
        path_style: store.path_style,
        credentials: credentials(&store.credentials),
        request_timeout: store.request_timeout,
        rate: RateLimits { requests_per_second: store.requests_per_second, ..RateLimits::default() },
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
    store.check_reachable(None).await.map_err(|error| JobFailure::new("StoreNotUsable", error.to_string()))
}
