//! Parquet files: plain ones with named columns, and the data files of inventories.

use std::fs::File;

use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::{Field, Meaning};
use parquet::basic::{Compression, ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use crate::cells::Shape;
use crate::columnar::{BATCH_ROWS, check_magic, find_columns, shown_date, shown_time};
use crate::error::{ManifestError, Problem};
use crate::reader::RowReader;

/// The rows of a Parquet file.
pub struct ParquetReader {
    file: SerializedFileReader<File>,
    shape: Shape,
    columns: Vec<Column>,
    /// The row group after the current one.
    next_group: usize,
    /// Rows of the current group that are not in the batch yet.
    left_in_group: usize,
    /// Rows in the batch, and how many of them were given out.
    batch: usize,
    given: usize,
    row: u64,
    done: bool,
}

/// One column of the file and its values in the batch.
struct Column {
    index: usize,
    description: ColumnDescPtr,
    reader: Option<ColumnReader>,
    values: Values,
    /// For each row of the batch, which value it has; none in a column without nulls.
    places: Option<Vec<Option<usize>>>,
    levels: Vec<i16>,
}

enum Values {
    Bytes(Vec<ByteArray>),
    Text(Vec<String>),
}

impl ParquetReader {
    /// The names of the columns of a file.
    ///
    /// # Errors
    /// [`ManifestError::Damaged`] if it is no Parquet file.
    pub fn names(file: &File) -> Result<Vec<String>, ManifestError> {
        let file = file.try_clone().map_err(ParquetError::from).map_err(damaged)?;
        Ok(column_names(&open(file)?))
    }

    /// Opens a file and finds these columns in it; none stands for `Bucket`, `Key`, and `VersionId` if there is one.
    ///
    /// # Errors
    /// [`ManifestError::Damaged`] if it is no Parquet file; [`ManifestError::Schema`] if columns are missing or hold no text.
    pub fn new(
        file: File,
        asked: &[Field],
        keys: KeyEncoding,
        bucket: Option<&str>,
    ) -> Result<Self, ManifestError> {
        let file = open(file)?;
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        let names = column_names(&file);
        let found = find_columns(asked, bucket.is_some(), &names)?;
        let mut columns = Vec::with_capacity(found.len());
        for (field, index) in &found {
            columns.push(Column::new(schema.column(*index), *index, field)?);
            check_codec(&file, *index)?;
        }
        let fields: Vec<Field> = found.into_iter().map(|(field, _)| field).collect();
        let shape = Shape::new(&fields, keys, bucket)?.optional_version(asked);
        Ok(Self {
            file,
            shape,
            columns,
            next_group: 0,
            left_in_group: 0,
            batch: 0,
            given: 0,
            row: 0,
            done: false,
        })
    }

    /// Reads the next batch; false at the end of the file.
    fn load(&mut self) -> Result<bool, ParquetError> {
        while self.left_in_group == 0 {
            if self.next_group == self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.next_group)?;
            self.next_group += 1;
            self.left_in_group = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            for column in &mut self.columns {
                column.reader = Some(group.get_column_reader(column.index)?);
            }
        }
        let rows = self.left_in_group.min(BATCH_ROWS);
        for column in &mut self.columns {
            column.load(rows)?;
        }
        self.left_in_group -= rows;
        (self.batch, self.given) = (rows, 0);
        Ok(true)
    }
}

impl RowReader for ParquetReader {
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError> {
        if self.done {
            return Ok(false);
        }
        if self.given == self.batch && !self.load().map_err(damaged).inspect_err(|_| self.done = true)? {
            self.done = true;
            if self.row > 0 {
                return Ok(false);
            }
            return Err(ManifestError::Content { row: 1, offset: None, problem: Problem::Empty });
        }
        self.row += 1;
        let index = self.given;
        self.given += 1;
        let cell = |field: usize| self.columns.get(field)?.cell(index);
        if let Err(problem) = self.shape.fill(row, cell) {
            self.shape.show(row, cell);
            return Err(ManifestError::Content { row: self.row, offset: None, problem });
        }
        Ok(true)
    }
}

fn open(file: File) -> Result<SerializedFileReader<File>, ManifestError> {
    check_magic(&file, "Parquet", b"PAR1")?;
    SerializedFileReader::new(file).map_err(damaged)
}

/// Refuses what the column is packed with, before its first page is.
fn check_codec(file: &SerializedFileReader<File>, column: usize) -> Result<(), ManifestError> {
    let chunks = file.metadata().row_groups().iter().filter_map(|group| group.columns().get(column));
    let unknown = |codec: &Compression| {
        !matches!(
            codec,
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_)
        )
    };
    match chunks.map(|chunk| chunk.compression()).find(unknown) {
        Some(codec) => {
            let codec = codec.to_string().split('(').next().unwrap_or_default().to_owned();
            Err(ManifestError::Schema { problem: Problem::Codec { codec } })
        }
        None => Ok(()),
    }
}

/// The columns by their names; nested ones have dots in them, and a list is one column, whatever it is made of.
fn column_names(file: &SerializedFileReader<File>) -> Vec<String> {
    let schema = file.metadata().file_metadata().schema_descr();
    let name = |column: &ColumnDescPtr| match column.path().parts().first() {
        Some(name) if column.max_rep_level() > 0 => name.clone(),
        _ => column.path().string(),
    };
    schema.columns().iter().map(name).collect()
}

impl Column {
    fn new(description: ColumnDescPtr, index: usize, field: &Field) -> Result<Self, ManifestError> {
        let bytes = description.physical_type() == Type::BYTE_ARRAY;
        let refused = |found: String| {
            Err(ManifestError::Schema {
                problem: Problem::ColumnType { name: field.name().to_owned(), found },
            })
        };
        if description.max_rep_level() > 0 {
            return refused("lists".to_owned());
        }
        if is_decimal(&description) {
            return refused("decimals".to_owned());
        }
        let shown =
            field.meaning == Meaning::Column && description.physical_type() != Type::FIXED_LEN_BYTE_ARRAY;
        if !bytes && !shown {
            return refused(description.physical_type().to_string());
        }
        let values = if bytes { Values::Bytes(Vec::new()) } else { Values::Text(Vec::new()) };
        Ok(Self { index, description, reader: None, values, places: None, levels: Vec::new() })
    }

    fn load(&mut self, rows: usize) -> Result<(), ParquetError> {
        use ColumnReader as Reader;
        let Self { reader, values, levels, description, .. } = self;
        levels.clear();
        let time = time_unit(description);
        let shown = |value: i64| time.map_or_else(|| value.to_string(), |unit| shown_time(value, unit));
        match (reader, values) {
            (Some(Reader::ByteArrayColumnReader(reader)), Values::Bytes(values)) => {
                values.clear();
                read_exactly(reader, rows, levels, values)?;
            }
            (Some(Reader::BoolColumnReader(reader)), Values::Text(text)) => {
                read_text(reader, rows, levels, text, |value| value.to_string())?;
            }
            (Some(Reader::Int32ColumnReader(reader)), Values::Text(text)) if is_date(description) => {
                read_text(reader, rows, levels, text, |days| shown_date(*days))?;
            }
            (Some(Reader::Int32ColumnReader(reader)), Values::Text(text)) => {
                read_text(reader, rows, levels, text, |value| value.to_string())?;
            }
            (Some(Reader::Int64ColumnReader(reader)), Values::Text(text)) => {
                read_text(reader, rows, levels, text, |value| shown(*value))?;
            }
            (Some(Reader::Int96ColumnReader(reader)), Values::Text(text)) => {
                read_text(reader, rows, levels, text, |value| shown_time(value.to_micros(), 1_000_000))?;
            }
            (Some(Reader::FloatColumnReader(reader)), Values::Text(text)) => {
                read_text(reader, rows, levels, text, |value| format!("{value:?}"))?;
            }
            (Some(Reader::DoubleColumnReader(reader)), Values::Text(text)) => {
                read_text(reader, rows, levels, text, |value| format!("{value:?}"))?;
            }
            _ => {
                let why = format!("column {} has a type that is not supported", description.path());
                return Err(ParquetError::General(why));
            }
        }
        self.place();
        Ok(())
    }

    /// Finds out which value each row has.
    fn place(&mut self) {
        let most = self.description.max_def_level();
        self.places = (most > 0).then(|| {
            let mut next = 0;
            let place = |level: &i16| {
                let place = (*level == most).then_some(next);
                next += usize::from(*level == most);
                place
            };
            self.levels.iter().map(place).collect()
        });
    }

    fn cell(&self, row: usize) -> Option<&[u8]> {
        let place = match &self.places {
            Some(places) => places.get(row).copied().flatten()?,
            None => row,
        };
        match &self.values {
            Values::Bytes(values) => values.get(place).map(ByteArray::data),
            Values::Text(values) => values.get(place).map(String::as_bytes),
        }
    }
}

/// Reads `rows` rows: the reader may give fewer at once.
fn read_exactly<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: &mut Vec<i16>,
    values: &mut Vec<T::T>,
) -> Result<(), ParquetError> {
    let mut done = 0;
    while done < rows {
        let (read, _, _) = reader.read_records(rows - done, Some(levels), None, values)?;
        if read == 0 {
            return Err(ParquetError::General(format!("a column has fewer than {rows} rows in its batch")));
        }
        done += read;
    }
    Ok(())
}

fn read_text<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: &mut Vec<i16>,
    text: &mut Vec<String>,
    shown: impl Fn(&T::T) -> String,
) -> Result<(), ParquetError> {
    let mut values = Vec::with_capacity(rows);
    read_exactly(reader, rows, levels, &mut values)?;
    text.clear();
    text.extend(values.iter().map(shown));
    Ok(())
}

fn is_decimal(description: &ColumnDescPtr) -> bool {
    description.converted_type() == ConvertedType::DECIMAL
        || matches!(description.logical_type_ref(), Some(LogicalType::Decimal(_)))
}

fn is_date(description: &ColumnDescPtr) -> bool {
    description.converted_type() == ConvertedType::DATE
        || matches!(description.logical_type_ref(), Some(LogicalType::Date))
}

/// Ticks per second, if the column holds times.
fn time_unit(description: &ColumnDescPtr) -> Option<i64> {
    match description.logical_type_ref() {
        Some(LogicalType::Timestamp(time)) => Some(match time.unit {
            TimeUnit::MILLIS => 1000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        }),
        _ => None,
    }
}

fn damaged(error: ParquetError) -> ManifestError {
    ManifestError::Damaged { what: "Parquet", why: error.to_string() }
}
