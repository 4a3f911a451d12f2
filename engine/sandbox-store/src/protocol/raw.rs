//! Requests on objects that the protocol crate has not read.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use s3s::path::parse_path_style;
use s3s::xml::{Deserialize, Deserializer};
use s3s::{Body, S3Error, S3Request, S3Response, S3Result, s3_error};

use super::transfer::broken_body;

/// Bytes of the largest body: a completion names 10,000 parts with a checksum each.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// The namespace of S3's documents.
pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A request, whose signature is verified.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) headers: HeaderMap,
    query: String,
    body: Bytes,
}

impl Raw {
    /// Reads the body, too.
    ///
    /// # Errors
    /// `InvalidURI`, `IncompleteBody` and its like.
    pub(super) async fn read(request: S3Request<Body>) -> S3Result<Self> {
        let S3Request { mut input, uri, headers, .. } = request;
        let invalid = || s3_error!(InvalidURI, "Couldn't parse the specified URI.");
        let path = percent_decode_str(uri.path()).decode_utf8().map_err(|_| invalid())?;
        let path = parse_path_style(&path).map_err(|_| invalid())?;
        let (bucket, key) = path.as_object().ok_or_else(invalid)?;
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            headers,
            query: uri.query().unwrap_or_default().to_owned(),
            body: input.store_all_limited(MAX_BODY).await.map_err(broken_body)?,
        })
    }

    /// The value of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let (_, value) = pairs.find(|(found, _)| *found == name)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The document in the body.
    ///
    /// # Errors
    /// `MalformedXML`.
    pub(super) fn document<T: for<'xml> Deserialize<'xml>>(&self) -> S3Result<T> {
        let mut reader = Deserializer::new(&self.body);
        let document =
            T::deserialize(&mut reader).and_then(|document| reader.expect_eof().map(|()| document));
        document.map_err(|error| {
            s3_error!(
                error,
                MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema"
            )
        })
    }
}

/// An answer that is a document.
pub(super) fn answer(document: &impl s3s::xml::Serialize) -> S3Result<S3Response<Body>> {
    let mut text = Vec::new();
    let mut writer = s3s::xml::Serializer::new(&mut text);
    writer.decl().and_then(|()| document.serialize(&mut writer)).map_err(S3Error::internal_error)?;
    let mut response = S3Response::new(Body::from(text));
    response.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(response)
}
