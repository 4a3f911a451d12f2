//! `Principal` and `NotPrincipal`.

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::{Loader, Text, suggest};
use crate::document::PolicyKind;
use crate::finding::Code;
use crate::json;
use crate::principal::{PrincipalTest, PrincipalValue};
use crate::statement::StatementEffect;

const PRINCIPAL_TYPES: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

impl Loader<'_> {
    /// Reads a statement's principals as far as its policy type has them.
    pub(super) fn principals(
        &mut self,
        statement: &Object<'_>,
        effect: Option<StatementEffect>,
    ) -> PrincipalTest {
        let (named, excluded) = (statement.get("Principal"), statement.get("NotPrincipal"));
        match (self.kind, named, excluded) {
            (PolicyKind::Resource, Some(_), Some(second)) => {
                let message = "a statement has Principal or NotPrincipal, not both";
                self.report(Code::L3, second.range.start, message, None);
            }
            (PolicyKind::Resource, None, None) => {
                let message = "a statement of a resource policy says whom it is about";
                let help = Some("add \"Principal\"".to_owned());
                self.report(Code::L4, statement.range.start, message, help);
            }
            (PolicyKind::Resource, Some(member), None) => {
                return PrincipalTest::Principal(self.principal_values(&member.value).into());
            }
            (PolicyKind::Resource, None, Some(member)) => return self.not_principal(member, effect),
            (PolicyKind::ResourceControl, ..) => self.resource_control(statement, effect),
            (_, None, None) => {}
            (_, Some(member), _) | (_, None, Some(member)) => {
                let message =
                    "a policy of this type is about whoever it is attached to, so it names no principal";
                self.report(
                    Code::L4,
                    member.range.start,
                    message,
                    Some(format!("remove {:?}", member.name.as_str())),
                );
            }
        }
        PrincipalTest::Attached
    }

    /// A resource control policy denies everyone, and that alone.
    fn resource_control(&mut self, statement: &Object<'_>, effect: Option<StatementEffect>) {
        let everyone = match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (Some(member), None) => matches!(&member.value, Value::StringLit(text) if text.value == "*"),
            _ => false,
        };
        if !everyone {
            let message = "a statement of a resource control policy has exactly \"Principal\": \"*\"";
            self.report(Code::L4, statement.range.start, message, None);
        }
        if effect == Some(StatementEffect::Allow) {
            let at = statement.get("Effect").map_or(statement.range.start, |member| member.range.start);
            self.report(Code::L4, at, "a resource control policy can only deny", None);
        }
    }

    fn not_principal(&mut self, member: &ObjectProp<'_>, effect: Option<StatementEffect>) -> PrincipalTest {
        if effect == Some(StatementEffect::Allow) {
            let message = "Allow with NotPrincipal grants to everyone else, anonymous callers included";
            let help = Some("name whom you mean with Principal".to_owned());
            self.report(Code::L14, member.range.start, message, help);
        }
        PrincipalTest::NotPrincipal(self.principal_values(&member.value).into())
    }

    fn principal_values(&mut self, value: &Value<'_>) -> Vec<PrincipalValue> {
        match value {
            Value::StringLit(text) if text.value == "*" => vec![PrincipalValue::Everyone],
            Value::StringLit(text) => {
                let message = "a principal that is not an object is \"*\"";
                let help = Some(format!("write {{\"AWS\": {:?}}}", text.value));
                self.report(Code::L7, text.range.start, message, help);
                Vec::new()
            }
            Value::Object(map) => self.principal_map(map),
            other => {
                let message = format!("a principal is \"*\" or an object, not {}", json::type_name(other));
                self.report(Code::L1, other.range().start, message, None);
                Vec::new()
            }
        }
    }

    fn principal_map(&mut self, map: &Object<'_>) -> Vec<PrincipalValue> {
        self.check_members(map, &PRINCIPAL_TYPES, "a principal");
        if map.properties.is_empty() {
            let help = suggest("aws", PRINCIPAL_TYPES.into_iter());
            self.report(Code::L13, map.range.start, "the principal names nobody", help);
        }
        let mut values = Vec::new();
        for member in &map.properties {
            let kind = member.name.as_str();
            if !PRINCIPAL_TYPES.contains(&kind) {
                continue;
            }
            for text in self.strings(&member.value, kind) {
                if self.refuse_variable(&text, "a principal") {
                    continue;
                }
                match self.principal_value(kind, &text) {
                    Ok(value) => values.push(value),
                    Err(message) => self.report(Code::L7, text.at, message, None),
                }
            }
        }
        values
    }

    fn principal_value(&mut self, kind: &str, text: &Text) -> Result<PrincipalValue, String> {
        if kind == "AWS" {
            return PrincipalValue::parse_aws(&text.value);
        }
        if text.value.is_empty()
            || text.value.contains(['*', '?'])
            || text.value.contains(char::is_whitespace)
        {
            return Err(format!(
                "{:?} is not the id of one {kind} principal, which is compared exactly",
                text.value
            ));
        }
        if kind == "Service" {
            return Ok(PrincipalValue::Service(text.value.as_str().into()));
        }
        let message =
            format!("requests of this engine never carry a {kind} principal, so this value matches nobody");
        self.report(Code::W10, text.at, message, None);
        Ok(PrincipalValue::Foreign)
    }
}
