//! What a task costs in the plugin host, of built-in operations and of a custom one; run by tests/bench/plugins.py.
//!
//! `per_task PLUGIN KEY ANSWER` measures; the plugin has no parameters and answers so for an object of that key. `per_task compile
//! DIRECTORY TARGET NAME` compiles the crate that does the same for another host.
//!
//! One lane, one thread, a store that answers at once: what remains is the sandbox, the policy and the gate. Times per task are
//! processor time of this thread.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program that prints a measurement"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{ObjectId, Outcome};
use longshore_plugin::{EngineLimits, Execution, Isolation, Lane, PluginLimits, Plugins, Terms};
use longshore_policy::{Document, PolicyKind, PolicySet};
use longshore_store::{Gate, GateConfig, Request, Response, Store, StoreError};
use longshore_toolchain::{Rust, module_of};
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

/// What `measure` runs: an operation, its parameters, and how its tasks end.
struct Work<'w> {
    name: &'w str,
    component: &'w [u8],
    parameters: Value,
    object: ObjectId,
    message: Option<&'w str>,
}

impl<'w> Work<'w> {
    fn builtin(name: &'static str, parameters: Value) -> Self {
        let component = longshore_builtins::get(name).unwrap().component;
        let object = ObjectId::new("bucket", "some/prefix/of/ordinary/length/object-000001.jpg");
        Work { name, component, parameters, object, message: None }
    }

    fn custom(component: &'w [u8], key: &str, answer: &'w str) -> Self {
        let object = ObjectId::new("bucket", key);
        Work { name: "custom", component, parameters: json!({}), object, message: Some(answer) }
    }

    async fn lane(&self, plugins: &Plugins, isolation: Isolation) -> Lane {
        let limits = PluginLimits::default();
        let grants = plugins.inspect(self.component, &limits).unwrap().needs;
        let plugin = plugins.load(self.component, &Terms { grants, limits, isolation }).unwrap();
        plugin.lane(&self.parameters, "job").await.unwrap()
    }

    /// Runs so many tasks in instances of their own or in one, and prints what each took. `calls` is how many of the guest's
    /// functions each calls.
    async fn measure(&self, plugins: &Plugins, isolation: Isolation, calls: u32, tasks: u32) {
        let mut lane = self.lane(plugins, isolation).await;
        let gate = gate();
        let start = processor_time();
        for _ in 0..tasks {
            let execution = lane.execute(&self.object, 1, &gate).await;
            let Execution::Done(Outcome::Succeeded(message)) = execution else { panic!("{execution:?}") };
            assert_eq!(message.as_deref(), self.message);
        }
        let seconds = (processor_time() - start).as_secs_f64() / f64::from(tasks);
        let (micros, rate) = (seconds * 1e6, f64::from(calls) / seconds);
        println!("{:8} {isolation:?}: {micros:.2} µs a task ({rate:.0} calls/s)", self.name);
    }
}

/// Compiles a crate as operations are compiled, to a module, and prints its path.
fn compile(directory: &Path, target: &Path, name: &str) {
    let rust = Rust::find(env!("CARGO_PKG_RUST_VERSION")).unwrap();
    assert!(rust.build(directory, target).arg("--quiet").status().unwrap().success());
    println!("{}", module_of(target, name).display());
}

async fn measure(custom: &Work<'_>) {
    let plugins = Plugins::new(EngineLimits::default()).unwrap();
    let tagging = json!({"mode": "replace", "tags": {"class": "cold"}});
    let works = [
        &Work::builtin("noop", json!({})),
        custom,
        &Work::builtin("tagging", tagging),
        &Work::builtin("copy", json!({"target-bucket": "b"})),
    ];
    for work in works {
        // plan, run
        work.measure(&plugins, Isolation::Reuse, 2, 200_000).await;
        // configure, plan, run
        work.measure(&plugins, Isolation::Fresh, 3, 10_000).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["compile", directory, target, name] => compile(Path::new(directory), Path::new(target), name),
        [plugin, key, answer] => {
            let component = std::fs::read(plugin).unwrap();
            measure(&Work::custom(&component, key, answer)).await;
        }
        _ => panic!("PLUGIN KEY ANSWER, or compile DIRECTORY TARGET NAME"),
    }
}
