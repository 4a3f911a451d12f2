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
fn a_task_that_waits_ends_when_the_object_is_readable() {
    let store = store(None);
    let operation = operation::<Restore>(r#"{"days": 7, "wait": true}"#).unwrap();
    let look = |attempt| operation.run(&store.object("b", "k"), &store.task().attempt_number(attempt));
    let again = Ok(Outcome::AgainAfter { seconds: 900, note: "the restore is in progress".to_owned() });
    assert_eq!((look(1), look(2)), (again.clone(), again));
    let readable = Fixture {
        restore_ongoing: Some(false),
        restore_expiry: Some("Fri, 21 Dec 2012 00:00:00 GMT".to_owned()),
        ..store.fixture("b", "k").unwrap()
    };
    store.insert("b", "k", readable);
    let message = "readable until Fri, 21 Dec 2012 00:00:00 GMT";
    assert_eq!(look(3), Ok(Outcome::done_with(message)));
    assert_eq!(look(1), Ok(Outcome::done_with("already restored; expiry updated")));
    let sent: Vec<&str> = store.requests().iter().map(|sent| sent.call).collect();
    assert_eq!(
        sent,
        ["HeadObject", "RestoreObject", "HeadObject", "HeadObject", "HeadObject", "RestoreObject"]
    );
}

#[test]
fn the_archive_tiers_of_intelligent_tiering_are_waited_for() {
    let store = FakeStore::new();
    let archived = Fixture {
        storage_class: Some("INTELLIGENT_TIERING".to_owned()),
        archive_status: Some("DEEP_ARCHIVE_ACCESS".to_owned()),
        ..Fixture::default()
    };
    store.insert("b", "k", archived.clone());
    let operation = operation::<Restore>(r#"{"tier": "BULK", "wait": true, "check-every": 5}"#).unwrap();
    let look = |attempt| operation.run(&store.object("b", "k"), &store.task().attempt_number(attempt));
    assert!(matches!(look(1), Ok(Outcome::AgainAfter { seconds: 5, .. })));
    // The object itself moves back: no header says that it ever was away.
    store.insert("b", "k", Fixture { archive_status: None, ..archived });
    assert_eq!(look(2), Ok(Outcome::done_with("readable")));
    assert_eq!(look(1), Ok(Outcome::Skipped("it is not archived".to_owned())));
}

#[test]
fn a_restore_in_progress_is_asked_for_once_more() {
    let operation = operation::<Restore>(r#"{"days": 7, "tier": "EXPEDITED", "wait": true}"#).unwrap();
    let store = store(Some(true));
    let look = |attempt| operation.run(&store.object("b", "k"), &store.task().attempt_number(attempt));
    let again = Ok(Outcome::AgainAfter { seconds: 60, note: "the restore is in progress".to_owned() });
    assert_eq!(look(1), again, "the store took the faster tier");
    assert_eq!(store.sent(), ["HeadObject s3://b/k", "RestoreObject s3://b/k days=7 tier=Expedited"]);
    assert_eq!(look(2), again);
    assert_eq!(store.sent()[2..], ["HeadObject s3://b/k"]);
    store.fail("RestoreObject", "RestoreAlreadyInProgress", 409);
    assert_eq!(look(1), again, "the tier is no faster");
    store.fail("RestoreObject", "AccessDenied", 403);
    assert_eq!(look(1).unwrap_err().code, "AccessDenied");
}

#[test]
fn a_restore_that_somebody_else_began_is_waited_for() {
    let store = store(None);
    store.fail("RestoreObject", "RestoreAlreadyInProgress", 409);
    assert!(matches!(run(r#"{"days": 1, "wait": true}"#, &store), Ok(Outcome::AgainAfter { .. })));
    store.fail("RestoreObject", "GlacierExpeditedRetrievalNotAvailable", 503);
    let failure = run(r#"{"days": 1, "wait": true}"#, &store).unwrap_err();
    assert_eq!(failure.code, "GlacierExpeditedRetrievalNotAvailable");
}

#[test]
fn wrong_parameters_are_refused() {
    for parameters in [
        r#"{"days": 0}"#,
        r#"{"days": -1}"#,
        r#"{"days": "7"}"#,
        r#"{"tier": "standard"}"#,
        r#"{"day": 7}"#,
        r#"{"check-every": 7}"#,
        r#"{"check-every": 0, "wait": true}"#,
    ] {
        assert!(operation::<Restore>(parameters).is_err(), "{parameters}");
    }
}
