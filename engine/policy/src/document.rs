//! A policy document: compiled once, immutable, cheap to share.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::finding::Finding;
use crate::load;
use crate::statement::Statement;

/// What a document is attached to, which decides its grammar and its part in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyKind {
    /// Grants to the role that it is attached to.
    Identity,
    /// Attached to a resource (a bucket policy): says who may do what with it.
    Resource,
    /// Permissions boundary: a ceiling over what identity policies may grant.
    Boundary,
    /// Session policy: narrows one session, here one job.
    Session,
    /// Service control policy: a guard over every principal of an account or organization.
    ServiceControl,
    /// Resource control policy: a guard over every resource of an account or organization.
    ResourceControl,
}

#[derive(Debug)]
struct Compiled {
    name: String,
    kind: PolicyKind,
    text: String,
    statements: Vec<Statement>,
    /// Condition keys that some statement reads, folded.
    keys: BTreeSet<String>,
}

/// A compiled policy document. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Document(Arc<Compiled>);

/// A document that loaded, and what is doubtful about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The document.
    pub document: Document,
    /// Findings with `W` codes, in the order of their places.
    pub warnings: Vec<Finding>,
}

impl Document {
    /// Reads and compiles a policy document. `name` is how explanations call it (a file name).
    ///
    /// ```
    /// # use longshore_policy::{Code, Document, PolicyKind};
    /// let text = r#"{"Version": "2012-10-17",
    ///   "Statement": {"Effect": "allow", "Action": "GetObject", "Resource": "*"}}"#;
    /// let findings = Document::load("typo.json", text, PolicyKind::Identity).unwrap_err();
    /// assert_eq!(findings.iter().map(|f| (f.code, f.line)).collect::<Vec<_>>(), [(Code::L2, 2), (Code::L5, 2)]);
    /// ```
    ///
    /// # Errors
    /// Every error found in the document, in the order of their places. A document with errors is never evaluated.
    pub fn load(name: &str, text: &str, kind: PolicyKind) -> Result<Loaded, Vec<Finding>> {
        let load::Outcome { statements, errors, warnings } = load::load(text, kind);
        if !errors.is_empty() {
            return Err(errors);
        }
        let keys = statements.iter().flat_map(Statement::keys).map(str::to_owned).collect();
        let compiled = Compiled { name: name.to_owned(), kind, text: text.to_owned(), statements, keys };
        Ok(Loaded { document: Self(Arc::new(compiled)), warnings })
    }

    /// How explanations call the document.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The type it was loaded as.
    pub fn kind(&self) -> PolicyKind {
        self.0.kind
    }

    /// The text it was loaded from.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The condition keys that its conditions and variables read, folded as [`crate::Context`] folds them.
    pub fn keys(&self) -> &BTreeSet<String> {
        &self.0.keys
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.0.statements
    }
}
