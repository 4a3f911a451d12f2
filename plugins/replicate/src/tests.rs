use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Grant, Operation, Outcome, StoreError, Version};

use super::Replicate;

const RULE: &str = r#"{"ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {}, "Destination": {"Bucket": "arn:aws:s3:::dst"}}"#;

fn fixture() -> Fixture {
    Fixture {
        size: 4,
        etag: Some("\"e1\"".to_owned()),
        content_type: Some("text/plain".to_owned()),
        user_metadata: vec![("color".to_owned(), "blue".to_owned())],
        versions: vec![version("v1", true)],
        ..Fixture::tagged([("a", "1")])
    }
}

fn version(id: &str, is_latest: bool) -> Version {
    Version { version_id: id.to_owned(), is_latest, is_delete_marker: false, last_modified: None, size: 4 }
}

fn marker(id: &str, is_latest: bool) -> Version {
    Version { is_delete_marker: true, ..version(id, is_latest) }
}

/// A store with the object `src/k` and these rules.
fn store(rules: &str, fixture: Fixture) -> FakeStore {
    let store = FakeStore::new();
    store.versioned("dst");
    store.replicated("src", &format!(r#"{{"Role": "r", "Rules": [{rules}]}}"#));
    store.insert("src", "k", fixture);
    store
}

fn run_with(parameters: &str, store: &FakeStore, version: Option<&str>) -> Result<Outcome, Failure> {
    let operation = operation::<Replicate>(parameters).unwrap();
    operation.run(&store.version("src", "k", version), &store.task())
}

fn run(store: &FakeStore) -> Result<Outcome, Failure> {
    run_with("{}", store, None)
}

fn code(result: Result<Outcome, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!(failure.http_status, Some(500), "{failure:?}");
    failure.code
}

#[test]
fn a_replica_carries_everything_and_says_what_it_is_of() {
    let lock = Fixture {
        storage_class: Some("STANDARD_IA".to_owned()),
        website_redirect: Some("/page".to_owned()),
        checksums: vec![("SHA256".to_owned(), "AAAA".to_owned())],
        lock_mode: Some("GOVERNANCE".to_owned()),
        retain_until: Some("2030-01-01T00:00:00Z".to_owned()),
        legal_hold: Some(true),
        owner: Some("me".to_owned()),
        grants: ["me", "alice"]
            .map(|grantee| Grant {
                grantee_type: "id".to_owned(),
                grantee: grantee.to_owned(),
                permission: "FULL_CONTROL".to_owned(),
            })
            .to_vec(),
        ..fixture()
    };
    let store = store(RULE, lock);
    store.lockable("src");
    store.lockable("dst");
    assert_eq!(run(&store), Ok(Outcome::done_with("replicated to dst")));
    let copy = "CopyObject s3://src/k?versionId=v1 to=s3://dst/k source-if-match=\"e1\" storage-class=STANDARD_IA \
                website-redirect=/page lock=GOVERNANCE:2030-01-01T00:00:00Z legal-hold=ON checksum-algorithm=SHA256 \
                metadata-directive=REPLACE content-type=text/plain metadata=color=blue \
                metadata=longshore-replica-of=v1/e1 grant=id:me=FULL_CONTROL grant=id:alice=FULL_CONTROL";
    let [.., sent, retention, hold] = &store.sent()[..] else { panic!("{:?}", store.sent()) };
    assert_eq!(sent, copy);
    let looks =
        ["GetObjectRetention", "GetObjectLegalHold"].map(|call| format!("{call} s3://dst/k?versionId=made"));
    assert_eq!([retention, hold], [&looks[0], &looks[1]]);
    assert_eq!(store.fixture("dst", "k").unwrap().tags, fixture().tags);
    let again = run(&store);
    assert_eq!(again, Ok(Outcome::Skipped("replicated before to dst".to_owned())));
}

#[test]
fn rights_to_write_go_along() {
    let grants = ["FULL_CONTROL", "WRITE"].map(|permission| Grant {
        grantee_type: "id".to_owned(),
        grantee: "me".to_owned(),
        permission: permission.to_owned(),
    });
    let store = store(RULE, Fixture { owner: Some("me".to_owned()), grants: grants.to_vec(), ..fixture() });
    run(&store).unwrap();
    let acl = "PutObjectAcl s3://dst/k?versionId=made grant=id:me=FULL_CONTROL grant=id:me=WRITE";
    assert_eq!(store.sent().last().map(String::as_str), Some(acl));
}

#[test]
fn the_configuration_and_the_buckets_are_asked_about_once() {
    let store = store(RULE, fixture());
    store.insert("src", "other", fixture());
    let operation = operation::<Replicate>("{}").unwrap();
    for key in ["k", "other"] {
        operation.run(&store.object("src", key), &store.task()).unwrap();
    }
    for call in ["GetBucketReplication", "GetBucketVersioning", "GetObjectLockConfiguration"] {
        assert_eq!(store.sent().iter().filter(|sent| sent.starts_with(call)).count(), 1, "{call}");
    }
    let plan = lines(&operation.plan(&store.object("src", "k"), &store.task()));
    assert_eq!(plan, ["GetBucketReplication s3://src/k", "HeadObject s3://src/k checksums=true"]);
}

#[test]
fn rules_say_how() {
    let rules = r#"{"Status": "Enabled", "Priority": 1, "Filter": {"Tag": {"Key": "a", "Value": "1"}},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": {"Bucket": "arn:aws:s3:::dst", "StorageClass": "GLACIER_IR", "Account": "1",
                "AccessControlTranslation": {"Owner": "Destination"},
                "EncryptionConfiguration": {"ReplicaKmsKeyID": "key-2"}}}"#;
    let sse = Some("aws:kms".to_owned());
    let store = store(rules, Fixture { sse, kms_key_id: Some("key-1".to_owned()), ..fixture() });
    run_with(r#"{"mark": false}"#, &store, None).unwrap();
    let copy = "CopyObject s3://src/k?versionId=v1 to=s3://dst/k source-if-match=\"e1\" storage-class=GLACIER_IR \
                sse=aws:kms kms-key-id=key-2 canned-acl=bucket-owner-full-control";
    assert_eq!(store.sent().last().map(String::as_str), Some(copy));
    assert!(!store.sent().iter().any(|sent| sent.starts_with("GetObjectAcl")), "it belongs to another owner");
    assert!(
        matches!(run_with(r#"{"mark": false}"#, &store, None), Ok(Outcome::Skipped(_))),
        "known by its ETag"
    );
}

#[test]
fn destinations_on_other_stores() {
    let rules = format!("{RULE}, {}", RULE.replace("dst", "far"));
    let store = store(&rules, fixture());
    store.versioned("far");
    let outcome = run_with(r#"{"stores": {"far": "cold"}}"#, &store, None);
    assert_eq!(outcome, Ok(Outcome::done_with("replicated to dst, far (store \"cold\")")));
    let sent = store.sent();
    for line in ["GetBucketVersioning s3://far/k store=cold", "HeadObject s3://far/k store=cold"] {
        assert!(sent.contains(&line.to_owned()), "{line}: {sent:?}");
    }
    assert!(sent.last().unwrap().starts_with("CopyObject s3://src/k?versionId=v1 to=s3://far/k store=cold"));
    // One that fails does not keep the others from their replicas.
    store.insert(
        "src",
        "k",
        Fixture { etag: Some("\"e2\"".to_owned()), versions: vec![version("v2", true)], ..fixture() },
    );
    store.fail("CopyObject", "AccessDenied", 403);
    let failure = run_with(r#"{"stores": {"far": "cold"}}"#, &store, None).unwrap_err();
    assert_eq!(failure.code, "DstPutObjectNotPermitted");
    let message =
        "to bucket dst: AccessDenied: CopyObject was made to fail (replicated to far (store \"cold\"))";
    assert_eq!(failure.message, message);
}

#[test]
fn versions_that_are_not_current() {
    let versions = vec![version("v2", true), version("v1", false)];
    let store = store(RULE, Fixture { versions, ..fixture() });
    let failure = run_with("{}", &store, Some("v1")).unwrap_err();
    assert_eq!(failure.code, "SrcObjectNotEligible");
    assert!(failure.message.starts_with("it is not the current version"), "{failure:?}");
    let older = r#"{"noncurrent-versions": true}"#;
    assert_eq!(run_with(older, &store, Some("v1")), Ok(Outcome::done_with("replicated to dst")));
    assert_eq!(
        run_with(older, &store, Some("v1")),
        Ok(Outcome::Skipped("replicated before to dst".to_owned()))
    );
    run_with("{}", &store, Some("v2")).unwrap();
    // The fake store has one fixture for all versions, so that they differ in their marks alone.
    let mut replica = store.fixture("dst", "k").unwrap();
    replica.user_metadata = vec![("longshore-replica-of".to_owned(), "v2/e1".to_owned())];
    store.insert("dst", "k", replica);
    assert_eq!(code(run_with(older, &store, Some("v1"))), "SrcObjectNotEligible");
}

#[test]
fn a_delete_marker_hides_what_is_at_the_destination() {
    let versions = vec![version("v1", false), marker("m1", true)];
    let rule = RULE.replace(r#""Filter""#, r#""DeleteMarkerReplication": {"Status": "Enabled"}, "Filter""#);
    let store = store(&rule, Fixture { versions: versions.clone(), ..fixture() });
    let nothing = Outcome::Skipped("nothing to delete in dst".to_owned());
    assert_eq!(run_with("{}", &store, Some("m1")), Ok(nothing));
    store.insert("dst", "k", Fixture { versions: vec![version("w1", true)], ..fixture() });
    assert_eq!(run_with("{}", &store, Some("m1")), Ok(Outcome::done_with("delete marker replicated to dst")));
    assert!(matches!(run_with("{}", &store, Some("m1")), Ok(Outcome::Skipped(_))));
    store.insert("dst", "k", Fixture { versions: vec![version("w1", true)], ..fixture() });
    store.fail("DeleteObject", "AccessDenied", 403);
    assert_eq!(code(run_with("{}", &store, Some("m1"))), "DstDelObjNotPermitted");
    store.replicated("src", &format!(r#"{{"Rules": [{RULE}]}}"#));
    assert_eq!(code(run_with("{}", &store, Some("m1"))), "SrcObjectNotEligible");
    let versions = vec![version("v2", true), marker("m1", false)];
    store.insert("src", "k", Fixture { versions, ..fixture() });
    assert_eq!(code(run_with("{}", &store, Some("m1"))), "SrcObjectNotEligible");
}

#[test]
fn what_is_not_eligible() {
    let of = |fixture: Fixture| run(&store(RULE, fixture)).unwrap_err();
    let archived = |class: &str| Fixture { storage_class: Some(class.to_owned()), ..fixture() };
    for (fixture, words) in [
        (archived("GLACIER"), "it is archived (GLACIER)"),
        (
            Fixture { restore_ongoing: Some(true), ..archived("DEEP_ARCHIVE") },
            "it is archived (DEEP_ARCHIVE)",
        ),
        (
            Fixture { archive_status: Some("ARCHIVE_ACCESS".to_owned()), ..fixture() },
            "it is archived (ARCHIVE_ACCESS)",
        ),
        (Fixture { sse: Some("aws:kms".to_owned()), ..fixture() }, "SseKmsEncryptedObjects"),
    ] {
        let failure = of(fixture);
        assert_eq!((failure.code.as_str(), failure.http_status), ("SrcObjectNotEligible", Some(500)));
        assert!(failure.message.contains(words), "{failure:?}");
    }
    let restored = store(RULE, Fixture { restore_ongoing: Some(false), ..archived("GLACIER") });
    assert!(run(&restored).is_ok());
    let customers = store(RULE, fixture());
    customers.fail("HeadObject", "BadRequest", 400);
    let failure = run(&customers).unwrap_err();
    assert!(failure.code == "SrcObjectNotEligible" && failure.message.contains("SSE-C"), "{failure:?}");
}

/// What the store answers to a call -> the code in the report.
#[test]
fn answers_and_their_codes() {
    for (call, answered, status, expected) in [
        ("GetBucketReplication", "AccessDenied", 403, "InitiateReplicationNotPermitted"),
        ("GetBucketReplication", "NoSuchBucket", 404, "SrcBucketNotFound"),
        ("GetBucketReplication", "PermanentRedirect", 301, "SrcBucketInvalidRegion"),
        (
            "GetBucketReplication",
            "ReplicationConfigurationNotFoundError",
            404,
            "SrcBucketReplicationConfigMissing",
        ),
        ("HeadObject", "AccessDenied", 403, "SrcHeadObjectNotPermitted"),
        ("HeadObject", "NoSuchKey", 404, "SrcObjectNotFound"),
        ("HeadObject", "NoSuchVersion", 404, "SrcVersionNotFound"),
        ("HeadObject", "KMS.DisabledException", 403, "SrcKmsKeyInvalidState"),
        ("GetObjectTagging", "AccessDenied", 403, "SrcGetTaggingNotPermitted"),
        ("GetObjectAcl", "AccessDenied", 403, "SrcGetAclNotPermitted"),
        ("GetObjectRetention", "AccessDenied", 403, "SrcGetRetentionNotPermitted"),
        ("GetObjectLegalHold", "AccessDenied", 403, "SrcGetLegalHoldNotPermitted"),
        ("GetBucketVersioning", "NoSuchBucket", 404, "DstBucketNotFound"),
        ("GetBucketVersioning", "AuthorizationHeaderMalformed", 400, "DstBucketInvalidRegion"),
        ("CopyObject", "AccessDenied", 403, "DstPutObjectNotPermitted"),
        ("CopyObject", "NoSuchKey", 404, "SrcKeyNotFound"),
        ("CopyObject", "NoSuchVersion", 404, "SrcVersionNotFound"),
        ("CopyObject", "KMS.NotFoundException", 400, "DstKmsKeyNotFound"),
        ("CopyObject", "KMS.DisabledException", 400, "DstKmsKeyInvalidState"),
    ] {
        let tagged = RULE.replace(r#""Filter": {}"#, r#""Filter": {"Tag": {"Key": "a", "Value": "1"}}"#);
        let store = store(&tagged, fixture());
        store.lockable("src");
        store.fail(call, answered, status);
        assert_eq!(code(run(&store)), expected, "{call} {answered}");
    }
    // What is no code of replication stays as it is.
    let store = store(RULE, fixture());
    store.fail("CopyObject", "SlowDown", 503);
    assert_eq!(run(&store).unwrap_err().code, "SlowDown");
}

#[test]
fn refusals_of_copies_say_what_is_missing() {
    for (message, expected) in [
        (
            "role \"r\" may not s3:PutObject on arn:aws:s3:::dst/k: no statement allows it",
            "DstPutObjectNotPermitted",
        ),
        ("role \"r\" may not s3:PutObjectTagging on arn:aws:s3:::dst/k: x", "DstPutTaggingNotPermitted"),
        ("role \"r\" may not s3:PutObjectAcl on arn:aws:s3:::dst/k: x", "DstPutAclNotPermitted"),
        ("role \"r\" may not s3:PutObjectRetention on arn:aws:s3:::dst/k: x", "DstPutRetentionNotPermitted"),
        (
            "User is not authorized to perform: s3:PutObjectLegalHold on resource",
            "DstPutLegalHoldNotPermitted",
        ),
        (
            "role \"r\" may not s3:GetObjectVersionTagging on arn:aws:s3:::src/k: x",
            "SrcGetTaggingNotPermitted",
        ),
        ("role \"r\" may not s3:GetObjectVersion on arn:aws:s3:::src/k: x", "SrcGetObjectNotPermitted"),
        ("GetObject: Access Denied", "SrcGetObjectNotPermitted"),
        ("CreateMultipartUpload: Access Denied", "DstMultipartInitNotPermitted"),
        ("UploadPart: Access Denied", "DstMultipartUploadNotPermitted"),
        ("UploadPartCopy: Access Denied", "DstMultipartUploadNotPermitted"),
        ("CompleteMultipartUpload: Access Denied", "DstMultipartCompleteNotPermitted"),
        ("Access Denied", "DstPutObjectNotPermitted"),
    ] {
        let store = store(RULE, fixture());
        let (code_of_store, message) = ("AccessDenied".to_owned(), message.to_owned());
        let error = StoreError {
            code: code_of_store,
            message: message.clone(),
            http_status: Some(403),
            retryable: false,
        };
        store.fail_with("CopyObject", error);
        assert_eq!(code(run(&store)), expected, "{message}");
    }
}

#[test]
fn destinations_that_take_no_replicas() {
    let unversioned = store(&RULE.replace("dst", "plain"), fixture());
    assert_eq!(code(run(&unversioned)), "DstBucketUnversioned");
    for (answered, status) in [("NotImplemented", 501), ("InvalidResponse", 200)] {
        let silent = store(&RULE.replace("dst", "plain"), fixture());
        silent.fail("GetBucketVersioning", answered, status);
        assert_eq!(run(&silent), Ok(Outcome::done_with("replicated to plain")), "not held against it");
    }
    let held = Fixture { legal_hold: Some(true), ..fixture() };
    let unlocked = store(RULE, held.clone());
    unlocked.lockable("src");
    assert_eq!(code(run(&unlocked)), "DstBucketObjectLockConfigMissing");
    let stale = store(RULE, held);
    stale.lockable("src");
    stale.lockable("dst");
    let message = "Bucket is missing Object Lock Configuration".to_owned();
    stale.fail_with(
        "CopyObject",
        StoreError { code: "InvalidRequest".to_owned(), message, http_status: Some(400), retryable: false },
    );
    assert_eq!(code(run(&stale)), "DstBucketObjectLockConfigMissing");
}

#[test]
fn the_key_of_the_source_may_be_the_one_that_is_disabled() {
    let rule = RULE.replace(
        r#""Filter""#,
        r#""SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}, "Filter""#,
    );
    let sse = Some("aws:kms".to_owned());
    let store = store(&rule, Fixture { sse, kms_key_id: Some("key-1".to_owned()), ..fixture() });
    let error = |message: &str| StoreError {
        code: "KMS.DisabledException".to_owned(),
        message: message.to_owned(),
        http_status: Some(400),
        retryable: false,
    };
    store.fail_with("CopyObject", error("key-1 is disabled"));
    assert_eq!(code(run(&store)), "SrcKmsKeyInvalidState");
    store.fail_with("CopyObject", error("key-2 is disabled"));
    assert_eq!(code(run(&store)), "DstKmsKeyInvalidState");
}
