//! The server as its clients see it. What needs a real SDK is in `tests/e2e/test_sandbox_*.py`.

// The attribute tells clippy that this is test code.
#[cfg(test)]
mod support;

use std::time::Duration;

use longshore_sandbox_store::{Credentials, SandboxError, SeedObject, start};
use support::{Client, credentials, sandbox};

const COPY_SOURCE: &str = "x-amz-copy-source";

#[tokio::test]
async fn odd_keys_come_back_as_they_were() {
    let (sandbox, client) = sandbox(|_| {}).await;
    let long = "k".repeat(1024);
    let keys = [
        "sp%20ace",
        "p%2Bl+us",
        "per%25cent",
        "q%22uo%27te",
        "com%2Cma",
        "new%0Aline",
        "%F0%9F%98%80",
        "a//b/",
        "%00",
        &long,
    ];
    for key in keys {
        // A path is signed encoded once: what is not encoded in it is, before it is signed.
        let path = format!("/bucket/{}", key.replace('+', "%2B"));
        assert_eq!(client.send("PUT", &path, &[], key.as_bytes()).await.status, 200, "{key}");
        assert_eq!(client.send("GET", &path, &[], b"").await.body, key);
    }
    let list = client.send("GET", "/bucket?encoding-type=url&list-type=2", &[], b"").await;
    let listed: Vec<&str> =
        list.body.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).collect();
    let expected = [
        "%00",
        "a//b/",
        "com%2Cma",
        &long,
        "new%0Aline",
        "p%2Bl%2Bus",
        "per%25cent",
        "q%22uo%27te",
        "sp+ace",
        "%F0%9F%98%80",
    ];
    assert_eq!(listed, expected);
    let too_long = format!("/bucket/{long}k");
    assert_eq!(client.send("PUT", &too_long, &[], b"").await.error(), (400, "KeyTooLongError"));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn only_signed_requests_are_answered() {
    let (sandbox, client) = sandbox(|config| {
        config
            .credentials
            .push(Credentials { access_key_id: "SECOND".into(), secret_access_key: "2".into() });
    })
    .await;
    let get = async |id: &str, secret: &str| {
        let credentials = Credentials { access_key_id: id.into(), secret_access_key: secret.into() };
        Client::new(&sandbox.endpoint(), credentials).send("GET", "/bucket", &[], b"").await
    };
    assert_eq!(client.send("GET", "/bucket", &[], b"").await.status, 200);
    assert_eq!(get("SECOND", "2").await.status, 200);
    assert_eq!(get("AKIDTEST", "2").await.error(), (403, "SignatureDoesNotMatch"));
    assert_eq!(get("NOBODY", "2").await.error(), (403, "InvalidAccessKeyId"));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_subresource_that_is_not_known_is_no_upload() {
    let (sandbox, client) = sandbox(|_| {}).await;
    client.send("PUT", "/bucket/k", &[], b"body").await;
    let refused = client.send("PUT", "/bucket/k?renameObject=", &[], b"other").await;
    assert_eq!(refused.error(), (501, "NotImplemented"));
    assert_eq!(client.send("GET", "/bucket/k", &[], b"").await.body, "body");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_copy_takes_what_its_directives_say() {
    let (sandbox, client) = sandbox(|_| {}).await;
    let headers = [("x-amz-meta-a", "1"), ("x-amz-tagging", "t=1"), ("content-type", "text/plain")];
    client.send("PUT", "/bucket/source", &headers, b"body").await;

    let source = (COPY_SOURCE, "bucket/source");
    let copied =
        client.send("PUT", "/bucket/copy", &[source, ("x-amz-storage-class", "GLACIER_IR")], b"").await;
    assert_eq!((copied.status, copied.element("ETag")), (200, Some("\"841a2d689ad86bd1611447453c22c6fc\"")));
    let head = client.send("HEAD", "/bucket/copy", &[], b"").await;
    assert_eq!(head.header("x-amz-meta-a"), Some("1"));
    assert_eq!(head.header("content-type"), Some("text/plain"));
    assert_eq!(head.header("x-amz-storage-class"), Some("GLACIER_IR"));
    assert_eq!(head.header("x-amz-tagging-count"), Some("1"));

    let replace = [source, ("x-amz-metadata-directive", "REPLACE"), ("x-amz-tagging-directive", "REPLACE")];
    client.send("PUT", "/bucket/copy", &replace, b"").await;
    let head = client.send("HEAD", "/bucket/copy", &[], b"").await;
    assert_eq!((head.header("x-amz-meta-a"), head.header("x-amz-tagging-count")), (None, None));
    assert_eq!(head.header("x-amz-storage-class"), None);

    let copy = async |headers: &[(&str, &str)]| {
        let answer = client.send("PUT", "/bucket/source", headers, b"").await;
        (answer.status, answer.element("Code").unwrap_or_default().to_owned())
    };
    assert_eq!(copy(&[source]).await, (400, "InvalidRequest".into()));
    assert_eq!(copy(&[source, ("x-amz-server-side-encryption", "AES256")]).await.0, 200);
    assert_eq!(copy(&[(COPY_SOURCE, "bucket/none")]).await, (404, "NoSuchKey".into()));
    assert_eq!(copy(&[(COPY_SOURCE, "no-bucket/none")]).await, (404, "NoSuchBucket".into()));
    let mismatch = ("x-amz-copy-source-if-match", "\"other\"");
    assert_eq!(copy(&[(COPY_SOURCE, "bucket/copy"), mismatch]).await, (412, "PreconditionFailed".into()));
    sandbox.shutdown().await;
}

const RESTORE: &[u8] = b"<RestoreRequest><Days>2</Days></RestoreRequest>";

#[tokio::test]
async fn a_restore_is_accepted_once_while_it_goes_on() {
    let (sandbox, client) = sandbox(|config| config.restore_delay = Duration::from_secs(3600)).await;
    client.send("PUT", "/bucket/cold", &[("x-amz-storage-class", "GLACIER")], b"ice").await;
    client.send("PUT", "/bucket/warm", &[], b"tea").await;
    assert_eq!(client.send("GET", "/bucket/cold", &[], b"").await.error(), (403, "InvalidObjectState"));
    let copy = client.send("PUT", "/bucket/copy", &[(COPY_SOURCE, "bucket/cold")], b"").await;
    assert_eq!(copy.error(), (403, "InvalidObjectState"));

    let restore = async |key: &str, body: &[u8]| {
        let answer = client.send("POST", &format!("/bucket/{key}?restore="), &[], body).await;
        (answer.status, answer.element("Code").unwrap_or_default().to_owned())
    };
    assert_eq!(restore("cold", RESTORE).await, (202, String::new()));
    assert_eq!(restore("cold", RESTORE).await, (409, "RestoreAlreadyInProgress".into()));
    assert_eq!(restore("warm", RESTORE).await, (403, "InvalidObjectState".into()));
    assert_eq!(restore("cold", b"<RestoreRequest/>").await, (400, "MalformedXML".into()));
    let head = client.send("HEAD", "/bucket/cold", &[], b"").await;
    assert_eq!(head.header("x-amz-restore"), Some("ongoing-request=\"true\""));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn without_a_delay_a_restore_is_done_at_once() {
    let (sandbox, client) = sandbox(|config| config.restore_delay = Duration::ZERO).await;
    client.send("PUT", "/bucket/cold", &[("x-amz-storage-class", "DEEP_ARCHIVE")], b"ice").await;
    let restore = async || client.send("POST", "/bucket/cold?restore=", &[], RESTORE).await.status;
    assert_eq!(restore().await, 202);
    assert_eq!(client.send("GET", "/bucket/cold", &[], b"").await.body, "ice");
    assert_eq!(restore().await, 200);
    let head = client.send("HEAD", "/bucket/cold", &[], b"").await;
    assert!(head.header("x-amz-restore").unwrap().starts_with("ongoing-request=\"false\", expiry-date=\""));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn every_request_is_in_the_access_log_when_its_answer_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("access.log");
    let faults = ["status=503,key=slow*", "reset,key=gone"];
    let (sandbox, client) = sandbox(|config| {
        config.access_log = Some(path.clone());
        config.faults = faults.map(|rule| rule.parse().unwrap()).to_vec();
    })
    .await;
    assert_eq!(client.send("PUT", "/bucket/new%0Aline", &[], b"x").await.status, 200);
    let slow = client.send("GET", "/bucket/slow?tagging=", &[], b"").await;
    assert_eq!(slow.error(), (503, "SlowDown"));
    assert!(client.try_send("GET", "/bucket/gone", &[], b"").await.is_none());
    assert_eq!(client.send("GET", "/bucket/none", &[], b"").await.error(), (404, "NoSuchKey"));

    let log = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<_> =
        lines.iter().map(|line| (&line["method"], &line["key"], &line["status"], &line["fault"])).collect();
    let expected = serde_json::json!([
        ["PUT", "new\nline", 200, false],
        ["GET", "slow", 503, true],
        ["GET", "gone", null, true],
        ["GET", "none", 404, false],
    ]);
    assert_eq!(serde_json::to_value(shown).unwrap(), expected);
    assert_eq!(lines[1]["query"], "tagging=");
    for line in &lines {
        assert_eq!((&line["bucket"], &line["access_key"]), (&"bucket".into(), &"AKIDTEST".into()));
        let time = |name: &str| line[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(time("start") <= time("end"));
        assert_eq!(line["start"].as_str().unwrap().len(), "2026-01-01T00:00:00.000000Z".len());
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn data_outlives_the_server_and_has_one_server() {
    let directory = tempfile::tempdir().unwrap();
    let data =
        |config: &mut longshore_sandbox_store::SandboxConfig| config.data = Some(directory.path().to_owned());
    let large = "0123456789".repeat(10_000);
    let (first, client) = sandbox(data).await;
    client.send("PUT", "/bucket/small", &[], b"small").await;
    client.send("PUT", "/bucket/large", &[], large.as_bytes()).await;
    let mut second = longshore_sandbox_store::SandboxConfig::new(credentials());
    data(&mut second);
    assert!(matches!(start(second).await, Err(SandboxError::InUse { .. })));
    first.shutdown().await;

    let (again, client) = sandbox(data).await;
    assert_eq!(client.send("GET", "/bucket/small", &[], b"").await.body, "small");
    let range = client.send("GET", "/bucket/large", &[("range", "bytes=99995-")], b"").await;
    assert_eq!((range.status, range.body.as_str()), (206, "56789"));
    assert_eq!(range.header("content-range"), Some("bytes 99995-99999/100000"));
    again.shutdown().await;
}

#[tokio::test]
async fn seeded_objects_are_like_put_ones() {
    let (sandbox, client) = sandbox(|_| {}).await;
    let object = |n: usize| SeedObject {
        bucket: "bucket".into(),
        key: format!("key {n}"),
        body: format!("body {n}").into(),
        storage_class: (n == 0).then(|| "GLACIER".into()),
        tags: vec![("n".into(), n.to_string())],
        metadata: [("n".to_owned(), n.to_string())].into(),
    };
    assert_eq!(sandbox.seed((0..2500).map(object)).await.unwrap(), 2500);
    let head = client.send("HEAD", "/bucket/key%202499", &[], b"").await;
    assert_eq!((head.header("x-amz-meta-n"), head.header("x-amz-tagging-count")), (Some("2499"), Some("1")));
    assert_eq!(client.send("GET", "/bucket/key%202499", &[], b"").await.body, "body 2499");
    assert_eq!(client.send("GET", "/bucket/key%200", &[], b"").await.error(), (403, "InvalidObjectState"));
    let nowhere = SeedObject { bucket: "nowhere".into(), ..object(1) };
    assert!(matches!(sandbox.seed([nowhere]).await, Err(SandboxError::Refused(_))));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused() {
    let config = || longshore_sandbox_store::SandboxConfig::new(credentials());
    let none = longshore_sandbox_store::SandboxConfig { credentials: Vec::new(), ..config() };
    assert!(matches!(start(none).await, Err(SandboxError::NoCredentials)));
    let name = longshore_sandbox_store::SandboxConfig { buckets: vec!["Bad_Name".into()], ..config() };
    assert!(start(name).await.unwrap_err().to_string().contains("Bad_Name"));
    let running = start(config()).await.unwrap();
    let taken = running.endpoint().trim_start_matches("http://").parse().unwrap();
    let taken = start(longshore_sandbox_store::SandboxConfig { listen: taken, ..config() }).await;
    assert!(matches!(taken, Err(SandboxError::Listen { .. })));
    running.shutdown().await;
}
