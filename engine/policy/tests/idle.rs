//! Statements that never take effect, and what can be foreseen of a request: what is claimed holds for every request.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may panic")]

use longshore_policy::{Bearer, Context, Document, Foresight, PolicyKind, PolicySet, Request, s3};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/batch/job-1";
const TAG: &str = "s3:ExistingObjectTag/env";

const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:ListBucket"];
const ACTION_PATTERNS: [&str; 8] = [
    "*",
    "s3:*",
    "s3:Get*",
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:ListBucket",
    "s3:PutObjectTaging",
    "ec2:*",
];
const RESOURCES: [&str; 6] = [
    "arn:aws:s3:::data",
    "arn:aws:s3:::data/a/1",
    "arn:aws:s3:::data/b/1",
    "arn:aws:s3:::logs",
    "arn:aws:s3:::logs/a/1",
    "arn:aws:s3:::logs/a*",
];
const RESOURCE_PATTERNS: [&str; 10] = [
    "*",
    "arn:aws:s3:::data",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::data/a/*",
    "arn:aws:s3:::data/a/?",
    "arn:aws:s3:::*/1",
    "arn:aws:s3:::logs*",
    "arn:aws:s3:us-east-1:111122223333:accesspoint/x",
    "arn:aws:s3:::data/${aws:username}/*",
    "arn:aws:s3:::data/${s3:ExistingObjectTag/env, 'a'}/*",
];
const NAMED: [&str; 5] = [
    "*",
    "111122223333",
    "arn:aws:iam::111122223333:role/batch",
    "arn:aws:iam::111122223333:role/other",
    "arn:aws:sts::111122223333:assumed-role/batch/job-1",
];
const CONDITIONS: [&str; 6] = [
    r#"{"StringEquals": {"s3:ExistingObjectTag/env": "prod"}}"#,
    r#"{"StringNotEquals": {"s3:ExistingObjectTag/env": "prod"}}"#,
    r#"{"Null": {"s3:ExistingObjectTag/env": "true"}}"#,
    r#"{"StringEqualsIfExists": {"aws:username": "alice"}}"#,
    r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#,
    r#"{"Bool": {"aws:SecureTransport": "true"}}"#,
];

fn statement(kind: PolicyKind) -> impl Strategy<Value = Value> {
    let lists = (vec(select(&ACTION_PATTERNS), 1..3), vec(select(&RESOURCE_PATTERNS), 1..3));
    let negated = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let condition = prop_oneof![3 => Just("{}"), 1 => select(&CONDITIONS)];
    (prop::bool::weighted(0.7), lists, negated, condition, vec(select(&NAMED), 1..3)).prop_map(
        move |(allow, (actions, resources), (not_action, not_resource), condition, named)| {
            let condition: Value = serde_json::from_str(condition).unwrap();
            let mut statement =
                json!({ "Effect": if allow { "Allow" } else { "Deny" }, "Condition": condition });
            statement[if not_action { "NotAction" } else { "Action" }] = json!(actions);
            statement[if not_resource { "NotResource" } else { "Resource" }] = json!(resources);
            if kind == PolicyKind::Resource {
                statement["Principal"] = json!({ "AWS": named });
            }
            statement
        },
    )
}

/// The statements of one document of each kind; none where there is no document.
type Written = Vec<(PolicyKind, Vec<Value>)>;

fn written() -> impl Strategy<Value = Written> {
    let kinds = [
        PolicyKind::Identity,
        PolicyKind::Boundary,
        PolicyKind::Session,
        PolicyKind::ServiceControl,
        PolicyKind::Resource,
    ];
    Vec::from(kinds.map(|kind| {
        let least = usize::from(kind == PolicyKind::Identity);
        vec(statement(kind), least..4).prop_map(move |statements| (kind, statements))
    }))
}

fn set(written: &Written) -> PolicySet {
    let mut set = PolicySet::new();
    for (kind, statements) in written.iter().filter(|(_, statements)| !statements.is_empty()) {
        let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let document = Document::load(&format!("{kind:?}"), &text, *kind).unwrap().document;
        set = match kind {
            PolicyKind::Boundary => set.with_boundary(document),
            PolicyKind::Session => set.with_session(document),
            PolicyKind::ServiceControl => set.with_service_control(vec![document]),
            PolicyKind::Resource => set.with_bucket_policy("data", document),
            _ => set.with_identity(document),
        };
    }
    set
}

/// What the requests here carry: neither a user name nor an address.
fn may_supply(action: &str, key: &str) -> bool {
    key == "aws:securetransport" || s3::supplies(action, key)
}

fn asked() -> impl Strategy<Value = (&'static str, &'static str, Context)> {
    let action = select(&ACTIONS);
    (action, select(&RESOURCES), prop::option::of(select(vec!["prod", "a", "test"])), any::<bool>())
        .prop_map(|(action, resource, tag, secure)| {
            let mut context = Context::new();
            context.set("aws:SecureTransport", secure.to_string());
            if let (Some(tag), true) = (tag, s3::supplies(action, TAG)) {
                context.set(TAG, tag);
            }
            (action, resource, context)
        })
        .prop_filter("an object for object actions", |(action, resource, _)| {
            resource.contains('/') != (*action == "s3:ListBucket")
        })
}

fn request<'a>(action: &'a str, resource: &'a str, context: &'a Context) -> Request<'a> {
    Request { principal: SESSION, action, resource, resource_account: ACCOUNT, context }
}

fn bearer() -> Bearer<'static> {
    Bearer { account: ACCOUNT, role: "batch", resource_account: ACCOUNT, may_supply: &may_supply }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Each statement that is called idle may be taken away (here: replaced by one that is about nothing).
    #[test]
    fn an_idle_statement_decides_nothing(written in written(), asked in vec(asked(), 24)) {
        let before = set(&written);
        for idle in before.idle(&bearer()) {
            let mut without = written.clone();
            let (_, statements) =
                without.iter_mut().find(|(kind, _)| *kind == idle.statement.document().kind()).unwrap();
            let statement = &mut statements[idle.statement.index()];
            statement.as_object_mut().unwrap().remove("NotAction");
            statement["Action"] = json!("none:None");
            let without = set(&without);
            for (action, resource, context) in &asked {
                let request = request(action, resource, context);
                prop_assert_eq!(
                    before.decide(&request).allowed(), without.decide(&request).allowed(),
                    "{:?} {:?} {} {}", idle, request, before.decide(&request).reason(), without.decide(&request).reason()
                );
            }
        }
    }

    /// Whatever the tags turn out to be, what was foreseen comes.
    #[test]
    fn what_is_foreseen_comes(written in written(), (action, resource, context) in asked()) {
        let set = set(&written);
        let mut blank = Context::new();
        if let longshore_policy::Lookup::One(secure) = context.get("aws:SecureTransport") {
            blank.set("aws:SecureTransport", secure);
        }
        let foresight = set.foresee(&request(action, resource, &blank), &["s3:existingObjectTag/"]);
        let comes = set.decide(&request(action, resource, &context));
        match foresight {
            Foresight::Allowed(_) => prop_assert!(comes.allowed(), "{}", comes.reason()),
            Foresight::Refused(_) => prop_assert!(!comes.allowed(), "{}", comes.reason()),
            Foresight::Depends { .. } => {}
        }
    }
}

/// The reasons for the statements of a role whose documents are these.
fn reasons(documents: &[(PolicyKind, Value)]) -> Vec<String> {
    let mut set = PolicySet::new();
    for (kind, statements) in documents {
        let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let document = Document::load(&format!("{kind:?}.json"), &text, *kind).unwrap().document;
        set = match kind {
            PolicyKind::Boundary => set.with_boundary(document),
            PolicyKind::ServiceControl => set.with_service_control(vec![document]),
            PolicyKind::Resource => set.with_bucket_policy("data", document),
            _ => set.with_identity(document),
        };
    }
    set.idle(&bearer()).iter().map(|idle| format!("{}: {}", idle.statement, idle.reason)).collect()
}

#[test]
fn every_reason_in_words() {
    let identity = json!([
        { "Sid": "Fine", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::data/a/*" },
        { "Sid": "NoSuchAction", "Effect": "Deny", "Action": "s3:PutObjectTaging", "Resource": "*" },
        { "Sid": "BucketForObjects", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data" },
        { "Sid": "ObjectsForBucket", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data/*" },
        { "Sid": "User", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/${aws:username}/*" },
        { "Sid": "Address", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
          "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } },
        { "Sid": "TagOfPut", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*",
          "Condition": { "StringEquals": { "s3:ExistingObjectTag/lock": "yes" } } },
        { "Sid": "OutsideBoundary", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*" },
        { "Sid": "Guarded", "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::data/*" },
        { "Sid": "DeniedInParts", "Effect": "Allow", "Action": ["s3:GetObjectAcl", "s3:PutObjectAcl"],
          "Resource": ["arn:aws:s3:::data/x/1", "arn:aws:s3:::data/y/*"] },
        { "Effect": "Deny", "Action": "s3:*Acl", "Resource": "arn:aws:s3:::data/x/*" },
        { "Effect": "Deny", "NotAction": "s3:GetObject", "NotResource": "arn:aws:s3:::data/[xa]*" },
    ]);
    let boundary = json!([{ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::data*" }]);
    let guard = json!([{ "Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*" }]);
    let bucket = json!([
        { "Sid": "Others", "Effect": "Deny", "Principal": { "AWS": "arn:aws:iam::111122223333:role/other" },
          "Action": "s3:*", "Resource": "arn:aws:s3:::data/*" },
        { "Sid": "Account", "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "s3:*",
          "Resource": "arn:aws:s3:::data/*" },
        { "Sid": "Elsewhere", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::logs/*" },
        { "Sid": "MayBeThisJob", "Effect": "Deny",
          "Principal": { "AWS": "arn:aws:sts::111122223333:assumed-role/batch/job-9" }, "Action": "s3:*",
          "Resource": "arn:aws:s3:::data/*" },
    ]);
    let documents = [
        (PolicyKind::Identity, identity),
        (PolicyKind::Boundary, boundary),
        (PolicyKind::ServiceControl, guard),
        (PolicyKind::Resource, bucket),
    ];
    insta::assert_snapshot!(reasons(&documents).join("\n"));
}

#[test]
fn what_may_take_effect_is_not_called_idle() {
    let identity = json!([
        { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*" },
        { "Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/a*" },
        { "Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*",
          "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
        { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::*" },
        { "Effect": "Allow", "Action": "s3:CreateJob", "Resource": "*" },
        { "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/${aws:username, 'all'}/*" },
        { "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": { "Null": { "aws:SourceIp": "true" } } },
        { "Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::logs/*" },
    ]);
    let boundary = json!([
        { "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": { "Bool": { "aws:SecureTransport": "true" } } },
    ]);
    assert_eq!(reasons(&[(PolicyKind::Identity, identity), (PolicyKind::Boundary, boundary)]), [""; 0]);
}

#[test]
fn levels_of_session_policies_narrow_each_other() {
    let load = |resource: &str| {
        let text = json!({ "Version": "2012-10-17", "Statement":
            { "Effect": "Allow", "Action": "s3:*", "Resource": resource } });
        Document::load(resource, &text.to_string(), PolicyKind::Session).unwrap().document
    };
    let role = Document::load(
        "role",
        &json!({ "Version": "2012-10-17", "Statement":
            { "Effect": "Allow", "Action": "s3:*", "Resource": "*" } })
        .to_string(),
        PolicyKind::Identity,
    );
    let pooled =
        PolicySet::new().with_identity(role.unwrap().document).with_session(load("arn:aws:s3:::data/*"));
    let narrowed = pooled.clone().with_session_level(vec![load("*")]);
    let pooled = pooled.with_session(load("*"));
    let context = Context::new();
    let decide = |set: &PolicySet| set.decide(&request("s3:GetObject", "arn:aws:s3:::logs/a/1", &context));
    assert!(decide(&pooled).allowed(), "documents of one level count as one");
    assert_eq!(decide(&narrowed).reason(), "the session policy arn:aws:s3:::data/* does not allow it");
    assert_ne!(pooled.snapshot(), narrowed.snapshot());
}
