//! What all readers of lists have in common.

use longshore_job::row::Row;

use crate::error::ManifestError;

/// Reads the rows of a list in one pass.
pub trait RowReader: Send {
    /// Puts the next row into `row`, whatever that held before; false after the last.
    ///
    /// After an error about one row ([`ManifestError::is_about_one_row`]) reading may go on behind that row, and `row` has
    /// what can be shown of it. After any other error there are no more rows.
    ///
    /// # Errors
    /// The list or its next row is not what it should be, or cannot be read.
    fn read(&mut self, row: &mut Row) -> Result<bool, ManifestError>;
}

/// Whether two columns have the same name: `VersionId`, `version_id` and `VERSIONID` are one.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    let plain =
        |name: &str| -> String { name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect() };
    plain(a) == plain(b)
}
