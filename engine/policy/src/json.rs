//! Strict JSON with places. Two parsers see every text: serde_json says whether it is RFC 8259 JSON and bounds the
//! nesting, jsonc-parser (which accepts more) says where everything stands.

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::finding::{Code, Finding};

/// A text and the places of its lines.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let after_feeds = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        Self { text, line_starts: std::iter::once(0).chain(after_feeds).collect() }
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub(crate) fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.line_starts.get(index)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (number(line), number(before.chars().count().saturating_add(1)))
    }

    pub(crate) fn finding(
        &self,
        code: Code,
        offset: usize,
        message: String,
        help: Option<String>,
    ) -> Finding {
        let (line, column) = self.place(offset);
        Finding { code, line, column, offset, message, help }
    }

    /// The text as one JSON object.
    pub(crate) fn parse(&self) -> Result<Object<'t>, Finding> {
        if self.text.starts_with('\u{feff}') {
            let help = Some("save the file as UTF-8 without one".to_owned());
            return Err(self.finding(Code::L1, 0, "the file begins with a byte order mark".to_owned(), help));
        }
        if let Err(error) = serde_json::from_str::<serde_json::Value>(self.text) {
            let start = error.line().checked_sub(1).and_then(|line| self.line_starts.get(line)).copied();
            // serde_json counts bytes, from 1, and 0 where a line has not begun.
            let offset =
                start.unwrap_or(0).saturating_add(error.column().saturating_sub(1)).min(self.text.len());
            let offset = self.text.floor_char_boundary(offset);
            let message = error.to_string();
            let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
            return Err(self.finding(Code::L1, offset, format!("not JSON: {what}"), None));
        }
        let parsed = parse_to_ast(self.text, &CollectOptions::default(), &strict());
        match parsed.map(|parsed| parsed.value) {
            Ok(Some(Value::Object(object))) => Ok(object),
            Ok(Some(other)) => {
                let message = format!("a policy is a JSON object, not {}", type_name(&other));
                Err(self.finding(Code::L1, other.range().start, message, None))
            }
            Ok(None) => Err(self.finding(Code::L1, 0, "the file is empty".to_owned(), None)),
            Err(error) => {
                let message = format!("not JSON: {}", error.kind());
                Err(self.finding(Code::L1, error.range().start, message, None))
            }
        }
    }
}

fn strict() -> ParseOptions {
    ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// What a value is, for messages.
pub(crate) fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a boolean",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}
