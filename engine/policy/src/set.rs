//! The policies that bind a principal, together.

use std::sync::Arc;

use serde::Serialize;

use crate::combine::{self, Evidence, Missing};
use crate::decision::{Decision, Foresight, StatementId, Why};
use crate::document::{Document, PolicyKind};
use crate::error::EvaluationError;
use crate::explain::Explanation;
use crate::principal::Strength;
use crate::request::{Call, Request};
use crate::statement::{Favour, Knowledge, StatementEffect, Verdict};
use crate::value::fold_key;

/// Every policy document that has a say over a role. Documents of one type are pooled, except that each level of
/// service control policies must allow by itself. Cloning shares everything.
///
/// ```
/// # use longshore_policy::{Context, Document, PolicyKind, PolicySet, Request};
/// let text = r#"{"Version": "2012-10-17", "Statement": {
///     "Sid": "ReadLogs", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::logs/*"}}"#;
/// let role = Document::load("reader.json", text, PolicyKind::Identity).unwrap().document;
/// let policies = PolicySet::new().with_identity(role);
/// let context = Context::new();
/// let mut request = Request {
///     principal: "arn:aws:sts::111122223333:assumed-role/reader/job-1",
///     action: "s3:GetObject",
///     resource: "arn:aws:s3:::logs/2026/11/22.gz",
///     resource_account: "111122223333",
///     context: &context,
/// };
/// assert_eq!(policies.decide(&request).reason(), r#"statement "ReadLogs" of reader.json allows it"#);
/// request.action = "s3:PutObject";
/// assert_eq!(policies.decide(&request).reason(), "no statement of the role's policy reader.json allows it");
/// ```
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    pub(crate) identity: Pool,
    pub(crate) boundary: Pool,
    /// Each level must allow by itself.
    pub(crate) session: Vec<Pool>,
    pub(crate) service_control: Vec<Pool>,
    pub(crate) resource_control: Vec<Pool>,
    pub(crate) resource: Vec<ResourcePolicy>,
}

/// Documents that count as one. Shared, so that a decision can name them without copying.
pub(crate) type Pool = Arc<Vec<Document>>;

/// A resource policy and what it is attached to.
#[derive(Debug, Clone)]
pub(crate) struct ResourcePolicy {
    /// `None`: every resource.
    pub(crate) bucket: Option<String>,
    pub(crate) documents: Pool,
}

impl ResourcePolicy {
    pub(crate) fn is_about(&self, call: &Call<'_>) -> bool {
        self.bucket.as_ref().is_none_or(|bucket| call.is_in_bucket(bucket))
    }
}

/// What the documents of one pool say.
#[derive(Debug, Default)]
struct Weighed<'s> {
    denies: Option<(Found<'s>, Option<EvaluationError>)>,
    allows: Option<(Strength, Found<'s>)>,
}

/// A statement.
#[derive(Debug, Clone, Copy)]
struct Found<'s> {
    document: &'s Document,
    index: usize,
}

impl Found<'_> {
    fn id(self) -> StatementId {
        StatementId::new(self.document.clone(), self.index)
    }
}

impl PolicySet {
    /// A set without documents: refuses everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an identity policy.
    #[must_use]
    pub fn with_identity(mut self, document: Document) -> Self {
        Arc::make_mut(&mut self.identity).push(document);
        self
    }

    /// Adds a permissions boundary: what it does not allow, identity policies cannot grant.
    #[must_use]
    pub fn with_boundary(mut self, document: Document) -> Self {
        Arc::make_mut(&mut self.boundary).push(document);
        self
    }

    /// Adds a session policy: what it does not allow, this session cannot do. Several of them count as one, as in AWS.
    #[must_use]
    pub fn with_session(mut self, document: Document) -> Self {
        match self.session.first_mut() {
            Some(pool) => Arc::make_mut(pool).push(document),
            None => self.session.push(Arc::new(vec![document])),
        }
        self
    }

    /// Adds session policies that narrow whatever the session policies so far allow, instead of adding to it. AWS has no
    /// such thing: there, one hand writes all session policies. Levels count from 0 in the order in which they are added.
    #[must_use]
    pub fn with_session_level(mut self, level: Vec<Document>) -> Self {
        self.session.push(Arc::new(level));
        self
    }

    /// Adds one level of service control policies; every level must allow. A level without documents allows nothing.
    #[must_use]
    pub fn with_service_control(mut self, level: Vec<Document>) -> Self {
        self.service_control.push(Arc::new(level));
        self
    }

    /// Adds one level of resource control policies, which can only deny.
    #[must_use]
    pub fn with_resource_control(mut self, level: Vec<Document>) -> Self {
        self.resource_control.push(Arc::new(level));
        self
    }

    /// Adds a resource policy that has a say over every request.
    #[must_use]
    pub fn with_resource(mut self, document: Document) -> Self {
        self.resource.push(ResourcePolicy { bucket: None, documents: Arc::new(vec![document]) });
        self
    }

    /// Adds a bucket policy: it has a say over `arn:aws:s3:::bucket` and `arn:aws:s3:::bucket/*`.
    #[must_use]
    pub fn with_bucket_policy(mut self, bucket: impl Into<String>, document: Document) -> Self {
        self.resource
            .push(ResourcePolicy { bucket: Some(bucket.into()), documents: Arc::new(vec![document]) });
        self
    }

    /// Decides a request: any Deny that applies refuses; otherwise every type of policy that binds the caller must
    /// allow. Whatever cannot be evaluated refuses.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        self.decide_knowing(request, Knowledge::Full)
    }

    /// Could this be allowed with a context that is not known in full? Conditions on Allow statements count as
    /// true, Deny statements with a condition are passed over; variables without a value likewise speak for the
    /// request. A refusal is final: no context would allow the request.
    pub fn could_allow(&self, request: &Request<'_>) -> Decision {
        self.decide_knowing(request, Knowledge::Without(&[""], Favour::Request))
    }

    /// What can be said of a request before all of its context is known: the condition keys that begin with one of
    /// `unknown` (compared without case) may have any value or none, whatever the request says about them.
    ///
    /// ```
    /// # use longshore_policy::{Context, Document, Foresight, PolicyKind, PolicySet, Request};
    /// let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*",
    ///     "Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "blue"}}}}"#;
    /// let role = Document::load("role.json", text, PolicyKind::Identity).unwrap().document;
    /// let policies = PolicySet::new().with_identity(role);
    /// let context = Context::new();
    /// let request = Request {
    ///     principal: "arn:aws:sts::111122223333:assumed-role/reader/job-1",
    ///     action: "s3:GetObject",
    ///     resource: "arn:aws:s3:::logs/1.gz",
    ///     resource_account: "111122223333",
    ///     context: &context,
    /// };
    /// assert!(matches!(policies.foresee(&request, &[]), Foresight::Refused(_)));
    /// let foresight = policies.foresee(&request, &["s3:ExistingObjectTag/"]);
    /// assert!(matches!(foresight, Foresight::Depends { .. }));
    /// ```
    pub fn foresee(&self, request: &Request<'_>, unknown: &[&str]) -> Foresight {
        let folded: Vec<String> = unknown.iter().map(|prefix| fold_key(prefix)).collect();
        let unknown: Vec<&str> = folded.iter().map(String::as_str).collect();
        let at_best = self.decide_knowing(request, Knowledge::Without(&unknown, Favour::Request));
        if !at_best.allowed() {
            return Foresight::Refused(at_best);
        }
        let at_worst = self.decide_knowing(request, Knowledge::Without(&unknown, Favour::Refusal));
        if at_worst.allowed() {
            Foresight::Allowed(at_worst)
        } else {
            Foresight::Depends { at_best, at_worst }
        }
    }

    /// Decides a request and says what part each statement had in it.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        Explanation::new(self, request)
    }

    /// Whether any document mentions a condition key (or variable) that starts with `prefix`, compared without
    /// case: `s3:existingobjecttag/`.
    pub fn mentions_key(&self, prefix: &str) -> bool {
        let prefix = fold_key(prefix);
        self.documents(|_| true).any(|document| document.keys().iter().any(|key| key.starts_with(&prefix)))
    }

    /// The set in a canonical text, to be hashed as the id of a policy snapshot: two sets with the same text decide
    /// every request alike. The order in which documents of one type were added does not show.
    pub fn snapshot(&self) -> String {
        #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
        #[serde(rename_all = "camelCase")]
        struct Entry<'a> {
            kind: PolicyKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            level: Option<usize>,
            #[serde(skip_serializing_if = "Option::is_none")]
            bucket: Option<&'a str>,
            name: &'a str,
            text: &'a str,
        }
        // A level without documents allows nothing, so the levels count even when they are empty.
        let mut lines = vec![format!(
            "{{\"serviceControlLevels\":{},\"sessionLevels\":{}}}",
            self.service_control.len(),
            self.session.len()
        )];
        let mut push = |kind, level, bucket, documents: &[Document]| {
            lines.extend(documents.iter().filter_map(|document| {
                let entry = Entry { kind, level, bucket, name: document.name(), text: document.text() };
                // Strings and numbers always serialize.
                serde_json::to_string(&entry).ok()
            }));
        };
        push(PolicyKind::Identity, None, None, &self.identity);
        push(PolicyKind::Boundary, None, None, &self.boundary);
        for (level, pool) in self.session.iter().enumerate() {
            push(PolicyKind::Session, Some(level), None, pool);
        }
        for (level, pool) in self.service_control.iter().enumerate() {
            push(PolicyKind::ServiceControl, Some(level), None, pool);
        }
        for (level, pool) in self.resource_control.iter().enumerate() {
            push(PolicyKind::ResourceControl, Some(level), None, pool);
        }
        for policy in &self.resource {
            push(PolicyKind::Resource, None, policy.bucket.as_deref(), &policy.documents);
        }
        lines.sort_unstable();
        lines.join("\n")
    }

    /// The documents of every pool, resource policies filtered.
    pub(crate) fn documents<'s>(
        &'s self,
        resource: impl Fn(&ResourcePolicy) -> bool + 's,
    ) -> impl Iterator<Item = &'s Document> {
        [&self.identity, &self.boundary]
            .into_iter()
            .chain(&self.session)
            .chain(&self.service_control)
            .chain(&self.resource_control)
            .chain(
                self.resource.iter().filter(move |policy| resource(policy)).map(|policy| &policy.documents),
            )
            .flat_map(|pool| pool.iter())
    }

    /// Reads a request to these policies.
    pub(crate) fn call<'a>(&self, request: &Request<'a>) -> Result<Call<'a>, EvaluationError> {
        Call::new(request, self.is_bounded())
    }

    /// Whether the principal has a permissions boundary.
    pub(crate) fn is_bounded(&self) -> bool {
        !self.boundary.is_empty()
    }

    fn decide_knowing(&self, request: &Request<'_>, knowledge: Knowledge<'_>) -> Decision {
        let call = match self.call(request) {
            Ok(call) => call,
            Err(error) => return Decision::malformed(error),
        };
        let mut errors = Vec::new();
        match self.gather(&call, knowledge, &mut errors) {
            Err((found, error)) => Decision::denied(found.id(), error, errors),
            Ok(evidence) => match combine::combine(evidence) {
                Ok(found) => Decision::allowed_by(found.id(), errors),
                Err(missing) => Decision::missing(self.why_missing(missing, &call), errors),
            },
        }
    }

    /// What each type of policy says, or the first Deny that applies.
    fn gather<'s, 'c>(
        &'s self,
        call: &Call<'c>,
        knowledge: Knowledge<'_>,
        errors: &mut Vec<EvaluationError>,
    ) -> Result<Evidence<'c, Found<'s>>, (Found<'s>, Option<EvaluationError>)> {
        let mut allows = |pool: &'s Pool| {
            let weighed = weigh(pool, call, knowledge, errors);
            weighed.denies.map_or(Ok(weighed.allows), Err)
        };
        let identity = allows(&self.identity)?.map(|(_, found)| found);
        let outside_boundary = allows(&self.boundary)?.is_none() && self.is_bounded();
        let mut closed_session = None;
        for (level, pool) in self.session.iter().enumerate() {
            if allows(pool)?.is_none() {
                closed_session = closed_session.or(Some(level));
            }
        }
        let mut closed_level = None;
        for (level, pool) in self.service_control.iter().enumerate() {
            if allows(pool)?.is_none() {
                closed_level = closed_level.or(Some(level));
            }
        }
        for pool in &self.resource_control {
            allows(pool)?;
        }
        let mut resource: Option<(Strength, Found<'s>)> = None;
        for policy in self.resource.iter().filter(|policy| policy.is_about(call)) {
            let found = allows(&policy.documents)?;
            if found.map(|(strength, _)| strength) > resource.map(|(strength, _)| strength) {
                resource = found;
            }
        }
        let (caller, resource_account) = (call.caller, call.resource_account);
        Ok(Evidence {
            caller,
            resource_account,
            closed_level,
            outside_boundary,
            closed_session,
            identity,
            resource,
        })
    }

    /// Names the documents that should have allowed the request.
    fn why_missing(&self, missing: Missing, call: &Call<'_>) -> Why {
        let empty = Pool::default();
        let documents = match missing {
            Missing::Identity => &self.identity,
            Missing::Boundary => &self.boundary,
            Missing::Session { level } => self.session.get(level).unwrap_or(&empty),
            Missing::ServiceControl { level } => self.service_control.get(level).unwrap_or(&empty),
            Missing::Resource => {
                let about = self.resource.iter().filter(|policy| policy.is_about(call));
                let documents = about.flat_map(|policy| policy.documents.iter().cloned()).collect();
                return Why::Missing { missing, documents: Arc::new(documents) };
            }
        };
        Why::Missing { missing, documents: Arc::clone(documents) }
    }
}

/// Asks the statements of a pool until one denies; Allow statements only as long as a stronger one may come.
fn weigh<'s>(
    pool: &'s Pool,
    call: &Call<'_>,
    knowledge: Knowledge<'_>,
    errors: &mut Vec<EvaluationError>,
) -> Weighed<'s> {
    let mut weighed = Weighed::default();
    for document in pool.iter() {
        let strongest =
            if document.kind() == PolicyKind::Resource { Strength::Direct } else { Strength::Unnamed };
        for (index, statement) in document.statements().iter().enumerate() {
            let allow = statement.effect == StatementEffect::Allow;
            if allow && weighed.allows.is_some_and(|(strength, _)| strength >= strongest) {
                continue;
            }
            let found = Found { document, index };
            match statement.judge(call, knowledge) {
                Verdict::Stopped(_) => {}
                Verdict::Failed(error) => errors.push(error),
                Verdict::Applies(_, error) if !allow => {
                    weighed.denies = Some((found, error));
                    return weighed;
                }
                Verdict::Applies(strength, _) => {
                    if weighed.allows.is_none_or(|(best, _)| strength > best) {
                        weighed.allows = Some((strength, found));
                    }
                }
            }
        }
    }
    weighed
}
