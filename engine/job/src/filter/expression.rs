//! Expressions in the Common Expression Language (<https://cel.dev>), for what the other conditions cannot say.
//!
//! No macros and so no loops, and no functions but those of strings: the work of an evaluation is bounded by the length of the
//! expression and of the key. Something that is not known makes a variable that is not there, and CEL's `&&` and `||` treat that
//! as the three-valued logic of the other conditions does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, IdedExpr, Value};
use jiff::Timestamp;

use super::facts::{Encryption, Fact, ObjectFacts, ReplicationStatus};
use super::matcher::{EvaluationError, Verdict};
use crate::declare::Unreadable;
use crate::declare::suggest;

/// How deep an expression may be nested (levels of parentheses and operators).
const MAX_DEPTH: u16 = 48;

/// What an expression may use about an object, and the fact behind it.
const VARIABLES: [(&str, Option<Fact>); 12] = [
    ("key", None),
    ("size", Some(Fact::Size)),
    ("last_modified", Some(Fact::LastModified)),
    ("age", Some(Fact::LastModified)),
    ("etag", Some(Fact::ETag)),
    ("storage_class", Some(Fact::StorageClass)),
    ("is_latest", Some(Fact::IsLatest)),
    ("encryption", Some(Fact::Encryption)),
    ("kms_key", Some(Fact::KmsKey)),
    ("replication_status", Some(Fact::ReplicationStatus)),
    ("tags", Some(Fact::Tags)),
    ("metadata", Some(Fact::Metadata)),
];

/// Units: sizes in bytes, ages in seconds.
const CONSTANTS: [(&str, i64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("minutes", 60),
    ("hours", 3_600),
    ("days", 86_400),
];

/// Functions and operators: CEL's, but for macros, bytes and types.
const FUNCTIONS: [&str; 25] = [
    "startsWith",
    "endsWith",
    "contains",
    "size",
    "string",
    "int",
    "double",
    "_==_",
    "_!=_",
    "_<_",
    "_<=_",
    "_>_",
    "_>=_",
    "_&&_",
    "_||_",
    "!_",
    "-_",
    "_+_",
    "_-_",
    "_*_",
    "_/_",
    "_%_",
    "_?_:_",
    "@in",
    "_[_]",
];

/// A compiled expression.
pub(super) struct Expression {
    text: String,
    program: IdedExpr,
    environment: Arc<Env>,
    now: Timestamp,
    facts: Vec<Fact>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl Expression {
    /// Compiles and checks `text`; ages count back from `now`.
    pub(super) fn compile(text: &str, now: Timestamp) -> Result<Self, Unreadable> {
        let environment = Env::default().with_optional_support(false).with_stdlib();
        let parser = environment.parser().max_recursion_depth(MAX_DEPTH);
        let program = parser.parse(text).map_err(|errors| not_an_expression(&errors))?;
        let references = program.references();
        for name in sorted(references.variables()) {
            if !VARIABLES.iter().any(|(known, _)| *known == name)
                && !CONSTANTS.iter().any(|(known, _)| *known == name)
            {
                return Err(unknown("variable", name, names()));
            }
        }
        for name in sorted(references.functions()) {
            if !FUNCTIONS.contains(&name) {
                let known = FUNCTIONS
                    .iter()
                    .copied()
                    .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
                return Err(unknown("function", name, known.collect()));
            }
        }
        let facts = VARIABLES
            .iter()
            .filter(|(name, _)| references.has_variable(name))
            .filter_map(|(_, fact)| *fact)
            .collect();
        let expression =
            Self { text: text.to_owned(), environment: Arc::new(environment), now, facts, program };
        expression.try_out()?;
        Ok(expression)
    }

    /// The facts it may depend on.
    pub(super) fn facts(&self) -> impl Iterator<Item = Fact> + '_ {
        self.facts.iter().copied()
    }

    /// What it says to an object.
    pub(super) fn verdict(&self, facts: &ObjectFacts<'_>) -> Result<Verdict, EvaluationError> {
        let variables = Variables::new(facts, self.now);
        let mut context = Context::with_env(Arc::clone(&self.environment));
        context.set_variable_resolver(&variables);
        match (Value::resolve(&self.program, &context), variables.missed()) {
            (Ok(Value::Bool(true)), _) => Ok(Verdict::Yes),
            (Ok(Value::Bool(false)), _) => Ok(Verdict::No),
            (_, Some(fact)) => Ok(Verdict::Unknown(fact)),
            (Ok(other), None) => {
                Err(self.fails(facts.key, format!("it is {}, not true or false", kind(&other))))
            }
            (Err(error), None) => Err(self.fails(facts.key, explain(&error))),
        }
    }

    fn fails(&self, key: &str, why: String) -> EvaluationError {
        EvaluationError { expression: self.text.clone(), key: key.to_owned(), why }
    }

    /// Evaluates it for an object that has everything, so that mistyped comparisons are found before anything is listed.
    fn try_out(&self) -> Result<(), Unreadable> {
        let nothing = BTreeMap::new();
        let sample = ObjectFacts {
            key: "sample/key",
            size: Some(1),
            last_modified: Some(self.now),
            etag: Some("d41d8cd98f00b204e9800998ecf8427e"),
            storage_class: Some("STANDARD"),
            is_latest: Some(true),
            encryption: Some(Encryption::SseS3),
            kms_key: Some(""),
            replication_status: Some(ReplicationStatus::None),
            tags: Some(&nothing),
            metadata: Some(&nothing),
        };
        let variables = Variables::new(&sample, self.now);
        let mut context = Context::with_env(Arc::clone(&self.environment));
        context.set_variable_resolver(&variables);
        match Value::resolve(&self.program, &context) {
            // Whether a tag is there, and what is divided by zero, depends on the object.
            Ok(Value::Bool(_))
            | Err(
                cel::ExecutionError::NoSuchKey(_)
                | cel::ExecutionError::DivisionByZero(_)
                | cel::ExecutionError::RemainderByZero(_)
                | cel::ExecutionError::IndexOutOfBounds(_)
                | cel::ExecutionError::Overflow(..)
                | cel::ExecutionError::FunctionError { .. },
            ) => Ok(()),
            Ok(other) => Err((
                format!("the expression is {}, not true or false", kind(&other)),
                "compare it with something: size > 10 * MiB".to_owned(),
            )),
            Err(error) => {
                Err((format!("the expression cannot be evaluated: {}", explain(&error)), TYPES.to_owned()))
            }
        }
    }
}

const TYPES: &str = "size and age are whole numbers, is_latest is true or false, tags and metadata are maps, all else is text";

/// The variables of one evaluation; remembers what was asked for and is not known.
struct Variables<'a> {
    facts: &'a ObjectFacts<'a>,
    modified: Option<String>,
    age: Option<i64>,
    missed: AtomicU16,
}

impl<'a> Variables<'a> {
    fn new(facts: &'a ObjectFacts<'a>, now: Timestamp) -> Self {
        let modified = facts.last_modified.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let age = facts.last_modified.map(|time| now.duration_since(time).as_secs());
        Self { facts, modified, age, missed: AtomicU16::new(u16::MAX) }
    }

    /// The first fact that was asked for and is not known.
    fn missed(&self) -> Option<Fact> {
        let index = usize::from(self.missed.load(Ordering::Relaxed));
        VARIABLES.get(index).and_then(|(_, fact)| *fact)
    }

    fn value<'b>(&'b self, name: &str) -> Option<Box<dyn Val + 'b>> {
        let facts = self.facts;
        match name {
            "key" => text(Some(facts.key)),
            "size" => facts.size.and_then(|size| number(i64::try_from(size).unwrap_or(i64::MAX))),
            "last_modified" => text(self.modified.as_deref()),
            "age" => self.age.and_then(number),
            "etag" => text(facts.etag.map(|etag| etag.trim_matches('"'))),
            "storage_class" => text(facts.storage_class),
            "is_latest" => facts.is_latest.map(|truth| -> Box<dyn Val> { Box::new(CelBool::from(truth)) }),
            "encryption" => text(facts.encryption.map(Encryption::name)),
            "kms_key" => text(facts.kms_key),
            "replication_status" => text(facts.replication_status.map(ReplicationStatus::name)),
            "tags" => facts.tags.and_then(map),
            "metadata" => facts.metadata.and_then(map),
            constant => {
                CONSTANTS.iter().find(|(name, _)| *name == constant).and_then(|(_, value)| number(*value))
            }
        }
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let value = self.value(variable);
        if value.is_none()
            && let Some(index) = VARIABLES.iter().position(|(name, _)| *name == variable)
        {
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            // Only the first one counts.
            let _ = self.missed.compare_exchange(u16::MAX, index, Ordering::Relaxed, Ordering::Relaxed);
        }
        value.map(CowVal::Owned)
    }
}

fn text<'b>(text: Option<&'b str>) -> Option<Box<dyn Val + 'b>> {
    text.map(|text| -> Box<dyn Val + 'b> { Box::new(CelString::from(text)) })
}

fn number<'b>(number: i64) -> Option<Box<dyn Val + 'b>> {
    Some(Box::new(CelInt::from(number)))
}

fn map<'b>(map: &BTreeMap<String, String>) -> Option<Box<dyn Val + 'b>> {
    let pairs: std::collections::HashMap<String, String> = map.clone().into_iter().collect();
    Value::from(pairs).try_into().ok()
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

fn names() -> Vec<&'static str> {
    VARIABLES.iter().map(|(name, _)| *name).chain(CONSTANTS.iter().map(|(name, _)| *name)).collect()
}

fn unknown(what: &str, name: &str, known: Vec<&str>) -> Unreadable {
    let help = suggest::help(name, known.iter().copied(), &format!("known {what}s")).unwrap_or_default();
    (format!("the expression uses an unknown {what} {name:?}"), help)
}

fn not_an_expression(errors: &cel::ParseErrors) -> Unreadable {
    let first = errors.errors.first();
    let why = first.map(|error| error.msg.lines().next().unwrap_or_default().to_owned()).unwrap_or_default();
    let place = first.map(|error| format!(" at character {}", error.pos.1)).unwrap_or_default();
    let help = "write it in CEL: size > 10 * MiB && key.endsWith('.log')".to_owned();
    (format!("not an expression{place}: {why}"), help)
}

fn explain(error: &cel::ExecutionError) -> String {
    match error {
        cel::ExecutionError::NoSuchKey(name) => {
            format!("there is no {name:?}; ask first: \"{name}\" in tags && tags[\"{name}\"] == …")
        }
        other => other.to_string(),
    }
}

fn kind(value: &Value) -> String {
    format!("of type {}", value.type_of())
}
