use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

fn code(result: S3Result<Vec<Tag>>) -> String {
    result.unwrap_err().code().as_str().to_owned()
}

#[test]
fn the_header_is_a_query_string() {
    assert_eq!(
        of_header("project=blue+whale&empty=&bare&sp%20ace=a%2Bb").unwrap(),
        [tag("project", "blue whale"), tag("empty", ""), tag("bare", ""), tag("sp ace", "a+b")]
    );
    assert_eq!(of_header("").unwrap(), []);
    assert_eq!(code(of_header("key=%FF")), "InvalidArgument");
}

#[test]
fn the_limits_are_those_of_s3() {
    let many = |count: usize| (0..count).map(|n| tag(&n.to_string(), "")).collect::<Vec<_>>();
    assert_eq!(checked(many(10)).unwrap().len(), 10);
    assert_eq!(code(checked(many(11))), "BadRequest");
    assert!(checked(vec![tag(&"k".repeat(128), &"v".repeat(256))]).is_ok());
    assert_eq!(code(checked(vec![tag(&"k".repeat(129), "")])), "InvalidTag");
    assert_eq!(code(checked(vec![tag("k", &"v".repeat(257))])), "InvalidTag");
    assert_eq!(code(checked(vec![tag("", "v")])), "InvalidTag");
    assert_eq!(code(checked(vec![tag("k", "1"), tag("k", "2")])), "InvalidTag");
    assert!(checked(vec![tag("k", "1"), tag("K", "2")]).is_ok());
    assert_eq!(code(checked(vec![tag("aws:name", "v")])), "InvalidTag");
}

#[test]
fn the_characters_are_those_of_s3() {
    assert!(checked(vec![tag("Größe_ 数.:/=+-@", "١٢٣")]).is_ok());
    for bad in ["a\tb", "a\nb", "a,b", "a&b", "a?b", "a\u{1F600}b", "a\"b", "a*b"] {
        assert_eq!(code(checked(vec![tag(bad, "")])), "InvalidTag", "{bad:?}");
        assert_eq!(code(checked(vec![tag("k", bad)])), "InvalidTag", "{bad:?}");
    }
}

#[test]
fn a_tag_of_a_body_has_key_and_value() {
    let wire = |key: Option<&str>, value: Option<&str>| {
        of_wire(vec![dto::Tag { key: key.map(str::to_owned), value: value.map(str::to_owned) }])
    };
    assert_eq!(wire(Some("k"), Some("")).unwrap(), [tag("k", "")]);
    assert_eq!(code(wire(None, Some("v"))), "MalformedXML");
    assert_eq!(code(wire(Some("k"), None)), "MalformedXML");
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(tags in prop::collection::btree_map("[a-z ñ+=/@.:_-]{1,20}", "[A-Z é+=/]{0,20}", 0..=10)) {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let header = tags.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect::<Vec<_>>().join("&");
        let expected: Vec<Tag> = tags.iter().map(|(k, v)| tag(k, v)).collect();
        prop_assert_eq!(of_header(&header).unwrap(), expected);
    }
}
