//! Everything a job names, found: operation, role, store.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::{EngineConfig, JobSpec};
use longshore_plugin::{Isolation, Plugin};
use longshore_store::{Gate, GateConfig, S3Store, Store};

use crate::catalog::Catalog;
use crate::error::JobFailure;
use crate::{roles, store};

/// A store behind a role's policies. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Access {
    pub store: Arc<S3Store>,
    pub gate: Gate,
    /// SHA-256 of the role's policies.
    pub policy_digest: String,
}

impl Access {
    /// Finds role and store. `session` is the session name of the role.
    pub(crate) async fn find(
        config: &EngineConfig,
        role_name: &str,
        store_name: &str,
        session: &str,
    ) -> Result<Self, JobFailure> {
        let role = roles::load_role(config, role_name)
            .map_err(|findings| JobFailure::new("RoleNotUsable", findings.join("\n")))?;
        let store = Arc::new(store::connect(config, store_name).await?);
        let gate = Gate::new(
            Arc::clone(&store) as Arc<dyn Store>,
            GateConfig {
                role: role_name.to_owned(),
                account: role.account,
                bucket_owner: None,
                session: session.to_owned(),
                policies: Arc::new(role.policies),
                region: store.region().to_owned(),
                secure_transport: store.is_secure(),
                clock: Arc::new(Timestamp::now),
            },
        );
        Ok(Self { store, gate, policy_digest: role.digest })
    }
}

/// What a job was resolved to. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Resolved {
    pub plugin: Plugin,
    pub isolation: Isolation,
    pub store: Arc<S3Store>,
    /// The store behind the role's policies.
    pub gate: Gate,
    /// SHA-256 of the role's policies.
    pub policy_digest: String,
}

impl Resolved {
    /// Finds what `spec` names. `session` is the session name of the role: the job's ID.
    pub(crate) async fn find(
        config: &EngineConfig,
        catalog: &Catalog,
        spec: &JobSpec,
        plugin_digest: &str,
        session: &str,
    ) -> Result<Self, JobFailure> {
        let (plugin, isolation) = catalog.load_checked(&spec.operation, plugin_digest).await?;
        let Access { store, gate, policy_digest } =
            Access::find(config, &spec.role, &spec.store, session).await?;
        Ok(Self { plugin, isolation, store, gate, policy_digest })
    }

    /// Its store behind its role.
    pub(crate) fn access(&self) -> Access {
        let Self { store, gate, policy_digest, .. } = self.clone();
        Access { store, gate, policy_digest }
    }
}
