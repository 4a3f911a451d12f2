//! The hash functions behind the checksums: those of the protocol crate, and the newer ones of S3, which it has not.

use std::hash::Hasher as _;

use s3s::crypto::Checksum;
use sha2::{Digest as _, Sha512};
use twox_hash::{XxHash3_64, XxHash3_128, XxHash64};

/// A hash of bytes that come one after the other.
pub(crate) trait Hasher: Send {
    /// Adds bytes.
    fn update(&mut self, bytes: &[u8]);
    /// The hash of all bytes, the most significant byte first.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// A hash function of the protocol crate.
pub(crate) struct OfProtocol<T>(T);

impl<T: Checksum + Send + 'static> OfProtocol<T> {
    /// Of no bytes yet.
    pub(crate) fn start() -> Box<dyn Hasher> {
        Box::new(Self(T::new()))
    }
}

impl<T: Checksum + Send> Hasher for OfProtocol<T> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().as_ref().to_vec()
    }
}

impl Hasher for Sha512 {
    fn update(&mut self, bytes: &[u8]) {
        sha2::Digest::update(self, bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize().to_vec()
    }
}

macro_rules! xxhash {
    ($($function:ty, $finish:path;)*) => {
        $(impl Hasher for $function {
            fn update(&mut self, bytes: &[u8]) {
                self.write(bytes);
            }

            fn finish(self: Box<Self>) -> Vec<u8> {
                $finish(&*self).to_be_bytes().to_vec()
            }
        })*
    };
}

xxhash! {
    XxHash64, std::hash::Hasher::finish;
    XxHash3_64, std::hash::Hasher::finish;
    XxHash3_128, XxHash3_128::finish_128;
}
