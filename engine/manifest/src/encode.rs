//! Rows of one chunk as bytes, before compression.
//!
//! Neighbouring rows of a manifest have nearly the same bucket and key, so a row is written as what differs from the row
//! before it (front coding). What is alike is written together: first a few numbers for every row, then the text of every
//! key, and so on, which zstd packs much better than whole rows. A chunk starts from nothing, so that it can be read alone.

use longshore_job::row::Row;

/// Bits of a row's first byte.
const NEW_BUCKET: u8 = 1;
const VERSION: u8 = 2;
const SAME_VERSION: u8 = 4;
const COLUMNS: u8 = 8;
const PROBLEM: u8 = 16;

/// A chunk that is being built, row by row.
#[derive(Default)]
pub(crate) struct ChunkBuilder {
    rows: usize,
    /// One byte for each row, of the bits above.
    flags: Vec<u8>,
    /// Two numbers for each key: bytes shared with the key before, bytes of its own.
    lengths: Vec<u8>,
    /// The keys' own bytes.
    keys: Vec<u8>,
    /// Buckets, version IDs, columns and problems, each with its length.
    rest: Vec<u8>,
    bucket: String,
    key: String,
    version_id: String,
}

impl ChunkBuilder {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes the chunk has.
    pub(crate) fn bytes(&self) -> usize {
        self.flags.len() + self.lengths.len() + self.keys.len() + self.rest.len()
    }

    pub(crate) fn push(&mut self, row: &Row) {
        let mut flags = 0;
        if self.rows == 0 || row.bucket != self.bucket {
            flags |= NEW_BUCKET;
            put_text(&mut self.rest, &row.bucket);
            self.bucket.clone_from(&row.bucket);
        }
        if let Some(version_id) = &row.version_id {
            flags |= VERSION;
            if *version_id == self.version_id {
                flags |= SAME_VERSION;
            } else {
                put_text(&mut self.rest, version_id);
                self.version_id.clone_from(version_id);
            }
        }
        if !row.columns.is_empty() {
            flags |= COLUMNS;
            put_number(&mut self.rest, row.columns.len());
            row.columns.iter().for_each(|value| put_option(&mut self.rest, value.as_deref()));
        }
        if let Some(problem) = &row.problem {
            flags |= PROBLEM;
            put_text(&mut self.rest, problem);
        }
        self.push_key(&row.key);
        self.flags.push(flags);
        self.rows += 1;
    }

    fn push_key(&mut self, key: &str) {
        let shared = shared_prefix(&self.key, key);
        let own = key.get(shared..).unwrap_or_default();
        put_number(&mut self.lengths, shared);
        put_number(&mut self.lengths, own.len());
        self.keys.extend_from_slice(own.as_bytes());
        self.key.truncate(shared);
        self.key.push_str(own);
    }

    /// The chunk's bytes, written to `out`; the builder is empty then.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        out.clear();
        for part in [self.flags.len(), self.lengths.len(), self.keys.len()] {
            put_number(out, part);
        }
        for part in [&mut self.flags, &mut self.lengths, &mut self.keys, &mut self.rest] {
            out.append(part);
        }
        self.rows = 0;
        self.bucket.clear();
        self.key.clear();
        self.version_id.clear();
    }
}

/// Reads rows, or says why these bytes are none.
pub(crate) fn decode(bytes: &[u8], max_rows: usize) -> Result<Vec<Row>, String> {
    let mut parts = Reader(bytes);
    let (rows, lengths, keys) = (parts.number()?, parts.number()?, parts.number()?);
    if rows > max_rows {
        return Err(format!("it claims {rows} rows"));
    }
    let flags = parts.bytes(rows)?;
    let (mut lengths, mut keys) = (Reader(parts.bytes(lengths)?), Reader(parts.bytes(keys)?));
    let mut rest = parts;
    let mut decoded: Vec<Row> = Vec::with_capacity(rows);
    let mut version = String::new();
    for flags in flags {
        let before = decoded.last();
        let mut row = Row::default();
        let shared = lengths.number()?;
        let own = lengths.number()?;
        let prefix = before.map_or("", |row| &row.key).get(..shared);
        let prefix = prefix.ok_or_else(|| format!("row {} has no such key prefix", decoded.len()))?;
        row.key = [prefix, text(keys.bytes(own)?)?].concat();
        row.bucket = match before {
            Some(before) if flags & NEW_BUCKET == 0 => before.bucket.clone(),
            _ => rest.text()?.to_owned(),
        };
        if flags & VERSION != 0 {
            if flags & SAME_VERSION == 0 {
                rest.text()?.clone_into(&mut version);
            }
            row.version_id = Some(version.clone());
        }
        if flags & COLUMNS != 0 {
            row.columns = rest.columns()?;
        }
        if flags & PROBLEM != 0 {
            row.problem = Some(rest.text()?.to_owned());
        }
        decoded.push(row);
    }
    let left = lengths.0.len() + keys.0.len() + rest.0.len();
    if left == 0 { Ok(decoded) } else { Err(format!("{left} bytes follow the last row")) }
}

/// How many bytes two keys share at their start, in whole characters.
fn shared_prefix(a: &str, b: &str) -> usize {
    // Eight bytes at a time, as far as they are alike: most of a key is.
    let (wide_a, wide_b) = (a.as_bytes().as_chunks::<8>().0, b.as_bytes().as_chunks::<8>().0);
    let mut shared = 8 * wide_a.iter().zip(wide_b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (a.bytes().skip(shared), b.bytes().skip(shared));
    shared += rest_a.zip(rest_b).take_while(|(a, b)| a == b).count();
    while !b.is_char_boundary(shared) {
        shared -= 1;
    }
    shared
}

/// A number in seven bits a byte, the lowest first (LEB128).
fn put_number(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Nothing is 0; text is its length and one.
fn put_option(out: &mut Vec<u8>, text: Option<&str>) {
    put_number(out, text.map_or(0, |text| text.len() + 1));
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| error.to_string())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<usize, String> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or("it ends early")?;
            self.0 = rest;
            number |= usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number does not end".to_owned())
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or("it ends early")?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.number()?;
        text(self.bytes(length)?)
    }

    fn columns(&mut self) -> Result<Vec<Option<String>>, String> {
        let count = self.number()?;
        // Each takes one byte at least.
        if count > self.0.len() {
            return Err("it ends early".to_owned());
        }
        (0..count).map(|_| self.option()).collect()
    }

    fn option(&mut self) -> Result<Option<String>, String> {
        match self.number()?.checked_sub(1) {
            None => Ok(None),
            Some(length) => Ok(Some(text(self.bytes(length)?)?.to_owned())),
        }
    }
}
