use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::Tagging;

fn store<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> FakeStore {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture::tagged(tags));
    store
}

fn run(parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    operation::<Tagging>(parameters).unwrap().run(&store.object("b", "k"), &store.task())
}

fn tags(store: &FakeStore) -> Vec<(String, String)> {
    store.fixture("b", "k").unwrap().tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn replace_writes_without_reading() {
    let store = store([("old", "1")]);
    assert_eq!(run(r#"{"mode": "replace", "tags": {"b": "2", "a": ""}}"#, &store), Ok(Outcome::done()));
    assert_eq!(store.sent(), ["PutObjectTagging s3://b/k tag=a= tag=b=2"]);
}

#[test]
fn replace_by_nothing_leaves_no_tags() {
    let store = store([("old", "1")]);
    run(r#"{"mode": "replace", "tags": {}}"#, &store).unwrap();
    assert_eq!(store.sent(), ["DeleteObjectTagging s3://b/k"]);
    assert_eq!(tags(&store), []);
}

#[test]
fn merge_keeps_what_is_there() {
    let store = store([("a", "1"), ("b", "2")]);
    let outcome = run(r#"{"mode": "merge", "tags": {"b": "3", "ключ": "значение"}}"#, &store);
    assert_eq!(outcome, Ok(Outcome::done()));
    assert_eq!(tags(&store), pairs(&[("a", "1"), ("b", "3"), ("ключ", "значение")]));
}

#[test]
fn merge_that_changes_nothing_is_skipped() {
    let store = store([("a", "1"), ("b", "2")]);
    let outcome = run(r#"{"mode": "merge", "tags": {"b": "2"}}"#, &store);
    assert_eq!(outcome, Ok(Outcome::Skipped("tags are as wanted already".to_owned())));
    assert_eq!(store.sent(), ["GetObjectTagging s3://b/k"]);
}

#[test]
fn merge_over_ten_tags_fails_before_it_writes() {
    let keys: Vec<String> = (0..10).map(|number| format!("k{number}")).collect();
    let store = store(keys.iter().map(|key| (key.as_str(), "v")));
    let failure = run(r#"{"mode": "merge", "tags": {"one-more": "v"}}"#, &store).unwrap_err();
    assert_eq!(failure.code, "BadRequest");
    assert_eq!(failure.message, "the object has 10 tags and would have 11; S3 allows 10");
    assert_eq!(store.sent(), ["GetObjectTagging s3://b/k"]);

    run(r#"{"mode": "merge", "tags": {"k3": "changed"}}"#, &store).unwrap();
    assert_eq!(tags(&store).len(), 10, "a value may change at the limit");
}

#[test]
fn remove_takes_the_keys_away() {
    let store = store([("a", "1"), ("b", "2"), ("c", "3")]);
    run(r#"{"mode": "remove", "keys": ["c", "a", "not there"]}"#, &store).unwrap();
    assert_eq!(tags(&store), pairs(&[("b", "2")]));
    run(r#"{"mode": "remove", "keys": ["b"]}"#, &store).unwrap();
    assert_eq!(tags(&store), []);
    let outcome = run(r#"{"mode": "remove", "keys": ["b"]}"#, &store);
    assert!(matches!(outcome, Ok(Outcome::Skipped(_))), "{outcome:?}");
}

#[test]
fn delete_all_is_one_request() {
    let store = store([("a", "1")]);
    assert_eq!(run(r#"{"mode": "delete-all"}"#, &store), Ok(Outcome::done()));
    assert_eq!(store.sent(), ["DeleteObjectTagging s3://b/k"]);
}

#[test]
fn a_missing_object_fails_with_the_stores_code() {
    let store = FakeStore::new();
    for parameters in [
        r#"{"mode": "merge", "tags": {"a": "b"}}"#,
        r#"{"mode": "replace", "tags": {}}"#,
        r#"{"mode": "delete-all"}"#,
    ] {
        let failure = run(parameters, &store).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("NoSuchKey", Some(404)));
    }
}

#[test]
fn the_plan_marks_what_is_not_known_yet() {
    let store = store([("a", "1")]);
    let plan = |parameters| {
        let operation = operation::<Tagging>(parameters).unwrap();
        lines(&operation.plan(&store.version("b", "k", Some("v")), &store.task()))
    };
    assert_eq!(
        plan(r#"{"mode": "merge", "tags": {"x": "y"}}"#),
        [
            "GetObjectTagging s3://b/k?versionId=v",
            "PutObjectTagging s3://b/k?versionId=v tag=x=y (provisional)"
        ]
    );
    assert_eq!(
        plan(r#"{"mode": "remove", "keys": ["x"]}"#),
        ["GetObjectTagging s3://b/k?versionId=v", "PutObjectTagging s3://b/k?versionId=v (provisional)"]
    );
    assert_eq!(
        plan(r#"{"mode": "replace", "tags": {"x": "y"}}"#),
        ["PutObjectTagging s3://b/k?versionId=v tag=x=y"]
    );
    assert_eq!(plan(r#"{"mode": "delete-all"}"#), ["DeleteObjectTagging s3://b/k?versionId=v"]);
    assert!(store.sent().is_empty(), "a plan sends nothing");
}

#[test]
fn values_are_filled_in_for_each_object() {
    let store = FakeStore::new();
    store.insert("b", "2025/ann/cat.jpg", Fixture::tagged([("old", "1")]));
    let operation = operation::<Tagging>(
        r#"{"mode": "merge", "tags": {"dir": "{{key_dir}}", "owner": "{{column.owner}}", "fixed": "x"}}"#,
    )
    .unwrap();
    let object = store.object("b", "2025/ann/cat.jpg");
    let task = store.task_with([("owner", "Ann")]);
    let filled = "tag=dir=2025/ann tag=fixed=x";
    let plan = lines(&operation.plan(&object, &task));
    let put = format!("PutObjectTagging s3://b/2025/ann/cat.jpg {filled} tag=owner=Ann (provisional)");
    assert_eq!(plan[1], put);
    assert_eq!(operation.run(&object, &task), Ok(Outcome::done()));
    assert!(matches!(operation.run(&object, &task), Ok(Outcome::Skipped(_))));
    let put = format!("PutObjectTagging s3://b/2025/ann/cat.jpg {filled} tag=old=1 tag=owner=Ann");
    assert_eq!(store.sent()[1], put);
}

#[test]
fn values_that_cannot_be_filled_in_fail_the_task() {
    let store = store([]);
    let operation =
        operation::<Tagging>(r#"{"mode": "replace", "tags": {"owner": "{{column.owner}}"}}"#).unwrap();
    let run = |columns: &[(&str, &str)]| {
        let task = store.task_with(columns.iter().copied());
        assert_eq!(lines(&operation.plan(&store.object("b", "k"), &task)), [""; 0]);
        operation.run(&store.object("b", "k"), &task).unwrap_err()
    };
    assert_eq!(run(&[]).code, "InvalidRequest");
    let invalid = run(&[("owner", "a&b")]);
    assert_eq!((invalid.code.as_str(), invalid.http_status), ("InvalidTag", Some(400)));
    assert!(invalid.message.contains("contains '&'"), "{invalid:?}");
    assert_eq!(store.sent(), [""; 0]);
}

#[test]
fn wrong_parameters_are_refused() {
    let long_key = "k".repeat(129);
    let long_value = "v".repeat(257);
    let eleven: Vec<String> = (0..11).map(|number| format!("\"k{number}\": \"\"")).collect();
    let tags = |tags: &str| format!(r#"{{"mode": "replace", "tags": {{{tags}}}}}"#);
    for (parameters, words) in [
        ("{}".to_owned(), "missing field `mode`"),
        (r#"{"mode": "merge"}"#.to_owned(), "mode \"merge\" needs tags"),
        (r#"{"mode": "merge", "tags": {}}"#.to_owned(), "at least one tag"),
        (r#"{"mode": "remove"}"#.to_owned(), "mode \"remove\" needs keys"),
        (r#"{"mode": "remove", "keys": []}"#.to_owned(), "at least one key"),
        (r#"{"mode": "remove", "keys": [""]}"#.to_owned(), "has 0 characters"),
        (r#"{"mode": "delete-all", "tags": {}}"#.to_owned(), "mode \"delete-all\" takes no tags"),
        (r#"{"mode": "merge", "keys": ["a"], "tags": {"a": "b"}}"#.to_owned(), "takes no keys"),
        (r#"{"mode": "upsert"}"#.to_owned(), "unknown variant `upsert`"),
        (tags(&eleven.join(", ")), "11 tags are too many"),
        (tags(&format!("\"{long_key}\": \"\"")), "has 129 characters; 1 to 128"),
        (tags(&format!("\"k\": \"{long_value}\"")), "has 257 characters; 0 to 256"),
        (tags(r#""AWS:createdBy": "me""#), "are reserved"),
        (tags(r#""a,b": "c""#), "contains ','"),
        (tags(r#""a": "{{owner}}""#), "tag \"a\": there is no {{owner}}"),
        (tags(r#""a": "{b}""#), "contains '{'"),
        (tags(r#""a": "b\nc""#), "contains '\\n'"),
    ] {
        let error = operation::<Tagging>(&parameters).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
