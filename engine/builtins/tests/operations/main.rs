//! The embedded operations, run by the real host over a store that writes down what it is sent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod example;
mod grants;
mod support;
#[path = "../../build/wasm.rs"]
mod wasm;

use longshore_job::{Failure, ObjectId, Outcome};
use longshore_plugin::{Execution, Isolation, PluginError};
use longshore_store::{
    CopyObject, DeleteObjectTagging, Directive, Encryption, GetObjectTagging, Grant, Grantee, Permission,
    PutObjectAcl, PutObjectTagging, Request, Response, RestoreObject, Tag,
};
use serde_json::{Value, json};
use support::{ALLOW_ALL, World, plugin};

fn object() -> ObjectId {
    ObjectId { bucket: "b".to_owned(), key: "a ключ\n🦀".to_owned(), version_id: Some("v1".to_owned()) }
}

/// Runs one task and returns what came of it and what was sent; the plan must have said the same.
async fn run(name: &str, parameters: Value, world: &World) -> (Outcome, Vec<Request>) {
    let mut lane = plugin(name, Isolation::Reuse).lane(&parameters, "job-1").await.unwrap();
    let planned = lane.plan(&object(), 1, &world.gate).await;
    assert_eq!(world.store.requests(), [], "a plan sends nothing");
    let Execution::Done(outcome) = lane.execute(&object(), 1, &world.gate).await else { panic!("again") };
    let sent = world.store.requests();
    match planned {
        Ok(planned) if outcome == Outcome::Succeeded(None) => assert_eq!(planned.len(), sent.len()),
        Ok(_) => {}
        Err(failure) => assert_eq!(outcome, Outcome::Failed(failure)),
    }
    (outcome, sent)
}

#[tokio::test]
async fn copy_sends_what_its_parameters_say() {
    let parameters = json!({
        "target-bucket": "dst", "target-prefix": "cold", "storage-class": "GLACIER_IR",
        "metadata": {"directive": "replace", "content-type": "text/plain", "user": {"team": "a"},
                     "expires": "2030-01-31T00:00:00Z"},
        "tags": {"directive": "replace", "set": {"k": "v"}},
        "canned-acl": "private",
        "sse": {"algorithm": "aws:kms", "kms-key-id": "alias/x", "bucket-key": true},
    });
    let (outcome, sent) = run("copy", parameters, &World::agreeable()).await;
    assert_eq!(outcome, Outcome::Succeeded(None));
    let mut copy = CopyObject::new(object(), "dst", "cold/a ключ\n🦀");
    copy.storage_class = Some("GLACIER_IR".to_owned());
    copy.metadata_directive = Some(Directive::Replace);
    copy.content.content_type = Some("text/plain".to_owned());
    copy.content.expires = Some("2030-01-31T00:00:00Z".parse().unwrap());
    copy.user_metadata.insert("team".to_owned(), "a".to_owned());
    copy.tagging_directive = Some(Directive::Replace);
    copy.tags = vec![Tag::new("k", "v")];
    copy.acl.canned = Some("private".to_owned());
    copy.encryption = Encryption {
        algorithm: Some("aws:kms".to_owned()),
        kms_key_id: Some("alias/x".to_owned()),
        bucket_key_enabled: Some(true),
    };
    assert_eq!(sent, [copy.into()]);
}

#[tokio::test]
async fn acl_sends_what_its_parameters_say() {
    let parameters =
        json!({"owner": "o", "grants": [{"type": "id", "grantee": "x", "permission": "READ_ACP"}]});
    let (outcome, sent) = run("acl", parameters, &World::agreeable()).await;
    assert_eq!(outcome, Outcome::Succeeded(None));
    let mut put = PutObjectAcl::new(object(), Default::default());
    put.acl.grants = vec![Grant { grantee: Grantee::Id("x".to_owned()), permission: Permission::ReadAcp }];
    put.owner = Some("o".to_owned());
    assert_eq!(sent, [put.into()]);
}

#[tokio::test]
async fn restore_sends_what_its_parameters_say() {
    let (outcome, sent) = run("restore", json!({"days": 3, "tier": "BULK"}), &World::agreeable()).await;
    assert_eq!(outcome, Outcome::Succeeded(Some("already restored; expiry updated".to_owned())));
    let restore = RestoreObject { object: object(), days: Some(3), tier: Some("Bulk".to_owned()) };
    assert_eq!(sent, [restore.into()]);
}

#[tokio::test]
async fn tagging_merges_with_what_it_reads() {
    let world = World::answering(ALLOW_ALL, |request| {
        let tags = match request {
            Request::GetObjectTagging(_) => vec![Tag::new("old", "1"), Tag::new("both", "2")],
            _ => Vec::new(),
        };
        Ok(Response { http_status: 200, tags, ..Response::default() })
    });
    let (outcome, sent) = run("tagging", json!({"mode": "merge", "tags": {"both": "3"}}), &world).await;
    assert_eq!(outcome, Outcome::Succeeded(None));
    let tags = vec![Tag::new("both", "3"), Tag::new("old", "1")];
    let expected: [Request; 2] =
        [GetObjectTagging::new(object()).into(), PutObjectTagging { object: object(), tags }.into()];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn tagging_deletes_all() {
    let (outcome, sent) = run("tagging", json!({"mode": "delete-all"}), &World::agreeable()).await;
    assert_eq!(outcome, Outcome::Succeeded(None));
    assert_eq!(sent, [DeleteObjectTagging { object: object() }.into()]);
}

#[tokio::test]
async fn noop_sends_nothing() {
    let (outcome, sent) = run("noop", json!({}), &World::agreeable()).await;
    assert_eq!((outcome, sent), (Outcome::Succeeded(None), Vec::new()));
}

#[tokio::test]
async fn a_refused_plan_sends_nothing() {
    // Reading is allowed, so that only a check before the task keeps the read from being sent.
    let world = World::with_policy(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}"#,
    );
    let parameters = json!({"mode": "merge", "tags": {"a": "b"}});
    let (outcome, sent) = run("tagging", parameters, &world).await;
    let Outcome::Failed(Failure { code, status, message }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((code.as_str(), status), ("AccessDenied", Some(403)));
    assert!(message.contains("s3:PutObjectVersionTagging"), "{message}");
    assert_eq!(sent, []);
}

#[tokio::test]
async fn parameters_are_refused_in_the_operations_own_words() {
    let lane = plugin("tagging", Isolation::Fresh).lane(&json!({"mode": "merge"}), "job-1").await;
    let expected = PluginError::Parameters {
        operation: "tagging".to_owned(),
        reason: "mode \"merge\" needs tags".to_owned(),
    };
    assert_eq!(lane.err(), Some(expected));
}

#[tokio::test]
async fn a_fresh_instance_per_task_does_the_same() {
    let world = World::agreeable();
    let parameters = json!({"target-bucket": "dst"});
    let mut lane = plugin("copy", Isolation::Fresh).lane(&parameters, "job-1").await.unwrap();
    for _ in 0..3 {
        let execution = lane.execute(&object(), 1, &world.gate).await;
        assert_eq!(execution, Execution::Done(Outcome::Succeeded(None)));
    }
    assert_eq!(world.store.requests().len(), 3);
}

#[test]
fn each_describes_itself_under_its_own_name() {
    let names: Vec<&str> = longshore_builtins::all().iter().map(|builtin| builtin.name).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert!(
        ["acl", "copy", "delete", "noop", "tagging"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    for name in names {
        let plugin = plugin(name, Isolation::Reuse);
        let description = plugin.description();
        assert_eq!(description.name, name);
        assert_eq!(description.version, env!("CARGO_PKG_VERSION"));
        assert_eq!(description.parameters["additionalProperties"], json!(false), "{name}");
        assert!(description.summary.ends_with('.'), "{name}");
        assert_eq!(plugin.digest().len(), 64);
        for (parameter, schema) in description.parameters["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name}: {parameter} has no description");
        }
    }
}

#[test]
fn there_is_no_other() {
    assert!(longshore_builtins::get("explode").is_none());
}
