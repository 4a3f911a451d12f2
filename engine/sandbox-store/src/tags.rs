//! Object tag sets and their rules.
//!
//! Limits: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>.

use std::collections::HashSet;

use http::StatusCode;
use percent_encoding::percent_decode_str;
use s3s::dto;
use s3s::{S3Result, s3_error};

use crate::error::custom_error;
use crate::model::Tag;

/// Tags of one object.
const MAX_TAGS: usize = 10;
/// Characters (UTF-16 code units, as S3 counts) of a tag key.
const MAX_KEY: usize = 128;
/// Characters (UTF-16 code units) of a tag value.
const MAX_VALUE: usize = 256;

/// Checks a tag set of an XML body.
///
/// # Errors
/// `MalformedXML` for a tag without key or value, `BadRequest` for too many tags (the code that S3 uses for the
/// count), `InvalidTag` for every other broken rule.
pub(crate) fn of_wire(tags: Vec<dto::Tag>) -> S3Result<Vec<Tag>> {
    let incomplete = || s3_error!(MalformedXML, "Each Tag has a Key and a Value");
    let tags = tags
        .into_iter()
        .map(|tag| {
            let key = tag.key.ok_or_else(incomplete)?;
            let value = tag.value.ok_or_else(incomplete)?;
            Ok(Tag { key, value })
        })
        .collect::<S3Result<Vec<_>>>()?;
    checked(tags)
}

/// Reads the `x-amz-tagging` header: `key=value` pairs encoded as URL query parameters.
///
/// # Errors
/// `InvalidArgument` for a value that cannot be decoded, and those of [`of_wire`].
pub(crate) fn of_header(header: &str) -> S3Result<Vec<Tag>> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|error| {
            s3_error!(
                error,
                InvalidArgument,
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
            )
        })
    };
    let tags = header
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok(Tag { key: decode(key)?, value: decode(value)? })
        })
        .collect::<S3Result<Vec<_>>>()?;
    checked(tags)
}

/// Checks a whole tag set against S3's rules.
pub(crate) fn checked(tags: Vec<Tag>) -> S3Result<Vec<Tag>> {
    if tags.len() > MAX_TAGS {
        let message = format!("Object tags cannot be greater than {MAX_TAGS}");
        return Err(custom_error("BadRequest", StatusCode::BAD_REQUEST, message));
    }
    let mut seen = HashSet::new();
    for tag in &tags {
        check(tag)?;
        if !seen.insert(tag.key.as_str()) {
            return Err(s3_error!(InvalidTag, "Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

fn check(tag: &Tag) -> S3Result<()> {
    let key_length = tag.key.encode_utf16().count();
    if key_length == 0 || key_length > MAX_KEY || !tag.key.chars().all(is_allowed) {
        return Err(s3_error!(InvalidTag, "The TagKey you have provided is invalid"));
    }
    if tag.value.encode_utf16().count() > MAX_VALUE || !tag.value.chars().all(is_allowed) {
        return Err(s3_error!(InvalidTag, "The TagValue you have provided is invalid"));
    }
    if tag.key.to_ascii_lowercase().starts_with("aws:") {
        return Err(s3_error!(InvalidTag, "System tags cannot be added/updated by requester"));
    }
    Ok(())
}

/// S3's `[\p{L}\p{Z}\p{N}_.:/=+\-@]`: letters, separators, numbers and eight signs.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// A tag set in the form of the wire.
pub(crate) fn to_wire(tags: &[Tag]) -> Vec<dto::Tag> {
    tags.iter().map(|tag| dto::Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) }).collect()
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;
