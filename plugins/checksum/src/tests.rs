use longshore_sdk::testing::{FakeStore, Fixture, lines, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::ComputeChecksum;

/// A store whose engine computes this checksum, which the store keeps too.
fn store(base64: &str) -> FakeStore {
    let store = FakeStore::new();
    let checksums = vec![("CRC32".to_owned(), base64.to_owned())];
    let etag = Some("\"3c3c\"".to_owned());
    store.insert("b", "k", Fixture { size: 9, etag, checksums, ..Fixture::default() });
    store
}

fn run(parameters: &str, store: &FakeStore) -> Result<Outcome, Failure> {
    let operation = operation::<ComputeChecksum>(&format!("{{{parameters}}}")).unwrap();
    operation.run(&store.object("b", "k"), &store.task_with([("sum", "6d2f5339")]))
}

#[test]
fn the_row_is_amazons() {
    let store = store("bS9TOQ==");
    let row = r#"{"checksum_base64":"bS9TOQ\u003d\u003d","etag":"3c3c","checksumAlgorithm":"CRC32","checksumType":"FULL_OBJECT","checksum_hex":"6D2F5339"}"#;
    assert_eq!(run(r#""algorithm": "CRC32""#, &store), Ok(Outcome::done_with(row)));
    assert_eq!(
        store.sent(),
        ["HeadObject s3://b/k checksums=true", "GetObject s3://b/k checksum=CRC32 if-match=\"3c3c\""]
    );
}

#[test]
fn what_is_expected_may_be_written_in_two_ways() {
    let store = store("bS9TOQ==");
    for expect in ["6d2f5339", "6D2F5339", "bS9TOQ==", "{{column.sum}}"] {
        let done = run(&format!(r#""algorithm": "CRC32", "expect": "{expect}""#), &store);
        assert!(matches!(done, Ok(Outcome::Done(_))), "{expect}: {done:?}");
    }
    let other = run(r#""algorithm": "CRC32", "expect": "00000000""#, &store).unwrap_err();
    assert_eq!(other.code, "ChecksumMismatch");
    assert_eq!(other.message, "00000000 was expected; the bytes have 6d2f5339");
    for expect in ["6d2f", "not one", "{{column.none}}"] {
        let failure = run(&format!(r#""algorithm": "CRC32", "expect": "{expect}""#), &store).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)), "{expect}");
    }
}

#[test]
fn what_is_not_stored_cannot_be_compared() {
    let store = store("bS9TOQ==");
    assert!(matches!(run(r#""algorithm": "CRC32", "compare-stored": true"#, &store), Ok(Outcome::Done(_))));
    let none = run(r#""algorithm": "SHA256", "compare-stored": true"#, &store).unwrap_err();
    assert_eq!(none.code, "ChecksumNotStored");
    let etag = run(r#""algorithm": "MD5", "compare-stored": true"#, &store).unwrap_err();
    assert_eq!(etag.code, "ChecksumMismatch", "the ETag is an MD5, and another one");
}

#[test]
fn parts_are_given_or_asked_for() {
    let store = FakeStore::new();
    let checksums = vec![("SHA256".to_owned(), "bS9TOQ==".to_owned())];
    let fixture = Fixture { size: 9, parts_count: Some(1), checksums, ..Fixture::default() };
    store.insert("b", "k", fixture.clone());
    let composite = r#""algorithm": "SHA256", "type": "COMPOSITE""#;
    let Ok(Outcome::Done(Some(row))) = run(composite, &store) else { panic!() };
    assert!(row.contains(r#""checksum_base64":"bS9TOQ\u003d\u003d-1""#), "{row}");
    assert_eq!(
        store.sent()[1..],
        ["HeadObject s3://b/k part-number=1", "GetObject s3://b/k checksum=SHA256 composite=9"]
    );
    let Ok(Outcome::Done(Some(row))) = run(&format!(r#"{composite}, "part-size": 4"#), &store) else {
        panic!()
    };
    assert!(row.contains(r#"-3""#) && row.contains(r#""checksumType":"COMPOSITE""#), "{row}");
    store.insert("b", "k", Fixture { parts_count: Some(3), ..fixture });
    let uneven = run(composite, &store).unwrap_err();
    assert!(uneven.message.contains("3 parts are not of one size"), "{uneven:?}");
}

#[test]
fn the_plan_has_every_request() {
    let store = store("bS9TOQ==");
    let operation = operation::<ComputeChecksum>(r#"{"algorithm": "XXHASH128"}"#).unwrap();
    assert_eq!(
        lines(&operation.plan(&store.version("b", "k", Some("v")), &store.task())),
        [
            "HeadObject s3://b/k?versionId=v checksums=true",
            "GetObject s3://b/k?versionId=v checksum=XXHASH128"
        ]
    );
}

#[test]
fn wrong_parameters_are_refused() {
    for (parameters, words) in [
        ("", "missing field `algorithm`"),
        (r#""algorithm": "SHA3""#, "unknown variant"),
        (r#""algorithm": "CRC64NVME", "type": "COMPOSITE""#, "whole object only"),
        (r#""algorithm": "CRC32", "part-size": 5"#, "goes with type COMPOSITE"),
        (r#""algorithm": "CRC32", "type": "COMPOSITE", "part-size": 0"#, "at least 1"),
        (r#""algorithm": "CRC32", "expect": "{{sum}}""#, "expect: there is no {{sum}}"),
    ] {
        let error = operation::<ComputeChecksum>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
