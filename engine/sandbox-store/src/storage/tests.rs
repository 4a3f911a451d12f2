use std::os::unix::fs::FileExt;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::acl;
use crate::listing::Query;
use crate::lock::Lock;
use crate::model::{Attributes, Bucket, NewVersion, STANDARD, Versioning};
use bodies::NewBody;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn bucket(storage: &Storage) -> Bucket {
    storage.read(|connection| buckets::get(connection, "bucket")).unwrap()
}

fn with_bucket(storage: Storage, versioning: Versioning) -> Storage {
    storage
        .write(|writer| {
            writer.create_bucket("bucket", None, NOW)?;
            writer.set_versioning("bucket", versioning)
        })
        .unwrap();
    storage
}

fn memory(versioning: Versioning) -> Storage {
    with_bucket(Storage::open(None).unwrap(), versioning)
}

fn put(storage: &Storage, key: &str, body: NewBody) -> String {
    let bucket = bucket(storage);
    storage
        .write(|writer| {
            let content = writer.add_body(body)?;
            let new = NewVersion {
                key,
                size: 0,
                etag: "etag",
                modified: NOW,
                storage_class: STANDARD,
                attributes: &Attributes::default(),
                tags: &[],
                acl: &acl::private(),
                lock: &Lock::default(),
                content: &content,
            };
            writer.put_version(&bucket, &new)
        })
        .unwrap()
}

/// Writes `copy` with the body of `key`.
fn share(storage: &Storage, key: &str, copy: &str) {
    let bucket = bucket(storage);
    let source = storage.read(|connection| versions::find(connection, &bucket, key, None)).unwrap().unwrap();
    storage
        .write(|writer| {
            let content = source.content.as_ref().unwrap();
            writer.share(content)?;
            let new = NewVersion {
                key: copy,
                size: source.size,
                etag: &source.etag,
                modified: NOW,
                storage_class: STANDARD,
                attributes: &source.attributes,
                tags: &source.tags,
                acl: &source.acl,
                lock: &Lock::default(),
                content,
            };
            writer.put_version(&bucket, &new)
        })
        .unwrap();
}

fn put_text(storage: &Storage, key: &str, text: &str) -> String {
    put(storage, key, NewBody::inline(text.into()))
}

fn text(storage: &Storage, key: &str, version: Option<&str>) -> Option<String> {
    let bucket = bucket(storage);
    let read = |connection: &Connection| {
        let Some(found) = versions::find(connection, &bucket, key, version)? else { return Ok(None) };
        found.content.map(|content| storage.open_content(connection, &content)).transpose()
    };
    let bytes: Vec<u8> = storage.read(read).unwrap()?.into_iter().flat_map(bytes_of).collect();
    Some(String::from_utf8(bytes).unwrap())
}

fn bytes_of(piece: Piece) -> Vec<u8> {
    let of_file = |file: &std::fs::File, start: u64, length: u64| {
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        file.read_exact_at(&mut bytes, start).unwrap();
        bytes
    };
    match piece {
        Piece::Zeros(count) => vec![0; usize::try_from(count).unwrap()],
        Piece::Inline(bytes) => bytes.to_vec(),
        Piece::File { file, start, length } => of_file(&file, start, length),
        Piece::Path { path, start, length } => of_file(&std::fs::File::open(path).unwrap(), start, length),
    }
}

fn delete(storage: &Storage, key: &str, version: Option<&str>) -> versions::Deleted {
    let bucket = bucket(storage);
    storage
        .write(|writer| match version {
            None => writer.delete_current(&bucket, key, NOW),
            Some(version) => writer.delete_version(&bucket, key, version),
        })
        .unwrap()
}

fn count(storage: &Storage, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    storage.read(|connection| Ok(connection.query_row(&sql, [], |row| row.get(0))?)).unwrap()
}

#[test]
fn without_versioning_a_write_replaces_and_a_delete_removes() {
    let storage = memory(Versioning::Unversioned);
    assert_eq!(put_text(&storage, "k", "one"), "null");
    assert_eq!(put_text(&storage, "k", "two"), "null");
    assert_eq!(text(&storage, "k", None).as_deref(), Some("two"));
    assert_eq!(text(&storage, "k", Some("null")).as_deref(), Some("two"));
    assert_eq!(delete(&storage, "k", None), versions::Deleted::default());
    assert_eq!((count(&storage, "versions"), count(&storage, "bodies")), (0, 0));
}

#[test]
fn with_versioning_everything_stays_until_a_version_is_deleted() {
    let storage = memory(Versioning::Enabled);
    let one = put_text(&storage, "k", "one");
    let two = put_text(&storage, "k", "two");
    let marker = delete(&storage, "k", None);
    assert!(marker.delete_marker);
    assert_eq!(text(&storage, "k", None), None);
    assert_eq!(text(&storage, "k", Some(&one)).as_deref(), Some("one"));
    let removed = delete(&storage, "k", marker.version.as_deref());
    assert_eq!(removed, marker);
    assert_eq!(text(&storage, "k", None).as_deref(), Some("two"));
    delete(&storage, "k", Some(&two));
    assert_eq!(text(&storage, "k", None).as_deref(), Some("one"));
    assert_eq!(count(&storage, "bodies"), 1);
}

#[test]
fn suspended_versioning_replaces_only_the_null_version() {
    let storage = memory(Versioning::Enabled);
    let kept = put_text(&storage, "k", "kept");
    storage.write(|writer| writer.set_versioning("bucket", Versioning::Suspended)).unwrap();
    assert_eq!(put_text(&storage, "k", "first null"), "null");
    assert_eq!(put_text(&storage, "k", "second null"), "null");
    assert_eq!(count(&storage, "versions"), 2);
    let marker = delete(&storage, "k", None);
    assert_eq!((marker.delete_marker, marker.version.as_deref()), (true, Some("null")));
    assert_eq!(count(&storage, "versions"), 2);
    assert_eq!(text(&storage, "k", Some(&kept)).as_deref(), Some("kept"));
}

#[test]
fn a_failed_write_leaves_nothing() {
    let storage = memory(Versioning::Unversioned);
    let failed = storage.write(|writer| {
        writer.add_body(NewBody::inline(vec![1]))?;
        writer.delete_bucket("no-such-bucket")
    });
    assert!(failed.is_err());
    assert_eq!(count(&storage, "bodies"), 0);
}

#[test]
fn keys_are_listed_by_their_bytes() {
    let storage = memory(Versioning::Unversioned);
    let mut keys = ["b", "a\u{0}", "a", "a b", "ä", "\u{1F600}", "\u{FFFD}", "A", "a\n", "a/%2F+'\""];
    for key in keys {
        put_text(&storage, key, "");
    }
    let bucket = bucket(&storage);
    let query = Query { max_keys: 100, ..Query::default() };
    let page = storage.read(|connection| listings::current(connection, &bucket, &query)).unwrap();
    keys.sort_unstable();
    assert_eq!(page.items.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), keys);
}

#[test]
fn versions_are_listed_newest_first_and_resumed_in_the_middle_of_a_key() {
    let storage = memory(Versioning::Enabled);
    let ids: Vec<String> = (0..3).map(|n| put_text(&storage, "k", &n.to_string())).collect();
    let marker = delete(&storage, "k", None).version.unwrap();
    let after = put_text(&storage, "l", "");
    let bucket = bucket(&storage);
    let query = Query { max_keys: 2, ..Query::default() };
    let page =
        |resume| storage.read(|connection| listings::all(connection, &bucket, &query, resume)).unwrap();
    let ids_of = |page: &crate::listing::Page<crate::model::ListedVersion>| {
        page.items.iter().map(|item| (item.version.clone(), item.is_latest)).collect::<Vec<_>>()
    };
    let first = page(None);
    assert_eq!(ids_of(&first), [(marker, true), (ids[2].clone(), false)]);
    let last = storage.read(|c| versions::find(c, &bucket, "k", Some(&ids[2]))).unwrap().unwrap().id;
    let second = page(Some(("k", last)));
    assert_eq!(ids_of(&second), [(ids[1].clone(), false), (ids[0].clone(), false)]);
    assert!(second.truncated);
    let last = storage.read(|c| versions::find(c, &bucket, "k", Some(&ids[0]))).unwrap().unwrap().id;
    let third = page(Some(("k", last)));
    assert_eq!(ids_of(&third), [(after, true)]);
    assert!(!third.truncated);
}

fn on_disk() -> (TempDir, Storage) {
    let directory = tempfile::tempdir().unwrap();
    let storage = with_bucket(Storage::open(Some(directory.path())).unwrap(), Versioning::Unversioned);
    (directory, storage)
}

fn files(directory: &TempDir) -> usize {
    std::fs::read_dir(directory.path().join("bodies")).unwrap().count()
}

async fn large(storage: &Storage) -> NewBody {
    let mut writer = storage.body_writer();
    writer.push("large ".repeat(1_000).as_bytes()).await.unwrap();
    writer.push("body ".repeat(10_000).as_bytes()).await.unwrap();
    writer.finish().await.unwrap()
}

#[tokio::test]
async fn a_large_body_is_a_file_for_as_long_as_somebody_refers_to_it() {
    let (directory, storage) = on_disk();
    put(&storage, "k", large(&storage).await);
    assert_eq!(files(&directory), 1);
    let expected = "large ".repeat(1_000) + &"body ".repeat(10_000);
    assert_eq!(text(&storage, "k", None), Some(expected));

    share(&storage, "k", "copy");
    delete(&storage, "k", None);
    assert_eq!(files(&directory), 1);
    delete(&storage, "copy", None);
    assert_eq!(files(&directory), 0);
}

#[tokio::test]
async fn zeros_at_the_start_of_a_body_are_only_counted() {
    let zeros = |count: usize| vec![0; count];
    let pieces: [&[&[u8]]; 5] = [
        &[b"\0\0"],
        &[b"\0\0", b"\0x"],
        &[&zeros(100_000)],
        &[&zeros(60_000), &zeros(60_000), b"x"],
        &[b"x", &zeros(9)],
    ];
    let storage = memory(Versioning::Unversioned);
    for (pieces, bytes_kept) in pieces.into_iter().zip([2, 4, 0, 1, 10]) {
        let mut writer = storage.body_writer();
        for piece in pieces {
            writer.push(piece).await.unwrap();
        }
        put(&storage, "k", writer.finish().await.unwrap());
        assert_eq!(text(&storage, "k", None), Some(String::from_utf8(pieces.concat()).unwrap()));
        let kept = "SELECT coalesce(sum(length(data)), 0) FROM bodies";
        let kept: i64 =
            storage.read(|connection| Ok(connection.query_row(kept, [], |row| row.get(0))?)).unwrap();
        assert_eq!(kept, bytes_kept);
    }
}

#[tokio::test]
async fn a_body_that_is_not_entered_leaves_no_file() {
    let (directory, storage) = on_disk();
    let body = large(&storage).await;
    assert_eq!(files(&directory), 1);
    drop(body);
    assert_eq!(files(&directory), 0);

    let body = large(&storage).await;
    let failed = storage.write(|writer| {
        writer.add_body(body)?;
        writer.delete_bucket("no-such-bucket")
    });
    assert!(failed.is_err());
    assert_eq!(files(&directory), 0);
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart_and_leftovers_are_not() {
    let (directory, storage) = on_disk();
    put(&storage, "k", large(&storage).await);
    put_text(&storage, "small", "text");
    drop(storage);
    std::fs::write(directory.path().join("bodies/leftover"), "of a killed server").unwrap();
    let storage = Storage::open(Some(directory.path())).unwrap();
    assert_eq!(files(&directory), 1);
    assert_eq!(text(&storage, "small", None).as_deref(), Some("text"));
    assert_eq!(text(&storage, "k", None).map(|text| text.len()), Some(56_000));
}

#[test]
fn a_data_directory_has_one_server() {
    let (directory, storage) = on_disk();
    let second = Storage::open(Some(directory.path()));
    assert!(matches!(second, Err(SandboxError::InUse { .. })), "{second:?}");
    drop(storage);
    assert!(Storage::open(Some(directory.path())).is_ok());
}
