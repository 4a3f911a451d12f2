//! Versions of objects: finding, writing, changing, deleting.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Result, Writer, timestamp, unreadable};
use crate::acl::Grant;
use crate::lock::Lock;
use crate::model::{Attributes, Bucket, NULL_VERSION, NewVersion, ObjectVersion, Tag, Versioning};
use crate::restore::Restore;

macro_rules! select_version {
    ($rest:literal) => {
        concat!(
            "SELECT id, key, version, delete_marker, size, etag, modified, storage_class, attributes, tags, acl, \
             restore, content, lock FROM versions WHERE bucket = ?1 AND key = ?2 ",
            $rest
        )
    };
}

/// Finds the version with this id, or the current one; either may be a delete marker.
pub(crate) fn find(
    connection: &Connection,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
) -> Result<Option<ObjectVersion>> {
    let key = key.as_bytes();
    let found = match version {
        None => connection
            .prepare_cached(select_version!("ORDER BY id DESC LIMIT 1"))?
            .query_row((bucket.id, key), of_row),
        Some(version) => connection
            .prepare_cached(select_version!("AND version = ?3"))?
            .query_row((bucket.id, key, version), of_row),
    };
    Ok(found.optional()?)
}

/// The entity tag of the current object, if the key has one that is not a delete marker.
pub(crate) fn current_etag(connection: &Connection, bucket: &Bucket, key: &str) -> Result<Option<String>> {
    let current: Option<(bool, String)> = connection
        .prepare_cached(
            "SELECT delete_marker, etag FROM versions WHERE bucket = ?1 AND key = ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row((bucket.id, key.as_bytes()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(current.and_then(|(delete_marker, etag)| (!delete_marker).then_some(etag)))
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<ObjectVersion> {
    Ok(ObjectVersion {
        id: row.get(0)?,
        key: text_of_key(row, 1)?,
        version: row.get(2)?,
        delete_marker: row.get(3)?,
        size: row.get::<_, i64>(4)?.cast_unsigned(),
        etag: row.get(5)?,
        modified: timestamp(row.get(6)?)?,
        storage_class: row.get(7)?,
        attributes: json(row, 8)?,
        tags: json(row, 9)?,
        acl: json(row, 10)?,
        restore: row
            .get_ref(11)?
            .as_str_or_null()?
            .map(serde_json::from_str)
            .transpose()
            .map_err(not_json(11))?,
        content: row
            .get_ref(12)?
            .as_str_or_null()?
            .map(serde_json::from_str)
            .transpose()
            .map_err(not_json(12))?,
        lock: json(row, 13)?,
    })
}

/// A key from its column of bytes.
pub(super) fn text_of_key(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    String::from_utf8(row.get(column)?).map_err(|error| unreadable(column, Type::Blob, error))
}

/// A column of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(not_json(column))
}

fn not_json(column: usize) -> impl Fn(serde_json::Error) -> rusqlite::Error {
    move |error| unreadable(column, Type::Text, error)
}

/// What a deletion did, for the answer's headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// Whether a delete marker was made, or the version removed was one.
    pub(crate) delete_marker: bool,
    /// The version made or removed; none in a bucket that never had versioning.
    pub(crate) version: Option<String>,
}

impl Writer<'_> {
    /// Writes a version and returns its version id: a new one, or `null` in place of the last `null`.
    pub(crate) fn put_version(&mut self, bucket: &Bucket, new: &NewVersion<'_>) -> Result<String> {
        let version = self.make_room(bucket, new.key)?;
        self.prepare_cached(
            "INSERT INTO versions (bucket, key, version, delete_marker, size, etag, modified, storage_class, \
             attributes, tags, acl, content, lock) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute((
            bucket.id,
            new.key.as_bytes(),
            &version,
            new.size.cast_signed(),
            new.etag,
            new.modified.as_second(),
            new.storage_class,
            serde_json::to_string(new.attributes)?,
            serde_json::to_string(new.tags)?,
            serde_json::to_string(new.acl)?,
            serde_json::to_string(new.content)?,
            serde_json::to_string(new.lock)?,
        ))?;
        Ok(version)
    }

    /// Deletes the current version: really in a bucket without versioning, by a delete marker otherwise.
    pub(crate) fn delete_current(&mut self, bucket: &Bucket, key: &str, now: Timestamp) -> Result<Deleted> {
        let version = self.make_room(bucket, key)?;
        if bucket.versioning == Versioning::Unversioned {
            return Ok(Deleted::default());
        }
        self.prepare_cached(
            "INSERT INTO versions (bucket, key, version, delete_marker, size, etag, modified, storage_class, \
             attributes, tags, acl) VALUES (?1, ?2, ?3, 1, 0, '', ?4, '', ?5, '[]', '[]')",
        )?
        .execute((
            bucket.id,
            key.as_bytes(),
            &version,
            now.as_second(),
            serde_json::to_string(&Attributes::default())?,
        ))?;
        Ok(Deleted { delete_marker: true, version: Some(version) })
    }

    /// Removes one version for good; that there is none is no error.
    pub(crate) fn delete_version(&mut self, bucket: &Bucket, key: &str, version: &str) -> Result<Deleted> {
        let delete_marker = self.remove(bucket, key, version)?;
        Ok(Deleted { delete_marker: delete_marker.unwrap_or(false), version: bucket.shown_version(version) })
    }

    /// Replaces the tag set of a version.
    pub(crate) fn set_tags(&mut self, id: i64, tags: &[Tag]) -> Result<()> {
        self.prepare_cached("UPDATE versions SET tags = ?2 WHERE id = ?1")?
            .execute((id, serde_json::to_string(tags)?))?;
        Ok(())
    }

    /// Replaces the attributes of a version.
    pub(crate) fn set_attributes(&mut self, id: i64, attributes: &Attributes) -> Result<()> {
        self.prepare_cached("UPDATE versions SET attributes = ?2 WHERE id = ?1")?
            .execute((id, serde_json::to_string(attributes)?))?;
        Ok(())
    }

    /// Replaces the ACL of a version.
    pub(crate) fn set_acl(&mut self, id: i64, acl: &[Grant]) -> Result<()> {
        self.prepare_cached("UPDATE versions SET acl = ?2 WHERE id = ?1")?
            .execute((id, serde_json::to_string(acl)?))?;
        Ok(())
    }

    /// Replaces the restore of a version.
    pub(crate) fn set_restore(&mut self, id: i64, restore: &Restore) -> Result<()> {
        self.prepare_cached("UPDATE versions SET restore = ?2 WHERE id = ?1")?
            .execute((id, serde_json::to_string(restore)?))?;
        Ok(())
    }

    /// Replaces the lock of a version.
    pub(crate) fn set_lock(&mut self, id: i64, lock: &Lock) -> Result<()> {
        self.prepare_cached("UPDATE versions SET lock = ?2 WHERE id = ?1")?
            .execute((id, serde_json::to_string(lock)?))?;
        Ok(())
    }

    /// The version id of the next write; where that is `null`, the `null` version there is makes room.
    fn make_room(&mut self, bucket: &Bucket, key: &str) -> Result<String> {
        if bucket.versioning == Versioning::Enabled {
            return Ok(Uuid::new_v4().simple().to_string());
        }
        self.remove(bucket, key, NULL_VERSION)?;
        Ok(NULL_VERSION.to_owned())
    }

    /// Removes a row and what it holds; whether it was a delete marker, if there was one.
    fn remove(&mut self, bucket: &Bucket, key: &str, version: &str) -> Result<Option<bool>> {
        let removed: Option<(bool, Option<String>)> = self
            .prepare_cached(
                "DELETE FROM versions WHERE bucket = ?1 AND key = ?2 AND version = ?3 RETURNING delete_marker, content",
            )?
            .query_row((bucket.id, key.as_bytes(), version), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((delete_marker, content)) = removed else { return Ok(None) };
        if let Some(content) = content {
            self.release(&serde_json::from_str(&content)?)?;
        }
        Ok(Some(delete_marker))
    }
}
