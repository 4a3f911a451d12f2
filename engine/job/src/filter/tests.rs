use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-11-24T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn filter(source: &str) -> Filter {
    Filter::parse(source, "where").unwrap_or_else(|problems| panic!("{problems}"))
}

fn matcher(source: &str) -> Matcher {
    filter(source).compile(time(NOW)).unwrap()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn listed(key: &str) -> ObjectFacts<'_> {
    ObjectFacts {
        key,
        size: Some(1000),
        last_modified: Some(time("2026-10-01T00:00:00Z")),
        etag: Some("\"abc\""),
        storage_class: Some("STANDARD"),
        is_latest: Some(true),
        ..ObjectFacts::default()
    }
}

/// Which of `keys` pass.
fn passing<'a>(source: &str, keys: &[&'a str]) -> Vec<&'a str> {
    let matcher = matcher(source);
    keys.iter().copied().filter(|key| matcher.verdict(&listed(key)).unwrap() == Verdict::Yes).collect()
}

#[test]
fn conditions_on_keys() {
    let keys = ["logs/a.log", "logs/b.txt", "data/a.log", "logs/x/y.log", "LOGS/a.log", "ü/ä.log", ""];
    assert_eq!(
        passing("prefixes = ['logs/', 'data/']", &keys),
        ["logs/a.log", "logs/b.txt", "data/a.log", "logs/x/y.log"]
    );
    assert_eq!(passing("suffixes = ['.txt', 'y.log']", &keys), ["logs/b.txt", "logs/x/y.log"]);
    assert_eq!(passing("substrings = ['s/x', 'ta/']", &keys), ["data/a.log", "logs/x/y.log"]);
    assert_eq!(passing("glob = ['logs/*.log']", &keys), ["logs/a.log"]);
    assert_eq!(
        passing("glob = ['**/*.log']", &keys),
        ["logs/a.log", "data/a.log", "logs/x/y.log", "LOGS/a.log", "ü/ä.log"]
    );
    assert_eq!(passing("glob = ['?/?.log']", &keys), ["ü/ä.log"]);
    assert_eq!(passing("glob = ['[d-m]*/[!b].log']", &keys), ["logs/a.log", "data/a.log"]);
    assert_eq!(passing("regex = '^(logs|data)/a'", &keys), ["logs/a.log", "data/a.log"]);
    assert_eq!(passing("", &keys).len(), keys.len());
    assert_eq!(passing("prefixes = ['logs/']\nsuffixes = ['.log']", &keys), ["logs/a.log", "logs/x/y.log"]);
}

#[test]
fn a_glob_takes_its_characters_literally() {
    let keys = ["a+b(c)", "a*b", "line\nfeed", "a/b", "[x]"];
    assert_eq!(passing("glob = ['a+b(c)']", &keys), ["a+b(c)"]);
    assert_eq!(passing(r"glob = ['a\*b']", &keys), ["a*b"]);
    assert_eq!(passing("glob = ['line*']", &keys), ["line\nfeed"]);
    assert_eq!(passing(r"glob = ['\[x]']", &keys), ["[x]"]);
    assert_eq!(passing("glob = ['*']", &keys), ["a+b(c)", "a*b", "line\nfeed", "[x]"]);
}

#[test]
fn sizes_and_times_are_strict() {
    let yes = |source: &str| passing(source, &["k"]).len() == 1;
    assert!(yes("size-greater-than = 999") && !yes("size-greater-than = 1000"));
    assert!(
        yes("size-less-than = 1001") && !yes("size-less-than = '1 kB'") && yes("size-less-than = '1 KiB'")
    );
    assert!(yes("created-after = 2026-09-30") && !yes("created-after = '2026-10-01T00:00:00Z'"));
    assert!(yes("created-before = '2026-10-01T02:00:01+02:00'") && !yes("created-before = 2026-10-01"));
    assert!(yes("older-than = '54d'") && !yes("older-than = '55d'"));
    assert!(yes("newer-than = '2mo'") && !yes("newer-than = '1mo 3w'"));
    assert!(yes("etags = ['abc']") && yes("etags = ['\"abc\"']") && !yes("etags = ['ab']"));
    assert!(yes("storage-classes = ['GLACIER', 'STANDARD']") && !yes("storage-classes = ['GLACIER']"));
}

#[test]
fn what_is_not_known_is_asked_for_and_only_if_it_matters() {
    let tags = map(&[("class", "cold"), ("empty", "")]);
    let ask = |source: &str, facts: &ObjectFacts<'_>| matcher(source).verdict(facts).unwrap();
    let bare = listed("logs/a");
    let full = ObjectFacts { tags: Some(&tags), ..bare };
    for (source, without, with) in [
        ("tags = { class = 'cold' }", Verdict::Unknown(Fact::Tags), Verdict::Yes),
        ("tags = { class = ['hot', 'cold'] }", Verdict::Unknown(Fact::Tags), Verdict::Yes),
        ("tags = { class = 'hot' }", Verdict::Unknown(Fact::Tags), Verdict::No),
        ("tags = { empty = true, other = false }", Verdict::Unknown(Fact::Tags), Verdict::Yes),
        ("not = { tags = { class = 'cold' } }", Verdict::Unknown(Fact::Tags), Verdict::No),
        ("tags = { class = 'cold' }\nprefixes = ['data/']", Verdict::No, Verdict::No),
        ("any = [{ tags = { class = 'cold' } }, { prefixes = ['logs/'] }]", Verdict::Yes, Verdict::Yes),
        (
            "any = [{ tags = { class = 'cold' } }, { prefixes = ['data/'] }]",
            Verdict::Unknown(Fact::Tags),
            Verdict::Yes,
        ),
        ("all = [{ tags = { class = 'cold' } }, { prefixes = ['data/'] }]", Verdict::No, Verdict::No),
        (
            "expression = 'tags[\"class\"] == \"cold\" && size > 5'",
            Verdict::Unknown(Fact::Tags),
            Verdict::Yes,
        ),
        ("expression = 'tags[\"class\"] == \"cold\" && size < 5'", Verdict::No, Verdict::No),
        ("expression = 'size > 5 || tags[\"class\"] == \"hot\"'", Verdict::Yes, Verdict::Yes),
        ("expression = 'tags[\"class\"] == \"hot\" || size > 5'", Verdict::Yes, Verdict::Yes),
        ("expression = '\"x\" in tags'", Verdict::Unknown(Fact::Tags), Verdict::No),
    ] {
        assert_eq!((ask(source, &bare), ask(source, &full)), (without, with), "{source}");
    }
    let nothing = ObjectFacts { key: "k", ..ObjectFacts::default() };
    assert_eq!(ask("size-greater-than = 0", &nothing), Verdict::Unknown(Fact::Size));
    assert_eq!(ask("older-than = '1d'", &nothing), Verdict::Unknown(Fact::LastModified));
    assert_eq!(ask("encryption = ['NOT-SSE']", &bare), Verdict::Unknown(Fact::Encryption));
    assert_eq!(ask("replication-statuses = ['NONE']", &bare), Verdict::Unknown(Fact::ReplicationStatus));
}

#[test]
fn expressions() {
    let yes = |text: &str| passing(&format!("expression = '''{text}'''"), &["logs/2026/a.log"]).len() == 1;
    assert!(yes("size < 10 * MiB && key.endsWith('.log')"));
    assert!(yes("key.startsWith('logs/') && !key.contains('tmp')"));
    assert!(yes("age > 30 * days && age < 60 * days"));
    assert!(yes("last_modified < '2026-10-02' && last_modified >= '2026-10-01T00:00:00Z'"));
    assert!(yes("storage_class in ['STANDARD', 'GLACIER'] && is_latest"));
    assert!(yes("(size > 5000 ? 'large' : 'small') == 'small' && etag == 'abc'"));
    assert!(!yes("size > 10 * GiB"));
}

#[test]
fn an_expression_that_fails_is_an_error_and_never_a_yes() {
    let tags = BTreeMap::new();
    let facts = ObjectFacts { tags: Some(&tags), ..listed("k") };
    let error = matcher("expression = 'tags[\"class\"] == \"cold\"'").verdict(&facts).unwrap_err();
    insta::assert_snapshot!(error);
    assert!(matcher("expression = '1 / (size - 1000) > 0'").verdict(&facts).is_err());
}

#[test]
fn only_prefixes_that_matter_are_listed() {
    assert_eq!(matcher("prefixes = ['b', 'a/x', 'a/', 'b']").prefixes(), ["a/", "b"]);
    assert_eq!(matcher("suffixes = ['b']").prefixes(), [""]);
}

#[test]
fn cheap_tests_come_first_and_requests_are_known_before() {
    let matcher = matcher(
        "tags = { a = 'b' }\nmetadata = { A = 'b' }\nexpression = 'size > 1'\nregex = 'x'\nsuffixes = ['y']",
    );
    let order: Vec<_> = matcher.tests.iter().map(super::matcher::Test::cost).collect();
    assert!(order.is_sorted());
    assert_eq!(Vec::from_iter(matcher.requests()), [FactSource::HeadObject, FactSource::GetObjectTagging]);
    assert_eq!(Vec::from_iter(matcher.facts()), [Fact::Size, Fact::Metadata, Fact::Tags]);
}

#[test]
fn every_mistake_at_once() {
    let source = r#"prefixes = []
sufixes = ["x"]
glob = ["[", "a\\"]
regex = "(a"
size-greater-than = "10 MiBs"
size-less-than = -1
created-after = "yesterday"
created-before = "2025-01-01T00:00:00"
older-than = "-3d"
newer-than = "3 fortnights"
encryption = ["AES256"]
any = [{ regex = "[z-a]" }, { expression = "sise > 10" }]
not = { all = [{ expression = "size > 'a'" }] }
"#;
    insta::assert_snapshot!(Filter::parse(source, "where").unwrap_err());
}

#[test]
fn expressions_that_are_refused() {
    let refusals: Vec<String> = [
        "size >",
        "size",
        "key.endswith('a')",
        "[1, 2].all(x, x > 0)",
        "has(tags.a)",
        "key.matches('a')",
        "size + 'a' == 'b'",
        "1 == ",
        "'a'.b",
        "owner == 'me'",
        "${",
        "key < 5",
    ]
    .iter()
    .map(|text| {
        let problems =
            Filter { expression: Some((*text).to_owned()), ..Filter::default() }.compile(time(NOW));
        format!("{text}\n    {}", problems.map(|_| "accepted".to_owned()).unwrap_or_else(|error| error))
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn an_expression_cannot_be_made_to_recurse_forever() {
    for text in [
        "(".repeat(1000),
        format!("{}1{} == 1", "(".repeat(900), ")".repeat(900)),
        "!".repeat(2000),
        "-".repeat(2000),
    ] {
        let filter = Filter { expression: Some(text), ..Filter::default() };
        assert!(filter.compile(time(NOW)).is_err());
    }
}

fn simple() -> impl Strategy<Value = Filter> {
    prop_oneof![
        "[ab]{1,2}".prop_map(|text| Filter { prefixes: vec![text], ..Filter::default() }),
        "[ab]{1,2}".prop_map(|text| Filter { suffixes: vec![text], ..Filter::default() }),
        (0..4_u64)
            .prop_map(|size| Filter { size_greater_than: Some(Size::Bytes(size)), ..Filter::default() }),
        (1..5_u64).prop_map(|size| Filter { size_less_than: Some(Size::Bytes(size)), ..Filter::default() }),
        any::<bool>().prop_map(|there| Filter {
            tags: [("t".to_owned(), Wanted::Present(there))].into(),
            ..Filter::default()
        }),
    ]
}

fn nested() -> impl Strategy<Value = Filter> {
    simple().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3)
                .prop_map(|any| Filter { any, ..Filter::default() }),
            proptest::collection::vec(inner.clone(), 1..3)
                .prop_map(|all| Filter { all, ..Filter::default() }),
            inner.prop_map(|not| Filter { not: Some(Box::new(not)), ..Filter::default() }),
        ]
    })
}

/// What a filter of [`nested`] means, spelled out.
fn means(filter: &Filter, key: &str, size: u64, tagged: bool) -> bool {
    let bound = |size: &Option<Size>| match size {
        Some(Size::Bytes(bytes)) => Some(*bytes),
        _ => None,
    };
    filter.prefixes.iter().all(|prefix| key.starts_with(prefix.as_str()))
        && filter.suffixes.iter().all(|suffix| key.ends_with(suffix.as_str()))
        && bound(&filter.size_greater_than).is_none_or(|bytes| size > bytes)
        && bound(&filter.size_less_than).is_none_or(|bytes| size < bytes)
        && filter.tags.values().all(|wanted| *wanted == Wanted::Present(tagged))
        && filter.all.iter().all(|filter| means(filter, key, size, tagged))
        && (filter.any.is_empty() || filter.any.iter().any(|filter| means(filter, key, size, tagged)))
        && filter.not.as_ref().is_none_or(|not| !means(not, key, size, tagged))
}

proptest! {
    #[test]
    fn a_filter_means_what_it_says(filter in nested(), key in "[ab]{1,3}", size in 0..5_u64, tagged: bool) {
        let matcher = filter.compile(time(NOW)).unwrap();
        let tags = if tagged { map(&[("t", "")]) } else { BTreeMap::new() };
        let known = ObjectFacts { key: &key, size: Some(size), tags: Some(&tags), ..ObjectFacts::default() };
        let truth = if means(&filter, &key, size, tagged) { Verdict::Yes } else { Verdict::No };
        prop_assert_eq!(matcher.verdict(&known).unwrap(), truth);
        // With less known it never says the opposite.
        for less in [ObjectFacts { tags: None, ..known }, ObjectFacts { size: None, ..known }, ObjectFacts { size: None, tags: None, ..known }] {
            let verdict = matcher.verdict(&less).unwrap();
            prop_assert!(verdict == truth || matches!(verdict, Verdict::Unknown(_)));
        }
    }

    #[test]
    fn no_expression_breaks_the_engine(text in "\\PC{0,60}") {
        let _ = Filter { expression: Some(text), ..Filter::default() }.compile(time(NOW));
    }

    #[test]
    fn no_expression_made_of_its_words_breaks_the_engine(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "key", "size", "tags", "age", "&&", "||", "!", "(", ")", "[", "]", "{", "}", ".", "'a'", "\"", "5", "9223372036854775807",
            "-", "*", "/", "%", "==", "in", "?", ":", ",", "contains", "map", "all", "has", "x", "b'\\377'", "0x", "1e999", "\\",
        ]), 0..14)
    ) {
        let filter = Filter { expression: Some(words.join(" ")), ..Filter::default() };
        if let Ok(matcher) = filter.compile(time(NOW)) {
            let tags = BTreeMap::new();
            let _ = matcher.verdict(&ObjectFacts { tags: Some(&tags), ..listed("k") });
        }
    }

    #[test]
    fn a_filter_survives_storage(filter in nested()) {
        let stored = serde_json::to_string(&filter).unwrap();
        prop_assert_eq!(serde_json::from_str::<Filter>(&stored).unwrap(), filter);
    }
}
