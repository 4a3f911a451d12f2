use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use longshore_sdk::testing::{FakeStore, Fixture, operation};
use longshore_sdk::{Failure, Operation, Outcome};

use super::Recompress;

fn text() -> Vec<u8> {
    (0..3000)
        .flat_map(|number| format!("{{\"id\": {number}, \"name\": \"somebody\"}}\n").into_bytes())
        .collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn fixture(body: Vec<u8>) -> Fixture {
    Fixture {
        size: body.len() as u64,
        body,
        etag: Some("\"e\"".to_owned()),
        content_type: Some("application/json".to_owned()),
        storage_class: Some("STANDARD_IA".to_owned()),
        user_metadata: vec![("owner".to_owned(), "ann".to_owned())],
        ..Fixture::tagged([("team", "a")])
    }
}

fn run(store: &FakeStore, key: &str, parameters: &str) -> Result<Outcome, Failure> {
    operation::<Recompress>(parameters).unwrap().run(&store.object("b", key), &store.task())
}

fn decoded(body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(body).unwrap().read_to_end(&mut content).unwrap();
    content
}

fn calls(store: &FakeStore) -> Vec<&'static str> {
    store.requests().into_iter().map(|sent| sent.call).collect()
}

#[test]
fn text_and_gzip_become_zstandard() {
    let members = [gzip(&text()[..1000]), gzip(&text()[1000..])].concat();
    for (key, body, target) in [
        ("a/data.json", text(), "a/data.json.zst"),
        ("data.json.gz", gzip(&text()), "data.json.zst"),
        ("members.gz", members, "members.zst"),
        ("no suffix", gzip(&text()), "no suffix.zst"),
        ("not gzip.gz", text(), "not gzip.zst"),
        ("backup.tgz", gzip(&text()), "backup.tar.zst"),
    ] {
        let store = FakeStore::new();
        store.insert("b", key, fixture(body.clone()));
        let outcome = run(&store, key, r#"{"level": 9}"#).unwrap();
        let made = store.fixture("b", target).unwrap();
        let said =
            format!("{} bytes became {}, of {} bytes of content", body.len(), made.body.len(), text().len());
        assert_eq!(outcome, Outcome::done_with(said), "{key}");
        assert_eq!(decoded(&made.body), text(), "{key}");
        assert_eq!(store.fixture("b", key).unwrap(), fixture(body), "the original stays");
    }
}

#[test]
fn the_new_object_is_described_as_the_old_one() {
    let store = FakeStore::new();
    store.insert(
        "b",
        "k.gz",
        Fixture { content_encoding: Some("gzip".to_owned()), ..fixture(gzip(&text())) },
    );
    run(&store, "k.gz", "{}").unwrap();
    let made = store.fixture("b", "k.zst").unwrap();
    let old = fixture(Vec::new());
    assert_eq!(made.content_encoding.as_deref(), Some("zstd"));
    assert_eq!(
        (made.content_type, made.storage_class, made.tags),
        (old.content_type, old.storage_class, old.tags)
    );
    assert!(made.user_metadata.contains(&("owner".to_owned(), "ann".to_owned())));
    let store = FakeStore::new();
    store.insert("b", "k", fixture(text()));
    run(&store, "k", r#"{"suffix": ".zstd", "content-encoding": false}"#).unwrap();
    assert_eq!(store.fixture("b", "k.zstd").unwrap().content_encoding, None);
}

#[test]
fn an_original_is_deleted_only_once_the_new_object_was_read_back() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(text()));
    run(&store, "k", r#"{"delete-original": true}"#).unwrap();
    assert_eq!(store.fixture("b", "k"), None);
    let sent = store.sent();
    let place = |begin: &str| sent.iter().position(|line| line.starts_with(begin)).unwrap();
    assert!(place("PutObject s3://b/k.zst ") < place("GetObject s3://b/k.zst "));
    assert!(place("GetObject s3://b/k.zst ") < place("DeleteObject s3://b/k if-match=\"e\""));
}

#[test]
fn what_is_read_back_and_is_not_the_same_is_removed() {
    for damaged in [b"".to_vec(), b"something else".to_vec(), text(), {
        let mut encoder = structured_zstd::encoding::StreamingEncoder::new(
            Vec::new(),
            structured_zstd::encoding::CompressionLevel::from_level(3),
        );
        encoder.write_all(b"other content").unwrap();
        encoder.finish().unwrap()
    }] {
        let store = FakeStore::new();
        store.insert("b", "k", fixture(text()));
        // As if a run before had written it and this one did not.
        let made_from = vec![("recompressed-from".to_owned(), "\"e\"".to_owned())];
        store.insert("b", "k.zst", Fixture { user_metadata: made_from, ..fixture(damaged) });
        let failure = run(&store, "k", r#"{"delete-original": true}"#).unwrap_err();
        assert_eq!(failure.code, "VerificationFailed");
        assert_eq!(store.fixture("b", "k.zst"), None);
        assert_eq!(store.fixture("b", "k"), Some(fixture(text())), "the original stays");
        assert!(matches!(run(&store, "k", "{}"), Ok(Outcome::Done(_))), "it can be tried again");
    }
}

#[test]
fn a_store_that_fails_says_nothing_about_the_object() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(text()));
    run(&store, "k", "{}").unwrap();
    // The first read is of the original.
    for skipped in ["k", "k.zst"] {
        let before = calls(&store).len();
        store.fail("GetObject", "InternalError", 500);
        assert_eq!(
            run(&store, "k", r#"{"delete-original": true}"#).unwrap_err().code,
            "InternalError",
            "{skipped}"
        );
        assert!(!calls(&store)[before..].contains(&"DeleteObject"));
    }
}

#[test]
fn a_run_that_was_cut_off_goes_on() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(text()));
    run(&store, "k", "{}").unwrap();
    let before = calls(&store).len();
    run(&store, "k", r#"{"delete-original": true}"#).unwrap();
    assert!(!calls(&store)[before..].contains(&"PutObject"), "the new object is there");
    assert_eq!(store.fixture("b", "k"), None);
    assert_eq!(decoded(&store.fixture("b", "k.zst").unwrap().body), text());
}

#[test]
fn an_object_of_somebody_else_stays() {
    let store = FakeStore::new();
    store.insert("b", "k", fixture(text()));
    store.insert("b", "k.zst", fixture(b"precious".to_vec()));
    let failure = run(&store, "k", r#"{"delete-original": true}"#).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("TargetExists", "there is another object s3://b/k.zst, which stays")
    );
    assert_eq!(store.fixture("b", "k.zst"), Some(fixture(b"precious".to_vec())));
    assert!(store.fixture("b", "k").is_some());
}

#[test]
fn what_gains_nothing_is_left() {
    let noise: Vec<u8> =
        (0..5000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let zstd = b"\x28\xb5\x2f\xfd\0\0".to_vec();
    let encoded = |encoding: &str| Fixture { content_encoding: Some(encoding.to_owned()), ..fixture(text()) };
    for (key, fixture, words) in [
        ("k", fixture(Vec::new()), "it is empty"),
        ("k", fixture(b"tiny".to_vec()), "it would not become smaller"),
        ("k", fixture(noise), "it would not become smaller"),
        ("k", fixture(zstd), "it is Zstandard already"),
        ("k.zst", fixture(text()), "its key ends in .zst already"),
        ("k", encoded("br"), "its content is encoded: br"),
    ] {
        let store = FakeStore::new();
        store.insert("b", key, fixture.clone());
        let outcome = run(&store, key, r#"{"delete-original": true}"#).unwrap();
        assert!(matches!(&outcome, Outcome::Skipped(why) if why.starts_with(words)), "{words}: {outcome:?}");
        assert_eq!(store.fixture("b", key), Some(fixture));
        assert!(!calls(&store).contains(&"PutObject"));
    }
}

#[test]
fn a_broken_gzip_file_stays() {
    let whole = gzip(&text());
    let mut flipped = whole.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    for (body, code) in [(whole[..whole.len() / 2].to_vec(), "UnexpectedEof"), (flipped, "InvalidInput")] {
        let store = FakeStore::new();
        store.insert("b", "k.gz", fixture(body.clone()));
        let failure = run(&store, "k.gz", r#"{"delete-original": true}"#).unwrap_err();
        assert_eq!(failure.code, code, "{failure:?}");
        assert_eq!(store.fixture("b", "k.gz"), Some(fixture(body)));
        assert_eq!(store.fixture("b", "k.zst"), None);
    }
}

#[test]
fn archives_cannot_be_read_back() {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture { storage_class: Some("GLACIER".to_owned()), ..fixture(text()) });
    let failure = run(&store, "k", "{}").unwrap_err();
    assert_eq!((failure.code.as_str(), failure.http_status), ("InvalidRequest", Some(400)));
    assert_eq!(store.sent(), ["HeadObject s3://b/k"]);
}
