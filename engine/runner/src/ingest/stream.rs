//! The rows of a manifest for those who wait for them, read on a thread of their own.

use longshore_job::Row;
use longshore_job::spec::ManifestSpec;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Access, Rows};
use crate::error::{JobFailure, RunnerError, blocking};

/// Rows that are read ahead (count; bounds memory).
const ROWS_AHEAD: usize = 1000;

/// The rows of a manifest. Reading ends once it is dropped.
pub(crate) struct RowStream {
    rows: mpsc::Receiver<Row>,
    reading: JoinHandle<Result<Result<(), JobFailure>, RunnerError>>,
}

impl RowStream {
    pub(crate) fn open(manifest: &ManifestSpec, access: Access) -> Self {
        let (sender, rows) = mpsc::channel(ROWS_AHEAD);
        let manifest = manifest.clone();
        let reading = tokio::spawn(blocking(move || read(&manifest, access, &sender)));
        Self { rows, reading }
    }

    /// The next row; `None` after the last. Not called again after that.
    pub(crate) async fn next(&mut self) -> Result<Option<Row>, JobFailure> {
        if let Some(row) = self.rows.recv().await {
            return Ok(Some(row));
        }
        let ended = (&mut self.reading).await.map_err(|error| internal(&error))?;
        ended.map_err(|error| internal(&error))?.map(|()| None)
    }
}

/// Reads the manifest until nobody takes its rows any more.
fn read(manifest: &ManifestSpec, access: Access, rows: &mpsc::Sender<Row>) -> Result<(), JobFailure> {
    let mut source = Rows::new(manifest, access);
    let mut row = Row::default();
    while source.next(&mut row)? {
        if rows.blocking_send(std::mem::take(&mut row)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn internal(error: &impl ToString) -> JobFailure {
    JobFailure::new("InternalError", error.to_string())
}
