//! Explanations, for people and for machines, and what else a set of policies tells about itself.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use longshore_policy::{Context, Document, PolicyKind, PolicySet, Request};

const PRINCIPAL: &str = "arn:aws:sts::111122223333:assumed-role/tagger/job-1";

fn document(name: &str, kind: PolicyKind, text: &str) -> Document {
    Document::load(name, text, kind).unwrap().document
}

fn tagger() -> PolicySet {
    PolicySet::new()
        .with_identity(document(
            "policies/tagger.json",
            PolicyKind::Identity,
            r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "TagPublic", "Effect": "Allow", "Action": "s3:PutObjectTagging", "Resource": "arn:aws:s3:::data/public/*"},
  {"Sid": "TagOwn", "Effect": "Allow", "Action": "s3:PutObjectTagging", "Resource": "arn:aws:s3:::data/*",
   "Condition": {"StringEquals": {"s3:ExistingObjectTag/Team": ["red", "blue"]}, "Null": {"s3:RequestObjectTag/Team": false}}},
  {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
  {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::data/secret/*"}]}"#,
        ))
        .with_boundary(document(
            "policies/ceiling.json",
            PolicyKind::Boundary,
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:PutObject*", "Resource": "*"}}"#,
        ))
        .with_bucket_policy(
            "data",
            document(
                "buckets/data.json",
                PolicyKind::Resource,
                r#"{"Version": "2012-10-17", "Statement": {"Sid": "Only this account", "Effect": "Deny", "Principal": "*",
                    "Action": "s3:*", "Resource": "arn:aws:s3:::*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}}}"#,
            ),
        )
}

fn context() -> Context {
    let mut context = Context::new();
    context.set("aws:PrincipalAccount", "111122223333");
    context.set("s3:ExistingObjectTag/Team", "confidential-team-name");
    context
}

fn request<'a>(action: &'a str, resource: &'a str, context: &'a Context) -> Request<'a> {
    Request { principal: PRINCIPAL, action, resource, resource_account: "111122223333", context }
}

#[test]
fn an_explanation_for_people_and_for_machines() {
    let context = context();
    let explanation = tagger().explain(&request("s3:PutObjectTagging", "arn:aws:s3:::data/x", &context));
    let text = explanation.to_string();
    assert!(!text.contains("confidential"), "values of the request never show");
    insta::assert_snapshot!("refused", text);
    insta::assert_json_snapshot!("refused_json", explanation);
    let explanation =
        tagger().explain(&request("s3:PutObjectTagging", "arn:aws:s3:::data/public/x", &context));
    insta::assert_snapshot!("allowed", explanation.to_string());
    let explanation = tagger().explain(&request("s3:PutObjectTagging", "data/x", &context));
    insta::assert_snapshot!("malformed", explanation.to_string());
}

#[test]
fn reasons_fit_a_report_line() {
    let (set, context, unsigned) = (tagger(), context(), Context::new());
    let guard = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#;
    let guard = document("policies/guard.json", PolicyKind::ServiceControl, guard);
    let session = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::data/p*",
        "Condition": {"NumericLessThan": {"s3:max-keys": 5}}}}"#;
    let session = document("job policy", PolicyKind::Session, session);
    let mut wrong_type = context.clone();
    wrong_type.set("s3:max-keys", "many");
    let public = "arn:aws:s3:::data/public/x";
    let cross =
        Request { resource_account: "444455556666", ..request("s3:PutObjectTagging", public, &context) };
    let other = Request { resource: "arn:aws:s3:::other/x", ..cross };
    let role_less = PolicySet::new();
    let lines = [
        set.decide(&request("s3:PutObjectTagging", public, &context)),
        set.decide(&request("s3:PutObjectTagging", "arn:aws:s3:::data/secret/x", &context)),
        set.decide(&request("s3:PutObjectTagging", public, &unsigned)),
        set.decide(&request("s3:DeleteObject", public, &context)),
        set.decide(&request("s3:GetObject", public, &context)),
        set.clone().with_service_control(vec![guard]).decide(&request("s3:PutObjectTagging", public, &context)),
        set.clone().with_session(session.clone()).decide(&request("s3:PutObjectTagging", public, &context)),
        set.clone().with_session(session).decide(&request("s3:PutObjectTagging", public, &wrong_type)),
        set.decide(&cross),
        set.clone().with_identity(document("all.json", PolicyKind::Identity, r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#)).decide(&other),
        role_less.decide(&request("s3:GetObject", public, &context)),
        set.decide(&request("GetObject", public, &context)),
    ];
    insta::assert_snapshot!(lines.map(|d| format!("{}: {}", d.effect, d.reason())).join("\n"));
}

#[test]
fn a_bucket_policy_is_about_its_bucket() {
    let (set, unsigned) = (tagger(), Context::new());
    let allowed =
        |resource: &str| set.decide(&request("s3:PutObjectTagging", resource, &unsigned)).effect.to_string();
    assert_eq!(allowed("arn:aws:s3:::data/public/x"), "ExplicitDeny");
    assert_eq!(allowed("arn:aws:s3:::data"), "ExplicitDeny");
    assert_eq!(allowed("arn:aws:s3:::data2/public/x"), "ImplicitDeny");
}

#[test]
fn a_document_in_the_wrong_place_grants_nothing() {
    let text =
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let everything = document("everything.json", PolicyKind::Identity, text);
    let nothing = Context::new();
    let request = request("s3:GetObject", "arn:aws:s3:::data/x", &nothing);
    let cross = Request { resource_account: "444455556666", ..request };
    let set = PolicySet::new().with_resource(everything.clone());
    assert!(!set.decide(&request).allowed());
    assert!(
        !set.with_identity(everything).decide(&cross).allowed(),
        "it names nobody, so it is no resource policy"
    );
}

#[test]
fn could_allow_gives_the_benefit_of_the_doubt() {
    let (set, nothing) = (tagger(), Context::new());
    let could =
        |action: &str, resource: &str| set.could_allow(&request(action, resource, &nothing)).allowed();
    assert!(could("s3:PutObjectTagging", "arn:aws:s3:::data/x"), "a condition on an Allow may hold");
    assert!(!could("s3:PutObjectTagging", "arn:aws:s3:::data/secret/x"), "a Deny without condition is final");
    assert!(!could("s3:DeleteObject", "arn:aws:s3:::data/x"), "no statement is about it");
    let variables = PolicySet::new().with_identity(document(
        "variables.json",
        PolicyKind::Identity,
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/${aws:username}/*"},
            {"Effect": "Deny", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::data/${aws:userid}/*"}]}"#,
    ));
    let request = request("s3:GetObject", "arn:aws:s3:::data/x/y", &nothing);
    assert!(variables.could_allow(&request).allowed(), "unknown variables may have fitting values");
    assert!(!variables.decide(&request).allowed());
}

#[test]
fn mentioned_keys() {
    let set = tagger();
    for prefix in
        ["s3:existingobjecttag/", "s3:ExistingObjectTag/TEAM", "aws:principalaccount", "s3:RequestObjectTag/"]
    {
        assert!(set.mentions_key(prefix), "{prefix}");
    }
    assert!(!set.mentions_key("s3:ExistingObjectTag/Cost"));
    let variable = PolicySet::new().with_session(document(
        "variable.json",
        PolicyKind::Session,
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
            "Resource": "arn:aws:s3:::b/${s3:ExistingObjectTag/Home}"}}"#,
    ));
    assert!(variable.mentions_key("s3:existingobjecttag/"));
}

#[test]
fn a_snapshot_tells_sets_apart_but_not_their_order() {
    let text =
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let doc = |name: &str, kind| document(name, kind, text);
    let (a, b) = (doc("a", PolicyKind::Identity), doc("b", PolicyKind::Identity));
    let ab = PolicySet::new().with_identity(a.clone()).with_identity(b.clone());
    assert_eq!(ab.snapshot(), PolicySet::new().with_identity(b.clone()).with_identity(a.clone()).snapshot());
    let level = |documents| PolicySet::new().with_service_control(documents);
    let distinct = [
        PolicySet::new(),
        ab,
        PolicySet::new().with_identity(a.clone()),
        PolicySet::new().with_boundary(a.clone()),
        PolicySet::new().with_session(a.clone()),
        level(vec![a.clone(), b.clone()]),
        level(vec![a.clone()]).with_service_control(vec![b]),
        level(vec![]),
        level(vec![]).with_service_control(vec![]),
        PolicySet::new().with_resource(a.clone()),
        PolicySet::new().with_bucket_policy("x", a.clone()),
        PolicySet::new().with_bucket_policy("y", a),
    ];
    let texts: std::collections::BTreeSet<String> = distinct.iter().map(PolicySet::snapshot).collect();
    assert_eq!(texts.len(), distinct.len());
}
