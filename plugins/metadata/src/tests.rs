use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::SetMetadata;

fn fixture() -> Fixture {
    let text = |text: &str| Some(text.to_owned());
    Fixture {
        content_type: text("binary/octet-stream"),
        cache_control: text("no-cache"),
        expires: text("2030-01-31T00:00:00Z"),
        user_metadata: vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())],
        storage_class: text("STANDARD_IA"),
        ..Fixture::tagged([("t", "1")])
    }
}

fn run_on(key: &str, parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    let operation = operation::<SetMetadata>(&format!("{{{parameters}}}")).unwrap();
    operation.run(&store.object("b", key), &store.task_with([("owner", "ann")]))
}

/// What becomes of the object; a second run changes nothing.
fn changed(key: &str, parameters: &str) -> Fixture {
    let store = FakeStore::new();
    store.insert("b", key, fixture());
    assert_eq!(run_on(key, parameters, &store), Ok(Outcome::done()));
    let again = run_on(key, parameters, &store);
    assert_eq!(again, Ok(Outcome::Skipped("metadata are as wanted already".to_owned())), "{parameters}");
    store.fixture("b", key).unwrap()
}

fn user(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn merge_keeps_what_is_there() {
    let merged = changed(
        "dir/k",
        r#""mode": "merge", "content-language": "de", "user": {"B": "3", "owner": "{{column.owner}} of {{key_dir}}"}"#,
    );
    let wanted = Fixture {
        content_language: Some("de".to_owned()),
        user_metadata: user(&[("a", "1"), ("b", "3"), ("owner", "ann of dir")]),
        ..fixture()
    };
    assert_eq!(merged, wanted);
}

#[test]
fn replace_drops_what_is_not_given() {
    let replaced = changed("k", r#""mode": "replace", "cache-control": "max-age=60""#);
    let wanted = Fixture {
        cache_control: Some("max-age=60".to_owned()),
        expires: None,
        user_metadata: Vec::new(),
        ..fixture()
    };
    assert_eq!(replaced, wanted, "the content type stays");
}

#[test]
fn remove_takes_names_away() {
    let removed =
        changed("k", r#""mode": "remove", "names": ["expires", "cache-control", "user.A", "user.none"]"#);
    let wanted =
        Fixture { cache_control: None, expires: None, user_metadata: user(&[("b", "2")]), ..fixture() };
    assert_eq!(removed, wanted);
}

#[test]
fn content_types_follow_from_extensions() {
    let by_extension = r#""mode": "merge", "content-type-by-extension": true"#;
    for (key, content_type) in
        [("a/cat.JPG", "image/jpeg"), ("page.html", "text/html"), ("x.tar.gz", "application/gzip")]
    {
        assert_eq!(changed(key, by_extension).content_type.as_deref(), Some(content_type), "{key}");
    }
    for key in ["no-extension", "odd.qqq", "ends.in/"] {
        let store = FakeStore::new();
        store.insert("b", key, fixture());
        assert!(matches!(run_on(key, by_extension, &store), Ok(Outcome::Skipped(_))), "{key}");
    }
}

#[test]
fn times_are_compared_as_times() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture());
    let same = run_on("k", r#""mode": "merge", "expires": "2030-01-31T01:00:00+01:00""#, &store);
    assert!(matches!(same, Ok(Outcome::Skipped(_))), "{same:?}");
}

#[test]
fn what_no_header_can_carry_fails_the_task() {
    let store = FakeStore::new();
    store.insert("b", "kä/x", fixture());
    let failure = run_on("kä/x", r#""mode": "merge", "user": {"dir": "{{key_dir}}"}"#, &store).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidArgument", Some(400)));
    assert!(failure.message.starts_with("dir is not ASCII"), "{failure:?}");
    let long = format!(r#""mode": "merge", "user": {{"long": "{}"}}"#, "v".repeat(2041));
    let failure = run_on("kä/x", &long, &store).unwrap_err();
    assert_eq!(failure.code, "MetadataTooLarge");
    assert_eq!(failure.message, "user metadata would have 2049 bytes; S3 allows 2048");
    assert!(!store.sent().iter().any(|sent| sent.starts_with("CopyObject")));
}

#[test]
fn the_plan_has_every_request() {
    let store = FakeStore::new();
    let operation = operation::<SetMetadata>(r#"{"mode": "remove", "names": ["expires"]}"#).unwrap();
    assert_eq!(
        lines(&operation.plan(&store.object("b", "k"), &store.task())),
        [
            "HeadObject s3://b/k checksums=true",
            "GetObjectLockConfiguration s3://b/k",
            "GetObjectAcl s3://b/k",
            "CopyObject s3://b/k to=s3://b/k metadata-directive=REPLACE (provisional)"
        ]
    );
}

#[test]
fn wrong_parameters_are_refused() {
    for (parameters, words) in [
        ("", "missing field `mode`"),
        (r#""mode": "merge""#, "needs something to merge"),
        (r#""mode": "remove""#, "needs names"),
        (r#""mode": "remove", "names": ["expires"], "user": {"a": "b"}"#, "takes names only"),
        (r#""mode": "remove", "names": ["content-type"]"#, "\"content-type\" cannot be removed"),
        (r#""mode": "remove", "names": ["user.a b"]"#, "cannot be removed"),
        (r#""mode": "merge", "names": ["expires"]"#, "go with mode \"remove\""),
        (r#""mode": "merge", "user": {"a b": "c"}"#, "cannot be part of a header's name"),
        (r#""mode": "merge", "user": {"a": "ä"}"#, "user.a is not ASCII"),
        (r#""mode": "merge", "cache-control": "a\nb""#, "control character"),
        (r#""mode": "merge", "content-type": "{{kind}}""#, "content-type: there is no {{kind}}"),
        (r#""mode": "merge", "content-type": "a/b", "content-type-by-extension": true"#, "give either"),
        (r#""mode": "merge", "expires": "soon""#, "is no date or time"),
    ] {
        let error = operation::<SetMetadata>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
