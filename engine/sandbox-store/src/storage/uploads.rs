//! Multipart uploads in progress and their parts.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use s3s::s3_error;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Result, Writer, timestamp, unreadable};
use crate::acl::Grant;
use crate::model::{Attributes, Bucket, StoredChecksum, Tag};

/// What the completed object will have, fixed when the upload is created.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) storage_class: String,
    pub(crate) attributes: Attributes,
    pub(crate) tags: Vec<Tag>,
    pub(crate) acl: Vec<Grant>,
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
    pub(crate) checksum: StoredChecksum,
    pub(crate) body: i64,
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

/// The parts of an upload behind number `after`, in order.
pub(crate) fn parts(connection: &Connection, upload: &str, after: i32) -> Result<Vec<Part>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, size, etag, modified, checksum, body FROM parts WHERE upload = ?1 AND number > ?2 ORDER BY number",
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
        checksum: serde_json::from_str(row.get_ref(4)?.as_str()?)
            .map_err(|error| unreadable(4, Type::Text, error))?,
        body: row.get(5)?,
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
        let id = Uuid::new_v4().simple().to_string();
        self.prepare_cached(
            "INSERT INTO uploads (id, bucket, key, initiated, plan) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((&id, bucket.id, key.as_bytes(), now.as_second(), serde_json::to_string(plan)?))?;
        Ok(id)
    }

    /// Keeps a part, in place of one with the same number; its body has one reference for it already.
    pub(crate) fn put_part(&mut self, upload: &str, part: &Part) -> Result<()> {
        let replaced: Option<i64> = self
            .prepare_cached("DELETE FROM parts WHERE upload = ?1 AND number = ?2 RETURNING body")?
            .query_row((upload, part.number), |row| row.get(0))
            .optional()?;
        if let Some(body) = replaced {
            self.release_body(body)?;
        }
        self.prepare_cached(
            "INSERT INTO parts (upload, number, size, etag, modified, checksum, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            upload,
            part.number,
            part.size.cast_signed(),
            &part.etag,
            part.modified.as_second(),
            serde_json::to_string(&part.checksum)?,
            part.body,
        ))?;
        Ok(())
    }

    /// Removes an upload with its parts.
    pub(crate) fn remove_upload(&mut self, upload: &str) -> Result<()> {
        for part in parts(self, upload, 0)? {
            self.release_body(part.body)?;
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
