//! The client against scripted HTTP answers. Real servers are met by `tests/server.rs` and the end-to-end suite.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_job::ObjectId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::request::*;

/// A server on loopback that gives each connection the next of `answers` and closes it. An empty answer is none.
pub(super) struct Scripted {
    endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Scripted {
    pub(super) async fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let server = tokio::spawn(async move {
            for answer in answers {
                let (mut connection, _) = listener.accept().await.unwrap();
                let request = read_request(&mut connection).await;
                seen.lock().unwrap().push(request);
                connection.write_all(answer.as_bytes()).await.unwrap();
                connection.shutdown().await.unwrap();
            }
        });
        Self { endpoint, requests, server }
    }

    pub(super) async fn store(&self) -> S3Store {
        S3Store::connect(config(&self.endpoint)).await.unwrap()
    }

    /// What came in, head and body, lower-cased.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads a request whole.
async fn read_request(connection: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        match connection.read(&mut buffer).await.unwrap() {
            0 => return text,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

fn config(endpoint: &str) -> StoreConfig {
    StoreConfig {
        name: "main".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        region: Some("us-east-1".to_owned()),
        path_style: true,
        credentials: CredentialsSource::Static {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "hush".to_owned(),
            session_token: Some("psst".to_owned()),
        },
        retry: RetryPolicy { base_delay: Duration::from_millis(1), ..RetryPolicy::default() },
        ..StoreConfig::default()
    }
}

pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
}

pub(super) fn error(status: &str, code: &str) -> String {
    answer(
        status,
        "x-amz-request-id: REQ1\r\n",
        &format!("<Error><Code>{code}</Code><Message>Said so</Message></Error>"),
    )
}

fn object() -> ObjectId {
    ObjectId::new("b", "a b+ü")
}

#[tokio::test]
async fn an_answer_with_its_parts() {
    let headers = "etag: \"e1\"\r\nx-amz-version-id: v1\r\nx-amz-storage-class: GLACIER\r\nx-amz-meta-owner: me\r\n\
                   content-type: text/plain\r\nlast-modified: Fri, 21 Dec 2012 00:00:00 GMT\r\n\
                   x-amz-restore: ongoing-request=\"true\"\r\n";
    let server = Scripted::start(vec![answer("206 Partial Content", headers, "hello")]).await;
    let range = Some(ByteRange { first: 1, last: Some(5) });
    let get = GetObject { range, ..GetObject::new(object()) };
    let response = server.store().await.send(&get.into()).await.unwrap();
    assert_eq!(response.http_status, 206);
    assert_eq!(response.etag.as_deref(), Some("\"e1\""));
    assert_eq!(response.version_id.as_deref(), Some("v1"));
    assert_eq!(response.size, Some(5));
    assert_eq!(response.last_modified.unwrap().to_string(), "2012-12-21T00:00:00Z");
    assert_eq!(response.storage_class.as_deref(), Some("GLACIER"));
    assert!(response.restore.unwrap().ongoing);
    assert_eq!(response.content.content_type.as_deref(), Some("text/plain"));
    assert_eq!(response.user_metadata.get("owner").map(String::as_str), Some("me"));
    assert_eq!(&response.body[..], b"hello");
    let head = &server.requests()[0];
    assert!(head.starts_with("get /b/a%20b%2b%c3%bc"), "{head}");
    assert!(head.contains("\r\nrange: bytes=1-5"), "{head}");
}

#[tokio::test]
async fn a_copy_as_it_goes_out() {
    let body = "<CopyObjectResult><ETag>\"e2\"</ETag></CopyObjectResult>";
    let server = Scripted::start(vec![answer("200 OK", "x-amz-version-id: v2\r\n", body)]).await;
    let copy = CopyObject {
        tagging_directive: Some(Directive::Replace),
        tags: vec![Tag::new("k", "v w")],
        acl: AclHeaders {
            canned: None,
            grants: vec![Grant { grantee: Grantee::Id("x1".to_owned()), permission: Permission::ReadAcp }],
        },
        storage_class: Some("STANDARD_IA".to_owned()),
        ..CopyObject::new(object(), "dst", "to")
    };
    let response = server.store().await.send(&copy.into()).await.unwrap();
    assert_eq!((response.etag.as_deref(), response.version_id.as_deref()), (Some("\"e2\""), Some("v2")));
    let head = &server.requests()[0];
    for line in [
        "put /dst/to",
        "\r\nx-amz-copy-source: b/a%20b%2b%c3%bc\r\n",
        "\r\nx-amz-tagging-directive: replace\r\n",
        "\r\nx-amz-tagging: k=v%20w\r\n",
        "\r\nx-amz-grant-read-acp: id=x1\r\n",
        "\r\nx-amz-storage-class: standard_ia\r\n",
    ] {
        assert!(head.contains(line), "{line:?} is not in {head}");
    }
    assert!(!head.contains("x-amz-metadata-directive") && !head.contains("x-amz-acl"), "{head}");
}

#[tokio::test]
async fn an_acl_as_a_document() {
    let server = Scripted::start(vec![answer("200 OK", "", "")]).await;
    let grants =
        vec![Grant { grantee: Grantee::Uri("http://group".to_owned()), permission: Permission::Read }];
    let acl = AclHeaders { canned: None, grants };
    let put = PutObjectAcl { owner: Some("me".to_owned()), ..PutObjectAcl::new(object(), acl) };
    assert_eq!(server.store().await.send(&put.into()).await.map(|answer| answer.http_status), Ok(200));
    let request = &server.requests()[0];
    for part in ["<owner><id>me</id></owner>", "<uri>http://group</uri>", "<permission>read</permission>"] {
        assert!(request.contains(part), "{part:?} is not in {request}");
    }
    assert!(!request.contains("x-amz-grant"), "{request}");
}

#[tokio::test]
async fn an_answer_that_does_not_come() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Connections are made by the operating system; nobody accepts them.
    let config = StoreConfig {
        request_timeout: Duration::from_millis(50),
        retry: RetryPolicy { max_attempts: 1, ..RetryPolicy::default() },
        ..config(&endpoint)
    };
    let store = S3Store::connect(config).await.unwrap();
    let error = store.send(&HeadObject::new(object()).into()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status, error.retryable), ("Timeout", None, true));
    assert!(error.message.contains("did not answer HeadObject within 0.05 s"), "{error}");
}

#[tokio::test]
async fn missing_credentials_are_noticed_before_the_first_request() {
    let credentials = CredentialsSource::Profile("no such profile".to_owned());
    let config = StoreConfig { credentials, ..config("http://127.0.0.1:9") };
    let error = S3Store::connect(config).await.unwrap_err();
    assert_eq!(error.code, "CredentialsError");
    let begin = "store \"main\": no credentials from profile \"no such profile\"";
    assert!(error.message.starts_with(begin), "{error}");
}

#[tokio::test]
async fn errors_in_a_body_are_the_stores_own() {
    let server = Scripted::start(vec![error("409 Conflict", "RestoreAlreadyInProgress")]).await;
    let restore = RestoreObject { object: object(), days: Some(1), tier: Some("Bulk".to_owned()) };
    let error = server.store().await.send(&restore.into()).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.status, error.retryable),
        ("RestoreAlreadyInProgress", Some(409), false)
    );
    assert_eq!((error.message.as_str(), error.request_id.as_deref()), ("Said so", Some("REQ1")));
}

#[tokio::test]
async fn throttles_broken_connections_and_hidden_errors_are_retried() {
    let copied = answer("200 OK", "", "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>");
    let answers = vec![
        error("503 Slow Down", "SlowDown"),
        String::new(),
        error("200 OK", "InternalError"),
        answer("200 OK", "", ""),
        copied,
    ];
    let server = Scripted::start(answers).await;
    let copy = CopyObject::new(object(), "dst", "to");
    let response = server.store().await.send(&copy.into()).await.unwrap();
    assert_eq!(response.etag.as_deref(), Some("\"e\""));
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn head_of_a_missing_object() {
    let server =
        Scripted::start(vec!["HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n".to_owned()]).await;
    let error = server.store().await.send(&HeadObject::new(object()).into()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("NoSuchKey", Some(404)));
}

#[tokio::test]
async fn a_lost_answer_is_told_from_no_connection() {
    let mut server = Scripted::start(vec![String::new()]).await;
    let no_retries = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
    let store =
        S3Store::connect(StoreConfig { retry: no_retries, ..config(&server.endpoint) }).await.unwrap();
    let request = Request::from(DeleteObject::new(object()));
    let lost = store.send(&request).await.unwrap_err();
    assert_eq!((lost.code.as_str(), lost.status, lost.is_lost_answer()), ("ConnectionLost", None, true));
    // The script is over: nobody listens any more.
    (&mut server.server).await.unwrap();
    let refused = store.send(&request).await.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.status, refused.is_lost_answer()),
        ("ConnectionError", None, false)
    );
    assert!(refused.message.contains(&server.endpoint) && refused.message.contains("\"main\""), "{refused}");
}

#[tokio::test]
async fn a_body_larger_than_memory_may_hold_is_refused() {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        crate::MAX_BODY_BYTES + 1
    );
    let server = Scripted::start(vec![head]).await;
    let error = server.store().await.send(&GetObject::new(object()).into()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("ResponseTooLarge", false));
}

#[tokio::test]
async fn what_cannot_be_sent_is_not() {
    let server = Scripted::start(vec![]).await;
    let store = server.store().await;
    let newline = PutObject {
        user_metadata: [("a".to_owned(), "x\ny".to_owned())].into(),
        ..PutObject::new("b", "k", bytes::Bytes::new())
    };
    let no_acl = PutObjectAcl::new(object(), AclHeaders::default());
    let no_key = HeadObject::new(ObjectId::new("b", ""));
    for request in [Request::from(newline), no_acl.into(), no_key.into()] {
        let error = store.send(&request).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.retryable), ("InvalidRequest", false), "{error}");
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn the_probe_explains() {
    let table = [
        (error("403 Forbidden", "InvalidAccessKeyId"), "does not know the access key ID"),
        (error("403 Forbidden", "SignatureDoesNotMatch"), "secret access key"),
        (error("403 Forbidden", "RequestTimeTooSkewed"), "set the clock"),
        (error("404 Not Found", "NoSuchBucket"), "has no bucket data"),
        (error("301 Moved", "PermanentRedirect"), "not in region us-east-1"),
        (answer("200 OK", "", "<html>hello</html>"), "does not speak S3"),
    ];
    for (answer, expected) in table {
        // Some are worth a retry.
        let server = Scripted::start(vec![answer; 3]).await;
        let error = server.store().await.check_reachable(Some("data")).await.unwrap_err();
        assert!(error.message.contains(expected), "{expected:?} is not in {error}");
        assert!(error.message.starts_with(&format!("store \"main\" ({})", server.endpoint)), "{error}");
    }
    let denied = Scripted::start(vec![error("403 Forbidden", "AccessDenied")]).await;
    assert_eq!(denied.store().await.check_reachable(Some("data")).await, Ok(()));
}

#[tokio::test]
async fn endpoints_must_be_urls() {
    for endpoint in ["localhost:9000", "ftp://host", "http://", ""] {
        let error = S3Store::connect(config(endpoint)).await.unwrap_err();
        assert!(error.message.contains("is not a URL"), "{error}");
    }
}

#[test]
fn debug_shows_no_secrets() {
    let shown = format!("{:?}", config("http://127.0.0.1:9000"));
    assert!(shown.contains("AKIDEXAMPLE"));
    assert!(!shown.contains("hush") && !shown.contains("psst"), "{shown}");
}

#[tokio::test]
async fn a_connected_store_shows_no_secrets() {
    let store = S3Store::connect(config("http://127.0.0.1:9000")).await.unwrap();
    let shown = format!("{store:?}");
    assert!(!shown.contains("hush") && !shown.contains("psst"), "{shown}");
}

#[tokio::test]
async fn locks_as_they_go_out_and_come_back() {
    let held = answer("200 OK", "", "<LegalHold><Status>ON</Status></LegalHold>");
    let until = "<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2030-01-31T00:00:00Z</RetainUntilDate></Retention>";
    let enabled =
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>";
    let server = Scripted::start(vec![
        answer("200 OK", "", ""),
        answer("200 OK", "", ""),
        held,
        answer("200 OK", "", until),
        answer("200 OK", "", enabled),
        answer("204 No Content", "x-amz-delete-marker: true\r\nx-amz-version-id: m\r\n", ""),
    ])
    .await;
    let store = server.store().await;
    let retain_until = "2030-01-31T00:00:00Z".parse().unwrap();
    let retention = Some(Retention { mode: "COMPLIANCE".to_owned(), retain_until });
    let put = PutObjectRetention {
        object: object(),
        retention: retention.clone(),
        bypass_governance: true,
        event_hold: None,
    };
    store.send(&put.into()).await.unwrap();
    store.send(&PutObjectLegalHold { object: object(), on: false }.into()).await.unwrap();
    let hold = store.send(&GetObjectLegalHold { object: object() }.into()).await.unwrap();
    assert_eq!(hold.lock, ObjectLock { legal_hold: Some(true), ..ObjectLock::default() });
    let retained = store.send(&GetObjectRetention { object: object() }.into()).await.unwrap();
    assert_eq!(retained.lock, ObjectLock { retention, ..ObjectLock::default() });
    let bucket = GetObjectLockConfiguration { bucket: "b".to_owned() };
    assert!(store.send(&bucket.into()).await.unwrap().lock_enabled);
    let delete = DeleteObject {
        if_match: Some("\"e\"".to_owned()),
        bypass_governance: true,
        ..DeleteObject::new(object())
    };
    let deleted = store.send(&delete.into()).await.unwrap();
    assert_eq!((deleted.delete_marker, deleted.version_id.as_deref()), (true, Some("m")));
    let sent = server.requests();
    for (number, part) in [
        (0, "<mode>compliance</mode><retainuntildate>2030-01-31t00:00:00z</retainuntildate>"),
        (0, "\r\nx-amz-bypass-governance-retention: true\r\n"),
        (1, "<status>off</status>"),
        (5, "\r\nif-match: \"e\"\r\n"),
        (5, "\r\nx-amz-bypass-governance-retention: true\r\n"),
    ] {
        assert!(sent[number].contains(part), "{part:?} is not in {}", sent[number]);
    }
}

#[tokio::test]
async fn what_a_lossless_copy_must_know() {
    let headers = "x-amz-object-lock-mode: GOVERNANCE\r\nx-amz-object-lock-retain-until-date: 2030-01-31T00:00:00Z\r\n\
        x-amz-object-lock-legal-hold: ON\r\nx-amz-tagging-count: 2\r\nx-amz-website-redirect-location: /x\r\n\
        x-amz-checksum-crc32: AAAAAA==\r\nx-amz-checksum-type: FULL_OBJECT\r\nx-amz-archive-status: ARCHIVE_ACCESS\r\n\
        x-amz-mp-parts-count: 3\r\n";
    let server = Scripted::start(vec![answer("200 OK", headers, "")]).await;
    let head = HeadObject { checksums: true, part_number: Some(1), ..HeadObject::new(object()) };
    let found = server.store().await.send(&head.into()).await.unwrap();
    assert_eq!(found.lock.retention.map(|it| it.mode).as_deref(), Some("GOVERNANCE"));
    assert_eq!((found.lock.legal_hold, found.tag_count, found.parts_count), (Some(true), Some(2), Some(3)));
    assert_eq!(found.website_redirect_location.as_deref(), Some("/x"));
    assert_eq!(found.checksums, [("CRC32", "AAAAAA==".to_owned())]);
    assert_eq!(found.checksum_type.as_deref(), Some("FULL_OBJECT"));
    assert_eq!(found.archive_status.as_deref(), Some("ARCHIVE_ACCESS"));
    let sent = &server.requests()[0];
    assert!(sent.contains("x-amz-checksum-mode: enabled") && sent.contains("partnumber=1"), "{sent}");
}

#[tokio::test]
async fn no_store_is_sent_what_it_might_take_for_an_upload_unless_told_so() {
    let server = Scripted::start(vec![]).await;
    let update = UpdateObjectEncryption {
        object: object(),
        kms_key_arn: "arn:aws:kms:eu-west-1:111122223333:key/x".to_owned(),
        bucket_key_enabled: None,
    };
    let update = Request::from(update);
    let error = server.store().await.send(&update).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status, error.retryable), ("NotImplemented", Some(501), false));
    assert_eq!(server.requests(), [""; 0]);
    let server = Scripted::start(vec![answer("200 OK", "", "")]).await;
    let config = StoreConfig { update_encryption: Some(true), ..config(&server.endpoint) };
    S3Store::connect(config).await.unwrap().send(&update).await.unwrap();
    let sent = &server.requests()[0];
    assert!(sent.starts_with("put /b/") && sent.contains("?encryption http"), "{sent}");
    assert!(
        sent.contains("<sse-kms><kmskeyarn>arn:aws:kms:eu-west-1:111122223333:key/x</kmskeyarn>"),
        "{sent}"
    );
    for (endpoint, amazon) in [
        (None, true),
        (Some("https://s3.eu-west-1.amazonaws.com"), true),
        (Some("https://S3.cn-north-1.amazonaws.com.cn:443/"), true),
        (Some("https://s3.amazonaws.com.example.org"), false),
        (Some("https://example.org/.amazonaws.com"), false),
        (Some("http://x.amazonaws.com@127.0.0.1"), false),
        (Some("http://127.0.0.1:9000"), false),
    ] {
        assert_eq!(is_amazon(endpoint), amazon, "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_replication_configuration_as_aws_writes_it() {
    let body = "<ReplicationConfiguration><Role>r</Role><Rule><ID>a</ID><Priority>2</Priority><Status>Enabled</Status>\
        <Filter><And><Prefix>p/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>\
        <SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>\
        </SourceSelectionCriteria><ExistingObjectReplication><Status>Enabled</Status></ExistingObjectReplication>\
        <DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination>\
        <Bucket>arn:aws:s3:::d</Bucket><Account>1</Account><StorageClass>GLACIER_IR</StorageClass>\
        <AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation><EncryptionConfiguration>\
        <ReplicaKmsKeyID>key</ReplicaKmsKeyID></EncryptionConfiguration></Destination></Rule>\
        <Rule><Prefix></Prefix><Status>Disabled</Status><Destination><Bucket>arn:aws:s3:::e</Bucket></Destination>\
        </Rule></ReplicationConfiguration>";
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let server = Scripted::start(vec![
        answer("200 OK", "", body),
        answer("200 OK", "", versioning),
        error("404 Not Found", "ReplicationConfigurationNotFoundError"),
    ])
    .await;
    let store = server.store().await;
    let request = || Request::from(GetBucketReplication { source: object() });
    let found = store.send(&request()).await.unwrap().replication.unwrap();
    let wanted = serde_json::json!({"Role": "r", "Rules": [
        {"ID": "a", "Priority": 2, "Status": "Enabled",
         "Filter": {"And": {"Prefix": "p/", "Tags": [{"Key": "k", "Value": "v"}]}},
         "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
         "ExistingObjectReplication": {"Status": "Enabled"}, "DeleteMarkerReplication": {"Status": "Disabled"},
         "Destination": {"Bucket": "arn:aws:s3:::d", "Account": "1", "StorageClass": "GLACIER_IR",
            "AccessControlTranslation": {"Owner": "Destination"}, "EncryptionConfiguration": {"ReplicaKmsKeyID": "key"}}},
        {"Prefix": "", "Status": "Disabled", "Destination": {"Bucket": "arn:aws:s3:::e"}},
    ]});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&found).unwrap(), wanted);
    let bucket = GetBucketVersioning { bucket: "b".to_owned() };
    assert_eq!(store.send(&bucket.into()).await.unwrap().versioning.as_deref(), Some("Enabled"));
    let error = store.send(&request()).await.unwrap_err();
    assert_eq!(error.code, "ReplicationConfigurationNotFoundError");
    assert!(server.requests()[0].starts_with("get /b/?replication "), "{}", server.requests()[0]);
}

#[tokio::test]
async fn a_body_that_a_signed_checksum_covers_is_not_signed_itself_unless_it_has_to_be() {
    let md5 = Some("XUFAKrxLKna5cZ2REBfFkg==".to_owned());
    let content_sha256 = |sign_bodies, content_md5: Option<String>| async move {
        let server = Scripted::start(vec![answer("200 OK", "etag: \"e\"\r\n", "")]).await;
        let store = S3Store::connect(StoreConfig { sign_bodies, ..config(&server.endpoint) }).await.unwrap();
        let put = PutObject { content_md5, ..PutObject::new("b", "k", "hello".into()) };
        store.send(&put.into()).await.unwrap();
        let request = server.requests().remove(0);
        let is_signed = request.contains("signedheaders=content-length;content-md5;");
        assert_eq!(is_signed, request.contains("content-md5: "));
        let header = request.lines().find_map(|line| line.strip_prefix("x-amz-content-sha256: "));
        header.unwrap().to_owned()
    };
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(content_sha256(false, md5.clone()).await, "unsigned-payload");
    assert_eq!(content_sha256(true, md5).await, digest);
    assert_eq!(content_sha256(false, None).await, digest);
}
