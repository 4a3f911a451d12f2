//! Manifest rows: what one task is about, in the words of the manifest.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::object::{MAX_KEY_BYTES, ObjectId};

/// How keys are written in a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// Percent-encoded UTF-8, as Amazon requires. Only `%xx` is decoded; `+` stands for itself.
    #[default]
    Url,
    /// The key as it is.
    Raw,
}

/// One row of a manifest. The key stays as it was written, because the completion report echoes it byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Row {
    /// Bucket name.
    pub bucket: String,
    /// The key as the manifest writes it.
    pub key: String,
    /// Version ID, if the manifest has such a column.
    pub version_id: Option<String>,
    /// What the manifest says for the operation, in the order of [`ManifestSpec::columns`](crate::spec::ManifestSpec::columns);
    /// none where it has no such columns.
    pub columns: Vec<Option<String>>,
    /// Why the row names no object: its task fails with this. What can be shown of the row is in the other fields.
    pub problem: Option<String>,
}

/// Why a key in a manifest is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("'%' is not followed by two hexadecimal digits")]
    Escape,
    /// The bytes are not UTF-8 once decoded.
    #[error("the decoded key is not UTF-8")]
    NotUtf8,
    /// No characters at all.
    #[error("the key is empty")]
    Empty,
    /// More than [`MAX_KEY_BYTES`].
    #[error("the key has {0} bytes; S3 allows 1,024")]
    TooLong(usize),
    /// A NUL character.
    #[error("the key contains a NUL character")]
    Nul,
}

impl Row {
    /// The object this row names. Fails where the key is not a key under `encoding`.
    pub fn object(&self, encoding: KeyEncoding) -> Result<ObjectId, BadKey> {
        let key = decode_key(&self.key, encoding)?;
        Ok(ObjectId {
            bucket: self.bucket.clone(),
            key: key.into_owned(),
            version_id: self.version_id.clone(),
        })
    }
}

/// Decodes and checks one key as a manifest writes it.
pub fn decode_key(text: &str, encoding: KeyEncoding) -> Result<Cow<'_, str>, BadKey> {
    let key = match encoding {
        KeyEncoding::Raw => Cow::Borrowed(text),
        KeyEncoding::Url => decode_percent(text)?,
    };
    if key.is_empty() {
        return Err(BadKey::Empty);
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(BadKey::TooLong(key.len()));
    }
    if memchr(0, key.as_bytes()).is_some() {
        return Err(BadKey::Nul);
    }
    Ok(key)
}

/// What stays as it is in an encoded key: RFC 3986's unreserved characters, and `/`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Writes a key as a manifest with [`KeyEncoding::Url`] wants it. Space becomes `%20` and plus `%2B`, so that readers that
/// take `+` for a space read it right too.
pub fn encode_key(key: &str) -> String {
    // As text piece by piece: `to_string` would go through a formatter, which takes most of the time of a row.
    Cow::from(utf8_percent_encode(key, ENCODED)).into_owned()
}

/// Writes a key that stands under one encoding under another. The same encoding leaves it as it is, escape by escape.
///
/// # Errors
/// The key is none.
pub fn recode_key(text: &str, from: KeyEncoding, to: KeyEncoding) -> Result<Cow<'_, str>, BadKey> {
    match (from, to) {
        (KeyEncoding::Raw, KeyEncoding::Url) => Ok(Cow::Owned(encode_key(text))),
        (KeyEncoding::Url, KeyEncoding::Raw) => decode_key(text, from),
        _ => Ok(Cow::Borrowed(text)),
    }
}

/// Decodes, and refuses what other decoders pass over.
fn decode_percent(text: &str) -> Result<Cow<'_, str>, BadKey> {
    if memchr(b'%', text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((plain, escape)) = memchr(b'%', rest).and_then(|at| rest.split_at_checked(at)) {
        let Some(([_, high, low], after)) = escape.split_first_chunk() else { return Err(BadKey::Escape) };
        let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low)) else { return Err(BadKey::Escape) };
        decoded.extend_from_slice(plain);
        decoded.push(high << 4 | low);
        rest = after;
    }
    decoded.extend_from_slice(rest);
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| BadKey::NotUtf8)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
