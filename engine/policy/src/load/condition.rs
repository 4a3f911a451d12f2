//! The condition block.

use std::collections::BTreeSet;

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::{Loader, Text, suggest};
use crate::arn::ArnPattern;
use crate::condition::{ArnValue, Test, Values};
use crate::finding::Code;
use crate::json;
use crate::names;
use crate::operator::{Comparison, Operator};
use crate::pattern::{self, Part, Pattern, Syntax};
use crate::value::{self, Decimal, fold_key};

impl Loader<'_> {
    pub(super) fn condition(&mut self, value: &Value<'_>) -> Vec<Test> {
        let Value::Object(block) = value else {
            let message = format!("Condition is an object of operators, not {}", json::type_name(value));
            self.report(Code::L1, value.range().start, message, None);
            return Vec::new();
        };
        let mut seen = BTreeSet::new();
        let mut tests = Vec::new();
        for member in &block.properties {
            if seen.insert(member.name.as_str()) {
                self.operator_block(member, &mut tests);
            } else {
                self.repeated(member);
            }
        }
        tests
    }

    fn operator_block(&mut self, member: &ObjectProp<'_>, tests: &mut Vec<Test>) {
        let Some(operator) = self.operator(member) else { return };
        let Value::Object(keys) = &member.value else {
            let found = json::type_name(&member.value);
            let message = format!("{operator} holds an object of condition keys, not {found}");
            self.report(Code::L1, member.value.range().start, message, None);
            return;
        };
        let mut spelled = BTreeSet::new();
        let mut folded = BTreeSet::new();
        for member in &keys.properties {
            let name = member.name.as_str();
            if !spelled.insert(name) {
                self.repeated(member);
            } else if !folded.insert(fold_key(name)) {
                let message = format!(
                    "{operator} has the condition key {name:?} twice: keys are compared without case"
                );
                let help = Some("put all values into one list".to_owned());
                self.report(Code::L10, member.range.start, message, help);
            } else {
                tests.extend(self.test(operator, member));
            }
        }
    }

    fn operator(&mut self, member: &ObjectProp<'_>) -> Option<Operator> {
        let (name, at) = (member.name.as_str(), member.range.start);
        let Some(operator) = Operator::parse(name) else {
            let base = name.rsplit(':').next().unwrap_or(name);
            let help = suggest(base, Operator::names());
            self.report(Code::L8, at, format!("there is no condition operator {name:?}"), help);
            return None;
        };
        if operator.comparison == Comparison::Null && (operator.if_exists || operator.quantifier.is_some()) {
            let message = format!(
                "{operator} would always give the same answer: Null itself asks whether a key exists"
            );
            self.report(Code::L8, at, message, Some("write \"Null\"".to_owned()));
            return None;
        }
        if operator.to_string() != name {
            let message = format!("the operator is spelled {operator} in AWS's documentation, not {name}");
            self.report(Code::W8, at, message, None);
        }
        Some(operator)
    }

    fn test(&mut self, operator: Operator, member: &ObjectProp<'_>) -> Option<Test> {
        let name = member.name.as_str();
        let key = fold_key(name);
        self.check_cardinality(operator, member, &key);
        let texts = self.scalars(&member.value, name);
        if operator.comparison == Comparison::Bool && texts.len() > 1 {
            let message = format!("{operator} on {name:?} has more than one value");
            self.report(Code::L11, member.value.range().start, message, None);
        }
        let values = self.values(operator, &texts)?;
        let written = texts.into_iter().map(|text| text.value.into()).collect();
        Some(Test { operator, name: name.into(), key: key.into(), values, written })
    }

    /// A plain operator says nothing about a set, and a set operator on one value hides what is meant.
    fn check_cardinality(&mut self, operator: Operator, member: &ObjectProp<'_>, key: &str) {
        let name = member.name.as_str();
        match (names::is_multivalued(key), operator.quantifier) {
            (Some(true), None) if operator.comparison != Comparison::Null => {
                let message = format!("{name:?} is a set of values, and {operator} compares one");
                let help = Some(format!("write \"ForAnyValue:{operator}\" or \"ForAllValues:{operator}\""));
                self.report(Code::L11, member.range.start, message, help);
            }
            (Some(false), Some(_)) => {
                let message = format!("{name:?} has one value, and {operator} is for sets of values");
                self.report(
                    Code::L11,
                    member.range.start,
                    message,
                    Some("leave the part before the colon out".to_owned()),
                );
            }
            _ => {}
        }
    }

    /// The values of a condition key; numbers and booleans are the same as their text.
    fn scalars(&mut self, value: &Value<'_>, key: &str) -> Vec<Text> {
        let element = format!("condition key {key:?}");
        self.list(value, &element)
            .iter()
            .filter_map(|value| match value {
                Value::NumberLit(number) => {
                    Some(Text { value: number.value.to_owned(), at: number.range.start })
                }
                Value::BooleanLit(flag) => Some(Text { value: flag.value.to_string(), at: flag.range.start }),
                other => self.string(other, &element),
            })
            .collect()
    }

    fn values(&mut self, operator: Operator, texts: &[Text]) -> Option<Values> {
        if !operator.takes_variables() {
            let place = format!("a value of {operator}");
            let refused = texts.iter().filter(|text| self.refuse_variable(text, &place)).count();
            if refused > 0 {
                return None;
            }
        }
        Some(match operator.comparison {
            Comparison::StringEquals => self.text_values(texts, false, false)?,
            Comparison::StringEqualsIgnoreCase => self.text_values(texts, false, true)?,
            Comparison::StringLike => self.text_values(texts, true, false)?,
            Comparison::Arn => {
                let values: Option<Vec<_>> = texts.iter().map(|text| self.arn_value(text)).collect();
                Values::Arns(values?.into())
            }
            Comparison::Numeric(order) => Values::Numbers(
                order,
                self.read(texts, "a decimal number of at most 38 digits", Decimal::parse)?,
            ),
            Comparison::Date(order) => {
                let expected = "a date: YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm:ssZ or Unix seconds";
                Values::Instants(order, self.read(texts, expected, value::instant)?)
            }
            Comparison::Bool => {
                Values::Bool(*self.read(texts, "\"true\" or \"false\"", value::boolean)?.first()?)
            }
            Comparison::Null => Values::Null(self.read(texts, "\"true\" or \"false\"", value::boolean)?),
            Comparison::Binary => Values::Bytes(self.read(texts, "base64 with padding", value::bytes)?),
            Comparison::IpAddress => {
                Values::Networks(self.read(texts, "an IP address or CIDR block", value::network)?)
            }
        })
    }

    /// Reads every value, and reports each that cannot be read.
    fn read<T>(
        &mut self,
        texts: &[Text],
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Box<[T]>> {
        let values: Vec<Option<T>> = texts
            .iter()
            .map(|text| {
                let value = read(&text.value);
                if value.is_none() {
                    self.report(Code::L9, text.at, format!("{:?} is not {expected}", text.value), None);
                }
                value
            })
            .collect();
        values.into_iter().collect()
    }

    fn text_values(&mut self, texts: &[Text], wildcards: bool, ignore_case: bool) -> Option<Values> {
        let patterns: Vec<_> = texts
            .iter()
            .map(|text| {
                self.warn_of_literal_variable(text);
                if !wildcards {
                    self.warn_of_literal_wildcard(text);
                }
                self.parts(text, wildcards).map(Pattern::new)
            })
            .collect();
        let patterns: Option<Box<[Pattern]>> = patterns.into_iter().collect();
        Some(Values::Text { patterns: patterns?, ignore_case })
    }

    fn warn_of_literal_wildcard(&mut self, text: &Text) {
        let syntax = Syntax { wildcards: true, variables: self.variables };
        let wildcard =
            |part: &Part| matches!(part, Part::Fixed(token) if !matches!(token, crate::glob::Token::Text(_)));
        if pattern::parse(&text.value, syntax).is_ok_and(|parts| parts.iter().any(wildcard)) {
            let message = "this operator compares * and ? as they are";
            self.report(
                Code::W1,
                text.at,
                message,
                Some("wildcards need StringLike or StringNotLike".to_owned()),
            );
        }
    }

    fn arn_value(&mut self, text: &Text) -> Option<ArnValue> {
        self.warn_of_literal_variable(text);
        let parts = self.parts(text, true)?;
        if let [Part::Variable(_)] = parts.as_slice() {
            return Some(ArnValue::Whole(Pattern::new(parts)));
        }
        let pattern = ArnPattern::new(parts);
        if pattern.is_none() {
            let message = format!("{:?} is not a pattern of ARNs, which has six fields", text.value);
            self.report(Code::L9, text.at, message, Some("to match any ARN write arn:*:*:*:*:*".to_owned()));
        }
        pattern.map(ArnValue::Fields)
    }
}
