//! The answer, and why.

use std::fmt;

use serde::Serialize;

/// What a decision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    /// Allowed.
    Allow,
    /// Refused because nothing allows it.
    ImplicitDeny,
    /// Refused because a Deny statement applies.
    ExplicitDeny,
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Allowed or refused.
    pub effect: Effect,
}

impl Decision {
    /// Whether the request may be sent.
    pub fn allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// One sentence fit for a completion report.
    pub fn reason(&self) -> String {
        "no policy allows it".to_owned()
    }
}

/// Every statement's part in a decision. `Display` is for people, `Serialize` for machines.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Allowed or refused.
    pub effect: Effect,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.effect)
    }
}
