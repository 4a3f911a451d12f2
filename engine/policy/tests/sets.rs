//! What documents and sets say of themselves, and where the limits of a request are.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use longshore_policy::limits::MAX_REQUEST_TEXT;
use longshore_policy::{Context, Document, Effect, PolicyKind, PolicySet, Request};

fn document(name: &str, kind: PolicyKind, elements: &str) -> Document {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":{{{elements}}}}}"#);
    Document::load(name, &text, kind).unwrap_or_else(|findings| panic!("{text}: {findings:?}")).document
}

fn allow(more: &str) -> Document {
    document("allow", PolicyKind::Identity, &format!(r#""Effect":"Allow","Action":"s3:*",{more}"#))
}

#[test]
fn a_document_knows_every_key_it_reads() {
    let read = allow(
        r#""Resource":["arn:aws:s3:::data/${aws:UserName}/*","*"],"Condition":{
            "StringLike":{"s3:ExistingObjectTag/Team":["${aws:PrincipalTag/Team, 'x'}*"]},
            "StringEqualsIgnoreCase":{"s3:prefix":"${aws:userid}"},
            "ArnLike":{"aws:SourceArn":["arn:aws:iam::*:user/${aws:SourceIdentity}","${aws:PrincipalArn}"]},
            "Null":{"aws:SourceIp":"false"}}"#,
    );
    let keys: Vec<&str> = read.keys().iter().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "aws:principalarn",
            "aws:principaltag/team",
            "aws:sourcearn",
            "aws:sourceidentity",
            "aws:sourceip",
            "aws:userid",
            "aws:username",
            "s3:existingobjecttag/team",
            "s3:prefix"
        ]
    );
    assert!(allow(r#""Resource":"*""#).keys().is_empty());
}

#[test]
fn a_set_mentions_the_keys_of_every_document() {
    let condition = r#""Resource":"*","Action":"s3:*","Effect":"Deny","Condition":{"StringEquals":{"s3:ExistingObjectTag/a":"b"}}"#;
    let of = |kind| document("d", kind, condition);
    let resource = document("d", PolicyKind::Resource, &format!(r#""Principal":"*",{condition}"#));
    let resource_control =
        document("d", PolicyKind::ResourceControl, &format!(r#""Principal":"*",{condition}"#));
    let sets = [
        PolicySet::new().with_identity(of(PolicyKind::Identity)),
        PolicySet::new().with_boundary(of(PolicyKind::Boundary)),
        PolicySet::new().with_session(of(PolicyKind::Session)),
        PolicySet::new().with_service_control(vec![of(PolicyKind::ServiceControl)]),
        PolicySet::new().with_resource_control(vec![resource_control]),
        PolicySet::new().with_resource(resource.clone()),
        PolicySet::new().with_bucket_policy("b", resource),
    ];
    for set in sets {
        assert!(set.mentions_key("S3:ExistingObjectTag/"));
        assert!(!set.mentions_key("s3:RequestObjectTag/"));
    }
    assert!(!PolicySet::new().mentions_key(""));
}

#[test]
fn a_snapshot_shows_what_decides_and_not_the_order() {
    let of = |name: &str, kind| document(name, kind, r#""Effect":"Allow","Action":"*","Resource":"*""#);
    let (one, two) = (of("one", PolicyKind::Identity), of("two", PolicyKind::Identity));
    let both = PolicySet::new().with_identity(one.clone()).with_identity(two.clone());
    assert_eq!(both.snapshot(), PolicySet::new().with_identity(two).with_identity(one.clone()).snapshot());
    let resource = document(
        "r",
        PolicyKind::Resource,
        r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#,
    );
    let control = document(
        "c",
        PolicyKind::ResourceControl,
        r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#,
    );
    let guard = of("g", PolicyKind::ServiceControl);
    let sets = [
        PolicySet::new(),
        both.clone(),
        PolicySet::new().with_identity(one.clone()),
        PolicySet::new().with_boundary(of("one", PolicyKind::Boundary)),
        PolicySet::new().with_session(of("one", PolicyKind::Session)),
        PolicySet::new().with_service_control(vec![]),
        PolicySet::new().with_service_control(vec![guard.clone()]),
        PolicySet::new().with_service_control(vec![guard.clone()]).with_service_control(vec![]),
        PolicySet::new().with_service_control(vec![]).with_service_control(vec![guard]),
        PolicySet::new().with_resource_control(vec![control]),
        PolicySet::new().with_resource(resource.clone()),
        PolicySet::new().with_bucket_policy("a", resource.clone()),
        PolicySet::new().with_bucket_policy("b", resource),
    ];
    let snapshots: std::collections::BTreeSet<String> = sets.iter().map(PolicySet::snapshot).collect();
    assert_eq!(snapshots.len(), sets.len());
}

/// Decides on `resource`, with `value` under the key that the only Allow asks for.
fn decide(pattern: &str, resource: &str, value: &str) -> (Effect, usize) {
    let set = PolicySet::new().with_identity(allow(&format!(
        r#""Resource":"*","Condition":{{"StringLike":{{"k:v":"{pattern}"}}}}"#
    )));
    let mut context = Context::new();
    context.set("k:v", value);
    let request = Request {
        principal: "arn:aws:iam::111122223333:user/alice",
        action: "s3:GetObject",
        resource,
        resource_account: "111122223333",
        context: &context,
    };
    let decision = set.decide(&request);
    (decision.effect, decision.errors().len())
}

#[test]
fn texts_of_a_request_may_be_so_long_and_no_longer() {
    let object = "arn:aws:s3:::data/a";
    assert_eq!(decide("a*", object, &"a".repeat(MAX_REQUEST_TEXT)), (Effect::Allow, 0));
    assert_eq!(decide("a*", object, &"a".repeat(MAX_REQUEST_TEXT + 1)), (Effect::ImplicitDeny, 1));
    let padded = |length: usize| format!("{object}{}", "k".repeat(length - object.len()));
    assert_eq!(decide("v", &padded(MAX_REQUEST_TEXT), "v"), (Effect::Allow, 0));
    assert_eq!(decide("v", &padded(MAX_REQUEST_TEXT + 1), "v"), (Effect::ImplicitDeny, 1));
}
