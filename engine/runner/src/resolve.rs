//! Everything a job names, found: operation, role, store.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::filter::Matcher;
use longshore_job::job_file::other_stores;
use longshore_job::spec::{JobPolicy, StepSpec};
use longshore_job::{EngineConfig, JobSpec, ObjectId};
use longshore_plugin::Plugin;
use longshore_policy::PolicySet;
use longshore_store::{
    Certainty, Endpoints, Gate, GateConfig, Journal, Pace, Reach, Request, Response, S3Store, Store,
    StoreError, UploadLedger,
};

use crate::catalog::Catalog;
use crate::error::{JobFailure, OPERATION_NOT_USABLE, ROLE_NOT_USABLE, STORE_NOT_USABLE};
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
    /// Which objects it is for, unless for all.
    pub condition: Option<Matcher>,
}

/// The stores beside the job's own that its parameters name.
async fn others(
    config: &EngineConfig,
    (stores, pace): (&Stores, &Arc<Pace>),
    spec: &JobSpec,
    steps: &[ResolvedStep],
    own: &GateConfig,
) -> Result<BTreeMap<String, (Arc<S3Store>, GateConfig)>, JobFailure> {
    let named = spec.steps.iter().zip(steps).flat_map(|(step, resolved)| {
        other_stores(&resolved.plugin.description().parameters, &step.operation.parameters)
    });
    let mut others = BTreeMap::new();
    for (_, name) in named {
        if config.is_same_store(&spec.store, name) {
            let why = format!("store {name} is the job's own; leave out the parameter that names it");
            return Err(JobFailure::new(STORE_NOT_USABLE, why));
        }
        let store = stores.get(config, name).await?.with_retries((&spec.retry).into());
        let store = Arc::new(store.at_pace(Arc::clone(pace)));
        let region = store.region().to_owned();
        let gate_config = GateConfig { region, secure_transport: store.is_secure(), ..own.clone() };
        others.insert(name.to_owned(), (store, gate_config));
    }
    Ok(others)
}

fn gate_to((store, config): &(Arc<S3Store>, GateConfig)) -> Gate {
    Gate::new(Arc::clone(store) as Arc<dyn Store>, config.clone())
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
    /// The other stores that its parameters name, and what a gate to each is made of.
    pub others: BTreeMap<String, (Arc<S3Store>, GateConfig)>,
    /// What its gate reaches beside its store.
    pub reach: Reach,
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
        let plugin = catalog.load_checked(&step.operation, digest).await?;
        let condition = match &step.when {
            all if all.is_empty() => None,
            when => Some(when.compile(submitted).map_err(|why| JobFailure::new(OPERATION_NOT_USABLE, why))?),
        };
        Ok(Self { plugin, condition })
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
        let pace = Arc::new(Pace::new(spec.limits.rate));
        let store = Arc::new(store.at_pace(Arc::clone(&pace)));
        let endpoints = stores.endpoints(config).await?.with_retries(&(&spec.retry).into());
        let gate_config = gate_config(&spec.role, role.account, role.policies, session, &store);
        let gate_config = GateConfig { endpoints, ..gate_config };
        let others = others(config, (stores, &pace), spec, &steps, &gate_config).await?;
        let reach = Reach {
            stores: others.iter().map(|(name, other)| (name.clone(), gate_to(other))).collect(),
            buffers: stores.buffers(),
            ..Reach::default()
        };
        let gate = Gate::new(Arc::clone(&store) as Arc<dyn Store>, gate_config.clone());
        Ok(Self {
            steps: steps.into(),
            store,
            gate: gate.with_reach(reach.clone()),
            gate_config,
            others,
            reach,
            policy_digest: role.digest,
            policy_documents: role.documents,
        })
    }

    /// The same with uploads remembered in `ledger`.
    pub(crate) fn with_ledger(self, ledger: Arc<dyn UploadLedger>) -> Self {
        let reach = Reach { uploads: ledger, ..self.reach };
        Self { gate: self.gate.with_reach(reach.clone()), reach, ..self }
    }

    /// A gate that only writes down what the policies would say, of whichever store.
    pub(crate) fn rehearsal(&self) -> (Gate, Journal) {
        let (gate, journal) = Gate::rehearsal(self.gate_config.clone());
        let stores = self.others.iter();
        let stores =
            stores.map(|(name, (_, config))| (name.clone(), Gate::rehearsal_in(config.clone(), &journal)));
        (gate.with_reach(Reach { stores: stores.collect(), ..Reach::default() }), journal)
    }

    /// Its store, and the others that its parameters name.
    pub(crate) fn stores(&self) -> Vec<Arc<S3Store>> {
        let others = self.others.values().map(|(store, _)| Arc::clone(store));
        std::iter::once(Arc::clone(&self.store)).chain(others).collect()
    }

    /// Its store and role.
    pub(crate) fn role_on_store(&self) -> RoleOnStore {
        RoleOnStore { store: Arc::clone(&self.store), gate: self.gate.clone() }
    }
}
