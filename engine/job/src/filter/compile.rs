//! From what a user wrote to tests: every part that cannot be understood is reported.

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};

use super::FilterProblem;
use super::expression::Expression;
use super::form::Filter;
use super::matcher::{Matcher, Test};
use super::values;
use crate::declare::Unreadable;
use crate::declare::size::{Size, bytes};

/// Most bytes that a compiled regular expression may take: enough for any that a person writes.
const REGEX_BYTES: usize = 1 << 20;

/// How deep `any`, `all` and `not` may be nested (levels): more than anyone reads, less than a stack holds.
const MAX_DEPTH: usize = 16;

/// Makes the tests of `filter`; relative ages count back from `now`.
pub(super) fn compile(filter: &Filter, now: Timestamp) -> Result<Matcher, Vec<FilterProblem>> {
    let mut compiler = Compiler { now, problems: Vec::new() };
    let tests = compiler.tests(filter, "", 0);
    if compiler.problems.is_empty() {
        Ok(Matcher { tests, prefixes: minimal(prefixes(filter)) })
    } else {
        Err(compiler.problems)
    }
}

/// What every key that passes begins with one of; nothing if that is not known.
fn prefixes(filter: &Filter) -> &[String] {
    match filter.prefixes.as_slice() {
        [] => filter.all.iter().map(prefixes).find(|prefixes| !prefixes.is_empty()).unwrap_or_default(),
        own => own,
    }
}

/// The prefixes without those that begin with another; the empty one if there are none.
fn minimal(prefixes: &[String]) -> Vec<String> {
    let mut sorted = prefixes.to_vec();
    sorted.sort();
    let mut kept: Vec<String> = Vec::new();
    for prefix in sorted {
        if !kept.last().is_some_and(|last| prefix.starts_with(last.as_str())) {
            kept.push(prefix);
        }
    }
    if kept.is_empty() { vec![String::new()] } else { kept }
}

struct Compiler {
    now: Timestamp,
    problems: Vec<FilterProblem>,
}

impl Compiler {
    /// The tests of a filter, cheap ones first.
    fn tests(&mut self, filter: &Filter, at: &str, depth: usize) -> Vec<Test> {
        if depth > MAX_DEPTH {
            self.problem(at, "", (format!("filters are nested more than {MAX_DEPTH} deep"), String::new()));
            return Vec::new();
        }
        let mut tests = Vec::new();
        let mut list = |values: &[String], test: fn(Vec<String>) -> Test| {
            if !values.is_empty() {
                tests.push(test(values.to_vec()));
            }
        };
        list(&filter.prefixes, Test::Prefixes);
        list(&filter.suffixes, Test::Suffixes);
        list(&filter.substrings, Test::Substrings);
        list(&filter.storage_classes, Test::StorageClasses);
        list(&filter.kms_keys, Test::KmsKeys);
        let etags: Vec<String> = filter.etags.iter().map(|etag| etag.trim_matches('"').to_owned()).collect();
        list(&etags, Test::ETags);
        if !filter.encryption.is_empty() {
            tests.push(Test::Encryption(filter.encryption.clone()));
        }
        if !filter.replication_statuses.is_empty() {
            tests.push(Test::Replication(filter.replication_statuses.clone()));
        }
        if !filter.tags.is_empty() {
            tests.push(Test::Tags(filter.tags.clone()));
        }
        if !filter.metadata.is_empty() {
            // Stores give the names of headers in lower case.
            let lower = filter.metadata.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
            tests.push(Test::Metadata(lower.collect()));
        }
        self.sizes(filter, at, &mut tests);
        self.times(filter, at, &mut tests);
        self.patterns(filter, at, &mut tests);
        self.nested(filter, at, depth, &mut tests);
        tests.sort_by_key(Test::cost);
        tests
    }

    fn sizes(&mut self, filter: &Filter, at: &str, tests: &mut Vec<Test>) {
        let mut size = |name: &str, size: &Option<Size>, test: fn(u64) -> Test| {
            if let Some(bytes) = size.as_ref().and_then(|size| self.read(at, name, bytes(size))) {
                tests.push(test(bytes));
            }
        };
        size("size-greater-than", &filter.size_greater_than, Test::SizeAbove);
        size("size-less-than", &filter.size_less_than, Test::SizeBelow);
    }

    fn times(&mut self, filter: &Filter, at: &str, tests: &mut Vec<Test>) {
        let now = self.now;
        type Reader<'a> = &'a dyn Fn(&str) -> Result<Timestamp, Unreadable>;
        let moment: Reader<'_> = &values::moment;
        let ago: Reader<'_> = &|text| values::ago(text, now);
        let mut time = |name: &str, text: &Option<String>, read: Reader<'_>, test: fn(Timestamp) -> Test| {
            if let Some(moment) = text.as_ref().and_then(|text| self.read(at, name, read(text))) {
                tests.push(test(moment));
            }
        };
        time("created-after", &filter.created_after, moment, Test::After);
        time("created-before", &filter.created_before, moment, Test::Before);
        time("older-than", &filter.older_than, ago, Test::Before);
        time("newer-than", &filter.newer_than, ago, Test::After);
    }

    fn patterns(&mut self, filter: &Filter, at: &str, tests: &mut Vec<Test>) {
        if let Some(text) = &filter.regex
            && let Some(regex) = self.read(at, "regex", regex(text))
        {
            tests.push(Test::Regexes(vec![regex]));
        }
        let globs: Vec<Regex> = filter
            .glob
            .iter()
            .enumerate()
            .filter_map(|(index, text)| self.read(at, &format!("glob/{index}"), glob(text)))
            .collect();
        if !globs.is_empty() {
            tests.push(Test::Regexes(globs));
        }
        if let Some(text) = &filter.expression
            && let Some(expression) = self.read(at, "expression", Expression::compile(text, self.now))
        {
            tests.push(Test::Expression(Box::new(expression)));
        }
    }

    fn nested(&mut self, filter: &Filter, at: &str, depth: usize, tests: &mut Vec<Test>) {
        let mut group = |name: &str, filters: &[Filter]| -> Vec<Test> {
            let numbered = filters.iter().enumerate();
            let mut tests: Vec<Test> = numbered
                .map(|(index, filter)| {
                    Test::All(self.tests(filter, &format!("{at}/{name}/{index}"), depth + 1))
                })
                .collect();
            tests.sort_by_key(Test::cost);
            tests
        };
        if !filter.all.is_empty() {
            tests.push(Test::All(group("all", &filter.all)));
        }
        if !filter.any.is_empty() {
            tests.push(Test::Any(group("any", &filter.any)));
        }
        if let Some(not) = &filter.not {
            if not.is_empty() {
                self.problem(
                    at,
                    "not",
                    ("\"not\" has no condition: nothing would pass".to_owned(), String::new()),
                );
            }
            let tests_of_not = self.tests(not, &format!("{at}/not"), depth + 1);
            tests.push(Test::Not(Box::new(Test::All(tests_of_not))));
        }
    }

    fn read<T>(&mut self, at: &str, name: &str, value: Result<T, Unreadable>) -> Option<T> {
        value.map_err(|why| self.problem(at, name, why)).ok()
    }

    fn problem(&mut self, at: &str, name: &str, (message, help): Unreadable) {
        let at = if name.is_empty() { at.to_owned() } else { format!("{at}/{name}") };
        self.problems.push(FilterProblem { at, message, help: (!help.is_empty()).then_some(help) });
    }
}

fn regex(text: &str) -> Result<Regex, Unreadable> {
    RegexBuilder::new(text).size_limit(REGEX_BYTES).build().map_err(|error| {
        // The crate draws a picture; its last line says what is wrong.
        let text = error.to_string();
        let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        (
            format!("not a usable regular expression: {why}"),
            "the syntax is that of https://docs.rs/regex".to_owned(),
        )
    })
}

/// The regular expression of a glob.
fn glob(text: &str) -> Result<Regex, Unreadable> {
    let unfinished = |what: &str| {
        let help = "write a backslash before a character that stands for itself".to_owned();
        (format!("not a usable glob: {what}"), help)
    };
    let mut pattern = String::from("(?s)^");
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => pattern.push_str(".*"),
            '*' => pattern.push_str("[^/]*"),
            '?' => pattern.push_str("[^/]"),
            '[' => {
                let class: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let (negated, class) = match class.strip_prefix(['!', '^']) {
                    Some(class) => ("^", class),
                    None => ("", class.as_str()),
                };
                if class.is_empty() {
                    return Err(unfinished("[ needs characters and a ]"));
                }
                let escaped =
                    class.replace('\\', r"\\").replace('[', r"\[").replace('&', r"\&").replace('~', r"\~");
                pattern.push_str(&format!("[{negated}{escaped}]"));
            }
            '\\' => match rest.next() {
                Some(c) => pattern.push_str(&regex::escape(&c.to_string())),
                None => return Err(unfinished("it ends in a backslash")),
            },
            c => pattern.push_str(&regex::escape(&c.to_string())),
        }
    }
    pattern.push('$');
    regex(&pattern).map_err(|(why, _)| unfinished(&why))
}
