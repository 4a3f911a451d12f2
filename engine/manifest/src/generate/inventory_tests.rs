use std::io::Read as _;

use super::*;

fn row(key: &str, marker: bool) -> ListedRow {
    ListedRow {
        key: key.to_owned(),
        version_id: Some("v1".to_owned()),
        is_latest: true,
        is_delete_marker: marker,
        size: 42,
        last_modified: Some(1_764_000_000_123),
        etag: (!marker).then(|| "abc".to_owned()),
        storage_class: (!marker).then(|| "STANDARD".to_owned()),
    }
}

#[test]
fn an_inventory_as_amazon_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = InventoryWriter::new(directory.path(), "photos", true);
    writer.write(&row("a \"b\",c\n+%/ü", false)).unwrap();
    writer.write(&row("gone", true)).unwrap();
    let now = Timestamp::from_second(1_764_000_001).unwrap();
    let written = writer.finish("lists", "run/", now).unwrap();
    let mut text = String::new();
    let file = &written.files[0];
    flate2::read::GzDecoder::new(File::open(&file.path).unwrap()).read_to_string(&mut text).unwrap();
    let bytes = std::fs::read(&file.path).unwrap();
    assert_eq!((file.size, &file.md5), (bytes.len() as u64, &hex::encode(Md5::digest(&bytes))));
    assert_eq!(written.checksum, hex::encode(Md5::digest(written.manifest.as_bytes())));
    let manifest = written.manifest.replace(&file.md5, "<md5>").replace(&file.size.to_string(), "<size>");
    insta::assert_snapshot!(format!("{text}\n{manifest}"));
}

#[test]
fn without_versions_there_are_no_columns_for_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = InventoryWriter::new(directory.path(), "photos", false);
    writer.write(&row("a", false)).unwrap();
    let written = writer.finish("", "", Timestamp::UNIX_EPOCH).unwrap();
    assert!(written.manifest.contains("\"Bucket, Key, Size, LastModifiedDate, ETag, StorageClass\""));
}
