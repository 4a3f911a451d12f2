//! JSON Lines lists (jsonlines.org).

use std::io::Write;

use longshore_job::row::Row;
use longshore_job::spec::{Field, Meaning};

use super::pack::Packed;
use super::{Layout, RowWriter, WriteError, cells, key_of, too_long};

/// Writes a JSON Lines list. Where it has no columns for the operation, a row without a version ID has no such member:
/// so it is read without `fields`.
pub(super) struct JsonLinesWriter<W: Write> {
    out: Packed<W>,
    layout: Layout,
    fields: Vec<Field>,
    /// The members' names as JSON.
    names: Vec<String>,
    line: String,
    row: u64,
}

impl<W: Write> JsonLinesWriter<W> {
    pub(super) fn new(out: Packed<W>, layout: Layout) -> Self {
        let fields = layout.columns_in_order();
        let names = fields.iter().map(|field| quoted(field.name())).collect();
        Self { out, layout, fields, names, line: String::new(), row: 0 }
    }

    fn line_of(&mut self, row: &Row) -> Result<(), String> {
        let key = key_of(&self.layout, row)?;
        let cells = cells(&self.layout, &self.fields, row, &key)?;
        let lenient = self.layout.columns.is_empty();
        self.line.clear();
        for ((field, name), cell) in self.fields.iter().zip(&self.names).zip(cells) {
            if lenient && field.meaning == Meaning::VersionId && cell.is_none() {
                continue;
            }
            self.line.push(if self.line.is_empty() { '{' } else { ',' });
            self.line.push_str(name);
            self.line.push(':');
            self.line.push_str(&cell.map_or_else(|| "null".to_owned(), quoted));
        }
        self.line.push_str("}\n");
        match too_long(self.line.len()) {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<W: Write + Send> RowWriter for JsonLinesWriter<W> {
    fn write(&mut self, row: &Row) -> Result<(), WriteError> {
        self.row += 1;
        self.line_of(row).map_err(|why| WriteError::Row { row: self.row, why })?;
        Ok(self.out.write_all(self.line.as_bytes())?)
    }

    fn finish(self: Box<Self>) -> Result<(), WriteError> {
        Ok(self.out.finish()?)
    }
}
