use proptest::prelude::*;

use super::*;

#[test]
fn restore_headers() {
    let table = [
        ("ongoing-request=\"true\"", true, None),
        (
            "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\"",
            false,
            Some("Fri, 21 Dec 2012 00:00:00 GMT"),
        ),
        ("", false, None),
        ("ongoing-request=\"true", false, None),
    ];
    for (header, ongoing, expiry) in table {
        assert_eq!(restore(header), Restore { ongoing, expiry: expiry.map(str::to_owned) }, "{header}");
    }
}

#[test]
fn keys_of_listings() {
    assert_eq!(decode_key("a+b%2Bc%2Fd%0A%F0%9F%9A%A2"), "a b+c/d\n🚢");
    assert_eq!(decode_key("plain/key"), "plain/key");
}

#[test]
fn a_copy_without_a_result_is_no_copy() {
    let answer = Answered { output: CopyObjectOutput::builder().build(), status: 200 };
    assert_eq!(copy(answer), None);
}

proptest! {
    #[test]
    fn any_restore_header_is_read(header in ".*") {
        let Restore { expiry, .. } = restore(&header);
        prop_assert!(expiry.is_none_or(|expiry| header.contains(&expiry)));
    }

    #[test]
    fn keys_survive_the_encoding(key in ".*") {
        let encoded: String = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC).collect();
        prop_assert_eq!(decode_key(&encoded), key);
    }
}
