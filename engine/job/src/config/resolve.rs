//! From the form of `longshore.toml` to the configuration that the engine works with.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use super::file::{ConfigFile, CredentialsSection, RoleSection, SpoolSection, StoreSection};
use super::{Credentials, EngineConfig, RoleConfig, SpoolConfig, StoreConfig};
use crate::declare::{Declaration, pointer, suggest};
use crate::secret::Secret;

/// Longest prefix of a spool in a bucket, in bytes: keys have at most 1,024, and the engine's part of one needs a hundred.
const MAX_PREFIX_BYTES: usize = 512;

/// Bounds of `request-timeout`: below, healthy servers look dead; above, a dead one holds a lane for hours.
const REQUEST_TIMEOUT_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

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
    Some(EngineConfig {
        directory: directory.to_owned(),
        data_directory: file.data_directory,
        spool,
        stores,
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
    let request_timeout =
        request_timeout(&section.request_timeout, &pointer::join(at, "request-timeout"), declaration);
    Some(StoreConfig {
        endpoint: section.endpoint,
        region: section.region,
        path_style: section.path_style,
        credentials: credentials(section.credentials),
        request_timeout: request_timeout?,
        requests_per_second: section.requests_per_second,
    })
}

fn request_timeout(text: &str, at: &str, declaration: &mut Declaration<'_>) -> Option<Duration> {
    let Some(time) = text.parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok())
    else {
        let help = "write a number and a unit: \"30s\", \"2m\"".to_owned();
        declaration.problem_at_value(at, "\"request-timeout\" is not a duration", Some(help));
        return None;
    };
    let (least, most) = REQUEST_TIMEOUT_BOUNDS;
    if !(least..=most).contains(&time) {
        declaration.problem_at_value(at, "\"request-timeout\" is out of range: 1s to 1h are allowed", None);
        return None;
    }
    Some(time)
}

fn credentials(section: CredentialsSection) -> Credentials {
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
