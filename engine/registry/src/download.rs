//! Files by URL.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use longshore_http::{HttpClient, USER_AGENT, read};
use url::{Host, Url};

use crate::error::RegistryError;
use crate::fetch::{Expected, Fetched, MAX_SIGNATURE_BYTES, SIGNATURE, text};

/// Most time for one file, redirections included.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Most redirections that are followed.
const MAX_REDIRECTS: u32 = 5;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Most bytes of it.
    pub limit: usize,
    /// Whether what comes is compared with a digest: nobody on the way can change it unseen.
    pub pinned: bool,
    /// Further headers. Credentials among them go to the first host only.
    pub headers: HeaderMap,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The file.
    File(Bytes),
    /// There is none.
    Missing,
    /// Only for who says who they are; the headers, which are those of the server that was asked first, tell how.
    Unauthorized(HeaderMap),
}

/// Fetches a plugin and the signature beside it, if there is one.
pub(crate) async fn fetch(url: &Url, expected: Expected<'_>) -> Result<Fetched, RegistryError> {
    let source = shown(url);
    let asked = Asked { limit: expected.limit, pinned: expected.sha256.is_some(), headers: HeaderMap::new() };
    let bytes =
        file(url, &asked).await.and_then(|found| found.ok_or("there is no such file (404)".to_owned()));
    let bytes = bytes.map_err(|reason| RegistryError::not_fetched(&source, reason))?;
    let signature = if expected.signature.is_some() {
        None
    } else {
        let mut beside = url.clone();
        beside.set_path(&format!("{}{SIGNATURE}", url.path()));
        let asked = Asked { limit: MAX_SIGNATURE_BYTES, ..asked };
        let found = file(&beside, &asked).await;
        let found = found.map_err(|reason| RegistryError::not_fetched(&shown(&beside), reason))?;
        found.map(|bytes| text(bytes.to_vec(), &shown(&beside))).transpose()?
    };
    Ok(Fetched { source, bytes: bytes.to_vec(), signature })
}

async fn file(url: &Url, asked: &Asked) -> Result<Option<Bytes>, String> {
    match get(url, asked).await? {
        Answer::File(bytes) => Ok(Some(bytes)),
        Answer::Missing => Ok(None),
        Answer::Unauthorized(_) => Err(format!("the server answered {}", StatusCode::UNAUTHORIZED)),
    }
}

/// Asks for a file.
///
/// # Errors
/// If the server cannot be reached, is not safe to ask, or answers something else.
pub(crate) async fn get(url: &Url, asked: &Asked) -> Result<Answer, String> {
    match tokio::time::timeout(TIMEOUT, follow(url.clone(), asked)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("it did not come within {} s", TIMEOUT.as_secs())),
    }
}

async fn follow(mut url: Url, asked: &Asked) -> Result<Answer, String> {
    let origin = url.origin();
    let mut headers = asked.headers.clone();
    for _ in 0..=MAX_REDIRECTS {
        require_safe(&url, asked.pinned)?;
        let answer = send(&url, &headers).await?;
        match answer.status() {
            StatusCode::OK => {
                let body = read(answer.into_body(), asked.limit).await;
                return body.map(Answer::File).map_err(|error| error.to_string());
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Answer::Missing),
            // What it says would decide where the credentials of the first server go.
            StatusCode::UNAUTHORIZED if url.origin() != origin => {
                return Err(format!(
                    "the server redirected to {}, which wants credentials (401); those for {} are not sent there: \
                     name as the source where the file really is, or have the server redirect to where it is open",
                    shown(&url),
                    origin.ascii_serialization()
                ));
            }
            StatusCode::UNAUTHORIZED => return Ok(Answer::Unauthorized(answer.headers().clone())),
            status if status.is_redirection() => {
                let to = redirected(&url, answer.headers())?;
                if to.origin() != url.origin() {
                    headers.remove(header::AUTHORIZATION);
                }
                url = to;
            }
            status => return Err(format!("the server answered {status}")),
        }
    }
    Err(format!("the server redirected more than {MAX_REDIRECTS} times"))
}

async fn send(url: &Url, headers: &HeaderMap) -> Result<http::Response<longshore_http::Body>, String> {
    let mut request = Request::get(url.as_str())
        .header(header::USER_AGENT, USER_AGENT)
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    request.headers_mut().extend(headers.clone());
    let client = HttpClient::new(url.scheme() == "https", 0)
        .map_err(|error| format!("cannot read the certificates of this machine: {error}"))?;
    client.send(request).await.map_err(|error| error.to_string())
}

fn redirected(from: &Url, headers: &HeaderMap) -> Result<Url, String> {
    let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let to = location.and_then(|location| from.join(location).ok());
    let to = to.ok_or("the server redirected without saying where to")?;
    match (from.scheme(), to.scheme()) {
        ("https", "http") => Err(format!("the server redirected from https to {}", shown(&to))),
        (_, "http" | "https") => Ok(to),
        _ => Err(format!("the server redirected to {}", shown(&to))),
    }
}

/// `http` shows and lets change what passes: it is for this machine, or for what is compared with its digest.
fn require_safe(url: &Url, pinned: bool) -> Result<(), String> {
    if url.scheme() == "https" || pinned || is_loopback(url) {
        return Ok(());
    }
    Err(format!(
        "{}: http lets anybody on the way change the file; use https, or say with --sha256 which file you mean",
        shown(url)
    ))
}

/// Whether it is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Without the query and the fragment, where secrets may be.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn http_is_for_this_machine_or_with_a_digest() {
        for text in ["https://example.com/x", "http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost/x"]
        {
            assert_eq!(require_safe(&url(text), false), Ok(()), "{text}");
        }
        for text in ["http://example.com/x", "http://10.0.0.1/x", "http://localhost.example.com/x"] {
            assert!(require_safe(&url(text), false).unwrap_err().contains("--sha256"), "{text}");
            assert_eq!(require_safe(&url(text), true), Ok(()));
        }
    }

    #[test]
    fn redirections_never_leave_https() {
        let to = |from: &str, location: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, location.parse().unwrap());
            redirected(&url(from), &headers).map(String::from)
        };
        assert_eq!(to("https://a/x/y", "../z"), Ok("https://a/z".to_owned()));
        assert_eq!(to("http://a/x", "https://b/?secret=1"), Ok("https://b/?secret=1".to_owned()));
        let refused = [to("https://a/x", "http://b/?s=1"), to("https://a/x", "file:///etc/passwd")];
        assert_eq!(
            refused.map(Result::unwrap_err),
            ["the server redirected from https to http://b/", "the server redirected to file:///etc/passwd"]
        );
        assert!(redirected(&url("https://a/"), &HeaderMap::new()).is_err());
    }
}
