//! JSON Lines: one JSON object a line (jsonlines.org), with members named as the columns are.

use std::borrow::Cow;
use std::io::{self, Read};

use longshore_job::row::{KeyEncoding, Row};
use longshore_job::spec::{Field, Meaning};
use memchr::memchr;
use serde_json::{Map, Value};

use crate::buffer::Window;
use crate::cells::{Shape, quoted};
use crate::csv::{BYTE_ORDER_MARK, MAX_ROW_BYTES};
use crate::error::{ManifestError, Problem};
use crate::reader::RowReader;
use crate::recognise::{START_BYTES, recognised};

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
        let shape = Shape::new(&fields_or_default, keys, bucket)?.optional_version(fields);
        Ok(Self { window: Window::new(source), shape, lenient: fields.is_empty(), row: 0, done: false })
    }

    /// The length of the next line with its end; none at the end of the list.
    fn line(&mut self) -> Result<Option<usize>, ManifestError> {
        loop {
            let window = self.window.bytes();
            if let Some(end) = memchr(b'\n', window) {
                if end > MAX_ROW_BYTES {
                    return Err(self.too_long());
                }
                return Ok(Some(end + 1));
            }
            if window.len() > MAX_ROW_BYTES {
                return Err(self.too_long());
            }
            if self.window.ended {
                return Ok(Some(window.len()).filter(|length| *length > 0));
            }
            let offset = self.window.offset;
            self.window.more().map_err(|source: io::Error| ManifestError::from_read(offset, source))?;
        }
    }

    fn too_long(&mut self) -> ManifestError {
        let problem = self.recognised(Problem::RowTooLong { text: quoted(self.window.bytes()) });
        self.done = true;
        ManifestError::Content { row: self.row + 1, offset: Some(self.window.offset), problem }
    }

    /// What is wrong with the line that is in the window: in the first one, that it may be no JSON at all.
    fn recognised(&mut self, problem: Problem) -> Problem {
        if self.window.offset > 0 {
            return problem;
        }
        // What cannot be read beyond this line says nothing about it.
        let start = self.window.at_least(START_BYTES).unwrap_or_default();
        match recognised(start) {
            _ if start.starts_with(BYTE_ORDER_MARK) => Problem::ByteOrderMark,
            // That it starts as JSON does says nothing here.
            Some(Problem::OtherFormat { what: "JSON", .. }) | None => problem,
            Some(other) => other,
        }
    }

    fn row_of(&mut self, length: usize, row: &mut Row) -> Result<(), Problem> {
        let line = self.window.bytes().get(..length).unwrap_or_default().trim_ascii_end();
        self.shape.show(row, |_| None);
        if line.is_empty() {
            return Err(Problem::EmptyLine);
        }
        let members: Map<String, Value> = serde_json::from_slice(line)
            .map_err(|error| Problem::Json { text: quoted(line), why: in_line(&error) })?;
        let mut cells: Vec<Option<Cow<'_, [u8]>>> = Vec::with_capacity(self.shape.fields.len());
        for field in &self.shape.fields {
            cells.push(member(&members, field, self.lenient, line)?);
        }
        let cell = |index: usize| cells.get(index).and_then(|cell| cell.as_deref());
        let filled = self.shape.fill(row, cell);
        filled.inspect_err(|_| self.shape.show(row, cell))
    }
}

/// What the parser said, whose lines are not those of the list.
fn in_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at byte ")
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
        None | Some(Value::Null) if optional || field.meaning == Meaning::Column => Ok(None),
        None => Err(text("is missing")),
        Some(Value::Bool(_) | Value::Number(_)) if field.meaning == Meaning::Column => {
            Ok(members.get(field.name()).map(|value| Cow::Owned(value.to_string().into_bytes())))
        }
        Some(_) if field.meaning == Meaning::Column => Err(text("is no string, number or boolean")),
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
        let parsed = self.row_of(length, row).map_err(|problem| self.recognised(problem));
        self.window.pass(length);
        let parsed = parsed.map_err(|problem| ManifestError::Content { row: self.row, offset, problem });
        parsed.map(|()| true).inspect_err(|error| self.done = !error.is_about_one_row())
    }
}
