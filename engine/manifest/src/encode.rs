//! Rows of one chunk as bytes, before compression.
//!
//! Neighbouring rows of a manifest have nearly the same bucket and key, so each row is written as what differs from
//! the row before it (front coding), in postcard: lengths as varints, no names. A chunk starts from nothing, so that
//! it can be read alone.

use longshore_job::row::Row;
use serde::{Deserialize, Serialize};

/// One row against the one before it.
#[derive(Serialize, Deserialize)]
struct Delta<'a> {
    /// The bucket, if it is another one.
    #[serde(borrow)]
    bucket: Option<&'a str>,
    /// How many bytes at the start of the key are as before.
    shared: usize,
    /// The rest of the key.
    rest: &'a str,
    /// The version ID.
    version_id: Option<&'a str>,
}

/// Writes rows.
pub(crate) fn encode(rows: &[Row]) -> Result<Vec<u8>, postcard::Error> {
    let (mut bucket, mut key) = ("", "");
    let mut bytes = postcard::to_stdvec(&rows.len())?;
    for row in rows {
        let shared = shared_prefix(key, &row.key);
        let delta = Delta {
            bucket: (row.bucket != bucket).then_some(row.bucket.as_str()),
            shared,
            rest: row.key.get(shared..).unwrap_or_default(),
            version_id: row.version_id.as_deref(),
        };
        bytes = postcard::to_extend(&delta, bytes)?;
        (bucket, key) = (&row.bucket, &row.key);
    }
    Ok(bytes)
}

/// Reads rows, or says why these bytes are none.
pub(crate) fn decode(bytes: &[u8], max_rows: usize) -> Result<Vec<Row>, String> {
    let broken = |error: postcard::Error| error.to_string();
    let (count, mut bytes) = postcard::take_from_bytes::<usize>(bytes).map_err(broken)?;
    if count > max_rows {
        return Err(format!("it claims {count} rows"));
    }
    let mut rows: Vec<Row> = Vec::with_capacity(count);
    for _ in 0..count {
        let (delta, rest) = postcard::take_from_bytes::<Delta<'_>>(bytes).map_err(broken)?;
        let (bucket, key) = rows.last().map_or(("", ""), |row| (&row.bucket, &row.key));
        let prefix =
            key.get(..delta.shared).ok_or_else(|| format!("row {} has no such key prefix", rows.len()))?;
        let row = Row {
            bucket: delta.bucket.unwrap_or(bucket).to_owned(),
            key: [prefix, delta.rest].concat(),
            version_id: delta.version_id.map(str::to_owned),
        };
        rows.push(row);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(rows) } else { Err(format!("{} bytes follow the last row", bytes.len())) }
}

/// How many bytes two keys share at their start, in whole characters.
fn shared_prefix(a: &str, b: &str) -> usize {
    a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b).map_or(a.len().min(b.len()), |((at, _), _)| at)
}
