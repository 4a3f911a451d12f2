//! Multipart uploads in progress and their parts.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use s3s::s3_error;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::content::Content;
use super::versions::{json, text_of_key};
use super::{Result, Writer, timestamp};
use crate::acl::Grant;
use crate::listing::{Collector, Next, Page, Query};
use crate::lock::Lock;
use crate::model::{Attributes, Bucket, StoredChecksum, Tag};

/// What the completed object will have, fixed when the upload is created.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) storage_class: String,
    pub(crate) attributes: Attributes,
    pub(crate) tags: Vec<Tag>,
    pub(crate) acl: Vec<Grant>,
    /// What was asked for.
    pub(crate) lock: Lock,
    /// The algorithm of the parts' checksums.
    pub(crate) checksum_algorithm: String,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub(crate) checksum_kind: String,
}

/// A part that was uploaded.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) number: i32,
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) sums: PartSums,
    pub(crate) content: Content,
}

/// The checksums of a part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartSums {
    /// What the client chose, and is shown.
    pub(crate) shown: StoredChecksum,
    /// Of the algorithm of the upload, from which that of the object is made.
    pub(crate) planned: StoredChecksum,
}

/// The plan of an upload.
///
/// # Errors
/// `NoSuchUpload` also when the upload belongs to another key.
pub(crate) fn plan(connection: &Connection, bucket: &Bucket, key: &str, upload: &str) -> Result<Plan> {
    let plan: Option<String> = connection
        .prepare_cached("SELECT plan FROM uploads WHERE id = ?1 AND bucket = ?2 AND key = ?3")?
        .query_row((upload, bucket.id, key.as_bytes()), |row| row.get(0))
        .optional()?;
    let missing = || {
        s3_error!(
            NoSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
        )
    };
    Ok(serde_json::from_str(&plan.ok_or_else(missing)?)?)
}

/// An upload as a listing shows it.
#[derive(Debug, Clone)]
pub(crate) struct ListedUpload {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) initiated: Timestamp,
    pub(crate) plan: Plan,
}

/// Lists the uploads in progress by key, then by age; `resume` is the last entry of the page before.
pub(crate) fn list(
    connection: &Connection,
    bucket: &Bucket,
    query: &Query,
    resume: Option<(&str, &str)>,
) -> Result<Page<ListedUpload>> {
    let mut collector = Collector::new(query);
    let mut start = resume.map_or_else(Vec::new, |(key, _)| key.as_bytes().to_vec()).max(query.first_key());
    let mut statement = connection.prepare_cached(
        "SELECT id, key, initiated, plan FROM uploads WHERE bucket = ?1 AND key >= ?2 ORDER BY key, id",
    )?;
    'seek: loop {
        let mut rows = statement.query((bucket.id, start.as_slice()))?;
        while let Some(row) = rows.next()? {
            let upload = listed(row)?;
            if resume.is_some_and(|(key, id)| upload.key == key && upload.id.as_str() <= id) {
                continue;
            }
            let key = upload.key.clone();
            match collector.offer(&key, || upload) {
                Next::Continue => {}
                Next::Stop => return Ok(collector.finish()),
                Next::SeekTo(key) => {
                    start = key;
                    continue 'seek;
                }
            }
        }
        return Ok(collector.finish());
    }
}

fn listed(row: &Row<'_>) -> rusqlite::Result<ListedUpload> {
    Ok(ListedUpload {
        id: row.get(0)?,
        key: text_of_key(row, 1)?,
        initiated: timestamp(row.get(2)?)?,
        plan: json(row, 3)?,
    })
}

/// The parts of an upload behind number `after`, in order.
pub(crate) fn parts(connection: &Connection, upload: &str, after: i32) -> Result<Vec<Part>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, size, etag, modified, sums, content FROM parts WHERE upload = ?1 AND number > ?2 ORDER BY number",
    )?;
    let parts = statement.query_map((upload, after), of_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(parts)
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        number: row.get(0)?,
        size: row.get::<_, i64>(1)?.cast_unsigned(),
        etag: row.get(2)?,
        modified: timestamp(row.get(3)?)?,
        sums: json(row, 4)?,
        content: json(row, 5)?,
    })
}

impl Writer<'_> {
    /// Creates an upload and returns its id.
    pub(crate) fn create_upload(
        &mut self,
        bucket: &Bucket,
        key: &str,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<String> {
        // Ids are ordered by age: listings go on behind one of them.
        let id = format!("{:020}{}", Timestamp::now().as_nanosecond(), Uuid::new_v4().simple());
        self.prepare_cached(
            "INSERT INTO uploads (id, bucket, key, initiated, plan) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&id, bucket.id, key.as_bytes(), now.as_second(), serde_json::to_string(plan)?))?;
        Ok(id)
    }

    /// Keeps a part, in place of one with the same number; its content has its references already.
    pub(crate) fn put_part(&mut self, upload: &str, part: &Part) -> Result<()> {
        let replaced: Option<String> = self
            .prepare_cached("DELETE FROM parts WHERE upload = ?1 AND number = ?2 RETURNING content")?
            .query_row((upload, part.number), |row| row.get(0))
            .optional()?;
        if let Some(content) = replaced {
            self.release(&serde_json::from_str(&content)?)?;
        }
        self.prepare_cached(
            "INSERT INTO parts (upload, number, size, etag, modified, sums, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            upload,
            part.number,
            part.size.cast_signed(),
            &part.etag,
            part.modified.as_second(),
            serde_json::to_string(&part.sums)?,
            serde_json::to_string(&part.content)?,
        ))?;
        Ok(())
    }

    /// Removes an upload with its parts.
    pub(crate) fn remove_upload(&mut self, upload: &str) -> Result<()> {
        for part in parts(self, upload, 0)? {
            self.release(&part.content)?;
        }
        self.prepare_cached("DELETE FROM parts WHERE upload = ?1")?.execute([upload])?;
        self.prepare_cached("DELETE FROM uploads WHERE id = ?1")?.execute([upload])?;
        Ok(())
    }

    /// Removes all uploads of a bucket.
    pub(super) fn abort_uploads_of(&mut self, bucket: &Bucket) -> Result<()> {
        let ids = self
            .prepare_cached("SELECT id FROM uploads WHERE bucket = ?1")?
            .query_map([bucket.id], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()?;
        ids.iter().try_for_each(|id| self.remove_upload(id))
    }
}
