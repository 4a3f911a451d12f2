//! Checksums that requests carry for what they send.

use bytes::Bytes;

use crate::digest::{ChecksumAlgorithm, checksum_of};

/// Sets the checksum that a request names in an SDK call. The SDK computes half of the algorithms only and, told to compute
/// none that is not required, would send the name alone, which S3 refuses.
macro_rules! with_checksum {
    ($call:expr, $checksum:expr) => {{
        use crate::digest::ChecksumAlgorithm;
        let checksum: Option<(ChecksumAlgorithm, String)> = $checksum;
        let of = |algorithm| checksum.as_ref().filter(|sum| sum.0 == algorithm).map(|sum| sum.1.clone());
        $call
            .set_checksum_crc32(of(ChecksumAlgorithm::Crc32))
            .set_checksum_crc32_c(of(ChecksumAlgorithm::Crc32C))
            .set_checksum_crc64_nvme(of(ChecksumAlgorithm::Crc64Nvme))
            .set_checksum_md5(of(ChecksumAlgorithm::Md5))
            .set_checksum_sha1(of(ChecksumAlgorithm::Sha1))
            .set_checksum_sha256(of(ChecksumAlgorithm::Sha256))
            .set_checksum_sha512(of(ChecksumAlgorithm::Sha512))
            .set_checksum_xxhash64(of(ChecksumAlgorithm::Xxhash64))
            .set_checksum_xxhash3(of(ChecksumAlgorithm::Xxhash3))
            .set_checksum_xxhash128(of(ChecksumAlgorithm::Xxhash128))
    }};
}
pub(super) use with_checksum;

/// The checksum of a body, in base64, by the algorithm that a request names.
///
/// # Errors
/// If the name is none.
pub(super) async fn checksum(
    name: Option<&str>,
    body: &Bytes,
) -> Result<Option<(ChecksumAlgorithm, String)>, String> {
    let Some(name) = name else { return Ok(None) };
    let algorithm =
        ChecksumAlgorithm::from_name(name).ok_or_else(|| format!("{name:?} is no algorithm of checksums"))?;
    let body = body.clone();
    // 8 MiB may take some 15 ms, which other tasks need not wait for.
    let sum = tokio::task::spawn_blocking(move || checksum_of(algorithm, &body)).await;
    Ok(Some((algorithm, sum.map_err(|error| error.to_string())?)))
}

#[cfg(test)]
#[path = "computed_tests.rs"]
mod tests;
