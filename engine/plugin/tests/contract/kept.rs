//! Operations that were built against the contract of each release, on the host of today.
//!
//! `tests/contract/VERSION` has the contract (`longshore.wit`), an operation that calls all of it (`probe`, and `probe.wasm`, built from it) and what that one
//! is told (`transcript.txt`). None of them changes once the version is released. Before that `UPDATE_CONTRACT=1` builds the probe and
//! writes the transcript anew.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use longshore_job::{Failure, ObjectId, Outcome};
use longshore_plugin::{
    Columns, EngineLimits, Execution, Grants, Isolation, Lane, PluginError, PluginLimits, Plugins, Terms,
};
use longshore_store::testing::FakeStore;
use longshore_store::{
    Acl, ContentHeaders, Encryption, EventHold, Grant, Grantee, HoldDuration, ListedObject, ListedUpload,
    ListedVersion, ObjectLock, Permission, Request, Response, Restore, Retention, StoreError, Tag,
    UploadPage, VersionPage,
};
use serde_json::json;
use wit_component::{ComponentEncoder, DecodedWasm};

use crate::growth::kept;
use crate::wit::Contract;
use crate::world::World;
use crate::{current, file};

fn probe(version: &str) -> Vec<u8> {
    fs::read(file("tests/contract").join(version).join("probe.wasm")).unwrap()
}

/// Builds the probe of a contract that is not released yet.
fn build(version: &str) {
    let folder = file("tests/contract").join(version);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract-probe");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(folder.join("probe")).args([
        "build",
        "--release",
        "--target",
        "wasm32-unknown-unknown",
    ]);
    assert!(cargo.arg("--target-dir").arg(&target).status().unwrap().success());
    let module = target.join("wasm32-unknown-unknown/release/longshore_contract_probe.wasm");
    let component = ComponentEncoder::default().validate(true).module(&fs::read(module).unwrap());
    fs::write(folder.join("probe.wasm"), component.unwrap().encode().unwrap()).unwrap();
}

/// The parts of a contract that a component uses.
fn used(component: &[u8]) -> Contract {
    match wit_component::decode(component).unwrap() {
        DecodedWasm::Component(resolve, world) => Contract { resolve, world },
        DecodedWasm::WitPackage(..) => panic!("it is no component"),
    }
}

#[test]
fn the_probe_of_each_contract_calls_all_of_it() {
    for (version, contract) in kept() {
        assert_eq!(used(&probe(&version)).surface(), contract.surface(), "{version}");
    }
}

fn tag() -> Tag {
    Tag::new("team", "a")
}

fn listed(key: &str) -> ListedObject {
    ListedObject {
        key: key.to_owned(),
        etag: None,
        size: 7,
        storage_class: None,
        last_modified: Some("2020-01-31T00:00:00Z".parse().unwrap()),
    }
}

/// All that a store may tell of an object.
fn everything() -> Response {
    let text = |text: &str| Some(text.to_owned());
    Response {
        http_status: 200,
        etag: text("\"e\""),
        version_id: text("v1"),
        size: Some(5),
        storage_class: text("GLACIER"),
        restore: Some(Restore { ongoing: false, expiry: text("Fri, 21 Dec 2029 00:00:00 GMT") }),
        content: ContentHeaders {
            content_type: text("text/plain"),
            cache_control: text("no-cache"),
            content_disposition: text("inline"),
            content_encoding: text("gzip"),
            content_language: text("de"),
            expires: Some("2030-01-31T00:00:00Z".parse().unwrap()),
        },
        user_metadata: [("name".to_owned(), "value".to_owned())].into(),
        lock: ObjectLock {
            retention: Some(Retention {
                mode: "GOVERNANCE".to_owned(),
                retain_until: "2030-01-31T00:00:00Z".parse().unwrap(),
            }),
            legal_hold: Some(true),
            event_hold: Some(EventHold { on: true, mode: None, duration: Some(HoldDuration::Days(30)) }),
        },
        last_modified: Some("2020-01-31T00:00:00Z".parse().unwrap()),
        encryption: Encryption {
            algorithm: text("aws:kms"),
            kms_key_id: text("key"),
            bucket_key_enabled: Some(true),
        },
        replication_status: text("COMPLETED"),
        website_redirect_location: text("/elsewhere"),
        tag_count: Some(1),
        parts_count: Some(3),
        checksums: vec![("CRC32", "AAAAAA==".to_owned())],
        checksum_type: text("COMPOSITE"),
        archive_status: text("ARCHIVE_ACCESS"),
        ..Response::default()
    }
}

/// A store that has something to say in each kind of answer.
fn answer(request: &Request) -> Result<Response, StoreError> {
    let short = Response { http_status: 200, ..Response::default() };
    Ok(match request {
        Request::HeadObject(_) => everything(),
        Request::GetObject(_) => Response { http_status: 206, body: "bytes".into(), ..short },
        Request::GetObjectTagging(_) => Response { tags: vec![tag()], ..short },
        Request::GetObjectAcl(_) => {
            let grantee = Grantee::Id("someone".to_owned());
            let grants = vec![Grant { grantee, permission: Permission::Read }];
            Response { acl: Some(Acl { owner: Some("owner".to_owned()), grants }), ..short }
        }
        Request::DeleteObject(_) => Response { http_status: 204, delete_marker: true, ..short },
        Request::GetObjectLockConfiguration(_) => Response { lock_enabled: true, ..short },
        Request::GetBucketReplication(_) => {
            Response { replication: Some("{\"Rules\":[]}".to_owned()), ..short }
        }
        Request::GetBucketVersioning(_) => Response { versioning: Some("Suspended".to_owned()), ..short },
        Request::ListObjectVersions(_) => {
            let version = |id: &str, is_latest, is_delete_marker| ListedVersion {
                object: listed("k"),
                version_id: id.to_owned(),
                is_latest,
                is_delete_marker,
            };
            let versions = vec![version("v1", true, false), version("v0", false, true)];
            let next = Some(("k".to_owned(), Some("v0".to_owned())));
            Response { versions: Some(VersionPage { versions, next }), ..short }
        }
        Request::ListMultipartUploads(_) => {
            let initiated = Some("2020-01-31T00:00:00Z".parse().unwrap());
            let uploads = vec![ListedUpload { key: "k".to_owned(), upload_id: "u1".to_owned(), initiated }];
            let next = Some(("k".to_owned(), Some("u1".to_owned())));
            Response { uploads: Some(UploadPage { uploads, next }), ..short }
        }
        Request::CreateMultipartUpload(_) => Response { upload_id: Some("u7".to_owned()), ..short },
        Request::UploadPart(_) => Response { etag: Some("\"p\"".to_owned()), ..short },
        Request::PutObject(put) if put.body.is_empty() => {
            return Err(StoreError::new("PreconditionFailed", "there is one").with_status(412));
        }
        _ => short,
    })
}

fn object() -> ObjectId {
    ObjectId { version_id: Some("v1".to_owned()), ..ObjectId::new("b", "k") }
}

async fn lane(version: &str, parameters: &serde_json::Value) -> Result<Lane, PluginError> {
    // What the probe is told goes into the message of its task.
    let limits = PluginLimits { message_bytes: 256 << 10, ..PluginLimits::default() };
    let terms = Terms { grants: Grants::parse(["*"]).unwrap(), limits, isolation: Isolation::Fresh };
    let plugins = Plugins::new(EngineLimits { instances: 4, ..EngineLimits::default() }).unwrap();
    let plugin = plugins.load(&probe(version), &terms).unwrap();
    assert_eq!(
        (plugin.description().name.as_str(), plugin.description().version.as_str()),
        ("contract-probe", version)
    );
    plugin.lane(parameters, "job-1").await
}

/// What the probe of a contract is told by the host, and what the store is sent by it.
async fn transcript(version: &str) -> String {
    let world = World::of(FakeStore::answering(answer));
    let mut lane = lane(version, &json!({})).await.unwrap();
    let planned = lane.plan(&object(), 2, &world.gate).await.unwrap();
    let outcome = lane.execute(&object(), 2, &world.gate).await;
    let Execution::Done(Outcome::Succeeded(Some(told))) = outcome else { panic!("{outcome:?}") };
    // A message is one line. Each run has a time of its own.
    let lines = told.split("\\n").filter(|line| !line.starts_with("now: "));
    let mut told = lines.collect::<Vec<_>>().join("\n");
    told.push_str("\nplanned:\n");
    planned.iter().for_each(|request| writeln!(told, "{request}").unwrap());
    told.push_str("\nsent:\n");
    world.store.requests().iter().for_each(|request| writeln!(told, "{request}").unwrap());
    told
}

#[tokio::test]
async fn each_probe_is_told_and_sends_what_it_did_when_it_was_built() {
    for (version, _) in kept() {
        let path = file("tests/contract").join(&version).join("transcript.txt");
        let is_to_come = env::var_os("UPDATE_CONTRACT").is_some() && version == current().version();
        if is_to_come {
            build(&version);
        }
        let told = transcript(&version).await;
        if is_to_come {
            fs::write(&path, &told).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap() == told, "{} differs from:\n{told}", path.display());
    }
}

#[tokio::test]
async fn each_probe_can_end_a_task_in_every_way() {
    for (version, _) in kept() {
        let mut lane = lane(&version, &json!({})).await.unwrap();
        let world = World::of(FakeStore::answering(answer));
        let mut ends = Vec::new();
        for answer in ["skipped", "again", "failed"] {
            lane.set_columns(Columns {
                names: ["answer".to_owned()].into(),
                values: vec![Some(answer.to_owned())],
            });
            ends.push(lane.execute(&object(), 1, &world.gate).await);
        }
        let (code, message) = ("Asked".to_owned(), "as was asked for".to_owned());
        assert_eq!(
            ends,
            [
                Execution::Done(Outcome::Skipped("nothing to do".to_owned())),
                Execution::AgainAfter { seconds: 60, note: "not yet".to_owned() },
                Execution::Done(Outcome::Failed(Failure { code, message, status: Some(418) })),
            ]
        );
    }
}

#[tokio::test]
async fn each_probe_can_refuse_parameters() {
    for (version, _) in kept() {
        let refused = lane(&version, &json!({"a": 1})).await.err();
        let reason = "refused: {\"a\":1}".to_owned();
        assert_eq!(refused, Some(PluginError::Parameters { operation: "contract-probe".to_owned(), reason }));
    }
}
