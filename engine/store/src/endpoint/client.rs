//! One endpoint over HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, USER_AGENT};
use http::response::Parts;
use http::{Request as HttpRequest, StatusCode};
use longshore_http::{HttpClient, HttpError, read, shortened, webhook};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::function::Function;
use super::signer::Signer;
use super::{EndpointConfig, EndpointKind};
use crate::Store;
use crate::client::{measured, retry_after};
use crate::error::{StoreError, code};
use crate::request::{InvokeEndpoint, Request};
use crate::response::Response;

/// Header by which Lambda says that not the invocation but the function failed.
const FUNCTION_ERROR: &str = "x-amz-function-error";

/// Header with the code of an error of the Lambda API.
const ERROR_TYPE: &str = "x-amzn-errortype";

/// Characters of an error code.
const MAX_CODE: usize = 64;

pub(super) struct Client {
    /// `endpoint "resize"`. The URL is not for messages: it may be a secret.
    what: String,
    /// Its name in metrics.
    label: String,
    kind: EndpointKind,
    function: Option<Function>,
    url: String,
    timeout: Duration,
    answer_bytes: usize,
    idle: usize,
    ready: OnceCell<Ready>,
}

/// What the first call looks up.
struct Ready {
    http: HttpClient,
    signer: Option<Signer>,
}

impl Client {
    pub(super) fn new(config: EndpointConfig) -> Result<Self, StoreError> {
        let EndpointConfig { name, kind, timeout, answer_bytes, rate, .. } = config;
        let what = format!("endpoint {name:?}");
        let (function, url) = match &kind {
            EndpointKind::Lambda { function, url, .. } => {
                let no_arn = || format!("{what}: {function:?} is not the ARN of a Lambda function");
                let function = Function::parse(function)
                    .ok_or_else(|| StoreError::new(code::INVALID_REQUEST, no_arn()))?;
                let url = function.url(url.as_deref());
                (Some(function), url)
            }
            EndpointKind::Webhook { url, .. } => (None, url.clone()),
        };
        let idle = usize::try_from(rate.max_in_flight).unwrap_or(usize::MAX);
        let label = format!("endpoint/{name}");
        let ready = OnceCell::new();
        Ok(Self { what, label, kind, function, url, timeout, answer_bytes, idle, ready })
    }

    pub(super) fn function(&self) -> Option<&Function> {
        self.function.as_ref()
    }

    pub(super) fn is_secure(&self) -> bool {
        self.url.starts_with("https:")
    }

    async fn connect(&self) -> Result<Ready, StoreError> {
        let http = HttpClient::new(self.is_secure(), self.idle).map_err(|error| {
            StoreError::new(code::INVALID_REQUEST, format!("{}: TLS: {error}", self.what))
        })?;
        let signer = match (&self.kind, &self.function) {
            (EndpointKind::Lambda { credentials: Some(source), .. }, Some(function)) => {
                Some(Signer::new(&self.what, source, &function.region).await?)
            }
            _ => None,
        };
        Ok(Ready { http, signer })
    }

    async fn exchange(&self, call: &InvokeEndpoint) -> Result<Response, StoreError> {
        let ready = self.ready.get_or_try_init(|| self.connect()).await?;
        let mut request = self.request(call)?;
        if let Some(signer) = &ready.signer {
            signer.sign(&mut request).await?;
        }
        let answer = ready.http.send(request).await.map_err(|error| self.unanswered(&error))?;
        let (head, body) = answer.into_parts();
        if head.status.is_redirection() {
            return Err(self.redirected(&head));
        }
        let body = read(body, self.answer_bytes).await.map_err(|error| self.unanswered(&error))?;
        self.understood(&head, body)
    }

    fn request(&self, call: &InvokeEndpoint) -> Result<HttpRequest<Bytes>, StoreError> {
        let mut request = HttpRequest::post(&self.url)
            .header(USER_AGENT, longshore_http::USER_AGENT)
            .header(CONTENT_TYPE, "application/json");
        match &self.kind {
            EndpointKind::Lambda { .. } => {
                request = request.header("x-amz-invocation-type", "RequestResponse");
            }
            EndpointKind::Webhook { headers, key, .. } => {
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                if let Some(key) = key {
                    // A call that is repeated has the same body.
                    let digest = Sha256::digest(&call.body);
                    let id = hex::encode(digest.get(..16).unwrap_or_default());
                    let now = jiff::Timestamp::now().as_second();
                    for (name, value) in webhook::headers(key, &id, now, &call.body) {
                        request = request.header(name, value);
                    }
                }
            }
        }
        request.body(call.body.clone()).map_err(|error| {
            StoreError::new(code::INVALID_REQUEST, format!("{}: no request can be made: {error}", self.what))
        })
    }

    fn unanswered(&self, error: &HttpError) -> StoreError {
        let what = &self.what;
        let message = format!("{what}: {error}");
        match error {
            HttpError::Connect(_) => StoreError::new(code::CONNECTION_ERROR, message).retry(),
            HttpError::Lost(_) => StoreError::new(code::CONNECTION_LOST, message).retry(),
            HttpError::Garbled(_) => StoreError::new(code::INVALID_RESPONSE, message),
            HttpError::TooLarge { .. } => {
                let message = format!("{message}, which is its `answer-bytes`");
                StoreError::new(code::RESPONSE_TOO_LARGE, message)
            }
        }
    }

    fn redirected(&self, head: &Parts) -> StoreError {
        let place = head.headers.get(LOCATION).and_then(|place| place.to_str().ok()).unwrap_or("nowhere");
        let message = format!(
            "{} answers {} and points to {}; redirections are not followed: set `url` in longshore.toml",
            self.what,
            head.status,
            shortened(place)
        );
        StoreError::new(code::ENDPOINT_REDIRECT, message).with_status(head.status.as_u16())
    }

    fn understood(&self, head: &Parts, body: Bytes) -> Result<Response, StoreError> {
        let status = head.status;
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let is_lambda = self.function.is_some();
        let text = || shortened(&String::from_utf8_lossy(&body));
        if status.is_success() {
            if is_lambda && head.headers.contains_key(FUNCTION_ERROR) {
                // In the words of Amazon S3 Batch Operations.
                let message = format!("Lambda returned function error: {}", text());
                return Err(StoreError::new(code::FUNCTION_ERROR, message).with_status(status.as_u16()));
            }
            return Ok(Response { http_status: status.as_u16(), body, ..Response::default() });
        }
        let named = header(ERROR_TYPE).filter(|_| is_lambda).and_then(|text| text.split(':').next());
        let message = format!("{} answers {status}: {}", self.what, text());
        let code = named.filter(|name| is_code(name)).unwrap_or(code::ENDPOINT_ERROR);
        let mut error = StoreError::new(code, message).with_status(status.as_u16());
        error.retryable = may_pass(status);
        error.retry_after = header(RETRY_AFTER.as_str()).and_then(retry_after);
        Err(error)
    }
}

/// Whether the same call may succeed later.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

fn is_code(text: &str) -> bool {
    (1..=MAX_CODE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[async_trait::async_trait]
impl Store for Client {
    async fn send(&self, request: &Request) -> Result<Response, StoreError> {
        let Request::InvokeEndpoint(call) = request else {
            let message = format!("{} is no store: it takes no {}", self.what, request.name());
            return Err(StoreError::new(code::INVALID_REQUEST, message));
        };
        let attempt = async {
            let seconds = self.timeout.as_secs_f64();
            let late = || format!("{} did not answer within {seconds} s, its `timeout`", self.what);
            match timeout(self.timeout, self.exchange(call)).await {
                Ok(result) => result,
                Err(_) => Err(StoreError::new(code::TIMEOUT, late()).retry()),
            }
        };
        measured(&self.label, request.name(), attempt).await
    }
}
