//! Limits, each with its unit and reason. Where AWS has a limit, ours is the same or is said to differ.

use crate::document::PolicyKind;

/// Largest identity policy or permissions boundary, in bytes of UTF-8. AWS counts 6,144 characters without white
/// space for a managed policy; the raw size is bounded so that indentation is free but parsing is not unbounded.
pub const MAX_IDENTITY_BYTES: usize = 20_480;
/// Largest resource policy, in bytes (S3 bucket policies: 20 KB).
pub const MAX_RESOURCE_BYTES: usize = 20_480;
/// Largest session policy, in bytes (AWS STS: 2,048 characters).
pub const MAX_SESSION_BYTES: usize = 2_048;
/// Largest service control policy, in bytes, white space included (AWS Organizations: 10,240 characters).
pub const MAX_SERVICE_CONTROL_BYTES: usize = 10_240;
/// Largest resource control policy, in bytes (AWS Organizations: 5,120 characters).
pub const MAX_RESOURCE_CONTROL_BYTES: usize = 5_120;
/// Identity policies that one role may have (AWS: 10 managed policies by default). Whoever reads the configuration
/// checks this, because it knows the place of the mistake.
pub const MAX_IDENTITY_DOCUMENTS: usize = 10;
/// Statements in one document; keeps the work of a decision bounded.
pub const MAX_STATEMENTS: usize = 1_000;
/// Values in one list (actions, resources, principals, values of a condition key).
pub const MAX_LIST_VALUES: usize = 1_000;
/// Length of one value, in characters: twice the longest S3 object ARN.
pub const MAX_VALUE_CHARS: usize = 2_048;
/// Length of the resource or of one context value of a request, in bytes; HTTP servers take no longer headers. With
/// [`MAX_VALUE_CHARS`] it bounds the work of one comparison.
pub const MAX_REQUEST_TEXT: usize = 8_192;

/// The size limit of a document, in bytes.
pub(crate) fn max_document_bytes(kind: PolicyKind) -> usize {
    match kind {
        PolicyKind::Identity | PolicyKind::Boundary => MAX_IDENTITY_BYTES,
        PolicyKind::Resource => MAX_RESOURCE_BYTES,
        PolicyKind::Session => MAX_SESSION_BYTES,
        PolicyKind::ServiceControl => MAX_SERVICE_CONTROL_BYTES,
        PolicyKind::ResourceControl => MAX_RESOURCE_CONTROL_BYTES,
    }
}
