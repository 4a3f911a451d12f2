//! The HTTP side: connections, requests, faults, access log, shutdown.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::S3Service;
use s3s::{HttpRequest, HttpResponse, S3Error, S3ErrorCode, S3Result, StdError, s3_error};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Credentials;
use crate::access_log::{AccessLog, Entry, format_time};
use crate::fault::{self, Effect, Faults};
use crate::protocol::StatusOverride;

/// Connections at once; further clients wait in the backlog of the socket.
const MAX_CONNECTIONS: usize = 4096;
/// How long a shutdown waits for requests that are being answered.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);
/// Pause after a connection could not be accepted, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of a body that are read only to keep the connection of a faulted request.
const MAX_DRAINED: usize = 64 * 1024;

/// The secrets of the access keys.
#[derive(Debug)]
pub(crate) struct Keys(HashMap<String, SecretKey>);

impl Keys {
    pub(crate) fn new(credentials: Vec<Credentials>) -> Self {
        let pairs = credentials.into_iter().map(|pair| (pair.access_key_id, pair.secret_access_key.into()));
        Self(pairs.collect())
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        self.0.get(access_key).cloned().ok_or_else(|| {
            s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
        })
    }
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) service: S3Service,
    pub(crate) faults: Faults,
    pub(crate) access_log: Option<AccessLog>,
    /// Numbers the requests, for `x-amz-request-id`.
    pub(crate) requests: AtomicU64,
    /// Numbers the connections, for the access log.
    pub(crate) connections: AtomicU64,
}

impl Server {
    /// Accepts connections until `stop` changes or its sender is gone, then lets the requests under way finish.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener, mut stop: watch::Receiver<()>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = stop.changed() => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(Arc::clone(&self).connection(stream, stop.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        let finished = async { while connections.join_next().await.is_some() {} };
        // Dropping the set ends what is still open after that.
        let _ = tokio::time::timeout(SHUTDOWN_PATIENCE, finished).await;
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, mut stop: watch::Receiver<()>) {
        // Without it, small answers wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let service = service_fn(|request| Arc::clone(&self).request(request, number));
        // Idle connections stay: one closed by the server may just be taken from the client's pool for a request.
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            _ = stop.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    /// Answers one request; an error closes the connection without an answer.
    async fn request(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        connection: u64,
    ) -> Result<HttpResponse, StdError> {
        let start = Timestamp::now();
        let seen = Seen::of(&request);
        let verdict = self.faults.judge(&fault::Request {
            method: &seen.method,
            bucket: seen.bucket.as_deref(),
            key: seen.key.as_deref(),
        });
        if !verdict.delay.is_zero() {
            tokio::time::sleep(verdict.delay).await;
        }
        let faulted = verdict.effect != Effect::Handle;
        let response = match verdict.effect {
            Effect::Handle => Some(self.handle(request).await?),
            Effect::Fail { status, code, retry_after } => {
                Some(fail(request, status, &code, retry_after).await?)
            }
            Effect::Reset => None,
        };
        if let Some(log) = &self.access_log {
            let status = response.as_ref().map(|response| response.status().as_u16());
            log.append(&Entry { connection, ..seen.entry(start, status, faulted) });
        }
        let mut response = response.ok_or("reset by a fault rule")?;
        let id = self.requests.fetch_add(1, Ordering::Relaxed);
        if let Ok(id) = HeaderValue::try_from(format!("{id:016X}")) {
            response.headers_mut().insert("x-amz-request-id", id);
        }
        Ok(response)
    }

    async fn handle(&self, request: http::Request<Incoming>) -> Result<HttpResponse, StdError> {
        let (request, read) = watched(request);
        let mut response = self.service.call(request).await.map_err(StdError::from)?;
        if let Some(StatusOverride(status)) = response.extensions().get().copied()
            && response.status().is_success()
        {
            *response.status_mut() = status;
        }
        if !read.load(Ordering::Relaxed) {
            close_after(&mut response);
        }
        Ok(response)
    }
}

/// A request whose body tells whether it was read to its end.
fn watched(request: http::Request<Incoming>) -> (HttpRequest, Arc<AtomicBool>) {
    let read = Arc::new(AtomicBool::new(request.body().is_end_stream()));
    let watch = |inner| s3s::Body::http_body_unsync(Watched { inner, read: Arc::clone(&read) });
    (request.map(watch), read)
}

/// A body on its way in, and whether its end was seen.
struct Watched {
    inner: Incoming,
    read: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.inner.is_end_stream() {
            self.read.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Says that the connection ends with this answer. It does when the body of the request was left unread, and a client
/// that is not told sends its next request into a closing connection.
fn close_after(response: &mut HttpResponse) {
    response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
}

/// The answer of a fault rule. A small body is read first, so that the connection lives on.
async fn fail(
    request: http::Request<Incoming>,
    status: StatusCode,
    code: &str,
    retry_after: Option<u64>,
) -> Result<HttpResponse, StdError> {
    let waits = request.headers().contains_key(http::header::EXPECT);
    let (request, read) = watched(request);
    if !waits {
        // What goes wrong here shows in `read`.
        let _ = request.into_body().store_all_limited(MAX_DRAINED).await;
    }
    let mut response = failure(status, code)?;
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if !read.load(Ordering::Relaxed) {
        close_after(&mut response);
    }
    Ok(response)
}

fn failure(status: StatusCode, code: &str) -> Result<HttpResponse, StdError> {
    let code = code.parse::<S3ErrorCode>().unwrap_or_else(|never: Infallible| match never {});
    let mut error = S3Error::with_message(code, "This error was injected by a fault rule of the sandbox.");
    error.set_status_code(status);
    Ok(error.to_http_response()?)
}

/// What of a request goes to the fault rules and the access log.
struct Seen {
    method: http::Method,
    bucket: Option<String>,
    key: Option<String>,
    query: Option<String>,
    access_key: Option<String>,
}

impl Seen {
    fn of<B>(request: &http::Request<B>) -> Self {
        // A path that is no UTF-8 is refused by the protocol crate; it is logged as well as it can be.
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let query = request.uri().query();
        let authorization =
            request.headers().get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        Self {
            method: request.method().clone(),
            bucket: some(bucket),
            key: some(key),
            query: query.and_then(some),
            access_key: claimed_key(authorization, query),
        }
    }

    fn entry(&self, start: Timestamp, status: Option<u16>, fault: bool) -> Entry<'_> {
        Entry {
            start: format_time(start),
            end: format_time(Timestamp::now()),
            access_key: self.access_key.as_deref(),
            method: self.method.as_str(),
            bucket: self.bucket.as_deref(),
            key: self.key.as_deref(),
            query: self.query.as_deref(),
            status,
            fault,
            connection: 0,
        }
    }
}

/// The access key id in the credential scope of a signature: in the `Authorization` header or a presigned URL.
fn claimed_key(authorization: Option<&str>, query: Option<&str>) -> Option<String> {
    let of_header = || authorization?.split_once("Credential=").map(|(_, rest)| rest);
    let of_query = || query?.split_once("X-Amz-Credential=").map(|(_, rest)| rest);
    let scope = of_header().or_else(of_query)?;
    let end = scope.find(['/', '%', '&', ',']).unwrap_or(scope.len());
    scope.get(..end).filter(|key| !key.is_empty()).map(str::to_owned)
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
