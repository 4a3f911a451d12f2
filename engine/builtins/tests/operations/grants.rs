//! The built-in operations declare every action that they need: they are granted no other.

use longshore_job::{ObjectId, Outcome};
use longshore_plugin::{Execution, Isolation, codes};
use longshore_store::{
    ListedObject, ListedUpload, ListedVersion, Request, Response, StoreError, UploadPage, VersionPage,
};
use serde_json::{Value, json};

use crate::support::{ALLOW_ALL, World, plugin};

/// Parameters under which an operation sends all that it can.
fn uses() -> Vec<(&'static str, Value)> {
    let until = "2999-01-31";
    vec![
        ("abort-uploads", json!({"older-than": "7d"})),
        ("acl", json!({"canned": "private"})),
        ("checksum", json!({"algorithm": "SHA256", "compare-stored": true})),
        (
            "copy",
            json!({"target-bucket": "dst", "mode": "move", "canned-acl": "private",
                   "tags": {"directive": "replace", "set": {"k": "v"}}}),
        ),
        ("copy", json!({"target-bucket": "dst", "overwrite": false, "verify": true})),
        ("delete", json!({})),
        ("delete", json!({"all-versions": true, "bypass-governance": true})),
        ("encrypt", json!({"algorithm": "AES256"})),
        (
            "encrypt",
            json!({"algorithm": "aws:kms", "kms-key-id": "arn:aws:kms:eu-west-1:111122223333:key/x"}),
        ),
        ("expire-versions", json!({"keep": 1, "lone-markers": true, "bypass-governance": true})),
        ("invoke", json!({"endpoint": "e"})),
        ("legal-hold", json!({"status": "ON"})),
        ("metadata", json!({"mode": "merge", "content-type": "text/plain"})),
        ("noop", json!({})),
        ("replicate", json!({"noncurrent-versions": true})),
        ("restore", json!({"days": 1, "wait": true})),
        ("retention", json!({"mode": "GOVERNANCE", "retain-until": until, "bypass-governance": true})),
        ("storage-class", json!({"storage-class": "GLACIER"})),
        ("tagging", json!({"mode": "replace", "tags": {"a": "b"}})),
        ("tagging", json!({"mode": "merge", "tags": {"a": "b"}})),
        ("tagging", json!({"mode": "delete-all"})),
        ("undelete", json!({})),
    ]
}

const REPLICATION: &str = r#"{"Role": "r", "Rules": [{"ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {},
    "ExistingObjectReplication": {"Status": "Enabled"}, "DeleteMarkerReplication": {"Status": "Enabled"},
    "Destination": {"Bucket": "arn:aws:s3:::dst"}}]}"#;

/// A store that has everything, in several versions, and objects too large for one copy.
fn answer(request: &Request) -> Result<Response, StoreError> {
    if let Request::CopyObject(_) = request {
        return Err(StoreError::new("EntityTooLarge", "too large").with_status(400));
    }
    let version = |id: &str, is_delete_marker| ListedVersion {
        object: ListedObject {
            key: "k".to_owned(),
            etag: None,
            size: 1,
            storage_class: None,
            last_modified: Some(jiff::Timestamp::UNIX_EPOCH),
        },
        version_id: id.to_owned(),
        is_latest: is_delete_marker,
        is_delete_marker,
    };
    let initiated = Some(jiff::Timestamp::UNIX_EPOCH);
    let upload = ListedUpload { key: "k".to_owned(), upload_id: "u".to_owned(), initiated };
    let versions = vec![version("v2", true), version("v1", false)];
    Ok(Response {
        http_status: 200,
        etag: Some("\"d41d8cd98f00b204e9800998ecf8427e\"".to_owned()),
        size: Some(6 << 30),
        upload_id: Some("u".to_owned()),
        versioning: Some("Enabled".to_owned()),
        replication: Some(REPLICATION.to_owned()),
        versions: Some(VersionPage { versions, next: None }),
        uploads: Some(UploadPage { uploads: vec![upload], next: None }),
        ..Response::default()
    })
}

#[tokio::test]
async fn they_declare_every_action_that_they_need() {
    let mut used = std::collections::BTreeSet::new();
    for (name, parameters) in uses() {
        used.insert(name);
        for version_id in [None, Some("v1".to_owned())] {
            let world = World::answering(ALLOW_ALL, answer);
            let mut lane = plugin(name, Isolation::Reuse).lane(&parameters, "job-1").await.unwrap();
            let object = ObjectId { bucket: "b".to_owned(), key: "k".to_owned(), version_id };
            if let Execution::Done(Outcome::Failed(failure)) = lane.execute(&object, 1, &world.gate).await {
                assert_ne!(failure.code, codes::NOT_GRANTED, "{name} {parameters}: {}", failure.message);
            }
            if name != "noop" && name != "invoke" {
                assert_ne!(world.store.requests(), [], "{name} {parameters} sends nothing");
            }
        }
    }
    let all: std::collections::BTreeSet<_> =
        longshore_builtins::all().iter().map(|builtin| builtin.name).collect();
    assert_eq!(used, all, "an operation that this test does not use");
}

#[test]
fn the_actions_that_they_declare_exist() {
    for builtin in longshore_builtins::all() {
        for action in &plugin(builtin.name, Isolation::Reuse).description().actions {
            let beside = ["lambda:InvokeFunction", "longshore:InvokeEndpoint"].contains(&action.as_str());
            assert!(beside || longshore_policy::s3::is_action(action), "{}: {action}", builtin.name);
        }
    }
}
