//! Keys as manifests write them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

#[test]
fn only_percent_sequences_are_decoded() {
    let url = |text| decode_key(text, KeyEncoding::Url).map(Cow::into_owned);
    assert_eq!(url("object%20key+a%2Bb/%C3%A9").unwrap(), "object key+a+b/é");
    assert_eq!(url("%2520").unwrap(), "%20");
    assert_eq!(decode_key("%20", KeyEncoding::Raw).unwrap(), "%20");
}

#[test]
fn keys_that_are_none() {
    let url = |text: &str| decode_key(text, KeyEncoding::Url).map(Cow::into_owned).unwrap_err();
    for text in ["%", "a%2", "%zz", "100%", "%%20"] {
        assert_eq!(url(text), BadKey::Escape, "{text}");
    }
    assert_eq!(url("%ff"), BadKey::NotUtf8);
    assert_eq!(url(""), BadKey::Empty);
    assert_eq!(url("a%00"), BadKey::Nul);
    assert_eq!(url(&"é".repeat(513)), BadKey::TooLong(1026));
    assert!(decode_key(&"é".repeat(512), KeyEncoding::Raw).is_ok());
}

#[test]
fn a_row_names_an_object() {
    let row = Row { bucket: "b".into(), key: "a%20b".into(), version_id: Some("v".into()), ..Row::default() };
    let object = row.object(KeyEncoding::Url).unwrap();
    assert_eq!((object.key.as_str(), object.version_id.as_deref()), ("a b", Some("v")));
    assert_eq!(object.arn(), "arn:aws:s3:::b/a b");
}

proptest! {
    #[test]
    fn encoded_keys_come_back(key in "[^\0]{1,250}") {
        // Whatever else a writer escapes.
        let encoded = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string();
        prop_assert_eq!(decode_key(&encoded, KeyEncoding::Url).unwrap(), key.as_str());
        let encoded = encode_key(&key);
        prop_assert!(encoded.is_ascii() && !encoded.contains([',', '"', '\n', ' ']), "{}", encoded);
        prop_assert_eq!(decode_key(&encoded, KeyEncoding::Url).unwrap(), key.as_str());
        prop_assert_eq!(decode_key(&key, KeyEncoding::Raw).unwrap(), key.as_str());
    }

    #[test]
    fn escapes_are_decoded_as_others_do(text in "([a-z/é]{0,3}(%[0-9a-fA-F]{2})?){1,20}") {
        let expected = percent_encoding::percent_decode_str(&text).decode_utf8();
        match decode_key(&text, KeyEncoding::Url) {
            Ok(key) => prop_assert_eq!(key, expected.unwrap()),
            Err(bad) => prop_assert_eq!(expected.is_err(), bad == BadKey::NotUtf8),
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        if let Ok(key) = decode_key(&text, KeyEncoding::Url) {
            prop_assert!(!key.is_empty() && key.len() <= MAX_KEY_BYTES);
        }
    }
}
