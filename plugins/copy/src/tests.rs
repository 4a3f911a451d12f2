use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::Copy;

mod kept;
mod moving;

fn run_on(key: &str, parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    operation::<Copy>(parameters).unwrap().run(&store.object("src", key), &store.task())
}

/// The one request that copying `k` sends, without what it begins with.
fn settings(parameters: &str) -> String {
    let store = FakeStore::new();
    store.insert("src", "k", Fixture::default());
    run_on("k", parameters, &store).unwrap();
    // What follows asks whether the store kept what the copy was to have.
    sent_before_questions(&store)
}

fn sent_before_questions(store: &FakeStore) -> String {
    let sent = store.sent();
    let questions = ["HeadObject s3://dst/", "GetObjectAcl", "GetObjectRetention", "GetObjectLegalHold"];
    let is_question = |line: &String| questions.iter().any(|question| line.starts_with(question));
    assert!(sent[1..].iter().all(is_question), "{sent:?}");
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
    assert_eq!(failure.message, "the target key has 1025 bytes; S3 allows 1024");
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
        (r#""target-bucket": "d", "target-key": "{{kez}}""#, "target-key: there is no {{kez}}"),
        (
            r#""target-bucket": "d", "rewrite": {"pattern": "(", "replace": ""}"#,
            "rewrite.pattern is no regular expression",
        ),
        (r#""target-bucket": "d", "mode": "sync""#, "unknown variant `sync`"),
        (r#""target-bucket": "d", "if-match": "etag""#, "unknown variant `etag`"),
        (
            r#""target-bucket": "d", "grants": [{"type": "id", "grantee": "x", "permission": "WRITE"}]"#,
            "S3 knows permission WRITE on buckets only",
        ),
        (
            r#""target-bucket": "d", "mode": "move", "target-key": "{{key_name}}", "overwrite": true"#,
            "takes no overwrite = true",
        ),
        (
            r#""target-bucket": "d", "mode": "move", "rewrite": {"pattern": "a", "replace": "b"}, "overwrite": true"#,
            "takes no overwrite = true",
        ),
    ] {
        let error = operation::<Copy>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}

/// The key that a source's key becomes.
fn target_of(key: &str, parameters: &str) -> String {
    let store = FakeStore::new();
    store.insert("src", key, Fixture::default());
    run_on(key, &format!(r#"{{"target-bucket": "dst", {parameters}}}"#), &store).unwrap();
    let (_, target) =
        store.sent()[0].split_once(" to=s3://dst/").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    target
}

#[test]
fn keys_by_template_and_by_regular_expression() {
    let template = r#""target-key": "{{bucket}}/{{key_dir}}/v1-{{key_name}}""#;
    assert_eq!(target_of("a/b.txt", template), "src/a/v1-b.txt");
    let rewrite = r#""rewrite": {"pattern": "^(\\d{4})-(\\d\\d)/", "replace": "${1}/$2/$$"}"#;
    assert_eq!(target_of("2025-07/x", rewrite), "2025/07/$x");
    assert_eq!(target_of("other", rewrite), "other");
    let all =
        r#""target-prefix": "p", "target-key": "{{key_stem}}", "rewrite": {"pattern": "a", "replace": "ä"}"#;
    assert_eq!(target_of("d/banana.txt", all), "p/bänänä");
}

#[test]
fn a_key_that_becomes_nothing_is_not_sent() {
    let store = FakeStore::new();
    store.insert("src", "k", Fixture::default());
    let failure =
        run_on("k", r#"{"target-bucket": "dst", "rewrite": {"pattern": ".*", "replace": ""}}"#, &store)
            .unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("InvalidRequest", "the target key is empty")
    );
    assert!(store.sent().is_empty());
}

#[test]
fn conditions_are_sent() {
    assert_eq!(
        settings(
            r#"{"target-bucket": "dst", "modified-since": "2025-01-01T00:00:00Z",
                "unmodified-since": "2026-01-01T00:00:00Z", "requester-pays": true,
                "multipart": {"threshold": 5242880, "part-size": 6000000}}"#
        ),
        "s3://dst/k source-if-modified-since=2025-01-01T00:00:00Z \
         source-if-unmodified-since=2026-01-01T00:00:00Z requester-pays=true multipart-threshold=5242880 \
         part-size=6000000"
    );
}

#[test]
fn locks_checksums_and_redirects() {
    assert_eq!(
        settings(
            r#"{"target-bucket": "dst", "checksum-algorithm": "CRC64NVME", "legal-hold": true,
                "lock": {"mode": "GOVERNANCE", "retain-until": "2030-01-31T00:00:00Z"},
                "redirect-location": "/moved.html"}"#
        ),
        "s3://dst/k checksum-algorithm=CRC64NVME lock=GOVERNANCE:2030-01-31T00:00:00Z legal-hold=ON \
         website-redirect=/moved.html"
    );
}

fn with_etag(etag: &str) -> Fixture {
    Fixture { size: 3, etag: Some(format!("\"{etag}\"")), ..Fixture::default() }
}

const A: &str = "0cc175b9c0f1b6a831c399e269772661";
const B: &str = "92eb5ffee6ae2fec3ad71c777531578f";

#[test]
fn the_etag_of_the_row() {
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    let operation = operation::<Copy>(r#"{"target-bucket": "dst", "if-match": "column"}"#).unwrap();
    let run = |columns: &[(&str, &str)]| {
        operation.run(&store.object("src", "k"), &store.task_with(columns.iter().copied()))
    };
    assert_eq!(run(&[("ETag", A)]), Ok(Outcome::done()));
    let failure = run(&[("ETag", B)]).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("PreconditionFailed", Some(412)));
    let failure = run(&[]).unwrap_err();
    assert_eq!(failure.message, "if-match = \"column\", and the row has no value in column ETag");
    assert_eq!(store.sent().len(), 2);
}

#[test]
fn the_etag_of_the_moment() {
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    run_on("k", r#"{"target-bucket": "dst", "if-match": "head"}"#, &store).unwrap();
    assert_eq!(
        store.sent(),
        [
            "HeadObject s3://src/k".to_owned(),
            format!("CopyObject s3://src/k to=s3://dst/k source-if-match=\"{A}\"")
        ]
    );
}

#[test]
fn nothing_is_overwritten() {
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    let once = r#"{"target-bucket": "dst", "overwrite": false}"#;
    assert_eq!(run_on("k", once, &store), Ok(Outcome::done()));
    assert!(store.sent()[1].ends_with("if-none-match=*"));
    let skipped = run_on("k", once, &store).unwrap();
    assert!(matches!(&skipped, Outcome::Skipped(why) if why.contains("stays")), "{skipped:?}");
    // Somebody else writes between the look and the copy.
    let store = FakeStore::new();
    store.insert("src", "k", with_etag(A));
    store.insert("dst", "k", with_etag(B));
    store.fail("HeadObject", "NotFound", 404);
    assert!(matches!(run_on("k", once, &store), Ok(Outcome::Skipped(_))));
    assert_eq!(store.fixture("dst", "k"), Some(with_etag(B)));
}

#[test]
fn identical_copies_are_not_made_again() {
    let parameters = r#"{"target-bucket": "dst", "skip-identical": true}"#;
    for (there, copied) in [
        (None, true),
        (Some(with_etag(A)), false),
        (Some(with_etag(B)), true),
        (Some(Fixture { size: 4, ..with_etag(A) }), true),
        (Some(Fixture { etag: None, ..with_etag(A) }), true),
    ] {
        let store = FakeStore::new();
        store.insert("src", "k", with_etag(A));
        if let Some(there) = &there {
            store.insert("dst", "k", there.clone());
        }
        let outcome = run_on("k", parameters, &store).unwrap();
        assert_eq!(outcome == Outcome::done(), copied, "{there:?}: {outcome:?}");
        assert_eq!(store.fixture("dst", "k"), Some(with_etag(A)));
    }
}

#[test]
fn copies_are_verified() {
    let parameters = r#"{"target-bucket": "dst", "verify": true}"#;
    let said = |source: Fixture| {
        let store = FakeStore::new();
        store.insert("src", "k", source);
        run_on("k", parameters, &store)
    };
    assert_eq!(said(with_etag(A)), Ok(Outcome::done_with(format!("verified: 3 bytes, ETag {A}"))));
    let store = FakeStore::new();
    store.insert("src", "k", Fixture { etag: None, ..with_etag(A) });
    let outcome = run_on("k", parameters, &store).unwrap();
    assert!(matches!(&outcome, Outcome::Done(Some(said)) if said.contains("no MD5 sums")), "{outcome:?}");
}

#[test]
fn what_is_compared() {
    use super::compare::Content;
    let content = |fixture: Fixture| {
        let store = FakeStore::new();
        store.insert("b", "k", fixture);
        Content::from(&store.object("b", "k").head().send().unwrap())
    };
    let kms = |etag| Fixture { sse: Some("aws:kms".to_owned()), ..with_etag(etag) };
    let parts = with_etag(&format!("{B}-2"));
    let sum = |value: &str, kind: &str| Fixture {
        checksums: vec![("SHA256".to_owned(), value.to_owned())],
        checksum_type: Some(kind.to_owned()),
        ..parts.clone()
    };
    for (source, copy, verified) in [
        (with_etag(A), with_etag(A), true),
        (with_etag(A), with_etag(B), false),
        (with_etag(A), Fixture { size: 4, ..with_etag(A) }, false),
        (with_etag(A), parts.clone(), true),
        (parts.clone(), with_etag(B), true),
        (kms(A), with_etag(B), true),
        (with_etag(A), kms(B), true),
        (sum("YQ==", "FULL_OBJECT"), sum("YQ==", "FULL_OBJECT"), true),
        (sum("YQ==", "FULL_OBJECT"), sum("Yg==", "FULL_OBJECT"), false),
        (sum("YQ==-2", "COMPOSITE"), sum("Yg==", "FULL_OBJECT"), true),
    ] {
        let label = format!("{source:?} {copy:?}");
        let result = content(source).verify(&content(copy));
        assert_eq!(result.is_ok(), verified, "{label}: {result:?}");
    }
}
