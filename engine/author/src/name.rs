//! Names of operations.

use std::fmt;
use std::str::FromStr;

/// Most characters of a name.
const MAX: usize = 64;

/// The name of an operation: lower-case letters, digits and hyphens, 1 to 64 characters, as job files use it. What a project makes a
/// crate and a type of begins with a letter, and has no two hyphens in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The name: `mark-large`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As identifiers write it: `mark_large`.
    pub fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// As types write it: `MarkLarge`.
    pub fn camel(&self) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        };
        self.0.split('-').map(capital).collect()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=MAX).contains(&text.len()) || !text.bytes().all(known) {
            return Err(format!("a name has 1 to {MAX} lower-case letters, digits and hyphens"));
        }
        let bad_hyphen = text.ends_with('-') || text.contains("--");
        if !text.starts_with(|first: char| first.is_ascii_lowercase()) || bad_hyphen {
            return Err(
                "a name begins with a letter, and hyphens stand alone between letters or digits".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn forms_of_a_name() {
        let name: Name = "mark-large-2".parse().unwrap();
        assert_eq!((name.snake().as_str(), name.camel().as_str()), ("mark_large_2", "MarkLarge2"));
    }

    #[test]
    fn what_is_no_name() {
        for text in ["", "Mark", "mark_large", "2nd", "-a", "a-", "a--b", "ä", &"a".repeat(65)] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
    }
}
