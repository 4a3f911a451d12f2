//! Random requests and policies of all types that load.

use longshore_policy::{Context, Document, PolicyKind, PolicySet, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

pub(crate) const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
pub(crate) const PRINCIPALS: [&str; 5] = [
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:sts::111122223333:assumed-role/batch/job-1",
    "arn:aws:iam::444455556666:user/bob",
    "anonymous",
    "s3.amazonaws.com",
];
pub(crate) const NAMED: [&str; 6] = [
    "*",
    "111122223333",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:role/batch",
    "arn:aws:sts::111122223333:assumed-role/batch/job-1",
    "arn:aws:iam::444455556666:user/bob",
];
pub(crate) const ACTIONS: [&str; 4] =
    ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:ListBucket"];
pub(crate) const ACTION_PATTERNS: [&str; 6] =
    ["*", "s3:*", "s3:Get*", "S3:putobject*", "s3:???Object", "s3:ListBucket"];
pub(crate) const RESOURCES: [&str; 6] = [
    "arn:aws:s3:::data",
    "arn:aws:s3:::data/red/f",
    "arn:aws:s3:::data/blue/f",
    "arn:aws:s3:::data/*/f",
    "arn:aws:s3:::data/a:b\n",
    "arn:aws:s3:::logs/x",
];
pub(crate) const RESOURCE_PATTERNS: [&str; 7] = [
    "*",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::data/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::data/${aws:PrincipalTag/team, 'red'}/?",
    "arn:aws:s3:::data/${*}/f",
    "arn:*:s3:::logs*",
];
pub(crate) const KEYS: [&str; 4] = ["aws:PrincipalTag/team", "custom:one", "custom:set", "CUSTOM:One"];
/// Operator and values that load under it.
pub(crate) const TESTS: [(&str, &[&str]); 12] = [
    ("StringEquals", &["red", "${aws:PrincipalTag/team}"]),
    ("StringNotEquals", &["red"]),
    ("StringEqualsIgnoreCase", &["RED", "blue"]),
    ("StringNotLike", &["r*", "${custom:one}?"]),
    ("NumericLessThan", &["10"]),
    ("NumericNotEquals", &["7", "8.5"]),
    ("DateGreaterThanEquals", &["2026-11-22"]),
    ("Bool", &["true"]),
    ("BinaryEquals", &["cmVk"]),
    ("NotIpAddress", &["10.0.0.0/8", "2001:db8::/32"]),
    ("ArnLike", &["arn:aws:iam::*:user/${custom:one}"]),
    ("Null", &["false"]),
];
pub(crate) const VALUES: [&str; 10] = [
    "red",
    "blue",
    "RED",
    "7",
    "10.5",
    "true",
    "10.1.2.3",
    "2027-01-01T00:00:00Z",
    "arn:aws:iam::1:user/red",
    "*",
];

/// A request and what it owns.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) principal: &'static str,
    pub(crate) action: &'static str,
    pub(crate) resource: String,
    pub(crate) account: &'static str,
    pub(crate) context: Context,
}

impl Asked {
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            principal: self.principal,
            action: self.action,
            resource: &self.resource,
            resource_account: self.account,
            context: &self.context,
        }
    }
}

pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    let context = vec((select(&KEYS), vec(select(&VALUES), 0..3)), 0..4).prop_map(|entries| {
        let mut context = Context::new();
        for (key, values) in entries {
            match values.as_slice() {
                [one] if key != "custom:set" => context.set(key, *one),
                many => context.set_many(key, many.iter().map(|value| (*value).to_owned())),
            }
        }
        context
    });
    (select(&PRINCIPALS), select(&ACTIONS), select(&RESOURCES), select(&ACCOUNTS), context).prop_map(
        |(principal, action, resource, account, context)| Asked {
            principal,
            action,
            resource: resource.to_owned(),
            account,
            context,
        },
    )
}

pub(crate) fn condition() -> impl Strategy<Value = Value> {
    let test = (select(&TESTS), select(&KEYS), 0..3_usize, any::<bool>());
    vec(test, 0..3).prop_map(|tests| {
        let mut block = serde_json::Map::new();
        for ((operator, values), key, qualifier, if_exists) in tests {
            let set = key == "custom:set" && operator != "Null";
            let qualifier =
                if set { ["ForAllValues:", "ForAnyValue:", "ForAllValues:"][qualifier] } else { "" };
            let suffix = if if_exists && operator != "Null" { "IfExists" } else { "" };
            block.insert(format!("{qualifier}{operator}{suffix}"), json!({ key: values }));
        }
        Value::Object(block)
    })
}

pub(crate) fn effect() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("Allow"), 1 => Just("Deny")]
}

pub(crate) fn statement(kind: PolicyKind) -> impl Strategy<Value = Value> {
    let lists = (vec(select(&ACTION_PATTERNS), 1..3), vec(select(&RESOURCE_PATTERNS), 1..3));
    let negated = (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (effect(), lists, negated, condition(), vec(select(&NAMED), 1..3)).prop_map(
        move |(effect, (actions, resources), (not_action, not_resource, not_principal), condition, named)| {
            let effect = if kind == PolicyKind::ResourceControl { "Deny" } else { effect };
            let mut statement = json!({ "Effect": effect, "Condition": condition });
            statement[if not_action { "NotAction" } else { "Action" }] = json!(actions);
            statement[if not_resource { "NotResource" } else { "Resource" }] = json!(resources);
            match kind {
                PolicyKind::Resource if not_principal && effect == "Deny" => {
                    statement["NotPrincipal"] = json!({ "AWS": named });
                }
                PolicyKind::Resource => statement["Principal"] = json!({ "AWS": named }),
                PolicyKind::ResourceControl => statement["Principal"] = json!("*"),
                _ => {}
            }
            statement
        },
    )
}

pub(crate) fn policy(kind: PolicyKind) -> impl Strategy<Value = Vec<Value>> {
    vec(statement(kind), 1..4)
}

pub(crate) fn document(statements: &[Value], kind: PolicyKind) -> Document {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    Document::load("generated", &text, kind)
        .unwrap_or_else(|findings| {
            panic!("the generator made a document that does not load: {findings:?}\n{text}")
        })
        .document
}

/// The statements of every document of a set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    identity: Vec<Vec<Value>>,
    boundary: Vec<Vec<Value>>,
    session: Vec<Vec<Value>>,
    service_control: Vec<Vec<Value>>,
    resource_control: Vec<Vec<Value>>,
    resource: Vec<Vec<Value>>,
}

impl Written {
    pub(crate) fn set(&self) -> PolicySet {
        let mut set = PolicySet::new();
        for (kind, documents) in self.documents() {
            for statements in documents {
                let document = document(statements, kind);
                set = match kind {
                    PolicyKind::Identity => set.with_identity(document),
                    PolicyKind::Boundary => set.with_boundary(document),
                    PolicyKind::Session => set.with_session(document),
                    PolicyKind::ServiceControl => set.with_service_control(vec![document]),
                    PolicyKind::ResourceControl => set.with_resource_control(vec![document]),
                    PolicyKind::Resource => set.with_resource(document),
                };
            }
        }
        set
    }

    pub(crate) fn documents(&self) -> [(PolicyKind, &Vec<Vec<Value>>); 6] {
        [
            (PolicyKind::Identity, &self.identity),
            (PolicyKind::Boundary, &self.boundary),
            (PolicyKind::Session, &self.session),
            (PolicyKind::ServiceControl, &self.service_control),
            (PolicyKind::ResourceControl, &self.resource_control),
            (PolicyKind::Resource, &self.resource),
        ]
    }

    pub(crate) fn of(&mut self, kind: PolicyKind) -> &mut Vec<Vec<Value>> {
        match kind {
            PolicyKind::Identity => &mut self.identity,
            PolicyKind::Boundary => &mut self.boundary,
            PolicyKind::Session => &mut self.session,
            PolicyKind::ServiceControl => &mut self.service_control,
            PolicyKind::ResourceControl => &mut self.resource_control,
            PolicyKind::Resource => &mut self.resource,
        }
    }
}

pub(crate) fn written() -> impl Strategy<Value = Written> {
    let few = |kind| vec(policy(kind), 0..2);
    (
        vec(policy(PolicyKind::Identity), 0..3),
        few(PolicyKind::Boundary),
        few(PolicyKind::Session),
        few(PolicyKind::ServiceControl),
        few(PolicyKind::ResourceControl),
        few(PolicyKind::Resource),
    )
        .prop_map(|(identity, boundary, session, service_control, resource_control, resource)| Written {
            identity,
            boundary,
            session,
            service_control,
            resource_control,
            resource,
        })
}

pub(crate) fn kind() -> impl Strategy<Value = PolicyKind> {
    select(vec![
        PolicyKind::Identity,
        PolicyKind::Boundary,
        PolicyKind::Session,
        PolicyKind::ServiceControl,
        PolicyKind::ResourceControl,
        PolicyKind::Resource,
    ])
}
