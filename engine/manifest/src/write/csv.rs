//! CSV lists: by default `S3BatchOperations_CSV_20180820` (Amazon S3 User Guide, "Specifying a manifest").

use std::io::{self, Write};

use csv::{Writer, WriterBuilder};
use longshore_job::row::Row;
use longshore_job::spec::Field;

use super::pack::Packed;
use super::{Layout, RowWriter, WriteError, cells, key_of, too_long};
use crate::csv::is_header;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Writes a CSV list. Cells are quoted where they must be; a null becomes an empty cell.
pub(super) struct CsvWriter<W: Write> {
    out: Writer<Packed<W>>,
    layout: Layout,
    fields: Vec<Field>,
    header: bool,
    row: u64,
}

impl<W: Write> CsvWriter<W> {
    pub(super) fn new(
        out: Packed<W>,
        layout: Layout,
        header: bool,
        delimiter: u8,
    ) -> Result<Self, WriteError> {
        let fields = layout.columns_in_order();
        let mut out = WriterBuilder::new().delimiter(delimiter).from_writer(out);
        if header {
            out.write_record(fields.iter().map(Field::name)).map_err(failed)?;
        }
        Ok(Self { out, layout, fields, header, row: 0 })
    }

    fn try_write(&mut self, row: &Row) -> Result<Result<(), csv::Error>, String> {
        let key = key_of(&self.layout, row)?;
        let cells = cells(&self.layout, &self.fields, row, &key)?;
        let cells: Vec<&str> = cells.into_iter().map(Option::unwrap_or_default).collect();
        if self.row == 1 && !self.header {
            self.check_first(&cells)?;
        }
        let bytes = cells.iter().map(|cell| cell.len() + cell.matches('"').count() + 3).sum();
        match too_long(bytes) {
            Some(why) => Err(why),
            None => Ok(self.out.write_record(&cells)),
        }
    }

    /// What the first row must not look like.
    fn check_first(&self, cells: &[&str]) -> Result<(), String> {
        if cells.first().is_some_and(|cell| cell.starts_with(BYTE_ORDER_MARK)) {
            return Err("the list would start with a byte order mark; write it with a header".to_owned());
        }
        if is_header(cells, &self.fields) {
            return Err("it would be taken for a header; write the list with one".to_owned());
        }
        Ok(())
    }
}

impl<W: Write + Send> RowWriter for CsvWriter<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        self.row += 1;
        let written = self.try_write(row).map_err(|why| WriteError::Row { row: self.row, why })?;
        written.map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        let out = self.out.into_inner().map_err(|error| io::Error::from(error.error().kind()))?;
        Ok(out.finish()?)
    }
}

fn failed(error: csv::Error) -> WriteError {
    WriteError::Io(error.into())
}
