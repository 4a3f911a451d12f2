//! Buckets.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use s3s::s3_error;

use super::versions::json;
use super::{Result, Writer, timestamp};
use crate::model::{Bucket, BucketSettings, Versioning};

/// Finds a bucket.
///
/// # Errors
/// `NoSuchBucket`.
pub(crate) fn get(connection: &Connection, name: &str) -> Result<Bucket> {
    find(connection, name)?
        .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist").into())
}

/// Finds a bucket that may not exist.
pub(crate) fn find(connection: &Connection, name: &str) -> Result<Option<Bucket>> {
    Ok(connection
        .prepare_cached(
            "SELECT id, name, created, versioning, location, settings FROM buckets WHERE name = ?1",
        )?
        .query_row([name], of_row)
        .optional()?)
}

/// The buckets whose name starts with `prefix` and is greater than `after`, at most `limit`, in order of name.
pub(crate) fn list(connection: &Connection, prefix: &str, after: &str, limit: usize) -> Result<Vec<Bucket>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, created, versioning, location, settings FROM buckets WHERE name > ?1 ORDER BY name",
    )?;
    let rows = statement.query_map([after], of_row)?;
    let mut buckets = Vec::new();
    for bucket in rows {
        let bucket = bucket?;
        if bucket.name.starts_with(prefix) {
            buckets.push(bucket);
            if buckets.len() == limit {
                break;
            }
        }
    }
    Ok(buckets)
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Bucket> {
    let versioning: String = row.get(3)?;
    Ok(Bucket {
        id: row.get(0)?,
        name: row.get(1)?,
        created: timestamp(row.get(2)?)?,
        versioning: Versioning::parse(&versioning).unwrap_or(Versioning::Unversioned),
        location: row.get(4)?,
        settings: json(row, 5)?,
    })
}

/// The replication configuration, as it was set.
pub(crate) fn replication(connection: &Connection, bucket: &Bucket) -> Result<Option<String>> {
    Ok(connection
        .prepare_cached("SELECT replication FROM buckets WHERE id = ?1")?
        .query_row([bucket.id], |row| row.get(0))?)
}

impl Writer<'_> {
    /// Creates a bucket; one that exists stays as it is.
    ///
    /// # Errors
    /// `BucketAlreadyOwnedByYou` for an existing bucket outside us-east-1, where S3 answers 200 instead.
    pub(crate) fn create_bucket(&mut self, name: &str, location: Option<&str>, now: Timestamp) -> Result<()> {
        match find(self, name)? {
            None => {
                self.prepare_cached("INSERT INTO buckets (name, created, location) VALUES (?1, ?2, ?3)")?
                    .execute((name, now.as_second(), location))?;
                Ok(())
            }
            Some(existing) if existing.location.is_none() && location.is_none() => Ok(()),
            Some(_) => Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            )
            .into()),
        }
    }

    /// Removes an empty bucket and its unfinished uploads.
    ///
    /// # Errors
    /// `NoSuchBucket`; `BucketNotEmpty` while there is any version or delete marker.
    pub(crate) fn delete_bucket(&mut self, name: &str) -> Result<()> {
        let bucket = get(self, name)?;
        if self.prepare_cached("SELECT 1 FROM versions WHERE bucket = ?1 LIMIT 1")?.exists([bucket.id])? {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty").into());
        }
        self.abort_uploads_of(&bucket)?;
        self.prepare_cached("DELETE FROM buckets WHERE id = ?1")?.execute([bucket.id])?;
        Ok(())
    }

    /// Sets the versioning state.
    ///
    /// # Errors
    /// `NoSuchBucket`; `InvalidBucketState` for a bucket that object lock or replication keeps versioned.
    pub(crate) fn set_versioning(&mut self, name: &str, versioning: Versioning) -> Result<()> {
        let bucket = get(self, name)?;
        let keeps = match (&bucket.settings.lock, replication(self, &bucket)?) {
            (Some(_), _) => Some(
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
            ),
            (None, Some(_)) => Some(
                "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration.",
            ),
            (None, None) => None,
        };
        if let Some(message) = keeps.filter(|_| versioning != Versioning::Enabled) {
            return Err(s3_error!(InvalidBucketState, "{message}").into());
        }
        self.prepare_cached("UPDATE buckets SET versioning = ?2 WHERE id = ?1")?
            .execute((bucket.id, versioning.as_str()))?;
        Ok(())
    }

    /// Replaces the settings.
    pub(crate) fn set_settings(&mut self, bucket: &Bucket, settings: &BucketSettings) -> Result<()> {
        self.prepare_cached("UPDATE buckets SET settings = ?2 WHERE id = ?1")?
            .execute((bucket.id, serde_json::to_string(settings)?))?;
        Ok(())
    }

    /// Replaces the replication configuration.
    pub(crate) fn set_replication(&mut self, bucket: &Bucket, configuration: Option<&str>) -> Result<()> {
        self.prepare_cached("UPDATE buckets SET replication = ?2 WHERE id = ?1")?
            .execute((bucket.id, configuration))?;
        Ok(())
    }
}
