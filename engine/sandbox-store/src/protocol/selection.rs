//! Which bytes of an object a read asks for: all, a range, or a part.

use std::ops::Range;

use http::{HeaderMap, StatusCode};
use s3s::{S3Result, dto, s3_error};

use crate::checksum;
use crate::error::custom_error;
use crate::model::ObjectVersion;

/// The bytes that a read asks for.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) range: Range<u64>,
    /// The `Content-Range` header, unless all of the object was asked for.
    pub(super) content_range: Option<String>,
    /// The part that was asked for.
    part: Option<i32>,
}

impl Selected {
    /// Reads `Range` and `partNumber`.
    ///
    /// # Errors
    /// `InvalidRange`, `InvalidPartNumber`, `InvalidRequest` for both.
    pub(super) fn of(
        range: Option<dto::Range>,
        part: Option<i32>,
        version: &ObjectVersion,
    ) -> S3Result<Self> {
        let size = version.size;
        match (range, part) {
            (None, None) => Ok(Self { range: 0..size, content_range: None, part: None }),
            (None, Some(part)) => {
                let range = range_of_part(version, part).ok_or_else(no_such_part)?;
                Ok(Self { content_range: content_range(&range, size), range, part: Some(part) })
            }
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            )),
            (Some(range), None) => {
                let unsatisfiable =
                    |error| s3_error!(error, InvalidRange, "The requested range is not satisfiable");
                let range = range.check(size).map_err(unsatisfiable)?;
                Ok(Self { content_range: content_range(&range, size), range, part: None })
            }
        }
    }

    /// The headers that show a checksum, if wanted: S3 shows that of the whole object only with the whole object, and
    /// that of a part with the part.
    pub(super) fn checksum_headers(&self, version: &ObjectVersion, wanted: bool) -> S3Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        let of_part = self.part.and_then(|part| version.attributes.parts.iter().find(|p| p.number == part));
        let shown = match of_part {
            Some(part) => Some(&part.checksum),
            None if self.content_range.is_some() => None,
            None => version.attributes.checksum.as_ref(),
        };
        if let Some(checksum) = shown.filter(|_| wanted) {
            checksum::add_headers(&mut headers, checksum)?;
        }
        Ok(headers)
    }

    /// How many parts the object has, which S3 says to those who ask for one of them.
    pub(super) fn parts_count(&self, version: &ObjectVersion) -> Option<i32> {
        let count = i32::try_from(version.attributes.parts.len()).ok()?;
        (self.part.is_some() && count > 0).then_some(count)
    }
}

/// Where a part is. An object that was written in one piece counts as one part.
fn range_of_part(version: &ObjectVersion, number: i32) -> Option<Range<u64>> {
    if version.attributes.parts.is_empty() {
        return (number == 1).then_some(0..version.size);
    }
    let before: u64 = version.attributes.parts.iter().take_while(|p| p.number < number).map(|p| p.size).sum();
    let part = version.attributes.parts.iter().find(|part| part.number == number)?;
    Some(before..before + part.size)
}

fn content_range(range: &Range<u64>, size: u64) -> Option<String> {
    (size > 0).then(|| format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)))
}

fn no_such_part() -> s3s::S3Error {
    custom_error(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable".to_owned(),
    )
}
