//! TOML text to JSON values, with the place of every key and value.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeArray, DeFloat, DeInteger, DeTable, DeValue};

use super::interpolate::{Variables, interpolate};
use super::pointer;
use super::problem::Problem;
use super::render::Lines;

/// Longest file that is read, in bytes: a declaration is written by hand, and the queue stores what it says.
pub const MAX_SOURCE_BYTES: usize = 1 << 20;

/// Where a value is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Its key; `None` for the root and for items of arrays.
    pub(super) key: Option<Range<usize>>,
    /// The value itself; for a `[table]` its header.
    pub(super) value: Range<usize>,
    pub(super) origin: Origin,
}

/// Where the text of a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Origin {
    /// The file.
    #[default]
    Written,
    /// In part the environment, so that messages must not show it.
    Environment,
    /// It could not be made out, which is a problem already; what stands in for it is not checked.
    Unresolved,
}

/// A TOML file as JSON.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    /// The same, whatever is left out of `value` because it is wrong.
    pub(super) written: Value,
    /// By JSON pointer; has an entry for every value of the file.
    pub(super) places: BTreeMap<String, Place>,
    /// What is wrong with the values.
    pub(super) problems: Vec<Problem>,
    /// Where the text is not TOML. If anywhere, `value` holds only what could be made out.
    pub(super) syntax: Vec<Problem>,
}

impl Document {
    /// Reads `source`. Dates become strings in RFC 3339 form.
    pub(super) fn read(source: &str, variables: Variables<'_>) -> Self {
        let mut reader = Reader { source, variables, places: BTreeMap::new(), problems: Vec::new() };
        if source.len() > MAX_SOURCE_BYTES {
            let message = format!("the file has {} bytes; at most {MAX_SOURCE_BYTES} are read", source.len());
            return reader.finish(Value::Object(Map::new()), vec![Problem::new(0..0, message)]);
        }
        let (table, errors) = DeTable::parse_recoverable(source);
        let mut syntax: Vec<Problem> = errors
            .iter()
            .map(|error| {
                let message = format!("not valid TOML: {}", error.message());
                Problem::new(error.span().unwrap_or(0..0), message)
            })
            .collect();
        // Recovery from one mistake easily trips over the rest of its line.
        syntax.sort_by_key(|problem| problem.span.start);
        let lines = Lines::of(source);
        syntax.dedup_by_key(|problem| lines.line(problem.span.start));
        let value = reader.table(table.get_ref(), "");
        reader.places.insert(String::new(), Place::default());
        reader.finish(value, syntax)
    }

    /// All problems. Of a line that is not TOML only that is said: what it says was guessed.
    pub(super) fn into_problems(self, source: &str) -> Vec<Problem> {
        let Self { problems, mut syntax, .. } = self;
        let lines = Lines::of(source);
        let guessed: BTreeSet<usize> = syntax.iter().map(|problem| lines.line(problem.span.start)).collect();
        syntax.extend(
            problems.into_iter().filter(|problem| !guessed.contains(&lines.line(problem.span.start))),
        );
        syntax
    }
}

struct Reader<'a> {
    source: &'a str,
    variables: Variables<'a>,
    places: BTreeMap<String, Place>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn finish(self, value: Value, syntax: Vec<Problem>) -> Document {
        Document { written: value.clone(), value, places: self.places, problems: self.problems, syntax }
    }

    fn table(&mut self, table: &DeTable<'_>, at: &str) -> Value {
        let mut object = Map::new();
        for (key, value) in table {
            let pointer = pointer::join(at, key.get_ref());
            let place = Place { key: Some(key.span()), value: value.span(), origin: Origin::Written };
            self.places.insert(pointer.clone(), place);
            object.insert(key.get_ref().to_string(), self.value(value, &pointer));
        }
        Value::Object(object)
    }

    fn array(&mut self, array: &DeArray<'_>, at: &str) -> Value {
        let items = array.iter().enumerate().map(|(index, item)| {
            let pointer = pointer::join(at, &index.to_string());
            let place = Place { key: None, value: item.span(), origin: Origin::Written };
            self.places.insert(pointer.clone(), place);
            self.value(item, &pointer)
        });
        Value::Array(items.collect())
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, at: &str) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::String(self.string(text, &value.span(), at)),
            DeValue::Integer(integer) => self.integer(integer, value.span(), at),
            DeValue::Float(float) => self.float(float, value.span(), at),
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
            DeValue::Array(array) => self.array(array, at),
            DeValue::Table(table) => self.table(table, at),
        }
    }

    fn integer(&mut self, integer: &DeInteger<'_>, span: Range<usize>, at: &str) -> Value {
        let Ok(number) = i64::from_str_radix(integer.as_str(), integer.radix()) else {
            self.unresolved(at, Problem::new(span, "the number does not fit into 64 bits"));
            return Value::from(0);
        };
        Value::from(number)
    }

    /// A float without a fraction is an integer, as in JSON.
    fn float(&mut self, float: &DeFloat<'_>, span: Range<usize>, at: &str) -> Value {
        let number = float.as_str().parse::<f64>().unwrap_or(f64::NAN);
        let Some(exact) = Number::from_f64(number) else {
            self.unresolved(at, Problem::new(span, "not a finite number"));
            return Value::from(0);
        };
        let whole = format!("{number:.0}").parse::<i64>().ok().filter(|_| number.fract() == 0.0);
        whole.map_or(Value::Number(exact), Value::from)
    }

    fn string(&mut self, text: &str, span: &Range<usize>, at: &str) -> String {
        match interpolate(text, self.variables) {
            Ok(interpolated) => {
                if interpolated.from_environment {
                    self.set_origin(at, Origin::Environment);
                }
                interpolated.text
            }
            Err(bad) => {
                for reference in bad {
                    let span = self.within(span, &reference.text);
                    self.unresolved(at, Problem::new(span, reference.message).help(reference.help));
                }
                text.to_owned()
            }
        }
    }

    fn unresolved(&mut self, at: &str, problem: Problem) {
        self.problems.push(problem);
        self.set_origin(at, Origin::Unresolved);
    }

    fn set_origin(&mut self, at: &str, origin: Origin) {
        if let Some(place) = self.places.get_mut(at) {
            place.origin = origin;
        }
    }

    /// Where `part` is written inside `span`; all of `span` if escapes hide it.
    fn within(&self, span: &Range<usize>, part: &str) -> Range<usize> {
        let found = self.source.get(span.clone()).and_then(|text| text.find(part));
        found.map_or_else(|| span.clone(), |at| span.start + at..span.start + at + part.len())
    }
}
