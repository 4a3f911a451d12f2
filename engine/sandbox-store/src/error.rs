//! The one error type of the crate.

use std::net::SocketAddr;
use std::path::PathBuf;

use s3s::{S3Error, S3ErrorCode};

/// Why the sandbox store could not start, or could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The address could not be bound.
    #[error("cannot listen on {address}: {source}; choose another port, or port 0 for a free one")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No access key was given, so no request could ever be signed.
    #[error("no credentials: give at least one access key id and secret access key")]
    NoCredentials,
    /// The data directory cannot be used.
    #[error("cannot use the data directory {}: {source}", path.display())]
    DataDirectory {
        /// The directory that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another server holds the data directory.
    #[error("the data directory {} is in use by another sandbox; stop it or choose another directory", path.display())]
    InUse {
        /// The directory that was asked for.
        path: PathBuf,
    },
    /// The access log cannot be opened.
    #[error("cannot open the access log {}: {source}", path.display())]
    AccessLog {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A fault rule does not follow the grammar of [`FaultRule`](crate::FaultRule).
    #[error("fault rule `{rule}`: {reason}")]
    FaultRule {
        /// The rule as it was written.
        rule: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// S3's rules refuse the request: the answer a client would get.
    #[error("{}: {}", .0.code().as_str(), .0.message().unwrap_or("no message"))]
    Refused(#[from] S3Error),
    /// The metadata database failed.
    #[error("the sandbox database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A stored record cannot be read back.
    #[error("a record of the sandbox database cannot be read: {0}")]
    Record(#[from] serde_json::Error),
    /// A body file could not be read or written.
    #[error("a body file of the sandbox failed: {0}")]
    Body(#[from] std::io::Error),
}

impl SandboxError {
    /// The answer to the client: S3's own refusals as they are, everything else as `InternalError` (500).
    pub(crate) fn into_s3(self) -> S3Error {
        match self {
            Self::Refused(error) => error,
            other => {
                let mut error = S3Error::with_message(S3ErrorCode::InternalError, other.to_string());
                error.set_source(Box::new(other));
                error
            }
        }
    }
}

/// An S3 error whose code the protocol crate does not list.
pub(crate) fn custom_error(code: &'static str, status: http::StatusCode, message: String) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

impl From<SandboxError> for S3Error {
    fn from(error: SandboxError) -> Self {
        error.into_s3()
    }
}
