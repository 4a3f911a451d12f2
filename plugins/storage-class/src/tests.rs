use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Grant, Operation, Outcome, Version};

use super::SetStorageClass;

fn grant(grantee: &str, permission: &str) -> Grant {
    let (grantee_type, grantee) = ("id".to_owned(), grantee.to_owned());
    Grant { grantee_type, grantee, permission: permission.to_owned() }
}

/// An object that has everything an object can have.
fn rich() -> Fixture {
    let text = |text: &str| Some(text.to_owned());
    Fixture {
        etag: text("\"e\""),
        owner: text("me"),
        grants: vec![grant("me", "FULL_CONTROL"), grant("you", "READ")],
        content_type: text("text/plain"),
        cache_control: text("no-cache"),
        content_disposition: text("inline"),
        content_encoding: text("gzip"),
        content_language: text("de"),
        expires: text("2030-01-31T00:00:00Z"),
        user_metadata: vec![("team".to_owned(), "a".to_owned())],
        lock_mode: text("GOVERNANCE"),
        retain_until: text("2031-01-01T00:00:00Z"),
        legal_hold: Some(true),
        sse: text("aws:kms"),
        kms_key_id: text("alias/mine"),
        bucket_key: Some(true),
        website_redirect: text("/there"),
        checksums: vec![("SHA256".to_owned(), "c3Vt".to_owned())],
        ..Fixture::tagged([("a", "1")])
    }
}

fn store(fixture: Fixture) -> FakeStore {
    let store = FakeStore::new();
    store.insert("b", "k", fixture);
    store
}

fn run(store: &FakeStore, version: Option<&str>) -> Result<Outcome, Failure> {
    let operation = operation::<SetStorageClass>(r#"{"storage-class": "STANDARD_IA"}"#).unwrap();
    operation.run(&store.version("b", "k", version), &store.task())
}

#[test]
fn everything_else_survives() {
    let store = store(rich());
    assert_eq!(run(&store, None), Ok(Outcome::done_with("moved from STANDARD to STANDARD_IA")));
    let moved = Fixture { storage_class: Some("STANDARD_IA".to_owned()), ..rich() };
    assert_eq!(store.fixture("b", "k"), Some(moved));
    assert_eq!(
        store.sent()[2],
        "CopyObject s3://b/k to=s3://b/k source-if-match=\"e\" storage-class=STANDARD_IA sse=aws:kms \
         kms-key-id=alias/mine bucket-key=true checksum-algorithm=SHA256 website-redirect=/there \
         lock=GOVERNANCE:2031-01-01T00:00:00Z legal-hold=ON grant=id:me=FULL_CONTROL grant=id:you=READ"
    );
    let again = run(&store, None);
    assert_eq!(again, Ok(Outcome::Skipped("the storage class is STANDARD_IA already".to_owned())));
}

#[test]
fn what_is_not_there_is_not_sent() {
    let past = Some("2020-01-01T00:00:00Z".to_owned());
    let plain = Fixture {
        owner: Some("me".to_owned()),
        grants: vec![grant("me", "FULL_CONTROL")],
        lock_mode: Some("COMPLIANCE".to_owned()),
        retain_until: past,
        legal_hold: Some(false),
        ..Fixture::default()
    };
    let store = store(plain);
    run(&store, None).unwrap();
    assert_eq!(store.sent()[2], "CopyObject s3://b/k to=s3://b/k storage-class=STANDARD_IA");
}

#[test]
fn a_store_without_acls_is_no_obstacle() {
    let store = store(Fixture::default());
    store.fail("GetObjectAcl", "NotImplemented", 501);
    assert!(matches!(run(&store, None), Ok(Outcome::Done(_))));
    let denied = super::tests::store(Fixture::default());
    denied.fail("GetObjectAcl", "AccessDenied", 403);
    assert_eq!(run(&denied, None).unwrap_err().code, "AccessDenied");
    assert_eq!(denied.sent().len(), 2, "what cannot be read would be lost");
}

#[test]
fn an_old_version_is_not_brought_back() {
    let version = |id: &str, is_latest| Version {
        version_id: id.to_owned(),
        is_latest,
        is_delete_marker: false,
        last_modified: None,
        size: 0,
    };
    let store = store(Fixture { versions: vec![version("new", true), version("old", false)], ..rich() });
    let failure = run(&store, Some("old")).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)));
    assert!(failure.message.starts_with("version old is not the current one"), "{failure:?}");
    assert!(matches!(run(&store, Some("new")), Ok(Outcome::Done(_))));
}

#[test]
fn the_plan_has_every_request() {
    let store = store(rich());
    let operation = operation::<SetStorageClass>(r#"{"storage-class": "GLACIER"}"#).unwrap();
    assert_eq!(
        lines(&operation.plan(&store.version("b", "k", Some("v")), &store.task())),
        [
            "HeadObject s3://b/k checksums=true",
            "GetObjectAcl s3://b/k",
            "CopyObject s3://b/k to=s3://b/k storage-class=GLACIER (provisional)"
        ]
    );
    let unknown = super::tests::operation::<SetStorageClass>(r#"{"storage-class": "COLD"}"#).unwrap_err();
    assert!(unknown.contains("unknown variant"), "{unknown}");
}
