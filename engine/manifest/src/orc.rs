//! ORC files: plain ones with named columns, and the data files of inventories.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::{Field, Meaning};
use orc_rust::ArrowReaderBuilder;
use orc_rust::arrow_reader::ArrowReader;
use orc_rust::projection::ProjectionMask;

use crate::cells::Shape;
use crate::columnar::{BATCH_ROWS, check_magic, find_columns, shown_time};
use crate::error::{ManifestError, Problem};
use crate::reader::RowReader;

/// The rows of an ORC file. One stripe of it is in memory at a time.
pub struct OrcReader {
    batches: ArrowReader<File>,
    shape: Shape,
    /// The columns of the file in the order of the fields.
    names: Vec<String>,
    columns: Vec<BinaryArray>,
    batch: usize,
    given: usize,
    row: u64,
    done: bool,
}

impl OrcReader {
    /// The names of the columns of a file.
    ///
    /// # Errors
    /// [`ManifestError::Damaged`] if it is no ORC file.
    pub fn names(file: &File) -> Result<Vec<String>, ManifestError> {
        let schema = open(file.try_clone().map_err(damaged)?)?.schema();
        Ok(schema.fields().iter().map(|field| field.name().clone()).collect())
    }

    /// Opens a file and finds these columns in it; none stands for `Bucket`, `Key`, and `VersionId` if there is one.
    ///
    /// # Errors
    /// [`ManifestError::Damaged`] if it is no ORC file; [`ManifestError::Schema`] if columns are missing or hold no text.
    pub fn new(
        file: File,
        asked: &[Field],
        keys: KeyEncoding,
        bucket: Option<&str>,
    ) -> Result<Self, ManifestError> {
        let builder = open(file)?;
        let schema = builder.schema();
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let found = find_columns(asked, bucket.is_some(), &names)?;
        let mut wanted = Vec::with_capacity(found.len());
        for (field, index) in &found {
            let column = schema.field(*index);
            let found = column.data_type();
            if found.is_nested() || (field.meaning != Meaning::Column && !is_text(found)) {
                let found = if found.is_nested() { "lists or structures".into() } else { found.to_string() };
                return Err(ManifestError::Schema {
                    problem: Problem::ColumnType { name: column.name().clone(), found },
                });
            }
            wanted.push(column.name().clone());
        }
        let mask = ProjectionMask::named_roots(builder.file_metadata().root_data_type(), &wanted);
        let fields: Vec<Field> = found.into_iter().map(|(field, _)| field).collect();
        Ok(Self {
            batches: builder.with_projection(mask).with_batch_size(BATCH_ROWS).build(),
            shape: Shape::new(&fields, keys, bucket)?.optional_version(asked),
            names: wanted,
            columns: Vec::new(),
            batch: 0,
            given: 0,
            row: 0,
            done: false,
        })
    }

    /// Reads the next batch; false at the end of the file.
    fn load(&mut self) -> Result<bool, ManifestError> {
        loop {
            let Some(batch) = self.batches.next() else { return Ok(false) };
            let batch = batch.map_err(damaged)?;
            if batch.num_rows() == 0 {
                continue;
            }
            (self.batch, self.given) = (batch.num_rows(), 0);
            self.columns = self.names.iter().map(|name| column(&batch, name)).collect::<Result<_, _>>()?;
            return Ok(true);
        }
    }
}

fn open(file: File) -> Result<ArrowReaderBuilder<File>, ManifestError> {
    check_magic(&file, "ORC", b"ORC")?;
    ArrowReaderBuilder::try_new(file).map_err(damaged)
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary)
}

/// A column of a batch as text, of which what is binary need not be UTF-8.
fn column(batch: &RecordBatch, name: &str) -> Result<BinaryArray, ManifestError> {
    let Some(column) = batch.column_by_name(name) else {
        return Err(damaged(format!("column {name} is gone")));
    };
    if let DataType::Timestamp(unit, _) = column.data_type() {
        let ticks = cast(column, &DataType::Int64).map_err(damaged)?;
        let unit = match unit {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        };
        let ticks = ticks.as_primitive::<arrow::datatypes::Int64Type>();
        return Ok(ticks.iter().map(|ticks| ticks.map(|ticks| shown_time(ticks, unit))).collect());
    }
    let text = if is_text(column.data_type()) {
        Arc::clone(column)
    } else {
        cast(column, &DataType::Utf8).map_err(damaged)?
    };
    let bytes = cast(&text, &DataType::Binary).map_err(damaged)?;
    bytes.as_binary_opt::<i32>().cloned().ok_or_else(|| damaged(format!("column {name} holds no text")))
}

impl RowReader for OrcReader {
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError> {
        if self.done {
            return Ok(false);
        }
        if self.given == self.batch && !self.load().inspect_err(|_| self.done = true)? {
            self.done = true;
            if self.row > 0 {
                return Ok(false);
            }
            return Err(ManifestError::Content { row: 1, offset: None, problem: Problem::Empty });
        }
        self.row += 1;
        let index = self.given;
        self.given += 1;
        let cell = |field: usize| {
            let column = self.columns.get(field)?;
            column.is_valid(index).then(|| column.value(index))
        };
        if let Err(problem) = self.shape.fill(row, cell) {
            self.shape.show(row, cell);
            return Err(ManifestError::Content { row: self.row, offset: None, problem });
        }
        Ok(true)
    }
}

fn damaged(error: impl ToString) -> ManifestError {
    ManifestError::Damaged { what: "ORC", why: error.to_string() }
}
