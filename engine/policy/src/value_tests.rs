use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Option<i64> {
    instant(text).map(Timestamp::as_second)
}

#[test]
fn instants_that_are_read() {
    let midnight = 1_795_305_600;
    for text in ["2026-11-22", "2026-11-22T00:00Z", "2026-11-22T00:00:00Z", "2026-11-22T02:00:00.0+02:00"] {
        assert_eq!(at(text), Some(midnight), "{text}");
    }
    assert_eq!(at("2026-11-21T22:30-01:30"), Some(midnight));
    assert_eq!(at("2026-11"), at("2026-11-01"));
    assert_eq!(at(&midnight.to_string()), Some(midnight));
    assert_eq!(at("-1"), Some(-1));
    assert_eq!(instant("1.5"), instant("1970-01-01T00:00:01.500Z"));
    assert_eq!(instant("-0.5"), instant("1969-12-31T23:59:59.5Z"));
    assert!(instant("1.000000001") > instant("1"));
}

#[test]
fn instants_that_are_refused() {
    for text in [
        "",
        "-",
        ".",
        "1.",
        ".5",
        "2026",
        "-2026",
        "2026-1-1",
        "2026-13",
        "2026-02-30",
        "2026-11-22T00:00:00",
        "2026-11-22T00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T00:00:60Z",
        "2026-11-22t00:00:00z",
        "2026-11T00:00Z",
        "2026-W47",
        "2026-326",
        "2026-11-22T00:00:00+24:00",
        "2026-11-22T00:00:00+0200",
        "2026-11-22T00:00.5Z",
        "2026-11-22T00:00:00.1234567891Z",
        "1e3",
        "999999999999999",
        "2026-*",
        "+2026-11-22",
        " 2026-11-22",
        "1.2.3",
        "2026-11-22T00:00:00é01:00",
    ] {
        assert_eq!(instant(text), None, "{text}");
    }
}

#[test]
fn decimals() {
    let read = |text: &str| Decimal::parse(text);
    assert_eq!(read("-0"), read("0.000"));
    assert_eq!(read("+01.50"), read("1.5"));
    assert!(read("0.1").unwrap() > read("0.09999999999999999999999999999999999").unwrap());
    assert!(read("99999999999999999999999999999999999999").is_some());
    for text in
        ["", "+", "-", ".", "1.", ".1", "1e3", "0x1", "1,000", " 1", "1_000", "--1", "+-1", "٣", "1.2.3"]
    {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(read(&"9".repeat(39)), None);
    assert_eq!(read(&format!("0.{}", "1".repeat(38))), None);
}

#[test]
fn networks() {
    let holds = |block: &str, host: &str| network(block).unwrap().contains(&address(host).unwrap());
    assert!(holds("203.0.113.77/24", "203.0.113.1"));
    assert!(holds("203.0.113.7", "203.0.113.7"));
    assert!(!holds("203.0.113.7", "203.0.113.8"));
    assert!(holds("0.0.0.0/0", "255.1.2.3"));
    assert!(!holds("0.0.0.0/0", "2001:db8::1"));
    assert!(!holds("::/0", "10.0.0.1"));
    assert!(holds("2001:DB8::/32", "2001:db8:0:0::1"));
    for text in
        ["", "10.0.0.0/33", "10.0.0", "010.0.0.1", "::/129", "10.0.0.0/-1", "10.0.0.*", "fe80::1%eth0"]
    {
        assert_eq!(network(text), None, "{text}");
    }
}

#[test]
fn base64_and_booleans() {
    assert_eq!(bytes("QUJD"), Some(b"ABC".to_vec()));
    for text in ["QUJ", "QUJD\n", "QU-_", "QQ"] {
        assert_eq!(bytes(text), None, "{text:?}");
    }
    assert_eq!(
        (boolean("TRUE"), boolean("False"), boolean("1"), boolean("")),
        (Some(true), Some(false), None, None)
    );
}

#[test]
fn simple_case_folding() {
    let folded = |text: &str| text.chars().map(fold).collect::<String>();
    assert_eq!(folded("ÀΣς"), folded("àσσ"));
    // Simple folding never changes the number of characters: full folding would make two of this one.
    assert_eq!(folded("ß").chars().count(), 1);
    assert_eq!(fold_key("S3:ExistingObjectTag/ÄB"), "s3:existingobjecttag/äb");
}

proptest! {
    #[test]
    fn decimals_order_as_numbers(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000) {
        let text = |n: i64| {
            let sign = if n < 0 { "-" } else { "" };
            format!("{sign}{}.{:03}", n.abs() / 1000, n.abs() % 1000)
        };
        prop_assert_eq!(Decimal::parse(&text(a)).unwrap().cmp(&Decimal::parse(&text(b)).unwrap()), a.cmp(&b));
    }

    #[test]
    fn every_instant_is_read_back(seconds in -60_000_000_000i64..250_000_000_000, nanos in 0i32..1_000_000_000) {
        let timestamp = Timestamp::new(seconds, nanos).unwrap();
        prop_assume!(timestamp.as_second() > -62_000_000_000);
        prop_assert_eq!(instant(&timestamp.to_string()), Some(timestamp));
    }

    #[test]
    fn no_text_panics(text in r"[0-9TZ:.+\-]{0,32}|\PC*") {
        let _ = (instant(&text), Decimal::parse(&text), network(&text), bytes(&text), boolean(&text));
    }
}
