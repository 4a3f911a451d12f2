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
        checksums: vec![("SHA256".to_owned(), "Y29tcHV0ZWQ=".to_owned())],
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
        store.sent()[3],
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
    assert_eq!(store.sent()[3..], ["CopyObject s3://b/k to=s3://b/k storage-class=STANDARD_IA"]);
}

#[test]
fn a_store_without_acls_is_no_obstacle() {
    let store = store(Fixture::default());
    store.fail("GetObjectAcl", "NotImplemented", 501);
    assert!(matches!(run(&store, None), Ok(Outcome::Done(_))));
    let denied = super::tests::store(Fixture::default());
    denied.fail("GetObjectAcl", "AccessDenied", 403);
    assert_eq!(run(&denied, None).unwrap_err().code, "AccessDenied");
    assert_eq!(denied.sent().len(), 3, "what cannot be read would be lost");
}

fn calls(store: &FakeStore) -> Vec<&'static str> {
    store.requests().iter().map(|sent| sent.call).collect()
}

/// HeadObject leaves out the locks that its caller may not read, and the new version would lose them.
#[test]
fn locks_are_asked_for_where_there_may_be_any() {
    let locked = store(rich());
    locked.lockable("b");
    run(&locked, None).unwrap();
    let asked = [
        "HeadObject",
        "GetObjectLockConfiguration",
        "GetObjectRetention",
        "GetObjectLegalHold",
        "GetObjectAcl",
    ];
    assert_eq!(calls(&locked)[..5], asked);
    for call in ["GetObjectLockConfiguration", "GetObjectRetention", "GetObjectLegalHold"] {
        let denied = store(rich());
        denied.lockable("b");
        denied.fail(call, "AccessDenied", 403);
        assert_eq!(run(&denied, None).unwrap_err().code, "AccessDenied", "{call}");
        assert!(!calls(&denied).contains(&"CopyObject"), "{call}");
    }
    let never_locked = store(Fixture::default());
    never_locked.lockable("b");
    run(&never_locked, None).unwrap();
    assert_eq!(never_locked.sent()[5], "CopyObject s3://b/k to=s3://b/k storage-class=STANDARD_IA");
}

#[test]
fn a_bucket_without_locks_costs_one_request() {
    for status in [404, 405, 501] {
        let store = store(Fixture::default());
        store.insert("b", "other", Fixture::default());
        store.fail("GetObjectLockConfiguration", "NotThere", status);
        let operation = operation::<SetStorageClass>(r#"{"storage-class": "STANDARD_IA"}"#).unwrap();
        for key in ["k", "other"] {
            operation.run(&store.object("b", key), &store.task()).unwrap();
        }
        let copy = ["HeadObject", "GetObjectAcl", "CopyObject"];
        assert_eq!(calls(&store)[..2], ["HeadObject", "GetObjectLockConfiguration"]);
        assert_eq!(calls(&store)[2..], [&copy[1..], &copy].concat(), "{status}");
    }
}

#[test]
fn locks_that_the_store_ignored_are_set_or_the_task_fails() {
    let (none, put) = ("NoSuchObjectLockConfiguration", ["PutObjectRetention", "PutObjectLegalHold"]);
    for (get, put, header) in [
        ("GetObjectRetention", put[0], "x-amz-object-lock-mode"),
        ("GetObjectLegalHold", put[1], "x-amz-object-lock-legal-hold"),
    ] {
        let store = store(rich());
        store.fail(get, none, 404);
        assert!(matches!(run(&store, None), Ok(Outcome::Done(_))));
        assert_eq!(calls(&store).iter().filter(|call| call.starts_with("Put")).collect::<Vec<_>>(), [&put]);
        let refusing = super::tests::store(rich());
        refusing.fail(get, none, 404);
        refusing.fail(put, "MethodNotAllowed", 405);
        let failure = run(&refusing, None).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("NotImplemented", Some(501)));
        let words = format!("the store ignored {header}: the new object is there without the ");
        assert!(failure.message.starts_with(&words), "{failure:?}");
        let blind = super::tests::store(rich());
        blind.fail(get, "AccessDenied", 403);
        let failure = run(&blind, None).unwrap_err();
        assert_eq!(failure.code, "AccessDenied");
        assert!(
            failure.message.starts_with("the new version is there, and whether it is locked"),
            "{failure:?}"
        );
    }
    let shorter = store(rich());
    shorter.lockable("b");
    let early = Fixture { retain_until: Some("2031-01-01T00:00:00.5Z".to_owned()), ..rich() };
    shorter.insert("b", "k", early);
    run(&shorter, None).unwrap();
    assert!(!calls(&shorter).contains(&"PutObjectRetention"), "a header has no fractions of a second");
}

#[test]
fn rights_to_write_are_granted_after_the_copy() {
    let grants = vec![grant("me", "FULL_CONTROL"), grant("you", "WRITE")];
    let granting =
        store(Fixture { grants: grants.clone(), owner: Some("me".to_owned()), ..Fixture::default() });
    run(&granting, None).unwrap();
    let acl = "PutObjectAcl s3://b/k grant=id:me=FULL_CONTROL grant=id:you=WRITE";
    assert_eq!(granting.sent().last().map(String::as_str), Some(acl));
    let refusing = store(Fixture { grants, owner: Some("me".to_owned()), ..Fixture::default() });
    refusing.fail("PutObjectAcl", "AccessDenied", 403);
    let failure = run(&refusing, None).unwrap_err();
    assert_eq!(
        failure.message,
        "the copy is there without the grants of WRITE: PutObjectAcl was made to fail"
    );
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
            "GetObjectLockConfiguration s3://b/k",
            "GetObjectAcl s3://b/k",
            "CopyObject s3://b/k to=s3://b/k storage-class=GLACIER (provisional)"
        ]
    );
    let unknown = super::tests::operation::<SetStorageClass>(r#"{"storage-class": "COLD"}"#).unwrap_err();
    assert!(unknown.contains("unknown variant"), "{unknown}");
}
