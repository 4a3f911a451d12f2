use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::Copy;

fn run_on(key: &str, parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    operation::<Copy>(parameters).unwrap().run(&store.object("src", key), &store.task())
}

/// The one request that copying `k` sends, without what it begins with.
fn settings(parameters: &str) -> String {
    let store = FakeStore::new();
    store.insert("src", "k", Fixture::default());
    run_on("k", parameters, &store).unwrap();
    let sent = store.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent[0].strip_prefix("CopyObject s3://src/k to=").unwrap().to_owned()
}

#[test]
fn nothing_but_a_bucket() {
    assert_eq!(settings(r#"{"target-bucket": "dst"}"#), "s3://dst/k");
}

#[test]
fn a_prefix_is_a_folder() {
    assert_eq!(settings(r#"{"target-bucket": "dst", "target-prefix": "Folder1"}"#), "s3://dst/Folder1/k");
    assert_eq!(settings(r#"{"target-bucket": "dst", "target-prefix": "a/b/"}"#), "s3://dst/a/b/k");
    assert_eq!(settings(r#"{"target-bucket": "dst", "target-prefix": ""}"#), "s3://dst/k");
}

#[test]
fn odd_keys_stay_as_they_are() {
    let store = FakeStore::new();
    for key in [" ", "/", "a//b", "%2F", "a+b", "\"quoted\"", "new\nline", "🦀", "ends/"] {
        store.insert("src", key, Fixture::default());
        run_on(key, r#"{"target-bucket": "dst", "target-prefix": "p"}"#, &store).unwrap();
        assert!(store.fixture("dst", &format!("p/{key}")).is_some(), "{key:?}");
    }
}

#[test]
fn a_key_that_becomes_too_long_is_not_sent() {
    let store = FakeStore::new();
    let key = "k".repeat(1022);
    store.insert("src", &key, Fixture::default());
    run_on(&key, r#"{"target-bucket": "dst", "target-prefix": "p"}"#, &store).unwrap();
    let failure = run_on(&key, r#"{"target-bucket": "dst", "target-prefix": "pp"}"#, &store).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("KeyTooLongError", Some(400)));
    assert_eq!(failure.message, "with its prefix the target key has 1025 bytes; S3 allows 1024");
    assert_eq!(store.sent().len(), 1);
}

#[test]
fn class_acl_and_encryption() {
    assert_eq!(
        settings(
            r#"{"target-bucket": "dst", "storage-class": "STANDARD_IA", "canned-acl": "bucket-owner-full-control",
                "sse": {"algorithm": "aws:kms", "kms-key-id": "alias/mine", "bucket-key": false}}"#
        ),
        "s3://dst/k storage-class=STANDARD_IA canned-acl=bucket-owner-full-control sse=aws:kms \
         kms-key-id=alias/mine bucket-key=false"
    );
    assert_eq!(
        settings(
            r#"{"target-bucket": "dst", "sse": {"algorithm": "AES256"},
                "grants": [{"type": "id", "grantee": "x", "permission": "READ"}]}"#
        ),
        "s3://dst/k grant=id:x=READ sse=AES256"
    );
}

#[test]
fn metadata_is_replaced_or_copied() {
    assert_eq!(settings(r#"{"target-bucket": "dst", "metadata": {"directive": "copy"}}"#), "s3://dst/k");
    assert_eq!(
        settings(
            r#"{"target-bucket": "dst", "metadata": {"directive": "replace", "content-type": "text/plain",
                "expires": "2030-01-31T00:00:00Z", "user": {"b": "2", "a": "ä"}}}"#
        ),
        "s3://dst/k metadata-directive=REPLACE content-type=text/plain expires=2030-01-31T00:00:00Z \
         metadata=a=ä metadata=b=2"
    );
    assert_eq!(
        settings(r#"{"target-bucket": "dst", "metadata": {"directive": "replace"}}"#),
        "s3://dst/k metadata-directive=REPLACE"
    );
}

#[test]
fn tags_are_copied_replaced_or_dropped() {
    assert_eq!(settings(r#"{"target-bucket": "dst", "tags": {"directive": "copy"}}"#), "s3://dst/k");
    assert_eq!(
        settings(r#"{"target-bucket": "dst", "tags": {"directive": "replace", "set": {"a": "1", "b": ""}}}"#),
        "s3://dst/k tagging-directive=REPLACE tag=a=1 tag=b="
    );
    let dropped = "s3://dst/k tagging-directive=REPLACE";
    assert_eq!(settings(r#"{"target-bucket": "dst", "tags": {"directive": "drop"}}"#), dropped);
    assert_eq!(settings(r#"{"target-bucket": "dst", "tags": {"directive": "replace", "set": {}}}"#), dropped);
}

#[test]
fn the_stores_refusals_are_the_tasks() {
    let store = FakeStore::new();
    let failure = run_on("gone", r#"{"target-bucket": "dst"}"#, &store).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("NoSuchKey", Some(404)));
    store.insert("src", "cold", Fixture { storage_class: Some("GLACIER".to_owned()), ..Fixture::default() });
    store.fail("CopyObject", "InvalidObjectState", 403);
    let failure = run_on("cold", r#"{"target-bucket": "dst"}"#, &store).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidObjectState", Some(403)));
}

#[test]
fn the_plan_is_what_is_sent() {
    let store = FakeStore::new();
    store.insert("src", "k", Fixture::default());
    let operation = operation::<Copy>(r#"{"target-bucket": "dst", "tags": {"directive": "drop"}}"#).unwrap();
    let object = store.version("src", "k", Some("v"));
    let plan = lines(&operation.plan(&object, &store.task()));
    assert!(store.sent().is_empty(), "a plan sends nothing");
    operation.run(&object, &store.task()).unwrap();
    assert_eq!(store.sent(), plan);
}

#[test]
fn wrong_parameters_are_refused() {
    let long = format!(r#""metadata": {{"directive": "replace", "user": {{"n": "{}"}}}}"#, "v".repeat(2048));
    for (parameters, words) in [
        ("", "missing field `target-bucket`"),
        (
            r#""target-bucket": "d", "metadata": {"directive": "replace", "content-type": "a\nb"}"#,
            "content-type contains a control character",
        ),
        (
            r#""target-bucket": "d", "metadata": {"directive": "replace", "content-disposition": "x; filename=\"\u00e4\""}"#,
            "content-disposition is not ASCII",
        ),
        (r#""target-bucket": "d", "storage-class": "REDUCED_REDUNDANCY""#, "unknown variant"),
        (
            r#""target-bucket": "d", "canned-acl": "private",
               "grants": [{"type": "id", "grantee": "x", "permission": "READ"}]"#,
            "not both",
        ),
        (r#""target-bucket": "d", "metadata": {"directive": "copy", "user": {"a": "b"}}"#, "use \"replace\""),
        (r#""target-bucket": "d", "metadata": {"content-type": "a/b"}"#, "missing field `directive`"),
        (
            r#""target-bucket": "d", "metadata": {"directive": "replace", "user": {"a b": ""}}"#,
            "header's name",
        ),
        (&format!(r#""target-bucket": "d", {long}"#), "metadata.user has 2049 bytes"),
        (r#""target-bucket": "d", "tags": {"directive": "drop", "set": {"a": "b"}}"#, "goes with directive"),
        (r#""target-bucket": "d", "sse": {"algorithm": "AES256", "kms-key-id": "k"}"#, "go with algorithm"),
        (r#""target-bucket": "d", "sse": {"algorithm": "KMS"}"#, "unknown variant `KMS`"),
        (r#""target-bucket": "d", "prefix": "p""#, "unknown field `prefix`"),
    ] {
        let error = operation::<Copy>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
