use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::Restore;

fn store(restore_ongoing: Option<bool>) -> FakeStore {
    let store = FakeStore::new();
    let fixture =
        Fixture { storage_class: Some("GLACIER".to_owned()), restore_ongoing, ..Fixture::default() };
    store.insert("b", "k", fixture);
    store
}

fn run(parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    operation::<Restore>(parameters).unwrap().run(&store.object("b", "k"), &store.task())
}

#[test]
fn an_archived_object_is_asked_for() {
    let store = store(None);
    assert_eq!(run(r#"{"days": 7, "tier": "BULK"}"#, &store), Ok(Outcome::done()));
    assert_eq!(store.sent(), ["RestoreObject s3://b/k days=7 tier=Bulk"]);
}

#[test]
fn the_tier_is_standard_and_days_may_be_absent() {
    let store = store(None);
    run("{}", &store).unwrap();
    assert_eq!(store.sent(), ["RestoreObject s3://b/k tier=Standard"]);
}

#[test]
fn a_restored_object_gets_a_new_expiry() {
    let outcome = run(r#"{"days": 7}"#, &store(Some(false)));
    assert_eq!(outcome, Ok(Outcome::done_with("already restored; expiry updated")));
}

#[test]
fn the_stores_refusals_are_the_tasks() {
    for (code, status) in [("RestoreAlreadyInProgress", 409), ("InvalidObjectState", 403)] {
        let store = store(None);
        store.fail("RestoreObject", code, status);
        let failure = run(r#"{"days": 7, "tier": "EXPEDITED"}"#, &store).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), (code, Some(status)));
    }
}

#[test]
fn the_plan_is_what_is_sent() {
    let store = store(None);
    let operation = operation::<Restore>(r#"{"days": 1}"#).unwrap();
    let object = store.version("b", "k", Some("v1"));
    let plan = lines(&operation.plan(&object, &store.task()));
    assert_eq!(store.sent(), [""; 0], "a plan sends nothing");
    operation.run(&object, &store.task()).unwrap();
    assert_eq!(store.sent(), plan);
    assert_eq!(plan, ["RestoreObject s3://b/k?versionId=v1 days=1 tier=Standard"]);
}

#[test]
fn wrong_parameters_are_refused() {
    for parameters in
        [r#"{"days": 0}"#, r#"{"days": -1}"#, r#"{"days": "7"}"#, r#"{"tier": "standard"}"#, r#"{"day": 7}"#]
    {
        assert!(operation::<Restore>(parameters).is_err(), "{parameters}");
    }
}
