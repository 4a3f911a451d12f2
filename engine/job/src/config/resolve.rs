//! From the form of `longshore.toml` to the configuration that the engine works with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::file::{
    ConfigFile, CredentialsSection, EngineSection, MetricsSection, RetentionSection, RoleSection,
    SpoolSection, StoreSection,
};
use super::{
    Credentials, EngineConfig, EngineLimits, MetricsConfig, REMOTE_ADDRESS, Retention, RoleConfig,
    SpoolConfig, StoreConfig, endpoint, notify, plugins,
};
use crate::declare::{Declaration, duration, pointer, rate, suggest};
use crate::secret::Secret;

/// Longest prefix of a spool in a bucket, in bytes: keys have at most 1,024, and the engine's part of one needs a hundred.
const MAX_PREFIX_BYTES: usize = 512;

/// Bounds of `request-timeout`: below, healthy servers look dead; above, a dead one holds a lane for hours.
const REQUEST_TIMEOUT_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// Least time that jobs are kept.
const LEAST_KEPT: SignedDuration = SignedDuration::from_secs(1);
/// Bounds of `drain`: with none the engine stops at once, above an hour nobody takes it for stopping.
const DRAIN_BOUNDS: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(3600));

/// Resolves a file, adding what is wrong with it to `declaration`.
pub(super) fn resolve(
    file: ConfigFile,
    directory: &Path,
    declaration: &mut Declaration<'_>,
) -> Option<EngineConfig> {
    let names: Vec<String> = file.store.keys().cloned().collect();
    let stores: BTreeMap<_, _> = file
        .store
        .into_iter()
        .filter_map(|(name, section)| {
            let store = store(section, &pointer::join("/store", &name), declaration)?;
            Some((name, store))
        })
        .collect();
    let roles: BTreeMap<_, _> = file
        .role
        .into_iter()
        .filter_map(|(name, section)| {
            let role = role(section, &pointer::join("/role", &name), &names, declaration)?;
            Some((name, role))
        })
        .collect();
    let spool = match file.spool {
        Some(section) => Some(spool(section, &names, declaration)?),
        None => None,
    };
    let engine = engine(&file.engine, declaration);
    let endpoints: BTreeMap<_, _> = file
        .endpoint
        .into_iter()
        .filter_map(|(name, section)| {
            let endpoint = endpoint::endpoint(section, &pointer::join("/endpoint", &name), declaration)?;
            Some((name, endpoint))
        })
        .collect();
    let plugins = plugins::resolve(&file.plugins, declaration);
    let retention = retention(&file.retention, declaration);
    let drain = duration::read(&file.drain, "/drain", DRAIN_BOUNDS, declaration);
    let metrics = metrics(file.metrics, declaration);
    let notify = notify::resolve(file.notify, declaration);
    Some(EngineConfig {
        metrics: metrics?,
        notify: notify?,
        directory: directory.to_owned(),
        data_directory: file.data_directory,
        spool,
        engine: engine?,
        plugins: plugins?,
        retention: retention?,
        drain: drain?,
        stores,
        endpoints,
        roles,
        guard: match file.guard {
            Some(guard) => guard.policies?,
            None => Vec::new(),
        },
        bucket_policies: file.bucket_policy,
    })
}

fn spool(section: SpoolSection, stores: &[String], declaration: &mut Declaration<'_>) -> Option<SpoolConfig> {
    let location = section.location?;
    let Some(rest) = location.strip_prefix("s3://") else {
        if location.contains("://") {
            let help = "write s3://bucket/prefix, or a path relative to this file".to_owned();
            declaration.problem_at_value(
                "/spool/location",
                format!("{:?} is not a place that the engine can reach", pointer::shortened(&location)),
                Some(help),
            );
        }
        if section.store.is_some() {
            let help = "leave it out, or write the location as s3://bucket/prefix".to_owned();
            declaration.problem_at_value("/spool/store", "a directory is in no store", Some(help));
        }
        return Some(SpoolConfig::Directory(location));
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let problem = match prefix.len() {
        _ if bucket.is_empty() => Some(format!("{:?} names no bucket", pointer::shortened(&location))),
        bytes if bytes > MAX_PREFIX_BYTES => {
            Some(format!("the prefix has {bytes} bytes, at most {MAX_PREFIX_BYTES} are allowed"))
        }
        _ => None,
    };
    if let Some(problem) = problem {
        declaration.problem_at_value("/spool/location", problem, Some("write s3://bucket/prefix".to_owned()));
    }
    Some(SpoolConfig::Bucket {
        store: spool_store(section.store, stores, declaration)?,
        bucket: bucket.to_owned(),
        prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
    })
}

/// The store of a spool in a bucket: the one that is named, or the only one.
fn spool_store(
    named: Option<String>,
    stores: &[String],
    declaration: &mut Declaration<'_>,
) -> Option<String> {
    match (named, stores) {
        (Some(store), _) => {
            known_store(&store, "/spool/store", stores, declaration);
            Some(store)
        }
        (None, [only]) => Some(only.clone()),
        (None, _) => {
            let message = "a spool in a bucket needs a \"store\", unless there is only one";
            let help = suggest::known(stores.iter().map(String::as_str), "known stores")
                .unwrap_or_else(|| "declare one: [store.main]".to_owned());
            declaration.problem_at_value("/spool/location", message, Some(help));
            None
        }
    }
}

/// Says that there is no such store.
fn known_store(store: &str, at: &str, stores: &[String], declaration: &mut Declaration<'_>) {
    if stores.iter().any(|known| known == store) {
        return;
    }
    let help = suggest::help(store, stores.iter().map(String::as_str), "known stores")
        .unwrap_or_else(|| format!("declare it: [store.{}]", pointer::toml_key(store)));
    declaration.problem_at_value(at, format!("unknown store {:?}", pointer::shortened(store)), Some(help));
}

fn store(section: StoreSection, at: &str, declaration: &mut Declaration<'_>) -> Option<StoreConfig> {
    let timeout = pointer::join(at, "request-timeout");
    let request_timeout =
        duration::read(&section.request_timeout, &timeout, REQUEST_TIMEOUT_BOUNDS, declaration);
    let rate = rate::read(section.requests_per_second, section.bytes_per_second.as_ref(), at, declaration);
    Some(StoreConfig {
        endpoint: section.endpoint,
        region: section.region,
        path_style: section.path_style,
        credentials: credentials(section.credentials),
        request_timeout: request_timeout?,
        concurrency: section.concurrency,
        rate: rate?,
        batch_deletes: section.batch_deletes,
        sign_bodies: section.sign_bodies,
        update_encryption: section.update_encryption,
    })
}

fn engine(section: &EngineSection, declaration: &mut Declaration<'_>) -> Option<EngineLimits> {
    let bytes = section.bytes_per_second.as_ref();
    let rate = rate::read(section.requests_per_second, bytes, "/engine", declaration)?;
    Some(EngineLimits { active_jobs: section.active_jobs, concurrency: section.concurrency, rate })
}

fn metrics(section: Option<MetricsSection>, declaration: &mut Declaration<'_>) -> Option<MetricsConfig> {
    const AT: &str = "/metrics/listen";
    let Some(section) = section else { return Some(MetricsConfig::default()) };
    let mut config = MetricsConfig { listen: None, allow_remote: section.allow_remote };
    let Some(text) = section.listen else { return Some(config) };
    let Ok(address) = text.parse::<SocketAddr>() else {
        let help = "write an address and a port: \"127.0.0.1:9464\", \"[::1]:9464\"".to_owned();
        declaration.problem_at_value(AT, "\"listen\" is not an address with a port", Some(help));
        return None;
    };
    if !config.allows(address) {
        declaration.problem_at_value(AT, format!("{address} {REMOTE_ADDRESS}"), None);
        return None;
    }
    config.listen = Some(address);
    Some(config)
}

fn retention(section: &RetentionSection, declaration: &mut Declaration<'_>) -> Option<Retention> {
    let suspended = kept(&section.suspended, "suspended", declaration);
    let finished = kept(&section.finished, "finished", declaration);
    Some(Retention { suspended: suspended?, finished: finished? })
}

/// How long jobs are kept. Days have 24 hours.
#[allow(clippy::option_option, reason = "outside: whether it could be read; inside: whether there is an end")]
fn kept(text: &str, key: &str, declaration: &mut Declaration<'_>) -> Option<Option<SignedDuration>> {
    if text == "never" {
        return Some(None);
    }
    let span = text.parse::<Span>().ok();
    let time = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    if let Some(time) = time.filter(|time| *time >= LEAST_KEPT) {
        return Some(Some(time));
    }
    let help = "write a number and a unit, at least 1s: \"30d\", \"12h\"; or \"never\"".to_owned();
    let message = format!("\"{key}\" is no time that jobs can be kept");
    declaration.problem_at_value(&pointer::join("/retention", key), message, Some(help));
    None
}

pub(super) fn credentials(section: CredentialsSection) -> Credentials {
    match section {
        CredentialsSection::DefaultChain => Credentials::DefaultChain,
        CredentialsSection::Environment => Credentials::Environment,
        CredentialsSection::Profile { name } => Credentials::Profile { name },
        CredentialsSection::WebIdentity => Credentials::WebIdentity,
        CredentialsSection::Static { access_key_id, secret_access_key, session_token } => {
            Credentials::Static {
                access_key_id,
                secret_access_key: Secret::new(secret_access_key),
                session_token: session_token.map(Secret::new),
            }
        }
    }
}

fn role(
    section: RoleSection,
    at: &str,
    stores: &[String],
    declaration: &mut Declaration<'_>,
) -> Option<RoleConfig> {
    if let Some(store) = &section.store {
        known_store(store, &pointer::join(at, "store"), stores, declaration);
    }
    Some(RoleConfig {
        account: section.account?,
        store: section.store,
        policies: section.policies?,
        boundary: section.boundary,
        session: section.session,
    })
}
