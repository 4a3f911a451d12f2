//! ORC lists: one text column for each field.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use longshore_job::row::Row;
use longshore_job::spec::Field;
use orc_rust::compression::CompressionType;
use orc_rust::{ArrowWriter, ArrowWriterBuilder};

use super::{Layout, RowWriter, WriteError, cells, is_optional, key_of};
use crate::columnar::BATCH_ROWS;
use crate::decode::Compression;

/// About how much of the file is in memory, in bytes: a stripe of it.
const STRIPE_BYTES: usize = 16 * 1024 * 1024;

/// Writes an ORC file, stripe by stripe.
pub(super) struct OrcWriter<W> {
    out: ArrowWriter<W>,
    layout: Layout,
    fields: Vec<Field>,
    schema: SchemaRef,
    columns: Vec<StringBuilder>,
    rows: usize,
    row: u64,
}

impl<W: Write> OrcWriter<W> {
    /// `out` must hold nothing back: the library does not flush it.
    pub(super) fn new(out: W, layout: Layout) -> Result<Self, WriteError> {
        let fields = layout.columns_in_order();
        let column = |field: &Field| ArrowField::new(field.name(), DataType::Utf8, is_optional(field));
        let schema: SchemaRef = Arc::new(Schema::new(fields.iter().map(column).collect::<Vec<_>>()));
        let builder = ArrowWriterBuilder::new(out, Arc::clone(&schema))
            .with_batch_size(BATCH_ROWS)
            .with_stripe_byte_size(STRIPE_BYTES);
        let builder = match layout.compression {
            Compression::None => builder,
            Compression::Gzip => builder.with_compression(CompressionType::Zlib),
            Compression::Zstd => builder.with_compression(CompressionType::Zstd),
            Compression::Bzip2 => {
                let why = "an ORC file cannot be compressed with bzip2; use zstd or gzip";
                return Err(WriteError::Layout(why.to_owned()));
            }
        };
        let columns = fields.iter().map(|_| StringBuilder::new()).collect();
        Ok(Self {
            out: builder.try_build().map_err(failed)?,
            layout,
            fields,
            schema,
            columns,
            rows: 0,
            row: 0,
        })
    }

    fn push(&mut self, row: &Row) -> Result<(), String> {
        let key = key_of(&self.layout, row)?;
        let cells = cells(&self.layout, &self.fields, row, &key)?;
        self.columns.iter_mut().zip(cells).for_each(|(column, cell)| column.append_option(cell));
        self.rows += 1;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(failed)?;
        self.rows = 0;
        self.out.write(&batch).map_err(failed)
    }
}

impl<W: Write> RowWriter for OrcWriter<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        self.row += 1;
        self.push(row).map_err(|why| WriteError::Row { row: self.row, why })?;
        if self.rows >= BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), WriteError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.out.close().map_err(failed)
    }
}

fn failed(error: impl ToString) -> WriteError {
    WriteError::Io(io::Error::other(error.to_string()))
}
