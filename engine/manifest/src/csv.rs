//! The CSV manifest, `S3BatchOperations_CSV_20180820` (Amazon S3 User Guide, "Specifying a manifest").
//!
//! Comma-separated, UTF-8 without byte order mark, no header, no empty lines, the same columns in every row.
//! Cells may be quoted as in RFC 4180, as inventories and query results are. Lines end in LF, CRLF or CR.
//!
//! Built on `csv-core` instead of `csv`: its caller owns the buffers, so that a quote that is never closed costs
//! [`MAX_ROW_BYTES`] and not the size of the file, and sees the bytes between rows, so that empty lines, which
//! `csv` passes over, are found.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use longshore_job::object::bad_bucket_name;
use longshore_job::row::{KeyEncoding, Row, decode_key};
use longshore_job::spec::Field;

use crate::error::{ManifestError, Problem};

/// Longest row, in bytes without its quotes. A bucket, a percent-encoded key and a version ID are under 5 KB; the
/// rest is room for ignored columns.
pub const MAX_ROW_BYTES: usize = 64 * 1024;

/// How much is read from the source at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// Longest version ID, in bytes (Amazon S3 User Guide, "Working with version IDs").
const MAX_VERSION_ID_BYTES: usize = 1024;

/// Longest excerpt of a manifest in an error message, in bytes before escaping.
const EXCERPT_BYTES: usize = 120;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the rows of a CSV manifest with these columns.
///
/// The first error ends the rows: a manifest is good as a whole or not at all. Memory does not depend on the
/// length of the manifest. An empty version ID in a declared column is a row like others (`Some("")`): its task
/// fails, the job does not.
///
/// # Errors
///
/// [`ManifestError::Schema`] at once if these columns cannot name objects; nothing is read then. The others come from
/// the rows.
pub fn read_csv<R: Read>(
    reader: R,
    fields: &[Field],
    keys: KeyEncoding,
) -> Result<CsvRows<R>, ManifestError> {
    check_fields(fields)?;
    Ok(CsvRows {
        source: Source::Unopened(reader),
        parser: ReaderBuilder::new().build(),
        fields: fields.to_vec(),
        keys,
        cells: Cells::default(),
        text: vec![0; MAX_ROW_BYTES],
        after_cr: false,
        offset: 0,
        row: 0,
        row_offset: 0,
    })
}

/// The rows of a CSV manifest; see [`read_csv`].
pub struct CsvRows<R> {
    source: Source<R>,
    parser: Reader,
    fields: Vec<Field>,
    keys: KeyEncoding,
    cells: Cells,
    /// The current row without quotes and commas; its length never changes.
    text: Vec<u8>,
    /// The last byte was CR, so that LF would belong to the same line end.
    after_cr: bool,
    /// Bytes taken from the source.
    offset: u64,
    /// Number of the current row, from 1.
    row: u64,
    /// Where the current row starts.
    row_offset: u64,
}

enum Source<R> {
    Unopened(R),
    Open(BufReader<io::Chain<Cursor<Vec<u8>>, R>>),
    Done,
}

/// Where the cells of the current row end in its text.
#[derive(Default)]
struct Cells {
    /// Ends of the cells: one place for each declared column, and one for the last of those too many.
    ends: Vec<usize>,
    /// Cells of the row.
    count: usize,
    /// Bytes of the row's text.
    bytes: usize,
}

impl Cells {
    fn clear(&mut self, declared: usize) {
        self.ends.resize(declared + 1, 0);
        self.count = 0;
        self.bytes = 0;
    }
}

impl<R: Read> Iterator for CsvRows<R> {
    type Item = Result<Row, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_row() {
            Ok(Some(row)) => Some(Ok(row)),
            Ok(None) => {
                let empty = self.row == 0 && !matches!(self.source, Source::Done);
                self.source = Source::Done;
                empty.then(|| Err(self.content(1, Problem::Empty)))
            }
            Err(error) => {
                self.source = Source::Done;
                Some(Err(error))
            }
        }
    }
}

impl<R: Read> CsvRows<R> {
    fn next_row(&mut self) -> Result<Option<Row>, ManifestError> {
        self.open()?;
        if !self.read_row()? {
            return Ok(None);
        }
        self.check_row().map(Some).map_err(|problem| self.content(self.row, problem))
    }

    /// Looks at the first bytes, once.
    fn open(&mut self) -> Result<(), ManifestError> {
        if !matches!(self.source, Source::Unopened(_)) {
            return Ok(());
        }
        let Source::Unopened(mut reader) = std::mem::replace(&mut self.source, Source::Done) else {
            return Ok(());
        };
        let mut start = Vec::with_capacity(BYTE_ORDER_MARK.len());
        reader
            .by_ref()
            .take(BYTE_ORDER_MARK.len() as u64)
            .read_to_end(&mut start)
            .map_err(|source| ManifestError::Read { offset: 0, source })?;
        if start == BYTE_ORDER_MARK {
            return Err(self.content(1, Problem::ByteOrderMark));
        }
        self.source = Source::Open(BufReader::with_capacity(READ_BYTES, Cursor::new(start).chain(reader)));
        Ok(())
    }

    /// Parses the next row into `text` and `cells`; false at the end of the manifest.
    fn read_row(&mut self) -> Result<bool, ManifestError> {
        if !self.begin_row()? {
            return Ok(false);
        }
        self.cells.clear(self.fields.len());
        while !self.parse()? {}
        Ok(true)
    }

    /// Moves to the first byte of the next row; false at the end of the manifest.
    fn begin_row(&mut self) -> Result<bool, ManifestError> {
        let Source::Open(source) = &mut self.source else { return Ok(false) };
        let failed = |offset| move |source| ManifestError::Read { offset, source };
        let mut first = peek(source).map_err(failed(self.offset))?;
        if self.after_cr && first == Some(b'\n') {
            source.consume(1);
            self.offset += 1;
            first = peek(source).map_err(failed(self.offset))?;
        }
        let Some(first) = first else { return Ok(false) };
        self.row += 1;
        self.row_offset = self.offset;
        if matches!(first, b'\r' | b'\n') {
            return Err(self.content(self.row, Problem::EmptyLine));
        }
        Ok(true)
    }

    /// Parses what the source has at hand; true once the row is complete.
    fn parse(&mut self) -> Result<bool, ManifestError> {
        let Source::Open(source) = &mut self.source else { return Ok(true) };
        let at_hand = fill(source).map_err(|source| ManifestError::Read { offset: self.offset, source })?;
        let at_end = at_hand.is_empty();
        // A line end that the file does not have ends its last row, unless a quote is open.
        let input = if at_end { b"\n" } else { at_hand };
        let (result, read, written, ended) = self.parser.read_record(
            input,
            self.text.get_mut(self.cells.bytes..).unwrap_or_default(),
            self.cells.ends.get_mut(self.cells.count.min(self.fields.len())..).unwrap_or_default(),
        );
        self.cells.count += ended;
        if !at_end {
            self.cells.bytes += written;
            self.after_cr = read.checked_sub(1).and_then(|last| input.get(last)) == Some(&b'\r');
            source.consume(read);
            self.offset += read as u64;
        }
        match result {
            ReadRecordResult::Record => Ok(true),
            ReadRecordResult::OutputFull => {
                Err(self.content(self.row, Problem::RowTooLong { text: self.excerpt() }))
            }
            ReadRecordResult::InputEmpty if at_end => {
                Err(self.content(self.row, Problem::OpenQuote { text: self.excerpt() }))
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::OutputEndsFull | ReadRecordResult::End => {
                Ok(false)
            }
        }
    }

    /// The current row, checked.
    fn check_row(&self) -> Result<Row, Problem> {
        let expected = self.fields.len();
        if self.cells.count != expected {
            return Err(Problem::Columns { found: self.cells.count, expected, text: self.excerpt() });
        }
        if self.row == 1 && self.names_columns() {
            return Err(Problem::Header { text: self.excerpt() });
        }
        let mut row = Row { bucket: String::new(), key: String::new(), version_id: None };
        for (index, field) in self.fields.iter().enumerate() {
            let cell = self.cell(index);
            match field {
                Field::Bucket => row.bucket = bucket(cell)?,
                Field::Key => row.key = key(cell, self.keys)?,
                Field::VersionId => row.version_id = Some(version_id(cell)?),
                Field::Ignore => {}
            }
        }
        Ok(row)
    }

    /// Whether every declared column holds its own name.
    fn names_columns(&self) -> bool {
        let name = |field: &Field| field_name(*field).as_bytes();
        self.fields
            .iter()
            .enumerate()
            .filter(|(_, field)| **field != Field::Ignore)
            .all(|(index, field)| self.cell(index).trim_ascii().eq_ignore_ascii_case(name(field)))
    }

    fn cell(&self, index: usize) -> &[u8] {
        let end = |index: usize| self.cells.ends.get(index).copied().unwrap_or(0);
        let start = index.checked_sub(1).map_or(0, end);
        self.text.get(start..end(index)).unwrap_or_default()
    }

    /// The start of the current row, its cells in quotes, for a message.
    fn excerpt(&self) -> String {
        let whole = self.cells.count.min(self.fields.len());
        let mut cells: Vec<String> = (0..whole).map(|index| quoted(self.cell(index))).collect();
        let done = whole.checked_sub(1).and_then(|last| self.cells.ends.get(last)).copied().unwrap_or(0);
        if self.cells.count > whole {
            cells.push("…".into());
        } else if let Some(rest) = self.text.get(done..self.cells.bytes).filter(|rest| !rest.is_empty()) {
            cells.push(quoted(rest));
        }
        cells.join(",")
    }

    fn content(&self, row: u64, problem: Problem) -> ManifestError {
        ManifestError::Content { row, offset: self.row_offset, problem }
    }
}

/// The source's next bytes, none at its end; a signal that interrupts the call is no error.
fn fill<S: BufRead>(source: &mut S) -> io::Result<&[u8]> {
    while let Err(error) = source.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    source.fill_buf()
}

fn peek<S: BufRead>(source: &mut S) -> io::Result<Option<u8>> {
    Ok(fill(source)?.first().copied())
}

fn check_fields(fields: &[Field]) -> Result<(), ManifestError> {
    let count = |field: Field| fields.iter().filter(|given| **given == field).count();
    let missing: Vec<&str> =
        [Field::Bucket, Field::Key].into_iter().filter(|field| count(*field) == 0).map(field_name).collect();
    if !missing.is_empty() {
        return Err(ManifestError::Schema {
            problem: Problem::FieldsMissing { missing: missing.join(", ") },
        });
    }
    match [Field::Bucket, Field::Key, Field::VersionId].into_iter().find(|field| count(*field) > 1) {
        Some(field) => {
            Err(ManifestError::Schema { problem: Problem::FieldTwice { field: field_name(field) } })
        }
        None => Ok(()),
    }
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::Bucket => "Bucket",
        Field::Key => "Key",
        Field::VersionId => "VersionId",
        Field::Ignore => "Ignore",
    }
}

/// Only what can be no bucket on any store is refused; S3's own naming rules are stricter.
fn bucket(cell: &[u8]) -> Result<String, Problem> {
    let refused = |why| Err(Problem::Bucket { text: excerpt(cell), why });
    match std::str::from_utf8(cell) {
        Ok("") => Err(Problem::BucketEmpty),
        Ok(name) => bad_bucket_name(name).map_or_else(|| Ok(name.to_owned()), refused),
        Err(_) => refused("it is not UTF-8"),
    }
}

fn key(cell: &[u8], keys: KeyEncoding) -> Result<String, Problem> {
    let text = std::str::from_utf8(cell).map_err(|_| Problem::KeyNotUtf8 { text: excerpt(cell) })?;
    match decode_key(text, keys) {
        Ok(_) => Ok(text.to_owned()),
        Err(bad) => Err(Problem::Key { bad, text: excerpt(cell) }),
    }
}

fn version_id(cell: &[u8]) -> Result<String, Problem> {
    let refused = |why| Err(Problem::VersionId { text: excerpt(cell), why });
    match std::str::from_utf8(cell) {
        Ok(_) if cell.len() > MAX_VERSION_ID_BYTES => refused("it is longer than 1,024 bytes"),
        Ok(id) if id.contains(char::is_control) => refused("it contains a control character"),
        Ok(id) => Ok(id.to_owned()),
        Err(_) => refused("it is not UTF-8"),
    }
}

/// Bytes of the manifest for a message: escaped, and cut where they are long.
fn excerpt(bytes: &[u8]) -> String {
    match bytes.get(..EXCERPT_BYTES) {
        Some(start) if bytes.len() > EXCERPT_BYTES => {
            format!("{}… ({} bytes)", start.escape_ascii(), bytes.len())
        }
        _ => bytes.escape_ascii().to_string(),
    }
}

fn quoted(cell: &[u8]) -> String {
    format!("\"{}\"", excerpt(cell))
}
