//! What is known of S3's own actions and condition keys: for advice and checks of completeness, never for decisions.

pub use crate::names::suggest_action as suggest;

use crate::names::{self, S3Action};
use crate::value::fold_key;

/// Whether S3 has this action (`s3:GetObject`, compared without case).
pub fn is_action(action: &str) -> bool {
    find(action).is_some()
}

/// Whether Amazon S3 documents the condition key for this action, beside the keys that every action has
/// (`aws:CurrentTime`, `s3:authType`, …). False for actions that are not S3's.
pub fn supplies(action: &str, key: &str) -> bool {
    let key = fold_key(key);
    find(action).is_some_and(|action| names::listed(action.keys.iter().copied(), &key))
}

/// Whether a condition key holds a set of values; `None` for keys that are not known.
pub fn is_multivalued(key: &str) -> Option<bool> {
    names::is_multivalued(&fold_key(key))
}

fn find(action: &str) -> Option<&'static S3Action> {
    names::S3.iter().find(|known| known.folded.eq_ignore_ascii_case(action))
}
