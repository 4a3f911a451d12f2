//! Everything a job names, found: operation, role, store.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::{EngineConfig, JobSpec};
use longshore_plugin::{Isolation, Plugin};
use longshore_store::{Gate, GateConfig, S3Store, Store};

use crate::catalog::Catalog;
use crate::error::{JobFailure, ROLE_NOT_USABLE};
use crate::{roles, store};

/// What a job was resolved to. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Resolved {
    pub plugin: Plugin,
    pub isolation: Isolation,
    pub store: Arc<S3Store>,
    /// The store behind the role's policies.
    pub gate: Gate,
    /// What the gate was made of.
    pub gate_config: GateConfig,
    /// SHA-256 of the policies.
    pub policy_digest: String,
    /// What that is the SHA-256 of.
    pub policy_documents: String,
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
        let role = roles::load_role(config, &spec.role, spec.policy.as_ref())
            .map_err(|findings| JobFailure::new(ROLE_NOT_USABLE, findings.join("\n")))?;
        let store = Arc::new(store::connect_for(config, &spec.store, spec.limits.concurrency).await?);
        let gate_config = GateConfig {
            role: spec.role.clone(),
            account: role.account,
            bucket_owner: None,
            session: session.to_owned(),
            policies: Arc::new(role.policies),
            region: store.region().to_owned(),
            secure_transport: store.is_secure(),
            clock: Arc::new(Timestamp::now),
        };
        let gate = Gate::new(Arc::clone(&store) as Arc<dyn Store>, gate_config.clone());
        Ok(Self {
            plugin,
            isolation,
            store,
            gate,
            gate_config,
            policy_digest: role.digest,
            policy_documents: role.documents,
        })
    }
}
