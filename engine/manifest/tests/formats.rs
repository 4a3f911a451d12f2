//! Formats beside Amazon's CSV, compression, and the search for duplicates.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

use std::io::{self, Read, Write};

use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::Field;
use longshore_manifest::{
    Compression, CsvOptions, CsvReader, Duplicates, JsonLinesReader, ManifestError, RowReader, decompressed,
};
use proptest::prelude::*;

fn all(mut reader: impl RowReader) -> Result<Vec<Row>, ManifestError> {
    let mut rows = Vec::new();
    let mut row = Row::default();
    while reader.read(&mut row)? {
        rows.push(row.clone());
    }
    Ok(rows)
}

fn row(key: &str) -> Row {
    Row { bucket: "b".into(), key: key.into(), ..Row::default() }
}

fn csv(text: &str, options: CsvOptions) -> Result<Vec<Row>, ManifestError> {
    all(CsvReader::new(text.as_bytes(), options)?)
}

#[test]
fn options_of_csv() {
    let amazon = CsvOptions::amazon(&[Field::BUCKET, Field::KEY], KeyEncoding::Url);
    let header = CsvOptions { header: true, ..amazon.clone() };
    assert_eq!(csv("name,name\nb,k\n", header.clone()).unwrap(), [row("k")]);
    let named = CsvOptions { fields: Vec::new(), ..header };
    assert_eq!(csv("size,KEY,\"bucket\"\n3,k,b\n", named.clone()).unwrap(), [row("k")]);
    assert!(csv("size,KEY\n3,k\n", named).unwrap_err().to_string().contains("schema: Bucket"));
    let tabs = CsvOptions { delimiter: b'\t', ..amazon.clone() };
    assert_eq!(csv("b\ta,b\n", tabs).unwrap(), [row("a,b")]);
    let one = CsvOptions { fields: vec![Field::KEY], bucket: Some("b".into()), ..amazon };
    assert_eq!(csv("k\n", one).unwrap(), [row("k")]);
}

#[test]
fn columns_for_the_operation() {
    let fields = [Field::extra("owner"), Field::BUCKET, Field::KEY, Field::extra("note")];
    let options = CsvOptions::amazon(&fields, KeyEncoding::Url);
    let expected = Row { columns: vec![Some("ann".into()), Some("a,b".into())], ..row("k") };
    assert_eq!(csv("ann,b,k,\"a,b\"\n", options.clone()).unwrap(), [expected]);
    let long = format!("{},b,k,\n", "x".repeat(1025));
    assert!(csv(&long, options).unwrap_err().to_string().contains("column \"owner\" is refused"));
}

#[test]
fn json_lines() {
    let read = |text: &str, fields: &[Field]| {
        all(JsonLinesReader::new(text.as_bytes(), fields, KeyEncoding::Raw, None)?)
    };
    let text = "{\"Bucket\":\"b\",\"Key\":\"k\\u00e9\"}\r\n{\"Key\":\"k\",\"Bucket\":\"b\",\"VersionId\":\"v\",\"x\":[1]}";
    let versioned = Row { version_id: Some("v".into()), ..row("k") };
    assert_eq!(read(text, &[]).unwrap(), [row("k\u{e9}"), versioned]);
    let fields = [Field::BUCKET, Field::KEY, Field::extra("n")];
    let expected = Row { columns: vec![Some("3".into())], ..row("k") };
    assert_eq!(read("{\"Bucket\":\"b\",\"Key\":\"k\",\"n\":3}\n", &fields).unwrap(), [expected]);
    for (text, words) in [
        ("", "the manifest is empty"),
        ("\n", "row 1 (at byte 0): the line is empty"),
        ("{\"Bucket\":\"b\"}\n", "the member \"Key\" is missing"),
        ("{\"Bucket\":\"b\",\"Key\":3}\n", "the member \"Key\" is no string"),
        ("[]\n", "is no JSON object"),
    ] {
        let error = read(text, &[]).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

fn packed(compression: Compression, text: &[u8]) -> Vec<u8> {
    match compression {
        Compression::None => text.to_vec(),
        Compression::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            writer.write_all(text).unwrap();
            writer.finish().unwrap()
        }
        Compression::Zstd => zstd::encode_all(text, 3).unwrap(),
        Compression::Bzip2 => {
            let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            writer.write_all(text).unwrap();
            writer.finish().unwrap()
        }
    }
}

#[test]
fn compression_is_seen_and_its_damage_noticed() {
    let text: String = (0..5000).map(|number| format!("b,key-{number}\n")).collect();
    let options = CsvOptions::amazon(&[Field::BUCKET, Field::KEY], KeyEncoding::Url);
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd, Compression::Bzip2] {
        let bytes = packed(compression, text.as_bytes());
        // Several members, frames or streams are one list.
        let twice = [bytes.clone(), bytes.clone()].concat();
        let (reader, seen) = decompressed(&twice[..]).unwrap();
        assert_eq!(seen, compression);
        assert_eq!(all(CsvReader::new(reader, options.clone()).unwrap()).unwrap().len(), 10_000);
        if compression != Compression::None {
            let (reader, _) = decompressed(&bytes[..bytes.len() / 2]).unwrap();
            let error = all(CsvReader::new(reader, options.clone()).unwrap()).unwrap_err();
            assert_eq!(error.code(), "InvalidManifestContent");
            let words = format!("the {} file is damaged or incomplete", compression.name());
            assert!(error.to_string().contains(&words), "{error}");
        }
    }
}

#[test]
fn a_source_that_breaks_off_is_not_taken_for_damage() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset"))
        }
    }
    let bytes = packed(Compression::Gzip, &b"b,k\n".repeat(10_000));
    let (reader, _) = decompressed(bytes[..30].chain(Broken)).unwrap();
    let options = CsvOptions::amazon(&[Field::BUCKET, Field::KEY], KeyEncoding::Url);
    let error = all(CsvReader::new(reader, options).unwrap()).unwrap_err();
    assert_eq!(error.code(), "ManifestNotReadable");
    assert!(error.to_string().contains("connection reset"), "{error}");
}

proptest! {
    #[test]
    fn duplicates_are_those_that_an_earlier_row_names(keys in prop::collection::vec("[ab%]{1,2}", 0..60)) {
        let directory = tempfile::tempdir().unwrap();
        let mut duplicates = Duplicates::new(directory.path());
        for key in &keys {
            duplicates.push(&row(key), KeyEncoding::Raw).unwrap();
        }
        let mut found = duplicates.finish().unwrap();
        for (index, key) in keys.iter().enumerate() {
            prop_assert_eq!(found.contains(index as u64).unwrap(), keys[..index].contains(key));
        }
    }

    #[test]
    fn rows_are_those_of_the_csv_crate(
        text in prop::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'b'), Just(b'k')], 0..60),
    ) {
        // The crate passes over empty lines, which are refused here.
        let mut expected = Vec::new();
        let mut other = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&text[..]);
        for record in other.byte_records() {
            let record = record.unwrap();
            if record.len() == 2 && !record[0].is_empty() && !record[1].is_empty() {
                expected.push(record.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
            }
        }
        let options = CsvOptions::amazon(&[Field::BUCKET, Field::KEY], KeyEncoding::Raw);
        let mut reader = CsvReader::new(&text[..], options).unwrap();
        let mut found = Vec::new();
        let mut row = Row::default();
        let complete = loop {
            match reader.read(&mut row) {
                Ok(true) => found.push(vec![row.bucket.clone().into_bytes(), row.key.clone().into_bytes()]),
                Ok(false) => break true,
                Err(error) if error.is_about_one_row() => {}
                Err(_) => break false,
            }
        };
        // Names of buckets with line ends in quotes are refused, and an open quote ends the list.
        expected.retain(|cells| !cells[0].iter().any(u8::is_ascii_whitespace));
        if complete {
            prop_assert_eq!(found, expected);
        }
    }
}
