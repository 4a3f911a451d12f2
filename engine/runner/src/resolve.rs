//! Everything a job names, found: operation, role, store.

use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::filter::Matcher;
use longshore_job::spec::{JobPolicy, StepSpec};
use longshore_job::{EngineConfig, JobSpec, ObjectId};
use longshore_plugin::{Isolation, Plugin};
use longshore_policy::PolicySet;
use longshore_store::{
    Certainty, Endpoints, Gate, GateConfig, Pace, Request, Response, S3Store, Store, StoreError,
};

use crate::catalog::Catalog;
use crate::error::{JobFailure, OPERATION_NOT_USABLE, ROLE_NOT_USABLE};
use crate::roles::{self, RoleSnapshot};
use crate::store::{self, Stores};

/// A store, and the role whose policies are asked about what is sent to it. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct RoleOnStore {
    pub store: Arc<S3Store>,
    /// The store behind the role's policies, or a rehearsal's journal.
    pub gate: Gate,
}

impl RoleOnStore {
    /// Finds role and store. `session` is the session name of the role.
    pub(crate) async fn find(
        config: &EngineConfig,
        (role, store): (&str, &str),
        session: &str,
    ) -> Result<Self, JobFailure> {
        let snapshot = snapshot(config, role, None)?;
        let store = Arc::new(store::connect(config, store).await?);
        let gate_config = gate_config(role, snapshot.account, snapshot.policies, session, &store);
        Ok(Self { gate: Gate::new(Arc::clone(&store) as Arc<dyn Store>, gate_config), store })
    }

    /// Asks the role's policies about an object's bucket or the object itself, and sends what they allow; a rehearsal notes
    /// what they say and sends.
    pub(crate) async fn send(
        &self,
        on: ObjectId,
        request: impl Into<Request>,
    ) -> Result<Response, StoreError> {
        let request = request.into();
        self.gate.task(on).check(&request, Certainty::Exact).await?;
        self.store.send(&request).await
    }
}

fn snapshot(
    config: &EngineConfig,
    role: &str,
    policy: Option<&JobPolicy>,
) -> Result<RoleSnapshot, JobFailure> {
    roles::load_role(config, role, policy)
        .map_err(|findings| JobFailure::new(ROLE_NOT_USABLE, findings.join("\n")))
}

fn gate_config(
    role: &str,
    account: String,
    policies: PolicySet,
    session: &str,
    store: &S3Store,
) -> GateConfig {
    GateConfig {
        role: role.to_owned(),
        account,
        bucket_owner: None,
        session: session.to_owned(),
        policies: Arc::new(policies),
        region: store.region().to_owned(),
        secure_transport: store.is_secure(),
        endpoints: Endpoints::default(),
        clock: Arc::new(Timestamp::now),
    }
}

/// What a step of a job was resolved to.
pub(crate) struct ResolvedStep {
    pub plugin: Plugin,
    pub isolation: Isolation,
    /// Which objects it is for, unless for all.
    pub condition: Option<Matcher>,
}

/// What a job was resolved to. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Resolved {
    /// The operations of the steps, in order.
    pub steps: Arc<[ResolvedStep]>,
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

impl ResolvedStep {
    async fn find(
        catalog: &Catalog,
        step: &StepSpec,
        digest: &str,
        submitted: Timestamp,
    ) -> Result<Self, JobFailure> {
        let (plugin, isolation) = catalog.load_checked(&step.operation, digest).await?;
        let condition = match &step.when {
            all if all.is_empty() => None,
            when => Some(when.compile(submitted).map_err(|why| JobFailure::new(OPERATION_NOT_USABLE, why))?),
        };
        Ok(Self { plugin, isolation, condition })
    }
}

impl Resolved {
    /// Finds what `spec` names. `session` is the session name of the role: the job's ID; ages in conditions count back from
    /// `submitted`.
    pub(crate) async fn find(
        config: &EngineConfig,
        (catalog, stores): (&Catalog, &Stores),
        spec: &JobSpec,
        plugin_digests: &[String],
        (session, submitted): (&str, Timestamp),
    ) -> Result<Self, JobFailure> {
        let mut steps = Vec::with_capacity(spec.steps.len());
        for (number, step) in spec.steps.iter().enumerate() {
            let digest = plugin_digests.get(number).map(String::as_str).unwrap_or_default();
            steps.push(ResolvedStep::find(catalog, step, digest, submitted).await?);
        }
        let role = snapshot(config, &spec.role, spec.policy.as_ref())?;
        let store = stores.get(config, &spec.store).await?.with_retries((&spec.retry).into());
        let store = Arc::new(store.at_pace(Arc::new(Pace::new(spec.limits.rate))));
        let endpoints = stores.endpoints(config).await?.with_retries(&(&spec.retry).into());
        let gate_config = gate_config(&spec.role, role.account, role.policies, session, &store);
        let gate_config = GateConfig { endpoints, ..gate_config };
        let gate = Gate::new(Arc::clone(&store) as Arc<dyn Store>, gate_config.clone());
        Ok(Self {
            steps: steps.into(),
            store,
            gate,
            gate_config,
            policy_digest: role.digest,
            policy_documents: role.documents,
        })
    }

    /// Its store and role.
    pub(crate) fn role_on_store(&self) -> RoleOnStore {
        RoleOnStore { store: Arc::clone(&self.store), gate: self.gate.clone() }
    }
}
