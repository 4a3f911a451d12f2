//! The condition keys of a request.

use std::collections::BTreeMap;

/// Condition keys and their values. Names are compared without case, as IAM does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    entries: BTreeMap<String, Vec<String>>,
}

/// What a context holds under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// No value: the key is missing, or its set is empty.
    Absent,
    /// The one value of a single-valued key.
    One(&'a str),
    /// The values of a multivalued key.
    Many(&'a [String]),
    /// Two spellings of the key hold different values.
    Ambiguous,
}

impl Context {
    /// An empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a single-valued key.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.set_many(key, [value.into()]);
    }

    /// Sets a multivalued key. An empty set is the same as no key.
    pub fn set_many(&mut self, key: impl Into<String>, values: impl IntoIterator<Item = String>) {
        self.entries.insert(key.into().to_lowercase(), values.into_iter().collect());
    }

    /// What the context holds under `key`, compared without case.
    pub fn get(&self, key: &str) -> Lookup<'_> {
        match self.entries.get(&key.to_lowercase()).map(Vec::as_slice) {
            None | Some([]) => Lookup::Absent,
            Some([one]) => Lookup::One(one),
            Some(many) => Lookup::Many(many),
        }
    }
}
