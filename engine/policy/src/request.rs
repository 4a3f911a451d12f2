//! What a decision is asked about.

use crate::context::Context;

/// One action on one resource by one principal.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// ARN of the principal: a user, a role session, a federated user; a service name; or `anonymous`.
    pub principal: &'a str,
    /// `service:Name`, no wildcards.
    pub action: &'a str,
    /// One ARN with the object key unescaped, or `*` for actions that have no resource.
    pub resource: &'a str,
    /// The 12-digit account that owns the resource (S3 ARNs do not say it).
    pub resource_account: &'a str,
    /// The condition keys.
    pub context: &'a Context,
}
