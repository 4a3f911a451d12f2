use longshore_sdk::testing::{FakeStore, Fixture, operation};
use longshore_sdk::{Failure, Operation, Outcome, Tag};

use super::Scan;

const RULES: &str =
    r#"{"rules": [{"name": "magic", "hex": "00ff10fe"}, {"name": "secret key", "text": "BEGIN SECRET"}]}"#;

fn fixture(body: &[u8], tags: &[(&str, &str)]) -> Fixture {
    Fixture {
        size: body.len() as u64,
        body: body.to_vec(),
        etag: Some("\"e\"".to_owned()),
        ..Fixture::tagged(tags.iter().copied())
    }
}

fn run(store: &FakeStore, parameters: &str) -> Result<Outcome, Failure> {
    operation::<Scan>(parameters).unwrap().run(&store.object("b", "k"), &store.task())
}

fn tags(store: &FakeStore) -> Vec<(String, String)> {
    let tags = store.fixture("b", "k").unwrap().tags;
    let mut tags: Vec<_> = tags.into_iter().map(|Tag { key, value }| (key, value)).collect();
    tags.sort();
    tags
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What comes of an object, and its tags.
fn scanned(body: &[u8], before: &[(&str, &str)]) -> (Outcome, Vec<(String, String)>) {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(body, before));
    (run(&store, RULES).unwrap(), tags(&store))
}

#[test]
fn what_is_found_is_tagged_with_its_rule() {
    let (outcome, tags) = scanned(b"...\x00\xff\x10\xfe...BEGIN SECRET", &[("team", "a")]);
    assert_eq!(outcome, Outcome::done_with("found magic at byte 3"));
    assert_eq!(tags, pairs(&[("scan", "found"), ("scan-rule", "magic"), ("team", "a")]));
    let (outcome, tags) = scanned(b"BEGIN SECRET", &[]);
    assert_eq!(outcome, Outcome::done_with("found secret key at byte 0"));
    assert_eq!(tags, pairs(&[("scan", "found"), ("scan-rule", "secret key")]));
}

#[test]
fn what_is_clean_is_tagged_as_such() {
    for body in [b"".as_slice(), b"\x00\xff\x10", b"BEGIN secret", &[0; 100_000]] {
        let (outcome, tags) = scanned(body, &[("scan", "found"), ("scan-rule", "magic"), ("team", "a")]);
        assert_eq!(outcome, Outcome::done_with("clean"));
        assert_eq!(tags, pairs(&[("scan", "clean"), ("team", "a")]));
    }
}

#[test]
fn a_pattern_may_lie_anywhere() {
    // Around the steps in which the search takes bytes, and at the end.
    for at in (0..12).map(|back| 65_536 - back).chain([8 << 20, (8 << 20) - 5]) {
        let mut body = vec![b'x'; at];
        body.extend_from_slice(b"BEGIN SECRET");
        assert_eq!(scanned(&body, &[]).0, Outcome::done_with(format!("found secret key at byte {at}")));
    }
}

#[test]
fn a_second_run_writes_nothing() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(b"harmless", &[]));
    run(&store, RULES).unwrap();
    let before = store.sent().len();
    run(&store, RULES).unwrap();
    let again: Vec<_> = store.requests().into_iter().skip(before).map(|sent| sent.call).collect();
    assert_eq!(again, ["HeadObject", "GetObject", "GetObjectTagging"]);
}

#[test]
fn a_task_fails_if_that_is_asked_for_once_the_object_is_tagged() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(b"BEGIN SECRET", &[]));
    let failure = run(&store, &RULES.replacen('{', r#"{"fail-if-found": true, "#, 1)).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.message.as_str()), ("PatternFound", "secret key at byte 0"));
    assert_eq!(tags(&store), pairs(&[("scan", "found"), ("scan-rule", "secret key")]));
}

#[test]
fn the_version_that_was_read_is_tagged() {
    let store = FakeStore::new();
    let version = |id: &str, is_latest| longshore_sdk::Version {
        version_id: id.to_owned(),
        is_latest,
        is_delete_marker: false,
        last_modified: None,
        size: 8,
    };
    store.insert(
        "b",
        "k",
        Fixture { versions: vec![version("v2", true), version("v1", false)], ..fixture(b"harmless", &[]) },
    );
    run(&store, RULES).unwrap();
    let last = store.sent().pop().unwrap();
    assert_eq!(last, "PutObjectTagging s3://b/k?versionId=v2 tag=scan=clean");
}

#[test]
fn what_was_replaced_meanwhile_is_not_tagged() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(b"harmless", &[]));
    run(&store, RULES).unwrap();
    let heads: Vec<_> = store.sent().into_iter().filter(|line| line.starts_with("HeadObject")).collect();
    assert_eq!(
        heads,
        ["HeadObject s3://b/k", "HeadObject s3://b/k if-match=\"e\""],
        "before the tags are written"
    );
}

#[test]
fn ten_tags_are_all_that_an_object_has() {
    let names: Vec<_> = (0..9).map(|number| format!("t{number}")).collect();
    let tags: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    let store = FakeStore::new();
    store.insert("b", "k", fixture(b"BEGIN SECRET", &tags));
    assert_eq!(run(&store, RULES).unwrap_err().code, "TooManyTags");
    store.insert("b", "k", fixture(b"harmless", &tags));
    assert_eq!(run(&store, RULES), Ok(Outcome::done_with("clean")));
}

#[test]
fn rules_are_checked() {
    for (rules, words) in [
        ("[]", "nothing would be looked for"),
        (r#"[{"name": "x", "text": "abc"}]"#, "has 3 bytes; at least 4"),
        (r#"[{"name": "x"}]"#, "needs either text or hex"),
        (r#"[{"name": "x", "text": "abcd", "hex": "61626364"}]"#, "needs either text or hex"),
        (r#"[{"name": "x", "hex": "6162636"}]"#, "rule \"x\": hex: Odd number of digits"),
        (r#"[{"name": "a,b", "text": "abcd"}]"#, "contains ','"),
        (r#"[{"name": "x", "pattern": "abcd"}]"#, "unknown field `pattern`"),
    ] {
        let error = operation::<Scan>(&format!(r#"{{"rules": {rules}}}"#)).unwrap_err();
        assert!(error.contains(words), "{rules}: {error}");
    }
    let long = "x".repeat(70_000);
    let error =
        operation::<Scan>(&format!(r#"{{"rules": [{{"name": "x", "text": "{long}"}}]}}"#)).unwrap_err();
    assert!(error.contains("70000 bytes of patterns; 65536 are allowed"), "{error}");
}
