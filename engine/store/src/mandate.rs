//! What whoever sends may ask for at most, whatever the policies allow.

use std::fmt;

use crate::error::StoreError;

/// What whoever sends may ask for at most, whatever the policies allow: asked about every permission that a request needs,
/// before the policies are.
pub trait Mandate: fmt::Debug + Send + Sync {
    /// Whether `action` (`s3:PutObjectTagging`) is within it.
    ///
    /// # Errors
    /// Why it is not: then nothing is sent, and no policy is asked.
    fn covers(&self, action: &str) -> Result<(), StoreError>;
}
