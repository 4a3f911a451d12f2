//! Reading a policy document: everything that is wrong with it is found in one go.

mod condition;
mod lint;
mod principal;
mod statement;

use std::collections::BTreeSet;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use crate::document::PolicyKind;
use crate::finding::{Code, Finding};
use crate::json::{self, Source};
use crate::limits::{self, MAX_LIST_VALUES, MAX_STATEMENTS, MAX_VALUE_CHARS};
use crate::statement::Statement;
pub(crate) use statement::action_error;

/// What came of a document: statements only if there are no errors.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) statements: Vec<Statement>,
    pub(crate) errors: Vec<Finding>,
    pub(crate) warnings: Vec<Finding>,
}

/// Reads a document.
pub(crate) fn load(text: &str, kind: PolicyKind) -> Outcome {
    let mut loader = Loader::new(text, kind);
    let limit = limits::max_document_bytes(kind);
    let statements = if text.len() > limit {
        let message =
            format!("the document has {} bytes; a policy of this type may have {limit}", text.len());
        loader.report(Code::L15, 0, message, None);
        Vec::new()
    } else {
        match loader.source.parse() {
            Ok(object) => loader.policy(&object),
            Err(finding) => {
                loader.errors.push(finding);
                Vec::new()
            }
        }
    };
    loader.finish(statements)
}

/// A string of the document and where it stands.
#[derive(Debug, Clone)]
struct Text {
    value: String,
    at: usize,
}

/// Reads one document and keeps what it finds.
struct Loader<'t> {
    source: Source<'t>,
    text: &'t str,
    kind: PolicyKind,
    /// Whether `${…}` is a policy variable: only in documents of version 2012-10-17.
    variables: bool,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl<'t> Loader<'t> {
    fn new(text: &'t str, kind: PolicyKind) -> Self {
        let source = Source::new(text);
        Self { source, text, kind, variables: false, errors: Vec::new(), warnings: Vec::new() }
    }

    fn finish(mut self, statements: Vec<Statement>) -> Outcome {
        self.errors.sort_by_key(|finding| (finding.offset, finding.code));
        self.warnings.sort_by_key(|finding| (finding.offset, finding.code));
        Outcome { statements, errors: self.errors, warnings: self.warnings }
    }

    /// Keeps a finding.
    fn report(&mut self, code: Code, at: usize, message: impl Into<String>, help: Option<String>) {
        let finding = self.source.finding(code, at, message.into(), help);
        if code.is_error() { self.errors.push(finding) } else { self.warnings.push(finding) }
    }

    fn policy(&mut self, object: &Object<'_>) -> Vec<Statement> {
        let with_id = matches!(self.kind, PolicyKind::Resource);
        let known: &[&str] =
            if with_id { &["Version", "Id", "Statement"] } else { &["Version", "Statement"] };
        self.check_members(object, known, "a policy of this type");
        self.version(object);
        if let Some(id) = object.get("Id") {
            self.string(&id.value, "Id");
        }
        if let Some((at, c)) = self.text.char_indices().find(|(_, c)| *c > '\u{ff}') {
            self.report(
                Code::W9,
                at,
                format!("IAM documents cannot hold {c:?} (above U+00FF); this engine can"),
                None,
            );
        }
        let Some(member) = object.get("Statement") else {
            self.report(Code::L2, object.range.start, "the policy has no Statement", None);
            return Vec::new();
        };
        let (at, values) = match &member.value {
            Value::Object(object) => (object.range.start, std::slice::from_ref(&member.value)),
            Value::Array(list) => (list.range.start, list.elements.as_slice()),
            other => {
                let message =
                    format!("Statement is an object or a list of objects, not {}", json::type_name(other));
                self.report(Code::L1, other.range().start, message, None);
                return Vec::new();
            }
        };
        if values.is_empty() {
            self.report(Code::L2, at, "the policy has no statements", None);
        }
        if values.len() > MAX_STATEMENTS {
            let message = format!("the policy has {} statements, more than {MAX_STATEMENTS}", values.len());
            self.report(Code::L15, at, message, None);
            return Vec::new();
        }
        self.statements(values)
    }

    fn version(&mut self, object: &Object<'_>) {
        let Some(member) = object.get("Version") else {
            let message = "no Version: the document is read as 2008-10-17, in which ${…} is literal text";
            let help = Some("add \"Version\": \"2012-10-17\"".to_owned());
            self.report(Code::W2, object.range.start, message, help);
            return;
        };
        let Some(version) = self.string(&member.value, "Version") else { return };
        match version.value.as_str() {
            "2012-10-17" => self.variables = true,
            "2008-10-17" => {}
            other => {
                let message = format!("Version {other:?} is not a version of the policy language");
                self.report(Code::L2, version.at, message, Some("write \"2012-10-17\"".to_owned()));
            }
        }
    }

    /// Reports repeated and unknown names.
    fn check_members(&mut self, object: &Object<'_>, known: &[&str], owner: &str) {
        let mut seen = BTreeSet::new();
        for member in &object.properties {
            let (name, at) = (member.name.as_str(), member.range.start);
            if !seen.insert(name) {
                self.repeated(member);
            } else if !known.contains(&name) {
                let message = format!("{owner} has no element {name:?}");
                self.report(Code::L1, at, message, suggest(name, known.iter().copied()));
            }
        }
    }

    fn repeated(&mut self, member: &ObjectProp<'_>) {
        let message =
            format!("{:?} stands twice in this object, and only one could count", member.name.as_str());
        self.report(Code::L1, member.range.start, message, None);
    }

    fn string(&mut self, value: &Value<'_>, element: &str) -> Option<Text> {
        match value {
            Value::StringLit(literal) => {
                let text = Text { value: literal.value.to_string(), at: literal.range.start };
                let length = text.value.chars().count();
                if length > MAX_VALUE_CHARS {
                    let message = format!(
                        "this value of {element} has {length} characters, more than {MAX_VALUE_CHARS}"
                    );
                    self.report(Code::L15, text.at, message, None);
                    return None;
                }
                Some(text)
            }
            other => {
                let message = format!("{element} holds strings, not {}", json::type_name(other));
                self.report(Code::L1, other.range().start, message, None);
                None
            }
        }
    }

    /// The values of `string | [string, …]`, read by `read`.
    fn list<'a>(&mut self, value: &'a Value<'a>, element: &str) -> &'a [Value<'a>] {
        let Value::Array(list) = value else { return std::slice::from_ref(value) };
        if list.elements.is_empty() {
            let message = format!("the list of {element} is empty, which could mean all or nothing");
            self.report(
                Code::L13,
                list.range.start,
                message,
                Some("list a value or leave the element out".to_owned()),
            );
        }
        if list.elements.len() > MAX_LIST_VALUES {
            let count = list.elements.len();
            let message = format!("the list of {element} has {count} values, more than {MAX_LIST_VALUES}");
            self.report(Code::L15, list.range.start, message, None);
            return &[];
        }
        &list.elements
    }

    fn strings(&mut self, value: &Value<'_>, element: &str) -> Vec<Text> {
        self.list(value, element).iter().filter_map(|value| self.string(value, element)).collect()
    }

    /// Warns of `${` where it is literal text.
    fn warn_of_literal_variable(&mut self, text: &Text) {
        if !self.variables && text.value.contains("${") {
            let message = "${ is literal text here, because the document is not of version 2012-10-17";
            self.report(Code::W7, text.at, message, Some("set \"Version\": \"2012-10-17\"".to_owned()));
        }
    }

    /// Refuses a variable where none is replaced. True if there was one.
    fn refuse_variable(&mut self, text: &Text, place: &str) -> bool {
        self.warn_of_literal_variable(text);
        let found = self.variables && text.value.contains("${");
        if found {
            self.report(Code::L12, text.at, format!("policy variables are not replaced in {place}"), None);
        }
        found
    }
}

/// "did you mean", for a name that differs in case or by a slip.
fn suggest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let folded = name.to_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("did you mean {candidate:?}?"))
}
