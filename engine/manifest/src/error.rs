//! What can be wrong with a manifest, and what to do about it.

use std::io;

use longshore_job::filter::Fact;
use longshore_job::row::BadKey;

use crate::csv::MAX_ROW_BYTES;
use crate::decode::{BrokenCompression, unmarked};

/// How S3 Batch Operations says that a file is not what it should be.
const MALFORMED: &str = "Manifest file is not properly formatted";

/// Why a manifest cannot be used. Its job fails.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A row, or the file as a whole, is not what the job says it is.
    #[error("{}: row {row}{}: {problem}", .problem.reason(), at_byte(*.offset))]
    Content {
        /// Number of the row, from 1. For a problem of the whole file, the row at which it was noticed.
        row: u64,
        /// Where the row starts, in bytes from the start of the manifest, unpacked if it is compressed; none in files
        /// that have no rows one after the other.
        offset: Option<u64>,
        /// What is wrong.
        problem: Problem,
    },
    /// The declared columns cannot name objects; no row was read.
    #[error("{}: {problem}", .problem.reason())]
    Schema {
        /// What is wrong.
        problem: Problem,
    },
    /// A file that is not what its format or its compression asks for.
    #[error("{MALFORMED}: {}", damage(.what, .why))]
    Damaged {
        /// `gzip`, `Parquet`, ….
        what: &'static str,
        /// What its decoder said.
        why: String,
    },
    /// The source of the manifest broke off.
    #[error(
        "cannot read the manifest beyond byte {offset}: {source}; submit the job again once it can be read"
    )]
    Read {
        /// How many bytes were read before.
        offset: u64,
        /// What the source said.
        source: io::Error,
    },
}

impl ManifestError {
    /// The job's failure code: S3's `InvalidManifestContent` where the manifest is at fault, else one of the
    /// engine's own.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Content { .. } | Self::Schema { .. } | Self::Damaged { .. } => "InvalidManifestContent",
            Self::Read { .. } => "ManifestNotReadable",
        }
    }
}

impl ManifestError {
    /// The number of the row that it is about, and where that starts.
    pub fn place(&self) -> (Option<u64>, Option<u64>) {
        match self {
            Self::Content { row, offset, .. } => (Some(*row), *offset),
            Self::Read { offset, .. } => (None, Some(*offset)),
            Self::Schema { .. } | Self::Damaged { .. } => (None, None),
        }
    }

    /// What is wrong in the words of S3 Batch Operations, and what exactly, apart from the place.
    pub fn words(&self) -> (String, String) {
        match self {
            Self::Content { problem, .. } | Self::Schema { problem } => {
                (problem.reason(), problem.to_string())
            }
            Self::Damaged { what, why } => (MALFORMED.to_owned(), damage(what, why)),
            Self::Read { .. } => (self.code().to_owned(), self.to_string()),
        }
    }

    /// What is wrong with the content, if that is what is wrong.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Content { problem, .. } | Self::Schema { problem } => Some(problem),
            Self::Damaged { .. } | Self::Read { .. } => None,
        }
    }
}

impl ManifestError {
    /// Whether only one row is concerned, so that reading can go on behind it.
    pub fn is_about_one_row(&self) -> bool {
        match self {
            Self::Content { problem, .. } => !matches!(
                problem,
                Problem::Header { .. }
                    | Problem::ByteOrderMark
                    | Problem::OpenQuote { .. }
                    | Problem::RowTooLong { .. }
                    | Problem::OtherFormat { .. }
                    | Problem::Empty
                    | Problem::OnlyHeader
            ),
            _ => false,
        }
    }

    /// Whether the file has no rows and nothing else is wrong with it.
    pub(crate) fn is_empty_list(&self) -> bool {
        matches!(self, Self::Content { problem: Problem::Empty | Problem::OnlyHeader, .. })
    }

    /// What a reader's source said: that it broke off, or that its compression did.
    pub(crate) fn from_read(offset: u64, source: io::Error) -> Self {
        match source.downcast::<BrokenCompression>() {
            Ok(broken) => {
                let why = format!("{} beyond byte {offset} of what it holds", broken.why);
                Self::Damaged { what: broken.compression.name(), why }
            }
            Err(source) => Self::Read { offset, source: unmarked(source) },
        }
    }
}

fn damage(what: &str, why: &str) -> String {
    format!("the {what} file is damaged or incomplete: {why}; copy or make it again")
}

fn at_byte(offset: Option<u64>) -> String {
    offset.map(|offset| format!(" (at byte {offset})")).unwrap_or_default()
}

/// What is wrong with the content of a manifest. The words of S3 Batch Operations are in [`Problem::reason`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The row has more or fewer columns than the job declares.
    #[error(
        "the row has {}, the job declares {expected}: {text}; \
         {}", columns(*.found), columns_hint(*.delimiter)
    )]
    Columns {
        /// Columns of the row.
        found: usize,
        /// Columns declared.
        expected: usize,
        /// What parts the row into as many as are declared.
        delimiter: Option<char>,
        /// The row, escaped.
        text: String,
    },
    /// The key is none.
    #[error("the key \"{text}\" is refused: {bad}; {}", key_hint(.bad))]
    Key {
        /// Why.
        bad: BadKey,
        /// The key as written, escaped.
        text: String,
    },
    /// The key's bytes as they stand in the file are not UTF-8.
    #[error("the key \"{text}\" is not UTF-8; write the manifest in UTF-8, with keys percent-encoded")]
    KeyNotUtf8 {
        /// The key as written, escaped.
        text: String,
    },
    /// No bucket name.
    #[error("the bucket is empty; every row needs a bucket name")]
    BucketEmpty,
    /// The bucket's bytes cannot be a bucket name.
    #[error(
        "the bucket \"{text}\" cannot be a bucket name: {why}; check that the columns stand in the order of `fields`"
    )]
    Bucket {
        /// The bucket as written, escaped.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// The version ID's bytes cannot be one.
    #[error(
        "the version ID \"{text}\" is refused: {why}; copy it from a listing, or write `null` for the null version"
    )]
    VersionId {
        /// The version ID as written, escaped.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// The first row names the columns.
    #[error(
        "the first row names the columns: {text}; write `header = true` in the job file, or remove this row"
    )]
    Header {
        /// The row, escaped.
        text: String,
    },
    /// The file starts with a byte order mark.
    #[error("the file starts with a byte order mark (\\xef\\xbb\\xbf); save it as UTF-8 without BOM")]
    ByteOrderMark,
    /// The file is something else.
    #[error("this is {what}, not what the job file says; {hint}")]
    OtherFormat {
        /// What it is.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The file does not start as the job says.
    #[error("this is no {what} file, it starts with \"{start}\"; correct `format` in the job file")]
    OtherStart {
        /// What it should be.
        what: &'static str,
        /// Its first bytes, escaped.
        start: String,
    },
    /// A file that is packed as a whole, which its format does not allow.
    #[error("this is no {what} file, it is packed with {compression}; unpack it: only text may be packed")]
    Packed {
        /// What it should be.
        what: &'static str,
        /// How it is packed.
        compression: &'static str,
    },
    /// A line with nothing in it.
    #[error("the line is empty; remove it")]
    EmptyLine,
    /// A quoted cell that never ends.
    #[error(
        "a quoted cell is still open at the end of the file: {text}; close the quote, or double a quote inside a cell"
    )]
    OpenQuote {
        /// The row so far, escaped.
        text: String,
    },
    /// More than [`MAX_ROW_BYTES`] in one row.
    #[error(
        "the row is longer than {MAX_ROW_BYTES} bytes: {text}; look for a quote or a line end that is missing"
    )]
    RowTooLong {
        /// The start of the row, escaped.
        text: String,
    },
    /// A line that is no JSON object.
    #[error("the line {text} is no JSON object: {why}; write one object in each line")]
    Json {
        /// The line, escaped.
        text: String,
        /// What the parser said.
        why: String,
    },
    /// A JSON object without a member that it needs.
    #[error("the member \"{name}\" {why}: {text}; correct the line, or name its members in `fields`")]
    Member {
        /// The member's name.
        name: String,
        /// What is wrong with it.
        why: String,
        /// The line, escaped.
        text: String,
    },
    /// A value for the operation that cannot be handed to it.
    #[error(
        "the value \"{text}\" of column \"{name}\" is refused: {why}; correct it, or leave the column out of `fields`"
    )]
    Column {
        /// The column's name.
        name: String,
        /// The value, escaped.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// The file lacks columns.
    #[error("the file has no column {missing}; it has: {found}; name its columns in `fields`")]
    ColumnsMissing {
        /// What was looked for.
        missing: String,
        /// What there is.
        found: String,
    },
    /// A column that holds no text.
    #[error("column \"{name}\" holds {found}; write it as text, or name another column in `fields`")]
    ColumnType {
        /// The column's name.
        name: String,
        /// What it holds.
        found: String,
    },
    /// An inventory without the column that a filter asks for.
    #[error(
        "`where` asks for {fact}, and the inventory has no column for that{}; it has: {found}; \
         take the condition out of `where`, or have the inventory made with that field", called(*.column)
    )]
    FilterColumn {
        /// What the filter asks for.
        fact: Fact,
        /// The column's name, if inventories have one.
        column: Option<&'static str>,
        /// The columns there are.
        found: String,
    },
    /// A row whose cell does not tell what a filter asks for.
    #[error(
        "`where` asks for {fact}, which {column} \"{text}\" does not tell; correct the row, or take the condition out of `where`"
    )]
    FilterValue {
        /// What the filter asks for.
        fact: Fact,
        /// The column's name.
        column: &'static str,
        /// The value, escaped.
        text: String,
    },
    /// A filter that cannot be asked about a row.
    #[error("{0}")]
    Filter(String),
    /// A file that is packed in a way that cannot be read.
    #[error("its columns are packed with {codec}; write it with zstd, gzip, snappy or uncompressed")]
    Codec {
        /// How it is packed.
        codec: String,
    },
    /// A `manifest.json` that is none.
    #[error("{0}")]
    Index(String),
    /// No rows at all.
    #[error("the manifest is empty; a job needs at least one object")]
    Empty,
    /// A header, and no rows behind it.
    #[error("no row follows the header; a job needs at least one object")]
    OnlyHeader,
    /// A column that every manifest needs is not declared.
    #[error("`fields` must name the columns in order, `Bucket` and `Key` among them; add what is missing")]
    FieldsMissing {
        /// The names of the missing columns.
        missing: String,
    },
    /// A column is declared twice.
    #[error(
        "`{field}` is named more than once; name the columns in `fields`, those to pass over as `Ignore`"
    )]
    FieldTwice {
        /// The column's name.
        field: &'static str,
    },
}

impl Problem {
    /// The line of a job file that accepts what is wrong, where there is one.
    pub fn accepted_by(&self) -> Option<String> {
        match self {
            Self::Header { .. } => Some("header = true".to_owned()),
            Self::Key { bad: BadKey::Escape, .. } => Some("keys = \"raw\"".to_owned()),
            Self::Columns { delimiter: Some(delimiter), .. } => {
                Some(format!("delimiter = \"{}\"", delimiter.escape_default()))
            }
            _ => None,
        }
    }

    /// The failure reason as S3 Batch Operations words it.
    pub fn reason(&self) -> String {
        match self {
            Self::Columns { .. } => "Unexpected number of task fields".into(),
            Self::Key { .. } | Self::KeyNotUtf8 { .. } => "Invalid object key format".into(),
            Self::VersionId { .. } => "Invalid version ID format".into(),
            Self::FieldsMissing { missing } => {
                format!("Required fields are missing in the schema: {missing}")
            }
            Self::ColumnsMissing { missing, .. } => {
                format!("Required fields are missing in the schema: {missing}")
            }
            Self::Bucket { .. }
            | Self::BucketEmpty
            | Self::Column { .. }
            | Self::Empty
            | Self::OnlyHeader
            | Self::FieldTwice { .. }
            | Self::FilterColumn { .. }
            | Self::FilterValue { .. }
            | Self::Filter(_)
            | Self::ColumnType { .. } => "Invalid Manifest Content".into(),
            Self::Header { .. }
            | Self::ByteOrderMark
            | Self::EmptyLine
            | Self::OpenQuote { .. }
            | Self::OtherFormat { .. }
            | Self::OtherStart { .. }
            | Self::Packed { .. }
            | Self::Codec { .. }
            | Self::Json { .. }
            | Self::Member { .. }
            | Self::Index(_)
            | Self::RowTooLong { .. } => MALFORMED.into(),
        }
    }
}

fn called(column: Option<&str>) -> String {
    column.map(|column| format!(" ({column})")).unwrap_or_default()
}

fn columns(count: usize) -> String {
    if count == 1 { "1 column".into() } else { format!("{count} columns") }
}

fn columns_hint(delimiter: Option<char>) -> String {
    match delimiter {
        Some(delimiter) => format!("write `delimiter = \"{}\"` in the job file", delimiter.escape_default()),
        None => {
            "correct the row, or `fields` if the list has them, and quote cells that contain the delimiter"
                .into()
        }
    }
}

fn key_hint(bad: &BadKey) -> &'static str {
    match bad {
        BadKey::Escape => {
            "write `%` itself as %25, or `keys = \"raw\"` in the job file (of a list that is no inventory and no report) if keys are not percent-encoded"
        }
        BadKey::NotUtf8 => {
            "percent-encode its UTF-8 bytes, or write `keys = \"raw\"` in the job file (of a list that is no inventory and no report) if keys are not percent-encoded"
        }
        BadKey::Empty => "every row needs a key",
        BadKey::TooLong(_) => "shorten the key or remove the row: no such object can exist",
        BadKey::Nul => "remove the row: no such object can be named in a request",
    }
}
