//! One test of a condition block: an operator, a key, and the values it is compared with.

use jiff::Timestamp;

use crate::arn::{Arn, ArnPattern};
use crate::context::{Context, Lookup};
use crate::error::EvaluationError;
use crate::limits::MAX_REQUEST_TEXT;
use crate::operator::{Operator, Order, Quantifier};
use crate::pattern::{Matched, Pattern};
use crate::value::{self, Decimal};
use crate::work;

/// `{ operator: { key: values } }`. All tests of a statement are joined by AND, the values of one test by OR.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    pub(crate) operator: Operator,
    /// The key as the policy spells it.
    pub(crate) name: Box<str>,
    /// The key, folded.
    pub(crate) key: Box<str>,
    pub(crate) values: Values,
    /// The values as the policy writes them, for explanations.
    pub(crate) written: Box<[Box<str>]>,
}

/// The values of a test, ready to be compared by its operator.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Text {
        patterns: Box<[Pattern]>,
        ignore_case: bool,
    },
    Numbers(Order, Box<[Decimal]>),
    Instants(Order, Box<[Timestamp]>),
    Bool(bool),
    Bytes(Box<[Vec<u8>]>),
    Networks(Box<[ipnet::IpNet]>),
    Arns(Box<[ArnValue]>),
    /// Whether the key must be absent; any of these will do.
    Null(Box<[bool]>),
}

/// A value of an ARN operator.
#[derive(Debug, Clone)]
pub(crate) enum ArnValue {
    Fields(ArnPattern),
    /// A value that is one variable: stands for one whole ARN.
    Whole(Pattern),
}

/// True, false, or an error, which is neither.
pub(crate) type Truth = Result<bool, EvaluationError>;

/// Kleene's OR: true wins over an error, an error over false. So order never matters.
fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut error = None;
    for truth in truths {
        match truth {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(e) => error = error.or(Some(e)),
        }
    }
    error.map_or(Ok(false), Err)
}

/// Kleene's AND: false wins over an error, an error over true.
pub(crate) fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    any(truths.into_iter().map(|truth| truth.map(|t| !t))).map(|t| !t)
}

impl Test {
    pub(crate) fn holds(&self, context: &Context) -> Truth {
        work::spend(1);
        let found = context.lookup(&self.key);
        if let Values::Null(absent_wanted) = &self.values {
            return match found {
                Lookup::Ambiguous => Err(self.ambiguous()),
                found => Ok(absent_wanted.contains(&(found == Lookup::Absent))),
            };
        }
        match (found, self.operator.quantifier) {
            (Lookup::Ambiguous, _) => Err(self.ambiguous()),
            (Lookup::Absent, _) => Ok(self.operator.holds_when_absent()),
            (Lookup::One(value), _) => self.compare(value, context),
            // A plain operator says nothing about a set, not even when negated; the loader refuses it for keys known
            // to be multivalued.
            (Lookup::Many(_), None) => Ok(false),
            (Lookup::Many(values), Some(Quantifier::All)) => {
                all(values.iter().map(|value| self.compare(value, context)))
            }
            (Lookup::Many(values), Some(Quantifier::Any)) => {
                any(values.iter().map(|value| self.compare(value, context)))
            }
        }
    }

    /// One value of the request against the whole list of the policy.
    fn compare(&self, request: &str, context: &Context) -> Truth {
        if request.len() > MAX_REQUEST_TEXT {
            return Err(EvaluationError::TooLong { what: format!("value of condition key {:?}", self.name) });
        }
        self.equals_any(request, context).map(|listed| listed != self.operator.negated)
    }

    fn equals_any(&self, request: &str, context: &Context) -> Truth {
        // An unresolved variable equals nothing; so under a negated operator it counts as different.
        let yes = |matched: Result<Matched, EvaluationError>| matched.map(|m| m == Matched::Yes);
        match &self.values {
            Values::Text { patterns, ignore_case: false } => {
                any(patterns.iter().map(|p| yes(p.test(request, context))))
            }
            Values::Text { patterns, ignore_case: true } => {
                any(patterns.iter().map(|p| yes(p.test_ignoring_case(request, context))))
            }
            Values::Numbers(order, values) => {
                let number = Decimal::parse(request).ok_or_else(|| self.unreadable("a decimal number"))?;
                Ok(values.iter().any(|value| order.holds(number.cmp(value))))
            }
            Values::Instants(order, values) => {
                let instant = value::instant(request).ok_or_else(|| self.unreadable("a date"))?;
                Ok(values.iter().any(|value| order.holds(instant.cmp(value))))
            }
            Values::Bool(wanted) => {
                Ok(value::boolean(request).ok_or_else(|| self.unreadable("true or false"))? == *wanted)
            }
            Values::Bytes(values) => {
                let bytes = value::bytes(request).ok_or_else(|| self.unreadable("base64"))?;
                Ok(values.contains(&bytes))
            }
            Values::Networks(networks) => {
                let address = value::address(request).ok_or_else(|| self.unreadable("an IP address"))?;
                Ok(networks.iter().any(|network| network.contains(&address)))
            }
            Values::Arns(values) => {
                let arn = Arn::parse(request).ok_or_else(|| self.unreadable("an ARN"))?;
                any(values.iter().map(|value| match value {
                    ArnValue::Fields(pattern) => yes(pattern.test(&arn, context)),
                    ArnValue::Whole(pattern) => yes(pattern.test(request, context)),
                }))
            }
            // Answered by presence alone, in `holds`.
            Values::Null(_) => Ok(false),
        }
    }

    fn ambiguous(&self) -> EvaluationError {
        EvaluationError::AmbiguousKey { key: self.key.to_string() }
    }

    fn unreadable(&self, expected: &'static str) -> EvaluationError {
        let (key, operator) = (self.name.to_string(), self.operator.to_string());
        EvaluationError::UnreadableValue { key, operator, expected }
    }

    /// The condition keys that the test reads, folded: its own and those of its variables.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let mut keys = vec![&*self.key];
        match &self.values {
            Values::Text { patterns, .. } => keys.extend(patterns.iter().flat_map(Pattern::variables)),
            Values::Arns(values) => values.iter().for_each(|value| match value {
                ArnValue::Fields(pattern) => keys.extend(pattern.variables()),
                ArnValue::Whole(pattern) => keys.extend(pattern.variables()),
            }),
            _ => {}
        }
        keys
    }
}
