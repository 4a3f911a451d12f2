//! Looking for one failed task among many.

use rusqlite::params;

use crate::error::QueueError;
use crate::jobs::{failure_record, resolve};
use crate::queue::Queue;
use crate::record::FailureRecord;

impl Queue {
    /// The first failed task of a job, in manifest order, whose code `counts`. Reads past those that come before it.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn first_failure(
        &self,
        id: &str,
        counts: impl Fn(&str) -> bool,
    ) -> Result<Option<FailureRecord>, QueueError> {
        self.read("read the failures", |connection| {
            let job = resolve(connection, id)?.number;
            let mut statement =
                connection.prepare_cached("SELECT * FROM failures WHERE job = ?1 ORDER BY row")?;
            let mut rows = statement.query(params![job])?;
            while let Some(row) = rows.next()? {
                if counts(row.get_ref("code")?.as_str().unwrap_or_default()) {
                    return Ok(Some(failure_record(row)?));
                }
            }
            Ok(None)
        })
    }
}
