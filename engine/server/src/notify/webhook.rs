//! A notification as a signed POST, as Standard Webhooks (<https://www.standardwebhooks.com>) describes it.

use std::io;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use jiff::Timestamp;
use longshore_http::{HttpClient, read, shortened, webhook};
use longshore_queue::Notification;

use super::Undelivered;

/// Bytes of an answer that are read, to say why a target refused. What has more is not shown.
const MAX_ANSWER: usize = 4096;

/// Media type of a CloudEvent in structured mode.
const CLOUD_EVENT: &str = "application/cloudevents+json; charset=utf-8";

pub(super) struct Webhook {
    client: HttpClient,
    url: String,
    key: Vec<u8>,
}

impl Webhook {
    /// A target that is told at `url`.
    pub(super) fn new(url: &str, key: Vec<u8>) -> io::Result<Self> {
        let client = HttpClient::new(url.starts_with("https:"), 1)?;
        Ok(Self { client, url: url.to_owned(), key })
    }

    /// One attempt. The target has it if it answers with a status of success; a redirection is not followed.
    pub(super) async fn send(&self, told: &Notification, now: Timestamp) -> Result<(), Undelivered> {
        let mut request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, CLOUD_EVENT)
            .header(header::USER_AGENT, longshore_http::USER_AGENT);
        for (name, value) in webhook::headers(&self.key, &told.id, now.as_second(), told.body.as_bytes()) {
            request = request.header(name, value);
        }
        let request = request
            .body(Bytes::from(told.body.clone()))
            .map_err(|error| Undelivered::for_good(format!("no request can be made of it: {error}")))?;
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| Undelivered::for_now(error.to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let body = read(answer.into_body(), MAX_ANSWER).await.unwrap_or_default();
        let message = if status.is_redirection() {
            format!("{status}: redirections are not followed; write the right \"url\"")
        } else {
            shortened(&format!("{status} {}", String::from_utf8_lossy(&body)))
        };
        // "Gone" is how a target says that it wants no more (Standard Webhooks).
        Err(Undelivered { message, for_good: status == StatusCode::GONE })
    }
}
