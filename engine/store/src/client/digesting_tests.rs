use longshore_job::ObjectId;

use crate::client::tests::{Scripted, answer, error};
use crate::request::{DigestObject, Request};
use crate::response::Response;
use crate::{ChecksumAlgorithm, Store, StoreError};

fn call() -> DigestObject {
    DigestObject::new(ObjectId::new("b", "k"), ChecksumAlgorithm::Crc32)
}

fn range(range: &str, body: &str) -> String {
    answer("206 Partial Content", &format!("etag: \"e\"\r\ncontent-range: bytes {range}\r\n"), body)
}

async fn send(server: &Scripted, call: DigestObject) -> Result<Response, StoreError> {
    server.store().await.send(&Request::from(call)).await
}

#[tokio::test]
async fn the_next_range_goes_on_where_the_last_one_ended() {
    let server = Scripted::start(vec![range("0-3/9", "1234"), range("4-8/9", "56789")]).await;
    let first = send(&server, call()).await.unwrap();
    assert_eq!((first.size, first.checksums.len(), first.etag.as_deref()), (Some(9), 0, Some("\"e\"")));
    let next = DigestObject { if_match: first.etag, after: first.digest_so_far, ..call() };
    let last = send(&server, next).await.unwrap();
    // The check value of CRC-32 (ISO 3309).
    assert_eq!((last.checksums, last.digest_so_far), (vec![("CRC32", "y/Q5Jg==".to_owned())], None));
    assert_eq!(
        (last.size, last.http_status, last.checksum_type.as_deref()),
        (Some(9), 200, Some("FULL_OBJECT"))
    );
    let sent = server.requests();
    assert!(sent[0].contains("\r\nrange: bytes=0-67108863\r\n"), "{}", sent[0]);
    assert!(sent[1].contains("\r\nrange: bytes=4-67108867\r\n"), "{}", sent[1]);
    assert!(sent[1].contains("\r\nif-match: \"e\"\r\n"), "{}", sent[1]);
}

#[tokio::test]
async fn an_empty_object_has_no_range() {
    let empty = answer("200 OK", "etag: \"e\"\r\n", "");
    let server = Scripted::start(vec![error("416 Range Not Satisfiable", "InvalidRange"), empty]).await;
    let digested = send(&server, call()).await.unwrap();
    assert_eq!((digested.size, digested.checksums), (Some(0), vec![("CRC32", "AAAAAA==".to_owned())]));
    assert!(!server.requests()[1].contains("\r\nrange: "));
}

#[tokio::test]
async fn a_store_without_ranges_is_read_at_once_and_never_twice() {
    let whole = || answer("200 OK", "etag: \"e\"\r\nx-amz-checksum-crc32: AAAAAA==\r\n", "123456789");
    let server = Scripted::start(vec![whole()]).await;
    assert_eq!(send(&server, call()).await.unwrap().checksums, [("CRC32", "y/Q5Jg==".to_owned())]);
    // It sends all again where the rest is asked for, or another range: as often as a request is tried.
    for wrong in [whole(), range("0-3/9", "1234")] {
        let server =
            Scripted::start([range("0-3/9", "1234")].into_iter().chain(vec![wrong; 9]).collect()).await;
        let after = send(&server, call()).await.unwrap().digest_so_far;
        let error = send(&server, DigestObject { after, ..call() }).await.unwrap_err();
        assert_eq!(error.code, "InvalidResponse");
        assert!(error.message.contains("without the range that was asked for"), "{error}");
    }
}
