//! Requests that the protocol crate does not read as S3 does: UpdateObjectEncryption, which it would take for an upload, so that
//! an XML document would replace the object; completions, whose newer checksums it refuses; retentions, whose event holds it drops;
//! and subresources that this store does not know, which it would take for the plain request on the object.

use http::{Extensions, HeaderMap, Method, Uri};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

use super::raw::Raw;
use super::{Protocol, complete, encryption, retention};

/// The subresources and marks of requests that write to an object; the others have a value.
const KNOWN: [&str; 6] = ["acl", "tagging", "legal-hold", "restore", "uploads", "x-id"];

/// Answers them.
#[derive(Debug)]
pub(crate) struct Routes(pub(crate) Protocol);

/// What such a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Call<'a> {
    UpdateObjectEncryption,
    CompleteMultipartUpload,
    GetObjectRetention,
    PutObjectRetention,
    /// Something about a subresource of this name.
    Unknown(&'a str),
}

impl<'a> Call<'a> {
    fn of(method: &Method, uri: &'a Uri) -> Option<Self> {
        if !names_object(uri.path()) {
            return None;
        }
        let query = uri.query()?;
        let has = |name: &str| pairs(query).any(|(found, _)| found == name);
        match *method {
            Method::GET if has("retention") => Some(Self::GetObjectRetention),
            Method::PUT if has("retention") => Some(Self::PutObjectRetention),
            Method::PUT if has("encryption") => Some(Self::UpdateObjectEncryption),
            Method::POST if has("uploadId") => Some(Self::CompleteMultipartUpload),
            Method::PUT | Method::POST | Method::DELETE => unknown(query).map(Self::Unknown),
            _ => None,
        }
    }
}

#[async_trait::async_trait]
impl S3Route for Routes {
    fn is_match(&self, method: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        Call::of(method, uri).is_some()
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let uri = request.uri.clone();
        match Call::of(&request.method, &uri) {
            Some(Call::UpdateObjectEncryption) => {
                encryption::update(&self.0, &Raw::read(request).await?).await
            }
            Some(Call::CompleteMultipartUpload) => {
                complete::complete(&self.0, &Raw::read(request).await?).await
            }
            Some(Call::GetObjectRetention) => retention::get(&self.0, &Raw::read(request).await?).await,
            Some(Call::PutObjectRetention) => retention::put(&self.0, &Raw::read(request).await?).await,
            Some(Call::Unknown(name)) => Err(s3_error!(
                NotImplemented,
                "the sandbox does not know the subresource {name} of an object"
            )),
            None => Err(s3_error!(InternalError, "a request without a route")),
        }
    }
}

fn names_object(path: &str) -> bool {
    path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty())
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The first name without a value that is not known.
fn unknown(query: &str) -> Option<&str> {
    pairs(query)
        .find(|(name, value)| value.is_empty() && !name.is_empty() && !is_known(name))
        .map(|(name, _)| name)
}

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
        || matches!(name, "versionId" | "uploadId" | "partNumber")
        || name.starts_with("X-Amz-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_protocol_crate_reads_itself_is_left_to_it() {
        for (method, uri, expected) in [
            (Method::PUT, "/b/k?encryption", Some(Call::UpdateObjectEncryption)),
            (Method::PUT, "/b/k?encryption=&versionId=v", Some(Call::UpdateObjectEncryption)),
            (Method::POST, "/b/k?uploadId=u", Some(Call::CompleteMultipartUpload)),
            (Method::GET, "/b/k?retention=&versionId=v", Some(Call::GetObjectRetention)),
            (Method::PUT, "/b/k?retention", Some(Call::PutObjectRetention)),
            (Method::DELETE, "/b/k?retention", Some(Call::Unknown("retention"))),
            (Method::PUT, "/b/k?torrent", Some(Call::Unknown("torrent"))),
            (Method::POST, "/b/k?encryption", Some(Call::Unknown("encryption"))),
            (Method::PUT, "/b?encryption", None),
            (Method::PUT, "/b/?encryption", None),
            (Method::PUT, "/b/k?uploadId=u&partNumber=1", None),
            (Method::DELETE, "/b/k?uploadId=u", None),
            (Method::POST, "/b/k?uploads", None),
            (Method::PUT, "/b/k?tagging&versionId=v", None),
            (Method::GET, "/b/k?encryption", None),
            (Method::PUT, "/b/encryption", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(Call::of(&method, &uri), expected, "{method} {uri}");
        }
    }
}
