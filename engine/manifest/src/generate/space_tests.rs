use proptest::prelude::*;

use super::super::{ListFile, ListedRow, Page};
use super::*;

/// Entries of a page: few, so that small buckets have many pages.
const PAGE: usize = 3;

/// An entry of a bucket: key and number of the version, the newest first.
type Entry = (String, u32);

/// What a store answers: the entries after `from`, and where the next page begins.
fn list(bucket: &[Entry], prefix: &str, from: &Position) -> (Vec<Entry>, Option<Position>) {
    let behind = |entry: &&Entry| match (&from.key, &from.version_id) {
        (None, _) => true,
        (Some(key), None) => entry.0 > *key,
        (Some(key), Some(version)) => (&entry.0, entry.1) > (key, version.parse().unwrap()),
    };
    let mut left: Vec<Entry> =
        bucket.iter().filter(|entry| entry.0.starts_with(prefix)).filter(behind).cloned().collect();
    let more = left.split_off(left.len().min(PAGE));
    let next = left.last().zip(more.first()).map(|(last, next)| Position {
        key: Some(last.0.clone()),
        version_id: (last.0 == next.0).then(|| last.1.to_string()),
        seen: 0,
    });
    (left, next)
}

fn row((key, version): Entry) -> ListedRow {
    ListedRow {
        key,
        version_id: Some(version.to_string()),
        is_latest: version == 0,
        is_delete_marker: false,
        size: 1,
        last_modified: None,
        etag: None,
        storage_class: None,
    }
}

/// A page that a worker has asked for.
struct Fetched {
    stretch: Stretch,
    entries: Vec<Entry>,
    next: Option<Position>,
}

/// Lists a bucket with workers that take turns as `turns` says; a turn of 7 is a crash.
fn run(bucket: &[Entry], prefixes: &[String], turns: &[usize]) -> Vec<Entry> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list");
    let mut file = ListFile::open(&path).unwrap();
    let mut space = file.space(prefixes.len());
    let mut workers: Vec<Option<Fetched>> = (0..5).map(|_| None).collect();
    let mut requests = 0;
    for turn in turns.iter().copied().cycle() {
        space.worth_dividing = 0.5;
        if turn == 7 {
            // More than a few crashes would never let it end.
            if requests < 200 {
                file = ListFile::open(&path).unwrap();
                space = file.space(prefixes.len());
                workers.iter_mut().for_each(|worker| *worker = None);
            }
            requests += 1;
            continue;
        }
        let worker = &mut workers[turn % 5];
        match worker.take() {
            None if space.is_done() => break,
            None => {
                if let Some(stretch) = space.take() {
                    let (entries, next) = list(bucket, &prefixes[stretch.prefix], &stretch.from);
                    *worker = Some(Fetched { stretch, entries, next });
                }
            }
            Some(Fetched { stretch, mut entries, next }) => {
                requests += 1;
                let count = entries.len() as u64;
                let accepted = space
                    .accept(stretch.range, count, entries.first().map(|entry| entry.0.as_str()), next)
                    .unwrap();
                entries.retain(|entry| accepted.through.as_ref().is_none_or(|through| entry.0 <= *through));
                let page = Page {
                    prefix: stretch.prefix,
                    from: stretch.from,
                    to: accepted.to,
                    listed: 0,
                    rows: entries.into_iter().map(row).collect(),
                };
                file.append(&page.encode().unwrap()).unwrap();
                if let Some(stretch) = space.stretch(stretch.range) {
                    let (entries, next) = list(bucket, &prefixes[stretch.prefix], &stretch.from);
                    *worker = Some(Fetched { stretch, entries, next });
                }
            }
        }
        assert!(requests < 20_000, "it does not end");
    }
    let count = file.rows();
    let rows: Vec<ListedRow> = file.into_pages().flat_map(Result::unwrap).collect();
    assert_eq!(count, rows.len() as u64);
    rows.into_iter().map(|row| (row.key, row.version_id.unwrap().parse().unwrap())).collect()
}

/// Keys that share much or little, with odd characters among them.
fn keys() -> impl Strategy<Value = Vec<String>> {
    let key = prop_oneof![
        "[ab]{1,6}",
        "a/[0-9]{1,4}",
        "\\PC{1,3}",
        "[\u{1}-\u{20}~\u{7f}\u{d7ff}\u{e000}\u{10ffff}]{1,3}"
    ];
    proptest::collection::btree_set(key, 0..40).prop_map(|keys| keys.into_iter().collect())
}

proptest! {
    #[test]
    fn each_entry_is_listed_exactly_once_and_in_order(
        keys in keys(),
        versions in proptest::collection::vec(1..6_u32, 40),
        turns in proptest::collection::vec(0..8_usize, 5..60),
    ) {
        prop_assume!(turns.iter().any(|turn| *turn != 7));
        let bucket: Vec<Entry> =
            keys.iter().zip(versions).flat_map(|(key, count)| (0..count).map(|version| (key.clone(), version))).collect();
        prop_assert_eq!(run(&bucket, &[String::new()], &turns), bucket);
    }

    #[test]
    fn prefixes_are_listed_one_by_one(keys in keys(), turns in proptest::collection::vec(0..7_usize, 5..60)) {
        let bucket: Vec<Entry> = keys.into_iter().map(|key| (key, 0)).collect();
        let prefixes = ["a/".to_owned(), "b".to_owned()];
        let expected: Vec<Entry> =
            bucket.iter().filter(|entry| prefixes.iter().any(|prefix| entry.0.starts_with(prefix.as_str()))).cloned().collect();
        prop_assert_eq!(run(&bucket, &prefixes, &turns), expected);
    }
}

/// How many requests it takes to list `count` keys with pages of 1,000 and `workers` workers, which advance evenly; and how many
/// rounds of requests.
fn effort(count: u64, workers: usize, key: impl Fn(u64) -> String) -> (u64, u64) {
    let mut keys: Vec<String> = (0..count).map(key).collect();
    keys.sort();
    let mut space = Space::without(1, &[]);
    let mut working: Vec<Option<Stretch>> = vec![None; workers];
    let (mut requests, mut rounds) = (0, 0);
    while !space.is_done() {
        rounds += 1;
        for worker in &mut working {
            if worker.is_none() {
                *worker = space.take();
            }
        }
        for worker in &mut working {
            let Some(stretch) = worker.take() else { continue };
            requests += 1;
            let first = stretch.from.key.as_ref().map_or(0, |key| keys.partition_point(|other| other <= key));
            let last = (first + 1000).min(keys.len());
            let next = (last < keys.len()).then(|| Position::after(keys[last - 1].clone()));
            space
                .accept(stretch.range, (last - first) as u64, keys.get(first).map(String::as_str), next)
                .unwrap();
            *worker = space.stretch(stretch.range);
        }
    }
    (requests, rounds)
}

#[test]
fn few_requests_are_wasted_and_the_work_is_shared() {
    type Key = fn(u64) -> String;
    let shapes: [(&str, Key); 4] = [
        ("flat, numbered", |n| format!("data/2026/part-{n:012}-c000.snappy.parquet")),
        ("years and odd keys", |n| format!("{}/photo-{n:06}.jpg", 2020 + n % 6)),
        ("hashes", |n| format!("{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))),
        ("one long common beginning", |n| format!("{}{n}", "k".repeat(1000))),
    ];
    for (name, key) in shapes {
        let (requests, rounds) = effort(100_000, 16, key);
        assert!(requests <= 200, "{name}: {requests} requests for 100 pages");
        assert!(rounds <= 20, "{name}: {rounds} rounds; 100 would be one worker's");
    }
}
