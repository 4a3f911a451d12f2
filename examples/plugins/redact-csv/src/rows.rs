//! From a CSV stream to another, row by row.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::rc::Rc;

use csv::ByteRecord;
use hmac::{Hmac, KeyInit, Mac};
use longshore_sdk::Failure;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Sha256;

/// Most bytes of one row: an opening quote without an end would make one row of the rest of the file.
pub(crate) const MAX_ROW_BYTES: u64 = 4 << 20;
/// What stands in place of a masked value.
const MASK: &[u8] = b"***";

/// What becomes of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Method {
    /// The column goes.
    Drop,
    /// Every value becomes `***`.
    Mask,
    /// Every value becomes its HMAC-SHA-256 in hexadecimal digits: equal values stay equal, and without the key nobody can try
    /// out which value it was.
    Hash,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Mask => "mask",
            Self::Hash => "hash",
        }
    }
}

/// What to do with whole files.
#[derive(Debug)]
pub(crate) struct Rules<'r> {
    pub(crate) columns: &'r BTreeMap<String, Method>,
    pub(crate) delimiter: u8,
    /// The key of hashes.
    pub(crate) key: Option<Vec<u8>>,
}

impl Rules<'_> {
    /// Reads all of `from` and writes it without what must not leave. How many rows there were, the header apart.
    pub(crate) fn redact(&self, from: impl Read, to: impl Write) -> Result<u64, Failure> {
        let read = Rc::new(Cell::new(0));
        let from = Bounded { inner: from, read: Rc::clone(&read) };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(self.delimiter).has_headers(false).from_reader(from);
        let mut writer = csv::WriterBuilder::new().delimiter(self.delimiter).from_writer(to);
        let mut row = ByteRecord::new();
        if !reader.read_byte_record(&mut row).map_err(broken)? {
            return Err(Failure::new("NotCsv", "it is empty: there is no header"));
        }
        let methods = self.methods(&row)?;
        let mac = self.key.as_ref().map(|key| Hmac::<Sha256>::new_from_slice(key)).transpose();
        let mac = mac.map_err(|why| Failure::new("InvalidArgument", format!("the key of hashes: {why}")))?;
        let header = |name: &[u8], method| (method != Method::Drop).then(|| name.to_vec());
        writer.write_byte_record(&with(&row, &methods, header)).map_err(broken)?;
        let mut rows = 0_u64;
        loop {
            read.set(0);
            if !reader.read_byte_record(&mut row).map_err(broken)? {
                break;
            }
            rows = rows.saturating_add(1);
            let row = with(&row, &methods, |field, method| changed(field, method, mac.as_ref()));
            writer.write_byte_record(&row).map_err(broken)?;
        }
        writer.flush()?;
        Ok(rows)
    }

    /// What becomes of each column, in their order.
    fn methods(&self, header: &ByteRecord) -> Result<Vec<Option<Method>>, Failure> {
        if header.as_slice().contains(&0) || header.as_slice().starts_with(b"\x1f\x8b") {
            let message = "it is no CSV file in UTF-8 or another encoding of bytes: compressed, or UTF-16";
            return Err(Failure::new("NotCsv", message));
        }
        let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
        let missing: Vec<_> =
            self.columns.keys().filter(|name| !names.iter().any(|known| known == *name)).collect();
        if !missing.is_empty() {
            return Err(Failure::new("ColumnNotFound", format!("no column {missing:?} among {names:?}")));
        }
        let methods: Vec<_> = names.iter().map(|name| self.columns.get(name.as_ref()).copied()).collect();
        if methods.iter().all(|method| *method == Some(Method::Drop)) {
            return Err(Failure::new("NoColumnLeft", "every column would be dropped"));
        }
        Ok(methods)
    }
}

/// A row with what `change` makes of those of its values that have a method.
fn with(
    row: &ByteRecord,
    methods: &[Option<Method>],
    change: impl Fn(&[u8], Method) -> Option<Vec<u8>>,
) -> ByteRecord {
    let fields = row.iter().zip(methods);
    fields
        .filter_map(|(field, method)| method.map_or(Some(field.to_vec()), |method| change(field, method)))
        .collect()
}

/// The value that stands in place of one; `None`: none does. Where there was nothing, there still is nothing.
fn changed(field: &[u8], method: Method, mac: Option<&Hmac<Sha256>>) -> Option<Vec<u8>> {
    match method {
        Method::Drop => None,
        _ if field.is_empty() => Some(Vec::new()),
        Method::Mask => Some(MASK.to_vec()),
        Method::Hash => {
            let hashed = mac.map(|mac| mac.clone().chain_update(field).finalize().into_bytes());
            Some(hashed.map(|hashed| hex::encode(hashed).into_bytes()).unwrap_or_else(|| MASK.to_vec()))
        }
    }
}

/// A reader that does not go on within one row for ever.
struct Bounded<R> {
    inner: R,
    /// Bytes since the row began, give or take a buffer.
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > MAX_ROW_BYTES {
            let message =
                format!("a row has more than {MAX_ROW_BYTES} bytes: is there a quote without an end?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let read = self.inner.read(into)?;
        self.read.set(self.read.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// What went wrong: with the file, or with the store it is read from and written to.
fn broken(error: csv::Error) -> Failure {
    let message = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            Failure::new("MalformedCsv", error.to_string())
        }
        csv::ErrorKind::Io(error) => error.into(),
        _ => Failure::new("MalformedCsv", message),
    }
}
