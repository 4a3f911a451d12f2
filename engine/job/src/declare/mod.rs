//! Declarations: text that a user wrote, read so that every mistake in it is reported with its place.
//!
//! One mechanism for the job file, the engine configuration and the parameters of operations: TOML with positions, `${ENV}`
//! references, a JSON Schema, and further checks in Rust on whatever passed. Nothing stops at the first problem: a value
//! that is wrong is reported, left out, and the rest is looked at.

mod check;
mod document;
pub(crate) mod duration;
mod interpolate;
pub(crate) mod pointer;
mod problem;
pub(crate) mod rate;
mod render;
pub(crate) mod schema;
pub(crate) mod size;
pub(crate) mod suggest;
mod veil;

#[cfg(test)]
mod tests;

use std::ops::Range;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use check::{About, Finding};
use document::{Document, Origin, Place};

pub use document::MAX_SOURCE_BYTES;
pub(crate) use interpolate::{Refusal, Variables};
pub use problem::{Problem, Problems, Severity};

/// What is wrong with a value, and how to write it.
pub(crate) type Unreadable = (String, String);

/// A file that is being read: what it says so far, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Declaration<'a> {
    file: &'a str,
    source: &'a str,
    document: Document,
    /// What no message may quote.
    secrets: Vec<String>,
}

/// Reads a TOML file of any form that a user wrote, with every problem at its place. `file` is its name as messages show it, `title` that of
/// its schema.
///
/// # Errors
/// Every problem of the file.
pub fn read<T: DeserializeOwned + JsonSchema>(source: &str, file: &str, title: &str) -> Result<T, Problems> {
    let variables = Variables { lookup: &|name| Some(format!("${{{name}}}")), refuse: |_| None };
    let mut declaration = Declaration::read(source, file, variables);
    declaration.check(&schema::of::<T>(title), "");
    let form = declaration.get();
    declaration.finish(form)
}

/// Shortest secret that is looked for inside of longer texts (bytes): shorter ones are found in innocent words.
const MIN_SECRET_BYTES: usize = 8;

impl<'a> Declaration<'a> {
    /// Reads the text of `file`.
    pub(crate) fn read(source: &'a str, file: &'a str, variables: Variables<'_>) -> Self {
        Self { file, source, document: Document::read(source, variables), secrets: Vec::new() }
    }

    /// Refuses every text that holds one of `secrets`, and keeps these out of all messages. To be called before the first
    /// check.
    pub(crate) fn refuse_secrets(&mut self, secrets: Vec<String>, refusal: &Refusal) {
        let is_secret = |text: &str| {
            secrets.iter().any(|secret| {
                text == secret || (secret.len() >= MIN_SECRET_BYTES && text.contains(secret.as_str()))
            })
        };
        let text_at = |pointer: &String| self.document.value.pointer(pointer).and_then(Value::as_str);
        let found: Vec<String> = self
            .document
            .places
            .keys()
            .filter(|pointer| text_at(pointer).is_some_and(is_secret))
            .cloned()
            .collect();
        for pointer in found {
            self.problem_at_value(&pointer, refusal.message.clone(), Some(refusal.help.clone()));
            if let Some(place) = self.document.places.get_mut(&pointer) {
                place.origin = Origin::Unresolved;
            }
        }
        self.secrets = secrets;
    }

    /// Leaves out what could not be made out, so that nothing more is said about it.
    pub(crate) fn leave_out_unresolved(&mut self) {
        let places = self.document.places.iter();
        let unresolved = places.filter(|(_, place)| place.origin == Origin::Unresolved);
        for pointer in unresolved.map(|(pointer, _)| pointer.clone()).collect::<Vec<_>>() {
            leave_out(&mut self.document.value, &pointer);
        }
    }

    /// Checks the value at `at` against `schema` and leaves out of it what does not fit. An absent value counts as an
    /// empty table. True if all of it fits.
    pub(crate) fn check(&mut self, schema: &Value, at: &str) -> bool {
        let before = self.document.problems.len();
        let nothing = Value::Object(Map::new());
        let value = self.document.value.pointer(at).unwrap_or(&nothing);
        let places = &self.document.places;
        let may_show = |at: &str| places.get(at).is_none_or(|place| place.origin == Origin::Written);
        match check::check(schema, value, at, &may_show) {
            Ok(findings) => findings.into_iter().for_each(|finding| self.take(finding)),
            Err(error) => self.problem_at_value(
                at,
                format!("the schema for this is not a usable JSON Schema: {error}"),
                None,
            ),
        }
        self.document.problems.len() == before
    }

    fn take(&mut self, finding: Finding) {
        let Finding { pointer, about, prune, message, help } = finding;
        let origin = self.document.places.get(&pointer).map(|place| place.origin);
        // What could not be made out was reported; where the text is not TOML, keys seem to be missing that are not.
        let noise =
            origin == Some(Origin::Unresolved) || (about == About::Table && !self.document.syntax.is_empty());
        if !noise {
            let span = match about {
                About::Value => self.value_span(&pointer),
                About::Key | About::Table => self.key_span(&pointer),
            };
            self.document.problems.push(Problem::new(span, message).maybe_help(help));
        }
        if let Some(prune) = prune {
            leave_out(&mut self.document.value, &prune);
        }
    }

    /// What the file says, as `T`; only what fits its schema. `None` if that is not enough for a `T`.
    pub(crate) fn get<T: DeserializeOwned>(&mut self) -> Option<T> {
        match serde_json::from_value(self.document.value.clone()) {
            Ok(value) => Some(value),
            Err(error) => {
                if !self.has_problems() {
                    self.problem_at_value("", error.to_string(), None);
                }
                None
            }
        }
    }

    /// Whether the text is TOML, so that what seems to be missing is missing.
    pub(crate) fn is_whole(&self) -> bool {
        self.document.syntax.is_empty()
    }

    /// What the file says at `at`, right or wrong.
    pub(crate) fn written(&self, at: &str) -> Option<&Value> {
        self.document.written.pointer(at)
    }

    /// Whether the file says anything at `at`, right or wrong.
    pub(crate) fn declares(&self, at: &str) -> bool {
        self.document.places.contains_key(at)
    }

    /// Whether the file says something at `at` that passed the checks so far.
    pub(crate) fn holds(&self, at: &str) -> bool {
        self.document.value.pointer(at).is_some()
    }

    /// Adds a problem with the value at `at`.
    pub(crate) fn problem_at_value(&mut self, at: &str, message: impl Into<String>, help: Option<String>) {
        let span = self.value_span(at);
        self.document.problems.push(Problem::new(span, message).maybe_help(help));
    }

    /// Adds a problem with the key at `at`, or with the table at `at` as a whole.
    pub(crate) fn problem_at_key(&mut self, at: &str, message: impl Into<String>, help: Option<String>) {
        let span = self.key_span(at);
        self.document.problems.push(Problem::new(span, message).maybe_help(help));
    }

    /// The result: `value` if nothing is wrong, else all problems.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if !self.has_problems() => Ok(value),
            _ => {
                if !self.has_problems() {
                    self.problem_at_key("", "the file is incomplete", None);
                }
                let source = veil::without(self.source, &self.secrets);
                Err(Problems::new(self.file, source, self.document.into_problems(self.source)))
            }
        }
    }

    fn has_problems(&self) -> bool {
        !self.document.problems.is_empty() || !self.document.syntax.is_empty()
    }

    fn key_span(&self, at: &str) -> Range<usize> {
        let place = self.place(at);
        place.key.clone().unwrap_or_else(|| place.value.clone())
    }

    fn value_span(&self, at: &str) -> Range<usize> {
        self.place(at).value.clone()
    }

    /// The place of `at`, or of the nearest table around it that the file has.
    fn place(&self, mut at: &str) -> &Place {
        const START: &Place = &Place { key: None, value: 0..0, origin: Origin::Written };
        loop {
            if let Some(place) = self.document.places.get(at) {
                return place;
            }
            match at.rsplit_once('/') {
                Some((parent, _)) => at = parent,
                None => return START,
            }
        }
    }
}

/// Takes the value at `at` out of the tree. Of an item in an array, the whole array goes: the others would change their
/// places.
fn leave_out(root: &mut Value, mut at: &str) {
    while let Some((parent, key)) = pointer::split(at) {
        match root.pointer_mut(parent) {
            Some(Value::Object(table)) => {
                table.remove(&key);
                return;
            }
            _ => at = parent,
        }
    }
}
