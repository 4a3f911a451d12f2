//! What is written in any format is read back as what it was.
#![allow(clippy::unwrap_used, reason = "test helpers may panic")]

use std::fs::File;
use std::io::Read;

use longshore_job::row::{KeyEncoding, Row, recode_key};
use longshore_job::spec::Field;
use longshore_manifest::{
    Compression, CsvOptions, CsvReader, JsonLinesReader, Layout, ManifestError, OrcReader, ParquetReader,
    RowReader, WriteError, WrittenFormat, decompressed,
};
use proptest::prelude::*;

const AMAZON: WrittenFormat = WrittenFormat::Csv { header: false, delimiter: b',' };

fn layout(format: WrittenFormat) -> Layout {
    Layout {
        format,
        compression: Compression::None,
        keys: KeyEncoding::Url,
        row_keys: KeyEncoding::Url,
        versions: false,
        columns: Vec::new(),
    }
}

fn row(bucket: &str, key: &str) -> Row {
    Row { bucket: bucket.into(), key: key.into(), ..Row::default() }
}

fn written(layout: &Layout, rows: &[Row]) -> Result<File, WriteError> {
    let file = tempfile::NamedTempFile::new()?;
    let mut writer = layout.writer(file.reopen()?)?;
    rows.iter().try_for_each(|row| writer.write(row))?;
    writer.finish()?;
    Ok(file.reopen()?)
}

/// Reads a list with these columns; none stands for what the list itself says.
fn read(layout: &Layout, file: File, fields: &[Field]) -> Result<Vec<Row>, ManifestError> {
    let text = |file| -> Box<dyn Read + Send> { decompressed(file).unwrap().0 };
    let mut reader: Box<dyn RowReader> = match layout.format {
        WrittenFormat::Csv { header, delimiter } => {
            let options = CsvOptions { header, delimiter, ..CsvOptions::amazon(fields, layout.keys) };
            Box::new(CsvReader::new(text(file), options)?)
        }
        WrittenFormat::JsonLines => Box::new(JsonLinesReader::new(text(file), fields, layout.keys, None)?),
        WrittenFormat::Parquet => Box::new(ParquetReader::new(file, fields, layout.keys, None)?),
        WrittenFormat::Orc => Box::new(OrcReader::new(file, fields, layout.keys, None)?),
    };
    let mut rows = Vec::new();
    let mut row = Row::default();
    while reader.read(&mut row)? {
        rows.push(row.clone());
    }
    Ok(rows)
}

/// Keys with everything that has a meaning somewhere: quotes, delimiters, line ends, percent signs, other scripts.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab/%\"',;\\t\\r\\n \\\\{}:é🚢\u{feff}\u{1}]{1,12}",
        "[^\\x00]{1,40}",
        Just("%41".to_owned()),
        Just("Key".to_owned()),
        "k{1024}",
    ]
}

fn bucket() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9][a-z0-9.-]{2,20}", "[\"',;ü\u{feff}]{1,4}", Just("bucket".to_owned())]
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("null".to_owned()), "[A-Za-z0-9._-]{1,32}", "[\"',; é]{1,8}"]
}

fn value() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![Just(String::new()), "\\PC{0,20}", "[\"',;\\r\\n\\x00]{0,6}"])
}

fn format() -> impl Strategy<Value = WrittenFormat> {
    let csv = (any::<bool>(), prop::sample::select(vec![b',', b';', b'\t', b'|']))
        .prop_map(|(header, delimiter)| WrittenFormat::Csv { header, delimiter });
    prop_oneof![2 => csv, 1 => Just(WrittenFormat::JsonLines), 1 => Just(WrittenFormat::Parquet), 1 => Just(WrittenFormat::Orc)]
}

fn encoding() -> impl Strategy<Value = KeyEncoding> {
    prop::sample::select(vec![KeyEncoding::Url, KeyEncoding::Raw])
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let compression = [Compression::None, Compression::Gzip, Compression::Zstd, Compression::Bzip2].to_vec();
    let columns = prop_oneof![
        Just(Vec::new()),
        Just(vec!["owner".to_owned(), "a.b, \"c\"".to_owned(), "ü".to_owned()])
    ];
    (format(), prop::sample::select(compression), encoding(), encoding(), any::<bool>(), columns).prop_map(
        |(format, compression, keys, row_keys, versions, columns)| {
            // The one thing that a format does not do: it says so.
            let compression = match (format, compression) {
                (WrittenFormat::Parquet | WrittenFormat::Orc, Compression::Bzip2) => Compression::Zstd,
                _ => compression,
            };
            Layout { format, compression, keys, row_keys, versions, columns }
        },
    )
}

/// A list that its layout can hold.
fn list() -> impl Strategy<Value = (Layout, Vec<Row>)> {
    any_layout().prop_flat_map(|layout| {
        let version = match (layout.versions, layout.may_lack_versions()) {
            (true, false) => version().prop_map(Some).boxed(),
            (true, true) => prop::option::of(version()).boxed(),
            (false, _) => Just(None).boxed(),
        };
        let columns = prop::collection::vec(value(), layout.columns.len());
        let encoding = layout.row_keys;
        let row = (bucket(), key(), version, columns).prop_map(move |(bucket, key, version_id, columns)| {
            let key = recode_key(&key, KeyEncoding::Raw, encoding).unwrap().into_owned();
            Row { bucket, key, version_id, columns, problem: None }
        });
        (Just(layout), prop::collection::vec(row, 1..20))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_is_read_back((layout, rows) in list()) {
        let file = match written(&layout, &rows) {
            Ok(file) => file,
            // Without a header the first row of a CSV list cannot be everything; all other rows can.
            Err(WriteError::Row { row: 1, why }) if why.contains("header") => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let is_csv = matches!(layout.format, WrittenFormat::Csv { .. });
        let expected = rows.into_iter().map(|mut row| {
            row.key = recode_key(&row.key, layout.row_keys, layout.keys).unwrap().into_owned();
            if is_csv {
                // CSV knows no null.
                row.columns.iter_mut().for_each(|value| { value.get_or_insert_default(); });
            }
            row
        });
        prop_assert_eq!(read(&layout, file, &layout.fields()).unwrap(), expected.collect::<Vec<_>>());
    }
}

#[test]
fn lists_that_name_their_own_columns_need_no_fields() {
    let mixed = [Row { version_id: Some("null".into()), ..row("b", "k") }, row("b", "k%20")];
    for format in [WrittenFormat::JsonLines, WrittenFormat::Parquet, WrittenFormat::Orc] {
        let layout = Layout { versions: true, ..layout(format) };
        assert_eq!(read(&layout, written(&layout, &mixed).unwrap(), &[]).unwrap(), mixed);
    }
    let layout = layout(WrittenFormat::Csv { header: true, delimiter: b',' });
    assert_eq!(read(&layout, written(&layout, &mixed[1..]).unwrap(), &[]).unwrap(), mixed[1..]);
}

#[test]
fn long_lists_have_several_row_groups_and_stripes() {
    let rows: Vec<Row> =
        (0..300_000).map(|number| row("b", &format!("{}{number}", "long/".repeat(15)))).collect();
    for format in [WrittenFormat::Parquet, WrittenFormat::Orc] {
        let layout = layout(format);
        assert!(read(&layout, written(&layout, &rows).unwrap(), &[]).unwrap() == rows);
    }
}

fn refused(layout: &Layout, rows: &[Row]) -> String {
    written(layout, rows).unwrap_err().to_string()
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let csv = layout(AMAZON);
    let versioned = Row { version_id: Some("v".into()), ..row("b", "k") };
    insta::assert_snapshot!(refused(
        &Layout { versions: true, ..csv.clone() },
        &[versioned.clone(), row("b", "k")]
    ));
    insta::assert_snapshot!(refused(&csv, &[row("b", "k"), versioned]));
    insta::assert_snapshot!(refused(&csv, &[row("bucket", "KEY")]));
    insta::assert_snapshot!(refused(&csv, &[row("\u{feff}b", "k")]));
    let columns = Layout { columns: vec!["c".into()], ..csv.clone() };
    let long = Row { columns: vec![Some("x".repeat(70_000))], ..row("b", "k") };
    insta::assert_snapshot!(refused(&columns, std::slice::from_ref(&long)));
    insta::assert_snapshot!(refused(&csv, &[long]));
    let raw = Layout { keys: KeyEncoding::Raw, ..csv };
    insta::assert_snapshot!(refused(&raw, &[row("b", "100%")]));
    let parquet = layout(WrittenFormat::Parquet);
    insta::assert_snapshot!(refused(&Layout { compression: Compression::Bzip2, ..parquet.clone() }, &[]));
    insta::assert_snapshot!(refused(
        &Layout { compression: Compression::Bzip2, ..layout(WrittenFormat::Orc) },
        &[]
    ));
    insta::assert_snapshot!(refused(&Layout { columns: vec!["Key".into()], ..parquet }, &[]));
}
