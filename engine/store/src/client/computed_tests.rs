use std::sync::Arc;

use crate::Store;
use crate::client::tests::{Scripted, answer};
use crate::request::{CreateMultipartUpload, PutObject, Request, Upload, UploadPart};

/// Of "123456789": check values of the algorithms' own documents or, where these give none, what md5sum and its kind and xxHash's
/// reference implementation say. The server keeps requests in lower case.
const SUMS: [(&str, &str); 10] = [
    ("CRC32", "y/Q5Jg=="),
    ("CRC32C", "4waSgw=="),
    ("CRC64NVME", "rosUhgp5mIg="),
    ("MD5", "JfnnlDI7RTiF9RgfG2JNCw=="),
    ("SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
    ("SHA256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
    ("SHA512", "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ=="),
    ("XXHASH64", "jLhB20DmroM="),
    ("XXHASH3", "ctyxi2ehff8="),
    ("XXHASH128", "MxGUd+3l3NXpcWQnaB1YYA=="),
];

fn body() -> bytes::Bytes {
    bytes::Bytes::from_static(b"123456789")
}

fn put(checksum_algorithm: Option<&str>) -> Request {
    let checksum_algorithm = checksum_algorithm.map(str::to_owned);
    PutObject { checksum_algorithm, ..PutObject::new("b", "k", body()) }.into()
}

fn part(algorithm: &str) -> Request {
    let create = CreateMultipartUpload {
        bucket: "b".to_owned(),
        key: "k".to_owned(),
        checksum_algorithm: Some(algorithm.to_owned()),
        ..CreateMultipartUpload::default()
    };
    let upload = Upload { id: "u".to_owned(), object: Arc::new(create) };
    UploadPart { upload, number: 1, body: body().into(), content_md5: None }.into()
}

#[tokio::test]
async fn a_request_that_names_a_checksum_carries_it() {
    let server = Scripted::start(vec![answer("200 OK", "ETag: \"e\"\r\n", ""); 20]).await;
    let store = server.store().await;
    for (algorithm, _) in SUMS {
        store.send(&put(Some(algorithm))).await.unwrap();
        store.send(&part(algorithm)).await.unwrap();
    }
    let sent = server.requests();
    for (requests, (algorithm, sum)) in sent.chunks(2).zip(SUMS) {
        for request in requests {
            let header = |name: &str, value: &str| {
                let line = format!("\r\n{name}: {value}\r\n").to_lowercase();
                assert!(request.contains(&line), "{line:?} is not in {request}");
            };
            header(&format!("x-amz-checksum-{algorithm}"), sum);
            header("x-amz-sdk-checksum-algorithm", algorithm);
            // It is signed, and no second one is sent.
            assert_eq!(request.matches("x-amz-checksum-").count(), 2, "{request}");
        }
    }
}

#[tokio::test]
async fn nothing_is_computed_that_nobody_asked_for() {
    let server = Scripted::start(vec![answer("200 OK", "ETag: \"e\"\r\n", "")]).await;
    server.store().await.send(&put(None)).await.unwrap();
    assert!(!server.requests()[0].contains("checksum"));
}

#[tokio::test]
async fn an_algorithm_that_there_is_not_is_not_sent() {
    let server = Scripted::start(vec![]).await;
    for request in [put(Some("CRC16")), part("CRC16")] {
        let error = server.store().await.send(&request).await.unwrap_err();
        assert_eq!(error.code, "InvalidRequest");
        assert!(error.message.ends_with("\"CRC16\" is no algorithm of checksums"), "{error}");
    }
}
