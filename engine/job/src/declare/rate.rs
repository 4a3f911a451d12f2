//! Bounds per second.

use super::size::{Size, bytes};
use super::{Declaration, Unreadable, pointer};
use crate::spec::RateSpec;

/// Reads the bounds of the table at `at`, whose key for bytes is `bytes-per-second`.
pub(crate) fn read(
    requests_per_second: Option<u32>,
    bytes_per_second: Option<&Size>,
    at: &str,
    declaration: &mut Declaration<'_>,
) -> Option<RateSpec> {
    let bytes_per_second = match bytes_per_second.map(some_bytes).transpose() {
        Ok(bytes) => bytes,
        Err((message, help)) => {
            declaration.problem_at_value(&pointer::join(at, "bytes-per-second"), message, Some(help));
            return None;
        }
    };
    Some(RateSpec { requests_per_second, bytes_per_second })
}

fn some_bytes(size: &Size) -> Result<u64, Unreadable> {
    match bytes(size)? {
        0 => Err(("nothing could ever be sent".to_owned(), "leave it out for no bound".to_owned())),
        bytes => Ok(bytes),
    }
}
