//! Patterns of actions outside of policies: lists of what something may do at most.

use crate::context::Context;
use crate::idle;
use crate::load::action_error;
use crate::pattern::{self, Matched, Pattern, Syntax};

/// A pattern of actions, written as in a policy: `s3:GetObject`, `s3:Get*`. Compared without case.
#[derive(Debug, Clone)]
pub struct ActionPattern {
    text: Box<str>,
    /// Folded.
    pattern: Pattern,
}

impl ActionPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(message) = action_error(text) {
            return Err(message);
        }
        // A policy is its author's own; such a list is often somebody else's, and is shown to people.
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || "*?:-".contains(c)) {
            return Err(format!("{text:?} is not an action"));
        }
        let syntax = Syntax { wildcards: true, variables: false };
        let pattern = Pattern::new(pattern::parse(&text.to_ascii_lowercase(), syntax)?);
        Ok(Self { text: text.into(), pattern })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `action` is one of them.
    pub fn matches(&self, action: &str) -> bool {
        self.pattern.test(&action.to_ascii_lowercase(), &Context::new()) == Ok(Matched::Yes)
    }

    /// Whether it is proved that every action of `other` is one of these.
    pub fn includes(&self, other: &Self) -> bool {
        idle::includes(&self.pattern, &other.pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ActionPattern {
        ActionPattern::parse(text).unwrap()
    }

    #[test]
    fn actions_are_matched_without_case() {
        assert!(pattern("s3:GetObject").matches("S3:getobject"));
        assert!(pattern("s3:get*").matches("s3:GetObjectTagging"));
        assert!(!pattern("s3:Get?bject").matches("s3:GetObjects"));
        assert!(pattern("*").matches("lambda:InvokeFunction"));
    }

    #[test]
    fn a_pattern_includes_what_it_covers() {
        assert!(pattern("s3:*").includes(&pattern("S3:Get*")));
        assert!(!pattern("s3:Get*").includes(&pattern("s3:*")));
        assert!(!pattern("s3:GetObject").includes(&pattern("s3:GetObject*")));
    }

    #[test]
    fn what_is_no_action() {
        for text in ["", "GetObject", "s3:", "*:Get", "s3:Get Object", "s3:\u{1b}[31m", "s3:Gét"] {
            assert!(ActionPattern::parse(text).is_err(), "{text:?}");
        }
    }
}
