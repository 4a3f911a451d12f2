use longshore_sdk::testing::{FakeStore, Fixture, lines};
use longshore_sdk::{Failure, Operation, Outcome, Version};

use super::Undelete;

fn version(id: &str, is_delete_marker: bool, is_latest: bool) -> Version {
    let last_modified = Some(format!("2026-01-{id}T00:00:00Z"));
    Version { version_id: id.to_owned(), is_latest, is_delete_marker, last_modified, size: 0 }
}

fn store(versions: Vec<Version>) -> FakeStore {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture { versions, ..Fixture::default() });
    store
}

fn run(store: &FakeStore) -> Result<Outcome, Failure> {
    Undelete.run(&store.object("b", "k"), &store.task())
}

#[test]
fn the_newest_version_comes_back() {
    let store =
        store(vec![version("01", false, false), version("02", false, false), version("03", true, true)]);
    assert_eq!(run(&store), Ok(Outcome::done_with("version 02 is the current one again")));
    assert_eq!(run(&store), Ok(Outcome::Skipped("it is not deleted".to_owned())));
    assert_eq!(store.fixture("b", "k").unwrap().versions.len(), 2);
}

#[test]
fn several_markers_are_one_deletion() {
    let store = store(vec![
        version("02", false, false),
        version("01", true, false),
        version("03", true, false),
        version("04", true, true),
    ]);
    let message = "version 02 is the current one again; 2 delete markers removed";
    assert_eq!(run(&store), Ok(Outcome::done_with(message)));
    let left = store.fixture("b", "k").unwrap().versions;
    let ids: Vec<&str> = left.iter().map(|version| version.version_id.as_str()).collect();
    assert_eq!(ids, ["02", "01"], "the marker behind the version stays");
}

#[test]
fn without_a_version_nothing_is_touched() {
    for versions in [Vec::new(), vec![version("01", true, true)]] {
        let store = store(versions);
        let failure = run(&store).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("NoSuchKey", Some(404)));
        assert_eq!(store.sent(), ["ListObjectVersions s3://b/k"]);
    }
}

#[test]
fn the_plan_has_every_request() {
    let store = store(Vec::new());
    assert_eq!(
        lines(&Undelete.plan(&store.object("b", "k"), &store.task())),
        ["ListObjectVersions s3://b/k", "DeleteObject s3://b/k?versionId=null (provisional)"]
    );
}
