use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome, Version};

use super::Encrypt;

const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/x";
const WITH_ARN: &str = r#"{"algorithm": "aws:kms", "kms-key-id": "arn:aws:kms:eu-west-1:111122223333:key/x", "bucket-key": true}"#;

fn store(sse: Option<&str>, key: Option<&str>) -> FakeStore {
    let store = FakeStore::new();
    let sse = sse.map(str::to_owned);
    let fixture = Fixture { sse, kms_key_id: key.map(str::to_owned), ..Fixture::default() };
    store.insert("b", "k", fixture);
    store
}

fn run(parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    operation::<Encrypt>(parameters).unwrap().run(&store.object("b", "k"), &store.task())
}

fn calls(store: &FakeStore) -> Vec<&'static str> {
    store.requests().iter().map(|sent| sent.call).collect()
}

#[test]
fn where_the_store_can_nothing_is_copied() {
    let store = store(Some("AES256"), None);
    assert_eq!(run(WITH_ARN, &store), Ok(Outcome::done_with("encrypted anew without a copy")));
    let update = format!("UpdateObjectEncryption s3://b/k kms-key-id={ARN} bucket-key=true");
    assert_eq!(store.sent(), ["HeadObject s3://b/k checksums=true", &update]);
    let again = Ok(Outcome::Skipped("the encryption is as wanted already".to_owned()));
    store.insert("b", "k", Fixture { bucket_key: Some(true), ..store.fixture("b", "k").unwrap() });
    assert_eq!(run(WITH_ARN, &store), again);
    assert_eq!(store.fixture("b", "k").unwrap().kms_key_id.as_deref(), Some(ARN));
    let refused = super::tests::store(Some("AES256"), None);
    refused.fail("UpdateObjectEncryption", "InvalidRequest", 400);
    assert_eq!(run(WITH_ARN, &refused).unwrap_err().code, "InvalidRequest");
}

#[test]
fn where_it_cannot_the_object_is_copied_in_place() {
    let copied = Ok(Outcome::done_with("encrypted by a copy in place"));
    let without = store(Some("AES256"), None);
    without.fail("UpdateObjectEncryption", "NotImplemented", 501);
    assert_eq!(run(WITH_ARN, &without), copied);
    let calls_of_copy = ["HeadObject", "GetObjectLockConfiguration", "GetObjectAcl", "CopyObject"];
    let mut expected = calls_of_copy.to_vec();
    expected.insert(1, "UpdateObjectEncryption");
    assert_eq!(calls(&without), expected);
    let fixture = without.fixture("b", "k").unwrap();
    assert_eq!((fixture.sse.as_deref(), fixture.bucket_key), (Some("aws:kms"), Some(true)));
    assert_eq!(
        run(WITH_ARN, &without),
        Ok(Outcome::Skipped("the encryption is as wanted already".to_owned()))
    );
    // What UpdateObjectEncryption cannot be asked for is not asked.
    for (parameters, sse) in [
        (r#"{"algorithm": "AES256"}"#, None),
        (r#"{"algorithm": "AES256"}"#, Some("aws:kms")),
        (r#"{"algorithm": "aws:kms", "kms-key-id": "alias/x"}"#, Some("AES256")),
        (WITH_ARN, Some("aws:kms:dsse")),
        (WITH_ARN, None),
    ] {
        let store = store(sse, None);
        assert_eq!(run(parameters, &store), copied, "{parameters}");
        assert_eq!(calls(&store), calls_of_copy, "{parameters}");
    }
}

#[test]
fn an_old_version_is_encrypted_where_no_copy_is_needed() {
    let version = |id: &str, is_latest| Version {
        version_id: id.to_owned(),
        is_latest,
        is_delete_marker: false,
        last_modified: None,
        size: 0,
    };
    let versions = vec![version("new", true), version("old", false)];
    let run_on = |id: &str, store: &FakeStore| {
        let encrypt = operation::<Encrypt>(WITH_ARN).unwrap();
        encrypt.run(&store.version("b", "k", Some(id)), &store.task())
    };
    let fixture = Fixture { versions, sse: Some("AES256".to_owned()), ..Fixture::default() };
    let able = store(None, None);
    able.insert("b", "k", fixture.clone());
    assert_eq!(run_on("old", &able), Ok(Outcome::done_with("encrypted anew without a copy")));
    let update = format!("UpdateObjectEncryption s3://b/k?versionId=old kms-key-id={ARN} bucket-key=true");
    assert_eq!(able.sent().last(), Some(&update));
    for (id, code) in [("old", Some("InvalidRequest")), ("new", None)] {
        let unable = store(None, None);
        unable.insert("b", "k", fixture.clone());
        unable.fail("UpdateObjectEncryption", "NotImplemented", 501);
        let outcome = run_on(id, &unable);
        assert_eq!(outcome.err().map(|failure| failure.code).as_deref(), code, "{id}");
        assert_eq!(calls(&unable).contains(&"CopyObject"), code.is_none(), "{id}");
    }
}

#[test]
fn a_key_is_known_by_its_id_and_its_arn() {
    for key in [ARN, "x"] {
        let parameters = format!(r#"{{"algorithm": "aws:kms", "kms-key-id": "{key}"}}"#);
        assert!(
            matches!(run(&parameters, &store(Some("aws:kms"), Some(ARN))), Ok(Outcome::Skipped(_))),
            "{key}"
        );
    }
    let other = r#"{"algorithm": "aws:kms", "kms-key-id": "y/x"}"#;
    assert!(matches!(run(other, &store(Some("aws:kms"), Some(ARN))), Ok(Outcome::Done(_))));
    let any = r#"{"algorithm": "aws:kms"}"#;
    assert!(matches!(run(any, &store(Some("aws:kms"), Some(ARN))), Ok(Outcome::Skipped(_))));
}

#[test]
fn the_plan_has_every_request() {
    let store = store(None, None);
    let plan = |parameters| {
        let operation = operation::<Encrypt>(parameters).unwrap();
        lines(&operation.plan(&store.object("b", "k"), &store.task()))
    };
    let update = format!("UpdateObjectEncryption s3://b/k kms-key-id={ARN} bucket-key=true");
    assert_eq!(
        plan(WITH_ARN),
        ["HeadObject s3://b/k checksums=true", &update],
        "without what only a copy needs"
    );
    assert_eq!(
        plan(r#"{"algorithm": "AES256"}"#),
        [
            "HeadObject s3://b/k checksums=true",
            "GetObjectLockConfiguration s3://b/k",
            "GetObjectAcl s3://b/k",
            "CopyObject s3://b/k to=s3://b/k sse=AES256 (provisional)"
        ]
    );
    let misfit = operation::<Encrypt>(r#"{"algorithm": "AES256", "bucket-key": true}"#).unwrap_err();
    assert!(misfit.contains("go with algorithm"), "{misfit}");
}
