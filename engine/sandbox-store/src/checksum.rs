//! Checksums of bodies: which one a request declares, computing it, and comparing.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Result, TrailingHeaders, dto, s3_error};

use crate::hasher::{Hasher, OfProtocol};
use crate::model::StoredChecksum;

/// The checksum covers the whole object.
pub(crate) const FULL_OBJECT: &str = "FULL_OBJECT";
/// The checksum is that of the parts' checksums.
pub(crate) const COMPOSITE: &str = "COMPOSITE";
/// What the names of checksum headers start with.
const HEADER_PREFIX: &str = "x-amz-checksum-";
/// What the names of checksums in XML start with.
const ELEMENT_PREFIX: &str = "Checksum";

/// The checksum algorithms of the S3 API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    /// What S3 computes when the client declares none.
    Crc64Nvme,
    Md5,
    Sha1,
    Sha256,
    Sha512,
    XxHash64,
    XxHash3,
    XxHash128,
}

impl Algorithm {
    const ALL: [Self; 10] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::XxHash64,
        Self::XxHash3,
        Self::XxHash128,
    ];

    /// The name in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::XxHash64 => "XXHASH64",
            Self::XxHash3 => "XXHASH3",
            Self::XxHash128 => "XXHASH128",
        }
    }

    /// Whether the checksum of a whole can be made of those of its parts.
    pub(crate) fn is_crc(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }

    /// The algorithm of an element of XML: `ChecksumCRC32`.
    pub(crate) fn of_element(name: &[u8]) -> Option<Self> {
        let name = name.strip_prefix(ELEMENT_PREFIX.as_bytes())?;
        Self::ALL.into_iter().find(|algorithm| algorithm.name().as_bytes() == name)
    }

    /// Reads a name of the API.
    ///
    /// # Errors
    /// `InvalidRequest` for an algorithm that S3 does not have.
    pub(crate) fn parse(name: &str) -> S3Result<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            s3_error!(
                InvalidRequest,
                "Checksum algorithm provided is unsupported: {name}. Valid values are {known}"
            )
        })
    }

    /// The header and trailer that carry it.
    fn header(self) -> HeaderName {
        match self {
            Self::Crc32 => s3s::header::X_AMZ_CHECKSUM_CRC32,
            Self::Crc32c => s3s::header::X_AMZ_CHECKSUM_CRC32C,
            Self::Crc64Nvme => s3s::header::X_AMZ_CHECKSUM_CRC64NVME,
            Self::Md5 => HeaderName::from_static("x-amz-checksum-md5"),
            Self::Sha1 => s3s::header::X_AMZ_CHECKSUM_SHA1,
            Self::Sha256 => s3s::header::X_AMZ_CHECKSUM_SHA256,
            Self::Sha512 => HeaderName::from_static("x-amz-checksum-sha512"),
            Self::XxHash64 => HeaderName::from_static("x-amz-checksum-xxhash64"),
            Self::XxHash3 => HeaderName::from_static("x-amz-checksum-xxhash3"),
            Self::XxHash128 => HeaderName::from_static("x-amz-checksum-xxhash128"),
        }
    }

    fn hasher(self) -> Box<dyn Hasher> {
        match self {
            Self::Crc32 => OfProtocol::<Crc32>::start(),
            Self::Crc32c => OfProtocol::<Crc32c>::start(),
            Self::Crc64Nvme => OfProtocol::<Crc64Nvme>::start(),
            Self::Md5 => OfProtocol::<Md5>::start(),
            Self::Sha1 => OfProtocol::<Sha1>::start(),
            Self::Sha256 => OfProtocol::<Sha256>::start(),
            Self::Sha512 => Box::<sha2::Sha512>::default(),
            Self::XxHash64 => Box::<twox_hash::XxHash64>::default(),
            Self::XxHash3 => Box::<twox_hash::XxHash3_64>::default(),
            Self::XxHash128 => Box::<twox_hash::XxHash3_128>::default(),
        }
    }
}

/// What a request says of the checksum of its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Algorithm to compute.
    pub(crate) algorithm: Algorithm,
    /// The value to compare with: in a header, or to come in a trailer, or left to the server.
    expected: Expected,
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Value(String),
    Trailer,
    Nothing,
}

impl Declared {
    /// Reads the headers of a request; `default` is computed when they declare nothing.
    ///
    /// # Errors
    /// `InvalidRequest` for more than one checksum, an unknown algorithm, or an announced checksum that is not sent.
    pub(crate) fn of_headers(headers: &HeaderMap, default: Algorithm) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut found = Vec::new();
        for name in headers.keys().filter_map(|name| name.as_str().strip_prefix(HEADER_PREFIX)) {
            if !matches!(name, "algorithm" | "type" | "mode") {
                let value = text(&format!("{HEADER_PREFIX}{name}")).unwrap_or_default().to_owned();
                found.push((Algorithm::parse(name)?, Expected::Value(value)));
            }
        }
        let trailers = text("x-amz-trailer").unwrap_or_default();
        for name in trailers.split(',').filter_map(|name| name.trim().strip_prefix(HEADER_PREFIX)) {
            found.push((Algorithm::parse(name)?, Expected::Trailer));
        }
        match (found.pop(), text("x-amz-sdk-checksum-algorithm")) {
            (Some(_), _) if !found.is_empty() => Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            )),
            (Some((algorithm, expected)), _) => Ok(Self { algorithm, expected }),
            (None, Some(_)) => Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
            )),
            (None, None) => Ok(Self { algorithm: default, expected: Expected::Nothing }),
        }
    }

    /// Compares the declaration with what was computed.
    ///
    /// # Errors
    /// `BadDigest` for another value, `InvalidRequest` for a value that is no checksum or an announced trailer that
    /// did not come.
    pub(crate) fn verify(&self, computed: &str, trailers: Option<&TrailingHeaders>) -> S3Result<()> {
        let name = self.algorithm.header();
        let expected = match &self.expected {
            Expected::Nothing => return Ok(()),
            Expected::Value(value) => value.clone(),
            Expected::Trailer => trailers
                .and_then(|trailers| {
                    trailers.read(|headers| headers.get(&name)?.to_str().ok().map(str::to_owned))
                })
                .flatten()
                .ok_or_else(|| s3_error!(InvalidRequest, "The trailer {name} was announced and not sent"))?,
        };
        if expected == computed {
            return Ok(());
        }
        let length = |text: &str| BASE64.decode(text).map(|bytes| bytes.len()).ok();
        if length(&expected) != length(computed) {
            return Err(s3_error!(InvalidRequest, "Value for {name} header is invalid."));
        }
        Err(s3_error!(
            BadDigest,
            "The {} you specified did not match the calculated checksum.",
            self.algorithm.name()
        ))
    }
}

/// Computes the MD5 and one checksum of a body on its way.
pub(crate) struct Digest {
    md5: Md5,
    algorithm: Algorithm,
    hasher: Box<dyn Hasher>,
}

impl Digest {
    /// Of no bytes yet.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self { md5: Md5::new(), algorithm, hasher: algorithm.hasher() }
    }

    /// Of these bytes.
    pub(crate) fn of(algorithm: Algorithm, bytes: &[u8]) -> ([u8; 16], StoredChecksum) {
        let mut digest = Self::new(algorithm);
        digest.update(bytes);
        digest.finish()
    }

    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.hasher.update(bytes);
    }

    /// The MD5 and the checksum of all bytes.
    pub(crate) fn finish(self) -> ([u8; 16], StoredChecksum) {
        let checksum = StoredChecksum {
            algorithm: self.algorithm.name().to_owned(),
            value: BASE64.encode(self.hasher.finish()),
            kind: FULL_OBJECT.to_owned(),
        };
        (self.md5.finalize(), checksum)
    }
}

/// The checksum of all bytes of parts, made of the parts' own checksums and sizes.
///
/// # Errors
/// An algorithm that is no CRC, or a stored checksum that is not base64, both of which this store does not write.
pub(crate) fn full_object(
    algorithm: Algorithm,
    parts: &[(&StoredChecksum, u64)],
) -> S3Result<StoredChecksum> {
    let (crc, width) = match algorithm {
        Algorithm::Crc32 => (CrcAlgorithm::Crc32IsoHdlc, 4),
        Algorithm::Crc32c => (CrcAlgorithm::Crc32Iscsi, 4),
        Algorithm::Crc64Nvme => (CrcAlgorithm::Crc64Nvme, 8),
        _ => return Err(s3_error!(InternalError, "{} cannot be combined", algorithm.name())),
    };
    let mut sum = 0;
    for (part, size) in parts {
        let bytes = BASE64.decode(&part.value).map_err(|error| s3_error!(error, InternalError))?;
        let value = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        sum = crc_fast::checksum_combine(crc, sum, value, *size);
    }
    let bytes = sum.to_be_bytes();
    let value = BASE64.encode(bytes.get(bytes.len() - width..).unwrap_or_default());
    Ok(StoredChecksum { algorithm: algorithm.name().to_owned(), value, kind: FULL_OBJECT.to_owned() })
}

/// The checksum of the parts' checksums: what S3 calls composite.
///
/// # Errors
/// A stored checksum that is not base64, which this store does not write.
pub(crate) fn composite(algorithm: Algorithm, parts: &[&StoredChecksum]) -> S3Result<StoredChecksum> {
    let mut hasher = algorithm.hasher();
    for part in parts {
        hasher.update(&BASE64.decode(&part.value).map_err(|error| s3_error!(error, InternalError))?);
    }
    let value = format!("{}-{}", BASE64.encode(hasher.finish()), parts.len());
    Ok(StoredChecksum { algorithm: algorithm.name().to_owned(), value, kind: COMPOSITE.to_owned() })
}

/// Whether a request has a checksum of its body, or announces one.
pub(crate) fn is_declared(headers: &HeaderMap) -> bool {
    let has = |name: &HeaderName| headers.contains_key(name);
    let trailers = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    Algorithm::ALL.into_iter().any(|algorithm| has(&algorithm.header())) || trailers.contains(HEADER_PREFIX)
}

/// Compares a `Content-MD5` header.
///
/// # Errors
/// `InvalidDigest` when it is no MD5, `BadDigest` when it is another one.
pub(crate) fn verify_md5(header: Option<&str>, md5: [u8; 16]) -> S3Result<()> {
    let Some(header) = header else { return Ok(()) };
    match BASE64.decode(header) {
        Ok(expected) if expected == md5 => Ok(()),
        Ok(expected) if expected.len() == md5.len() => {
            Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."))
        }
        _ => Err(s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid.")),
    }
}

/// Adds the headers that show a checksum.
pub(crate) fn add_headers(headers: &mut HeaderMap, checksum: &StoredChecksum) -> S3Result<()> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(|error| s3_error!(error, InternalError));
    headers.insert(Algorithm::parse(&checksum.algorithm)?.header(), value(&checksum.value)?);
    headers.insert(s3s::header::X_AMZ_CHECKSUM_TYPE, value(&checksum.kind)?);
    Ok(())
}

/// A checksum in the form of the protocol crate's XML answers, which have no place for the newer ones.
pub(crate) fn to_wire(checksum: &StoredChecksum) -> dto::Checksum {
    let of = |algorithm: Algorithm| (checksum.algorithm == algorithm.name()).then(|| checksum.value.clone());
    dto::Checksum {
        checksum_crc32: of(Algorithm::Crc32),
        checksum_crc32c: of(Algorithm::Crc32c),
        checksum_crc64nvme: of(Algorithm::Crc64Nvme),
        checksum_sha1: of(Algorithm::Sha1),
        checksum_sha256: of(Algorithm::Sha256),
        checksum_type: Some(dto::ChecksumType::from(checksum.kind.clone())),
    }
}

/// What a checksum is called in XML.
pub(crate) fn element(checksum: &StoredChecksum) -> String {
    format!("{ELEMENT_PREFIX}{}", checksum.algorithm)
}

#[cfg(test)]
#[path = "checksum_tests.rs"]
mod tests;
