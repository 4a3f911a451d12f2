use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt as _, stream};

use crate::Store;
use crate::client::tests::{Scripted, answer, error};
use crate::error::StoreError;
use crate::request::{CreateMultipartUpload, PartBody, PartStream, Request, Upload, UploadPart};

/// A part that is read as these chunks, and how often it was read.
fn part(
    chunks: &'static [Result<&'static str, &'static str>],
    checksum: bool,
) -> (Request, PartStream, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let size = chunks.iter().filter_map(|chunk| chunk.ok()).map(|chunk| chunk.len() as u64).sum();
    let stream = PartStream::new(size, move || {
        count.fetch_add(1, Ordering::Relaxed);
        let chunk = |chunk: &Result<&'static str, &'static str>| match *chunk {
            Ok(text) => Ok(text.into()),
            Err(code) => Err(StoreError::new(code, "the source said so").with_status(412)),
        };
        stream::iter(chunks.iter().map(chunk)).boxed()
    });
    let create = CreateMultipartUpload {
        bucket: "b".to_owned(),
        key: "k".to_owned(),
        checksum_algorithm: checksum.then(|| "CRC32".to_owned()),
        ..CreateMultipartUpload::default()
    };
    let upload = Upload { id: "u".to_owned(), object: Arc::new(create) };
    (
        UploadPart { upload, number: 1, body: PartBody::Streamed(stream.clone()), content_md5: None }.into(),
        stream,
        opened,
    )
}

#[tokio::test]
async fn a_part_is_read_while_it_is_sent_and_anew_for_each_attempt() {
    let headers = "ETag: \"e\"\r\nx-amz-server-side-encryption: aws:kms\r\n";
    let server =
        Scripted::start(vec![error("503 Slow Down", "SlowDown"), answer("200 OK", headers, "")]).await;
    let (request, _, opened) = part(&[Ok("abc"), Ok("defg")], false);
    let response = server.store().await.send(&request).await.unwrap();
    assert_eq!(response.etag.as_deref(), Some("\"e\""));
    assert_eq!(response.encryption.algorithm.as_deref(), Some("aws:kms"));
    assert_eq!(opened.load(Ordering::Relaxed), 2);
    for sent in server.requests() {
        assert!(sent.contains("\r\ncontent-length: 7\r\n") && sent.ends_with("\r\n\r\nabcdefg"), "{sent}");
        assert!(sent.contains("\r\nx-amz-content-sha256: unsigned-payload\r\n"), "{sent}");
    }
}

/// It says nothing about the store that the part goes to.
#[tokio::test]
async fn what_the_source_says_is_kept_for_whoever_reads_it() {
    let server = Scripted::start(vec![answer("200 OK", "ETag: \"e\"\r\n", ""); 5]).await;
    let (request, stream, opened) = part(&[Ok("abc"), Err("PreconditionFailed"), Ok("defg")], false);
    let error = server.store().await.send(&request).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable, error.status), ("InvalidResponse", false, None));
    let failure = stream.failure().unwrap();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("PreconditionFailed", "the source said so")
    );
    assert_eq!(opened.load(Ordering::Relaxed), 1, "it was retried where it was read");
}

#[tokio::test]
async fn a_checksum_cannot_go_before_bytes_that_nobody_has_seen() {
    let server = Scripted::start(vec![]).await;
    let (request, _, opened) = part(&[Ok("abc")], true);
    let error = server.store().await.send(&request).await.unwrap_err();
    assert_eq!(error.code, "InvalidRequest");
    assert!(error.message.contains("leave out checksum-algorithm"), "{error}");
    assert_eq!(opened.load(Ordering::Relaxed), 0);
}
