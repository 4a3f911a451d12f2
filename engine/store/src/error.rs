//! Why a request did not succeed.

use std::time::Duration;

use longshore_job::spec::RetryClass;

/// Error codes that are the engine's own, and those of S3 that it acts upon.
pub mod code {
    /// The store could not be reached: nothing was sent.
    pub const CONNECTION_ERROR: &str = "ConnectionError";
    /// The connection broke before the answer was complete: the request may have taken effect.
    pub const CONNECTION_LOST: &str = "ConnectionLost";
    /// An attempt took longer than the store's request timeout: the request may have taken effect.
    pub const TIMEOUT: &str = "Timeout";
    /// The credentials of a store could not be loaded.
    pub const CREDENTIALS_ERROR: &str = "CredentialsError";
    /// The request could not be built: a value that no header, URL or document can carry.
    pub const INVALID_REQUEST: &str = "InvalidRequest";
    /// The store answered with something that is not an S3 answer.
    pub const INVALID_RESPONSE: &str = "InvalidResponse";
    /// The body is larger than the engine holds in memory.
    pub const RESPONSE_TOO_LARGE: &str = "ResponseTooLarge";
    /// A local file could not be read or written.
    pub const LOCAL_FILE_ERROR: &str = "LocalFileError";
    /// An endpoint answered with an HTTP status that is no success.
    pub const ENDPOINT_ERROR: &str = "EndpointError";
    /// An endpoint points elsewhere. Redirections are not followed.
    pub const ENDPOINT_REDIRECT: &str = "EndpointRedirect";
    /// Lambda's function failed.
    pub const FUNCTION_ERROR: &str = "FunctionError";
    /// S3's own: the role's policies refuse the request, or the store does.
    pub const ACCESS_DENIED: &str = "AccessDenied";
    /// S3's own: the object is not the one that a condition of the request means.
    pub const PRECONDITION_FAILED: &str = "PreconditionFailed";
    /// S3's own: the clocks of store and client differ by more than 15 minutes, so that no signature holds.
    pub const REQUEST_TIME_TOO_SKEWED: &str = "RequestTimeTooSkewed";
    /// S3's own: the object is being restored already.
    pub const RESTORE_ALREADY_IN_PROGRESS: &str = "RestoreAlreadyInProgress";
}

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct StoreError {
    /// The store's error code (`NoSuchKey`, `SlowDown`, …) or one of [`code`].
    pub code: String,
    /// What happened, in a sentence.
    pub message: String,
    /// HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// How long the store asked to be left alone (RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
    /// The store's ID of the failed request (`x-amz-request-id`), for its operator.
    pub request_id: Option<String>,
}

impl StoreError {
    /// An error that is final and has no HTTP status.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status: None,
            retryable: false,
            retry_after: None,
            request_id: None,
        }
    }

    /// The same with an HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The same, worth a retry.
    #[must_use]
    pub fn retry(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same, saying of which request: where one that an operation sends becomes several.
    #[must_use]
    pub(crate) fn of(mut self, call: &str) -> Self {
        self.message = format!("{call}: {}", self.message);
        self
    }

    /// Whether the request was sent but no answer to it arrived: it may have taken effect.
    pub fn is_lost_answer(&self) -> bool {
        self.code == code::CONNECTION_LOST || self.code == code::TIMEOUT
    }

    /// Which kind of trouble it is that may pass by itself; `None` for errors that are final.
    pub fn class(&self) -> Option<RetryClass> {
        match (self.retryable, self.status) {
            (false, _) => None,
            (true, _) if self.is_throttle() => Some(RetryClass::Throttling),
            (true, None) => Some(RetryClass::Connection),
            (true, Some(_)) => Some(RetryClass::ServerError),
        }
    }

    /// Whether the store asks for fewer requests: `SlowDown`, 503, 429. A lack of room for expedited restores, which is a 503, too, has
    /// nothing to do with how many requests there are.
    pub fn is_throttle(&self) -> bool {
        let throttles = matches!(self.status, Some(429 | 503)) || is_throttle_code(&self.code);
        throttles && self.code != "GlacierExpeditedRetrievalNotAvailable"
    }
}

/// Throttling codes of Amazon S3 and of compatible stores.
pub(crate) fn is_throttle_code(code: &str) -> bool {
    matches!(
        code,
        "SlowDown"
            | "SlowDownRead"
            | "SlowDownWrite"
            | "TooManyRequests"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "ServiceUnavailable"
    )
}
