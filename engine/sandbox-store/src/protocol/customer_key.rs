//! Encryption with keys of the customer's (SSE-C): the rules about who must send which key. Nothing is encrypted, and of a key
//! only its MD5 is kept.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>. S3 takes keys over TLS
//! only; this store speaks plain HTTP and takes them all the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Result, s3_error};

use crate::error::custom_error;
use crate::model::Encryption;

/// What the headers of an object's key begin with.
const OBJECT: &str = "x-amz-server-side-encryption-customer-";
/// What those of a copy's source begin with.
const SOURCE: &str = "x-amz-copy-source-server-side-encryption-customer-";
/// The only algorithm.
const ALGORITHM: &str = "AES256";
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// MD5, in base64, of the key that a request sends for its object.
///
/// # Errors
/// `InvalidArgument` for headers that do not fit each other, `InvalidEncryptionAlgorithmError` for another algorithm.
pub(super) fn of(headers: &HeaderMap) -> S3Result<Option<String>> {
    read(headers, OBJECT)
}

/// The same for the source of a copy.
pub(super) fn of_source(headers: &HeaderMap) -> S3Result<Option<String>> {
    read(headers, SOURCE)
}

fn read(headers: &HeaderMap, prefix: &str) -> S3Result<Option<String>> {
    let header = |name: &str| headers.get(format!("{prefix}{name}")).and_then(|value| value.to_str().ok());
    let (algorithm, key, md5) = match (header("algorithm"), header("key"), header("key-md5")) {
        (None, None, None) => return Ok(None),
        (Some(algorithm), Some(key), Some(md5)) => (algorithm, key, md5),
        _ => {
            let message = "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key, its MD5 and a valid encryption algorithm.";
            return Err(s3_error!(InvalidArgument, "{message}"));
        }
    };
    if algorithm != ALGORITHM {
        let message =
            format!("The encryption request you specified is not valid. Supported value: {ALGORITHM}.");
        return Err(custom_error("InvalidEncryptionAlgorithmError", StatusCode::BAD_REQUEST, message));
    }
    let key = STANDARD.decode(key).ok().filter(|key| key.len() == KEY_BYTES);
    let key = key.ok_or_else(|| {
        s3_error!(InvalidArgument, "The secret key was invalid for the specified algorithm.")
    })?;
    let mut sum = Md5::new();
    sum.update(&key);
    if STANDARD.encode(sum.finalize()) != md5 {
        let message = "The calculated MD5 hash of the key did not match the hash that was provided.";
        return Err(s3_error!(InvalidArgument, "{message}"));
    }
    Ok(Some(md5.to_owned()))
}

/// Whether a request sends the key that an object was written with.
///
/// # Errors
/// `InvalidRequest` for a key that is missing, or that the object does not have; `AccessDenied` for another one.
pub(super) fn check(encryption: &Encryption, sent: Option<&str>) -> S3Result<()> {
    match (encryption.customer_key_md5.as_deref(), sent) {
        (None, None) => Ok(()),
        (Some(kept), Some(sent)) if kept == sent => Ok(()),
        (Some(_), Some(_)) => Err(s3_error!(AccessDenied, "Access Denied")),
        (Some(_), None) => {
            let message = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.";
            Err(s3_error!(InvalidRequest, "{message}"))
        }
        (None, Some(_)) => {
            Err(s3_error!(InvalidRequest, "The encryption parameters are not applicable to this object."))
        }
    }
}

/// The headers of an answer about an object that has such a key.
pub(super) fn add_headers(headers: &mut HeaderMap, encryption: &Encryption) {
    let Some(md5) = encryption.customer_key_md5.as_deref() else { return };
    let algorithm = HeaderName::from_static("x-amz-server-side-encryption-customer-algorithm");
    headers.insert(algorithm, HeaderValue::from_static(ALGORITHM));
    if let Ok(md5) = HeaderValue::from_str(md5) {
        headers.insert(HeaderName::from_static("x-amz-server-side-encryption-customer-key-md5"), md5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(&str, &str)]) -> HeaderMap {
        let entry = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(format!("{OBJECT}{name}")).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        entries.iter().map(entry).collect()
    }

    fn code<T>(result: S3Result<T>) -> String {
        result.err().map(|error| error.code().as_str().to_owned()).unwrap_or_default()
    }

    #[test]
    fn headers_fit_each_other() {
        let key = STANDARD.encode([7; KEY_BYTES]);
        let mut sum = Md5::new();
        sum.update(&[7; KEY_BYTES]);
        let md5 = STANDARD.encode(sum.finalize());
        assert_eq!(of(&headers(&[])).unwrap(), None);
        let whole = [("algorithm", "AES256"), ("key", key.as_str()), ("key-md5", md5.as_str())];
        assert_eq!(of(&headers(&whole)).unwrap().as_deref(), Some(md5.as_str()));
        assert_eq!(of_source(&headers(&whole)).unwrap(), None);
        assert_eq!(code(of(&headers(&whole[..2]))), "InvalidArgument");
        assert_eq!(
            code(of(&headers(&[("algorithm", "DES"), whole[1], whole[2]]))),
            "InvalidEncryptionAlgorithmError"
        );
        assert_eq!(code(of(&headers(&[whole[0], ("key", "AAAA"), whole[2]]))), "InvalidArgument");
        assert_eq!(code(of(&headers(&[whole[0], whole[1], ("key-md5", "AAAA")]))), "InvalidArgument");
    }

    #[test]
    fn an_object_wants_its_own_key() {
        let with = Encryption { customer_key_md5: Some("a".to_owned()), ..Encryption::default() };
        assert!(check(&with, Some("a")).is_ok() && check(&Encryption::default(), None).is_ok());
        assert_eq!(code(check(&with, Some("b"))), "AccessDenied");
        assert_eq!(code(check(&with, None)), "InvalidRequest");
        assert_eq!(code(check(&Encryption::default(), Some("a"))), "InvalidRequest");
    }
}
