//! The permissions of every request, as the IAM and S3 documentation list them.

use bytes::Bytes;
use longshore_job::ObjectId;
use longshore_policy::Lookup;

use super::{Access, Subject};
use crate::request::*;

const ARN: &str = "arn:aws:s3:::b/k";

fn object() -> ObjectId {
    ObjectId::new("b", "k")
}

fn version() -> ObjectId {
    ObjectId { version_id: Some("v1".to_owned()), ..object() }
}

fn actions(request: impl Into<Request>) -> Vec<(&'static str, String, Subject)> {
    let accesses = request.into().accesses();
    accesses.into_iter().map(|access| (access.action, access.resource, access.subject)).collect()
}

fn key<'a>(access: &'a Access, key: &str) -> Option<&'a str> {
    match access.context.get(key) {
        Lookup::One(value) => Some(value),
        Lookup::Many([value]) => Some(value),
        _ => None,
    }
}

fn grant(grantee: Grantee, permission: Permission) -> Grant {
    Grant { grantee, permission }
}

#[test]
fn calls_on_an_object_and_on_a_version_of_it() {
    type Make = fn(ObjectId) -> Request;
    let table: [(Make, &str, &str); 10] = [
        (|o| HeadObject::new(o).into(), "s3:GetObject", "s3:GetObjectVersion"),
        (|o| GetObject::new(o).into(), "s3:GetObject", "s3:GetObjectVersion"),
        (
            |object| DigestObject::new(object, crate::ChecksumAlgorithm::Crc32).into(),
            "s3:GetObject",
            "s3:GetObjectVersion",
        ),
        (|object| GetObjectTagging::new(object).into(), "s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
        (
            |object| PutObjectTagging { object, tags: vec![] }.into(),
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
        ),
        (
            |object| DeleteObjectTagging { object }.into(),
            "s3:DeleteObjectTagging",
            "s3:DeleteObjectVersionTagging",
        ),
        (|object| GetObjectAcl { object }.into(), "s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
        (|o| PutObjectAcl::new(o, AclHeaders::default()).into(), "s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
        (
            |object| RestoreObject { object, days: Some(1), tier: None }.into(),
            "s3:RestoreObject",
            "s3:RestoreObject",
        ),
        (|object| DeleteObject::new(object).into(), "s3:DeleteObject", "s3:DeleteObjectVersion"),
    ];
    for (make, plain, versioned) in table {
        assert_eq!(actions(make(object())), [(plain, ARN.to_owned(), Subject::Object)]);
        assert_eq!(actions(make(version())), [(versioned, ARN.to_owned(), Subject::Object)]);
        assert_eq!(key(&make(object()).accesses()[0], "s3:VersionId"), None);
        let supplied = (versioned != "s3:RestoreObject").then_some("v1");
        assert_eq!(key(&make(version()).accesses()[0], "s3:versionid"), supplied, "{versioned}");
    }
}

#[test]
fn the_null_version_is_a_version() {
    let object = ObjectId { version_id: Some("null".to_owned()), ..object() };
    assert_eq!(actions(DeleteObject::new(object))[0].0, "s3:DeleteObjectVersion");
}

#[test]
fn keys_stand_in_arns_as_they_are() {
    let object = ObjectId::new("b", "a b/../ü%20*?");
    assert_eq!(actions(HeadObject::new(object))[0].1, "arn:aws:s3:::b/a b/../ü%20*?");
}

#[test]
fn calls_on_a_bucket() {
    let bucket = || "b".to_owned();
    let expected = [("s3:ListBucket", "arn:aws:s3:::b".to_owned(), Subject::Bucket)];
    assert_eq!(actions(HeadBucket { bucket: bucket() }), expected);
    let list = ListObjectsV2 {
        bucket: bucket(),
        prefix: Some("p/".to_owned()),
        delimiter: Some("/".to_owned()),
        max_keys: Some(10),
        ..ListObjectsV2::default()
    };
    assert_eq!(actions(list.clone()), expected);
    let accesses = Request::from(list).accesses();
    assert_eq!(key(&accesses[0], "s3:prefix"), Some("p/"));
    assert_eq!(key(&accesses[0], "s3:delimiter"), Some("/"));
    assert_eq!(key(&accesses[0], "s3:max-keys"), Some("10"));
}

#[test]
fn tags_of_a_request() {
    let tags = vec![Tag::new("Env", "prod"), Tag::new("team", "a b")];
    let accesses = Request::from(PutObjectTagging { object: object(), tags }).accesses();
    assert_eq!(key(&accesses[0], "s3:RequestObjectTag/Env"), Some("prod"));
    assert_eq!(key(&accesses[0], "s3:RequestObjectTag/team"), Some("a b"));
    let keys = accesses[0].context.get("s3:RequestObjectTagKeys");
    assert_eq!(keys, Lookup::Many(&["Env".to_owned(), "team".to_owned()]));
}

#[test]
fn a_plain_put() {
    let request = Request::from(PutObject::new("b", "k", Bytes::from_static(b"x")));
    let accesses = request.accesses();
    assert_eq!(actions(request), [("s3:PutObject", ARN.to_owned(), Subject::Object)]);
    assert_eq!(key(&accesses[0], "s3:ObjectCreationOperation"), Some("true"));
    for absent in [
        "s3:x-amz-acl",
        "s3:x-amz-grant-read",
        "s3:x-amz-storage-class",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-copy-source",
        "s3:x-amz-metadata-directive",
        "s3:RequestObjectTagKeys",
        "s3:if-none-match",
    ] {
        assert_eq!(accesses[0].context.get(absent), Lookup::Absent, "{absent}");
    }
}

#[test]
fn a_put_with_everything() {
    let put = PutObject {
        tags: vec![Tag::new("a", "1")],
        acl: AclHeaders {
            canned: None,
            grants: vec![
                grant(Grantee::Id("i1".to_owned()), Permission::Read),
                grant(Grantee::Uri("http://group".to_owned()), Permission::Read),
                grant(Grantee::EmailAddress("a@example.com".to_owned()), Permission::FullControl),
            ],
        },
        storage_class: Some("GLACIER".to_owned()),
        encryption: Encryption {
            algorithm: Some("aws:kms".to_owned()),
            kms_key_id: Some("arn:aws:kms:r:1:key/x".to_owned()),
            bucket_key_enabled: Some(true),
        },
        website_redirect_location: Some("/there".to_owned()),
        if_match: Some("e1".to_owned()),
        if_none_match: Some("*".to_owned()),
        ..PutObject::new("b", "k", Bytes::new())
    };
    let accesses = Request::from(put).accesses();
    let names: Vec<_> = accesses.iter().map(|access| access.action).collect();
    assert_eq!(names, ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"]);
    let expected = [
        ("s3:x-amz-grant-read", "id=i1, uri=http://group"),
        ("s3:x-amz-grant-full-control", "emailAddress=a@example.com"),
        ("s3:x-amz-storage-class", "GLACIER"),
        ("s3:x-amz-server-side-encryption", "aws:kms"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:r:1:key/x"),
        ("s3:x-amz-website-redirect-location", "/there"),
        ("s3:RequestObjectTag/a", "1"),
        ("s3:if-match", "e1"),
        ("s3:if-none-match", "*"),
    ];
    for (name, value) in expected {
        assert_eq!(key(&accesses[0], name), Some(value), "{name}");
    }
    assert_eq!(key(&accesses[1], "s3:x-amz-grant-read"), Some("id=i1, uri=http://group"));
    assert_eq!(key(&accesses[1], "s3:x-amz-grant-write"), None);
    assert_eq!(key(&accesses[2], "s3:RequestObjectTag/a"), Some("1"));
}

#[test]
fn a_copy_reads_and_writes_tags_unless_they_are_replaced() {
    let source = || ("arn:aws:s3:::src/from", Subject::Source);
    let target = || (ARN, Subject::Object);
    type Expected<'a> = Vec<(&'a str, (&'a str, Subject))>;
    let copying: Expected<'_> = vec![
        ("s3:PutObject", target()),
        ("s3:PutObjectTagging", target()),
        ("s3:GetObject", source()),
        ("s3:GetObjectTagging", source()),
    ];
    let dropping: Expected<'_> = vec![("s3:PutObject", target()), ("s3:GetObject", source())];
    let replacing: Expected<'_> =
        vec![("s3:PutObject", target()), ("s3:PutObjectTagging", target()), ("s3:GetObject", source())];
    let tags = || vec![Tag::new("a", "1")];
    let table = [
        (None, vec![], &copying),
        (Some(Directive::Copy), vec![], &copying),
        (Some(Directive::Replace), vec![], &dropping),
        (Some(Directive::Replace), tags(), &replacing),
    ];
    for (tagging_directive, tags, expected) in table {
        let copy =
            CopyObject { tagging_directive, tags, ..CopyObject::new(ObjectId::new("src", "from"), "b", "k") };
        let found = actions(copy);
        let found: Expected<'_> =
            found.iter().map(|(action, arn, of)| (*action, (arn.as_str(), *of))).collect();
        assert_eq!(&found, expected, "{tagging_directive:?}");
    }
}

#[test]
fn a_copy_of_a_version_with_headers() {
    let source = ObjectId { version_id: Some("v9".to_owned()), ..ObjectId::new("src", "from/a b") };
    let copy = CopyObject {
        metadata_directive: Some(Directive::Replace),
        acl: AclHeaders { canned: Some("public-read".to_owned()), grants: vec![] },
        storage_class: Some("STANDARD_IA".to_owned()),
        ..CopyObject::new(source, "b", "k")
    };
    let accesses = Request::from(copy).accesses();
    let names: Vec<_> = accesses.iter().map(|access| access.action).collect();
    assert_eq!(
        names,
        [
            "s3:PutObject",
            "s3:PutObjectAcl",
            "s3:PutObjectTagging",
            "s3:GetObjectVersion",
            "s3:GetObjectVersionTagging"
        ]
    );
    assert_eq!(key(&accesses[0], "s3:x-amz-copy-source"), Some("src/from/a b"));
    assert_eq!(key(&accesses[0], "s3:x-amz-metadata-directive"), Some("REPLACE"));
    assert_eq!(key(&accesses[0], "s3:x-amz-storage-class"), Some("STANDARD_IA"));
    assert_eq!(key(&accesses[1], "s3:x-amz-acl"), Some("public-read"));
    assert_eq!(key(&accesses[3], "s3:VersionId"), Some("v9"));
    assert_eq!(key(&accesses[0], "s3:VersionId"), None, "the target has no version yet");
}

#[test]
fn grants_are_seen_in_headers_only() {
    let acl = AclHeaders {
        canned: None,
        grants: vec![grant(Grantee::Id("someone".to_owned()), Permission::FullControl)],
    };
    let headers = PutObjectAcl::new(object(), acl);
    let document = PutObjectAcl { owner: Some("me".to_owned()), ..headers.clone() };
    let key_of = |request: PutObjectAcl| {
        let accesses = Request::from(request).accesses();
        key(&accesses[0], "s3:x-amz-grant-full-control").map(str::to_owned)
    };
    assert_eq!(key_of(headers).as_deref(), Some("id=someone"));
    assert_eq!(key_of(document), None);
}

#[test]
fn existing_tags_are_for_reads_acls_and_tagging() {
    let sees = |request: Request| request.accesses()[0].sees_existing_tags();
    assert!(sees(HeadObject::new(version()).into()));
    assert!(sees(PutObjectTagging { object: object(), tags: vec![] }.into()));
    assert!(sees(PutObjectAcl::new(object(), AclHeaders::default()).into()));
    assert!(!sees(PutObject::new("b", "k", Bytes::new()).into()));
    assert!(!sees(DeleteObject::new(object()).into()));
    assert!(!sees(RestoreObject { object: object(), days: None, tier: None }.into()));
}

fn retention() -> Option<Retention> {
    let retain_until = "2030-01-31T00:00:00Z".parse().unwrap();
    Some(Retention { mode: "GOVERNANCE".to_owned(), retain_until })
}

/// Requests about locks, versions and uploads, with all that they can say.
fn of_locks() -> Vec<Request> {
    let bucket = || "b".to_owned();
    let key = || "k".to_owned();
    let lock = ObjectLock { retention: retention(), legal_hold: Some(true), event_hold: None };
    vec![
        PutObjectLegalHold { object: version(), on: true }.into(),
        GetObjectLegalHold { object: version() }.into(),
        PutObjectRetention {
            object: version(),
            retention: retention(),
            bypass_governance: true,
            event_hold: None,
        }
        .into(),
        GetObjectRetention { object: object() }.into(),
        GetObjectLockConfiguration { bucket: bucket() }.into(),
        GetBucketReplication { source: version() }.into(),
        GetBucketVersioning { bucket: bucket() }.into(),
        ListMultipartUploads { bucket: bucket(), prefix: Some(key()), ..Default::default() }.into(),
        AbortMultipartUpload { bucket: bucket(), key: key(), upload_id: "u".to_owned() }.into(),
        UpdateObjectEncryption { object: version(), kms_key_arn: "arn".to_owned(), bucket_key_enabled: None }
            .into(),
        DeleteObject {
            if_match: Some("e".to_owned()),
            bypass_governance: true,
            ..DeleteObject::new(object())
        }
        .into(),
        DeleteObject { if_match: Some("e".to_owned()), ..DeleteObject::new(version()) }.into(),
        PutObject { lock: lock.clone(), ..PutObject::new("b", "k", Bytes::new()) }.into(),
        CopyObject {
            lock,
            tagging_directive: Some(Directive::Replace),
            ..CopyObject::new(object(), "b", "k")
        }
        .into(),
    ]
}

#[test]
fn locks_and_what_goes_around_them() {
    let found: Vec<Vec<&str>> = of_locks()
        .iter()
        .map(|request| request.accesses().iter().map(|access| access.action).collect())
        .collect();
    let wanted: [&[&str]; 14] = [
        &["s3:PutObjectLegalHold"],
        &["s3:GetObjectLegalHold"],
        &["s3:PutObjectRetention", "s3:BypassGovernanceRetention"],
        &["s3:GetObjectRetention"],
        &["s3:GetBucketObjectLockConfiguration"],
        &["s3:GetReplicationConfiguration", "s3:InitiateReplication"],
        &["s3:GetBucketVersioning"],
        &["s3:ListBucketMultipartUploads"],
        &["s3:AbortMultipartUpload"],
        &["s3:UpdateObjectEncryption"],
        &["s3:DeleteObject", "s3:BypassGovernanceRetention"],
        &["s3:DeleteObjectVersion"],
        &["s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectLegalHold"],
        &["s3:PutObject", "s3:PutObjectRetention", "s3:PutObjectLegalHold", "s3:GetObject"],
    ];
    assert_eq!(found, wanted);
    let of = |number: usize, name: &str| key(&of_locks()[number].accesses()[0], name).map(str::to_owned);
    assert_eq!(of(0, "s3:object-lock-legal-hold").as_deref(), Some("ON"));
    assert_eq!(of(2, "s3:object-lock-mode").as_deref(), Some("GOVERNANCE"));
    assert_eq!(of(2, "s3:object-lock-retain-until-date").as_deref(), Some("2030-01-31T00:00:00Z"));
    assert_eq!(of(10, "s3:if-match").as_deref(), Some("e"));
    assert_eq!(of(12, "s3:object-lock-mode").as_deref(), Some("GOVERNANCE"));
    let removal =
        PutObjectRetention { object: object(), retention: None, bypass_governance: false, event_hold: None };
    let removal = Request::from(removal).accesses();
    assert_eq!(removal.len(), 1);
    assert_eq!(key(&removal[0], "s3:object-lock-mode"), None);
}

/// The reference's own table: every action is one of S3's, and no request supplies a condition key that S3 does not.
#[test]
fn what_requests_supply_is_what_amazon_documents() {
    let acl = || AclHeaders {
        canned: Some("private".to_owned()),
        grants: Permission::ALL.map(|permission| grant(Grantee::Id("i".to_owned()), permission)).to_vec(),
    };
    let encryption = || Encryption {
        algorithm: Some("aws:kms".to_owned()),
        kms_key_id: Some("arn:aws:kms:r:1:key/x".to_owned()),
        bucket_key_enabled: None,
    };
    let mut requests: Vec<Request> = Vec::new();
    for object in [object(), version()] {
        requests.extend([
            Request::from(HeadObject::new(object.clone())),
            GetObject::new(object.clone()).into(),
            GetObjectTagging::new(object.clone()).into(),
            PutObjectTagging { object: object.clone(), tags: vec![Tag::new("a", "1")] }.into(),
            DeleteObjectTagging { object: object.clone() }.into(),
            GetObjectAcl { object: object.clone() }.into(),
            PutObjectAcl::new(object.clone(), acl()).into(),
            RestoreObject { object: object.clone(), days: Some(1), tier: None }.into(),
            DeleteObject::new(object.clone()).into(),
            CopyObject {
                tagging_directive: Some(Directive::Replace),
                metadata_directive: Some(Directive::Copy),
                tags: vec![Tag::new("a", "1")],
                acl: acl(),
                storage_class: Some("GLACIER".to_owned()),
                encryption: encryption(),
                website_redirect_location: Some("/".to_owned()),
                ..CopyObject::new(object, "b", "k")
            }
            .into(),
        ]);
    }
    requests.push(
        PutObject {
            tags: vec![Tag::new("a", "1")],
            acl: acl(),
            encryption: encryption(),
            if_match: Some("e".to_owned()),
            if_none_match: Some("*".to_owned()),
            ..PutObject::new("b", "k", Bytes::new())
        }
        .into(),
    );
    let (bucket, prefix) = ("b".to_owned(), Some("p".to_owned()));
    let delimiter = Some("/".to_owned());
    requests
        .push(ListObjectsV2 { bucket, prefix, delimiter, max_keys: Some(1), ..Default::default() }.into());
    requests.extend(of_locks());
    for request in requests {
        for access in request.accesses() {
            assert!(longshore_policy::s3::is_action(access.action), "{}", access.action);
            let seen = longshore_policy::s3::supplies(access.action, "s3:ExistingObjectTag/a");
            assert_eq!(access.sees_existing_tags(), seen, "{}", access.action);
            for key in access.context.keys() {
                assert!(longshore_policy::s3::supplies(access.action, key), "{} {key}", access.action);
            }
        }
    }
}

#[test]
fn replication_begins_with_the_object_and_not_with_its_bucket() {
    let resources: Vec<_> = actions(GetBucketReplication { source: version() });
    assert_eq!(
        resources,
        [
            ("s3:GetReplicationConfiguration", "arn:aws:s3:::b".to_owned(), Subject::Bucket),
            ("s3:InitiateReplication", ARN.to_owned(), Subject::Object),
        ]
    );
}
