use super::*;

fn page(from: Option<&str>, to: Option<&str>, keys: &[&str]) -> Page {
    let row = |key: &&str| ListedRow {
        key: (*key).to_owned(),
        version_id: None,
        is_latest: true,
        is_delete_marker: false,
        size: 7,
        last_modified: Some(1_764_000_000_000),
        etag: Some("abc".to_owned()),
        storage_class: Some("STANDARD".to_owned()),
    };
    Page {
        prefix: 0,
        from: from.map(Position::after).unwrap_or_default(),
        to: to.map(Position::after),
        listed: 10,
        rows: keys.iter().map(row).collect(),
    }
}

fn keys(path: &Path) -> Vec<String> {
    ListFile::open(path).unwrap().into_pages().flat_map(Result::unwrap).map(|row| row.key).collect()
}

#[test]
fn a_torn_end_is_cut_off_at_every_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list");
    let mut list = ListFile::open(&path).unwrap();
    list.append(&page(None, Some("m"), &["a", "b"]).encode().unwrap()).unwrap();
    let whole = std::fs::metadata(&path).unwrap().len();
    list.append(&page(Some("m"), None, &["x"]).encode().unwrap()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let mut list = ListFile::open(&path).unwrap();
        let found = if (length as u64) < whole { vec![] } else { vec!["a".to_owned(), "b".to_owned()] };
        assert_eq!(keys(&path), found, "cut at {length}");
        assert!(!list.space(1).is_done());
        // It goes on from there.
        list.append(&page(found.last().map(|_| "m"), None, &["y"]).encode().unwrap()).unwrap();
        assert!(list.space(1).is_done() || found.is_empty());
        assert_eq!(keys(&path).last().unwrap(), "y");
    }
}

#[test]
fn a_flipped_bit_costs_the_pages_from_there_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list");
    let mut list = ListFile::open(&path).unwrap();
    list.append(&page(None, Some("m"), &["a"]).encode().unwrap()).unwrap();
    list.append(&page(Some("m"), None, &["x"]).encode().unwrap()).unwrap();
    assert!(list.space(1).is_done());
    assert_eq!((list.listed(), list.rows()), (20, 2));
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        let mut list = ListFile::open(&path).unwrap();
        assert!(!list.space(1).is_done(), "the damage at byte {at} goes unnoticed");
    }
}

#[test]
fn damage_while_it_is_read_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list");
    let mut list = ListFile::open(&path).unwrap();
    list.append(&page(None, None, &["a"]).encode().unwrap()).unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    assert!(matches!(list.into_pages().next(), Some(Err(SpoolError::Damaged { .. }))));
}
