//! The engine configuration, `longshore.toml`: stores, roles, policies, data directory.

mod endpoint;
mod file;
mod notify;
mod plugins;
mod resolve;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde::Serialize;

pub use self::endpoint::{EndpointConfig, EndpointWay};
pub use self::notify::{NotifyConfig, NotifyWay, signing_key};
pub use self::plugins::{PluginIsolation, PluginsConfig};
use crate::declare::{Declaration, Problems, Variables, schema};
use crate::secret::Secret;
use crate::spec::RateSpec;

/// Name of the engine configuration file.
pub const CONFIG_FILE: &str = "longshore.toml";

/// The engine configuration. Paths are as the file writes them; [`EngineConfig::path`] resolves one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EngineConfig {
    /// The directory of the file, against which its paths are resolved.
    pub directory: PathBuf,
    /// Where queue and locks are.
    pub data_directory: String,
    /// Where the rows of jobs under way are; `None` means in the data directory.
    pub spool: Option<SpoolConfig>,
    /// Bounds of the engine itself.
    pub engine: EngineLimits,
    /// How plugins run that do not ship with the engine, and whose signatures are trusted.
    pub plugins: PluginsConfig,
    /// How long jobs are kept.
    pub retention: Retention,
    /// How long running tasks may go on once the engine is asked to stop.
    pub drain: Duration,
    /// Where metrics are shown.
    pub metrics: MetricsConfig,
    /// Who is told of what happens to jobs.
    pub notify: Vec<NotifyConfig>,
    /// S3 endpoints by name.
    pub stores: BTreeMap<String, StoreConfig>,
    /// What tasks may call beside the stores, by name.
    pub endpoints: BTreeMap<String, EndpointConfig>,
    /// Roles by name.
    pub roles: BTreeMap<String, RoleConfig>,
    /// Policy files that bound every role (type: service control policy). Empty if there is no guard.
    pub guard: Vec<String>,
    /// Resource policy file by bucket name.
    pub bucket_policies: BTreeMap<String, String>,
}

/// Bounds of the engine itself, over all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EngineLimits {
    /// Most jobs that run tasks at once, and most that read their manifests meanwhile. Each that runs holds its open chunks
    /// in memory.
    pub active_jobs: u32,
    /// Most tasks that run at once. Each holds an instance of its operation.
    pub concurrency: u32,
    /// Requests and bytes per second.
    pub rate: RateSpec,
}

/// How long jobs are kept; `None` means for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// A job that waits for a confirmation fails after this time.
    pub suspended: Option<SignedDuration>,
    /// A job that has ended is deleted after this time.
    pub finished: Option<SignedDuration>,
}

/// Where `longshore start` shows metrics and health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MetricsConfig {
    /// Address to listen at; `None` means not at all.
    pub listen: Option<SocketAddr>,
    /// Whether the address may be one that other machines reach.
    pub allow_remote: bool,
}

impl MetricsConfig {
    /// Whether `address` may be listened at.
    pub fn allows(&self, address: SocketAddr) -> bool {
        self.allow_remote || address.ip().is_loopback()
    }
}

/// What is said about an address that other machines reach.
pub const REMOTE_ADDRESS: &str = "is not an address of this machine alone; if other machines are to see the metrics, write `allow-remote = true` under [metrics]";

/// Where the rows of jobs under way are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpoolConfig {
    /// A directory, which holds all of the jobs' folders.
    Directory(String),
    /// A bucket. What else the folders hold stays in the data directory.
    Bucket {
        /// Name of its store.
        store: String,
        /// Its name.
        bucket: String,
        /// What the keys of its objects begin with: empty, or ending in `/`.
        prefix: String,
    },
}

/// An S3 endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoreConfig {
    /// URL with scheme `http` or `https`; `None` means Amazon S3 in `region`.
    pub endpoint: Option<String>,
    /// Region that requests are signed for; `None` leaves it to the environment.
    pub region: Option<String>,
    /// Whether the bucket is in the path (`true`) or in the host name.
    pub path_style: bool,
    /// Where credentials come from.
    pub credentials: Credentials,
    /// Time one attempt of a request may take, from the first byte sent to the last one read.
    pub request_timeout: Duration,
    /// Most requests in flight at once; `None` means no bound but the engine's concurrency.
    pub concurrency: Option<u32>,
    /// Requests and bytes per second, over all jobs.
    pub rate: RateSpec,
    /// Whether deletions that wait for each other go together, as DeleteObjects.
    pub batch_deletes: bool,
    /// Whether the bodies of uploads are signed also where a Content-MD5 lets the store check them.
    pub sign_bodies: bool,
    /// Whether the store has UpdateObjectEncryption; `None` means that Amazon S3 has it and others have not.
    pub update_encryption: Option<bool>,
}

/// Where the credentials of a store come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum Credentials {
    /// The AWS SDK's own chain: environment, profiles, web identity, container, instance.
    DefaultChain,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`.
    Environment,
    /// A profile of the shared AWS configuration files.
    Profile {
        /// Its name.
        name: String,
    },
    /// A web identity token file (`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`).
    WebIdentity,
    /// Written in the configuration, normally as `${ENV}` references.
    #[serde(rename_all = "kebab-case")]
    Static {
        /// Access key ID.
        access_key_id: String,
        /// Secret access key.
        secret_access_key: Secret,
        /// Session token of temporary credentials.
        session_token: Option<Secret>,
    },
}

impl Credentials {
    /// The secrets that they hold.
    fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Static { secret_access_key, session_token, .. } => {
                std::iter::once(secret_access_key).chain(session_token).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A role: under which policies a job runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleConfig {
    /// AWS account number, 12 digits, in the role's ARN.
    pub account: String,
    /// Store of jobs that run under this role and name none.
    pub store: Option<String>,
    /// Identity policy files; what none of them allows is refused.
    pub policies: Vec<String>,
    /// Permissions boundary files. Empty if there is no boundary.
    pub boundary: Vec<String>,
    /// Session policy files. Empty if there is no session policy.
    pub session: Vec<String>,
}

impl EngineConfig {
    /// Whether two names are of one store: the same name, or the same endpoint, region and credentials. With another region or
    /// other credentials a store does not copy from its own objects alone, so there the engine does.
    pub fn is_same_store(&self, one: &str, other: &str) -> bool {
        let place = |name: &str| {
            let store = self.stores.get(name)?;
            let endpoint =
                store.endpoint.as_deref().map(|url| url.trim_end_matches('/').to_ascii_lowercase());
            Some((endpoint, &store.region, &store.credentials))
        };
        one == other || place(one).is_some_and(|place_of_one| Some(place_of_one) == place(other))
    }

    /// Reads `longshore.toml`. `file` is its path as messages show it; the paths in it are relative to that file's
    /// directory. `variable` looks up an environment variable for `${NAME}`.
    ///
    /// # Errors
    /// Every problem of the file.
    pub fn parse(
        source: &str,
        file: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Problems> {
        let variables = Variables { lookup: variable, refuse: |_| None };
        let mut declaration = Declaration::read(source, file, variables);
        declaration.check(&schema::of::<file::ConfigFile>(TITLE), "");
        let directory = Path::new(file).parent().unwrap_or(Path::new(""));
        let config = declaration.get().and_then(|form| resolve::resolve(form, directory, &mut declaration));
        declaration.finish(config)
    }

    /// The secrets that the file holds or refers to.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let of_stores = self.stores.values().flat_map(|store| store.credentials.secrets());
        let of_endpoints = self.endpoints.values().flat_map(|endpoint| endpoint.way.secrets());
        let of_targets = self.notify.iter().filter_map(|target| match &target.way {
            NotifyWay::Webhook { secret, .. } => Some(secret),
            NotifyWay::Command(_) => None,
        });
        of_stores.chain(of_endpoints).chain(of_targets)
    }

    /// A path of this file, resolved against the file's directory.
    pub fn path(&self, written: impl AsRef<Path>) -> PathBuf {
        self.directory.join(written)
    }

    /// The data directory, resolved.
    pub fn data_path(&self) -> PathBuf {
        self.path(&self.data_directory)
    }

    /// The directory of the jobs' folders, resolved.
    pub fn spool_path(&self) -> PathBuf {
        match &self.spool {
            Some(SpoolConfig::Directory(path)) => self.path(path),
            Some(SpoolConfig::Bucket { .. }) | None => self.data_path().join("spools"),
        }
    }
}

/// Title of the JSON Schema.
const TITLE: &str = "Longshore engine configuration";

/// JSON Schema (2020-12) of `longshore.toml`, for editors.
pub fn config_schema() -> serde_json::Value {
    schema::with_references(schema::of::<file::ConfigFile>(TITLE))
}
