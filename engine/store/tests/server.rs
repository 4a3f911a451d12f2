//! Every request against a real S3 server, for instance moto:
//!
//! ```text
//! moto_server -H 127.0.0.1 -p 5600 &
//! LONGSHORE_TEST_ENDPOINT=http://127.0.0.1:5600 cargo test -p longshore-store --test server -- --ignored
//! ```
//!
//! Credentials are `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. Buckets are made for each run and stay.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use longshore_job::ObjectId;
use longshore_store::*;

struct Server {
    store: S3Store,
    bucket: String,
}

impl Server {
    async fn new() -> Self {
        let endpoint =
            std::env::var("LONGSHORE_TEST_ENDPOINT").expect("LONGSHORE_TEST_ENDPOINT: URL of an S3 server");
        let config = StoreConfig {
            name: "test".to_owned(),
            endpoint: Some(endpoint.clone()),
            region: Some("us-east-1".to_owned()),
            path_style: true,
            credentials: CredentialsSource::Environment,
            retry: RetryPolicy { max_attempts: 1, ..RetryPolicy::default() },
            request_timeout: Duration::from_secs(20),
            ..StoreConfig::default()
        };
        let unique = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let bucket = format!("store-{unique}-{:04x}", fastrand::u16(..));
        create_bucket(&endpoint, &bucket).await;
        Self { store: S3Store::connect(config).await.unwrap(), bucket }
    }

    fn object(&self, key: &str) -> ObjectId {
        ObjectId::new(self.bucket.as_str(), key)
    }

    async fn send(&self, request: impl Into<Request>) -> Result<Response, StoreError> {
        self.store.send(&request.into()).await
    }

    async fn ok(&self, request: impl Into<Request>) -> Response {
        self.send(request).await.unwrap()
    }

    async fn put(&self, key: &str, body: &'static [u8]) -> Response {
        self.ok(PutObject::new(self.bucket.as_str(), key, Bytes::from_static(body))).await
    }

    async fn tags(&self, key: &str) -> Vec<Tag> {
        let mut tags = self.ok(GetObjectTagging::new(self.object(key))).await.tags;
        tags.sort();
        tags
    }

    async fn acl(&self, key: &str) -> Acl {
        self.ok(GetObjectAcl { object: self.object(key) }).await.acl.unwrap()
    }

    async fn fails_with(&self, request: impl Into<Request>, code: &str, status: u16) {
        let error = self.send(request).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.status), (code, Some(status)), "{error}");
    }
}

async fn create_bucket(endpoint: &str, bucket: &str) {
    let variable = |name| std::env::var(name).unwrap();
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"));
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .region(aws_sdk_s3::config::Region::from_static("us-east-1"))
        .force_path_style(true)
        .credentials_provider(aws_credential_types::Credentials::new(id, secret, None, None, "test"))
        .build();
    aws_sdk_s3::Client::from_conf(config).create_bucket().bucket(bucket).send().await.unwrap();
}

fn odd_keys() -> Vec<String> {
    let odd = ["a b", "a+b", "100%", "%41", "quote\"'", "comma,", "ünï/🚢", "a//b", "x/../y", "?#&=<>;"];
    odd.into_iter().map(str::to_owned).chain(["k".repeat(1024)]).collect()
}

fn grant(grantee: Grantee, permission: Permission) -> Grant {
    Grant { grantee, permission }
}

fn all_users() -> Grantee {
    Grantee::Uri("http://acs.amazonaws.com/groups/global/AllUsers".to_owned())
}

fn unquoted(etag: &Option<String>) -> String {
    etag.clone().unwrap().trim_matches('"').to_owned()
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn the_probe() {
    let server = Server::new().await;
    server.store.check_reachable(None).await.unwrap();
    server.store.check_reachable(Some(&server.bucket)).await.unwrap();
    let error = server.store.check_reachable(Some("store-no-such-bucket")).await.unwrap_err();
    assert_eq!(error.code, "NoSuchBucket", "{error}");
    server.ok(HeadBucket { bucket: server.bucket.clone() }).await;
    server.fails_with(HeadBucket { bucket: "store-no-such-bucket".to_owned() }, "NoSuchBucket", 404).await;
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn put_head_get_delete() {
    let server = Server::new().await;
    let put = PutObject {
        content: ContentHeaders {
            content_type: Some("text/plain".to_owned()),
            cache_control: Some("no-store".to_owned()),
            ..ContentHeaders::default()
        },
        user_metadata: [("owner".to_owned(), "me".to_owned())].into(),
        tags: vec![Tag::new("a b", "1+2=3"), Tag::new("z", "")],
        storage_class: Some("STANDARD_IA".to_owned()),
        ..PutObject::new(server.bucket.as_str(), "k", Bytes::from_static(b"hello world"))
    };
    let written = server.ok(put).await;
    assert_eq!(unquoted(&written.etag), "5eb63bbbe01eeed093cb22bb8f5acdc3");
    let head = server.ok(HeadObject::new(server.object("k"))).await;
    assert_eq!((head.http_status, head.size, head.etag), (200, Some(11), written.etag.clone()));
    assert_eq!(head.content.content_type.as_deref(), Some("text/plain"));
    assert_eq!(head.content.cache_control.as_deref(), Some("no-store"));
    assert_eq!(head.user_metadata, [("owner".to_owned(), "me".to_owned())].into());
    assert_eq!(head.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(server.tags("k").await, [Tag::new("a b", "1+2=3"), Tag::new("z", "")]);

    let range = Some(ByteRange { first: 6, last: Some(8) });
    let part = server.ok(GetObject { range, ..GetObject::new(server.object("k")) }).await;
    assert_eq!((part.http_status, &part.body[..]), (206, &b"wor"[..]));
    let stale = GetObject { if_match: Some("\"00\"".to_owned()), ..GetObject::new(server.object("k")) };
    server.fails_with(stale, "PreconditionFailed", 412).await;

    assert_eq!(server.ok(DeleteObject::new(server.object("k"))).await.http_status, 204);
    server.fails_with(HeadObject::new(server.object("k")), "NoSuchKey", 404).await;
    server.fails_with(GetObject::new(server.object("k")), "NoSuchKey", 404).await;
    server.fails_with(GetObject::new(ObjectId::new("store-no-such-bucket", "k")), "NoSuchBucket", 404).await;
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn odd_keys_and_listings() {
    let server = Server::new().await;
    for key in odd_keys() {
        server.put(&key, b"odd").await;
        assert_eq!(server.ok(HeadObject::new(server.object(&key))).await.size, Some(3), "{key:?}");
        server
            .ok(CopyObject::new(
                server.object(&key),
                server.bucket.as_str(),
                format!("copy {key}").get(..key.len().min(1024)).unwrap(),
            ))
            .await;
        server.ok(PutObjectTagging { object: server.object(&key), tags: vec![Tag::new("k", "v")] }).await;
        assert_eq!(server.tags(&key).await, [Tag::new("k", "v")], "{key:?}");
    }
    let mut listed = Vec::new();
    let mut list =
        ListObjectsV2 { bucket: server.bucket.clone(), max_keys: Some(5), ..ListObjectsV2::default() };
    loop {
        let page = server.ok(list.clone()).await.list.unwrap();
        listed.extend(page.objects.into_iter().map(|object| object.key));
        list.continuation_token = page.next_continuation_token;
        if list.continuation_token.is_none() {
            break;
        }
    }
    for key in odd_keys() {
        assert!(listed.contains(&key), "{key:?} is not in {listed:?}");
    }
    let rolled = ListObjectsV2 {
        bucket: server.bucket.clone(),
        prefix: Some("a".to_owned()),
        delimiter: Some("/".to_owned()),
        ..ListObjectsV2::default()
    };
    assert!(server.ok(rolled).await.list.unwrap().common_prefixes.contains(&"a/".to_owned()));
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn copies() {
    let server = Server::new().await;
    let put = PutObject {
        user_metadata: [("owner".to_owned(), "me".to_owned())].into(),
        tags: vec![Tag::new("a", "1")],
        ..PutObject::new(server.bucket.as_str(), "from", Bytes::from_static(b"x"))
    };
    let written = server.ok(put).await;
    let plain = CopyObject::new(server.object("from"), server.bucket.as_str(), "to");
    assert_eq!(server.ok(plain.clone()).await.etag, written.etag);
    assert_eq!(server.tags("to").await, [Tag::new("a", "1")]);
    let replacing = CopyObject {
        metadata_directive: Some(Directive::Replace),
        content: ContentHeaders { content_type: Some("text/css".to_owned()), ..ContentHeaders::default() },
        user_metadata: [("owner".to_owned(), "you".to_owned())].into(),
        tagging_directive: Some(Directive::Replace),
        tags: vec![Tag::new("b", "2 3")],
        storage_class: Some("STANDARD_IA".to_owned()),
        ..plain.clone()
    };
    server.ok(replacing).await;
    let head = server.ok(HeadObject::new(server.object("to"))).await;
    assert_eq!(head.user_metadata, [("owner".to_owned(), "you".to_owned())].into());
    assert_eq!(head.content.content_type.as_deref(), Some("text/css"));
    assert_eq!(head.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(server.tags("to").await, [Tag::new("b", "2 3")]);
    server.ok(CopyObject { tagging_directive: Some(Directive::Replace), ..plain.clone() }).await;
    assert_eq!(server.tags("to").await, []);
    server.fails_with(CopyObject { source: server.object("missing"), ..plain }, "NoSuchKey", 404).await;
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn tags() {
    let server = Server::new().await;
    server.put("k", b"x").await;
    let object = || server.object("k");
    server
        .ok(PutObjectTagging { object: object(), tags: vec![Tag::new("a", "1"), Tag::new("ü", "ß")] })
        .await;
    assert_eq!(server.tags("k").await, [Tag::new("a", "1"), Tag::new("ü", "ß")]);
    server.ok(DeleteObjectTagging { object: object() }).await;
    assert_eq!(server.tags("k").await, []);

    server.fails_with(GetObjectTagging::new(server.object("missing")), "NoSuchKey", 404).await;
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn acls_as_headers() {
    let server = Server::new().await;
    server.put("k", b"x").await;
    let canned = AclHeaders { canned: Some("public-read".to_owned()), grants: vec![] };
    server.ok(PutObjectAcl::new(server.object("k"), canned)).await;
    let acl = server.acl("k").await;
    assert!(acl.grants.contains(&grant(all_users(), Permission::Read)), "{acl:?}");
    let owner = Grantee::Id(acl.owner.unwrap());
    let grants = vec![grant(owner, Permission::FullControl), grant(all_users(), Permission::ReadAcp)];
    server
        .ok(PutObjectAcl::new(server.object("k"), AclHeaders { canned: None, grants: grants.clone() }))
        .await;
    assert_eq!(server.acl("k").await.grants, grants);
}

/// moto takes such a request and ignores the document.
#[tokio::test]
#[ignore = "needs an S3 server"]
async fn acls_as_documents() {
    let server = Server::new().await;
    server.put("k", b"x").await;
    let owner = server.acl("k").await.owner.unwrap();
    let grants = vec![
        grant(Grantee::Id(owner.clone()), Permission::FullControl),
        grant(all_users(), Permission::ReadAcp),
    ];
    let acl = AclHeaders { canned: None, grants: grants.clone() };
    server.ok(PutObjectAcl { owner: Some(owner), ..PutObjectAcl::new(server.object("k"), acl) }).await;
    assert_eq!(server.acl("k").await.grants, grants);
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn restores() {
    let server = Server::new().await;
    let archived = PutObject {
        storage_class: Some("GLACIER".to_owned()),
        ..PutObject::new(server.bucket.as_str(), "k", Bytes::from_static(b"x"))
    };
    server.ok(archived).await;
    let restore =
        || RestoreObject { object: server.object("k"), days: Some(2), tier: Some("Standard".to_owned()) };
    assert_eq!(server.ok(restore()).await.http_status, 202);
    let head = server.ok(HeadObject::new(server.object("k"))).await;
    assert_eq!(head.storage_class.as_deref(), Some("GLACIER"));
    assert!(head.restore.is_some(), "{head:?}");
    server.put("plain", b"x").await;
    let plain = RestoreObject { object: server.object("plain"), ..restore() };
    server.fails_with(plain, "InvalidObjectState", 403).await;
}

#[tokio::test]
#[ignore = "needs an S3 server"]
async fn transfers() {
    let server = Server::new().await;
    let directory = tempfile::tempdir().unwrap();
    let (up, down) = (directory.path().join("up"), directory.path().join("down"));
    let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(&up, &content).unwrap();
    let etag = transfer::upload(&server.store, &up, &server.bucket, "big", "text/csv").await.unwrap();
    let object = server.object("big");
    let got = transfer::download(&server.store, &object, Some(&etag), &down).await.unwrap();
    assert_eq!((got.bytes, got.etag), (12_000_000, Some(etag)));
    assert_eq!(std::fs::read(&down).unwrap(), content);
    std::fs::remove_file(&down).unwrap();
    let error = transfer::download(&server.store, &object, Some("00"), &down).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("PreconditionFailed", Some(412)));
    let error = transfer::download(&server.store, &server.object("missing"), None, &down).await.unwrap_err();
    assert_eq!(error.code, "NoSuchKey");
    let left: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["up"], "nothing is left of a failed download");
}
