//! The table of the contract: which setting fits which request.

use std::collections::BTreeSet;

use longshore_job::ObjectId;
use longshore_store::{
    DeleteObject, DeleteObjectTagging, GetObject, GetObjectAcl, GetObjectTagging, HeadObject, PutObject,
    PutObjectAcl, PutObjectRetention, PutObjectTagging, RestoreObject, UpdateObjectEncryption,
};

use super::*;

fn requests() -> [Request; 13] {
    let object = || ObjectId::new("b", "k");
    [
        HeadObject::new(object()).into(),
        GetObject::new(object()).into(),
        PutObject::new("b", "k", Default::default()).into(),
        CopyObject::new(object(), "b", "k").into(),
        DeleteObject::new(object()).into(),
        GetObjectTagging::new(object()).into(),
        PutObjectTagging { object: object(), tags: Vec::new() }.into(),
        DeleteObjectTagging { object: object() }.into(),
        GetObjectAcl { object: object() }.into(),
        PutObjectAcl::new(object(), AclHeaders::default()).into(),
        RestoreObject { object: object(), days: None, tier: None }.into(),
        PutObjectRetention { object: object(), retention: None, bypass_governance: false, event_hold: None }
            .into(),
        UpdateObjectEncryption { object: object(), kms_key_arn: "arn".to_owned(), bucket_key_enabled: None }
            .into(),
    ]
}

/// The setting fits these requests, changing each, and leaves all others as they are, with a message.
fn fits(name: &str, set: impl Fn(&mut Request) -> Fit, calls: &[&str]) {
    let calls: BTreeSet<&str> = calls.iter().copied().collect();
    for before in requests() {
        let call = before.name();
        let mut after = before.clone();
        let fit = set(&mut after);
        if calls.contains(call) {
            assert_eq!(fit, Ok(()), "{name} on {call}");
            assert_ne!(after, before, "{name} on {call} changes nothing");
        } else {
            assert_eq!(fit, Err(format!("{call} has no {name}")));
            assert_eq!(after, before, "{name} on {call}");
        }
    }
}

fn text() -> String {
    "text".to_owned()
}

#[test]
fn conditions_and_ranges() {
    fits("range", |it| range(it, ByteRange { first: 1, last: Some(1) }), &["GetObject"]);
    fits("if-match", |it| if_match(it, text()), &["HeadObject", "GetObject", "PutObject", "DeleteObject"]);
    fits(
        "if-none-match",
        |it| if_none_match(it, text()),
        &["HeadObject", "GetObject", "PutObject", "CopyObject"],
    );
    fits("source-if-match", |it| source_if_match(it, text()), &["CopyObject"]);
    fits("source-if-modified-since", |it| source_if_modified_since(it, TIME), &["CopyObject"]);
    fits("source-if-unmodified-since", |it| source_if_unmodified_since(it, TIME), &["CopyObject"]);
    let readers = &["HeadObject", "GetObject", "GetObjectTagging", "CopyObject"];
    fits("requester-pays", requester_pays, readers);
}

const TIME: &str = "2030-01-31T00:00:00Z";

#[test]
fn how_a_copy_is_made() {
    fits("multipart-threshold", |it| multipart_threshold(it, 1), &["CopyObject"]);
    fits("part-size", |it| part_size(it, 1), &["CopyObject"]);
    fits("store", |it| target_store(it, text()), &["CopyObject"]);
}

#[test]
fn what_a_written_object_has() {
    let write = &["PutObject", "CopyObject"];
    fits("storage-class", |it| storage_class(it, text()), write);
    fits("content-type", |it| content_type(it, text()), write);
    fits("cache-control", |it| cache_control(it, text()), write);
    fits("content-disposition", |it| content_disposition(it, text()), write);
    fits("content-encoding", |it| content_encoding(it, text()), write);
    fits("content-language", |it| content_language(it, text()), write);
    fits("expires", |it| expires(it, "2030-01-31T00:00:00Z"), write);
    fits("user metadata", |it| user_metadata(it, text(), text()), write);
    fits("sse", |it| sse(it, text()), write);
    fits("kms-key-id", |it| kms_key_id(it, text()), write);
    fits("bucket-key", |it| bucket_key(it, false), &["PutObject", "CopyObject", "UpdateObjectEncryption"]);
    fits("tags", |it| tag(it, Tag::new("k", "v")), &["PutObject", "CopyObject", "PutObjectTagging"]);
}

#[test]
fn directives_access_and_restore() {
    fits("metadata-directive", |it| metadata_directive(it, "COPY"), &["CopyObject"]);
    fits("tagging-directive", |it| tagging_directive(it, "REPLACE"), &["CopyObject"]);
    let acl = &["PutObject", "CopyObject", "PutObjectAcl"];
    fits("canned-acl", |it| canned_acl(it, text()), acl);
    fits("grants", |it| grant(it, read_for("id")), acl);
    fits("owner", |it| owner(it, text()), &["PutObjectAcl"]);
    fits("restore-days", |it| restore_days(it, 1), &["RestoreObject"]);
    fits("restore-tier", |it| restore_tier(it, text()), &["RestoreObject"]);
}

fn read_for(grantee_type: &str) -> s3::Grant {
    s3::Grant { grantee_type: grantee_type.to_owned(), grantee: text(), permission: "READ".to_owned() }
}

#[test]
fn values_that_s3_does_not_have() {
    let copy = &mut Request::from(CopyObject::new(ObjectId::new("b", "k"), "b", "k"));
    let before = copy.clone();
    for (fit, words) in [
        (metadata_directive(copy, "copy"), "\"copy\" is no directive"),
        (expires(copy, "tomorrow"), "\"tomorrow\" is no time in RFC 3339"),
        (grant(copy, read_for("name")), "\"name\" is no type of grantee"),
        (
            grant(copy, s3::Grant { permission: "read".to_owned(), ..read_for("id") }),
            "\"read\" is no permission",
        ),
    ] {
        let message = fit.unwrap_err();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(*copy, before);
    let get = &mut Request::from(GetObject::new(ObjectId::new("b", "k")));
    let message = range(get, ByteRange { first: 2, last: Some(1) }).unwrap_err();
    assert_eq!(message, "the range bytes=2-1 ends before it begins");
}

#[test]
fn locks_and_checksums() {
    let until = "2030-01-31T00:00:00Z";
    fits(
        "lock",
        |it| lock(it, "GOVERNANCE".to_owned(), until),
        &["PutObject", "CopyObject", "PutObjectRetention"],
    );
    fits("legal-hold", |it| legal_hold(it, true), &["PutObject", "CopyObject"]);
    fits("bypass-governance", bypass_governance, &["PutObjectRetention", "DeleteObject"]);
    fits("checksum-algorithm", |it| checksum_algorithm(it, text()), &["PutObject", "CopyObject"]);
    fits("website-redirect", |it| website_redirect(it, text()), &["PutObject", "CopyObject"]);
    fits("checksums", checksums, &["HeadObject"]);
    fits("part-number", |it| part_number(it, 1), &["HeadObject"]);
    let mut retention = requests()[11].clone();
    let mode = lock(&mut retention, "LEGAL".to_owned(), until).unwrap_err();
    assert_eq!(mode, "\"LEGAL\" is no mode of a lock; GOVERNANCE and COMPLIANCE are");
    let time = lock(&mut retention, "GOVERNANCE".to_owned(), "tomorrow").unwrap_err();
    assert!(time.starts_with("\"tomorrow\" is no time in RFC 3339: "), "{time}");
}

#[test]
fn a_checksum_of_parts_and_under_a_condition() {
    let algorithm = longshore_store::ChecksumAlgorithm::Sha256;
    let object = ObjectId::new("b", "k");
    let plain = longshore_store::DigestObject::new(object, algorithm);
    let mut request = Request::from(plain.clone());
    assert_eq!(composite(&mut request, 0), Err("a part has at least one byte".to_owned()));
    assert_eq!((composite(&mut request, 5), if_match(&mut request, text())), (Ok(()), Ok(())));
    let set = longshore_store::DigestObject { part_size: Some(5), if_match: Some(text()), ..plain };
    assert_eq!(request, Request::from(set));
    assert!(composite(&mut requests()[0].clone(), 5).is_err());
}
