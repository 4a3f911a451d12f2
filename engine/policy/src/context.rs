//! The condition keys of a request.

use std::collections::BTreeMap;

use crate::error::EvaluationError;
use crate::value::fold_key;

/// Condition keys and their values. Names are compared without case, as IAM does, the part after `/` included.
///
/// Object tag keys heed case. So two keys may fall together here: with equal values that is harmless, with different
/// ones the key is ambiguous, and every condition on it refuses.
///
/// ```
/// # use longshore_policy::{Context, Lookup};
/// let mut context = Context::new();
/// context.set("s3:ExistingObjectTag/Env", "prod");
/// assert_eq!(context.get("s3:existingobjecttag/ENV"), Lookup::One("prod"));
/// context.set("s3:ExistingObjectTag/env", "dev");
/// assert_eq!(context.get("s3:existingobjecttag/ENV"), Lookup::Ambiguous);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// By folded name.
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    spelling: String,
    values: Values,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Values {
    One(String),
    Many(Vec<String>),
    Ambiguous,
}

/// What a context holds under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// No value: the key is missing, or its set is empty.
    Absent,
    /// The value of a single-valued key.
    One(&'a str),
    /// The values of a multivalued key; at least one.
    Many(&'a [String]),
    /// Two spellings of the key hold different values.
    Ambiguous,
}

impl Context {
    /// An empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a single-valued key. Setting the same spelling again replaces its value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.put(key.into(), Values::One(value.into()));
    }

    /// Sets a multivalued key. An empty set is the same as no key. Setting the same spelling again replaces the set.
    pub fn set_many(&mut self, key: impl Into<String>, values: impl IntoIterator<Item = String>) {
        self.put(key.into(), Values::Many(values.into_iter().collect()));
    }

    fn put(&mut self, spelling: String, values: Values) {
        let entry = Entry { spelling, values };
        match self.entries.get_mut(&fold_key(&entry.spelling)) {
            Some(known) if known.values == entry.values => {}
            Some(known) if known.spelling != entry.spelling => known.values = Values::Ambiguous,
            // Once ambiguous, always: which spelling was replaced is not known any more.
            Some(known) if known.values == Values::Ambiguous => {}
            Some(known) => known.values = entry.values,
            None => {
                self.entries.insert(fold_key(&entry.spelling), entry);
            }
        }
    }

    /// What the context holds under `key`, compared without case.
    pub fn get(&self, key: &str) -> Lookup<'_> {
        self.lookup(&fold_key(key))
    }

    /// The names of the keys that it holds, as they were spelled first.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.values().map(|entry| entry.spelling.as_str())
    }

    /// [`Self::get`] for a name that is folded already.
    pub(crate) fn lookup(&self, folded: &str) -> Lookup<'_> {
        match self.entries.get(folded).map(|entry| &entry.values) {
            None => Lookup::Absent,
            Some(Values::One(value)) => Lookup::One(value),
            Some(Values::Many(values)) if values.is_empty() => Lookup::Absent,
            Some(Values::Many(values)) => Lookup::Many(values),
            Some(Values::Ambiguous) => Lookup::Ambiguous,
        }
    }

    /// The value that a policy variable stands for. A multivalued key counts as having none.
    pub(crate) fn single(&self, folded: &str) -> Result<Option<&str>, EvaluationError> {
        match self.lookup(folded) {
            Lookup::One(value) => Ok(Some(value)),
            Lookup::Absent | Lookup::Many(_) => Ok(None),
            Lookup::Ambiguous => Err(EvaluationError::AmbiguousKey { key: folded.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_replaces_and_two_are_ambiguous_for_good() {
        let mut context = Context::new();
        context.set("k:A", "1");
        context.set("k:A", "2");
        assert_eq!(context.get("K:a"), Lookup::One("2"));
        context.set("k:a", "2");
        assert_eq!(context.get("k:a"), Lookup::One("2"));
        context.set("k:a", "3");
        assert_eq!(context.get("k:a"), Lookup::Ambiguous);
        context.set("k:A", "3");
        assert_eq!(context.get("k:a"), Lookup::Ambiguous);
    }

    #[test]
    fn one_value_and_a_set_of_one_are_not_the_same() {
        let mut context = Context::new();
        context.set_many("k:s", ["1".to_owned()]);
        assert!(matches!(context.get("k:s"), Lookup::Many([_])));
        context.set_many("k:s", []);
        assert_eq!(context.get("k:s"), Lookup::Absent);
    }
}
