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
    assert_eq!(none.message, "the store keeps no SHA256 checksum of the object");
    let etag = run(r#""algorithm": "MD5", "compare-stored": true"#, &store).unwrap_err();
    assert_eq!(etag.code, "ChecksumNotStored");
    assert!(etag.message.ends_with("and its ETag \"3c3c\" is no MD5"), "{}", etag.message);
}

/// What comes of `compare-stored` where the store keeps a CRC32 of this type, and the bytes have the same digest.
fn compared(value: &str, stored: Option<&str>, asked: &str) -> Result<Outcome, Failure> {
    let store = FakeStore::new();
    // The first one is what the engine computes.
    let checksums =
        [("none", "bS9TOQ=="), ("CRC32", value)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let checksums = checksums.to_vec();
    let fixture =
        Fixture { size: 9, checksums, checksum_type: stored.map(str::to_owned), ..Fixture::default() };
    store.insert("b", "k", fixture);
    run(&format!(r#""algorithm": "CRC32", "compare-stored": true, {asked}"#), &store)
}

#[test]
fn only_checksums_of_the_same_type_are_compared() {
    let whole = r#""type": "FULL_OBJECT""#;
    let parts = r#""type": "COMPOSITE", "part-size": 5"#;
    for (value, stored, asked) in [
        ("bS9TOQ==", Some("FULL_OBJECT"), whole),
        ("bS9TOQ==", None, whole),
        ("bS9TOQ==", Some("COMPOSITE"), parts),
    ] {
        let done = compared(value, stored, asked);
        assert!(matches!(done, Ok(Outcome::Done(_))), "{value} {stored:?} {asked}: {done:?}");
    }
    for (value, stored, asked, message) in [
        (
            "bS9TOQ==",
            Some("COMPOSITE"),
            whole,
            r#"the store keeps a COMPOSITE CRC32 checksum, and a FULL_OBJECT one was asked for: type = "COMPOSITE" compares them"#,
        ),
        ("bS9TOQ==-2", None, whole, r#"type = "COMPOSITE" compares them"#),
        ("bS9TOQ==", Some("FULL_OBJECT"), parts, r#"type = "FULL_OBJECT" compares them"#),
        ("bS9TOQ==", None, parts, r#"type = "FULL_OBJECT" compares them"#),
    ] {
        let failure = compared(value, stored, asked).unwrap_err();
        assert_eq!(failure.code, "ChecksumNotStored", "{value} {stored:?} {asked}");
        assert!(failure.message.ends_with(message), "{}", failure.message);
    }
}

/// What comes of `compare-stored` with the MD5 where the store keeps this ETag only, and the engine computes `00…`.
fn compared_etag(etag: &str, sse: Option<&str>, asked: &str) -> Result<Outcome, Failure> {
    let store = FakeStore::new();
    let fixture =
        Fixture { size: 9, etag: Some(etag.to_owned()), sse: sse.map(str::to_owned), ..Fixture::default() };
    let computed = vec![("none".to_owned(), "AAAAAAAAAAAAAAAAAAAAAA==".to_owned())];
    store.insert("b", "k", Fixture { checksums: computed, ..fixture });
    run(&format!(r#""algorithm": "MD5", "compare-stored": true, {asked}"#), &store)
}

#[test]
fn an_etag_is_compared_where_it_is_the_md5_that_was_asked_for() {
    let (whole, parts) = (r#""type": "FULL_OBJECT""#, r#""type": "COMPOSITE", "part-size": 5"#);
    let (zeros, ones) = ("0".repeat(32), "1".repeat(32));
    for (etag, sse, asked, code) in [
        (format!("\"{zeros}\""), None, whole, None),
        (format!("\"{zeros}\""), Some("AES256"), whole, None),
        (format!("\"{ones}\""), None, whole, Some("ChecksumMismatch")),
        (format!("\"{zeros}-2\""), None, parts, None),
        (format!("\"{ones}-2\""), None, parts, Some("ChecksumMismatch")),
        (format!("\"{zeros}-2\""), None, whole, Some("ChecksumNotStored")),
        (format!("\"{zeros}\""), None, parts, Some("ChecksumNotStored")),
        (format!("\"{zeros}\""), Some("aws:kms"), whole, Some("ChecksumNotStored")),
        (format!("\"{zeros}-2\""), Some("aws:kms:dsse"), parts, Some("ChecksumNotStored")),
    ] {
        let code_of = compared_etag(&etag, sse, asked).err().map(|failure| failure.code);
        assert_eq!(code_of.as_deref(), code, "{etag} {sse:?} {asked}");
    }
    let parts = compared_etag(&format!("\"{zeros}-2\""), None, whole).unwrap_err();
    assert!(parts.message.ends_with(r#"a FULL_OBJECT one was asked for: type = "COMPOSITE" compares them"#));
    let kms = compared_etag(&format!("\"{zeros}\""), Some("aws:kms"), whole).unwrap_err();
    assert!(kms.message.ends_with("encrypted with a KMS key is no MD5"), "{}", kms.message);
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
    for (parts_count, etag, words) in [
        (Some(3), None, "3 parts are not of one size, as far as the store says"),
        (Some(901), None, "has 901 parts, and the size of each is asked for of at most 900: give part-size"),
        // A store that knows nothing of parts: what it says is of the whole object.
        (None, Some("\"3c3c-2\""), "does not say what size each of the object's 2 parts has: give part-size"),
    ] {
        let etag = etag.map(str::to_owned);
        store.insert("b", "k", Fixture { parts_count, etag, ..fixture.clone() });
        let failure = run(composite, &store).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)));
        assert!(failure.message.contains(words), "{}", failure.message);
    }
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
