//! Requests on a subresource that this store does not know. The protocol crate would take them for the plain request on the
//! object: UpdateObjectEncryption for an upload, which would replace the object by an XML document.

use http::{Extensions, HeaderMap, Method, Uri};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

/// The subresources and marks of requests that write to an object; the others have a value.
const KNOWN: [&str; 7] = ["acl", "tagging", "retention", "legal-hold", "restore", "uploads", "x-id"];

/// Refuses them.
#[derive(Debug)]
pub(crate) struct UnknownSubresources;

#[async_trait::async_trait]
impl S3Route for UnknownSubresources {
    fn is_match(&self, method: &Method, uri: &Uri, _: &HeaderMap, _: &mut Extensions) -> bool {
        let writes = [Method::PUT, Method::POST, Method::DELETE].contains(method);
        writes && names_object(uri.path()) && unknown(uri.query()).is_some()
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let name = unknown(request.uri.query()).unwrap_or_default();
        Err(s3_error!(NotImplemented, "the sandbox does not know the subresource {name} of an object"))
    }
}

fn names_object(path: &str) -> bool {
    path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty())
}

/// The first name without a value that is not known.
fn unknown(query: Option<&str>) -> Option<&str> {
    let pairs = query?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .into_iter()
        .find(|(name, value)| value.is_empty() && !name.is_empty() && !is_known(name))
        .map(|(name, _)| name)
}

fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
        || matches!(name, "versionId" | "uploadId" | "partNumber")
        || name.starts_with("X-Amz-")
}
