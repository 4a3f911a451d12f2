//! Policies that allow everything, and a store that agrees or never answers.

use std::sync::Arc;

use longshore_policy::{Document, PolicyKind, PolicySet};
use longshore_store::testing::FakeStore;
use longshore_store::{Gate, GateConfig, Request, Response, Store, StoreError};

pub(crate) struct World {
    pub(crate) store: Arc<FakeStore>,
    pub(crate) gate: Gate,
}

impl World {
    pub(crate) fn agreeable() -> Self {
        Self::of(FakeStore::agreeable())
    }

    pub(crate) fn refusing() -> Self {
        Self::with_effect(FakeStore::agreeable(), "Deny")
    }

    pub(crate) fn of(store: FakeStore) -> Self {
        Self::with_effect(store, "Allow")
    }

    fn with_effect(store: FakeStore, effect: &str) -> Self {
        let store = Arc::new(store);
        Self { gate: gate(store.clone(), effect), store }
    }

    pub(crate) fn panicking() -> Self {
        let store = Arc::new(FakeStore::answering(|_| panic!("a bug of the host")));
        Self { gate: gate(store.clone(), "Allow"), store }
    }

    pub(crate) fn silent() -> Self {
        Self { store: Arc::new(FakeStore::agreeable()), gate: gate(Arc::new(Silent), "Allow") }
    }
}

struct Silent;

#[async_trait::async_trait]
impl Store for Silent {
    async fn send(&self, _: &Request) -> Result<Response, StoreError> {
        std::future::pending().await
    }
}

fn gate(store: Arc<dyn Store>, effect: &str) -> Gate {
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "{effect}", "Action": "*", "Resource": "*"}}]}}"#
    );
    let document = Document::load("policy.json", &policy, PolicyKind::Identity).unwrap().document;
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
    Gate::new(store, config)
}
