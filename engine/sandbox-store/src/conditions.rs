//! Conditional requests (RFC 9110, section 13) with the precedence that S3 documents for reads, copies and writes.

use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

/// The conditions of a read or of the source of a copy.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// What the conditions say of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on.
    Proceed,
    /// `If-None-Match` or `If-Modified-Since` says the client has it already.
    NotModified,
    /// `If-Match` or `If-Unmodified-Since` does not hold.
    Failed,
}

/// Judges an object by its entity tag (without quotes) and its last modification.
///
/// The entity tag conditions win over the dates: a matching `If-Match` makes `If-Unmodified-Since` irrelevant,
/// and `If-None-Match` makes `If-Modified-Since` irrelevant.
pub(crate) fn judge(conditions: &Conditions, etag: &str, modified: &Timestamp) -> Verdict {
    let holds = match (&conditions.if_match, &conditions.if_unmodified_since) {
        (Some(condition), _) => matches(condition, etag),
        (None, Some(date)) => modified <= date,
        (None, None) => true,
    };
    if !holds {
        return Verdict::Failed;
    }
    let news = match (&conditions.if_none_match, &conditions.if_modified_since) {
        (Some(condition), _) => !matches(condition, etag),
        (None, Some(date)) => modified > date,
        (None, None) => true,
    };
    if news { Verdict::Proceed } else { Verdict::NotModified }
}

/// Judges the target of a write by the entity tag of the current object, if there is one.
///
/// # Errors
/// `PreconditionFailed` (412), `NoSuchKey` (404) for `If-Match` on a key that does not exist,
/// `NotImplemented` for an `If-None-Match` other than `*`, as S3.
pub(crate) fn check_write(
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
    current: Option<&str>,
) -> S3Result<()> {
    match if_none_match {
        Some(ETagCondition::Any) if current.is_some() => {
            return Err(s3_error!(
                PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold: If-None-Match"
            ));
        }
        Some(ETagCondition::ETag(_)) => {
            return Err(s3_error!(NotImplemented, "If-None-Match on a write accepts only *"));
        }
        Some(ETagCondition::Any) | None => {}
    }
    match (if_match, current) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
        (Some(condition), Some(etag)) if matches(condition, etag) => Ok(()),
        (Some(_), Some(_)) => Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold: If-Match"
        )),
    }
}

fn matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(ETag::Strong(value) | ETag::Weak(value)) => value == etag,
    }
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
