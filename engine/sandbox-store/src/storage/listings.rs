//! Walks over the keys of a bucket, in order, for the listings.

use rusqlite::{Connection, Row};

use super::versions::text_of_key;
use super::{Result, timestamp};
use crate::listing::{Collector, Next, Page, Query};
use crate::model::{Bucket, ListedVersion};

/// Lists the current objects; delete markers hide their key.
pub(crate) fn current(
    connection: &Connection,
    bucket: &Bucket,
    query: &Query,
) -> Result<Page<ListedVersion>> {
    let mut collector = Collector::new(query);
    walk(connection, bucket, query.first_key(), |_, row| {
        if !row.is_latest || row.delete_marker {
            return Next::Continue;
        }
        let key = row.key.clone();
        collector.offer(&key, || row)
    })?;
    Ok(collector.finish())
}

/// Lists all versions and delete markers, of each key the newest first; `resume` is the last entry of the page
/// before: its key and the row id of its version.
pub(crate) fn all(
    connection: &Connection,
    bucket: &Bucket,
    query: &Query,
    resume: Option<(&str, i64)>,
) -> Result<Page<ListedVersion>> {
    let mut collector = Collector::new(query);
    let start = resume.map_or_else(Vec::new, |(key, _)| key.as_bytes().to_vec()).max(query.first_key());
    walk(connection, bucket, start, |id, row| {
        if let Some((key, last)) = resume
            && row.key == key
            && id >= last
        {
            return Next::Continue;
        }
        let key = row.key.clone();
        collector.offer(&key, || row)
    })?;
    Ok(collector.finish())
}

/// Visits rows by key, then newest first, from `start` on, until the visitor stops.
fn walk(
    connection: &Connection,
    bucket: &Bucket,
    mut start: Vec<u8>,
    mut visit: impl FnMut(i64, ListedVersion) -> Next,
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, key, version, delete_marker, size, etag, modified, storage_class FROM versions \
         WHERE bucket = ?1 AND key >= ?2 ORDER BY key, id DESC",
    )?;
    'seek: loop {
        let mut previous: Option<String> = None;
        let mut rows = statement.query((bucket.id, start.as_slice()))?;
        while let Some(row) = rows.next()? {
            let mut version = of_row(row)?;
            version.is_latest = previous.as_ref() != Some(&version.key);
            if version.is_latest {
                previous = Some(version.key.clone());
            }
            match visit(row.get(0)?, version) {
                Next::Continue => {}
                Next::Stop => return Ok(()),
                Next::SeekTo(key) => {
                    start = key;
                    continue 'seek;
                }
            }
        }
        return Ok(());
    }
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<ListedVersion> {
    Ok(ListedVersion {
        key: text_of_key(row, 1)?,
        version: row.get(2)?,
        is_latest: false,
        delete_marker: row.get(3)?,
        size: row.get::<_, i64>(4)?.cast_unsigned(),
        etag: row.get(5)?,
        modified: timestamp(row.get(6)?)?,
        storage_class: row.get(7)?,
    })
}
