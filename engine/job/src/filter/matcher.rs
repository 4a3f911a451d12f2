//! A filter ready to be asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use regex::Regex;

use super::expression::Expression;
use super::facts::{Encryption, Fact, FactSource, ObjectFacts, ReplicationStatus};
use super::form::Wanted;

/// What a filter says to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes.
    Yes,
    /// It does not.
    No,
    /// That depends on this, which is not known.
    Unknown(Fact),
}

/// Why a filter could not be asked about an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the filter's expression {expression:?} fails for the key {key:?}: {why}")]
pub struct EvaluationError {
    /// The expression, as written.
    pub expression: String,
    /// The key.
    pub key: String,
    /// What the expression does that cannot be done.
    pub why: String,
}

/// A compiled filter.
#[derive(Debug)]
pub struct Matcher {
    pub(super) tests: Vec<Test>,
    pub(super) prefixes: Vec<String>,
}

/// One condition. Lists are alternatives.
#[derive(Debug)]
pub(super) enum Test {
    Prefixes(Vec<String>),
    Suffixes(Vec<String>),
    Substrings(Vec<String>),
    Regexes(Vec<Regex>),
    SizeAbove(u64),
    SizeBelow(u64),
    After(Timestamp),
    Before(Timestamp),
    ETags(Vec<String>),
    StorageClasses(Vec<String>),
    Encryption(Vec<Encryption>),
    KmsKeys(Vec<String>),
    Replication(Vec<ReplicationStatus>),
    Tags(BTreeMap<String, Wanted>),
    Metadata(BTreeMap<String, Wanted>),
    Expression(Box<Expression>),
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
}

impl Matcher {
    /// What the filter says to an object of which `facts` are known.
    ///
    /// # Errors
    /// The expression cannot be evaluated for this object: it asks for a tag that is not there, or compares things of
    /// different types.
    pub fn verdict(&self, facts: &ObjectFacts<'_>) -> Result<Verdict, EvaluationError> {
        all(&self.tests, facts)
    }

    /// Everything that a verdict may depend on, besides the key.
    pub fn facts(&self) -> BTreeSet<Fact> {
        let mut facts = BTreeSet::new();
        self.tests.iter().for_each(|test| test.collect_facts(&mut facts));
        facts
    }

    /// The requests for single objects that a verdict may need.
    pub fn requests(&self) -> BTreeSet<FactSource> {
        self.facts().into_iter().map(Fact::source).filter(|source| *source != FactSource::Listing).collect()
    }

    /// What every key that passes begins with: one of these, none of which begins with another. One empty text if anything will do.
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }
}

impl Test {
    /// The facts it depends on.
    fn collect_facts(&self, facts: &mut BTreeSet<Fact>) {
        let fact = match self {
            Self::Prefixes(_) | Self::Suffixes(_) | Self::Substrings(_) | Self::Regexes(_) => return,
            Self::SizeAbove(_) | Self::SizeBelow(_) => Fact::Size,
            Self::After(_) | Self::Before(_) => Fact::LastModified,
            Self::ETags(_) => Fact::ETag,
            Self::StorageClasses(_) => Fact::StorageClass,
            Self::Encryption(_) => Fact::Encryption,
            Self::KmsKeys(_) => Fact::KmsKey,
            Self::Replication(_) => Fact::ReplicationStatus,
            Self::Tags(_) => Fact::Tags,
            Self::Metadata(_) => Fact::Metadata,
            Self::Expression(expression) => return facts.extend(expression.facts()),
            Self::All(tests) | Self::Any(tests) => {
                return tests.iter().for_each(|test| test.collect_facts(facts));
            }
            Self::Not(test) => return test.collect_facts(facts),
        };
        facts.insert(fact);
    }

    /// How dear it is: tests that need no request come first, and of these the cheap ones.
    pub(super) fn cost(&self) -> (Option<FactSource>, u8) {
        let mut facts = BTreeSet::new();
        self.collect_facts(&mut facts);
        let source =
            facts.into_iter().map(Fact::source).filter(|source| *source != FactSource::Listing).max();
        let work = match self {
            Self::Regexes(_) => 1,
            Self::Expression(_) | Self::All(_) | Self::Any(_) | Self::Not(_) => 2,
            _ => 0,
        };
        (source, work)
    }

    fn verdict(&self, facts: &ObjectFacts<'_>) -> Result<Verdict, EvaluationError> {
        let key = facts.key;
        Ok(match self {
            Self::Prefixes(prefixes) => yes(prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))),
            Self::Suffixes(suffixes) => yes(suffixes.iter().any(|suffix| key.ends_with(suffix.as_str()))),
            Self::Substrings(parts) => yes(parts.iter().any(|part| key.contains(part.as_str()))),
            Self::Regexes(regexes) => yes(regexes.iter().any(|regex| regex.is_match(key))),
            Self::SizeAbove(bytes) => known(Fact::Size, facts.size, |size| size > *bytes),
            Self::SizeBelow(bytes) => known(Fact::Size, facts.size, |size| size < *bytes),
            Self::After(moment) => known(Fact::LastModified, facts.last_modified, |time| time > *moment),
            Self::Before(moment) => known(Fact::LastModified, facts.last_modified, |time| time < *moment),
            Self::ETags(etags) => known(Fact::ETag, facts.etag, |etag| has(etags, etag.trim_matches('"'))),
            Self::StorageClasses(classes) => {
                known(Fact::StorageClass, facts.storage_class, |class| has(classes, class))
            }
            Self::Encryption(ways) => known(Fact::Encryption, facts.encryption, |way| ways.contains(&way)),
            Self::KmsKeys(keys) => known(Fact::KmsKey, facts.kms_key, |key| has(keys, key)),
            Self::Replication(statuses) => {
                known(Fact::ReplicationStatus, facts.replication_status, |status| statuses.contains(&status))
            }
            Self::Tags(wanted) => known(Fact::Tags, facts.tags, |tags| fits(wanted, tags)),
            Self::Metadata(wanted) => {
                known(Fact::Metadata, facts.metadata, |metadata| fits(wanted, metadata))
            }
            Self::Expression(expression) => return expression.verdict(facts),
            Self::All(tests) => return all(tests, facts),
            Self::Any(tests) => return any(tests, facts),
            Self::Not(test) => match test.verdict(facts)? {
                Verdict::Yes => Verdict::No,
                Verdict::No => Verdict::Yes,
                unknown @ Verdict::Unknown(_) => unknown,
            },
        })
    }
}

/// No if any test says no, else unknown if any does not know, else yes.
fn all(tests: &[Test], facts: &ObjectFacts<'_>) -> Result<Verdict, EvaluationError> {
    combine(tests, facts, Verdict::No, Verdict::Yes)
}

/// Yes if any test says yes, else unknown if any does not know, else no.
fn any(tests: &[Test], facts: &ObjectFacts<'_>) -> Result<Verdict, EvaluationError> {
    combine(tests, facts, Verdict::Yes, Verdict::No)
}

fn combine(
    tests: &[Test],
    facts: &ObjectFacts<'_>,
    decisive: Verdict,
    otherwise: Verdict,
) -> Result<Verdict, EvaluationError> {
    let mut combined = otherwise;
    for test in tests {
        match test.verdict(facts)? {
            verdict if verdict == decisive => return Ok(decisive),
            unknown @ Verdict::Unknown(_) if combined == otherwise => combined = unknown,
            _ => {}
        }
    }
    Ok(combined)
}

fn yes(truth: bool) -> Verdict {
    if truth { Verdict::Yes } else { Verdict::No }
}

fn known<T>(fact: Fact, value: Option<T>, test: impl FnOnce(T) -> bool) -> Verdict {
    value.map_or(Verdict::Unknown(fact), |value| yes(test(value)))
}

fn has(list: &[String], text: &str) -> bool {
    list.iter().any(|item| item == text)
}

fn fits(wanted: &BTreeMap<String, Wanted>, found: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(name, wanted)| {
        let value = found.get(name);
        match wanted {
            Wanted::Present(present) => value.is_some() == *present,
            Wanted::Value(text) => value == Some(text),
            Wanted::OneOf(texts) => value.is_some_and(|value| texts.contains(value)),
        }
    })
}
