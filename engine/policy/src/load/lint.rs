//! Warnings: what is legal and yet rarely meant.

use jsonc_parser::ast::Object;

use super::statement::is_open_bucket;
use super::{Loader, Text, suggest};
use crate::arn::ArnPattern;
use crate::condition::{Test, Values};
use crate::context::Context;
use crate::finding::Code;
use crate::names::{self, S3Action};
use crate::operator::{Operator, Quantifier};
use crate::pattern::{Matched, Pattern};
use crate::principal::PrincipalTest;
use crate::statement::{Statement, StatementEffect};

impl Loader<'_> {
    /// Looks at a whole statement.
    pub(super) fn lint(&mut self, object: &Object<'_>, statement: &Statement) {
        if let Some(member) = object.get("NotPrincipal")
            && let PrincipalTest::NotPrincipal(values) = &statement.principal
            && let Some(arn) = values.iter().find_map(|value| value.member_without_account(values))
        {
            let message = format!("{arn:?} is spared, but its account is not: AWS may then deny it too");
            self.report(Code::W11, member.range.start, message, Some("list the account as well".to_owned()));
        }
        for test in &statement.tests {
            let at = place(object, test).unwrap_or(object.range.start);
            let vacuous = test.operator.quantifier == Some(Quantifier::All)
                && statement.effect == StatementEffect::Allow
                && !statement.tests.iter().any(|other| asks_for_presence(other, &test.key));
            if vacuous {
                let message = format!("{} is true when the request has no {:?}", test.operator, test.name);
                let help = Some(format!("add \"Null\": {{{:?}: \"false\"}}", test.name));
                self.report(Code::W3, at, message, help);
            }
            if !may_supply(statement, &test.key) {
                let outcome = if test.operator.holds_when_absent() { "true" } else { "false" };
                let message = format!(
                    "none of the statement's actions comes with the condition key {:?}, so {} is always {outcome}",
                    test.name, test.operator
                );
                self.report(Code::W5, at, message, None);
            }
        }
    }

    /// Looks at one action that is well formed.
    pub(super) fn lint_action(&mut self, text: &Text, pattern: &Pattern) {
        let Some((service, name)) = text.value.split_once(':') else { return };
        let nowhere = Context::new();
        if service.eq_ignore_ascii_case("s3")
            && !names::S3.iter().any(|known| matches_s3(pattern, known, &nowhere))
        {
            let help = suggest(name, names::S3.iter().map(|known| known.name));
            self.report(Code::W4, text.at, format!("{:?} matches no known action of S3", text.value), help);
        }
    }

    /// Looks at one resource that is well formed.
    pub(super) fn lint_resource(&mut self, text: &Text, pattern: &ArnPattern) {
        if text.value.starts_with("arn:aws") && text.value.contains(":s3:::") && is_open_bucket(pattern) {
            let stem = text.value.trim_end_matches('*');
            let message =
                format!("{:?} matches every bucket whose name begins so, and all their objects", text.value);
            let help = Some(format!("the bucket is \"{stem}\", its objects are \"{stem}/*\""));
            self.report(Code::W6, text.at, message, help);
        }
    }
}

/// Where the statement has the test's key.
fn place(object: &Object<'_>, test: &Test) -> Option<usize> {
    let block = object.get("Condition")?.value.as_object()?;
    let operator =
        block.properties.iter().filter(|member| Operator::parse(member.name.as_str()) == Some(test.operator));
    let mut keys = operator.filter_map(|member| member.value.as_object()?.get(&test.name));
    keys.next().map(|member| member.range.start)
}

/// Action patterns have no variables, so the context is of no consequence.
fn matches_s3(pattern: &Pattern, action: &S3Action, context: &Context) -> bool {
    matches!(pattern.test(&action.folded, context), Ok(Matched::Yes))
}

/// Whether the test is `Null: false` on this key.
fn asks_for_presence(test: &Test, key: &str) -> bool {
    *test.key == *key && matches!(&test.values, Values::Null(wanted) if !wanted.contains(&true))
}

/// Whether a request that the statement's actions cover may carry the key. Yes where actions are not known.
fn may_supply(statement: &Statement, key: &str) -> bool {
    let only_s3 = |pattern: &Pattern| match pattern {
        Pattern::Exact(text) => text.starts_with("s3:"),
        Pattern::Wildcards(tokens) => {
            matches!(tokens.first(), Some(crate::glob::Token::Text(text)) if text.starts_with("s3:"))
        }
        Pattern::Anything | Pattern::Variables(_) => false,
    };
    let patterns = &statement.actions.patterns;
    if statement.actions.negated || !patterns.iter().all(only_s3) || names::comes_with_every_action(key) {
        return true;
    }
    let nowhere = Context::new();
    let mut covered = names::S3
        .iter()
        .filter(|action| patterns.iter().any(|pattern| matches_s3(pattern, action, &nowhere)))
        .peekable();
    covered.peek().is_none() || covered.any(|action| names::listed(action.keys.iter().copied(), key))
}
