//! What can go wrong while a request is decided. Every such error refuses: in an Allow statement the statement does
//! not apply, in a Deny statement it does. Messages name keys, never their values.

use crate::limits::MAX_REQUEST_TEXT;

/// An error met while deciding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Condition keys ignore case, and two spellings of one key hold different values (object tag keys heed case).
    #[error(
        "the request holds different values under spellings of condition key {key:?}, \
         which IAM compares without case; rename one of the keys"
    )]
    AmbiguousKey {
        /// The key, folded.
        key: String,
    },
    /// A value in the request's context does not have the type that the operator compares.
    #[error("the request's value of condition key {key:?} is not {expected}, which {operator} compares")]
    UnreadableValue {
        /// The key, as the policy spells it.
        key: String,
        /// The operator, as AWS spells it.
        operator: String,
        /// The type.
        expected: &'static str,
    },
    /// A value in the request is longer than any that S3 sends.
    #[error("the request's {what} is longer than {MAX_REQUEST_TEXT} bytes")]
    TooLong {
        /// `resource`, or the name of a condition key.
        what: String,
    },
    /// The principal of the request is none of the known forms.
    #[error(
        "the request's principal {principal:?} is not the ARN of a user, a role session or a federated user with a \
         12-digit account id, nor a service name, nor \"anonymous\""
    )]
    MalformedPrincipal {
        /// The principal.
        principal: String,
    },
    /// The action of the request is not one action.
    #[error("the request's action {action:?} is not service:Name")]
    MalformedAction {
        /// The action.
        action: String,
    },
    /// The resource of the request is not one resource.
    #[error(
        "the request's resource {resource:?} is neither \"*\" nor an ARN of six fields with a non-empty name"
    )]
    MalformedResource {
        /// The resource.
        resource: String,
    },
}
