//! The CSV reader: what it reads, what it refuses, and in which words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test helpers may panic"
)]

use std::io::{self, Read};

use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::Field;
use longshore_manifest::{CsvOptions, CsvReader, MAX_ROW_BYTES, ManifestError, Md5Reader, RowReader};
use proptest::prelude::*;

const TWO: &[Field] = &[Field::BUCKET, Field::KEY];
const THREE: &[Field] = &[Field::BUCKET, Field::KEY, Field::VERSION_ID];

/// The rows up to the first error.
fn read_csv(
    source: impl Read + Send,
    fields: &[Field],
    keys: KeyEncoding,
) -> Result<impl Iterator<Item = Result<Row, ManifestError>>, ManifestError> {
    let mut reader = CsvReader::new(source, CsvOptions::amazon(fields, keys))?;
    let mut failed = false;
    Ok(std::iter::from_fn(move || {
        let mut row = Row::default();
        let read = if failed { Ok(false) } else { reader.read(&mut row) };
        failed = read.is_err();
        match read {
            Ok(true) => Some(Ok(row)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }))
}

fn read(text: &[u8], fields: &[Field], keys: KeyEncoding) -> Result<Vec<Row>, ManifestError> {
    read_csv(text, fields, keys)?.collect()
}

fn row(bucket: &str, key: &str, version_id: Option<&str>) -> Row {
    Row { bucket: bucket.into(), key: key.into(), version_id: version_id.map(Into::into), ..Row::default() }
}

/// The message of the job failure for a manifest that must be refused.
fn refusal(text: &[u8], fields: &[Field], keys: KeyEncoding) -> String {
    let error = read(text, fields, keys).expect_err("a refused manifest");
    assert_eq!(error.code(), "InvalidManifestContent");
    error.to_string()
}

#[test]
fn rows_are_as_written() {
    let text = b"b,photos/2024/a.jpg\nb,object%20key+1\nb,%E2%82%AC";
    let expected = vec![
        row("b", "photos/2024/a.jpg", None),
        row("b", "object%20key+1", None),
        row("b", "%E2%82%AC", None),
    ];
    assert_eq!(read(text, TWO, KeyEncoding::Url).unwrap(), expected);
}

#[test]
fn line_ends_may_be_lf_crlf_or_cr_and_the_last_may_be_missing() {
    let expected = vec![row("b", "k1", None), row("b", "k2", None)];
    for text in ["b,k1\nb,k2\n", "b,k1\r\nb,k2\r\n", "b,k1\rb,k2\r", "b,k1\r\nb,k2", "b,k1\nb,k2\r"] {
        assert_eq!(read(text.as_bytes(), TWO, KeyEncoding::Url).unwrap(), expected, "{text:?}");
    }
}

#[test]
fn cells_may_be_quoted() {
    let text = b"\"b\",\"a,\"\"b\"\"\nc\"\r\nb,plain\"quote\n";
    let expected = vec![row("b", "a,\"b\"\nc", None), row("b", "plain\"quote", None)];
    assert_eq!(read(text, TWO, KeyEncoding::Raw).unwrap(), expected);
}

#[test]
fn a_line_end_inside_quotes_is_no_empty_line() {
    let text = b"b,\"\n\n\r\n\"\n";
    assert_eq!(read(text, TWO, KeyEncoding::Raw).unwrap(), vec![row("b", "\n\n\r\n", None)]);
}

#[test]
fn columns_may_stand_in_any_order_and_some_are_passed_over() {
    let fields = [Field::IGNORE, Field::VERSION_ID, Field::KEY, Field::IGNORE, Field::BUCKET];
    let text = b"x,v1,k,\"y,\",b\n\xff,null,k2,,b\n";
    let expected = vec![row("b", "k", Some("v1")), row("b", "k2", Some("null"))];
    assert_eq!(read(text, &fields, KeyEncoding::Url).unwrap(), expected);
}

#[test]
fn an_empty_version_id_is_for_its_task_to_fail() {
    assert_eq!(read(b"b,k,\n", THREE, KeyEncoding::Url).unwrap(), vec![row("b", "k", Some(""))]);
}

#[test]
fn nothing_follows_an_error() {
    let mut rows = read_csv(&b"b,k1\nb\nb,k2\n"[..], TWO, KeyEncoding::Url).unwrap();
    assert!(rows.next().unwrap().is_ok());
    assert!(rows.next().unwrap().is_err());
    assert!(rows.next().is_none());
    let mut rows = read_csv(&b""[..], TWO, KeyEncoding::Url).unwrap();
    assert!(rows.next().unwrap().is_err());
    assert!(rows.next().is_none());
}

#[test]
fn a_header_is_a_header_only_in_the_first_row() {
    let text = b"b,k\nBucket,Key\n";
    assert_eq!(read(text, TWO, KeyEncoding::Url).unwrap().len(), 2);
}

#[test]
fn a_source_that_breaks_off_is_no_end() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "connection reset"))
        }
    }
    let source = (&b"b,k1\nb,k2\n"[..]).chain(Broken);
    let rows: Vec<_> = read_csv(source, TWO, KeyEncoding::Url).unwrap().collect();
    assert_eq!(rows.len(), 3);
    let error = rows.into_iter().nth(2).unwrap().unwrap_err();
    assert_eq!(error.code(), "ManifestNotReadable");
    insta::assert_snapshot!(error);
}

#[test]
fn md5_is_the_etag() {
    let source = Md5Reader::new(&b"b,k1\nb,k2\n"[..]);
    let sum = source.sum();
    let rows: Result<Vec<Row>, _> = read_csv(source, TWO, KeyEncoding::Url).unwrap().collect();
    assert_eq!(rows.unwrap().len(), 2);
    // printf 'b,k1\nb,k2\n' | md5sum
    assert_eq!(sum.hex().unwrap(), "327e8e82f8b980e20665f1861c29665f");
    assert_eq!(sum.bytes(), 10);
    assert_eq!(Md5Reader::counting(io::empty()).sum().hex(), None);
    assert_eq!(
        Md5Reader::new(io::empty()).sum().hex().unwrap(),
        "d41d8cd98f00b204e9800998ecf8427e",
        "RFC 1321, A.5"
    );
}

#[test]
fn refusals_of_rows() {
    let long_key = "k".repeat(1025);
    let cases: &[(&str, Vec<u8>, KeyEncoding)] = &[
        ("too few columns", b"b,k1\nb\n".to_vec(), KeyEncoding::Url),
        ("too many columns", b"b,k1\nb,k2,v,w\n".to_vec(), KeyEncoding::Url),
        ("bad escape", b"b,100%\n".to_vec(), KeyEncoding::Url),
        ("decoded not UTF-8", b"b,%ff%fe\n".to_vec(), KeyEncoding::Url),
        ("not UTF-8", b"b,caf\xe9\n".to_vec(), KeyEncoding::Raw),
        ("empty key", b"b,\n".to_vec(), KeyEncoding::Url),
        ("NUL", b"b,a%00b\n".to_vec(), KeyEncoding::Url),
        ("raw NUL", b"b,a\0b\n".to_vec(), KeyEncoding::Raw),
        ("key too long", format!("b,{long_key}\n").into_bytes(), KeyEncoding::Url),
        ("empty bucket", b",k\n".to_vec(), KeyEncoding::Url),
        ("no bucket name", b"photos/a.jpg,b\n".to_vec(), KeyEncoding::Url),
        ("empty line", b"b,k1\r\n\r\nb,k2\r\n".to_vec(), KeyEncoding::Url),
        ("empty line at the end", b"b,k1\n\n".to_vec(), KeyEncoding::Url),
        ("empty line at the start", b"\nb,k1\n".to_vec(), KeyEncoding::Url),
        ("header", b"bucket,KEY\nb,k\n".to_vec(), KeyEncoding::Url),
        ("byte order mark", b"\xef\xbb\xbfb,k\n".to_vec(), KeyEncoding::Url),
        ("open quote", b"b,k1\nb,\"k2\nb,k3\n".to_vec(), KeyEncoding::Url),
        ("empty file", b"".to_vec(), KeyEncoding::Url),
    ];
    let mut report = String::new();
    for (name, text, keys) in cases {
        report += &format!("{name}\n    {}\n", refusal(text, TWO, *keys));
    }
    insta::assert_snapshot!(report);
}

#[test]
fn refusals_of_version_ids() {
    let long = format!("b,k,{}\n", "v".repeat(1025));
    let texts = [&b"b,k,a\tb\n"[..], b"b,k,\xff\n", long.as_bytes()];
    let report: Vec<String> = texts.iter().map(|text| refusal(text, THREE, KeyEncoding::Url)).collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn refusals_of_columns() {
    let schemas: &[&[Field]] = &[
        &[],
        &[Field::BUCKET],
        &[Field::KEY, Field::IGNORE],
        &[Field::BUCKET, Field::KEY, Field::KEY],
        &[Field::BUCKET, Field::KEY, Field::VERSION_ID, Field::VERSION_ID],
    ];
    let report: Vec<String> =
        schemas.iter().map(|fields| refusal(b"b,k\n", fields, KeyEncoding::Url)).collect();
    insta::assert_snapshot!(report.join("\n"));
}

/// A source that never ends costs a bounded amount: the reader stops at its bound by itself.
#[test]
fn a_row_without_end_is_refused() {
    let source = (&b"b,\""[..]).chain(io::repeat(b'x'));
    let error = read_csv(source, TWO, KeyEncoding::Url).unwrap().next().unwrap().unwrap_err();
    insta::assert_snapshot!(error);
    let source = (&b"b,k"[..]).chain(io::repeat(b',').take(MAX_ROW_BYTES as u64 * 100));
    let error = read_csv(source, TWO, KeyEncoding::Url).unwrap().next().unwrap().unwrap_err();
    insta::assert_snapshot!(error);
}

/// Gives out its bytes in pieces of the given sizes.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.sizes.next().unwrap_or(1).min(buffer.len());
        (&mut self.bytes).take(most as u64).read(buffer)
    }
}

fn in_pieces(bytes: &[u8], sizes: Vec<usize>, keys: KeyEncoding) -> Result<Vec<Row>, ManifestError> {
    let source = Pieces { bytes, sizes: sizes.into_iter().cycle() };
    read_csv(source, THREE, keys)?.collect()
}

fn any_row(key: &'static str) -> impl Strategy<Value = Row> {
    ("[a-z0-9.-]{3,63}", key, prop_oneof![Just(String::new()), "[A-Za-z0-9_.]{1,40}"]).prop_map(
        |(bucket, key, version_id)| Row { bucket, key, version_id: Some(version_id), ..Row::default() },
    )
}

fn any_rows() -> impl Strategy<Value = (KeyEncoding, Vec<Row>)> {
    let url = "([A-Za-z0-9/+~ _.-]|%[2-7][0-9A-F]|%C3%A9|\u{20ac}){1,60}";
    let raw = "[^\0]{1,100}";
    prop_oneof![
        (Just(KeyEncoding::Url), prop::collection::vec(any_row(url), 1..40)),
        (Just(KeyEncoding::Raw), prop::collection::vec(any_row(raw), 1..40)),
    ]
}

fn write(rows: &[Row], style: csv::QuoteStyle, terminator: csv::Terminator) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().quote_style(style).terminator(terminator).from_writer(Vec::new());
    for row in rows {
        writer.write_record([&row.bucket, &row.key, row.version_id.as_deref().unwrap_or_default()]).unwrap();
    }
    writer.into_inner().unwrap()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        (keys, rows) in any_rows(),
        always in any::<bool>(),
        crlf in any::<bool>(),
        sizes in prop::collection::vec(1_usize..50, 1..5),
    ) {
        let style = if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let text = write(&rows, style, terminator);
        prop_assert_eq!(in_pieces(&text, sizes, keys).unwrap(), rows);
    }

    #[test]
    fn any_bytes_give_rows_or_an_error(
        text in prop::collection::vec(prop_oneof![any::<u8>(), Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), Just(b'b')], 0..300),
        sizes in prop::collection::vec(1_usize..50, 1..5),
        raw in any::<bool>(),
    ) {
        let keys = if raw { KeyEncoding::Raw } else { KeyEncoding::Url };
        let whole = read(&text, THREE, keys);
        let pieces = in_pieces(&text, sizes, keys);
        // How the bytes arrive makes no difference, and an error says something.
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => prop_assert_eq!(whole, pieces),
            (Err(whole), Err(pieces)) => prop_assert_eq!(whole.to_string(), pieces.to_string()),
            (whole, pieces) => prop_assert!(false, "{whole:?} but {pieces:?}"),
        }
    }
}
