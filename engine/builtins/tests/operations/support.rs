//! A world without a server: the real host, policies and gate, and a store that writes down what it is sent.

use std::sync::{Arc, OnceLock};

use longshore_plugin::{EngineLimits, Isolation, Plugin, PluginLimits, Plugins, Terms};
use longshore_policy::{Document, PolicyKind, PolicySet};
use longshore_store::testing::FakeStore;
use longshore_store::{Gate, GateConfig, Request, Response, StoreError};

pub(crate) const ALLOW_ALL: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;

pub(crate) struct World {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) gate: Gate,
}

impl World {
    pub(crate) fn agreeable() -> Self {
        Self::with_policy(ALLOW_ALL)
    }

    pub(crate) fn with_policy(policy: &str) -> Self {
        Self::answering(policy, |_| Ok(Response { http_status: 200, ..Response::default() }))
    }

    pub(crate) fn answering(
        policy: &str,
        answer: impl FnMut(&Request) -> Result<Response, StoreError> + Send + 'static,
    ) -> Self {
        let store = Arc::new(FakeStore::answering(answer));
        let document = Document::load("policy.json", policy, PolicyKind::Identity).unwrap().document;
        let config = GateConfig {
            role: "role".to_owned(),
            account: "111122223333".to_owned(),
            session: "job-1".to_owned(),
            bucket_owner: None,
            policies: Arc::new(PolicySet::default().with_identity(document)),
            region: "us-east-1".to_owned(),
            secure_transport: false,
            endpoints: Default::default(),
            clock: Arc::new(|| jiff::Timestamp::UNIX_EPOCH),
        };
        Self { gate: Gate::new(store.clone(), config), store }
    }
}

/// A built-in operation, compiled.
pub(crate) fn plugin(name: &str, isolation: Isolation) -> Plugin {
    load(longshore_builtins::get(name).unwrap().component, isolation)
}

/// A plugin under its own needs. One engine serves all tests of this process.
pub(crate) fn load(bytes: &[u8], isolation: Isolation) -> Plugin {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    let plugins = PLUGINS.get_or_init(|| {
        let limits = EngineLimits { instances: 64, ..EngineLimits::default() };
        Plugins::new(limits).unwrap()
    });
    let grants = plugins.inspect(bytes, &PluginLimits::default()).unwrap().needs;
    plugins.load(bytes, &Terms { grants, limits: PluginLimits::default(), isolation }).unwrap()
}
