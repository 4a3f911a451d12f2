//! The checksums that S3 knows (Amazon S3 User Guide, "Checking object integrity"), over bytes as they come.

use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use sha2::Digest as _;

/// An algorithm by which S3 keeps checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "names of algorithms")]
pub enum ChecksumAlgorithm {
    Crc32,
    Crc32C,
    Crc64Nvme,
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Xxhash64,
    Xxhash3,
    Xxhash128,
}

impl ChecksumAlgorithm {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Crc32,
        Self::Crc32C,
        Self::Crc64Nvme,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Xxhash64,
        Self::Xxhash3,
        Self::Xxhash128,
    ];

    /// S3's name: `CRC64NVME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32C => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Xxhash64 => "XXHASH64",
            Self::Xxhash3 => "XXHASH3",
            Self::Xxhash128 => "XXHASH128",
        }
    }

    /// An algorithm by S3's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn hasher(self) -> Hasher {
        match self {
            Self::Crc32 => Hasher::Crc(Box::new(crc_fast::Digest::new(CrcAlgorithm::Crc32IsoHdlc)), 4),
            Self::Crc32C => Hasher::Crc(Box::new(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)), 4),
            Self::Crc64Nvme => Hasher::Crc(Box::new(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)), 8),
            Self::Md5 => Hasher::Md5(Box::default()),
            Self::Sha1 => Hasher::Sha1(Box::default()),
            Self::Sha256 => Hasher::Sha256(Box::default()),
            Self::Sha512 => Hasher::Sha512(Box::default()),
            Self::Xxhash64 => Hasher::Xx64(Box::default()),
            Self::Xxhash3 => Hasher::Xx3(Box::default()),
            Self::Xxhash128 => Hasher::Xx128(Box::default()),
        }
    }
}

#[derive(Clone)]
enum Hasher {
    /// With the length of the checksum in bytes.
    Crc(Box<crc_fast::Digest>, usize),
    Md5(Box<md5::Md5>),
    Sha1(Box<sha1::Sha1>),
    Sha256(Box<sha2::Sha256>),
    Sha512(Box<sha2::Sha512>),
    Xx64(Box<twox_hash::XxHash64>),
    Xx3(Box<twox_hash::XxHash3_64>),
    Xx128(Box<twox_hash::XxHash3_128>),
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(digest, _) => digest.update(bytes),
            Self::Md5(digest) => digest.update(bytes),
            Self::Sha1(digest) => digest.update(bytes),
            Self::Sha256(digest) => digest.update(bytes),
            Self::Sha512(digest) => digest.update(bytes),
            Self::Xx64(hasher) => hasher.write(bytes),
            Self::Xx3(hasher) => hasher.write(bytes),
            Self::Xx128(hasher) => hasher.write(bytes),
        }
    }

    /// The checksum, the most significant byte first.
    fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(digest, length) => {
                let bytes = digest.finalize().to_be_bytes();
                bytes.iter().copied().skip(bytes.len().saturating_sub(length)).collect()
            }
            Self::Md5(digest) => digest.finalize().to_vec(),
            Self::Sha1(digest) => digest.finalize().to_vec(),
            Self::Sha256(digest) => digest.finalize().to_vec(),
            Self::Sha512(digest) => digest.finalize().to_vec(),
            Self::Xx64(hasher) => hasher.finish().to_be_bytes().to_vec(),
            Self::Xx3(hasher) => hasher.finish().to_be_bytes().to_vec(),
            Self::Xx128(hasher) => hasher.finish_128().to_be_bytes().to_vec(),
        }
    }
}

/// A checksum of bytes that come one after the other: of the whole, or composite, of the checksums of its parts.
#[derive(Clone)]
pub(crate) struct Digester {
    algorithm: ChecksumAlgorithm,
    current: Hasher,
    parts: Option<Parts>,
}

#[derive(Clone)]
struct Parts {
    size: u64,
    /// Bytes that the current part still needs.
    left: u64,
    whole: Hasher,
}

impl Digester {
    /// Of the whole, or of parts of this many bytes.
    pub(crate) fn new(algorithm: ChecksumAlgorithm, part_size: Option<u64>) -> Self {
        let parts = part_size.map(|size| Parts { size, left: size, whole: algorithm.hasher() });
        Self { algorithm, current: algorithm.hasher(), parts }
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        let Some(parts) = &mut self.parts else { return self.current.update(bytes) };
        while !bytes.is_empty() {
            if parts.left == 0 {
                let done = std::mem::replace(&mut self.current, self.algorithm.hasher());
                parts.whole.update(&done.finish());
                parts.left = parts.size;
            }
            let length = usize::try_from(parts.left).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(length);
            self.current.update(now);
            parts.left = parts.left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
            bytes = later;
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let last = self.current.finish();
        match self.parts {
            None => last,
            Some(Parts { mut whole, .. }) => {
                whole.update(&last);
                whole.finish()
            }
        }
    }
}

/// How far an object went through a hasher, and the hasher as it was then. What is read after it can be read again.
#[derive(Clone)]
pub struct DigestSoFar {
    bytes: u64,
    digester: Arc<Digester>,
}

impl DigestSoFar {
    pub(crate) fn new(bytes: u64, digester: Digester) -> Self {
        Self { bytes, digester: Arc::new(digester) }
    }

    /// Bytes that were read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn digester(&self) -> Digester {
        Digester::clone(&self.digester)
    }
}

impl fmt::Debug for DigestSoFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestSoFar").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl PartialEq for DigestSoFar {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.digester, &other.digester)
    }
}

impl Eq for DigestSoFar {}

/// The checksum of bytes that are all there, in base64.
pub(crate) fn checksum_of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> String {
    let mut digester = Digester::new(algorithm, None);
    digester.update(bytes);
    STANDARD.encode(digester.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(algorithm: ChecksumAlgorithm, part_size: Option<u64>, pieces: &[&[u8]]) -> String {
        let mut digester = Digester::new(algorithm, part_size);
        pieces.iter().for_each(|piece| digester.update(piece));
        digester.finish().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The check values of the algorithms' own documents for "123456789" or, where these give none, what other
    /// implementations say (md5sum and its kind, xxhsum).
    #[test]
    fn known_values() {
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (ChecksumAlgorithm::Crc32C, "e3069283"),
            (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumAlgorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (ChecksumAlgorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (ChecksumAlgorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
            (ChecksumAlgorithm::Xxhash64, "8cb841db40e6ae83"),
        ] {
            assert_eq!(digest(algorithm, None, &[b"1234", b"", b"56789"]), expected, "{}", algorithm.name());
        }
        // The vectors of the xxHash specification for no bytes at all.
        assert_eq!(digest(ChecksumAlgorithm::Xxhash64, None, &[]), "ef46db3751d8e999");
        assert_eq!(digest(ChecksumAlgorithm::Xxhash3, None, &[]), "2d06800538d394c2");
        assert_eq!(digest(ChecksumAlgorithm::Xxhash128, None, &[]), "99aa06d3014798d86001c324468d497f");
        assert!(digest(ChecksumAlgorithm::Sha512, None, &[]).starts_with("cf83e1357eefb8bdf1542850d66d8007"));
    }

    #[test]
    fn composite_is_the_checksum_of_checksums_however_the_bytes_come() {
        for algorithm in ChecksumAlgorithm::ALL {
            let part = |bytes: &[u8]| {
                let mut digester = Digester::new(algorithm, None);
                digester.update(bytes);
                digester.finish()
            };
            let parts: Vec<u8> = [&b"1234"[..], b"5678", b"9"].into_iter().flat_map(part).collect();
            let expected = digest(algorithm, None, &[&parts]);
            for pieces in [&[&b"123456789"[..]][..], &[b"12", b"345678", b"9"], &[b"1234", b"5678", b"9"]] {
                assert_eq!(digest(algorithm, Some(4), pieces), expected, "{}", algorithm.name());
            }
            // A last part that is full is no reason for another.
            let exact: Vec<u8> = [&b"1234"[..], b"5678"].into_iter().flat_map(part).collect();
            assert_eq!(digest(algorithm, Some(4), &[b"12345678"]), digest(algorithm, None, &[&exact]));
        }
    }

    #[test]
    fn names_are_s3s() {
        for algorithm in ChecksumAlgorithm::ALL {
            assert_eq!(ChecksumAlgorithm::from_name(algorithm.name()), Some(algorithm));
        }
        assert_eq!(ChecksumAlgorithm::from_name("crc32"), None);
    }
}
