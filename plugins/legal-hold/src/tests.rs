use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::LegalHold;

fn store(legal_hold: Option<bool>) -> FakeStore {
    let store = FakeStore::new();
    store.lockable("b");
    store.insert("b", "k", Fixture { legal_hold, ..Fixture::default() });
    store
}

fn hold(status: &str) -> LegalHold {
    operation(&format!(r#"{{"status": "{status}"}}"#)).unwrap()
}

fn run(status: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    hold(status).run(&store.object("b", "k"), &store.task())
}

#[test]
fn a_hold_is_set_and_released() {
    let store = store(None);
    assert_eq!(run("ON", &store), Ok(Outcome::done()));
    assert_eq!(store.fixture("b", "k").unwrap().legal_hold, Some(true));
    assert_eq!(run("ON", &store), Ok(Outcome::Skipped("the legal hold is ON already".to_owned())));
    assert_eq!(run("OFF", &store), Ok(Outcome::done()));
    assert_eq!(store.fixture("b", "k").unwrap().legal_hold, Some(false));
    assert_eq!(run("OFF", &store), Ok(Outcome::Skipped("the legal hold is OFF already".to_owned())));
}

#[test]
fn an_object_that_was_never_held_is_off() {
    let store = store(None);
    assert!(matches!(run("OFF", &store), Ok(Outcome::Skipped(_))));
    assert_eq!(store.sent(), ["GetObjectLockConfiguration s3://b/k", "GetObjectLegalHold s3://b/k"]);
}

#[test]
fn a_bucket_is_asked_once_and_must_have_object_lock() {
    let store = store(None);
    let hold = hold("ON");
    for _ in 0..3 {
        hold.run(&store.object("b", "k"), &store.task()).unwrap();
    }
    let asked = store.requests().iter().filter(|sent| sent.call == "GetObjectLockConfiguration").count();
    assert_eq!(asked, 1);
    store.insert("plain", "k", Fixture::default());
    let failure = hold.run(&store.object("plain", "k"), &store.task()).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.http_status),
        ("ObjectLockConfigurationNotFoundError", Some(404))
    );
    assert!(failure.message.starts_with("bucket plain has no Object Lock"), "{failure:?}");
    store.fail("GetObjectLockConfiguration", "NotImplemented", 501);
    let failure = hold.run(&store.object("plain", "k"), &store.task()).unwrap_err();
    assert_eq!(failure.code, "NotImplemented");
    assert!(failure.message.starts_with("the store has no Object Lock: "), "{failure:?}");
}

#[test]
fn the_stores_refusals_are_the_tasks() {
    let store = store(None);
    store.fail("PutObjectLegalHold", "AccessDenied", 403);
    let failure = run("ON", &store).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("AccessDenied", Some(403)));
    store.fail("GetObjectLegalHold", "NoSuchVersion", 404);
    assert_eq!(run("ON", &store).unwrap_err().code, "NoSuchVersion");
}

#[test]
fn the_plan_has_every_request() {
    let store = store(None);
    let plan = hold("ON").plan(&store.version("b", "k", Some("v")), &store.task());
    assert_eq!(
        lines(&plan),
        [
            "GetObjectLockConfiguration s3://b/k?versionId=v",
            "GetObjectLegalHold s3://b/k?versionId=v",
            "PutObjectLegalHold s3://b/k?versionId=v legal-hold=ON"
        ]
    );
    assert!(operation::<LegalHold>(r#"{"status": "on"}"#).unwrap_err().contains("unknown variant"));
}
