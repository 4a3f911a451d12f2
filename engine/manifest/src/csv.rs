//! CSV manifests: `S3BatchOperations_CSV_20180820` (Amazon S3 User Guide, "Specifying a manifest") and what other
//! programs write: with a header, with another delimiter, with keys that are not encoded.
//!
//! UTF-8 without byte order mark, no empty lines, the same columns in every row. Cells may be quoted as in RFC 4180, as
//! inventories and query results are. Lines end in LF, CRLF or CR.
//!
//! A row is parsed in place, in a window of bounded size: a quote that is never closed costs [`MAX_ROW_BYTES`] and not
//! the size of the file. The tests hold it against the `csv` crate.

use std::io::{self, Read};
use std::ops::Range;

use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::{Field, Meaning};
use memchr::{memchr, memchr3};

use crate::buffer::Window;
use crate::cells::{Shape, excerpt, quoted};
use crate::error::{ManifestError, Problem};
use crate::reader::{RowReader, same_name};
use crate::recognise::{START_BYTES, recognised};

/// Longest row, in bytes. A bucket, a percent-encoded key and a version ID are under 5 KB; the rest is room for other
/// columns.
pub const MAX_ROW_BYTES: usize = 64 * 1024;

/// What stands between cells where it is no comma.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a CSV manifest is written.
#[derive(Debug, Clone)]
pub struct CsvOptions {
    /// All columns, in order; none if the header names them.
    pub fields: Vec<Field>,
    /// How keys are written.
    pub keys: KeyEncoding,
    /// Whether the first row names the columns.
    pub header: bool,
    /// What stands between two cells: one ASCII character.
    pub delimiter: u8,
    /// The bucket of every row, where no column has it.
    pub bucket: Option<String>,
}

impl CsvOptions {
    /// Amazon's format, with these columns.
    pub fn amazon(fields: &[Field], keys: KeyEncoding) -> Self {
        Self { fields: fields.to_vec(), keys, header: false, delimiter: b',', bucket: None }
    }
}

/// The rows of a CSV manifest.
pub struct CsvReader<R> {
    window: Window<R>,
    options: CsvOptions,
    shape: Shape,
    cells: Cells,
    state: State,
    /// Number of the current row, from 1.
    row: u64,
    /// Where the current row starts.
    row_offset: u64,
    /// The last row ended in CR, so that LF would belong to the same line end.
    after_cr: bool,
    found: bool,
}

#[derive(PartialEq)]
enum State {
    Unopened,
    Open,
    Done,
}

/// The cells of one row.
#[derive(Default)]
struct Cells {
    places: Vec<Cell>,
    /// Cells of the row, also those that are not kept.
    count: usize,
    /// Most that are kept: one more than declared.
    most: usize,
    /// Cells that do not stand in the window as they are: quotes were doubled.
    scratch: Vec<u8>,
    /// Length of the row with its line end, and whether that is CR.
    of_row: (usize, bool),
}

#[derive(Clone)]
enum Cell {
    Window(Range<usize>),
    Scratch(Range<usize>),
}

/// What came of an attempt to parse a row.
enum Parsed {
    /// It is complete: its length with the line end, which is CR or not.
    Row { bytes: usize, cr: bool },
    /// It goes on behind the window.
    Open,
    /// The source ends within quotes.
    OpenQuote,
}

impl Cells {
    fn clear(&mut self) {
        self.places.clear();
        self.scratch.clear();
        self.count = 0;
    }

    fn get<'c>(&'c self, index: usize, window: &'c [u8]) -> Option<&'c [u8]> {
        match self.places.get(index)? {
            Cell::Window(place) => window.get(place.clone()),
            Cell::Scratch(place) => self.scratch.get(place.clone()),
        }
    }

    fn push(&mut self, cell: Cell) {
        self.count += 1;
        if self.places.len() < self.most {
            self.places.push(cell);
        }
    }

    /// Finds the cells of the row at the start of `window`, which has no empty line there.
    fn parse(&mut self, window: &[u8], ended: bool, delimiter: u8) -> Parsed {
        self.clear();
        let mut at = 0;
        loop {
            let rest = window.get(at..).unwrap_or_default();
            let end = match rest.first() {
                Some(b'"') => match self.quoted(rest, at, ended, delimiter) {
                    Ok(end) => end,
                    Err(parsed) => return parsed,
                },
                _ => match memchr3(delimiter, b'\n', b'\r', rest) {
                    None if !ended => return Parsed::Open,
                    end => {
                        let end = end.unwrap_or(rest.len());
                        self.push(Cell::Window(at..at + end));
                        end
                    }
                },
            };
            match rest.get(end) {
                None => return Parsed::Row { bytes: at + end, cr: false },
                Some(byte) if *byte == delimiter => at += end + 1,
                Some(byte) => return Parsed::Row { bytes: at + end + 1, cr: *byte == b'\r' },
            }
        }
    }

    /// Takes the quoted cell at the start of `rest`, which stands at `at`, and says where it ends.
    fn quoted(&mut self, rest: &[u8], at: usize, ended: bool, delimiter: u8) -> Result<usize, Parsed> {
        let begin = self.scratch.len();
        // From where on the cell is not in the scratch yet.
        let mut from = 1;
        let close = loop {
            let Some(quote) = memchr(b'"', rest.get(from..).unwrap_or_default()).map(|quote| from + quote)
            else {
                return Err(if ended { Parsed::OpenQuote } else { Parsed::Open });
            };
            match rest.get(quote + 1) {
                None if !ended => return Err(Parsed::Open),
                Some(b'"') => {
                    self.scratch.extend_from_slice(rest.get(from..=quote).unwrap_or_default());
                    from = quote + 2;
                }
                _ => break quote,
            }
        };
        let follows =
            rest.get(close + 1).is_some_and(|byte| !matches!(byte, b'\n' | b'\r') && *byte != delimiter);
        if from == 1 && !follows {
            self.push(Cell::Window(at + 1..at + close));
            return Ok(close + 1);
        }
        self.scratch.extend_from_slice(rest.get(from..close).unwrap_or_default());
        let mut end = close + 1;
        if follows {
            // What stands between a closing quote and the delimiter belongs to the cell, as in the csv crate and Python.
            let tail = rest.get(end..).unwrap_or_default();
            let length = match memchr3(delimiter, b'\n', b'\r', tail) {
                None if !ended => return Err(Parsed::Open),
                length => length.unwrap_or(tail.len()),
            };
            self.scratch.extend_from_slice(tail.get(..length).unwrap_or_default());
            end += length;
        }
        self.push(Cell::Scratch(begin..self.scratch.len()));
        Ok(end)
    }
}

impl<R: Read> CsvReader<R> {
    /// Reads a manifest in one pass and in constant memory. An empty version ID in a declared column is a row like
    /// others (`Some("")`): its task fails, the job does not.
    ///
    /// # Errors
    /// [`ManifestError::Schema`] if these columns cannot name objects; nothing is read then.
    pub fn new(source: R, options: CsvOptions) -> Result<Self, ManifestError> {
        let named = options.header && options.fields.is_empty();
        let fields = if named { vec![Field::BUCKET, Field::KEY] } else { options.fields.clone() };
        let bucket = options.bucket.as_deref().filter(|_| !named);
        let shape = Shape::new(&fields, options.keys, bucket)?;
        Ok(Self {
            window: Window::new(source),
            shape,
            options,
            cells: Cells::default(),
            state: State::Unopened,
            row: 0,
            row_offset: 0,
            after_cr: false,
            found: false,
        })
    }

    /// Looks at the first bytes, once.
    fn open(&mut self) -> Result<(), ManifestError> {
        self.state = State::Open;
        let start = self.window.at_least(BYTE_ORDER_MARK.len());
        if start.map(|start| start.starts_with(BYTE_ORDER_MARK)).map_err(|source| self.broken(source))? {
            return Err(self.final_content(1, Problem::ByteOrderMark));
        }
        if self.options.header && self.parse_row()? {
            if self.options.fields.is_empty() {
                self.shape = self.named_shape().inspect_err(|_| self.state = State::Done)?;
            }
            self.pass();
        }
        Ok(())
    }

    /// What the header says of the columns.
    fn named_shape(&mut self) -> Result<Shape, ManifestError> {
        let (cells, window) = (&self.cells, self.window.bytes());
        let cell = |index| String::from_utf8_lossy(cells.get(index, window).unwrap_or_default());
        let names: Vec<_> = (0..cells.places.len()).map(cell).collect();
        let fields: Vec<Field> = names.iter().map(|name| named_field(name)).collect();
        let found = excerpt(names.join(", ").as_bytes());
        let shape = Shape::new(&fields, self.options.keys, self.options.bucket.as_deref());
        shape.map_err(|error| match error {
            ManifestError::Schema { problem: Problem::FieldsMissing { missing } } => {
                let problem = self.recognised(Problem::ColumnsMissing { missing, found });
                ManifestError::Schema { problem }
            }
            other => other,
        })
    }

    /// Parses the next row into `cells`; it stays in the window until it is passed. False at the end of the manifest.
    fn parse_row(&mut self) -> Result<bool, ManifestError> {
        let mut first = self.window.peek().map_err(|source| self.broken(source))?;
        if std::mem::take(&mut self.after_cr) && first == Some(b'\n') {
            self.window.pass(1);
            first = self.window.peek().map_err(|source| self.broken(source))?;
        }
        let Some(first) = first else { return Ok(false) };
        self.row += 1;
        self.row_offset = self.window.offset;
        self.cells.most = self.most_cells();
        if matches!(first, b'\r' | b'\n') {
            self.cells.clear();
            self.cells.of_row = (1, first == b'\r');
            return Ok(true);
        }
        loop {
            let window = self.window.bytes();
            match self.cells.parse(window, self.window.ended, self.options.delimiter) {
                Parsed::Row { bytes, .. } if window.get(..bytes).is_some_and(too_long) => {
                    return Err(self.too_long());
                }
                Parsed::Row { bytes, cr } => {
                    self.cells.of_row = (bytes, cr);
                    return Ok(true);
                }
                Parsed::OpenQuote => {
                    let text = quoted(self.window.bytes());
                    return Err(self.final_content(self.row, Problem::OpenQuote { text }));
                }
                Parsed::Open if window.len() > MAX_ROW_BYTES => return Err(self.too_long()),
                Parsed::Open => self.window.more().map_err(|source| self.broken(source))?,
            }
        }
    }

    fn most_cells(&self) -> usize {
        // A header says itself how many there are.
        if self.row == 1 && self.options.header && self.options.fields.is_empty() {
            usize::MAX
        } else {
            self.shape.fields.len() + 1
        }
    }

    /// Leaves the row that was parsed.
    fn pass(&mut self) {
        let (bytes, cr) = self.cells.of_row;
        self.window.pass(bytes);
        self.after_cr = cr;
    }

    /// The current row, checked.
    fn check_row(&mut self, row: &mut Row) -> Result<(), Problem> {
        let expected = self.shape.fields.len();
        if self.cells.count == 0 {
            *row = Row { columns: row.columns.clone(), ..Row::default() };
            return Err(Problem::EmptyLine);
        }
        if self.row == 1 && self.names_columns() {
            return Err(Problem::Header { text: self.excerpt() });
        }
        let (cells, window) = (&self.cells, self.window.bytes());
        let cell = |index| cells.get(index, window);
        if cells.count != expected {
            self.shape.show(row, cell);
            let (text, delimiter) = (self.excerpt(), self.other_delimiter());
            return Err(Problem::Columns { found: cells.count, expected, delimiter, text });
        }
        let filled = self.shape.fill(row, cell);
        filled.inspect_err(|_| self.shape.show(row, cell))
    }

    /// Whether the current row is a header.
    fn names_columns(&self) -> bool {
        let window = self.window.bytes();
        let cells = (0..self.cells.places.len()).filter_map(|index| self.cells.get(index, window));
        let cells: Vec<&str> = cells.filter_map(|cell| std::str::from_utf8(cell).ok()).collect();
        is_header(&cells, &self.shape.fields)
    }

    /// What parts a row that is one cell into as many as are declared.
    fn other_delimiter(&self) -> Option<char> {
        let cell = self.cells.get(0, self.window.bytes()).filter(|_| self.cells.count == 1)?;
        let parts = |delimiter: u8| 1 + memchr::memchr_iter(delimiter, cell).count();
        let fits = |delimiter: &&u8| parts(**delimiter) == self.shape.fields.len();
        DELIMITERS.iter().find(fits).map(|delimiter| char::from(*delimiter))
    }

    /// The start of the current row, its cells in quotes, for a message.
    fn excerpt(&self) -> String {
        let window = self.window.bytes();
        let declared = self.shape.fields.len();
        let whole = self.cells.count.min(declared).min(self.cells.places.len());
        let mut cells: Vec<String> =
            (0..whole).map(|index| quoted(self.cells.get(index, window).unwrap_or_default())).collect();
        if self.cells.count > whole {
            cells.push("…".into());
        }
        if cells.is_empty() {
            return quoted(window);
        }
        cells.join(",")
    }

    fn too_long(&mut self) -> ManifestError {
        let text = quoted(self.window.bytes());
        self.final_content(self.row, Problem::RowTooLong { text })
    }

    fn broken(&mut self, source: io::Error) -> ManifestError {
        self.state = State::Done;
        ManifestError::from_read(self.window.offset, source)
    }

    /// A problem after which there is nothing to be read.
    fn final_content(&mut self, row: u64, problem: Problem) -> ManifestError {
        self.state = State::Done;
        let problem = self.recognised(problem);
        ManifestError::Content { row, offset: Some(self.row_offset), problem }
    }
}

impl<R: Read> CsvReader<R> {
    /// What is wrong with the row that is in the window: in the first row, that it may be no CSV at all.
    fn recognised(&mut self, problem: Problem) -> Problem {
        if self.row_offset > 0 || matches!(problem, Problem::Header { .. } | Problem::EmptyLine) {
            return problem;
        }
        // What cannot be read beyond this row says nothing about it.
        self.window.at_least(START_BYTES).ok().and_then(recognised).unwrap_or(problem)
    }
}

impl<R: Read + Send> RowReader for CsvReader<R> {
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError> {
        match self.state {
            State::Done => return Ok(false),
            State::Unopened => self.open()?,
            State::Open => {}
        }
        if !self.parse_row()? {
            self.state = State::Done;
            if self.found {
                return Ok(false);
            }
            let problem = if self.row > 0 { Problem::OnlyHeader } else { Problem::Empty };
            return Err(ManifestError::Content { row: 1, offset: Some(0), problem });
        }
        self.found = true;
        let checked = self.check_row(row).map_err(|problem| self.recognised(problem));
        self.pass();
        match checked {
            Ok(()) => Ok(true),
            Err(problem @ (Problem::Header { .. } | Problem::OtherFormat { .. })) => {
                self.state = State::Done;
                Err(ManifestError::Content { row: self.row, offset: Some(self.row_offset), problem })
            }
            Err(problem) => {
                Err(ManifestError::Content { row: self.row, offset: Some(self.row_offset), problem })
            }
        }
    }
}

/// Whether a row with its line end is longer than rows may be.
fn too_long(row: &[u8]) -> bool {
    row.len() - usize::from(row.ends_with(b"\n") || row.ends_with(b"\r")) > MAX_ROW_BYTES
}

/// Whether some cells, in whatever order, are the names of the columns that say which object it is.
pub(crate) fn is_header(cells: &[&str], fields: &[Field]) -> bool {
    let named = |name: &str| cells.iter().any(|cell| same_name(cell.trim_ascii(), name));
    let mut told = fields.iter().filter(|field| matches!(field.meaning, Meaning::Bucket | Meaning::Key));
    told.all(|field| named(field.name()) || named(field.meaning.name()))
}

/// What a header's name means: `Bucket`, `Key`, `VersionId`, however they are spelt; all else is passed over.
fn named_field(name: &str) -> Field {
    [Field::BUCKET, Field::KEY, Field::VERSION_ID]
        .into_iter()
        .find(|field| same_name(name.trim(), field.name()))
        .unwrap_or(Field::IGNORE)
}
