//! How a list is written, as far as its start shows it.

use std::fs::File;

use longshore_job::filter::Filter;
use longshore_job::object::bad_bucket_name;
use longshore_job::row::{KeyEncoding, decode_key};
use longshore_job::spec::{DeleteMarkers, Field, ListFormat, Meaning, ReportRows};
use serde_json::{Map, Value};

use crate::csv::BYTE_ORDER_MARK;
use crate::decode::Compression;
use crate::orc::OrcReader;
use crate::parquet::ParquetReader;
use crate::reader::same_name;

/// How much of a list is looked at, in bytes, unpacked.
pub const GUESS_BYTES: usize = 256 * 1024;

/// Rows that are looked at (count).
const GUESS_ROWS: usize = 500;

/// What may stand between two cells, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// What programs call a column, in lower case and without underscores.
const BUCKET_NAMES: [&str; 4] = ["bucket", "bucketname", "s3bucket", "sourcebucket"];
const KEY_NAMES: [&str; 6] = ["key", "objectkey", "keyname", "s3key", "objectname", "path"];
const VERSION_NAMES: [&str; 4] = ["versionid", "version", "objectversion", "objectversionid"];

/// The kinds of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// [`ListFormat::Csv`].
    Csv,
    /// [`ListFormat::JsonLines`].
    JsonLines,
    /// [`ListFormat::Parquet`].
    Parquet,
    /// [`ListFormat::Orc`].
    Orc,
    /// [`ListFormat::Inventory`].
    Inventory,
    /// [`ListFormat::Report`].
    Report,
}

/// What is known already: it is not guessed.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The kind of list.
    pub kind: Option<ListKind>,
    /// Its columns.
    pub fields: Option<Vec<Field>>,
    /// CSV: whether the first row names the columns.
    pub header: Option<bool>,
    /// CSV: what stands between two cells.
    pub delimiter: Option<u8>,
    /// How it writes keys.
    pub keys: Option<KeyEncoding>,
    /// Whether every row has the same bucket, which is no column.
    pub bucket: bool,
    /// Inventories: what becomes of delete markers.
    pub delete_markers: DeleteMarkers,
    /// Inventories: which rows.
    pub filter: Box<Filter>,
    /// Reports: which rows.
    pub rows: ReportRows,
}

/// How a list is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListGuess {
    /// Its format.
    pub format: ListFormat,
    /// Its columns, as a job file declares them.
    pub fields: Vec<Field>,
    /// How it writes keys.
    pub keys: KeyEncoding,
    /// No column holds bucket names, and none was given.
    pub lacks_bucket: bool,
}

/// The start of a list.
pub struct ListStart {
    bytes: Vec<u8>,
    whole: bool,
    compression: Compression,
    /// The columns that a Parquet or ORC file names.
    columns: Option<Vec<String>>,
}

impl ListStart {
    /// `bytes` are unpacked, [`GUESS_BYTES`] of them, or all that there are. `file` is the list itself, if it is a file.
    pub fn new(bytes: Vec<u8>, whole: bool, compression: Compression, file: Option<&File>) -> Self {
        let columns = file.and_then(|file| match kind_by_magic(&bytes)? {
            ListKind::Parquet => ParquetReader::names(file).ok(),
            ListKind::Orc => OrcReader::names(file).ok(),
            _ => None,
        });
        Self { bytes, whole, compression, columns }
    }

    /// How the list is packed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// What is given, and the likeliest for the rest.
    pub fn guess(&self, given: &Given) -> ListGuess {
        let kind = given.kind.unwrap_or_else(|| self.kind());
        let mut guess = match kind {
            ListKind::Csv => self.csv(given),
            ListKind::JsonLines => self.json_lines(given),
            ListKind::Parquet => self.columnar(ListFormat::Parquet, given),
            ListKind::Orc => self.columnar(ListFormat::Orc, given),
            ListKind::Inventory => {
                let format = ListFormat::Inventory {
                    delete_markers: given.delete_markers,
                    filter: given.filter.clone(),
                };
                ListGuess { format, fields: Vec::new(), keys: KeyEncoding::Url, lacks_bucket: false }
            }
            ListKind::Report => {
                let keys = keys_of(self.records(b',').iter().filter_map(|record| record.get(1)?.as_deref()));
                let format = ListFormat::Report { rows: given.rows };
                ListGuess { format, fields: Vec::new(), keys, lacks_bucket: false }
            }
        };
        if let Some(fields) = &given.fields {
            guess.fields.clone_from(fields);
            guess.lacks_bucket = false;
        }
        guess.keys = given.keys.unwrap_or(guess.keys);
        guess
    }

    fn kind(&self) -> ListKind {
        if let Some(kind) = kind_by_magic(&self.bytes) {
            return kind;
        }
        let text = self.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.bytes).trim_ascii_start();
        if text.first() == Some(&b'{') {
            return kind_of_json(text);
        }
        let records = self.records(b',');
        let is_result = |record: &Record| {
            let status = record.get(3).and_then(Option::as_deref);
            record.len() == 7 && matches!(status, Some("succeeded" | "failed"))
        };
        if !records.is_empty() && records.iter().all(is_result) { ListKind::Report } else { ListKind::Csv }
    }

    /// The first records of a CSV list: cells that are no UTF-8 are none.
    fn records(&self, delimiter: u8) -> Vec<Record> {
        let mut text = self.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.bytes);
        if !self.whole
            && let Some(end) = memchr::memrchr(b'\n', text)
        {
            text = text.get(..end).unwrap_or_default();
        }
        let mut reader = ::csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
        let record = |record: ::csv::ByteRecord| {
            record.iter().map(|cell| std::str::from_utf8(cell).ok().map(str::to_owned)).collect()
        };
        reader.into_byte_records().map_while(Result::ok).take(GUESS_ROWS).map(record).collect()
    }

    fn csv(&self, given: &Given) -> ListGuess {
        let split = given.delimiter.map(|delimiter| (delimiter, self.records(delimiter)));
        let (delimiter, records) = split.unwrap_or_else(|| {
            let tried = DELIMITERS.into_iter().map(|delimiter| (delimiter, self.records(delimiter)));
            let all: Vec<_> = tried.collect();
            let splits = |(_, records): &&(u8, Vec<Record>)| {
                let width = records.first().map_or(0, Vec::len);
                width > 1
                    && records.iter().filter(|record| record.len() == width).count() * 10 >= records.len() * 9
            };
            let found = all.iter().find(splits).cloned();
            found.or_else(|| all.into_iter().next()).unwrap_or_default()
        });
        let first: &[Option<String>] = records.first().map(Vec::as_slice).unwrap_or_default();
        let named = named_fields(first, given.bucket);
        let header = given.header.unwrap_or(named.is_some());
        let rows = records.get(usize::from(header)..).unwrap_or_default();
        let fields = match named {
            // The reader takes the columns from the header by itself where they have their own names.
            Some(fields) if header && is_plain(first, given.bucket) => (Vec::new(), fields),
            Some(fields) if header => (fields.clone(), fields),
            _ => {
                let fields = placed_fields(rows, given.bucket);
                (fields.clone(), fields)
            }
        };
        let (fields, known) = fields;
        let known = given.fields.as_ref().unwrap_or(&known);
        let key = known.iter().position(|field| field.meaning == Meaning::Key).unwrap_or(0);
        let keys = keys_of(rows.iter().filter_map(|row| row.get(key)?.as_deref()));
        let lacks_bucket = !given.bucket && !known.iter().any(|field| field.meaning == Meaning::Bucket);
        let format = ListFormat::Csv { header, delimiter: char::from(delimiter) };
        ListGuess { format, fields, keys, lacks_bucket }
    }

    fn json_lines(&self, given: &Given) -> ListGuess {
        let text = self.bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.bytes);
        let lines = text.split(|byte| *byte == b'\n').take(GUESS_ROWS);
        let objects: Vec<Map<String, Value>> =
            lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let names: Vec<String> =
            objects.first().map_or_else(Vec::new, |first| first.keys().cloned().collect());
        let (fields, lacks_bucket) = columns(&names, given.bucket, |a, b| a == b);
        let key = given.fields.as_ref().unwrap_or(&fields);
        let key = key.iter().find(|field| field.meaning == Meaning::Key).map_or("Key", Field::name);
        let keys = keys_of(objects.iter().filter_map(|object| object.get(key)?.as_str()));
        ListGuess { format: ListFormat::JsonLines, fields, keys, lacks_bucket }
    }

    fn columnar(&self, format: ListFormat, given: &Given) -> ListGuess {
        let (fields, lacks_bucket) = match &self.columns {
            Some(names) => columns(names, given.bucket, same_name),
            None => (Vec::new(), false),
        };
        ListGuess { format, fields, keys: KeyEncoding::Raw, lacks_bucket }
    }
}

type Record = Vec<Option<String>>;

fn kind_by_magic(start: &[u8]) -> Option<ListKind> {
    match start {
        [b'P', b'A', b'R', b'1', ..] => Some(ListKind::Parquet),
        [b'O', b'R', b'C', ..] => Some(ListKind::Orc),
        _ => None,
    }
}

/// A `manifest.json`, or one object a line.
fn kind_of_json(text: &[u8]) -> ListKind {
    let has = |word: &str| memchr::memmem::find(text, word.as_bytes()).is_some();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let object = serde_json::from_slice::<Map<String, Value>>(line).unwrap_or_default();
    let names: Vec<String> = object.keys().cloned().collect();
    if find(&names, Meaning::Key).is_some() {
        ListKind::JsonLines
    } else if has("\"sourceBucket\"") || has("\"fileSchema\"") {
        ListKind::Inventory
    } else if has("\"Report_CSV_20180820\"") || has("\"TaskExecutionStatus\"") {
        ListKind::Report
    } else {
        ListKind::JsonLines
    }
}

fn synonyms(meaning: Meaning) -> &'static [&'static str] {
    match meaning {
        Meaning::Bucket => &BUCKET_NAMES,
        Meaning::Key => &KEY_NAMES,
        Meaning::VersionId => &VERSION_NAMES,
        Meaning::Ignore | Meaning::Column => &[],
    }
}

/// The column that holds this, by its name.
fn find(names: &[String], meaning: Meaning) -> Option<usize> {
    synonyms(meaning).iter().find_map(|known| names.iter().position(|name| same_name(name.trim(), known)))
}

const WANTED: [Meaning; 3] = [Meaning::Bucket, Meaning::Key, Meaning::VersionId];

/// The fields of a list whose columns have names; none where its reader finds them by itself. And whether a bucket lacks.
fn columns(names: &[String], bucket: bool, same: impl Fn(&str, &str) -> bool) -> (Vec<Field>, bool) {
    let wanted = WANTED.into_iter().filter(|meaning| !bucket || *meaning != Meaning::Bucket);
    let found: Vec<(Meaning, &String)> =
        wanted.filter_map(|meaning| Some((meaning, names.get(find(names, meaning)?)?))).collect();
    let has = |wanted| found.iter().any(|(meaning, _)| *meaning == wanted);
    if !has(Meaning::Key) {
        return (Vec::new(), false);
    }
    let lacks_bucket = !bucket && !has(Meaning::Bucket);
    if found.iter().all(|(meaning, name)| same(name, meaning.name())) {
        return (Vec::new(), lacks_bucket);
    }
    let field = |(meaning, name): (Meaning, &String)| {
        let column = (name != meaning.name()).then(|| name.clone());
        Field { column, meaning }
    };
    (found.into_iter().map(field).collect(), lacks_bucket)
}

/// The columns of a CSV list whose first row is `first`, if that names them.
fn named_fields(first: &[Option<String>], bucket: bool) -> Option<Vec<Field>> {
    let names: Vec<String> = first.iter().map(|cell| cell.clone().unwrap_or_default()).collect();
    let place = |meaning| find(&names, meaning);
    let (own, key) = (place(Meaning::Bucket), place(Meaning::Key)?);
    if own.is_none() && !bucket {
        return None;
    }
    let meaning = |index: usize| match index {
        index if index == key => Field::KEY,
        index if Some(index) == own && !bucket => Field::BUCKET,
        index if Some(index) == place(Meaning::VersionId) => Field::VERSION_ID,
        _ => Field::IGNORE,
    };
    Some((0..names.len()).map(meaning).collect())
}

/// Whether the header calls each column that is wanted by its own name, and needs no more words.
fn is_plain(first: &[Option<String>], bucket: bool) -> bool {
    let named = |meaning: Meaning| {
        first.iter().flatten().filter(|cell| same_name(cell.trim(), meaning.name())).count()
    };
    let strange = |meaning: Meaning| {
        let is = |name: &str| synonyms(meaning).iter().any(|known| same_name(name.trim(), known));
        named(meaning) == 0 && first.iter().flatten().any(|cell| is(cell))
    };
    let buckets = if bucket { named(Meaning::Bucket) == 0 } else { named(Meaning::Bucket) == 1 };
    buckets && named(Meaning::Key) == 1 && named(Meaning::VersionId) <= 1 && !strange(Meaning::VersionId)
}

/// The columns of a CSV list without a header, by what stands in them.
fn placed_fields(rows: &[Record], bucket: bool) -> Vec<Field> {
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 {
        let fields = [Field::BUCKET, Field::KEY];
        return fields.into_iter().skip(usize::from(bucket)).collect();
    }
    // A few bad rows do not change what a column holds.
    let most = |index: usize, is: &dyn Fn(&str) -> bool| {
        let fitting = rows.iter().filter(|row| row.get(index).and_then(Option::as_deref).is_some_and(is));
        fitting.count() * 2 > rows.len()
    };
    let bucket_at = if bucket || width < 2 {
        None
    } else {
        (0..width).find(|index| most(*index, &|cell| bad_bucket_name(cell).is_none()))
    };
    let key_at = (0..width).find(|index| bucket_at.is_none_or(|bucket| *index > bucket));
    let key_at = key_at.unwrap_or(0);
    let version_at = Some(key_at + 1).filter(|index| *index < width && most(*index, &is_version_id));
    let field = |index: usize| match index {
        index if Some(index) == bucket_at => Field::BUCKET,
        index if index == key_at => Field::KEY,
        index if Some(index) == version_at => Field::VERSION_ID,
        _ => Field::IGNORE,
    };
    (0..width).map(field).collect()
}

/// What Amazon S3 and its relatives give as version IDs: no numbers, dates or words.
fn is_version_id(cell: &str) -> bool {
    let id =
        cell.len() >= 16 && cell.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    cell == "null" || (id && cell.bytes().any(|byte| byte.is_ascii_alphabetic()))
}

/// How keys are written that look like these. A program that encodes keys would have encoded spaces and other scripts, too.
fn keys_of<'k>(keys: impl Iterator<Item = &'k str>) -> KeyEncoding {
    let (mut encoded, mut bare) = (false, false);
    for key in keys {
        if !key.is_empty() && decode_key(key, KeyEncoding::Url).is_err() {
            return KeyEncoding::Raw;
        }
        encoded |= key.contains('%');
        bare |= key.contains(|c: char| !c.is_ascii() || c.is_ascii_control() || " \"<>\\^`{|}".contains(c));
    }
    if bare && !encoded { KeyEncoding::Raw } else { KeyEncoding::Url }
}
