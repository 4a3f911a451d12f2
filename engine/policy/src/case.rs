//! Decision cases as JSON: a request, the policies that have a say, and perhaps the decision that is expected. One
//! format for worked examples, for tests of somebody's policies and for comparing evaluators.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::context::Context;
use crate::document::{Document, PolicyKind};
use crate::finding::Finding;
use crate::request::Request;
use crate::set::PolicySet;

/// One case: `{"id", "expect"?, "request", "identity": […], "boundary": […]?, "session"?, "resourcePolicy"?,
/// "scp": [[…]]?, "rcp": [[…]]?}`. Policies keep their very text, so that a loader sees what was written.
///
/// ```
/// # use longshore_policy::case::Case;
/// let case: Case = serde_json::from_str(r#"{"id": "read", "request": {
///     "principal": "arn:aws:iam::111122223333:user/alice", "action": "s3:GetObject",
///     "resource": "arn:aws:s3:::data/a", "resourceAccount": "111122223333", "context": {}},
///   "identity": [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}]}"#,
/// ).unwrap();
/// let context = case.request.context();
/// let policies = case.policies().unwrap();
/// assert!(policies.decide(&case.request.with(&context)).allowed());
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// What the case is called.
    pub id: String,
    /// `Allow`, `ImplicitDeny` or `ExplicitDeny`; or the code of the only load error.
    pub expect: Option<String>,
    /// What is asked.
    pub request: CaseRequest,
    #[serde(default)]
    identity: Vec<Box<RawValue>>,
    #[serde(default)]
    boundary: Vec<Box<RawValue>>,
    session: Option<Box<RawValue>>,
    resource_policy: Option<Box<RawValue>>,
    #[serde(default)]
    scp: Vec<Vec<Box<RawValue>>>,
    #[serde(default)]
    rcp: Vec<Vec<Box<RawValue>>>,
}

/// A [`Request`] that owns what it is made of.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaseRequest {
    principal: String,
    action: String,
    resource: String,
    resource_account: String,
    #[serde(default)]
    context: BTreeMap<String, ContextValue>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a condition key holds a string or a list of strings")]
enum ContextValue {
    One(String),
    Many(Vec<String>),
}

/// Something wrong with a policy of a case.
#[derive(Debug, Clone, Serialize)]
pub struct CaseFinding {
    /// Which policy, as in `identity[0]` or `scp[1][0]`.
    pub document: String,
    /// What; its place is counted from the beginning of the policy.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Case {
    /// Loads the policies. Their documents are called `identity[0]`, `session`, `scp[1][0]`.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn policies(&self) -> Result<PolicySet, Vec<CaseFinding>> {
        let mut loader = Loader::default();
        let mut set = PolicySet::new();
        for document in loader.list("identity", &self.identity, PolicyKind::Identity) {
            set = set.with_identity(document);
        }
        for document in loader.list("boundary", &self.boundary, PolicyKind::Boundary) {
            set = set.with_boundary(document);
        }
        if let Some(document) = loader.one("session", self.session.as_deref(), PolicyKind::Session) {
            set = set.with_session(document);
        }
        let resource = loader.one("resourcePolicy", self.resource_policy.as_deref(), PolicyKind::Resource);
        if let Some(document) = resource {
            set = set.with_resource(document);
        }
        for (index, level) in self.scp.iter().enumerate() {
            let level = loader.list(&format!("scp[{index}]"), level, PolicyKind::ServiceControl);
            set = set.with_service_control(level);
        }
        for (index, level) in self.rcp.iter().enumerate() {
            let level = loader.list(&format!("rcp[{index}]"), level, PolicyKind::ResourceControl);
            set = set.with_resource_control(level);
        }
        if loader.findings.is_empty() { Ok(set) } else { Err(loader.findings) }
    }
}

impl CaseRequest {
    /// The condition keys, to be given to [`Self::with`].
    pub fn context(&self) -> Context {
        let mut context = Context::new();
        for (key, value) in &self.context {
            match value {
                ContextValue::One(value) => context.set(key, value),
                ContextValue::Many(values) => context.set_many(key, values.iter().cloned()),
            }
        }
        context
    }

    /// The request.
    pub fn with<'a>(&'a self, context: &'a Context) -> Request<'a> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: &self.resource_account,
            context,
        }
    }
}

/// Loads documents and keeps what is wrong with them.
#[derive(Default)]
struct Loader {
    findings: Vec<CaseFinding>,
}

impl Loader {
    fn load(&mut self, name: String, text: &RawValue, kind: PolicyKind) -> Option<Document> {
        match Document::load(&name, text.get(), kind) {
            Ok(loaded) => Some(loaded.document),
            Err(findings) => {
                let findings = findings.into_iter();
                self.findings.extend(findings.map(|finding| CaseFinding { document: name.clone(), finding }));
                None
            }
        }
    }

    fn one(&mut self, name: &str, text: Option<&RawValue>, kind: PolicyKind) -> Option<Document> {
        self.load(name.to_owned(), text?, kind)
    }

    fn list(&mut self, name: &str, texts: &[Box<RawValue>], kind: PolicyKind) -> Vec<Document> {
        let numbered = texts.iter().enumerate();
        numbered.filter_map(|(index, text)| self.load(format!("{name}[{index}]"), text, kind)).collect()
    }
}
