use std::io::{BufRead as _, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};

use crate::testing::{FakeStore, Fixture, lines};
use crate::{Failure, Object};

const MIB: usize = 1 << 20;

fn store(body: &[u8]) -> (FakeStore, Object<'static>) {
    let store = FakeStore::new();
    store.insert("b", "k", Fixture::of(body));
    let object = store.object("b", "k");
    (store, object)
}

/// The settings of the requests that were sent, without the object.
fn sent(store: &FakeStore) -> Vec<String> {
    store.sent().iter().map(|line| line.replace(" s3://b/k", "")).collect()
}

#[test]
fn reads_in_steps_of_one_version() {
    let (store, object) = store(b"one\ntwo\nthree");
    let etag = store.fixture("b", "k").unwrap().etag.unwrap();
    let mut reader = object.reader().step(5);
    let read: Vec<String> = reader.by_ref().lines().map(Result::unwrap).collect();
    assert_eq!(read, ["one", "two", "three"]);
    assert_eq!((reader.size().unwrap(), reader.etag()), (13, Some(etag.as_str())));
    let pinned = |range: &str| format!("GetObject range={range} if-match={etag}");
    assert_eq!(sent(&store), ["GetObject range=0-4".to_owned(), pinned("5-9"), pinned("10-14")]);
}

#[test]
fn nothing_is_sent_before_the_first_read_and_nothing_after_the_end() {
    let (store, object) = store(b"abc");
    let mut reader = object.reader();
    assert!(store.sent().is_empty());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!((text.as_str(), store.sent().len()), ("abc", 1));
}

#[test]
fn an_empty_object_is_the_end() {
    let (_store, object) = store(b"");
    let mut reader = object.reader();
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!((reader.size(), reader.etag()), (Ok(0), None));
}

#[test]
fn seeks_within_and_beyond() {
    let (store, object) = store(b"0123456789");
    let mut reader = object.reader().step(4);
    let mut two = |from| {
        reader.seek(from).unwrap();
        let mut bytes = Vec::new();
        reader.by_ref().take(2).read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(two(SeekFrom::End(-3)), "78");
    assert_eq!(two(SeekFrom::Current(-1)), "89");
    assert_eq!(two(SeekFrom::Start(2)), "23");
    assert_eq!(two(SeekFrom::Start(0)), "01");
    assert_eq!(two(SeekFrom::Start(3)), "34");
    assert_eq!(two(SeekFrom::Start(99)), "");
    assert_eq!(reader.seek(SeekFrom::Current(-100)).unwrap_err().kind(), ErrorKind::InvalidInput);
    // What is in memory is not fetched again: 0-3 for the size, 7-10, 2-5, 0-3, 4-7.
    assert_eq!(store.sent().len(), 5);
}

#[test]
fn beyond_the_end_from_the_start_is_the_end() {
    let (_store, object) = store(b"abc");
    let mut reader = object.reader();
    reader.seek(SeekFrom::Start(10)).unwrap();
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    assert_eq!(reader.size(), Ok(3));
}

#[test]
fn an_object_that_is_written_meanwhile_fails() {
    let (store, object) = store(b"abcdef");
    let mut reader = object.reader().step(3);
    reader.read_exact(&mut [0; 3]).unwrap();
    store.insert("b", "k", Fixture::of("ABCDEF"));
    let failure = Failure::from(reader.read(&mut [0; 3]).unwrap_err());
    assert_eq!((failure.code.as_str(), failure.http_status), ("PreconditionFailed", Some(412)));
}

#[test]
fn errors_of_the_store_keep_their_code() {
    let store = FakeStore::new();
    let object = store.object("b", "missing");
    let error = object.reader().read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let failure = Failure::from(error);
    assert_eq!((failure.code.as_str(), failure.http_status), ("NoSuchKey", Some(404)));
    let other = std::io::Error::new(ErrorKind::InvalidData, "no gzip");
    assert_eq!(Failure::from(other), Failure::new("InvalidData", "no gzip"));
}

#[test]
fn small_output_is_one_put() {
    let (store, object) = store(b"old");
    let mut writer =
        object.writer_with(|put| put.content_type("text/csv").tags([("a", "b")])).if_match("\"x\"");
    write!(writer, "new").unwrap();
    assert!(store.sent().is_empty());
    assert_eq!(writer.finish().err().unwrap().code, "PreconditionFailed");

    let etag = store.fixture("b", "k").unwrap().etag;
    let mut writer =
        object.writer_with(|put| put.content_type("text/csv").tags([("a", "b")])).if_match(etag.as_deref());
    write!(writer, "new").unwrap();
    writer.finish().unwrap();
    let written = store.fixture("b", "k").unwrap();
    assert_eq!((written.body.as_slice(), written.content_type.as_deref()), (&b"new"[..], Some("text/csv")));
    assert_eq!(written.tags, Fixture::tagged([("a", "b")]).tags);
}

#[test]
fn large_output_is_an_upload() {
    let (store, object) = store(b"old");
    let body: Vec<u8> = (0..12 * MIB).map(|number| (number / 7) as u8).collect();
    let mut writer =
        object.writer_with(|put| put.storage_class("GLACIER_IR")).part(5 * MIB).if_none_match("\"other\"");
    for piece in body.chunks(700_001) {
        writer.write_all(piece).unwrap();
    }
    assert_eq!(store.fixture("b", "k").unwrap().body, b"old");
    writer.finish().unwrap();
    let written = store.fixture("b", "k").unwrap();
    assert!(written.body == body);
    assert_eq!(written.storage_class.as_deref(), Some("GLACIER_IR"));
    assert_eq!(
        sent(&store),
        [
            "CreateMultipartUpload storage-class=GLACIER_IR",
            "UploadPart upload-id=upload-1 part-number=1 bytes=5242880",
            "UploadPart upload-id=upload-1 part-number=2 bytes=5242880",
            "UploadPart upload-id=upload-1 part-number=3 bytes=2097152",
            "CompleteMultipartUpload upload-id=upload-1 if-none-match=\"other\"",
        ]
    );
    assert_eq!(store.open_uploads(), 0);
}

#[test]
fn a_full_part_alone_is_a_put() {
    let (store, object) = store(b"old");
    let mut writer = object.writer().part(5 * MIB);
    writer.write_all(&vec![7; 5 * MIB]).unwrap();
    writer.finish().unwrap();
    assert_eq!(sent(&store), ["PutObject bytes=5242880"]);
}

#[test]
fn what_is_not_finished_leaves_nothing_behind() {
    let (store, object) = store(b"old");
    let mut writer = object.writer().part(5 * MIB);
    writer.write_all(&vec![7; 6 * MIB]).unwrap();
    assert_eq!(store.open_uploads(), 1);
    drop(writer);
    assert_eq!((store.open_uploads(), store.fixture("b", "k").unwrap().body), (0, b"old".to_vec()));
}

#[test]
fn a_refused_part_ends_the_upload() {
    let (store, object) = store(b"old");
    let mut writer = object.writer().part(5 * MIB);
    store.fail("UploadPart", "SlowDown", 503);
    let failure = Failure::from(writer.write_all(&vec![7; 6 * MIB]).unwrap_err());
    assert_eq!((failure.code.as_str(), store.open_uploads()), ("SlowDown", 0));
    let sent = store.sent().len();
    assert_eq!(writer.write(b"more").unwrap_err().to_string(), "SlowDown: UploadPart was made to fail");
    assert_eq!(writer.finish().err().unwrap().code, "SlowDown");
    assert_eq!(store.sent().len(), sent);
}

#[test]
fn a_refused_completion_ends_the_upload() {
    let (store, object) = store(b"old");
    let mut writer = object.writer().part(5 * MIB);
    writer.write_all(&vec![7; 6 * MIB]).unwrap();
    store.fail("CompleteMultipartUpload", "InvalidPart", 400);
    assert_eq!(writer.finish().err().unwrap().code, "InvalidPart");
    assert_eq!((store.open_uploads(), store.fixture("b", "k").unwrap().body), (0, b"old".to_vec()));
}

#[test]
fn a_plan_has_both_ways() {
    let (_store, object) = store(b"old");
    let plan = object.writer_with(|put| put.content_type("text/csv")).planned();
    assert_eq!(
        lines(&plan),
        [
            "PutObject s3://b/k bytes=0 content-type=text/csv (provisional)",
            "CreateMultipartUpload s3://b/k content-type=text/csv (provisional)"
        ]
    );
}
