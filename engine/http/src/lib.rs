//! The HTTP client for whatever is not a store: webhooks and endpoints that the operator named.
//!
//! No proxy, no redirection is followed, no cookie is kept. TLS trusts the certificates of the machine (or those that
//! `SSL_CERT_FILE` names). Time is bound by the caller: drop the future.

pub mod webhook;

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
pub use hyper::body::Incoming as Body;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// What requests say of who sends them.
pub const USER_AGENT: &str = concat!("longshore/", env!("CARGO_PKG_VERSION"));

/// Most time for a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an unused connection is kept: less than most servers keep theirs, so that a request rarely meets one that is just
/// being closed.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// Bytes of an answer's head, and of what is read at once: a head of this size is no head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Characters of a text from outside in a message.
const MAX_SHOWN: usize = 500;

/// A client. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// No connection could be made: nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection broke before the answer was complete.
    #[error("the connection broke before the answer was complete: {0}")]
    Lost(String),
    /// What came is not HTTP, or its head is larger than 64 KiB or has more than 100 lines.
    #[error("the answer is not HTTP that can be read: {0}")]
    Garbled(String),
    /// The body is larger than the caller wants.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// What the caller wants at most.
        limit: usize,
    },
}

impl HttpClient {
    /// A client that keeps up to `idle` connections to each host. Without `tls` the machine's certificates are not read, and
    /// no `https` URL can be asked.
    ///
    /// # Errors
    /// If the machine's certificates cannot be read.
    pub fn new(tls: bool, idle: usize) -> io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls_config(tls)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(idle)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .build(connector);
        Ok(Self(client))
    }

    /// Sends a request and returns the head of the answer. The body is read by [`read`].
    ///
    /// # Errors
    /// If no head came.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Incoming>, HttpError> {
        self.0.request(request.map(Full::new)).await.map_err(|error| {
            let cause = root_cause(&error);
            if error.is_connect() {
                HttpError::Connect(cause)
            } else if find::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse) {
                HttpError::Garbled(cause)
            } else {
                HttpError::Lost(cause)
            }
        })
    }
}

/// Reads a body of at most `limit` bytes, and no more of it.
///
/// # Errors
/// If it is larger, or does not come to its end.
pub async fn read(body: Incoming, limit: usize) -> Result<Bytes, HttpError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge { limit }),
        Err(error) => Err(HttpError::Lost(root_cause(error.as_ref()))),
    }
}

fn tls_config(tls: bool) -> io::Result<rustls::ClientConfig> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let roots = if tls {
        versions.with_native_roots()?
    } else {
        versions.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(roots.with_no_client_auth())
}

/// The innermost cause of an error: what the system or the TLS library said.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    shortened(&cause.to_string())
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// The beginning of a text from outside, on one line and without control characters.
pub fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|character| !character.is_control()).take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_outside_is_one_short_line() {
        assert_eq!(shortened(" <h1>\n\tNo\u{1b}[2J</h1>\r\n"), "<h1> No[2J</h1>");
        assert_eq!(shortened(&"ä".repeat(1000)).chars().count(), MAX_SHOWN);
    }
}
