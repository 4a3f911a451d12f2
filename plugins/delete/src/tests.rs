use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome, Version};

use super::Delete;

fn version(id: &str, is_delete_marker: bool, is_latest: bool) -> Version {
    Version {
        version_id: id.to_owned(),
        is_latest,
        is_delete_marker,
        last_modified: Some(format!("2026-01-{id}T00:00:00Z")),
        size: 1,
    }
}

fn store(versions: Vec<Version>) -> FakeStore {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture { versions, etag: Some("\"e\"".to_owned()), ..Fixture::default() });
    store
}

fn run(parameters: &str, store: &FakeStore, version: Option<&str>) -> Result<Outcome, Failure> {
    let operation = operation::<Delete>(&format!("{{{parameters}}}")).unwrap();
    operation.run(&store.version("b", "k", version), &store.task_with([("etag", "e")]))
}

fn done(message: &str) -> Result<Outcome, Failure> {
    Ok(Outcome::done_with(message))
}

#[test]
fn without_versioning_it_is_gone() {
    let store = store(Vec::new());
    assert_eq!(run("", &store, None), done("deleted for good"));
    assert_eq!(store.fixture("b", "k"), None);
    assert_eq!(run("", &store, None), Ok(Outcome::Skipped("it is not there".to_owned())));
    assert_eq!(store.sent(), ["HeadObject s3://b/k", "DeleteObject s3://b/k", "HeadObject s3://b/k"]);
}

#[test]
fn one_delete_marker_however_often() {
    let store = store(vec![version("01", false, true)]);
    assert_eq!(run("", &store, None), done("delete marker made: made"));
    assert_eq!(run("", &store, None), Ok(Outcome::Skipped("it is not there".to_owned())));
    assert_eq!(store.fixture("b", "k").unwrap().versions.len(), 2);
}

#[test]
fn versions_and_markers_by_their_ids() {
    let store = store(vec![version("01", false, false), version("02", true, true)]);
    assert_eq!(run("", &store, Some("02")), done("delete marker removed"));
    assert_eq!(run("", &store, Some("01")), done("version deleted for good"));
    assert_eq!(store.fixture("b", "k").unwrap().versions, []);
}

#[test]
fn a_version_that_is_not_there_is_skipped() {
    let store = store(vec![version("01", false, true)]);
    assert!(matches!(run("", &store, Some("09")), Ok(Outcome::Skipped(_))));
    store.fail("HeadObject", "NoSuchBucket", 404);
    assert_eq!(run("", &store, None).unwrap_err().code, "NoSuchBucket");
    store.fail("HeadObject", "AccessDenied", 403);
    assert_eq!(run("", &store, None).unwrap_err().code, "AccessDenied");
}

#[test]
fn only_the_object_that_was_meant() {
    let store =
        store(vec![version("01", false, false), version("02", true, true), version("03", false, false)]);
    let failure = run(r#""if-match": "other""#, &store, Some("01")).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("PreconditionFailed", Some(412)));
    assert_eq!(failure.message, "the object's ETag is \"e\", not other");
    assert_eq!(
        run(r#""if-match": "{{column.etag}}""#, &store, Some("02")).unwrap_err().http_status,
        Some(412)
    );
    assert_eq!(run(r#""if-match": "{{column.etag}}""#, &store, Some("01")), done("version deleted for good"));
    assert_eq!(
        run(r#""if-match": "{{column.sum}}""#, &store, Some("03")).unwrap_err().code,
        "InvalidRequest"
    );
    let empty = operation::<Delete>(r#"{"if-match": "{{column.etag}}"}"#).unwrap();
    let none = empty.run(&store.object("b", "k"), &store.task_with([("etag", "")])).unwrap_err();
    assert_eq!(none.code, "InvalidRequest");
    let plain = super::tests::store(Vec::new());
    run(r#""if-match": "\"e\"""#, &plain, None).unwrap();
    assert_eq!(plain.sent()[1], "DeleteObject s3://b/k if-match=\"e\"");
}

#[test]
fn what_a_customers_key_encrypts_is_deleted_without_it() {
    for (versions, version_id, message) in [
        (Vec::new(), None, "deleted for good"),
        (vec![version("01", false, true)], Some("01"), "version deleted for good"),
    ] {
        let store = store(versions);
        store.fail("HeadObject", "BadRequest", 400);
        assert_eq!(run("", &store, version_id), done(message));
        store.fail("HeadObject", "BadRequest", 400);
        let failure = run(r#""if-match": "e""#, &store, version_id).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)));
        assert!(failure.message.contains("(SSE-C)"), "{failure:?}");
        assert_eq!(store.requests().iter().filter(|sent| sent.call == "DeleteObject").count(), 1);
    }
}

#[test]
fn all_versions_go_the_oldest_first() {
    let store =
        store(vec![version("01", false, false), version("03", false, false), version("04", true, true)]);
    store.page(2);
    assert_eq!(
        run(r#""all-versions": true, "bypass-governance": true"#, &store, None),
        done("3 versions deleted")
    );
    let deleted = |id: &str| format!("DeleteObject s3://b/k?versionId={id} bypass-governance=true");
    let lists = ["ListObjectVersions s3://b/k".to_owned(), "ListObjectVersions s3://b/k after=03".to_owned()];
    assert_eq!(store.sent(), lists.into_iter().chain(["01", "03", "04"].map(deleted)).collect::<Vec<_>>());
    assert!(matches!(run(r#""all-versions": true"#, &store, None), Ok(Outcome::Skipped(_))));
}

#[test]
fn a_locked_version_is_named() {
    let store = store(vec![version("01", false, false), version("02", false, true)]);
    store.fail("DeleteObject", "AccessDenied", 403);
    let failure = run(r#""all-versions": true"#, &store, None).unwrap_err();
    assert_eq!(failure.code, "AccessDenied");
    assert_eq!(failure.message, "version 01: DeleteObject was made to fail (0 deleted before)");
}

#[test]
fn more_versions_than_a_task_may_delete_are_left_for_the_next_run() {
    let many = (0..802)
        .map(|number| Version { last_modified: None, ..version(&number.to_string(), false, number == 0) });
    let store = store(many.collect());
    let outcome = run(r#""all-versions": true"#, &store, None);
    let note = "2 versions are left to delete".to_owned();
    assert_eq!(outcome, Ok(Outcome::AgainAfter { seconds: 1, note }));
    assert_eq!(run(r#""all-versions": true"#, &store, None), done("2 versions deleted"));
}

#[test]
fn the_plan_has_every_request() {
    let store = store(Vec::new());
    let plan = |parameters: &str, version| {
        let operation = operation::<Delete>(&format!("{{{parameters}}}")).unwrap();
        lines(&operation.plan(&store.version("b", "k", version), &store.task_with([("etag", "e")])))
    };
    assert_eq!(
        plan(r#""bypass-governance": true"#, Some("v")),
        ["HeadObject s3://b/k?versionId=v", "DeleteObject s3://b/k?versionId=v bypass-governance=true"]
    );
    assert_eq!(
        plan(r#""if-match": "{{column.etag}}""#, None),
        ["HeadObject s3://b/k", "DeleteObject s3://b/k if-match=\"e\""]
    );
    assert_eq!(
        plan(r#""all-versions": true"#, None),
        ["ListObjectVersions s3://b/k", "DeleteObject s3://b/k?versionId=null (provisional)"]
    );
}

#[test]
fn wrong_parameters_are_refused() {
    for (parameters, words) in [
        (r#""if-match": "e", "all-versions": true"#, "takes no if-match"),
        (r#""if-match": "{{etag}}""#, "if-match: there is no {{etag}}"),
        (r#""version": "v""#, "unknown field"),
    ] {
        let error = operation::<Delete>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
