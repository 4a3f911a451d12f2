use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::Acl;

const GRANTS: &str = r#"{"grants": [
    {"type": "id", "grantee": "abc", "permission": "FULL_CONTROL"},
    {"type": "uri", "grantee": "http://acs.amazonaws.com/groups/global/AllUsers", "permission": "READ"}
]}"#;

fn store() -> FakeStore {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture::default());
    store
}

fn run(parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    let operation = operation::<Acl>(parameters).unwrap();
    let object = store.object("b", "k");
    let plan = lines(&operation.plan(&object, &store.task()));
    assert!(store.sent().is_empty(), "a plan sends nothing");
    let outcome = operation.run(&object, &store.task());
    assert_eq!(store.sent(), plan);
    outcome
}

#[test]
fn a_canned_acl_is_one_request() {
    let store = store();
    assert_eq!(run(r#"{"canned": "bucket-owner-full-control"}"#, &store), Ok(Outcome::done()));
    assert_eq!(store.sent(), ["PutObjectAcl s3://b/k canned-acl=bucket-owner-full-control"]);
}

#[test]
fn grants_are_one_request() {
    let store = store();
    assert_eq!(run(GRANTS, &store), Ok(Outcome::done()));
    assert_eq!(
        store.sent(),
        ["PutObjectAcl s3://b/k grant=id:abc=FULL_CONTROL \
          grant=uri:http://acs.amazonaws.com/groups/global/AllUsers=READ"]
    );
}

#[test]
fn an_owner_goes_with_grants() {
    let store = store();
    let parameters = r#"{"owner": "o", "grants": [
        {"type": "emailAddress", "grantee": "a@example.com", "permission": "READ_ACP"}]}"#;
    run(parameters, &store).unwrap();
    assert_eq!(store.sent(), ["PutObjectAcl s3://b/k grant=emailAddress:a@example.com=READ_ACP owner=o"]);
}

#[test]
fn the_stores_refusal_is_the_tasks() {
    let store = store();
    store.fail("PutObjectAcl", "AccessControlListNotSupported", 400);
    let failure = run(GRANTS, &store).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("AccessControlListNotSupported", Some(400)));
}

#[test]
fn wrong_parameters_are_refused() {
    for (parameters, words) in [
        ("{}", "give either canned or grants"),
        (r#"{"canned": "private", "grants": []}"#, "not both"),
        (r#"{"grants": []}"#, "0 grants; 1 to 100 are allowed"),
        (r#"{"canned": "private", "owner": "o"}"#, "owner goes with grants"),
        (r#"{"canned": "Private"}"#, "unknown variant `Private`"),
        (r#"{"grants": [{"type": "id", "grantee": "a", "permission": "read"}]}"#, "unknown variant `read`"),
        (r#"{"canned": "private", "grant": 1}"#, "unknown field `grant`"),
    ] {
        let error = operation::<Acl>(parameters).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
