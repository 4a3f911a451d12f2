//! An operation that calls everything in the contract, with all settings of each request, and writes down what it is told.
#![cfg(target_arch = "wasm32")]

wit_bindgen::generate!({ path: "../longshore.wit", world: "operation" });

use std::fmt::{Debug, Write as _};

use longshore::operation::endpoints;
use longshore::operation::host::{Level, Retry, log};
use longshore::operation::s3::{Grant, Response, StoreError, Tag, open, send};

struct Probe;

impl Guest for Probe {
    fn describe() -> Description {
        Description {
            name: "contract-probe".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Calls all of the contract.".to_owned(),
            parameters: r#"{"type": "object"}"#.to_owned(),
            actions: vec![
                "s3:*".to_owned(),
                "lambda:InvokeFunction".to_owned(),
                "longshore:InvokeWebhook".to_owned(),
            ],
        }
    }

    fn configure(parameters: String) -> Result<(), String> {
        if parameters == "{}" { Ok(()) } else { Err(format!("refused: {parameters}")) }
    }

    fn plan(object: &Object, _: &Task) -> Vec<Request> {
        let create = object.create_upload();
        dress(&create);
        // The test has no other store and no endpoint, and the last is no request: in a plan they would end the task.
        let refused = ["head elsewhere", "invoke", "misfit"];
        let requests = requests(object).into_iter().filter(|(what, _)| !refused.contains(what));
        let requests = requests.map(|(_, request)| request);
        requests.chain([create]).inspect(Request::provisional).collect()
    }

    fn run(object: &Object, task: &Task) -> Result<Outcome, Failure> {
        match task.column("answer").as_deref() {
            Some("skipped") => return Ok(Outcome::Skipped("nothing to do".to_owned())),
            Some("again") => {
                return Ok(Outcome::AgainAfter(Retry { seconds: 60, note: "not yet".to_owned() }));
            }
            Some("failed") => {
                let message = "as was asked for".to_owned();
                return Err(Failure { code: "Asked".to_owned(), message, http_status: Some(418) });
            }
            _ => {}
        }
        let mut told = String::new();
        let mut tell = |what: &str, value: &dyn Debug| {
            let _ = writeln!(told, "{what}: {value:?}");
        };
        for level in [Level::Error, Level::Warn, Level::Info, Level::Debug] {
            log(level, "a line of the log");
        }
        tell("job-id", &task.job_id());
        tell("attempt", &task.attempt());
        tell("now", &task.now());
        tell("column", &task.column("none"));
        let opened = open("other", "a/b", Some("v2"));
        for (what, object) in [("object", object), ("opened", &opened)] {
            tell(&format!("{what}.bucket"), &object.bucket());
            tell(&format!("{what}.key"), &object.key());
            tell(&format!("{what}.version-id"), &object.version_id());
        }
        for (what, request) in requests(object) {
            send_and_tell(what, request, &mut tell);
        }
        upload(object, &mut tell);
        Ok(Outcome::Done(Some(told)))
    }
}

/// Sends a request and writes down what came of it.
fn send_and_tell(what: &str, request: Request, tell: &mut impl FnMut(&str, &dyn Debug)) -> Option<Response> {
    match send(request) {
        Ok(response) => {
            answered(what, &response, tell);
            Some(response)
        }
        Err(StoreError { code, message, http_status, retryable }) => {
            tell(&format!("{what} error"), &(code, message, http_status, retryable));
            None
        }
    }
}

/// Makes an object of two parts, and leaves another upload for the engine to abort.
fn upload(object: &Object, tell: &mut impl FnMut(&str, &dyn Debug)) {
    for is_completed in [true, false] {
        let create = object.create_upload();
        dress(&create);
        let id = send_and_tell("create-upload", create, tell)
            .and_then(|begun| begun.upload_id())
            .unwrap_or_default();
        for number in [2, 1] {
            send_and_tell("upload-part", object.upload_part(&id, number, b"a part"), tell);
        }
        if is_completed {
            let complete = object.complete_upload(&id);
            complete.set_if_match("\"e\"");
            send_and_tell("complete-upload", complete, tell);
        }
    }
}

/// A request of each kind, with each setting that fits it.
fn requests(object: &Object) -> Vec<(&'static str, Request)> {
    let mut requests = of_reading(object);
    requests.extend(of_writing(object));
    requests.extend(of_locks_and_lists(object));
    requests
}

fn of_reading(object: &Object) -> Vec<(&'static str, Request)> {
    let head = object.head();
    head.set_if_match("\"e\"");
    head.set_if_none_match("\"f\"");
    head.set_requester_pays();
    head.set_checksums();
    head.set_part_number(2);
    let elsewhere = object.head();
    elsewhere.set_store("second");
    let get = object.get();
    get.set_range(1, Some(3));
    get.set_if_match("\"e\"");
    get.set_if_none_match("\"f\"");
    get.set_requester_pays();
    let to_the_end = object.get();
    to_the_end.set_range(7, None);
    let get_tags = object.get_tags();
    get_tags.set_requester_pays();
    let checksum = object.checksum("SHA256");
    checksum.set_composite(5);
    checksum.set_if_match("\"e\"");
    vec![
        ("head", head),
        ("head elsewhere", elsewhere),
        ("get", get),
        ("get to the end", to_the_end),
        ("get-tags", get_tags),
        ("get-acl", object.get_acl()),
        ("checksum", checksum),
        ("invoke", endpoints::invoke("look", b"{}")),
    ]
}

fn tag() -> Tag {
    Tag { key: "team".to_owned(), value: "a".to_owned() }
}

fn grant() -> Grant {
    Grant { grantee_type: "id".to_owned(), grantee: "someone".to_owned(), permission: "READ".to_owned() }
}

/// What a put and a copy have in common.
fn dress(request: &Request) {
    request.set_storage_class("STANDARD_IA");
    request.set_content_type("text/plain");
    request.set_cache_control("no-cache");
    request.set_content_disposition("inline");
    request.set_content_encoding("gzip");
    request.set_content_language("de");
    request.set_expires("2030-01-31T00:00:00Z");
    request.add_user_metadata("name", "value");
    request.add_tag(&tag());
    request.add_grant(&grant());
    request.set_sse("aws:kms");
    request.set_kms_key_id("alias/key");
    request.set_bucket_key(true);
    request.set_lock("GOVERNANCE", "2030-01-31T00:00:00Z");
    request.set_legal_hold(true);
    request.set_event_hold(true, None, Some(30), None);
    request.set_checksum_algorithm("CRC32");
    request.set_website_redirect("/elsewhere");
}

fn of_writing(object: &Object) -> Vec<(&'static str, Request)> {
    let put = object.put(b"bytes");
    dress(&put);
    put.set_if_match("\"e\"");
    let put_new = object.put(b"");
    put_new.set_if_none_match("*");
    put_new.set_canned_acl("private");
    let copy = object.copy_to("other", "copy");
    dress(&copy);
    copy.set_source_if_match("\"e\"");
    copy.set_if_none_match("*");
    copy.set_metadata_directive("REPLACE");
    copy.set_tagging_directive("REPLACE");
    copy.set_annotation_directive("EXCLUDE");
    copy.set_source_if_modified_since("2020-01-31T00:00:00Z");
    copy.set_source_if_unmodified_since("2029-01-31T00:00:00Z");
    copy.set_requester_pays();
    copy.set_multipart_threshold(1 << 30);
    copy.set_part_size(1 << 27);
    let delete = object.delete();
    delete.set_if_match("\"e\"");
    delete.set_bypass_governance();
    let put_acl = object.put_acl();
    put_acl.add_grant(&grant());
    put_acl.set_owner("owner");
    let encryption = object.update_encryption("arn:aws:kms:us-east-1:111122223333:key/k");
    encryption.set_bucket_key(false);
    let misfit = object.head();
    misfit.set_canned_acl("private");
    vec![
        ("put", put),
        ("put new", put_new),
        ("copy-to", copy),
        ("delete", delete),
        ("put-tags", object.put_tags(&[tag()])),
        ("delete-tags", object.delete_tags()),
        ("put-acl", put_acl),
        ("update-encryption", encryption),
        ("misfit", misfit),
    ]
}

fn of_locks_and_lists(object: &Object) -> Vec<(&'static str, Request)> {
    let restore = object.restore();
    restore.set_restore_days(3);
    restore.set_restore_tier("Bulk");
    let retention = object.put_retention();
    retention.set_lock("COMPLIANCE", "2030-01-31T00:00:00Z");
    retention.set_event_hold(false, Some("COMPLIANCE"), None, Some(1));
    retention.set_bypass_governance();
    vec![
        ("restore", restore),
        ("put-legal-hold", object.put_legal_hold(false)),
        ("get-legal-hold", object.get_legal_hold()),
        ("put-retention", retention),
        ("get-retention", object.get_retention()),
        ("get-lock-configuration", object.get_lock_configuration()),
        ("get-replication", object.get_replication()),
        ("get-versioning", object.get_versioning()),
        ("list-versions", object.list_versions(None)),
        ("list-versions after", object.list_versions(Some("v9"))),
        ("list-uploads", object.list_uploads(Some("u9"))),
        ("abort-upload", object.abort_upload("u1")),
    ]
}

/// Writes down all parts of an answer that are there.
fn answered(what: &str, response: &Response, tell: &mut impl FnMut(&str, &dyn Debug)) {
    macro_rules! parts {
        ($($part:ident)*) => {$({
            let value = response.$part();
            if format!("{value:?}") != format!("{:?}", nothing(&value)) {
                tell(&format!("{what} {}", stringify!($part).replace('_', "-")), &value);
            }
        })*};
    }
    parts! {
        http_status etag version_id size storage_class restore_ongoing restore_expiry content_type cache_control
        content_disposition content_encoding content_language user_metadata tags grants owner body delete_marker
        lock_mode retain_until legal_hold event_hold event_hold_days event_hold_years lock_enabled last_modified expires sse kms_key_id bucket_key
        replication_status website_redirect tag_count parts_count checksums checksum_type archive_status versions
        next_version uploads next_upload upload_id replication_configuration versioning
    }
    // The body moves.
    tell(&format!("{what} second body"), &response.body());
}

fn nothing<T: Default>(_: &T) -> T {
    T::default()
}

export!(Probe);
