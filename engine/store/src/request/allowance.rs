//! How long requests may take that move much at once.

use std::time::Duration;

use super::Request;

/// Slowest part that is waited for, in bytes per second, beside the request timeout: a part may have 5 GiB.
const MIN_PART_RATE: u64 = 4 * 1024 * 1024;
/// Time that putting parts together may take, beside the request timeout. Amazon S3: "several minutes".
const COMPLETION: Duration = Duration::from_secs(10 * 60);

impl Request {
    /// Time that one attempt may take beside the timeout of all requests.
    pub(crate) fn allowance(&self) -> Duration {
        match self {
            Self::UploadPartCopy(part) => {
                let bytes = part.range.last.unwrap_or(part.range.first).saturating_sub(part.range.first);
                Duration::from_secs(bytes / MIN_PART_RATE)
            }
            Self::UploadPart(part) => Duration::from_secs(part.body.size() / MIN_PART_RATE),
            Self::CompleteMultipartUpload(_) => COMPLETION,
            _ => Duration::ZERO,
        }
    }
}
