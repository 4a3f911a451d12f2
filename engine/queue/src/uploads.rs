//! Multipart uploads that tasks have begun and not ended.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::QueueError;
use crate::jobs::resolve;
use crate::queue::Queue;
use crate::record::BegunUploadRecord;

impl Queue {
    /// Keeps an upload that a task has begun.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn begin_upload(&self, id: &str, upload: &BegunUploadRecord) -> Result<(), QueueError> {
        let (id, upload) = (id.to_owned(), upload.clone());
        self.write_as_engine("keep an upload", move |connection| {
            let job = resolve(connection, &id)?.number;
            let BegunUploadRecord { store, bucket, key, upload_id, source_etag, size, part_size } = &upload;
            let sql = "INSERT OR REPLACE INTO uploads
                           (job, store, bucket, key, upload_id, source_etag, size, part_size)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            connection
                .execute(sql, params![job, store, bucket, key, upload_id, source_etag, size, part_size])?;
            Ok(())
        })
    }

    /// Forgets an upload that was completed or aborted.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn end_upload(&self, id: &str, upload: &BegunUploadRecord) -> Result<(), QueueError> {
        let (id, upload) = (id.to_owned(), upload.clone());
        self.write_as_engine("forget an upload", move |connection| {
            let job = resolve(connection, &id)?.number;
            let BegunUploadRecord { store, bucket, key, upload_id, .. } = &upload;
            let sql = "DELETE FROM uploads
                       WHERE job = ?1 AND store = ?2 AND bucket = ?3 AND key = ?4 AND upload_id = ?5";
            connection.execute(sql, params![job, store, bucket, key, upload_id])?;
            Ok(())
        })
    }

    /// The uploads that tasks of a job have begun for a key and not ended.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`].
    pub fn uploads_for(
        &self,
        id: &str,
        store: &str,
        bucket: &str,
        key: &str,
    ) -> Result<Vec<BegunUploadRecord>, QueueError> {
        self.read("read the uploads", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT * FROM uploads WHERE job = ?1 AND store = ?2 AND bucket = ?3 AND key = ?4";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![job, store, bucket, key], upload)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One of the uploads that tasks of a job have begun and not ended, after those that come before `after`.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`].
    pub fn next_upload(
        &self,
        id: &str,
        after: Option<&BegunUploadRecord>,
    ) -> Result<Option<BegunUploadRecord>, QueueError> {
        self.read("read the uploads", |connection| {
            let job = resolve(connection, id)?.number;
            next_upload(connection, job, after).map_err(Into::into)
        })
    }
}

fn next_upload(
    connection: &Connection,
    job: i64,
    after: Option<&BegunUploadRecord>,
) -> rusqlite::Result<Option<BegunUploadRecord>> {
    let sql = "SELECT * FROM uploads WHERE job = ?1 AND (store, bucket, key, upload_id) > (?2, ?3, ?4, ?5)
               ORDER BY store, bucket, key, upload_id LIMIT 1";
    let mark = after.map(|after| (&*after.store, &*after.bucket, &*after.key, &*after.upload_id));
    let (store, bucket, key, upload_id) = mark.unwrap_or_default();
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row(params![job, store, bucket, key, upload_id], upload).optional()
}

fn upload(row: &Row<'_>) -> rusqlite::Result<BegunUploadRecord> {
    Ok(BegunUploadRecord {
        store: row.get("store")?,
        bucket: row.get("bucket")?,
        key: row.get("key")?,
        upload_id: row.get("upload_id")?,
        source_etag: row.get("source_etag")?,
        size: row.get("size")?,
        part_size: row.get("part_size")?,
    })
}
