//! JSON Lines: one JSON object a line (jsonlines.org), with members named as the columns are.

use std::borrow::Cow;
use std::io::{self, Read};

use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::{Field, Meaning};
use memchr::memchr;
use serde_json::{Map, Value};

use crate::buffer::Window;
use crate::cells::{Shape, quoted};
use crate::csv::MAX_ROW_BYTES;
use crate::error::{ManifestError, Problem};
use crate::reader::RowReader;

/// The rows of a JSON Lines list.
pub struct JsonLinesReader<R> {
    window: Window<R>,
    shape: Shape,
    /// `VersionId` was not asked for: it is read where there is one.
    lenient: bool,
    row: u64,
    done: bool,
}

impl<R: Read> JsonLinesReader<R> {
    /// Reads a list with these members; none stands for `Bucket`, `Key`, and `VersionId` where a row has one.
    ///
    /// # Errors
    /// [`ManifestError::Schema`] if these members cannot name objects; nothing is read then.
    pub fn new(
        source: R,
        fields: &[Field],
        keys: KeyEncoding,
        bucket: Option<&str>,
    ) -> Result<Self, ManifestError> {
        let fields_or_default = crate::columnar::fields_or_default(fields, bucket.is_some());
        let shape = Shape::new(&fields_or_default, keys, bucket)?;
        Ok(Self { window: Window::new(source), shape, lenient: fields.is_empty(), row: 0, done: false })
    }

    /// The length of the next line with its end; none at the end of the list.
    fn line(&mut self) -> Result<Option<usize>, ManifestError> {
        loop {
            let window = self.window.bytes();
            if let Some(end) = memchr(b'\n', window) {
                return Ok(Some(end + 1));
            }
            if self.window.ended {
                return Ok(Some(window.len()).filter(|length| *length > 0));
            }
            if window.len() > MAX_ROW_BYTES {
                let text = quoted(window);
                self.done = true;
                let offset = Some(self.window.offset);
                let problem = Problem::RowTooLong { text };
                return Err(ManifestError::Content { row: self.row + 1, offset, problem });
            }
            let offset = self.window.offset;
            self.window.more().map_err(|source: io::Error| ManifestError::from_read(offset, source))?;
        }
    }

    fn row_of(&mut self, length: usize, row: &mut Row) -> Result<(), Problem> {
        let line = self.window.bytes().get(..length).unwrap_or_default().trim_ascii_end();
        self.shape.show(row, |_| None);
        if line.is_empty() {
            return Err(Problem::EmptyLine);
        }
        let members: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|error| Problem::Json { text: quoted(line), why: error.to_string() })?;
        let mut cells: Vec<Option<Cow<'_, [u8]>>> = Vec::with_capacity(self.shape.fields.len());
        for field in &self.shape.fields {
            cells.push(member(&members, field, self.lenient, line)?);
        }
        let cell = |index: usize| cells.get(index).and_then(|cell| cell.as_deref());
        let filled = self.shape.fill(row, cell);
        filled.inspect_err(|_| self.shape.show(row, cell))
    }
}

/// The member of a field as text; null is none.
fn member<'m>(
    members: &'m Map<String, Value>,
    field: &Field,
    lenient: bool,
    line: &[u8],
) -> Result<Option<Cow<'m, [u8]>>, Problem> {
    let optional = lenient && field.meaning == Meaning::VersionId;
    let text = |why: &str| Problem::Member {
        name: field.name().to_owned(),
        why: why.to_owned(),
        text: quoted(line),
    };
    match members.get(field.name()) {
        Some(Value::String(value)) => Ok(Some(Cow::Borrowed(value.as_bytes()))),
        None if optional || field.meaning == Meaning::Column => Ok(None),
        Some(Value::Null) if matches!(field.meaning, Meaning::VersionId | Meaning::Column) => Ok(None),
        None => Err(text("is missing")),
        Some(Value::Bool(_) | Value::Number(_)) if field.meaning == Meaning::Column => {
            Ok(members.get(field.name()).map(|value| Cow::Owned(value.to_string().into_bytes())))
        }
        Some(_) => Err(text("is no string")),
    }
}

impl<R: Read + Send> RowReader for JsonLinesReader<R> {
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError> {
        if self.done {
            return Ok(false);
        }
        let offset = Some(self.window.offset);
        let Some(length) = self.line()? else {
            self.done = true;
            if self.row > 0 {
                return Ok(false);
            }
            return Err(ManifestError::Content { row: 1, offset, problem: Problem::Empty });
        };
        self.row += 1;
        let parsed = self.row_of(length, row);
        self.window.pass(length);
        parsed.map_err(|problem| ManifestError::Content { row: self.row, offset, problem })?;
        Ok(true)
    }
}
