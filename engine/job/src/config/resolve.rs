//! From the form of `longshore.toml` to the configuration that the engine works with.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::file::{ConfigFile, CredentialsSection, RoleSection, StoreSection};
use super::{Credentials, EngineConfig, EngineLimits, RoleConfig, StoreConfig};
use crate::declare::{Declaration, duration, pointer, suggest};
use crate::secret::Secret;

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
    Some(EngineConfig {
        directory: directory.to_owned(),
        data_directory: file.data_directory,
        spool_directory: file.spool_directory,
        engine: EngineLimits { active_jobs: file.engine.active_jobs, concurrency: file.engine.concurrency },
        stores,
        roles,
        guard: match file.guard {
            Some(guard) => guard.policies?,
            None => Vec::new(),
        },
        bucket_policies: file.bucket_policy,
    })
}

fn store(section: StoreSection, at: &str, declaration: &mut Declaration<'_>) -> Option<StoreConfig> {
    let timeout = pointer::join(at, "request-timeout");
    let request_timeout =
        duration::read(&section.request_timeout, &timeout, REQUEST_TIMEOUT_BOUNDS, declaration);
    Some(StoreConfig {
        endpoint: section.endpoint,
        region: section.region,
        path_style: section.path_style,
        credentials: credentials(section.credentials),
        request_timeout: request_timeout?,
        concurrency: section.concurrency,
        requests_per_second: section.requests_per_second,
    })
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
    if let Some(store) = section.store.as_ref().filter(|store| !stores.contains(store)) {
        let known = stores.iter().map(String::as_str);
        let help = suggest::help(store, known, "known stores")
            .unwrap_or_else(|| format!("declare it: [store.{}]", pointer::toml_key(store)));
        declaration.problem_at_value(
            &pointer::join(at, "store"),
            format!("unknown store {:?}", pointer::shortened(store)),
            Some(help),
        );
    }
    Some(RoleConfig {
        account: section.account?,
        store: section.store,
        policies: section.policies?,
        boundary: section.boundary,
        session: section.session,
    })
}
