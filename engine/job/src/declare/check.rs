//! JSON Schema errors as findings in plain words.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::{pointer, suggest};

/// Annotation in a schema that says in words what `pattern` asks for ("must be 12 digits"). Editors know it, too.
const PATTERN_WORDS: &str = "patternErrorMessage";

/// One thing that a schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// The key or value it is about.
    pub(super) pointer: String,
    /// Whether the key is wrong, rather than the value.
    pub(super) about: About,
    /// What has to be left out for the rest to make sense; `None` where something is missing.
    pub(super) prune: Option<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A key that should not be there.
    Key,
    /// A value.
    Value,
    /// A table that lacks a key.
    Table,
}

/// A schema, and where the value that it describes is.
struct Checker<'a> {
    schema: &'a Value,
    value: &'a Value,
    /// Pointer of the checked value in its file.
    base: &'a str,
    /// Whether the value at a pointer may be shown.
    may_show: &'a dyn Fn(&str) -> bool,
}

/// Checks `value`, which is found at `base`, against `schema`.
///
/// # Errors
/// The schema itself is wrong.
pub(super) fn check(
    schema: &Value,
    value: &Value,
    base: &str,
    may_show: &dyn Fn(&str) -> bool,
) -> Result<Vec<Finding>, String> {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| error.to_string())?;
    let checker = Checker { schema, value, base, may_show };
    let errors: Vec<_> = validator.iter_errors(value).collect();
    // A value of the wrong type breaks other rules only by accident.
    let mistyped: Vec<&str> =
        errors.iter().filter(|e| is_type(e)).map(|e| e.instance_path().as_str()).collect();
    let telling = errors.iter().filter(|e| is_type(e) || !mistyped.contains(&e.instance_path().as_str()));
    Ok(telling.flat_map(|error| checker.findings(error)).collect())
}

impl Checker<'_> {
    fn findings(&self, error: &ValidationError<'_>) -> Vec<Finding> {
        let at = format!("{}{}", self.base, error.instance_path().as_str());
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().map(|key| self.unknown_key(error, &at, key)).collect()
            }
            // How the validator reports a table that takes no keys at all.
            Kind::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
                let table = self.value.pointer(error.instance_path().as_str()).and_then(Value::as_object);
                table
                    .into_iter()
                    .flat_map(|table| table.keys())
                    .map(|key| self.unknown_key(error, &at, key))
                    .collect()
            }
            Kind::Required { property } => {
                vec![self.missing_key(error, &at, property.as_str().unwrap_or_default())]
            }
            Kind::PropertyNames { error: inner } => vec![self.bad_key(inner, &at)],
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.alternatives(context, error, &at)
            }
            _ => {
                let (message, help) = self.value(error, &at);
                vec![Finding { prune: Some(at.clone()), pointer: at, about: About::Value, message, help }]
            }
        }
    }

    fn unknown_key(&self, error: &ValidationError<'_>, at: &str, key: &str) -> Finding {
        let pointer = pointer::join(at, key);
        let known = self.parent(error).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let known: Vec<&str> = known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
        let place = pointer::table(at).map(|table| format!(" in {table}")).unwrap_or_default();
        Finding {
            message: format!("unknown key {}{place}", pointer::name(&pointer)),
            prune: Some(pointer.clone()),
            pointer,
            about: About::Key,
            help: match known.as_slice() {
                [] => Some("this table takes no keys".to_owned()),
                known => suggest::help(key, known.iter().copied(), "known keys"),
            },
        }
    }

    fn missing_key(&self, error: &ValidationError<'_>, at: &str, key: &str) -> Finding {
        let place = pointer::table(at).map(|table| format!(" in {table}")).unwrap_or_default();
        let schema = self.parent(error).and_then(|schema| schema.get("properties")?.get(key));
        Finding {
            pointer: at.to_owned(),
            about: About::Table,
            prune: None,
            message: format!("missing key {key:?}{place}"),
            help: schema.map(|schema| self.how_to_write(key, schema)),
        }
    }

    /// What a missing key is for, in the words of its schema.
    fn how_to_write(&self, key: &str, schema: &Value) -> String {
        let text = |name: &str| schema.get(name).or_else(|| self.referred(schema)?.get(name));
        let purpose = text("description").and_then(Value::as_str).map(first_sentence);
        let example = text("examples").and_then(|examples| examples.get(0)).and_then(toml_value);
        let line = match example {
            Some(example) => format!("{key} = {example}"),
            None if text("type").is_some_and(may_be_table) => format!("[{key}]"),
            None => format!("{key} = …"),
        };
        match purpose {
            Some(purpose) => format!("{line}    # {purpose}"),
            None => line,
        }
    }

    /// A key of a map that has the wrong form.
    fn bad_key(&self, error: &ValidationError<'_>, at: &str) -> Finding {
        let key = error.instance().as_str().unwrap_or_default();
        let pointer = pointer::join(at, key);
        let message = match self.pattern_words(error) {
            Some(words) => format!("the key {} {words}", pointer::name(&pointer)),
            None => format!("the key {}", self.value(error, &pointer).0),
        };
        Finding { prune: Some(pointer.clone()), pointer, about: About::Key, message, help: None }
    }

    /// What is wrong with a value that may have one of several forms: the problems of the form that was meant.
    fn alternatives(
        &self,
        forms: &[Vec<ValidationError<'static>>],
        error: &ValidationError<'_>,
        at: &str,
    ) -> Vec<Finding> {
        let own_path = error.instance_path().as_str();
        let of_this_type = |errors: &&Vec<ValidationError<'static>>| {
            !errors.iter().any(|e| is_type(e) && e.instance_path().as_str() == own_path)
        };
        let fitting: Vec<_> = forms.iter().filter(of_this_type).collect();
        let tagged: Vec<_> = fitting.iter().filter(|errors| !errors.iter().any(is_choice)).collect();
        let mut findings = match (tagged.as_slice(), fitting.as_slice()) {
            ([meant], _) => self.all(meant),
            (_, [meant]) => self.all(meant),
            ([], []) => vec![self.wrong_type(forms, at)],
            (_, several) => {
                let common = self.choice(several).or_else(|| self.lacks_tag(several, at));
                vec![common.unwrap_or_else(|| no_form(at))]
            }
        };
        // Half an alternative cannot be used.
        for finding in &mut findings {
            finding.prune = Some(at.to_owned());
        }
        findings
    }

    fn all(&self, errors: &[ValidationError<'static>]) -> Vec<Finding> {
        errors.iter().flat_map(|error| self.findings(error)).collect()
    }

    fn wrong_type(&self, forms: &[Vec<ValidationError<'static>>], at: &str) -> Finding {
        let errors: Vec<_> = forms.iter().flatten().filter(|error| is_type(error)).collect();
        let types: Vec<JsonType> = errors.iter().flat_map(|error| types(error)).collect();
        let found = errors.first().map(|error| error.instance().as_ref()).unwrap_or(&Value::Null);
        Finding {
            pointer: at.to_owned(),
            about: About::Value,
            prune: None,
            message: expected(at, &types, found),
            help: None,
        }
    }

    /// All forms name another word here: the words that are allowed, as one list.
    fn choice(&self, forms: &[&Vec<ValidationError<'static>>]) -> Option<Finding> {
        let choices: Vec<_> =
            forms.iter().filter_map(|errors| errors.iter().find(|error| is_choice(error))).collect();
        let place = choices.first()?.instance_path().as_str();
        if choices.len() != forms.len() || choices.iter().any(|error| error.instance_path().as_str() != place)
        {
            return None;
        }
        let found = choices.first()?.instance();
        let allowed: Vec<Value> = choices.iter().flat_map(|error| allowed(error)).collect();
        let pointer = format!("{}{place}", self.base);
        let (message, help) = self.not_among(&pointer, found, &allowed);
        Some(Finding { pointer, about: About::Value, prune: None, message, help })
    }

    /// All forms ask for the same key first, the one that tells them apart.
    fn lacks_tag(&self, forms: &[&Vec<ValidationError<'static>>], at: &str) -> Option<Finding> {
        let lacking = |errors: &Vec<ValidationError<'static>>| -> Vec<String> {
            errors.iter().filter_map(missing).map(str::to_owned).collect()
        };
        let tag = lacking(forms.first()?)
            .into_iter()
            .find(|key| forms.iter().all(|form| lacking(form).contains(key)))?;
        let values = forms.iter().flat_map(|form| form.iter()).filter(|error| missing(error) == Some(&tag));
        let allowed: Vec<String> = values
            .filter_map(|error| self.parent(error)?.get("properties")?.get(&tag)?.get("const"))
            .map(ToString::to_string)
            .collect();
        let place = pointer::table(at).map(|table| format!(" in {table}")).unwrap_or_default();
        Some(Finding {
            pointer: at.to_owned(),
            about: About::Table,
            prune: None,
            message: format!("missing key {tag:?}{place}"),
            help: (!allowed.is_empty()).then(|| format!("allowed: {}", allowed.join(", "))),
        })
    }

    /// Message and help for a value that breaks one rule.
    fn value(&self, error: &ValidationError<'_>, at: &str) -> (String, Option<String>) {
        let name = pointer::name(at);
        let found = error.instance();
        let shown = self.show(at, found);
        let message = match error.kind() {
            Kind::Type { .. } => expected(at, &types(error), found),
            Kind::Enum { .. } | Kind::Constant { .. } => return self.not_among(at, found, &allowed(error)),
            Kind::Minimum { limit } => format!("{name} is {shown}; the smallest allowed value is {limit}"),
            Kind::Maximum { limit } => format!("{name} is {shown}; the largest allowed value is {limit}"),
            Kind::ExclusiveMinimum { limit } => format!("{name} is {shown}; it must be above {limit}"),
            Kind::ExclusiveMaximum { limit } => format!("{name} is {shown}; it must be below {limit}"),
            Kind::MultipleOf { multiple_of } => {
                format!("{name} is {shown}; it must be a multiple of {multiple_of}")
            }
            Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
                format!("{name} must not be empty")
            }
            Kind::MinLength { limit } => {
                format!("{name} has {}; at least {limit} are needed", characters(found))
            }
            Kind::MaxLength { limit } => {
                format!("{name} has {}; at most {limit} are allowed", characters(found))
            }
            Kind::MinItems { limit } => {
                format!("{name} has {}; at least {limit} are needed", count(found, "item"))
            }
            Kind::MaxItems { limit } => {
                format!("{name} has {}; at most {limit} are allowed", count(found, "item"))
            }
            Kind::MinProperties { limit } => {
                format!("{name} has {}; at least {limit} are needed", count(found, "key"))
            }
            Kind::MaxProperties { limit } => {
                format!("{name} has {}; at most {limit} are allowed", count(found, "key"))
            }
            Kind::UniqueItems => format!("{name} lists something twice"),
            Kind::Pattern { pattern } => match self.pattern_words(error) {
                Some(words) => format!("{name} is {shown}; it {words}"),
                None => format!("{name} is {shown}; it must match the pattern {pattern}"),
            },
            Kind::OneOfMultipleValid { .. } => format!("{name} mixes several of the forms that it may have"),
            Kind::FalseSchema => format!("{name} must not be given"),
            Kind::Format { format } => format!("{name} is {shown}; it must have the format {format}"),
            other => format!("{name} breaks the rule {:?} of its schema", other.keyword()),
        };
        (message, None)
    }

    fn not_among(&self, at: &str, found: &Value, allowed: &[Value]) -> (String, Option<String>) {
        let list = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("{} is {}; allowed: {list}", pointer::name(at), self.show(at, found));
        let near =
            found.as_str().and_then(|word| suggest::nearest(word, allowed.iter().filter_map(Value::as_str)));
        let near = near.filter(|_| (self.may_show)(at));
        (message, near.map(|near| format!("did you mean {near:?}?")))
    }

    /// A value as a message shows it: not if it came from the environment, and not at any length.
    fn show(&self, at: &str, value: &Value) -> String {
        if !(self.may_show)(at) {
            return "a value from the environment (not shown)".to_owned();
        }
        pointer::shortened(&value.to_string()).into_owned()
    }

    /// The schema object whose keyword was broken.
    fn parent(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let path = error.schema_path().as_str();
        self.schema.pointer(path.rsplit_once('/')?.0)
    }

    fn referred(&self, schema: &Value) -> Option<&Value> {
        self.schema.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
    }

    fn pattern_words(&self, error: &ValidationError<'_>) -> Option<&str> {
        self.parent(error)?.get(PATTERN_WORDS)?.as_str()
    }
}

fn is_type(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Type { .. })
}

fn is_choice(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. })
}

fn may_be_table(types: &Value) -> bool {
    types == "object" || types.as_array().is_some_and(|types| types.iter().any(|name| name == "object"))
}

/// The key that is missing, where that is the error.
fn missing<'a>(error: &'a ValidationError<'_>) -> Option<&'a str> {
    match error.kind() {
        Kind::Required { property } => property.as_str(),
        _ => None,
    }
}

fn allowed(error: &ValidationError<'_>) -> Vec<Value> {
    match error.kind() {
        Kind::Constant { expected_value } => vec![expected_value.as_ref().clone()],
        Kind::Enum { options } => options.as_array().cloned().unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn types(error: &ValidationError<'_>) -> Vec<JsonType> {
    match error.kind() {
        Kind::Type { kind: TypeKind::Single(one) } => vec![*one],
        Kind::Type { kind: TypeKind::Multiple(several) } => several.iter().collect(),
        _ => Vec::new(),
    }
}

fn no_form(at: &str) -> Finding {
    Finding {
        pointer: at.to_owned(),
        about: About::Value,
        prune: None,
        message: format!("{} has none of the forms that it may have", pointer::name(at)),
        help: None,
    }
}

/// `"priority": expected an integer, found a string`. TOML has no null, so that is never named.
fn expected(at: &str, types: &[JsonType], found: &Value) -> String {
    let mut words: Vec<&str> =
        types.iter().filter(|t| **t != JsonType::Null).map(|t| type_name(*t)).collect();
    words.dedup();
    let found = match found {
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() && types.contains(&JsonType::Integer) => {
            "a number with a fraction"
        }
        Value::Number(number) if !number.is_f64() => "an integer",
        other => type_name(JsonType::from(other)),
    };
    format!("{}: expected {}, found {found}", pointer::name(at), words.join(" or "))
}

fn type_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Null => "nothing",
        JsonType::Number => "a number",
        JsonType::Object => "a table",
        JsonType::String => "a string",
    }
}

fn characters(value: &Value) -> String {
    match value.as_str().map_or(0, |text| text.chars().count()) {
        1 => "1 character".to_owned(),
        n => format!("{n} characters"),
    }
}

fn count(value: &Value, noun: &str) -> String {
    let count =
        value.as_array().map(Vec::len).or_else(|| value.as_object().map(serde_json::Map::len)).unwrap_or(0);
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.')
}

/// A JSON value as TOML writes it on one line.
fn toml_value(value: &Value) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}
