//! A decision at length: which statements applied, which almost did, and what stopped those.

use std::fmt;

use serde::Serialize;

use crate::condition::Test;
use crate::context::{Context, Lookup};
use crate::decision::{Decision, Effect, StatementId};
use crate::request::{Call, Request};
use crate::set::PolicySet;
use crate::statement::{Knowledge, Obstacle, Verdict};

/// Every statement's part in a decision. `Display` is for people, `Serialize` for machines. Values of the request's
/// context never show, only those of the policies.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Allowed or refused.
    pub effect: Effect,
    /// The same in a sentence, see [`Decision::reason`].
    pub reason: String,
    /// The request's principal.
    pub principal: String,
    /// The request's action.
    pub action: String,
    /// The request's resource.
    pub resource: String,
    /// Statements that apply, in the order of documents.
    pub matched: Vec<StatementId>,
    /// Statements about this action that do not apply, and what stopped them.
    pub near_misses: Vec<NearMiss>,
    /// How many statements are about other actions.
    pub other_statements: usize,
    /// What could not be evaluated.
    pub errors: Vec<String>,
}

/// A statement that is about the action, but does not apply.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NearMiss {
    /// The statement.
    pub statement: StatementId,
    /// What stopped it.
    pub stopped_by: Vec<Stop>,
}

/// Something that kept a statement from applying.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "element")]
pub enum Stop {
    /// `Principal` or `NotPrincipal` is not about the caller.
    Principal,
    /// `Resource` or `NotResource` does not cover the resource.
    Resource,
    /// A condition does not hold.
    Condition {
        /// The operator.
        operator: String,
        /// The condition key, as the policy spells it.
        key: String,
        /// The values of the policy.
        values: Vec<String>,
        /// Whether the request has the key.
        present: bool,
    },
    /// The statement could not be evaluated.
    Error {
        /// Why.
        message: String,
    },
}

impl Explanation {
    pub(crate) fn new(set: &PolicySet, request: &Request<'_>) -> Self {
        let decision: Decision = set.decide(request);
        let mut explanation = Self {
            effect: decision.effect,
            reason: decision.reason(),
            principal: request.principal.to_owned(),
            action: request.action.to_owned(),
            resource: request.resource.to_owned(),
            matched: Vec::new(),
            near_misses: Vec::new(),
            other_statements: 0,
            errors: Vec::new(),
        };
        match set.call(request) {
            Ok(call) => explanation.ask_all(set, &call),
            Err(error) => explanation.errors.push(error.to_string()),
        }
        explanation
    }

    fn ask_all(&mut self, set: &PolicySet, call: &Call<'_>) {
        for document in set.documents(|policy| policy.is_about(call)) {
            for index in 0..document.statements().len() {
                self.ask(StatementId::new(document.clone(), index), call);
            }
        }
    }

    fn ask(&mut self, id: StatementId, call: &Call<'_>) {
        let Some(statement) = id.statement() else { return };
        let stopped_by = match statement.judge(call, Knowledge::Full) {
            Verdict::Applies(_, error) => {
                self.errors.extend(error.map(|e| e.to_string()));
                self.matched.push(id);
                return;
            }
            Verdict::Stopped(Obstacle::Action) => {
                self.other_statements = self.other_statements.saturating_add(1);
                return;
            }
            Verdict::Stopped(Obstacle::Principal) => vec![Stop::Principal],
            Verdict::Stopped(Obstacle::Resource) => vec![Stop::Resource],
            Verdict::Stopped(Obstacle::Condition) => {
                statement.tests.iter().filter_map(|test| failing(test, call.context)).collect()
            }
            Verdict::Failed(error) => {
                self.errors.push(error.to_string());
                vec![Stop::Error { message: error.to_string() }]
            }
        };
        self.near_misses.push(NearMiss { statement: id, stopped_by });
    }
}

fn failing(test: &Test, context: &Context) -> Option<Stop> {
    match test.holds(context) {
        Ok(true) => None,
        Err(error) => Some(Stop::Error { message: error.to_string() }),
        Ok(false) => Some(Stop::Condition {
            operator: test.operator.to_string(),
            key: test.name.to_string(),
            values: test.written.iter().map(ToString::to_string).collect(),
            present: context.lookup(&test.key) != Lookup::Absent,
        }),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.effect, self.reason)?;
        writeln!(f, "  principal  {}", self.principal)?;
        writeln!(f, "  action     {}", self.action)?;
        writeln!(f, "  resource   {}", self.resource)?;
        for statement in &self.matched {
            writeln!(f, "applies: {:?} {statement}", statement.effect())?;
        }
        for miss in &self.near_misses {
            writeln!(f, "does not apply: {:?} {}", miss.statement.effect(), miss.statement)?;
            for stop in &miss.stopped_by {
                writeln!(f, "  {stop}")?;
            }
        }
        if self.other_statements > 0 {
            writeln!(f, "statements about other actions: {}", self.other_statements)?;
        }
        for error in &self.errors {
            writeln!(f, "error: {error}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal => f.write_str("it is not about this principal"),
            Self::Resource => f.write_str("it does not cover this resource"),
            Self::Error { message } => write!(f, "it cannot be evaluated: {message}"),
            Self::Condition { operator, key, values, present } => {
                let state = if *present {
                    "the request's value does not satisfy it"
                } else {
                    "the request has no such key"
                };
                write!(f, "{operator} on {key} asks for {values:?}: {state}")
            }
        }
    }
}
