use super::*;

fn seen(uri: &str, authorization: Option<&str>) -> Seen {
    let mut request = http::Request::get(uri);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    Seen::of(&request.body(()).unwrap())
}

#[test]
fn bucket_and_key_are_decoded() {
    let seen = seen("/bucket/a%0Ab/%2B+%F0%9F%98%80?tagging&versionId=x%20y", None);
    assert_eq!(seen.bucket.as_deref(), Some("bucket"));
    assert_eq!(seen.key.as_deref(), Some("a\nb/++😀"));
    assert_eq!(seen.query.as_deref(), Some("tagging&versionId=x%20y"));
    assert_eq!(seen.access_key, None);
}

#[test]
fn what_is_not_there_is_none() {
    let root = seen("/", None);
    assert_eq!((root.bucket, root.key, root.query), (None, None, None));
    let bucket = seen("/bucket/", None);
    assert_eq!((bucket.bucket.as_deref(), bucket.key), (Some("bucket"), None));
}

#[test]
fn the_access_key_is_in_header_or_query() {
    let header = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    assert_eq!(seen("/b/k", Some(header)).access_key.as_deref(), Some("AKID"));
    let presigned = "/b/k?X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
    assert_eq!(seen(presigned, None).access_key.as_deref(), Some("AKID"));
    assert_eq!(seen("/b/k", Some("Basic eDp5")).access_key, None);
}
