use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome, Version};

use super::ExpireVersions;

/// A version that was written on that day of January 2026; it is the 15th, noon.
fn version(day: &str) -> Version {
    Version {
        version_id: day.to_owned(),
        is_latest: false,
        is_delete_marker: false,
        last_modified: Some(format!("2026-01-{day}T00:00:00Z")),
        size: 1,
    }
}

fn marker(day: &str) -> Version {
    Version { is_delete_marker: true, ..version(day) }
}

fn latest(version: Version) -> Version {
    Version { is_latest: true, ..version }
}

fn store(versions: Vec<Version>) -> FakeStore {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture { versions, ..Fixture::default() });
    store
}

fn run(parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    let operation = operation::<ExpireVersions>(&format!("{{{parameters}}}")).unwrap();
    operation.run(&store.object("b", "k"), &store.task())
}

fn left(store: &FakeStore) -> Vec<String> {
    store.fixture("b", "k").unwrap().versions.into_iter().map(|version| version.version_id).collect()
}

#[test]
fn the_newest_stay() {
    let store = store(vec![latest(version("14")), version("12"), version("10"), version("01"), marker("11")]);
    store.page(2);
    assert_eq!(run(r#""keep": 2"#, &store), Ok(Outcome::done_with("2 versions deleted")));
    assert_eq!(left(&store), ["14", "12", "11"]);
    assert_eq!(run(r#""keep": 2"#, &store), Ok(Outcome::Skipped("no version has to go".to_owned())));
    assert_eq!(run(r#""keep": 1"#, &store), Ok(Outcome::done_with("1 version deleted")));
    assert_eq!(left(&store), ["14", "11"]);
}

#[test]
fn age_counts_from_the_moment_of_being_replaced() {
    let versions = || vec![latest(version("14")), version("08"), version("01")];
    // The version of the 8th was replaced yesterday, that of the 1st a week ago.
    let store = store(versions());
    run(r#""keep": 1, "min-age": "3d""#, &store).unwrap();
    assert_eq!(left(&store), ["14", "08"]);
    let young = super::tests::store(versions());
    assert!(matches!(run(r#""keep": 1, "min-age": "30d""#, &young), Ok(Outcome::Skipped(_))));
    let deleted = super::tests::store(vec![version("08"), version("01"), latest(marker("10"))]);
    run(r#""keep": 1, "min-age": "3d""#, &deleted).unwrap();
    assert_eq!(left(&deleted), ["08", "10"]);
}

#[test]
fn lone_markers_go_only_when_asked() {
    let store = store(vec![latest(marker("14")), marker("10")]);
    assert!(matches!(run(r#""keep": 1"#, &store), Ok(Outcome::Skipped(_))));
    assert_eq!(
        run(r#""keep": 1, "lone-markers": true"#, &store),
        Ok(Outcome::done_with("2 versions deleted"))
    );
    assert_eq!(left(&store), [""; 0]);
    assert!(matches!(run(r#""keep": 1, "lone-markers": true"#, &store), Ok(Outcome::Skipped(_))));
}

#[test]
fn governance_is_bypassed_only_when_asked() {
    let store = store(vec![latest(version("14")), version("12")]);
    let operation = operation::<ExpireVersions>(r#"{"keep": 1, "bypass-governance": true}"#).unwrap();
    assert_eq!(
        lines(&operation.plan(&store.object("b", "k"), &store.task())),
        [
            "ListObjectVersions s3://b/k",
            "DeleteObject s3://b/k?versionId=null bypass-governance=true (provisional)"
        ]
    );
    operation.run(&store.object("b", "k"), &store.task()).unwrap();
    let deleted = "DeleteObject s3://b/k?versionId=12 bypass-governance=true";
    assert_eq!(store.sent().last().map(String::as_str), Some(deleted));
}

#[test]
fn wrong_parameters_are_refused() {
    for (parameters, words) in [
        ("", "missing field `keep`"),
        (r#""keep": 0"#, "at least 1"),
        (r#""keep": 1, "min-age": "old""#, "is no age"),
    ] {
        let error = operation::<ExpireVersions>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
