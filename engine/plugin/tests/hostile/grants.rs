//! What is not granted is out of a guest's reach, whatever the policies allow.

use longshore_job::Outcome;
use longshore_plugin::{Execution, Grants, Isolation, Lane, PluginLimits, Terms, codes};

use crate::guest::Guest;
use crate::world::World;
use crate::{SENDING, failure_of, object};

const HEAD: &str = "(call $send (call $head (local.get $object)) (i32.const 4096))";

async fn lane(guest: &Guest<'_>, grants: &[&str]) -> Lane {
    let terms = Terms { grants: Grants::parse(grants).unwrap(), ..crate::terms(Isolation::Reuse) };
    let plugin = crate::engine().load(&guest.bytes(), &terms).unwrap();
    plugin.lane(&serde_json::json!({}), "job-1").await.unwrap()
}

#[tokio::test]
async fn a_request_needs_its_actions_granted() {
    let guest = Guest { imports: SENDING, run: HEAD, ..Guest::default() };
    let world = World::agreeable();
    let mut reader = lane(&guest, &["s3:Get*"]).await;
    assert_eq!(
        reader.execute(&object(), 1, &world.gate).await,
        Execution::Done(Outcome::Succeeded(None)),
        "the guest keeps the answer, which ends its instance and not its task"
    );
    let mut tagger = lane(&guest, &["s3:GetObjectTagging", "s3:PutObject"]).await;
    let (code, message) = failure_of(&mut tagger, &world).await;
    assert_eq!(code, codes::NOT_GRANTED);
    assert_eq!(
        message,
        "operation hostile is not granted s3:GetObject; granted: s3:GetObjectTagging, s3:PutObject. A plugin file has the \
         actions that it declares, an installed plugin what its operator granted"
    );
    assert_eq!(world.store.requests().len(), 1, "that of the reader");
}

#[tokio::test]
async fn grants_come_before_policies() {
    let guest = Guest { imports: SENDING, run: HEAD, ..Guest::default() };
    let world = World::refusing();
    assert_eq!(failure_of(&mut lane(&guest, &["s3:PutObject"]).await, &world).await.0, codes::NOT_GRANTED);
    let mut granted = lane(&guest, &["s3:GetObject"]).await;
    assert_eq!(
        granted.execute(&object(), 1, &world.gate).await,
        Execution::Done(Outcome::Succeeded(None)),
        "a refusal by policy is an answer that the guest may overlook"
    );
    assert_eq!(world.store.requests(), []);
}

#[tokio::test]
async fn a_plan_needs_its_actions_granted() {
    // A list of one request at 768.
    let plan = "(i32.store (i32.const 4200) (call $head (local.get $object)))
                (i32.store (i32.const 768) (i32.const 4200))
                (i32.store (i32.const 772) (i32.const 1))";
    let guest = Guest { imports: SENDING, plan, ..Guest::default() };
    let world = World::agreeable();
    let mut refused = lane(&guest, &["s3:PutObject"]).await;
    assert_eq!(failure_of(&mut refused, &world).await.0, codes::NOT_GRANTED);
    assert_eq!(refused.plan(&object(), 1, &world.gate).await.unwrap_err().code, codes::NOT_GRANTED);
    let mut granted = lane(&guest, &["s3:GetObject"]).await;
    assert_eq!(granted.plan(&object(), 1, &world.gate).await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_grants_there_is_no_interface_to_stores() {
    let imports = r#"
        (import "longshore:operation/s3@0.1.0" "[method]object.key" (func $key (param i32 i32)))
        (import "longshore:operation/s3@0.1.0" "[method]object.head" (func $head (param i32) (result i32)))"#;
    // The name of its object is part of the task.
    let run = "(call $key (local.get $object) (i32.const 4096))
               (if (i32.eq (i32.load8_u (i32.load (i32.const 4096))) (i32.const 107))
                   (then (drop (call $head (local.get $object)))))";
    let mut lane = lane(&Guest { imports, run, ..Guest::default() }, &[]).await;
    let (code, message) = failure_of(&mut lane, &World::agreeable()).await;
    assert_eq!(code, codes::NOT_GRANTED);
    assert_eq!(
        message,
        "the plugin called [method]object.head of longshore:operation/s3@0.1.0, and no action that it could need is granted"
    );
}

#[tokio::test]
async fn endpoints_need_a_grant_of_their_own() {
    let imports = r#"(import "longshore:operation/endpoints@0.1.0" "invoke"
        (func $invoke (param i32 i32 i32 i32) (result i32)))"#;
    let run = "(drop (call $invoke (i32.const 1024) (i32.const 7) (i32.const 1024) (i32.const 0)))";
    let guest = Guest { imports, run, ..Guest::default() };
    let world = World::agreeable();
    let (code, message) = failure_of(&mut lane(&guest, &["s3:*"]).await, &world).await;
    assert_eq!(code, codes::NOT_GRANTED);
    assert!(message.contains("invoke of longshore:operation/endpoints"), "{message}");
    let mut granted = lane(&guest, &["lambda:InvokeFunction"]).await;
    let execution = granted.execute(&object(), 1, &world.gate).await;
    assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
}

#[test]
fn an_inspection_says_what_a_plugin_imports_and_needs() {
    let guest = Guest { imports: SENDING, ..Guest::default() }.bytes();
    let inspection = crate::engine().inspect(&guest, &PluginLimits::default()).unwrap();
    assert_eq!((inspection.bytes, inspection.digest.len()), (guest.len(), 64));
    assert_eq!(inspection.description.name, "hostile");
    assert_eq!(inspection.needs.to_string(), "*");
    let s3 = inspection.imports.iter().find(|import| import.interface == "longshore:operation/s3@0.1.0");
    assert!(s3.unwrap().functions.contains(&"send".to_owned()), "{s3:?}");
}
