//! Checksums that requests carry for what they send.

use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::{Config, RequestChecksumCalculation};

/// Those that the SDK computes.
const COMPUTED: [&str; 5] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];

/// A request that names the algorithm of its checksum carries the checksum. The SDK, told to compute none that is not required,
/// would send the name alone, which S3 refuses.
pub(super) fn checksum<T, E, B>(
    call: CustomizableOperation<T, E, B>,
    algorithm: Option<&str>,
) -> CustomizableOperation<T, E, B> {
    if !algorithm.is_some_and(|algorithm| COMPUTED.contains(&algorithm)) {
        return call;
    }
    let compute = RequestChecksumCalculation::WhenSupported;
    call.config_override(Config::builder().request_checksum_calculation(compute))
}
