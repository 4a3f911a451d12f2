//! Decision cases as JSON: `{"id", "expect", "request", "identity": […], "boundary": […], "session",
//! "resourcePolicy", "scp": [[…]], "rcp": [[…]]}`.

use longshore_policy::{Context, Document, Finding, PolicyKind, PolicySet, Request};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) expect: String,
    pub(crate) request: CaseRequest,
    pub(crate) identity: Vec<Value>,
    pub(crate) boundary: Option<Vec<Value>>,
    pub(crate) session: Option<Value>,
    pub(crate) resource_policy: Option<Value>,
    #[serde(default)]
    pub(crate) scp: Vec<Vec<Value>>,
    #[serde(default)]
    pub(crate) rcp: Vec<Vec<Value>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CaseRequest {
    pub(crate) principal: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) resource_account: String,
    pub(crate) context: serde_json::Map<String, Value>,
}

impl Case {
    pub(crate) fn policies(&self) -> Result<PolicySet, Vec<Finding>> {
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

    pub(crate) fn context(&self) -> Context {
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
    pub(crate) fn with<'a>(&'a self, context: &'a Context) -> Request<'a> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: &self.resource_account,
            context,
        }
    }
}

pub(crate) fn load(document: &Value, kind: PolicyKind) -> Result<Document, Vec<Finding>> {
    Document::load(&format!("{kind:?}"), &document.to_string(), kind).map(|loaded| loaded.document)
}

fn load_all(documents: &[Value], kind: PolicyKind) -> Result<Vec<Document>, Vec<Finding>> {
    documents.iter().map(|document| load(document, kind)).collect()
}
