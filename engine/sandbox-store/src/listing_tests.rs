use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Walks over sorted keys as the storage does.
fn page(keys: &BTreeSet<String>, query: &Query) -> Page<String> {
    let mut collector = Collector::new(query);
    let mut start = query.first_key();
    'seek: loop {
        for key in keys.iter().filter(|key| key.as_bytes() >= start.as_slice()) {
            match collector.offer(key, || key.clone()) {
                Next::Continue => {}
                Next::Stop => break 'seek,
                Next::SeekTo(next) => {
                    start = next;
                    continue 'seek;
                }
            }
        }
        break;
    }
    collector.finish()
}

fn keys(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

#[test]
fn keys_are_rolled_up_at_the_delimiter() {
    let keys = keys(&["a", "photos/2025/x", "photos/2026/y", "photos/z", "q"]);
    let query = Query { prefix: "photos/".into(), delimiter: Some("/".into()), after: None, max_keys: 10 };
    let page = page(&keys, &query);
    assert_eq!(page.prefixes, ["photos/2025/", "photos/2026/"]);
    assert_eq!(page.items, ["photos/z"]);
    assert!(!page.truncated);
}

#[test]
fn a_page_of_nothing_is_complete() {
    let page = page(&keys(&["a"]), &Query::default());
    assert!(page.items.is_empty() && !page.truncated && page.last.is_none());
}

#[test]
fn a_full_page_is_truncated_only_if_more_follows() {
    let of = |max_keys| page(&keys(&["a", "b"]), &Query { max_keys, ..Query::default() });
    assert!(of(1).truncated);
    assert!(!of(2).truncated);
}

/// What a listing of everything shows, by definition.
fn expected(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>) -> BTreeSet<(String, bool)> {
    let rolled = |key: &String| {
        let rest = &key[prefix.len()..];
        match delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len())) {
            Some(end) => (format!("{prefix}{}", &rest[..end]), true),
            None => (key.clone(), false),
        }
    };
    keys.iter().filter(|key| key.starts_with(prefix)).map(rolled).collect()
}

proptest! {
    /// Page by page, each entry comes exactly once, whatever the keys, the delimiter and the page size.
    #[test]
    fn pages_add_up(
        keys in prop::collection::btree_set("[ab/é\u{10FFFF}]{1,6}", 0..40),
        prefix in "[ab/]{0,2}",
        delimiter in prop::option::of("/|a|ab|é"),
        max_keys in 1_usize..6,
    ) {
        let mut query = Query { prefix: prefix.clone(), delimiter: delimiter.clone(), after: None, max_keys };
        let mut seen = Vec::new();
        loop {
            let page = page(&keys, &query);
            prop_assert!(page.items.len() + page.prefixes.len() <= max_keys);
            seen.extend(page.items.into_iter().map(|key| (key, false)));
            seen.extend(page.prefixes.into_iter().map(|prefix| (prefix, true)));
            if !page.truncated {
                break;
            }
            query.after = page.last;
        }
        let count = seen.len();
        let seen: BTreeSet<_> = seen.into_iter().collect();
        prop_assert_eq!(seen.len(), count, "an entry came twice");
        prop_assert_eq!(seen, expected(&keys, &prefix, delimiter.as_deref()));
    }
}
