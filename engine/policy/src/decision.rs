//! The answer, and why.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::combine::Missing;
use crate::document::Document;
use crate::error::EvaluationError;
use crate::set::Pool;
use crate::statement::{Statement, StatementEffect};

/// What a decision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    /// Allowed.
    Allow,
    /// Refused because nothing allows it.
    ImplicitDeny,
    /// Refused because a Deny statement applies.
    ExplicitDeny,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A statement of a document. Its `Display` is fit for a sentence: `statement "DenySecret" of policies/tagger.json`,
/// or without a `Sid` `statement 2 (line 9) of policies/tagger.json`.
#[derive(Debug, Clone)]
pub struct StatementId {
    document: Document,
    index: usize,
}

impl StatementId {
    pub(crate) fn new(document: Document, index: usize) -> Self {
        Self { document, index }
    }

    /// The document that holds the statement.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Its place in the document, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its `Sid`.
    pub fn sid(&self) -> Option<&str> {
        self.statement().and_then(|statement| statement.sid.as_deref())
    }

    /// The line where it begins, from 1.
    pub fn line(&self) -> u32 {
        self.statement().map_or(1, |statement| statement.line)
    }

    /// Its `Effect`.
    pub fn effect(&self) -> StatementEffect {
        self.statement().map_or(StatementEffect::Deny, |statement| statement.effect)
    }

    pub(crate) fn statement(&self) -> Option<&Statement> {
        self.document.statements().get(self.index)
    }
}

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sid() {
            Some(sid) => write!(f, "statement {sid:?}")?,
            None => write!(f, "statement {} (line {})", self.index.saturating_add(1), self.line())?,
        }
        write!(f, " of {}", self.document.name())
    }
}

impl Serialize for StatementId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            document: &'a str,
            kind: crate::document::PolicyKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            sid: Option<&'a str>,
            index: usize,
            line: u32,
            effect: StatementEffect,
        }
        let fields = Fields {
            document: self.document.name(),
            kind: self.document.kind(),
            sid: self.sid(),
            index: self.index,
            line: self.line(),
            effect: self.effect(),
        };
        fields.serialize(serializer)
    }
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Allowed or refused.
    pub effect: Effect,
    why: Why,
    errors: Vec<EvaluationError>,
}

/// What decided.
#[derive(Debug, Clone)]
pub(crate) enum Why {
    Statement(StatementId),
    /// A Deny that could not be evaluated.
    UnreadableDeny(StatementId, EvaluationError),
    /// A type of policy does not allow the request; its documents.
    Missing {
        missing: Missing,
        documents: Pool,
    },
    MalformedRequest(EvaluationError),
}

impl Decision {
    pub(crate) fn allowed_by(statement: StatementId, errors: Vec<EvaluationError>) -> Self {
        Self { effect: Effect::Allow, why: Why::Statement(statement), errors }
    }

    pub(crate) fn denied(
        statement: StatementId,
        error: Option<EvaluationError>,
        mut errors: Vec<EvaluationError>,
    ) -> Self {
        let why = match error {
            None => Why::Statement(statement),
            Some(error) => {
                errors.push(error.clone());
                Why::UnreadableDeny(statement, error)
            }
        };
        Self { effect: Effect::ExplicitDeny, why, errors }
    }

    pub(crate) fn missing(why: Why, errors: Vec<EvaluationError>) -> Self {
        Self { effect: Effect::ImplicitDeny, why, errors }
    }

    pub(crate) fn malformed(error: EvaluationError) -> Self {
        let errors = vec![error.clone()];
        Self { effect: Effect::ImplicitDeny, why: Why::MalformedRequest(error), errors }
    }

    /// Whether the request may be sent.
    pub fn allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// The statement that decided: the one that grants, or the first Deny that applies. None if nothing allows.
    pub fn statement(&self) -> Option<&StatementId> {
        match &self.why {
            Why::Statement(statement) | Why::UnreadableDeny(statement, _) => Some(statement),
            Why::Missing { .. } | Why::MalformedRequest(_) => None,
        }
    }

    /// What could not be evaluated on the way. With errors here a refusal may be a mistake in the request.
    pub fn errors(&self) -> &[EvaluationError] {
        &self.errors
    }

    /// One sentence fit for a completion report.
    pub fn reason(&self) -> String {
        let mut reason = match &self.why {
            Why::Statement(statement) if self.allowed() => format!("{statement} allows it"),
            Why::Statement(statement) => format!("{statement} denies it"),
            Why::UnreadableDeny(statement, error) => {
                return format!("{statement} denies it, because it cannot be evaluated: {error}");
            }
            Why::MalformedRequest(error) => return error.to_string(),
            Why::Missing { missing, documents } => missing_reason(*missing, documents),
        };
        if let (false, Some(error)) = (self.allowed(), self.errors.first()) {
            reason.push_str(&format!(", and one that might cannot be evaluated: {error}"));
        }
        reason
    }
}

/// What can be said about a request of whose context some keys are not known. Whatever they turn out to be, the decision
/// will be allowed or refused as this says.
#[derive(Debug, Clone)]
pub enum Foresight {
    /// It will be allowed.
    Allowed(Decision),
    /// It will be refused.
    Refused(Decision),
    /// That depends on the keys.
    Depends {
        /// The decision if they speak for the request.
        at_best: Decision,
        /// The decision if they speak against it.
        at_worst: Decision,
    },
}

impl Foresight {
    /// The statement whose conditions (or variables) will decide, if that is open: the Deny that may apply, or else the
    /// Allow that may.
    pub fn open(&self) -> Option<&StatementId> {
        match self {
            Self::Allowed(_) | Self::Refused(_) => None,
            Self::Depends { at_best, at_worst } => at_worst.statement().or_else(|| at_best.statement()),
        }
    }
}

fn missing_reason(missing: Missing, documents: &[Document]) -> String {
    let names: Vec<&str> = documents.iter().map(Document::name).collect();
    let names = names.join(", ");
    let one = documents.len() == 1;
    let policy = if one { "policy" } else { "policies" };
    match (missing, documents) {
        (Missing::Identity, []) => "the role has no policy, so nothing allows it".to_owned(),
        (Missing::Identity, _) => format!("no statement of the role's {policy} {names} allows it"),
        (Missing::Boundary, _) => format!("the permissions boundary {names} does not allow it"),
        (Missing::Session { .. }, []) => {
            "a level of session policies is empty, so nothing is allowed".to_owned()
        }
        (Missing::Session { .. }, _) => {
            format!("the session {policy} {names} {} not allow it", if one { "does" } else { "do" })
        }
        (Missing::ServiceControl { .. }, []) => {
            "a level of service control policies is empty, so nothing is allowed".to_owned()
        }
        (Missing::ServiceControl { .. }, _) => {
            format!("no statement of the service control {policy} {names} allows it")
        }
        (Missing::Resource, []) => {
            "the resource belongs to another account, and no resource policy allows it".to_owned()
        }
        (Missing::Resource, _) => {
            format!(
                "the resource belongs to another account, whose resource {policy} {names} does not allow it"
            )
        }
    }
}
