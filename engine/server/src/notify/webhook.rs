//! A notification as a signed POST, as Standard Webhooks (<https://www.standardwebhooks.com>) describes it.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use longshore_queue::Notification;
use sha2::Sha256;

use super::Undelivered;

/// Bytes of an answer that are read, to say why a target refused. What comes after is not waited for.
const MAX_ANSWER: usize = 4096;

/// Media type of a CloudEvent in structured mode.
const CLOUD_EVENT: &str = "application/cloudevents+json; charset=utf-8";

pub(super) struct Webhook {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    key: Vec<u8>,
}

impl Webhook {
    /// A target that is told at `url`.
    pub(super) fn new(url: &str, key: Vec<u8>) -> io::Result<Self> {
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, url: url.to_owned(), key })
    }

    /// One attempt. The target has it if it answers with a status of success; a redirection is not followed.
    pub(super) async fn send(&self, told: &Notification, now: Timestamp) -> Result<(), Undelivered> {
        let time = now.as_second();
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, CLOUD_EVENT)
            .header(header::USER_AGENT, concat!("longshore/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &told.id)
            .header("webhook-timestamp", time)
            .header("webhook-signature", signature(&self.key, &told.id, time, &told.body))
            .body(Full::from(told.body.clone()))
            .map_err(|error| Undelivered::for_good(format!("no request can be made of it: {error}")))?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| Undelivered::for_now(chain(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let text =
            body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
        let message = if status.is_redirection() {
            format!("{status}: redirections are not followed; write the right \"url\"")
        } else {
            super::shortened(&format!("{status} {text}"))
        };
        // "Gone" is how a target says that it wants no more (Standard Webhooks).
        Err(Undelivered { message, for_good: status == StatusCode::GONE })
    }
}

/// The signature of one attempt.
fn signature(key: &[u8], id: &str, time: i64, body: &str) -> String {
    let signed =
        Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(format!("{id}.{time}.{body}")));
    // A key of any length will do.
    signed
        .map(|mac| format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
        .unwrap_or_default()
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    super::shortened(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, section "Verifying signatures".
    #[test]
    fn the_signature_of_the_specification() {
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = "{\"test\": 2432232314}";
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
