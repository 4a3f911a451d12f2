//! Lists that were generated for a job and saved.

use rusqlite::params;

use crate::error::QueueError;
use crate::jobs::resolve;
use crate::queue::Queue;
use crate::record::SavedList;

impl Queue {
    /// Keeps where a generated list was saved. The last word about a source counts.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::NotFound`].
    pub fn set_saved_list(&self, id: &str, list: &SavedList) -> Result<(), QueueError> {
        let (id, list) = (id.to_owned(), list.clone());
        self.write_as_engine("keep the place of a generated list", move |connection| {
            let job = resolve(connection, &id)?;
            let sql =
                "INSERT OR REPLACE INTO saved_lists (job, source, location, etag) VALUES (?1, ?2, ?3, ?4)";
            connection.execute(sql, params![job.number, list.source, list.location, list.etag])?;
            Ok(())
        })
    }

    /// Where the generated lists of a job were saved, in the order of its sources.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn saved_lists(&self, id: &str) -> Result<Vec<SavedList>, QueueError> {
        self.read("read the places of generated lists", |connection| {
            let job = resolve(connection, id)?.number;
            let sql = "SELECT source, location, etag FROM saved_lists WHERE job = ?1 ORDER BY source";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([job], |row| {
                Ok(SavedList { source: row.get(0)?, location: row.get(1)?, etag: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
