//! Connects to a store of the engine configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_job::config::Credentials;
use longshore_job::spec::RateSpec;
use longshore_job::{EngineConfig, JobSpec};
use longshore_store::{
    CredentialsSource, Endpoints, Pace, RateLimits, Reach, S3Store, StoreConfig, StoreError,
};

use tokio::sync::{Mutex, OnceCell, Semaphore};

use crate::endpoints::endpoints;
use crate::error::{JobFailure, STORE_NOT_USABLE};

/// Requests that may be in flight for commands that send a few (count).
const FEW: u32 = 16;

/// Connects to store `name`, for a few requests. Nothing is sent yet.
///
/// # Errors
/// If there is no such store, or its credentials cannot be found.
pub async fn connect(config: &EngineConfig, name: &str) -> Result<S3Store, JobFailure> {
    connect_for(config, name, FEW).await
}

async fn connect_for(config: &EngineConfig, name: &str, lanes: u32) -> Result<S3Store, JobFailure> {
    let store = S3Store::connect(settings(config, name, lanes)?).await.map_err(unusable)?;
    let bytes_per_second = config.stores.get(name).and_then(|store| store.rate.bytes_per_second);
    Ok(store.at_pace(Arc::new(Pace::new(RateSpec { requests_per_second: None, bytes_per_second }))))
}

/// The stores and endpoints of an engine, each connected once: what bounds the requests to one holds for all jobs together.
pub(crate) struct Stores {
    connected: Mutex<BTreeMap<String, Arc<S3Store>>>,
    endpoints: OnceCell<Endpoints>,
    /// What all stores together may send and receive.
    pace: Arc<Pace>,
    /// Memory for what is copied from one to another.
    buffers: Arc<Semaphore>,
}

impl Stores {
    /// None is connected yet.
    pub(crate) fn new(config: &EngineConfig) -> Self {
        Self {
            connected: Mutex::default(),
            endpoints: OnceCell::new(),
            pace: Arc::new(Pace::new(config.engine.rate)),
            buffers: Reach::buffers(),
        }
    }

    /// The store `name`.
    pub(crate) async fn get(&self, config: &EngineConfig, name: &str) -> Result<Arc<S3Store>, JobFailure> {
        let mut connected = self.connected.lock().await;
        if let Some(store) = connected.get(name) {
            return Ok(Arc::clone(store));
        }
        let store = connect_for(config, name, config.engine.concurrency).await?;
        let store = Arc::new(store.at_pace(Arc::clone(&self.pace)));
        connected.insert(name.to_owned(), Arc::clone(&store));
        Ok(store)
    }

    /// Connects anew the next time: credentials may have been mended.
    pub(crate) async fn forget(&self, name: &str) {
        self.connected.lock().await.remove(name);
    }

    /// What tasks may call beside the stores.
    pub(crate) async fn endpoints(&self, config: &EngineConfig) -> Result<&Endpoints, JobFailure> {
        self.endpoints.get_or_try_init(async || endpoints(config)).await
    }

    /// Memory for what is copied from one to another.
    pub(crate) fn buffers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.buffers)
    }
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

fn settings(config: &EngineConfig, name: &str, lanes: u32) -> Result<StoreConfig, JobFailure> {
    let store = config
        .stores
        .get(name)
        .ok_or_else(|| JobFailure::new(STORE_NOT_USABLE, format!("longshore.toml has no store {name}")))?;
    let lanes = store.concurrency.map_or(lanes, |most| most.min(lanes));
    Ok(StoreConfig {
        name: name.to_owned(),
        endpoint: store.endpoint.clone(),
        region: store.region.clone(),
        path_style: store.path_style,
        credentials: credentials(&store.credentials),
        request_timeout: store.request_timeout,
        rate: rate_limits(lanes, store.rate.requests_per_second),
        batch_deletes: store.batch_deletes,
        sign_bodies: store.sign_bodies,
        update_encryption: store.update_encryption,
        ..StoreConfig::default()
    })
}

/// Retries are bound by the lanes, too: a quarter of one each per second beside those that successes earn, so that a store
/// in trouble gets fewer of them than it gets requests.
pub(crate) fn rate_limits(lanes: u32, requests_per_second: Option<u32>) -> RateLimits {
    RateLimits {
        max_in_flight: lanes,
        requests_per_second,
        retries_per_second: (f64::from(lanes) / 4.0).max(1.0),
        retry_burst: lanes.saturating_mul(2),
        ..RateLimits::default()
    }
}

pub(crate) fn credentials(source: &Credentials) -> CredentialsSource {
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
