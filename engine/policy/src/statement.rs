//! One statement, and whether it applies to a request.

use crate::arn::ArnPattern;
use crate::condition::{self, Test, Truth};
use crate::context::Context;
use crate::error::EvaluationError;
use crate::pattern::{Matched, Pattern};
use crate::principal::{PrincipalTest, Strength};
use crate::request::Call;
use crate::work;

/// The `Effect` of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum StatementEffect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// A compiled statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    /// Line where it begins, from 1.
    pub(crate) line: u32,
    pub(crate) effect: StatementEffect,
    pub(crate) principal: PrincipalTest,
    /// Folded patterns.
    pub(crate) actions: List<Pattern>,
    pub(crate) resources: List<ResourcePattern>,
    pub(crate) tests: Box<[Test]>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub(crate) struct List<T> {
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[T]>,
}

/// A value of `Resource` or `NotResource`.
#[derive(Debug, Clone)]
pub(crate) enum ResourcePattern {
    /// `*`
    Anything,
    Arn(ArnPattern),
}

/// How much of the context is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge<'k> {
    /// All of it: this is the request that will be sent.
    Full,
    /// All but the keys that begin with one of these (folded): what depends on them may turn out either way, so it
    /// speaks for one side.
    Without(&'k [&'k str], Favour),
}

impl Knowledge<'_> {
    /// Whether nothing can be said about what reads these keys.
    fn lacks<'a>(self, mut keys: impl Iterator<Item = &'a str>) -> bool {
        match self {
            Self::Full => false,
            Self::Without(unknown, _) => keys.any(|key| unknown.iter().any(|prefix| key.starts_with(prefix))),
        }
    }
}

/// The side that what is not known speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Favour {
    /// The best that can happen to the request.
    Request,
    /// The worst.
    Refusal,
}

/// What kept a statement from applying. In the order in which they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    Action,
    Principal,
    Resource,
    Condition,
}

/// A statement's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It applies; a Deny also when it could not be evaluated, and then the error is here.
    Applies(Strength, Option<EvaluationError>),
    Stopped(Obstacle),
    /// An Allow that could not be evaluated.
    Failed(EvaluationError),
}

/// Why a part of a statement can be neither true nor false.
enum Doubt {
    /// It depends on a key that is not known.
    Unknown,
    /// A variable has no value.
    Unresolved,
    Error(EvaluationError),
}

impl Statement {
    pub(crate) fn judge(&self, call: &Call<'_>, knowledge: Knowledge<'_>) -> Verdict {
        work::spend(1);
        if !self.has_action(&call.action) {
            return Verdict::Stopped(Obstacle::Action);
        }
        let Some(strength) = self.principal.test(&call.caller, call.bounded) else {
            return Verdict::Stopped(Obstacle::Principal);
        };
        let resource = self.covers_resource(call, knowledge);
        if resource == Ok(false) {
            return Verdict::Stopped(Obstacle::Resource);
        }
        let condition = self.condition_holds(call, knowledge);
        if condition == Ok(false) {
            return Verdict::Stopped(Obstacle::Condition);
        }
        match (resource.and(condition), self.effect) {
            (Ok(_), _) => Verdict::Applies(strength, None),
            (Err(error), StatementEffect::Deny) => Verdict::Applies(strength, Some(error)),
            (Err(error), StatementEffect::Allow) => Verdict::Failed(error),
        }
    }

    /// Whether the statement is about an action (folded).
    pub(crate) fn has_action(&self, action: &str) -> bool {
        // Action patterns hold no variables, so there is nothing to resolve and no error.
        let nothing = Context::new();
        let listed = |pattern: &Pattern| matches!(pattern.test(action, &nothing), Ok(Matched::Yes));
        self.actions.patterns.iter().any(listed) != self.actions.negated
    }

    /// Whether the statement applies where that depends on what is not known.
    fn applies_in(&self, favour: Favour) -> bool {
        (self.effect == StatementEffect::Allow) == (favour == Favour::Request)
    }

    fn covers_resource(&self, call: &Call<'_>, knowledge: Knowledge<'_>) -> Truth {
        match (self.lists_resource(call, knowledge), knowledge) {
            (Ok(listed), _) => Ok(listed != self.resources.negated),
            (Err(Doubt::Unknown), Knowledge::Without(_, favour)) => Ok(self.applies_in(favour)),
            // An unresolved pattern matches nothing: the request lies outside a NotResource list. AWS says so for
            // Deny; in an Allow it would grant what nobody wrote, so there it does not apply.
            (Err(Doubt::Unresolved | Doubt::Unknown), _) => {
                Ok(self.resources.negated && self.effect == StatementEffect::Deny)
            }
            (Err(Doubt::Error(error)), _) => Err(error),
        }
    }

    /// Whether the resource is on the list. A match wins over every doubt, what is not known over an error, that over an
    /// unresolved variable.
    fn lists_resource(&self, call: &Call<'_>, knowledge: Knowledge<'_>) -> Result<bool, Doubt> {
        let mut doubt = None;
        for pattern in &self.resources.patterns {
            let (pattern, arn) = match (pattern, &call.resource) {
                (ResourcePattern::Anything, _) => return Ok(true),
                (ResourcePattern::Arn(_), None) => continue,
                (ResourcePattern::Arn(pattern), Some(arn)) => (pattern, arn),
            };
            if knowledge.lacks(pattern.variables()) {
                doubt = Some(Doubt::Unknown);
                continue;
            }
            match (pattern.test(arn, call.context), &doubt) {
                (Ok(Matched::Yes), _) => return Ok(true),
                (Ok(Matched::No), _) | (_, Some(Doubt::Unknown)) => {}
                (Ok(Matched::Unresolved), _) => doubt = doubt.or(Some(Doubt::Unresolved)),
                (Err(error), _) => doubt = Some(Doubt::Error(error)),
            }
        }
        doubt.map_or(Ok(false), Err)
    }

    fn condition_holds(&self, call: &Call<'_>, knowledge: Knowledge<'_>) -> Truth {
        let holds = |test: &Test| test.holds(call.context);
        let Knowledge::Without(_, favour) = knowledge else {
            return condition::all(self.tests.iter().map(holds));
        };
        let (unknown, known): (Vec<&Test>, Vec<&Test>) =
            self.tests.iter().partition(|test| knowledge.lacks(test.keys().into_iter()));
        match condition::all(known.into_iter().map(holds)) {
            Ok(false) => Ok(false),
            _ if !unknown.is_empty() && !self.applies_in(favour) => Ok(false),
            known => known,
        }
    }

    /// The condition keys that the statement reads, folded.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.patterns.iter().flat_map(|pattern| match pattern {
            ResourcePattern::Arn(pattern) => pattern.variables().collect(),
            ResourcePattern::Anything => Vec::new(),
        });
        resources.chain(self.tests.iter().flat_map(Test::keys))
    }
}
