use aws_smithy_types::body::SdkBody;
use longshore_job::ObjectId;

use super::*;
use crate::request::{CopyObject, GetObject, HeadBucket};

fn head(version: Option<&str>) -> Request {
    let version_id = version.map(str::to_owned);
    HeadObject::new(ObjectId { version_id, ..ObjectId::new("b", "k") }).into()
}

fn get() -> Request {
    GetObject::new(ObjectId::new("b", "k")).into()
}

fn answer(request: &Request, status: u16, code: Option<&str>) -> StoreError {
    refused(request.into(), &Refusal { status, code, message: None })
}

#[test]
fn answers_without_a_body_get_the_code_of_their_status() {
    let bucket = HeadBucket { bucket: "b".to_owned() }.into();
    // The SDK says "NotFound", which is no code of S3.
    assert_eq!(answer(&head(None), 404, Some("NotFound")).code, "NoSuchKey");
    assert_eq!(answer(&head(Some("v")), 404, Some("NotFound")).code, "NoSuchVersion");
    assert_eq!(answer(&bucket, 404, Some("NotFound")).code, "NoSuchBucket");
    assert_eq!(answer(&head(None), 403, None).code, "AccessDenied");
    assert_eq!(answer(&head(None), 405, None).code, "MethodNotAllowed");
    assert_eq!(answer(&head(None), 412, None).code, "PreconditionFailed");
    assert_eq!(answer(&head(None), 418, None).code, "Http418");
    assert_eq!(answer(&get(), 404, Some("NoSuchBucket")).code, "NoSuchBucket", "a code in the body stands");
}

#[test]
fn every_error_says_something() {
    let error = answer(&head(None), 404, None);
    assert_eq!(error.to_string(), "NoSuchKey: the store answered HeadObject with status 404");
}

/// The error of a call whose answer has this status, headers and code.
fn mapped(request: &Request, status: u16, header: Option<&'static str>, code: &str) -> StoreError {
    let mut raw = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
    if let Some(header) = header {
        raw.headers_mut().insert(header, "true");
    }
    let error = aws_smithy_types::error::ErrorMetadata::builder().code(code).message("no").build();
    let error = SdkError::service_error(error, raw);
    Mapper { store: "store \"main\" (http://store)".to_owned() }.error(request.into(), &error)
}

#[test]
fn a_store_that_lacks_a_feature_is_named() {
    let lacks = "store \"main\" (http://store) does not support this GetObject request: no";
    assert_eq!(mapped(&get(), 501, None, "NotImplemented").to_string(), format!("NotImplemented: {lacks}"));
    assert_eq!(
        mapped(&get(), 405, None, "MethodNotAllowed").to_string(),
        format!("MethodNotAllowed: {lacks}")
    );
    assert_eq!(mapped(&get(), 400, None, "NotImplemented").message, lacks);
    assert_eq!(mapped(&get(), 405, Some(DELETE_MARKER), "MethodNotAllowed").message, "no");
    assert_eq!(mapped(&get(), 400, None, "InvalidRequest").message, "no");
    assert_eq!(
        mapped(&head(Some("v")), 405, None, "").message,
        "store \"main\" (http://store) does not support this HeadObject request (or its version is a delete marker): \
         the store answered HeadObject with status 405"
    );
}

#[test]
fn a_store_that_fails_to_encrypt_may_have_no_keys() {
    let mut copy = CopyObject::new(ObjectId::new("b", "k"), "c", "k");
    assert_eq!(
        answer(&copy.clone().into(), 500, None).message,
        "the store answered CopyObject with status 500"
    );
    copy.encryption.algorithm = Some("AES256".to_owned());
    let error = answer(&copy.clone().into(), 500, None);
    assert!(error.retryable && error.message.ends_with(NO_KEYS), "{error}");
    assert_eq!(answer(&copy.into(), 503, None).message, "the store answered CopyObject with status 503");
}

#[test]
fn what_is_retried() {
    for status in [408, 429, 500, 502, 503, 504] {
        assert!(answer(&get(), status, None).retryable, "{status}");
    }
    for status in [301, 304, 400, 403, 404, 405, 409, 411, 412, 416, 501, 505] {
        assert!(!answer(&get(), status, None).retryable, "{status}");
    }
    assert!(answer(&get(), 400, Some("RequestTimeout")).retryable);
    assert!(answer(&get(), 200, Some("AnyError")).retryable, "an error in an answer that began as a success");
    assert!(
        answer(&get(), 403, Some("RequestTimeTooSkewed")).retryable,
        "a clock that is set right meanwhile"
    );
}

#[test]
fn what_is_a_throttle() {
    assert!(answer(&get(), 503, Some("SlowDown")).is_throttle());
    assert!(answer(&get(), 429, None).is_throttle());
    assert!(answer(&get(), 200, Some("SlowDown")).is_throttle());
    assert!(!answer(&get(), 500, Some("InternalError")).is_throttle());
}

#[test]
fn retry_after_in_both_forms() {
    assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
    assert_eq!(retry_after("soon"), None);
    assert_eq!(retry_after("-1"), None);
    assert_eq!(retry_after("Fri, 21 Dec 2012 00:00:00 GMT"), None, "the past asks for nothing");
    let far = retry_after("Fri, 21 Dec 2412 00:00:00 GMT").unwrap();
    assert!(far > Duration::from_secs(3600 * 24 * 365 * 300), "{far:?}");
}
