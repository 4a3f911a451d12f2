//! One statement, and whether it applies to a request.

use crate::arn::ArnPattern;
use crate::condition::{self, Test, Truth};
use crate::context::Lookup;
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
pub(crate) enum Knowledge {
    /// All of it: this is the request that will be sent.
    Full,
    /// Only a part: whatever depends on the context may turn out either way, so it speaks for the request.
    Partial,
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
    /// A variable has no value.
    Unresolved,
    Error(EvaluationError),
}

impl Statement {
    pub(crate) fn judge(&self, call: &Call<'_>, knowledge: Knowledge) -> Verdict {
        work::spend(1);
        if !self.covers_action(call) {
            return Verdict::Stopped(Obstacle::Action);
        }
        let Some(strength) = self.principal.test(call) else {
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

    fn covers_action(&self, call: &Call<'_>) -> bool {
        // Action patterns hold no variables, so there is nothing to resolve and no error.
        let listed = |pattern: &Pattern| matches!(pattern.test(&call.action, call.context), Ok(Matched::Yes));
        self.actions.patterns.iter().any(listed) != self.actions.negated
    }

    fn covers_resource(&self, call: &Call<'_>, knowledge: Knowledge) -> Truth {
        let for_the_request = self.effect == StatementEffect::Allow;
        match (self.lists_resource(call, knowledge), knowledge) {
            (Ok(listed), _) => Ok(listed != self.resources.negated),
            (Err(_), Knowledge::Partial) => Ok(for_the_request),
            // An unresolved pattern matches nothing: the request lies outside a NotResource list. AWS says so for
            // Deny; in an Allow it would grant what nobody wrote, so there it does not apply.
            (Err(Doubt::Unresolved), Knowledge::Full) => Ok(self.resources.negated && !for_the_request),
            (Err(Doubt::Error(error)), Knowledge::Full) => Err(error),
        }
    }

    /// Whether the resource is on the list; an error wins over an unresolved variable, a match over both.
    fn lists_resource(&self, call: &Call<'_>, knowledge: Knowledge) -> Result<bool, Doubt> {
        let mut doubt = None;
        for pattern in &self.resources.patterns {
            let (pattern, arn) = match (pattern, &call.resource) {
                (ResourcePattern::Anything, _) => return Ok(true),
                (ResourcePattern::Arn(_), None) => continue,
                (ResourcePattern::Arn(pattern), Some(arn)) => (pattern, arn),
            };
            // The value that a variable's default stands in for may be among what is not known.
            let open = |key: &str| call.context.lookup(key) == Lookup::Absent;
            if knowledge == Knowledge::Partial && pattern.variables().any(open) {
                doubt = doubt.or(Some(Doubt::Unresolved));
                continue;
            }
            match pattern.test(arn, call.context) {
                Ok(Matched::Yes) => return Ok(true),
                Ok(Matched::No) => {}
                Ok(Matched::Unresolved) => doubt = doubt.or(Some(Doubt::Unresolved)),
                Err(error) => doubt = Some(Doubt::Error(error)),
            }
        }
        doubt.map_or(Ok(false), Err)
    }

    fn condition_holds(&self, call: &Call<'_>, knowledge: Knowledge) -> Truth {
        if knowledge == Knowledge::Partial {
            return Ok(self.tests.is_empty() || self.effect == StatementEffect::Allow);
        }
        condition::all(self.tests.iter().map(|test| test.holds(call.context)))
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
