use longshore_sdk::testing::{FakeStore, Fixture, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::RedactCsv;
use super::rows::MAX_ROW_BYTES;

const KEY: &[u8] = b"sixteen bytes at least\n";
const ALL: &str = r#""columns": {"email": "hash", "phone": "mask", "notes": "drop"}, "hash-key": {"bucket": "keys", "key": "k"}"#;
const PEOPLE: &str = "id,email,phone,notes\n1,ann@example.org,+49 30 1,likes tea\n2,bob@example.org,,\n3,ann@example.org,112,\"a, b\"\n";
/// HMAC-SHA-256 of the addresses, from `openssl dgst -sha256 -hmac "sixteen bytes at least"`.
const ANN: &str = "72827993dc39071e205c7e00a6c8af90c6015af222ec5b68ea1e0d09c25e2f1d";
const BOB: &str = "2d2c0449263c7a97364c8ca1446713aeaac54e62b156fff6e8bdfe689d39bdd8";

fn fixture(body: &[u8]) -> Fixture {
    Fixture {
        size: body.len() as u64,
        body: body.to_vec(),
        etag: Some("\"e\"".to_owned()),
        content_type: Some("text/csv".to_owned()),
        storage_class: Some("STANDARD_IA".to_owned()),
        user_metadata: vec![("owner".to_owned(), "ann".to_owned())],
        ..Fixture::tagged([("team", "a")])
    }
}

fn store_of(body: &[u8]) -> FakeStore {
    let store = FakeStore::new();
    store.insert("b", "people.csv", fixture(body));
    store.insert("keys", "k", Fixture { size: KEY.len() as u64, body: KEY.to_vec(), ..Fixture::default() });
    store
}

fn run(store: &FakeStore, key: &str, parameters: &str) -> Result<Outcome, Failure> {
    let redact = operation::<RedactCsv>(&format!("{{{parameters}}}")).unwrap();
    redact.run(&store.object("b", key), &store.task())
}

/// What becomes of a file, under another key.
fn redacted(body: &[u8], parameters: &str) -> Result<String, Failure> {
    let store = store_of(body);
    run(&store, "people.csv", &format!(r#"{parameters}, "target-key": "out/{{{{key}}}}""#))?;
    assert_eq!(store.fixture("b", "people.csv").unwrap(), fixture(body), "the original stays");
    Ok(String::from_utf8(store.fixture("b", "out/people.csv").unwrap().body).unwrap())
}

#[test]
fn columns_are_dropped_masked_and_hashed() {
    let wanted = format!("id,email,phone\n1,{ANN},***\n2,{BOB},\n3,{ANN},***\n");
    assert_eq!(redacted(PEOPLE.as_bytes(), ALL), Ok(wanted));
}

#[test]
fn values_that_stay_stay_as_they_are() {
    let only = r#""columns": {"x": "drop"}"#;
    for (body, wanted) in [
        ("a,x,b\n\"line\nfeed\",1,\"quote \"\"\"\n", "a,b\n\"line\nfeed\",\"quote \"\"\"\n"),
        ("a,x,x\n1,2,3\n", "a\n1\n"),
        ("x,a\r\n1, 2 \r\n", "a\n 2 \n"),
        ("a,x\n=cmd(),1\n", "a\n=cmd()\n"),
        ("a,x\n,1\n", "a\n\"\"\n"),
        ("x,ü\n1,\u{1f6a2}", "ü\n\u{1f6a2}\n"),
        ("\u{feff}x,a\n1,2\n", "a\n2\n"),
        ("a,x\n", "a\n"),
    ] {
        assert_eq!(redacted(body.as_bytes(), only).as_deref(), Ok(wanted), "{body:?}");
    }
}

#[test]
fn bytes_that_are_no_utf_8_stay() {
    let store = store_of(b"x\tcaf\xe9\n1\t\xe9\n");
    run(&store, "people.csv", r#""columns": {"x": "mask"}, "delimiter": "\t""#).unwrap();
    assert_eq!(store.fixture("b", "people.csv").unwrap().body, b"x\tcaf\xe9\n***\t\xe9\n");
}

#[test]
fn in_place_all_but_the_bytes_stays_and_a_second_run_changes_nothing() {
    let store = store_of(PEOPLE.as_bytes());
    assert_eq!(run(&store, "people.csv", ALL), Ok(Outcome::done_with("3 rows to s3://b/people.csv")));
    let after = store.fixture("b", "people.csv").unwrap();
    assert_eq!(after.body, format!("id,email,phone\n1,{ANN},***\n2,{BOB},\n3,{ANN},***\n").into_bytes());
    assert_eq!(after.content_type.as_deref(), Some("text/csv"));
    assert_eq!(after.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(
        (after.tags.clone(), &after.user_metadata[0]),
        (fixture(b"").tags, &fixture(b"").user_metadata[0])
    );
    let put = store.sent().pop().unwrap();
    assert!(put.starts_with("PutObject s3://b/people.csv ") && put.contains(" if-match=\"e\""), "{put}");

    assert_eq!(run(&store, "people.csv", ALL), Ok(Outcome::Skipped("it is redacted already".to_owned())));
    let other = run(&store, "people.csv", r#""columns": {"id": "mask"}"#).unwrap_err();
    assert_eq!(other.code, "RedactedOtherwise");
    assert_eq!(store.fixture("b", "people.csv").unwrap().body, after.body);
}

#[test]
fn a_result_elsewhere_has_the_same_description_and_is_not_redacted_again() {
    let store = store_of(PEOPLE.as_bytes());
    let elsewhere = format!(r#"{ALL}, "target-bucket": "out""#);
    run(&store, "people.csv", &elsewhere).unwrap();
    let made = store.fixture("out", "people.csv").unwrap();
    assert_eq!((made.content_type, made.tags), (fixture(b"").content_type, fixture(b"").tags));
    assert_eq!(
        run(&store, "people.csv", &elsewhere),
        Ok(Outcome::done_with("3 rows to s3://out/people.csv"))
    );
    assert_eq!(store.fixture("out", "people.csv").unwrap().body, made.body);
    let again = operation::<RedactCsv>(&format!("{{{ALL}}}")).unwrap();
    let again = again.run(&store.object("out", "people.csv"), &store.task());
    assert_eq!(again, Ok(Outcome::Skipped("it is redacted already".to_owned())));
}

#[test]
fn nothing_is_written_where_a_file_is_not_what_it_should_be() {
    let encoded = "a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for (body, code) in [
        (b"".as_slice(), "NotCsv"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "NotCsv"),
        (&encoded, "NotCsv"),
        (b"id;email;phone;notes\n1;2;3;4\n", "ColumnNotFound"),
        (b"id,Email,phone,notes\n1,2,3,4\n", "ColumnNotFound"),
        (b"id,email,phone,notes\n1,2,3\n", "MalformedCsv"),
        (b"id,email,phone,notes\n1,2,3,4\n1,2,3,4,5\n", "MalformedCsv"),
    ] {
        let store = store_of(body);
        let failure = run(&store, "people.csv", ALL).unwrap_err();
        assert_eq!(failure.code, code, "{failure:?}");
        assert_eq!(store.fixture("b", "people.csv").unwrap(), fixture(body));
        assert!(!store.sent().iter().any(|line| line.starts_with("PutObject")), "{:?}", store.sent());
    }
    assert_eq!(
        redacted(b"a,b\n1,2\n", r#""columns": {"a": "drop", "b": "drop"}"#).unwrap_err().code,
        "NoColumnLeft"
    );
    let store = store_of(b"");
    store.insert("b", "people.csv", Fixture { content_encoding: Some("gzip".to_owned()), ..fixture(b"a\n") });
    assert_eq!(run(&store, "people.csv", ALL).unwrap_err().message, "its content is encoded: gzip");
}

#[test]
fn a_quote_without_an_end_does_not_fill_the_memory() {
    let mut body = b"a,x\n1,\"".to_vec();
    body.resize(usize::try_from(MAX_ROW_BYTES).unwrap() * 2, b'y');
    let failure = redacted(&body, r#""columns": {"x": "drop"}"#).unwrap_err();
    assert_eq!(failure.code, "MalformedCsv");
    assert!(failure.message.contains("is there a quote without an end?"), "{failure:?}");
}

#[test]
fn the_key_of_hashes_is_read_and_checked() {
    for (key, code) in [(b"short\n".to_vec(), "HashKeyUnusable"), (vec![b'k'; 5000], "HashKeyUnusable")] {
        let store = store_of(PEOPLE.as_bytes());
        store.insert("keys", "k", Fixture { size: key.len() as u64, body: key, ..Fixture::default() });
        assert_eq!(run(&store, "people.csv", ALL).unwrap_err().code, code);
    }
    let store = store_of(PEOPLE.as_bytes());
    store.insert("keys", "k", Fixture { size: 32, body: vec![7; 32], ..Fixture::default() });
    run(&store, "people.csv", ALL).unwrap();
    assert!(
        !String::from_utf8(store.fixture("b", "people.csv").unwrap().body).unwrap().contains(ANN),
        "another key"
    );
}

#[test]
fn parameters_are_checked() {
    for (parameters, words) in [
        (r#""columns": {}"#, "nothing would be redacted"),
        (r#""columns": {"a": "hash"}"#, "need hash-key"),
        (r#""columns": {"a": "erase"}"#, "unknown variant `erase`"),
        (r#""columns": {"a": "mask"}, "delimiter": ";;""#, "is not one ASCII character"),
        (r#""columns": {"a": "mask"}, "delimiter": "ü""#, "is not one ASCII character"),
        (r#""columns": {"a": "mask"}, "target-key": "{{x}}""#, "target-key: there is no {{x}}"),
    ] {
        let error = operation::<RedactCsv>(&format!("{{{parameters}}}")).unwrap_err();
        assert!(error.contains(words), "{parameters}: {error}");
    }
}
