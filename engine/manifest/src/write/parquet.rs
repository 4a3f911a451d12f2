//! Parquet lists: one text column for each field, those that may be null optional.

use std::io::{self, Write};
use std::sync::Arc;

use longshore_job::row::Row;
use longshore_job::spec::Field;
use parquet::basic::{Compression as Codec, GzipLevel, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{Layout, RowWriter, WriteError, cells, is_optional, key_of};
use crate::decode::Compression;

/// Rows of a row group (count; with [`GROUP_BYTES`] it bounds memory, and how large the footer grows).
const GROUP_ROWS: usize = 250_000;

/// Text of a row group, in bytes.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Writes a Parquet file, row group by row group.
pub(super) struct ParquetWriter<W: Write + Send> {
    out: SerializedFileWriter<W>,
    layout: Layout,
    fields: Vec<Field>,
    columns: Vec<Column>,
    /// What is in memory.
    rows: usize,
    bytes: usize,
    row: u64,
}

/// The values of one column that are not written yet.
#[derive(Default)]
struct Column {
    values: Vec<ByteArray>,
    /// 1 for each value, 0 for each null; none if it cannot be null.
    levels: Option<Vec<i16>>,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn new(out: W, layout: Layout) -> Result<Self, WriteError> {
        let codec = match layout.compression {
            Compression::None => Codec::UNCOMPRESSED,
            Compression::Gzip => Codec::GZIP(GzipLevel::default()),
            Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
            Compression::Bzip2 => {
                let why = "a Parquet file cannot be compressed with bzip2; use zstd or gzip";
                return Err(WriteError::Layout(why.to_owned()));
            }
        };
        let fields = layout.columns_in_order();
        let types = fields.iter().map(column_type).collect::<Result<_, _>>().map_err(failed)?;
        let schema = Type::group_type_builder("list").with_fields(types).build().map_err(failed)?;
        let properties = WriterProperties::builder().set_compression(codec).build();
        let out = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        let column = |field: &Field| Column { values: Vec::new(), levels: is_optional(field).then(Vec::new) };
        let columns = fields.iter().map(column).collect();
        Ok(Self { out, layout, fields, columns, rows: 0, bytes: 0, row: 0 })
    }

    fn push(&mut self, row: &Row) -> Result<(), String> {
        let key = key_of(&self.layout, row)?;
        let cells = cells(&self.layout, &self.fields, row, &key)?;
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            if let Some(levels) = &mut column.levels {
                levels.push(i16::from(cell.is_some()));
            }
            if let Some(cell) = cell {
                column.values.push(cell.into());
                self.bytes += cell.len();
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes what is in memory as a row group.
    fn flush(&mut self) -> Result<(), ParquetError> {
        let mut group = self.out.next_row_group()?;
        for Column { values, levels } in &mut self.columns {
            let Some(mut column) = group.next_column()? else { break };
            column.typed::<ByteArrayType>().write_batch(values, levels.as_deref(), None)?;
            column.close()?;
            values.clear();
            levels.iter_mut().for_each(Vec::clear);
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

fn column_type(field: &Field) -> Result<Arc<Type>, ParquetError> {
    let repetition = if is_optional(field) { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let built = Type::primitive_type_builder(field.name(), Physical::BYTE_ARRAY)
        .with_logical_type(Some(LogicalType::String))
        .with_repetition(repetition)
        .build()?;
    Ok(Arc::new(built))
}

impl<W: Write + Send> RowWriter for ParquetWriter<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        self.row += 1;
        self.push(row).map_err(|why| WriteError::Row { row: self.row, why })?;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.flush().map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        if self.rows > 0 {
            self.flush().map_err(failed)?;
        }
        self.out.finish().map_err(failed)?;
        Ok(self.out.inner_mut().flush()?)
    }
}

fn failed(error: ParquetError) -> WriteError {
    WriteError::Io(io::Error::other(error))
}
