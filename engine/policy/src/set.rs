//! The policies that bind a principal, together.

use crate::decision::{Decision, Effect, Explanation};
use crate::document::Document;
use crate::request::Request;

/// Every policy document that has a say over a role. Documents of one type are pooled, except that each level of
/// service control policies must allow by itself.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    documents: Vec<Document>,
}

impl PolicySet {
    /// A set without documents: refuses everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an identity policy.
    #[must_use]
    pub fn with_identity(mut self, document: Document) -> Self {
        self.documents.push(document);
        self
    }

    /// Adds a permissions boundary.
    #[must_use]
    pub fn with_boundary(mut self, document: Document) -> Self {
        self.documents.push(document);
        self
    }

    /// Adds a session policy.
    #[must_use]
    pub fn with_session(mut self, document: Document) -> Self {
        self.documents.push(document);
        self
    }

    /// Adds one level of service control policies; every level must allow.
    #[must_use]
    pub fn with_service_control(mut self, level: Vec<Document>) -> Self {
        self.documents.extend(level);
        self
    }

    /// Adds one level of resource control policies, which can only deny.
    #[must_use]
    pub fn with_resource_control(mut self, level: Vec<Document>) -> Self {
        self.documents.extend(level);
        self
    }

    /// Adds a resource policy that has a say over every request.
    #[must_use]
    pub fn with_resource(mut self, document: Document) -> Self {
        self.documents.push(document);
        self
    }

    /// Adds a bucket policy: it has a say over `arn:aws:s3:::bucket` and `arn:aws:s3:::bucket/*`.
    #[must_use]
    pub fn with_bucket_policy(mut self, _bucket: impl Into<String>, document: Document) -> Self {
        self.documents.push(document);
        self
    }

    /// Decides a request.
    pub fn decide(&self, _request: &Request<'_>) -> Decision {
        Decision { effect: Effect::ImplicitDeny }
    }

    /// Could this be allowed with a context that is not known in full? Conditions on Allow statements count as
    /// true, Deny statements with a condition are passed over.
    pub fn could_allow(&self, request: &Request<'_>) -> Decision {
        self.decide(request)
    }

    /// Decides a request and says what part each statement had in it.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        Explanation { effect: self.decide(request).effect }
    }

    /// Whether any document mentions a condition key (or variable) that starts with `prefix`, compared without
    /// case: `s3:existingobjecttag/`.
    pub fn mentions_key(&self, _prefix: &str) -> bool {
        false
    }

    /// The set in a canonical text, to be hashed as the id of a policy snapshot.
    pub fn snapshot(&self) -> String {
        String::new()
    }
}
