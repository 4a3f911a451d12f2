//! Uploads that tasks have begun survive, and are forgotten once they have ended.

#![allow(clippy::unwrap_used, reason = "test helpers may panic")]

mod common;

use common::Fixture;
use longshore_queue::BegunUploadRecord;

fn upload(key: &str, id: &str) -> BegunUploadRecord {
    BegunUploadRecord {
        store: String::new(),
        bucket: "b".to_owned(),
        key: key.to_owned(),
        upload_id: id.to_owned(),
        source_etag: "e".to_owned(),
        size: 6 << 30,
        part_size: 1 << 27,
    }
}

#[test]
fn uploads_are_kept_until_they_end() {
    let fixture = Fixture::engine();
    fixture.submit("0f2c");
    fixture.submit("1234");
    let (first, second) = (upload("k", "1"), upload("l", "2"));
    let elsewhere = BegunUploadRecord { store: "other".to_owned(), ..upload("k", "3") };
    for upload in [&first, &second, &elsewhere] {
        fixture.queue.begin_upload("0f2c", upload).unwrap();
    }
    let queue = &fixture.queue;
    assert_eq!(queue.uploads_for("0f2c", "", "b", "k").unwrap(), std::slice::from_ref(&first));
    assert_eq!(queue.uploads_for("0f2c", "other", "b", "k").unwrap(), std::slice::from_ref(&elsewhere));
    assert_eq!(queue.uploads_for("1234", "", "b", "k").unwrap(), []);
    let mut all = Vec::new();
    while let Some(next) = queue.next_upload("0f2c", all.last()).unwrap() {
        all.push(next);
    }
    assert_eq!(all, [first.clone(), second, elsewhere]);
    queue.end_upload("0f2c", &first).unwrap();
    queue.end_upload("0f2c", &first).unwrap();
    assert_eq!(queue.uploads_for("0f2c", "", "b", "k").unwrap(), []);
    assert_eq!(queue.next_upload("1234", None).unwrap(), None);
}
