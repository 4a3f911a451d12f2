//! What is looked for.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use longshore_sdk::parameters::check_tags;
use schemars::JsonSchema;
use serde::Deserialize;

/// Fewest bytes of a pattern: shorter ones are in every other file by chance.
const MIN_PATTERN_BYTES: usize = 4;
/// Most bytes of all patterns together: what is made of them takes a multiple of the memory.
const MAX_PATTERN_BYTES: usize = 64 << 10;

/// Bytes to look for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(inline)]
pub struct Rule {
    /// Its name, for the tag: letters, digits, spaces and `_ . : / = + - @`.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// The bytes, as text in UTF-8.
    #[serde(default)]
    pub text: Option<String>,
    /// The bytes, in hexadecimal digits.
    #[serde(default)]
    pub hex: Option<String>,
}

impl Rule {
    fn pattern(&self) -> Result<Vec<u8>, String> {
        let name = &self.name;
        check_tags(&BTreeMap::from([(super::RULE.to_owned(), name.clone())]))?;
        let pattern = match (&self.text, &self.hex) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(digits)) => {
                hex::decode(digits).map_err(|why| format!("rule {name:?}: hex: {why}"))?
            }
            _ => return Err(format!("rule {name:?} needs either text or hex")),
        };
        if pattern.len() < MIN_PATTERN_BYTES {
            let length = pattern.len();
            return Err(format!("rule {name:?} has {length} bytes; at least {MIN_PATTERN_BYTES} are needed"));
        }
        Ok(pattern)
    }
}

/// All rules, ready to search with.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) names: Vec<String>,
    pub(crate) search: AhoCorasick,
}

impl Rules {
    pub(crate) fn new(rules: &[Rule]) -> Result<Self, String> {
        if rules.is_empty() {
            return Err("rules is empty: nothing would be looked for".to_owned());
        }
        let patterns = rules.iter().map(Rule::pattern).collect::<Result<Vec<_>, _>>()?;
        let bytes: usize = patterns.iter().map(Vec::len).sum();
        if bytes > MAX_PATTERN_BYTES {
            return Err(format!("the rules have {bytes} bytes of patterns; {MAX_PATTERN_BYTES} are allowed"));
        }
        let names = rules.iter().map(|rule| rule.name.clone()).collect();
        // The first to end is the first to be found: all that a search in a stream can say.
        let search = AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns);
        Ok(Self { names, search: search.map_err(|why| why.to_string())? })
    }
}
