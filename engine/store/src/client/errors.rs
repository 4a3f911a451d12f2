//! What went wrong, in S3's terms.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::DateTime;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::{Bytes, BytesMut};

use crate::error::{StoreError, code, is_throttle_code};
use crate::request::{Encryption, HeadObject, Request};
use crate::response::MAX_BODY_BYTES;

/// The header of answers about delete markers.
const DELETE_MARKER: &str = "x-amz-delete-marker";

/// What is added to an answer that something went wrong with a request for encryption.
const NO_KEYS: &str =
    " (the request has x-amz-server-side-encryption: a store without keys may not support it)";

/// Makes [`StoreError`]s that say which store they are about.
#[derive(Debug, Clone)]
pub(crate) struct Mapper {
    /// `store "main" (https://…)`.
    pub(super) store: String,
}

/// What of a request its errors depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Name of the API call.
    pub(super) name: &'static str,
    /// Whether its answers have no body, and so no error code: HEAD.
    bodiless: bool,
    /// The code of a 404 without one.
    missing: &'static str,
    /// Whether it names a version, which may be a delete marker: S3 refuses most calls on one as not allowed.
    versioned: bool,
    /// Whether it asks for encryption. A store without keys may say no more to that than that something went wrong.
    encrypts: bool,
}

impl Call {
    /// DeleteObjects. What it says of one of the objects is an error of that object.
    pub(super) const DELETE_OBJECTS: Self = Self {
        name: "DeleteObjects",
        bodiless: false,
        missing: "NoSuchBucket",
        versioned: false,
        encrypts: false,
    };
    /// ListBuckets.
    pub(super) const LIST_BUCKETS: Self = Self {
        name: "ListBuckets",
        bodiless: false,
        missing: "NoSuchBucket",
        versioned: false,
        encrypts: false,
    };
}

impl From<&Request> for Call {
    fn from(request: &Request) -> Self {
        let missing = match request {
            Request::HeadBucket(_)
            | Request::ListObjectsV2(_)
            | Request::ListObjectVersions(_)
            | Request::ListMultipartUploads(_)
            | Request::GetBucketVersioning(_)
            | Request::PutObject(_) => "NoSuchBucket",
            Request::GetObjectLockConfiguration(_) => "ObjectLockConfigurationNotFoundError",
            Request::GetBucketReplication(_) => "ReplicationConfigurationNotFoundError",
            Request::AbortMultipartUpload(_)
            | Request::UploadPart(_)
            | Request::CompleteMultipartUpload(_)
            | Request::ListParts(_) => "NoSuchUpload",
            Request::CreateMultipartUpload(_) => "NoSuchBucket",
            Request::HeadObject(HeadObject { object, .. }) if object.version_id.is_some() => "NoSuchVersion",
            _ => "NoSuchKey",
        };
        let bodiless = matches!(request, Request::HeadObject(_) | Request::HeadBucket(_));
        let versioned = request.object().is_some_and(|object| object.version_id.is_some());
        let encrypts = encryption(request).is_some_and(|encryption| encryption.algorithm.is_some());
        Self { name: request.name(), bodiless, missing, versioned, encrypts }
    }
}

/// How the object is to be encrypted that the request writes.
fn encryption(request: &Request) -> Option<&Encryption> {
    match request {
        Request::CopyObject(call) => Some(&call.encryption),
        Request::CreateMultipartUpload(call) => Some(&call.encryption),
        Request::PutObject(call) => Some(&call.encryption),
        _ => None,
    }
}

/// What is known of an answer that is an error.
struct Refusal<'a> {
    status: u16,
    code: Option<&'a str>,
    message: Option<&'a str>,
}

impl Mapper {
    /// The error of an SDK call.
    pub(crate) fn error<E>(&self, call: Call, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(service)
                if service.err().code().is_none() && service.raw().status().is_success() =>
            {
                self.garbled(call, service.raw().status().as_u16(), &root_cause(error))
            }
            SdkError::ServiceError(service) => {
                let raw = service.raw();
                let refusal = Refusal {
                    status: raw.status().as_u16(),
                    code: service.err().code(),
                    message: service.err().message(),
                };
                let mut mapped = refused(call, &refusal);
                if is_unsupported(&mapped) && !raw.headers().iter().any(|(name, _)| name == DELETE_MARKER) {
                    mapped.message = self.unsupported(call, &mapped.message);
                }
                mapped.retry_after = raw.headers().get("retry-after").and_then(retry_after);
                mapped.request_id = error.request_id().map(str::to_owned);
                if let Some(region) =
                    raw.headers().get("x-amz-bucket-region").filter(|_| is_redirect(&mapped))
                {
                    mapped.message = format!("{}; the bucket is in region {region}", mapped.message);
                }
                mapped
            }
            SdkError::ResponseError(_) if is_broken_connection(error) => {
                self.lost(call.name, &root_cause(error))
            }
            SdkError::ResponseError(response) => {
                self.garbled(call, response.raw().status().as_u16(), &root_cause(error))
            }
            _ => self.unanswered(call.name, error),
        }
    }

    /// The store has no such call, or not all of what this one asks for.
    fn unsupported(&self, call: Call, message: &str) -> String {
        let unless = if call.versioned { " (or its version is a delete marker)" } else { "" };
        format!("{} does not support this {} request{unless}: {message}", self.store, call.name)
    }

    /// An answer that is not S3's. Retried, for it may have been cut short.
    fn garbled(&self, call: Call, status: u16, cause: &str) -> StoreError {
        let message = format!("{} sent no valid answer to {}: {cause}", self.store, call.name);
        StoreError::new(code::INVALID_RESPONSE, message).with_status(status).retry()
    }

    /// The error of a call that got no answer.
    fn unanswered<E: Error + 'static>(&self, call: &str, error: &SdkError<E, HttpResponse>) -> StoreError {
        if let Some(cause) = find::<CredentialsError>(error) {
            let message = format!("{}: no credentials: {}", self.store, root_cause(cause));
            let mapped = StoreError::new(code::CREDENTIALS_ERROR, message);
            let may_pass =
                matches!(cause, CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_));
            return if may_pass { mapped.retry() } else { mapped };
        }
        match error {
            // The only timeout of the SDK's that is switched on is the one for connecting.
            SdkError::TimeoutError(_) => self.unreachable(&root_cause(error)),
            SdkError::DispatchFailure(failure) if failure.is_user() => self.invalid(call, &root_cause(error)),
            SdkError::DispatchFailure(failure) if failure.is_timeout() || is_connect(error) => {
                self.unreachable(&root_cause(error))
            }
            SdkError::DispatchFailure(_) => self.lost(call, &root_cause(error)),
            _ => self.invalid(call, &root_cause(error)),
        }
    }

    /// No connection could be made.
    fn unreachable(&self, cause: &str) -> StoreError {
        StoreError::new(code::CONNECTION_ERROR, format!("cannot connect to {}: {cause}", self.store)).retry()
    }

    /// The connection broke before the answer was complete.
    pub(super) fn lost(&self, call: &str, cause: &str) -> StoreError {
        let message = format!("the connection to {} broke before {call} was answered: {cause}", self.store);
        StoreError::new(code::CONNECTION_LOST, message).retry()
    }

    /// An attempt took too long.
    pub(crate) fn timeout(&self, call: &str, limit: Duration) -> StoreError {
        let seconds = limit.as_secs_f64();
        let message = format!("{} did not answer {call} within {seconds} s", self.store);
        StoreError::new(code::TIMEOUT, message).retry()
    }

    /// The request cannot be written down as an HTTP request.
    pub(super) fn invalid(&self, call: &str, why: &str) -> StoreError {
        StoreError::new(code::INVALID_REQUEST, format!("{call} cannot be sent: {why}"))
    }

    /// The answer lacks what it must have.
    pub(crate) fn incomplete(&self, call: &str, what: &str) -> StoreError {
        let message = format!("{} answered {call} without {what}", self.store);
        StoreError::new(code::INVALID_RESPONSE, message).with_status(200).retry()
    }

    /// Reads a body into memory.
    pub(super) async fn collect(&self, mut body: ByteStream, size: Option<u64>) -> Result<Bytes, StoreError> {
        let too_large = || {
            let message = format!(
                "the object's body is larger than {MAX_BODY_BYTES} bytes, the most that is read into memory: \
                 ask for a range"
            );
            StoreError::new(code::RESPONSE_TOO_LARGE, message)
        };
        if size.is_some_and(|size| size > MAX_BODY_BYTES) {
            return Err(too_large());
        }
        // At once as large as it will be: to grow on the way was a fifth of what a copy from another store cost.
        let capacity = size.and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
        let mut bytes = BytesMut::with_capacity(capacity);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| self.broken_body(&error))?;
            if u64::try_from(bytes.len() + chunk.len()).is_ok_and(|length| length > MAX_BODY_BYTES) {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    /// The body of an answer ended early.
    pub(crate) fn broken_body(&self, error: &(dyn Error + 'static)) -> StoreError {
        self.lost("GetObject", &root_cause(error))
    }
}

/// An answer that is an error.
fn refused(call: Call, refusal: &Refusal<'_>) -> StoreError {
    let status = refusal.status;
    // Without a body the SDK makes up a code from the status ("NotFound").
    let said = |text: Option<&str>| text.filter(|text| !call.bodiless && !text.is_empty()).map(str::to_owned);
    let code = said(refusal.code).unwrap_or_else(|| code_of_status(call, status));
    let mut message = said(refusal.message)
        .unwrap_or_else(|| format!("the store answered {} with status {status}", call.name));
    if code == "InternalError" && call.encrypts {
        message.push_str(NO_KEYS);
    }
    // An error in an answer that began as a success is one of the store's own making.
    let retryable = is_retryable_status(status) || is_retryable_code(&code) || (200..300).contains(&status);
    StoreError { retryable, ..StoreError::new(code, message).with_status(status) }
}

/// The error of one object among several, for which there is a code and no status: that which S3 gives with it elsewhere.
pub(super) fn refused_one(code: Option<&str>, message: Option<&str>) -> StoreError {
    let status = match code {
        Some(code::ACCESS_DENIED) => 403,
        Some("NoSuchKey" | "NoSuchVersion" | "NoSuchBucket") => 404,
        Some("MethodNotAllowed") => 405,
        Some("OperationAborted") => 409,
        Some(code::PRECONDITION_FAILED) => 412,
        Some("InternalError") | None => 500,
        Some("NotImplemented") => 501,
        Some(code) if is_throttle_code(code) => 503,
        Some(_) => 400,
    };
    refused(Call::DELETE_OBJECTS, &Refusal { status, code, message })
}

/// The code that S3 gives with this status, for an answer that has none.
fn code_of_status(call: Call, status: u16) -> String {
    let code = match status {
        301 => "PermanentRedirect",
        304 => "NotModified",
        400 => "BadRequest",
        403 => code::ACCESS_DENIED,
        404 => call.missing,
        405 => "MethodNotAllowed",
        412 => code::PRECONDITION_FAILED,
        416 => "InvalidRange",
        429 => "TooManyRequests",
        500 => "InternalError",
        501 => "NotImplemented",
        503 => "ServiceUnavailable",
        _ => return format!("Http{status}"),
    };
    code.to_owned()
}

fn is_retryable_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

fn is_retryable_code(code: &str) -> bool {
    is_throttle_code(code)
        || matches!(code, "InternalError" | "RequestTimeout" | crate::error::code::REQUEST_TIME_TOO_SKEWED)
}

fn is_unsupported(error: &StoreError) -> bool {
    matches!(error.status, Some(405 | 501))
        || matches!(error.code.as_str(), "MethodNotAllowed" | "NotImplemented")
}

fn is_redirect(error: &StoreError) -> bool {
    matches!(error.status, Some(301 | 307 | 400))
}

/// `Retry-After`: seconds, or an HTTP date (RFC 9110 section 10.2.3). A date counts from now.
pub(crate) fn retry_after(header: &str) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::from_str(header.trim(), Format::HttpDate).ok()?;
    let seconds = until.secs().saturating_sub(jiff::Timestamp::now().as_second());
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

/// Whether an error happened before a connection stood.
fn is_connect(error: &(dyn Error + 'static)) -> bool {
    find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

fn is_broken_connection(error: &(dyn Error + 'static)) -> bool {
    find::<std::io::Error>(error).is_some() || find::<hyper_util::client::legacy::Error>(error).is_some()
}

/// The first error of type `T` in the chain of causes.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// The last error in the chain of causes: what really happened.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |&error| error.source()).last();
    last.map_or_else(|| DisplayErrorContext(error).to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests;
