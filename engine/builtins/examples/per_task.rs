//! What a task costs in the plugin host, and what it takes to have a plugin ready: `cargo run --release -p longshore-builtins
//! --example per_task [FILE…]`, where each file is a plugin to be made ready, too.
//!
//! One lane, one thread, a store that answers at once: what remains is the sandbox, the policy and the gate. Times per task are
//! processor time of this thread.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program that prints a measurement"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_job::{ObjectId, Outcome};
use longshore_plugin::{EngineLimits, Execution, Isolation, PluginLimits, Plugins, Terms};
use longshore_policy::{Document, PolicyKind, PolicySet};
use longshore_store::{Gate, GateConfig, Request, Response, Store, StoreError};
use serde_json::{Value, json};

const POLICY: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#;

struct Agreeable;

#[async_trait::async_trait]
impl Store for Agreeable {
    async fn send(&self, _: &Request) -> Result<Response, StoreError> {
        Ok(Response { http_status: 200, ..Response::default() })
    }
}

fn gate() -> Gate {
    let document = Document::load("policy.json", POLICY, PolicyKind::Identity).unwrap().document;
    let config = GateConfig {
        role: "role".to_owned(),
        account: "111122223333".to_owned(),
        session: "job".to_owned(),
        bucket_owner: None,
        policies: Arc::new(PolicySet::default().with_identity(document)),
        region: "us-east-1".to_owned(),
        secure_transport: false,
        endpoints: Default::default(),
        clock: Arc::new(|| jiff::Timestamp::UNIX_EPOCH),
    };
    Gate::new(Arc::new(Agreeable), config)
}

/// Of this thread, as the scheduler counts it (Linux: proc_pid_schedstat).
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

async fn measure(plugins: &Plugins, name: &str, parameters: Value, isolation: Isolation, tasks: u32) {
    let start = Instant::now();
    let component = longshore_builtins::get(name).unwrap().component;
    let grants = plugins.inspect(component, &PluginLimits::default()).unwrap().needs;
    let terms = Terms { grants, limits: PluginLimits::default(), isolation };
    let plugin = plugins.load(component, &terms).unwrap();
    let load = start.elapsed();
    let mut lane = plugin.lane(&parameters, "job").await.unwrap();
    let gate = gate();
    let object = ObjectId::new("bucket", "some/prefix/of/ordinary/length/object-000001.jpg");
    let start = processor_time();
    for _ in 0..tasks {
        let execution = lane.execute(&object, 1, &gate).await;
        assert!(matches!(execution, Execution::Done(Outcome::Succeeded(_))), "{execution:?}");
    }
    let per_task = (processor_time() - start) / tasks;
    println!("{name:8} {isolation:?}: {per_task:?} per task ({tasks} tasks; loading took {load:?})");
}

/// Makes a plugin ready where nothing is kept yet, and then in another engine that finds its machine code.
fn readiness(name: &str, component: &[u8]) {
    let directory = tempfile::tempdir().unwrap();
    let ready = || {
        let start = Instant::now();
        let cache = directory.path().join("cache");
        let plugins = Plugins::new(EngineLimits::default()).unwrap().with_cache(vec![cache], 1 << 30);
        let grants = plugins.inspect(component, &PluginLimits::default()).unwrap().needs;
        plugins
            .load(component, &Terms { grants, limits: PluginLimits::default(), isolation: Isolation::Fresh })
            .unwrap();
        start.elapsed()
    };
    let (compiled, cached) = (ready(), ready());
    println!("{name} ({} bytes): ready in {compiled:?} compiled, {cached:?} from the cache", component.len());
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for name in ["noop", "copy"] {
        readiness(name, longshore_builtins::get(name).unwrap().component);
    }
    for file in std::env::args().skip(1) {
        readiness(&file, &std::fs::read(&file).unwrap());
    }
    let plugins = Plugins::new(EngineLimits::default()).unwrap();
    let tagging = || json!({"mode": "replace", "tags": {"class": "cold"}});
    measure(&plugins, "noop", json!({}), Isolation::Reuse, 300_000).await;
    measure(&plugins, "noop", json!({}), Isolation::Fresh, 10_000).await;
    measure(&plugins, "tagging", tagging(), Isolation::Reuse, 100_000).await;
    measure(&plugins, "tagging", tagging(), Isolation::Fresh, 10_000).await;
    measure(&plugins, "copy", json!({"target-bucket": "b"}), Isolation::Reuse, 100_000).await;
}
