//! Lists as they are written, in the formats that the readers of this crate take back.

mod csv;
mod json_lines;
mod orc;
mod pack;
mod parquet;

use std::io::{self, BufWriter, Write};

use longshore_job::row::{BadKey, KeyEncoding, Row, recode_key};
use longshore_job::spec::{Field, ListFormat, Meaning};

use crate::csv::MAX_ROW_BYTES;
use crate::decode::Compression;
use pack::Packed;

/// Bytes that are collected before they go to the file.
const WRITE_BYTES: usize = 256 * 1024;

/// Writes the rows of a list in one pass.
pub trait RowWriter {
    /// Adds a row.
    ///
    /// # Errors
    /// The format cannot hold this row, or the list cannot be written. Nothing more can be written then.
    fn write(&mut self, row: &Row) -> Result<(), WriteError>;

    /// Ends the list. Before that, no row need have left this process.
    ///
    /// # Errors
    /// The list cannot be written.
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}

/// Why a list cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format cannot hold a row so that it is read as what it is.
    #[error("row {row} cannot be written: {why}")]
    Row {
        /// Number of the row in the list that is written, from 1.
        row: u64,
        /// Why, and what to do.
        why: String,
    },
    /// The format cannot hold these columns, or is not compressed in this way.
    #[error("{0}")]
    Layout(String),
    /// The place where the list is written said no.
    #[error("cannot write the list: {0}")]
    Io(#[from] io::Error),
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenFormat {
    /// CSV; without header and with commas it is Amazon's `S3BatchOperations_CSV_20180820`.
    Csv {
        /// Whether the first row names the columns.
        header: bool,
        /// What stands between two cells: one ASCII character.
        delimiter: u8,
    },
    /// One JSON object a line.
    JsonLines,
    /// A Parquet file, its column chunks compressed.
    Parquet,
    /// An ORC file, its streams compressed.
    Orc,
}

/// Everything that is to be known of a list before its first row is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its format.
    pub format: WrittenFormat,
    /// Of the whole file; in Parquet and ORC files, of what they consist of.
    pub compression: Compression,
    /// How the list writes keys.
    pub keys: KeyEncoding,
    /// How the rows that come write them.
    pub row_keys: KeyEncoding,
    /// Whether it has version IDs. Where [`Layout::may_lack_versions`] is false, every row has one then.
    pub versions: bool,
    /// The columns for the operation, in the order of the rows' own.
    pub columns: Vec<String>,
}

impl Layout {
    /// The columns as a job file declares them; none where readers find `Bucket`, `Key` and `VersionId` by themselves.
    pub fn fields(&self) -> Vec<Field> {
        if self.may_lack_versions() { Vec::new() } else { self.columns_in_order() }
    }

    /// Whether rows with and without a version ID can stand in one such list. An empty cell is no version ID, and the task
    /// of such a row fails, unless nobody asked for the column.
    pub fn may_lack_versions(&self) -> bool {
        !matches!(self.format, WrittenFormat::Csv { .. }) && self.columns.is_empty()
    }

    fn columns_in_order(&self) -> Vec<Field> {
        let mut fields = vec![Field::BUCKET, Field::KEY];
        fields.extend(self.versions.then_some(Field::VERSION_ID));
        fields.extend(self.columns.iter().map(Field::extra));
        fields
    }

    /// The format, as a job file declares it.
    pub fn list_format(&self) -> ListFormat {
        match self.format {
            WrittenFormat::Csv { header, delimiter } => {
                ListFormat::Csv { header, delimiter: char::from(delimiter) }
            }
            WrittenFormat::JsonLines => ListFormat::JsonLines,
            WrittenFormat::Parquet => ListFormat::Parquet,
            WrittenFormat::Orc => ListFormat::Orc,
        }
    }

    /// Begins a list at the start of `out`.
    ///
    /// # Errors
    /// [`WriteError::Layout`] if there can be no such list.
    pub fn writer(&self, out: impl Write + Send + 'static) -> Result<Box<dyn RowWriter>, WriteError> {
        self.check()?;
        let buffered = |out| BufWriter::with_capacity(WRITE_BYTES, out);
        Ok(match self.format {
            WrittenFormat::Csv { header, delimiter } => {
                let out = Packed::new(buffered(out), self.compression)?;
                Box::new(csv::CsvWriter::new(out, self.clone(), header, delimiter)?)
            }
            WrittenFormat::JsonLines => {
                let out = Packed::new(buffered(out), self.compression)?;
                Box::new(json_lines::JsonLinesWriter::new(out, self.clone()))
            }
            WrittenFormat::Parquet => Box::new(parquet::ParquetWriter::new(buffered(out), self.clone())?),
            WrittenFormat::Orc => Box::new(orc::OrcWriter::new(out, self.clone())?),
        })
    }

    /// Columns that are found by name need names of their own.
    fn check(&self) -> Result<(), WriteError> {
        if matches!(self.format, WrittenFormat::Csv { header: false, .. }) {
            return Ok(());
        }
        let fields = self.columns_in_order();
        let again = |(index, field): (usize, &Field)| {
            fields.iter().take(index).any(|earlier| earlier.name() == field.name())
        };
        match fields.iter().enumerate().find(|field| again(*field)) {
            Some((_, field)) => Err(WriteError::Layout(format!(
                "the list would have two columns \"{}\"; leave one out, or write CSV without a header",
                field.name()
            ))),
            None => Ok(()),
        }
    }
}

/// The cells of a row in the order of the list's columns; null is none.
fn cells<'r>(
    layout: &Layout,
    fields: &[Field],
    row: &'r Row,
    key: &'r str,
) -> Result<Vec<Option<&'r str>>, String> {
    if let Some(problem) = &row.problem {
        return Err(problem.clone());
    }
    if row.columns.len() != layout.columns.len() {
        return Err(format!(
            "it has {} values for the operation, the list has room for {}",
            row.columns.len(),
            layout.columns.len()
        ));
    }
    match &row.version_id {
        None if layout.versions && !layout.may_lack_versions() => {
            return Err("it has no version ID and rows before it have one, which only a JSON Lines, Parquet or ORC list without \
                        columns for the operation can say; write such a list, or leave version IDs out"
                .to_owned());
        }
        Some(id) if !layout.versions => {
            return Err(format!("it has the version ID \"{id}\", and the list has no such column"));
        }
        _ => {}
    }
    let mut columns = row.columns.iter();
    let cell = |field: &Field| match field.meaning {
        Meaning::Bucket => Some(row.bucket.as_str()),
        Meaning::Key => Some(key),
        Meaning::VersionId => row.version_id.as_deref(),
        Meaning::Column => columns.next().and_then(Option::as_deref),
        Meaning::Ignore => None,
    };
    Ok(fields.iter().map(cell).collect())
}

/// Whether a column may hold null.
fn is_optional(field: &Field) -> bool {
    matches!(field.meaning, Meaning::VersionId | Meaning::Column)
}

/// The key of a row as the list writes it.
fn key_of<'r>(layout: &Layout, row: &'r Row) -> Result<std::borrow::Cow<'r, str>, String> {
    recode_key(&row.key, layout.row_keys, layout.keys).map_err(|bad: BadKey| bad.to_string())
}

fn too_long(bytes: usize) -> Option<String> {
    (bytes > MAX_ROW_BYTES).then(|| {
        format!(
            "it would have {bytes} bytes, {MAX_ROW_BYTES} are the most; leave out columns, or write Parquet"
        )
    })
}
