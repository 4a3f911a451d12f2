//! A sandbox and the smallest client that can talk to it: one signed request per connection, nothing interpreted.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use longshore_sandbox_store::{Credentials, Sandbox, SandboxConfig, start};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The credentials of the sandboxes of the tests.
pub(crate) fn credentials() -> Credentials {
    Credentials { access_key_id: "AKIDTEST".into(), secret_access_key: "secret/of+test".into() }
}

/// A sandbox with one bucket, `bucket`, changed by the test.
pub(crate) async fn sandbox(change: impl FnOnce(&mut SandboxConfig)) -> (Sandbox, Client) {
    let mut config = SandboxConfig { buckets: vec!["bucket".into()], ..SandboxConfig::new(credentials()) };
    change(&mut config);
    let sandbox = start(config).await.unwrap();
    let client = Client::new(&sandbox.endpoint(), credentials());
    (sandbox, client)
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The text of the first XML element of this name.
    pub(crate) fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    /// Status and S3 error code.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.element("Code").unwrap_or_default())
    }
}

/// Signs and sends requests.
pub(crate) struct Client {
    address: String,
    credentials: Credentials,
}

impl Client {
    pub(crate) fn new(endpoint: &str, credentials: Credentials) -> Self {
        Self { address: endpoint.trim_start_matches("http://").to_owned(), credentials }
    }

    /// Sends a request; `path` and `query` are encoded already, the query sorted and with `=` behind each name.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.try_send(method, target, headers, body).await.expect("an answer")
    }

    /// Sends a request whose connection may be closed without an answer.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let signed = self.sign(method, path, query, headers, body);
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in signed {
            head += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()).await.unwrap();
        let mut answer = Vec::new();
        // A reset may come as an error or as the end of the stream.
        if stream.read_to_end(&mut answer).await.is_err() || answer.is_empty() {
            return None;
        }
        Some(parse(&answer))
    }

    /// Signature version 4: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>.
    fn sign(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<(String, String)> {
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let hash = hex::encode(Sha256::digest(body));
        let mut all: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned())).collect();
        all.push(("host".into(), self.address.clone()));
        all.push(("x-amz-date".into(), time.clone()));
        all.push(("x-amz-content-sha256".into(), hash.clone()));
        all.sort();
        let names = all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let canonical_headers: String = all.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let request = format!("{method}\n{path}\n{query}\n{canonical_headers}\n{names}\n{hash}");
        let scope = format!("{}/us-east-1/s3/aws4_request", &time[..8]);
        let to_sign =
            format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(request.as_bytes())));
        let secret = format!("AWS4{}", self.credentials.secret_access_key).into_bytes();
        let key = scope.split('/').fold(secret, |key, part| hmac(&key, part));
        let signature = hex::encode(hmac(&key, &to_sign));
        let id = &self.credentials.access_key_id;
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        all.push(("authorization".into(), authorization));
        all
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("the end of the headers");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Answer { status, headers, body: String::from_utf8(answer[end + 4..].to_vec()).unwrap() }
}
