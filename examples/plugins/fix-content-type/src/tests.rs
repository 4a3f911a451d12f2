use longshore_sdk::testing::{FakeStore, Fixture, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::FixContentType;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0";
const ALL: &str = r#"{"fix": "wrong", "text-by-extension": true}"#;

fn fixture(content_type: Option<&str>, body: &[u8]) -> Fixture {
    Fixture {
        content_type: content_type.map(str::to_owned),
        cache_control: Some("no-cache".to_owned()),
        storage_class: Some("STANDARD_IA".to_owned()),
        user_metadata: vec![("owner".to_owned(), "ann".to_owned())],
        size: body.len() as u64,
        body: body.to_vec(),
        ..Fixture::tagged([("team", "a")])
    }
}

fn run(store: &FakeStore, key: &str, parameters: &str) -> Result<Outcome, Failure> {
    let fix = operation::<FixContentType>(parameters).unwrap();
    fix.run(&store.object("b", key), &store.task())
}

/// The type that an object has afterwards. Nothing else changes, and nothing at all by a second run.
fn mended(key: &str, declared: Option<&str>, body: &[u8], parameters: &str) -> Option<String> {
    let store = FakeStore::new();
    store.insert("b", key, fixture(declared, body));
    run(&store, key, parameters).unwrap();
    let after = store.fixture("b", key).unwrap();
    assert_eq!(after, Fixture { content_type: after.content_type.clone(), ..fixture(declared, body) });
    let again = run(&store, key, parameters).unwrap();
    assert!(matches!(again, Outcome::Skipped(_)), "{key}: {again:?}");
    after.content_type
}

#[test]
fn a_type_that_says_nothing_becomes_that_of_the_bytes() {
    for nothing in [None, Some(""), Some("binary/octet-stream"), Some("Application/Octet-Stream; x=y")] {
        assert_eq!(mended("cat", nothing, PNG, "{}").as_deref(), Some("image/png"), "{nothing:?}");
    }
    for (body, wanted) in [
        (b"%PDF-1.7\n%\xe2\xe3".as_slice(), "application/pdf"),
        (b"wOF2\0\x01\0\0", "font/woff2"),
        (b"fLaC\0\0\0\"", "audio/flac"),
        (b"\x1f\x8b\x08\0\0", "application/gzip"),
        (ZIP, "application/zip"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
    ] {
        assert_eq!(mended("x", None, body, "{}").as_deref(), Some(wanted));
    }
}

#[test]
fn what_the_bytes_do_not_tell_stays() {
    let unknown = Some("binary/octet-stream");
    for body in [
        b"\0\x02\x03\x04".as_slice(),
        b"BMW;Audi\n",
        b"MZ is the beginning of a text",
        b"{}",
        b"<html><body>",
    ] {
        assert_eq!(mended("cars.csv", unknown, body, "{}").as_deref(), unknown, "{body:?}");
    }
}

#[test]
fn text_gets_the_type_of_its_extension_if_that_is_wanted() {
    let by_extension = r#"{"text-by-extension": true}"#;
    for (key, body, wanted) in [
        ("a/cars.csv", b"BMW;Audi\n".as_slice(), "text/csv"),
        ("a.b/data.JSON", b"{}", "application/json"),
        ("logo.svg", b"<?xml version=\"1.0\"?><svg/>", "image/svg+xml"),
        ("picture.png", "kein Bild: \u{fc}".as_bytes(), "text/plain"),
        ("no extension", b"\x1b[1mbold", "text/plain"),
        ("ends in/", b"x", "text/plain"),
        ("really.csv", PNG, "image/png"),
        ("cut off.txt", &"x\u{20ac}".as_bytes()[..3], "text/plain"),
    ] {
        assert_eq!(mended(key, None, body, by_extension).as_deref(), Some(wanted), "{key}");
    }
    assert_eq!(mended("data.csv", None, b"a\0b", by_extension), None, "UTF-16 and the like");
    assert_eq!(mended("data.csv", None, b"caf\xe9 au lait", by_extension), None, "Latin-1");
}

#[test]
fn a_type_that_says_something_is_mended_only_where_the_bytes_prove_it_wrong() {
    assert_eq!(mended("x", Some("image/gif"), PNG, "{}").as_deref(), Some("image/gif"), "not asked for");
    for (declared, body, wanted) in [
        ("image/gif", PNG, "image/png"),
        ("text/csv; charset=utf-8", PNG, "image/png"),
        ("application/json", ZIP, "application/zip"),
        ("application/pdf", ZIP, "application/zip"),
        ("application/vnd.custom", PNG, "image/png"),
    ] {
        assert_eq!(mended("x", Some(declared), body, ALL).as_deref(), Some(wanted), "{declared}");
    }
    for (declared, body) in [
        ("IMAGE/PNG", PNG),
        ("image/x-png", PNG),
        ("application/java-archive", ZIP),
        ("application/vnd.oasis.opendocument.graphics", ZIP),
        ("image/x-nikon-nef", b"II*\0\x08\0\0\0".as_slice()),
        ("application/x-x-our-own", b"BM\0\0\xff\xff\xff\xff"),
        ("text/csv", b"BMW;Audi\n"),
        ("text/plain", b"<html><body>"),
        ("image/svg+xml", b"<?xml version=\"1.0\"?><svg/>"),
        ("font/sfnt", b"\0\x01\0\0\0\x0c\0\x80"),
        ("image/jpeg", b"{}"),
    ] {
        assert_eq!(mended("x", Some(declared), body, ALL).as_deref(), Some(declared), "{declared}");
    }
}

#[test]
fn the_type_of_an_encoded_object_is_that_of_what_is_within() {
    for (encoding, message) in [
        ("gzip", "its content is encoded: gzip"),
        ("aws-chunked, br", "its content is encoded: aws-chunked, br"),
    ] {
        let store = FakeStore::new();
        let encoded = Fixture {
            content_encoding: Some(encoding.to_owned()),
            ..fixture(Some("text/css"), b"\x1f\x8b\x08")
        };
        store.insert("b", "k", encoded);
        assert_eq!(run(&store, "k", ALL), Ok(Outcome::Skipped(message.to_owned())));
    }
    let store = FakeStore::new();
    let chunked = Fixture { content_encoding: Some("aws-chunked".to_owned()), ..fixture(None, PNG) };
    store.insert("b", "k", chunked);
    assert_eq!(run(&store, "k", "{}"), Ok(Outcome::done_with("no type is image/png")));
}

#[test]
fn one_request_suffices_where_nothing_changes() {
    let store = FakeStore::new();
    store.insert("b", "empty", fixture(None, b""));
    store.insert("b", "right", fixture(Some("image/png"), PNG));
    assert_eq!(run(&store, "empty", ALL), Ok(Outcome::Skipped("it is empty".to_owned())));
    assert_eq!(run(&store, "right", ALL), Ok(Outcome::Skipped("it is image/png".to_owned())));
    assert_eq!(store.sent(), ["GetObject s3://b/empty range=0-8191", "GetObject s3://b/right range=0-8191"]);
}

#[test]
fn what_the_store_refuses_is_the_failure() {
    let store = FakeStore::new();
    store.insert("b", "cold", fixture(None, PNG));
    store.fail("GetObject", "InvalidObjectState", 403);
    let failure = run(&store, "cold", "{}").unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidObjectState", Some(403)));
    store.fail("GetObject", "InvalidRange", 416);
    assert_eq!(run(&store, "cold", "{}"), Ok(Outcome::Skipped("it is empty".to_owned())));
    store.fail("CopyObject", "PreconditionFailed", 412);
    assert_eq!(run(&store, "cold", "{}").unwrap_err().code, "PreconditionFailed");
    assert_eq!(run(&store, "gone", "{}").unwrap_err().code, "NoSuchKey");
}
