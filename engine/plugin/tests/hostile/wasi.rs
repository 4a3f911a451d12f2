//! The WASI that can be granted has nothing in it.

use longshore_job::ObjectId;
use longshore_plugin::{Execution, Grants, Isolation, Lane, PluginError, PluginLimits, Terms};

use crate::guest::{Guest, RESULT};
use crate::world::World;

/// The parts of WASI that these guests import.
const WASI: &str = r#"
    package test:guest;
    world guest {
        include longshore:operation/operation@0.1.0;
        import wasi:random/random@0.2.6;
        import wasi:clocks/wall-clock@0.2.6;
        import wasi:cli/environment@0.2.6;
        import wasi:filesystem/preopens@0.2.6;
    }
    package wasi:random@0.2.6 { interface random { get-random-u64: func() -> u64; } }
    package wasi:clocks@0.2.6 { interface wall-clock {
        record datetime { seconds: u64, nanoseconds: u32 }
        now: func() -> datetime;
    } }
    package wasi:cli@0.2.6 { interface environment {
        get-environment: func() -> list<tuple<string, string>>;
        get-arguments: func() -> list<string>;
        initial-cwd: func() -> option<string>;
    } }
    package wasi:filesystem@0.2.6 {
        interface types { resource descriptor; }
        interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
        }
    }"#;

const IMPORTS: &str = r#"
    (import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))
    (import "wasi:clocks/wall-clock@0.2.6" "now" (func $now (param i32)))
    (import "wasi:cli/environment@0.2.6" "get-environment" (func $environment (param i32)))
    (import "wasi:cli/environment@0.2.6" "get-arguments" (func $arguments (param i32)))
    (import "wasi:cli/environment@0.2.6" "initial-cwd" (func $directory (param i32)))
    (import "wasi:filesystem/preopens@0.2.6" "get-directories" (func $directories (param i32)))"#;

/// A guest that answers `again-after(number)`.
fn telling(number: &str) -> Vec<u8> {
    let run = format!(
        "(i32.store8 (i32.const {}) (i32.const 2))
         (i32.store (i32.const {}) {number})",
        RESULT + 4,
        RESULT + 8
    );
    Guest { imports: IMPORTS, run: &run, ..Guest::default() }.bytes_in("test:guest/guest", WASI)
}

async fn lane(guest: &[u8], isolation: Isolation) -> Lane {
    let terms = Terms { grants: Grants::parse(["wasi"]).unwrap(), ..crate::terms(isolation) };
    let plugin = crate::engine().load(guest, &terms).unwrap();
    plugin.lane(&serde_json::json!({}), "job-1").await.unwrap()
}

async fn told(lane: &mut Lane, key: &str, attempt: u32) -> u32 {
    match lane.execute(&ObjectId::new("b", key), attempt, &World::agreeable().gate).await {
        Execution::AgainAfter { seconds, .. } => seconds,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_given_to_whom_it_is_granted() {
    let guest = telling("(i32.const 0)");
    let engine = crate::engine();
    assert!(engine.inspect(&guest, &PluginLimits::default()).unwrap().needs.wasi());
    let error = engine.load(&guest, &crate::terms(Isolation::Fresh)).err().unwrap();
    assert!(matches!(error, PluginError::NotGranted { .. }), "{error}");
}

#[tokio::test]
async fn random_numbers_are_those_of_the_task() {
    let guest = telling("(i32.wrap_i64 (call $random))");
    let (mut one, mut other) = (lane(&guest, Isolation::Fresh).await, lane(&guest, Isolation::Reuse).await);
    let first = told(&mut one, "k", 1).await;
    let (second, again) = (told(&mut one, "k", 2).await, told(&mut one, "l", 1).await);
    assert!(first != second && second != again && again != first, "{first} {second} {again}");
    // Another instance, other tasks before: the same.
    assert_eq!(told(&mut other, "l", 1).await, again);
    assert_eq!(told(&mut other, "k", 1).await, first);
}

#[tokio::test]
async fn the_clock_is_coarse() {
    let number = "(block (result i32) (call $now (i32.const 4096)) (i32.load (i32.const 4104)))";
    let mut lane = lane(&telling(number), Isolation::Reuse).await;
    for _ in 0..20 {
        assert_eq!(told(&mut lane, "k", 1).await % 1_000_000, 0, "whole milliseconds");
    }
}

#[tokio::test]
async fn there_is_nothing_in_it() {
    let number = "(block (result i32)
        (call $environment (i32.const 4096))
        (call $arguments (i32.const 4104))
        (call $directory (i32.const 4112))
        (call $directories (i32.const 4128))
        (i32.add (i32.add (i32.load (i32.const 4100)) (i32.load (i32.const 4108)))
                 (i32.add (i32.load8_u (i32.const 4112)) (i32.load (i32.const 4132)))))";
    let mut lane = lane(&telling(number), Isolation::Fresh).await;
    assert_eq!(told(&mut lane, "k", 1).await, 0);
}

#[tokio::test]
async fn what_it_gives_out_is_counted() {
    let wasi = r#"
        package test:guest;
        world guest {
            include longshore:operation/operation@0.1.0;
            import wasi:cli/stdout@0.2.6;
        }
        package wasi:io@0.2.6 { interface streams { resource output-stream; } }
        package wasi:cli@0.2.6 { interface stdout {
            use wasi:io/streams@0.2.6.{output-stream};
            get-stdout: func() -> output-stream;
        } }"#;
    let imports = r#"(import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))"#;
    let run = "(loop $more (drop (call $stdout)) (br $more))";
    let guest = Guest { imports, run, ..Guest::default() }.bytes_in("test:guest/guest", wasi);
    let mut lane = lane(&guest, Isolation::Fresh).await;
    let (code, message) = crate::failure_of(&mut lane, &World::agreeable()).await;
    assert_eq!(code, longshore_plugin::codes::HANDLE_LIMIT, "{message}");
}
