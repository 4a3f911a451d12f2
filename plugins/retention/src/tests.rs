use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::SetRetention;

/// A store with one object, which has this retention. It is 2026-01-15T12:00:00Z there.
fn store(lock: Option<(&str, &str)>) -> FakeStore {
    let store = FakeStore::new();
    store.lockable("b");
    let fixture = Fixture {
        lock_mode: lock.map(|(mode, _)| mode.to_owned()),
        retain_until: lock.map(|(_, until)| until.to_owned()),
        ..Fixture::default()
    };
    store.insert("b", "k", fixture);
    store
}

fn run(parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    let operation = operation::<SetRetention>(&format!("{{{parameters}}}")).unwrap();
    operation.run(&store.object("b", "k"), &store.task())
}

fn lock(store: &FakeStore) -> Option<(String, String)> {
    let fixture = store.fixture("b", "k").unwrap();
    fixture.lock_mode.zip(fixture.retain_until)
}

fn pair(mode: &str, until: &str) -> Option<(String, String)> {
    Some((mode.to_owned(), until.to_owned()))
}

const UNTIL_2030: &str = r#""mode": "GOVERNANCE", "retain-until": "2030-01-31""#;
const EXTEND: &str = r#""mode": "GOVERNANCE", "extend-by": "30d""#;

#[test]
fn a_retention_is_set_once() {
    let store = store(None);
    let outcome = run(UNTIL_2030, &store);
    let message = "retained until 2030-01-31T00:00:00Z in mode GOVERNANCE";
    assert_eq!(outcome, Ok(Outcome::done_with(message)));
    assert_eq!(lock(&store), pair("GOVERNANCE", "2030-01-31T00:00:00Z"));
    let again = run(UNTIL_2030, &store);
    assert_eq!(again, Ok(Outcome::Skipped("the retention is as wanted already".to_owned())));
}

#[test]
fn an_extension_ends_at_midnight_and_never_shortens() {
    let fresh = store(None);
    run(EXTEND, &fresh).unwrap();
    assert_eq!(lock(&fresh), pair("GOVERNANCE", "2026-02-15T00:00:00Z"));
    assert!(matches!(run(EXTEND, &fresh), Ok(Outcome::Skipped(_))));
    let strong = store(Some(("COMPLIANCE", "2026-01-20T00:00:00Z")));
    run(EXTEND, &strong).unwrap();
    assert_eq!(lock(&strong), pair("COMPLIANCE", "2026-02-15T00:00:00Z"), "COMPLIANCE stays");
    let long = store(Some(("GOVERNANCE", "2028-01-01T00:00:00Z")));
    assert!(matches!(run(EXTEND, &long), Ok(Outcome::Skipped(_))));
    let over = store(Some(("COMPLIANCE", "2025-01-01T00:00:00Z")));
    run(EXTEND, &over).unwrap();
    assert_eq!(lock(&over), pair("GOVERNANCE", "2026-02-15T00:00:00Z"), "what has passed binds no more");
}

#[test]
fn compliance_can_only_be_extended() {
    for parameters in [
        r#""remove": true, "bypass-governance": true"#,
        UNTIL_2030,
        r#""mode": "COMPLIANCE", "retain-until": "2031-01-01""#,
    ] {
        let store = store(Some(("COMPLIANCE", "2032-01-01T00:00:00Z")));
        let failure = run(parameters, &store).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("AccessDenied", Some(403)));
        assert!(failure.message.ends_with("in mode COMPLIANCE, which can only be extended"), "{failure:?}");
        assert!(!store.sent().iter().any(|sent| sent.starts_with("Put")));
    }
    let store = store(Some(("COMPLIANCE", "2032-01-01T00:00:00Z")));
    run(r#""mode": "COMPLIANCE", "retain-until": "2033-01-01""#, &store).unwrap();
    assert_eq!(lock(&store), pair("COMPLIANCE", "2033-01-01T00:00:00Z"));
}

#[test]
fn governance_is_bypassed_only_when_asked_and_needed() {
    let governed = || store(Some(("GOVERNANCE", "2032-01-01T00:00:00Z")));
    let store = governed();
    for parameters in [r#""remove": true"#, UNTIL_2030] {
        let failure = run(parameters, &store).unwrap_err();
        assert!(failure.message.contains("only bypass-governance = true"), "{failure:?}");
    }
    let removed = run(r#""remove": true, "bypass-governance": true"#, &store);
    assert_eq!(removed, Ok(Outcome::done_with("retention removed")));
    assert_eq!(lock(&store), None);
    assert!(matches!(run(r#""remove": true"#, &store), Ok(Outcome::Skipped(_))));
    let bypassed = "PutObjectRetention s3://b/k bypass-governance=true";
    assert!(store.sent().contains(&bypassed.to_owned()), "{:?}", store.sent());

    let store = governed();
    let longer = r#""mode": "COMPLIANCE", "retain-until": "2040-01-01", "bypass-governance": true"#;
    run(longer, &store).unwrap();
    let put = "PutObjectRetention s3://b/k lock=COMPLIANCE:2040-01-01T00:00:00Z";
    assert_eq!(store.sent().last().map(String::as_str), Some(put), "nothing is loosened, nothing bypassed");
}

const HOLD: &str = r#""event-hold": {"status": "ON", "days": 30}"#;

fn last_put(store: &FakeStore) -> Option<String> {
    store.sent().into_iter().rfind(|sent| sent.starts_with("Put"))
}

#[test]
fn an_event_hold_is_set_and_released_once() {
    let store = store(Some(("GOVERNANCE", "2032-01-01T00:00:00Z")));
    assert_eq!(
        run(HOLD, &store),
        Ok(Outcome::done_with(
            "retained until 2032-01-01T00:00:00Z in mode GOVERNANCE; event hold on, then 30 days"
        ))
    );
    let put = "PutObjectRetention s3://b/k lock=GOVERNANCE:2032-01-01T00:00:00Z event-hold=ON:30d";
    assert_eq!(last_put(&store).as_deref(), Some(put), "the retention stays");
    assert!(matches!(run(HOLD, &store), Ok(Outcome::Skipped(_))));
    let longer = r#""event-hold": {"status": "ON", "years": 1}"#;
    assert!(matches!(run(longer, &store), Ok(Outcome::Done(_))));

    // What is said of the retention alone leaves the hold.
    run(r#""mode": "GOVERNANCE", "retain-until": "2033-01-01""#, &store).unwrap();
    let put = "PutObjectRetention s3://b/k lock=GOVERNANCE:2033-01-01T00:00:00Z event-hold=ON:GOVERNANCE:1y";
    assert_eq!(last_put(&store).as_deref(), Some(put));

    let released = r#""event-hold": {"status": "OFF"}"#;
    assert_eq!(run(released, &store), Ok(Outcome::done_with("event hold off")));
    let put = "PutObjectRetention s3://b/k event-hold=OFF";
    assert_eq!(last_put(&store).as_deref(), Some(put), "the store sets the end");
    assert!(matches!(run(released, &store), Ok(Outcome::Skipped(_))));
}

#[test]
fn an_event_hold_without_a_retention_has_a_mode_of_its_own() {
    let store = store(None);
    run(r#""event-hold": {"status": "ON", "mode": "COMPLIANCE", "years": 2}"#, &store).unwrap();
    let put = "PutObjectRetention s3://b/k event-hold=ON:COMPLIANCE:2y";
    assert_eq!(last_put(&store).as_deref(), Some(put));
}

#[test]
fn the_mode_of_a_retention_is_that_of_an_event_hold() {
    let store = store(Some(("GOVERNANCE", "2032-01-01T00:00:00Z")));
    let hold = r#""event-hold": {"status": "ON", "mode": "COMPLIANCE", "days": 30}"#;
    assert!(matches!(run(hold, &store), Ok(Outcome::Done(_))));
    assert_eq!(lock(&store), pair("GOVERNANCE", "2032-01-01T00:00:00Z"));
    assert!(matches!(run(hold, &store), Ok(Outcome::Skipped(_))));
}

#[test]
fn an_event_hold_that_the_store_ignores_is_no_success() {
    let store = store(None);
    let operation = operation::<SetRetention>(&format!("{{{HOLD}}}")).unwrap();
    let failure = operation.refuse_ignored(&store.object("b", "k")).unwrap_err();
    assert_eq!(failure.code, "NotImplemented");
    assert!(failure.message.contains("EventHold"), "{failure:?}");
}

#[test]
fn the_plan_marks_what_is_not_known_yet() {
    let store = store(None);
    let last = |parameters: &str| {
        let operation = operation::<SetRetention>(&format!("{{{parameters}}}")).unwrap();
        let plan = lines(&operation.plan(&store.object("b", "k"), &store.task()));
        assert_eq!(plan[..2], ["GetObjectLockConfiguration s3://b/k", "GetObjectRetention s3://b/k"]);
        plan[2].clone()
    };
    assert_eq!(last(UNTIL_2030), "PutObjectRetention s3://b/k lock=GOVERNANCE:2030-01-31T00:00:00Z");
    let extended = "PutObjectRetention s3://b/k lock=GOVERNANCE:2026-02-15T00:00:00Z (provisional)";
    assert_eq!(last(EXTEND), extended);
    assert_eq!(
        last(r#""remove": true, "bypass-governance": true"#),
        "PutObjectRetention s3://b/k bypass-governance=true"
    );
}

#[test]
fn wrong_parameters_are_refused() {
    for (parameters, words) in [
        ("", "exactly one of"),
        (r#""mode": "GOVERNANCE""#, "exactly one of"),
        (r#""retain-until": "2030-01-01""#, "needs a mode"),
        (r#""extend-by": "30d""#, "needs a mode"),
        (r#""remove": true, "mode": "GOVERNANCE""#, "takes no mode"),
        (r#""remove": true, "extend-by": "30d""#, "exactly one of"),
        (r#""mode": "GOVERNANCE", "retain-until": "tomorrow""#, "is no date or time"),
        (r#""mode": "GOVERNANCE", "retain-until": "2030-01-01T00:00""#, "is no date or time"),
        (r#""mode": "GOVERNANCE", "extend-by": "-3d""#, "is no age"),
        (r#""remove": true, "event-hold": {"status": "ON"}"#, "takes no event-hold"),
        (r#""mode": "GOVERNANCE", "event-hold": {"status": "ON"}"#, "has a mode of its own"),
        (
            r#""mode": "GOVERNANCE", "extend-by": "3d", "event-hold": {"status": "OFF"}"#,
            "without retain-until and extend-by",
        ),
        (r#""event-hold": {"status": "ON", "days": 1, "years": 1}"#, "days or years, not both"),
        (r#""mode": "LEGAL", "extend-by": "3d""#, "unknown variant"),
    ] {
        let error = operation::<SetRetention>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
