//! Guests that do what they should not: each costs its own task, with a stable code, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod contract;
mod grants;
mod guest;
mod load;
mod mutations;
mod wasi;
mod world;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use guest::{Guest, RESULT};
use longshore_job::{ObjectId, Outcome};
use longshore_plugin::{
    EngineLimits, Execution, Grants, Isolation, Lane, PluginLimits, Plugins, Terms, codes,
};
use world::World;

fn limits() -> PluginLimits {
    PluginLimits {
        memory_bytes: 1 << 20,
        handles: 16,
        requests: 3,
        held_bytes: 256 << 10,
        cpu_time: Duration::from_millis(20),
        task_time: Duration::from_secs(60),
        ..PluginLimits::default()
    }
}

fn engine() -> Plugins {
    let limits = EngineLimits { tick: Duration::from_millis(1), instances: 8, ..EngineLimits::default() };
    Plugins::new(limits).unwrap()
}

fn terms(isolation: Isolation) -> Terms {
    Terms { grants: Grants::parse(["s3:*"]).unwrap(), limits: limits(), isolation }
}

async fn lane(guest: &Guest<'_>, isolation: Isolation) -> Lane {
    let plugin = engine().load(&guest.bytes(), &terms(isolation)).unwrap();
    plugin.lane(&serde_json::json!({}), "job-1").await.unwrap()
}

fn object() -> ObjectId {
    ObjectId::new("b", "k")
}

/// The failure of a task that this guest runs: code and message.
async fn failure(guest: Guest<'_>) -> (String, String) {
    let mut lane = lane(&guest, Isolation::Reuse).await;
    failure_of(&mut lane, &World::agreeable()).await
}

async fn failure_of(lane: &mut Lane, world: &World) -> (String, String) {
    match lane.execute(&object(), 1, &world.gate).await {
        Execution::Done(Outcome::Failed(failure)) => (failure.code, failure.message),
        other => panic!("did not fail: {other:?}"),
    }
}

/// Imports for guests that send requests.
const SENDING: &str = r#"
    (import "longshore:operation/s3@0.1.0" "[method]object.head" (func $head (param i32) (result i32)))
    (import "longshore:operation/s3@0.1.0" "[method]object.put" (func $put (param i32 i32 i32) (result i32)))
    (import "longshore:operation/s3@0.1.0" "[method]request.set-restore-days" (func $days (param i32 i32)))
    (import "longshore:operation/s3@0.1.0" "send" (func $send (param i32 i32)))
    (import "longshore:operation/s3@0.1.0" "[resource-drop]response" (func $drop_response (param i32)))"#;

#[tokio::test]
async fn a_guest_that_does_nothing_succeeds() {
    let mut lane = lane(&Guest::default(), Isolation::Fresh).await;
    let execution = lane.execute(&object(), 1, &World::agreeable().gate).await;
    assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
}

#[tokio::test]
async fn an_endless_loop_runs_out_of_time() {
    let (code, message) = failure(Guest { run: "(loop $l (br $l))", ..Guest::default() }).await;
    assert_eq!(code, codes::TIMEOUT);
    assert_eq!(message, "the plugin used more than 0.02 s of processor time for one task");
}

#[tokio::test]
async fn an_endless_plan_runs_out_of_time() {
    let (code, _) = failure(Guest { plan: "(loop $l (br $l))", ..Guest::default() }).await;
    assert_eq!(code, codes::TIMEOUT);
}

#[tokio::test]
async fn endless_logging_runs_out_of_time() {
    let imports = r#"(import "longshore:operation/host@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
    let run = "(loop $l (call $log (i32.const 1) (i32.const 4096) (i32.const 60000)) (br $l))";
    let (code, _) = failure(Guest { imports, run, ..Guest::default() }).await;
    assert_eq!(code, codes::TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_does_not_hold_the_task() {
    let run = "(call $send (call $head (local.get $object)) (i32.const 4096))";
    let mut lane = lane(&Guest { imports: SENDING, run, ..Guest::default() }, Isolation::Reuse).await;
    let (code, message) = failure_of(&mut lane, &World::silent()).await;
    assert_eq!(code, codes::TIMEOUT);
    assert_eq!(message, "the task took more than 60 s; a request that was under way may have taken effect");
}

#[tokio::test]
async fn a_trap_fails_the_task_and_replaces_the_instance() {
    // Traps on its first task only: a second failure would mean that the broken instance was used again, a success of
    // both that it was replaced before.
    let extra = "(global $tasks (mut i32) (i32.const 0))";
    let run = "(global.set $tasks (i32.add (global.get $tasks) (i32.const 1)))
               (if (i32.eq (global.get $tasks) (i32.const 2)) (then unreachable))";
    let mut lane = lane(&Guest { extra, run, ..Guest::default() }, Isolation::Reuse).await;
    let world = World::agreeable();
    let success = Execution::Done(Outcome::Succeeded(None));
    assert_eq!(lane.execute(&object(), 1, &world.gate).await, success);
    let (code, message) = failure_of(&mut lane, &world).await;
    assert_eq!(code, codes::TRAP);
    assert_eq!(message, "the plugin trapped: wasm trap: wasm `unreachable` instruction executed");
    assert_eq!(lane.execute(&object(), 1, &world.gate).await, success, "a new instance counts from 0");
}

#[tokio::test]
async fn isolation_decides_what_a_task_sees_of_the_last() {
    let extra = "(global $tasks (mut i32) (i32.const 0))";
    // again-after(tasks)
    let run = format!(
        "(global.set $tasks (i32.add (global.get $tasks) (i32.const 1)))
         (i32.store8 (i32.const {}) (i32.const 2))
         (i32.store (i32.const {}) (global.get $tasks))",
        RESULT + 4,
        RESULT + 8
    );
    let guest = Guest { extra, run: &run, ..Guest::default() };
    let world = World::agreeable();
    for (isolation, second) in [(Isolation::Reuse, 2), (Isolation::Fresh, 1)] {
        let mut lane = lane(&guest, isolation).await;
        for seconds in [1, second] {
            let execution = lane.execute(&object(), 1, &world.gate).await;
            assert_eq!(execution, Execution::AgainAfter { seconds, note: String::new() }, "{isolation:?}");
        }
    }
}

#[tokio::test]
async fn runaway_recursion_traps() {
    let extra = "(func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))";
    let run = "(drop (call $deep (i64.const 0)))";
    let (code, message) = failure(Guest { extra, run, ..Guest::default() }).await;
    assert_eq!(code, codes::TRAP);
    assert!(message.contains("call stack exhausted"), "{message}");
}

#[tokio::test]
async fn memory_is_limited() {
    let run = "(loop $l (drop (memory.grow (i32.const 1))) (br $l))";
    let (code, message) = failure(Guest { run, ..Guest::default() }).await;
    assert_eq!(code, codes::MEMORY_LIMIT);
    assert_eq!(message, "the plugin asked for more than 1048576 bytes of memory");
}

#[tokio::test]
async fn memory_is_limited_in_total_over_all_memories() {
    // 2 + 9 + 9 pages: each memory is under the limit of 16, their sum is not.
    let extra = "(memory $second 1)";
    let run = "(drop (memory.grow (i32.const 7))) (drop (memory.grow $second (i32.const 7)))";
    let (code, _) = failure(Guest { extra, run, ..Guest::default() }).await;
    assert_eq!(code, codes::MEMORY_LIMIT);
}

#[tokio::test]
async fn tables_are_limited() {
    let extra = "(table $t 1 funcref)";
    let run = "(loop $l (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $l))";
    let (code, _) = failure(Guest { extra, run, ..Guest::default() }).await;
    assert_eq!(code, codes::MEMORY_LIMIT);
}

#[tokio::test]
async fn handles_are_limited() {
    let run = "(loop $l (drop (call $head (local.get $object))) (br $l))";
    let (code, message) = failure(Guest { imports: SENDING, run, ..Guest::default() }).await;
    assert_eq!(code, codes::HANDLE_LIMIT);
    assert_eq!(message, "the plugin holds more than 16 objects, requests and responses at once");
}

#[tokio::test]
async fn held_bytes_are_limited() {
    let run = "(loop $l (drop (call $put (local.get $object) (i32.const 0) (i32.const 65536))) (br $l))";
    let (code, message) = failure(Guest { imports: SENDING, run, ..Guest::default() }).await;
    assert_eq!(code, codes::BYTES_LIMIT);
    assert_eq!(message, "the plugin holds more than 262144 bytes in requests and responses at once");
}

#[tokio::test]
async fn requests_are_limited() {
    let run = "(loop $l
        (call $send (call $head (local.get $object)) (i32.const 4096))
        (call $drop_response (i32.load (i32.const 4100)))
        (br $l))";
    let mut lane = lane(&Guest { imports: SENDING, run, ..Guest::default() }, Isolation::Reuse).await;
    let world = World::agreeable();
    let (code, message) = failure_of(&mut lane, &world).await;
    assert_eq!(code, codes::REQUEST_LIMIT);
    assert_eq!(message, "the plugin sent more than 3 requests for one task");
    assert_eq!(world.store.requests().len(), 3);
}

#[tokio::test]
async fn limits_count_per_task() {
    let run = "(call $send (call $head (local.get $object)) (i32.const 4096))
               (call $drop_response (i32.load (i32.const 4100)))";
    let mut lane = lane(&Guest { imports: SENDING, run, ..Guest::default() }, Isolation::Reuse).await;
    let world = World::agreeable();
    for _ in 0..10 {
        let execution = lane.execute(&object(), 1, &world.gate).await;
        assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
    }
    assert_eq!(world.store.requests().len(), 10);
}

#[tokio::test]
async fn a_plan_cannot_send() {
    let plan = "(call $send (call $head (local.get $object)) (i32.const 4096))";
    let mut lane = lane(&Guest { imports: SENDING, plan, ..Guest::default() }, Isolation::Reuse).await;
    let world = World::agreeable();
    let (code, message) = failure_of(&mut lane, &world).await;
    assert_eq!((code.as_str(), message.as_str()), (codes::TRAP, "the plugin called send outside of run"));
    assert_eq!(lane.plan(&object(), 1, &world.gate).await.unwrap_err().code, codes::TRAP);
    assert_eq!(world.store.requests(), []);
}

#[tokio::test]
async fn a_setting_that_does_not_fit_is_not_sent() {
    // The answer's case is at 4096 (1 is an error), its code at 4100 and 4104: failure { code, message, none }.
    let run = format!(
        "(local $request i32)
         (local.set $request (call $head (local.get $object)))
         (call $days (local.get $request) (i32.const 5))
         (call $send (local.get $request) (i32.const 4096))
         (i32.store8 (i32.const {RESULT}) (i32.load8_u (i32.const 4096)))
         (memory.copy (i32.const {}) (i32.const 4100) (i32.const 16))",
        RESULT + 4
    );
    let mut lane = lane(&Guest { imports: SENDING, run: &run, ..Guest::default() }, Isolation::Reuse).await;
    let world = World::agreeable();
    let failure = failure_of(&mut lane, &world).await;
    assert_eq!(failure, (codes::INVALID_REQUEST.to_owned(), "HeadObject has no restore-days".to_owned()));
    assert_eq!(world.store.requests(), []);
}

#[tokio::test]
async fn a_long_message_is_cut() {
    // done(some(60,000 times NUL))
    let run = format!(
        "(i32.store8 (i32.const {}) (i32.const 1))
         (i32.store (i32.const {}) (i32.const 4096))
         (i32.store (i32.const {}) (i32.const 60000))",
        RESULT + 8,
        RESULT + 12,
        RESULT + 16
    );
    let mut lane = lane(&Guest { run: &run, ..Guest::default() }, Isolation::Reuse).await;
    match lane.execute(&object(), 1, &World::agreeable().gate).await {
        Execution::Done(Outcome::Succeeded(Some(message))) => {
            assert_eq!(message.len(), limits().message_bytes);
            assert!(message.ends_with('…'));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_outside_of_memory_traps() {
    let run = format!(
        "(i32.store8 (i32.const {}) (i32.const 1))
         (i32.store (i32.const {}) (i32.const -8))
         (i32.store (i32.const {}) (i32.const 2147483647))",
        RESULT + 8,
        RESULT + 12,
        RESULT + 16
    );
    let (code, _) = failure(Guest { run: &run, ..Guest::default() }).await;
    assert_eq!(code, codes::TRAP);
}

#[tokio::test]
async fn a_handle_that_is_none_traps() {
    let run = "(call $drop_response (i32.const 77))";
    let (code, _) = failure(Guest { imports: SENDING, run, ..Guest::default() }).await;
    assert_eq!(code, codes::TRAP);
}

#[tokio::test]
async fn a_guest_that_keeps_handles_is_replaced() {
    // Leaks one request per task: with an instance kept for all tasks the 15th would find no free handle.
    let run = "(drop (call $head (local.get $object)))";
    let mut lane = lane(&Guest { imports: SENDING, run, ..Guest::default() }, Isolation::Reuse).await;
    let world = World::agreeable();
    for _ in 0..20 {
        let execution = lane.execute(&object(), 1, &world.gate).await;
        assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
    }
}

#[tokio::test]
async fn a_dropped_task_leaves_the_lane_usable() {
    let run = "(call $send (call $head (local.get $object)) (i32.const 4096))
               (call $drop_response (i32.load (i32.const 4100)))";
    let mut lane = lane(&Guest { imports: SENDING, run, ..Guest::default() }, Isolation::Reuse).await;
    let (object, silent) = (object(), World::silent());
    {
        let mut task = Box::pin(lane.execute(&object, 1, &silent.gate));
        let waker = std::task::Waker::noop();
        let poll = task.as_mut().poll(&mut std::task::Context::from_waker(waker));
        assert!(poll.is_pending(), "the store does not answer");
    }
    let execution = lane.execute(&object, 1, &World::agreeable().gate).await;
    assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
}

#[test]
fn a_panic_in_the_host_ends_the_task_and_leaves_the_lane_usable() {
    let run = "(call $send (call $head (local.get $object)) (i32.const 4096))
               (call $drop_response (i32.load (i32.const 4100)))";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let guest = Guest { imports: SENDING, run, ..Guest::default() };
    let mut lane = runtime.block_on(lane(&guest, Isolation::Reuse));
    let (panicking, world) = (World::panicking(), World::agreeable());
    // As the lanes of the engine do it.
    let task = AssertUnwindSafe(|| runtime.block_on(lane.execute(&object(), 1, &panicking.gate)));
    assert!(std::panic::catch_unwind(task).is_err(), "the panic came through the guest");
    let execution = runtime.block_on(lane.execute(&object(), 1, &world.gate));
    assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
}

#[tokio::test]
async fn fuel_is_the_same_for_the_same_work() {
    let loops = |count: u32| {
        format!(
            "(local $left i32) (local.set $left (i32.const {count}))
             (loop $l (br_if $l (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))"
        )
    };
    let mut used = Vec::new();
    for (count, isolation) in
        [(1_000, Isolation::Fresh), (1_000, Isolation::Reuse), (2_000, Isolation::Reuse)]
    {
        let terms = Terms { limits: PluginLimits { fuel: Some(100_000), ..limits() }, ..terms(isolation) };
        let guest = Guest { run: &loops(count), ..Guest::default() }.bytes();
        let mut lane =
            engine().load(&guest, &terms).unwrap().lane(&serde_json::json!({}), "j").await.unwrap();
        for _ in 0..2 {
            let execution = lane.execute(&object(), 1, &World::agreeable().gate).await;
            assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
            used.push(lane.fuel().unwrap());
        }
    }
    let [first, second, third, fourth, fifth, sixth] = used.try_into().unwrap();
    assert!(
        first == second && second == third && third == fourth && fifth == sixth,
        "{first} {third} {fifth}"
    );
    assert!((3_000..6_000).contains(&(fifth - first)), "1,000 rounds of a loop: {}", fifth - first);
}

#[tokio::test]
async fn fuel_is_limited() {
    let guest = Guest { run: "(loop $l (br $l))", ..Guest::default() }.bytes();
    let limits = PluginLimits { fuel: Some(10_000), cpu_time: Duration::from_secs(60), ..limits() };
    let plugin = engine().load(&guest, &Terms { limits, ..terms(Isolation::Fresh) }).unwrap();
    let mut lane = plugin.lane(&serde_json::json!({}), "j").await.unwrap();
    let (code, message) = failure_of(&mut lane, &World::agreeable()).await;
    assert_eq!(code, codes::FUEL_LIMIT);
    assert_eq!(message, "the plugin executed more instructions than a task may (fuel)");
    assert_eq!(lane.fuel(), Some(10_000));
}
