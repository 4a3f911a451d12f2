//! Decision cases as JSON: `{"id", "expect", "request", "identity": […], "boundary": […], "session",
//! "resourcePolicy", "scp": [[…]], "rcp": [[…]]}`.

#![allow(dead_code, reason = "each test binary uses its part")]

use longshore_policy::{Context, Document, Finding, PolicyKind, PolicySet, Request};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    pub id: String,
    pub expect: String,
    pub request: CaseRequest,
    pub identity: Vec<Value>,
    pub boundary: Option<Vec<Value>>,
    pub session: Option<Value>,
    pub resource_policy: Option<Value>,
    #[serde(default)]
    pub scp: Vec<Vec<Value>>,
    #[serde(default)]
    pub rcp: Vec<Vec<Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaseRequest {
    pub principal: String,
    pub action: String,
    pub resource: String,
    pub resource_account: String,
    pub context: serde_json::Map<String, Value>,
}

impl Case {
    pub fn policies(&self) -> Result<PolicySet, Vec<Finding>> {
        let mut set = PolicySet::new();
        for document in &self.identity {
            set = set.with_identity(load(document, PolicyKind::Identity)?);
        }
        for document in self.boundary.iter().flatten() {
            set = set.with_boundary(load(document, PolicyKind::Boundary)?);
        }
        if let Some(document) = &self.session {
            set = set.with_session(load(document, PolicyKind::Session)?);
        }
        if let Some(document) = &self.resource_policy {
            set = set.with_resource(load(document, PolicyKind::Resource)?);
        }
        for level in &self.scp {
            set = set.with_service_control(load_all(level, PolicyKind::ServiceControl)?);
        }
        for level in &self.rcp {
            set = set.with_resource_control(load_all(level, PolicyKind::ResourceControl)?);
        }
        Ok(set)
    }

    pub fn context(&self) -> Context {
        let mut context = Context::new();
        for (key, value) in &self.request.context {
            match value {
                Value::Array(values) => {
                    context.set_many(key, values.iter().map(|v| v.as_str().unwrap().to_owned()));
                }
                value => context.set(key, value.as_str().unwrap()),
            }
        }
        context
    }
}

impl CaseRequest {
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

pub fn load(document: &Value, kind: PolicyKind) -> Result<Document, Vec<Finding>> {
    Document::load(&format!("{kind:?}"), &document.to_string(), kind).map(|loaded| loaded.document)
}

fn load_all(documents: &[Value], kind: PolicyKind) -> Result<Vec<Document>, Vec<Finding>> {
    documents.iter().map(|document| load(document, kind)).collect()
}
