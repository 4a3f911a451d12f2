//! Statements: effect, Sid, actions, resources.

use std::collections::BTreeSet;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::{Loader, Text};
use crate::arn::ArnPattern;
use crate::document::PolicyKind;
use crate::finding::Code;
use crate::glob::Token;
use crate::json;
use crate::pattern::{self, Part, Pattern, Syntax};
use crate::statement::{List, ResourcePattern, Statement, StatementEffect};

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl Loader<'_> {
    pub(super) fn statements(&mut self, values: &[Value<'_>]) -> Vec<Statement> {
        let mut sids = BTreeSet::new();
        let mut statements = Vec::new();
        for value in values {
            let Value::Object(object) = value else {
                let message = format!("a statement is an object, not {}", json::type_name(value));
                self.report(Code::L1, value.range().start, message, None);
                continue;
            };
            let statement = self.statement(object);
            if let Some(sid) = &statement.sid
                && !sids.insert(sid.clone())
            {
                let at = object.get("Sid").map_or(object.range.start, |member| member.value.range().start);
                self.report(
                    Code::L14,
                    at,
                    format!("two statements of this document have the Sid {sid:?}"),
                    None,
                );
            }
            statements.push(statement);
        }
        statements
    }

    /// Reads one statement. Where something is wrong, a finding says so and the statement is never used.
    fn statement(&mut self, object: &Object<'_>) -> Statement {
        self.check_members(object, &ELEMENTS, "a statement");
        let effect = self.effect(object);
        let sid = object.get("Sid").and_then(|member| self.sid(member));
        let principal = self.principals(object, effect);
        let actions = self.choice(object, ["Action", "NotAction"], Self::action);
        let resources = self.choice(object, ["Resource", "NotResource"], Self::resource);
        let tests = object.get("Condition").map(|member| self.condition(&member.value)).unwrap_or_default();
        let (line, _) = self.source.place(object.range.start);
        let statement = Statement {
            sid,
            line,
            effect: effect.unwrap_or(StatementEffect::Deny),
            principal,
            actions,
            resources,
            tests: tests.into(),
        };
        self.lint(object, &statement);
        statement
    }

    fn effect(&mut self, object: &Object<'_>) -> Option<StatementEffect> {
        let Some(member) = object.get("Effect") else {
            let help = Some("add \"Effect\": \"Allow\" or \"Effect\": \"Deny\"".to_owned());
            self.report(Code::L2, object.range.start, "the statement has no Effect", help);
            return None;
        };
        let text = self.string(&member.value, "Effect")?;
        match text.value.as_str() {
            "Allow" => Some(StatementEffect::Allow),
            "Deny" => Some(StatementEffect::Deny),
            other => {
                let message = format!("Effect is \"Allow\" or \"Deny\", in this spelling, not {other:?}");
                self.report(Code::L2, text.at, message, None);
                None
            }
        }
    }

    fn sid(&mut self, member: &ObjectProp<'_>) -> Option<Box<str>> {
        let text = self.string(&member.value, "Sid")?;
        if self.refuse_variable(&text, "a Sid") {
            return None;
        }
        let any_character = matches!(self.kind, PolicyKind::Resource | PolicyKind::ResourceControl);
        if !any_character && let Some(c) = text.value.chars().find(|c| !c.is_ascii_alphanumeric()) {
            let message =
                format!("a Sid is made of A-Z, a-z and 0-9 in a policy of this type; this one holds {c:?}");
            self.report(Code::L14, text.at, message, None);
        }
        // An empty Sid is what consoles write for none.
        (!text.value.is_empty()).then(|| text.value.into())
    }

    /// Reads whichever of an element and its negation is there.
    fn choice<T>(
        &mut self,
        object: &Object<'_>,
        [plain, negated]: [&str; 2],
        read: impl Fn(&mut Self, &Text) -> Option<T>,
    ) -> List<T> {
        let (member, is_negated) = match (object.get(plain), object.get(negated)) {
            (Some(member), None) => (member, false),
            (None, Some(member)) => (member, true),
            (None, None) => {
                let message = format!("the statement has neither {plain} nor {negated}");
                self.report(Code::L3, object.range.start, message, None);
                return List { negated: false, patterns: Box::default() };
            }
            (Some(_), Some(second)) => {
                let message = format!("a statement has {plain} or {negated}, not both");
                self.report(Code::L3, second.range.start, message, None);
                return List { negated: false, patterns: Box::default() };
            }
        };
        let texts = self.strings(&member.value, member.name.as_str());
        List { negated: is_negated, patterns: texts.iter().filter_map(|text| read(self, text)).collect() }
    }

    fn action(&mut self, text: &Text) -> Option<Pattern> {
        if self.refuse_variable(text, "an action") {
            return None;
        }
        if let Some(message) = action_error(&text.value) {
            let help = Some("write \"*\" or \"service:Name\", as in \"s3:GetObject\"".to_owned());
            self.report(Code::L5, text.at, message, help);
            return None;
        }
        let syntax = Syntax { wildcards: true, variables: false };
        let pattern = Pattern::new(pattern::parse(&text.value.to_ascii_lowercase(), syntax).ok()?);
        self.lint_action(text, &pattern);
        Some(pattern)
    }

    fn resource(&mut self, text: &Text) -> Option<ResourcePattern> {
        self.warn_of_literal_variable(text);
        if text.value == "*" {
            return Some(ResourcePattern::Anything);
        }
        let parts = self.parts(text, true)?;
        let Some(pattern) = ArnPattern::new(parts) else {
            let message = format!("{:?} is neither \"*\" nor an ARN of six fields", text.value);
            let help = Some("an object is arn:aws:s3:::BUCKET/KEY, a bucket arn:aws:s3:::BUCKET".to_owned());
            self.report(Code::L6, text.at, message, help);
            return None;
        };
        if self.variables && text.value.splitn(6, ':').take(5).any(|field| field.contains("${")) {
            let message =
                "policy variables are replaced in the sixth field of a resource only, after five colons";
            self.report(Code::L12, text.at, message, None);
            return None;
        }
        self.lint_resource(text, &pattern);
        Some(ResourcePattern::Arn(pattern))
    }

    /// Splits a text that may hold variables.
    pub(super) fn parts(&mut self, text: &Text, wildcards: bool) -> Option<Vec<Part>> {
        match pattern::parse(&text.value, Syntax { wildcards, variables: self.variables }) {
            Ok(parts) => Some(parts),
            Err(message) => {
                let help = Some("write ${key} or ${key, 'default'}; a literal $ is ${$}".to_owned());
                self.report(Code::L12, text.at, message, help);
                None
            }
        }
    }
}

/// What is wrong with an action, if anything is.
pub(crate) fn action_error(action: &str) -> Option<String> {
    if action == "*" {
        return None;
    }
    if action.contains(char::is_whitespace) {
        return Some(format!("the action {action:?} holds white space"));
    }
    let Some((service, name)) = action.split_once(':') else {
        return Some(format!("the action {action:?} has no service prefix"));
    };
    if service.contains(['*', '?']) {
        return Some(format!("the action {action:?} has a wildcard in its service prefix"));
    }
    let well_formed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if service.is_empty() || !service.chars().all(well_formed) || name.is_empty() {
        return Some(format!("{action:?} is not an action"));
    }
    None
}

/// Whether the text of an S3 bucket pattern ends in `*` without naming an object.
pub(super) fn is_open_bucket(pattern: &ArnPattern) -> bool {
    match pattern.resource() {
        Pattern::Wildcards(tokens) => {
            let text = |token: &Token<Box<str>>| {
                if let Token::Text(text) = token { text.contains('/') } else { false }
            };
            matches!(tokens.last(), Some(Token::Run)) && !tokens.iter().any(text)
        }
        _ => false,
    }
}
