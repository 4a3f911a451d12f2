//! Tidies up after engines that did not come to it: what jobs that have ended left behind. What is not a job's folder is not ours.

use longshore_queue::{JobRecord, QueueError};

use crate::engine::Engine;
use crate::error::RunnerError;
use crate::job::{clean_up, remove_folder};

/// Removes the folders of jobs that have nothing in a bucket.
pub(crate) fn folders(engine: &Engine) -> Result<(), RunnerError> {
    for record in ended(engine)? {
        if !engine.chunk_spool(&record.id).is_in_bucket() {
            remove_folder(&engine.folder(&record.id), &record)?;
        }
    }
    Ok(())
}

/// Removes what is in buckets, as far as they can be reached, and the folders of those jobs.
pub(crate) async fn buckets(engine: &Engine) -> Result<(), RunnerError> {
    for record in ended(engine)? {
        let spool = engine.chunk_spool(&record.id);
        // One that cannot be reached is not waited for again.
        if spool.is_in_bucket() && !clean_up(&spool, &record).await? {
            break;
        }
    }
    Ok(())
}

/// The jobs that have ended and have a folder.
fn ended(engine: &Engine) -> Result<Vec<JobRecord>, RunnerError> {
    let directory = engine.config.spool_path();
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RunnerError::io("list", &directory)(error)),
    };
    let mut ended = Vec::new();
    for entry in entries {
        let entry = entry.map_err(RunnerError::io("list", &directory))?;
        let known = entry.file_name().to_str().map(|name| engine.queue.job(name));
        match known {
            Some(Ok(record)) if record.state.is_terminal() && *record.id == *entry.file_name() => {
                ended.push(record);
            }
            Some(Err(error))
                if !matches!(error, QueueError::NotFound { .. } | QueueError::Ambiguous { .. }) =>
            {
                return Err(error.into());
            }
            _ => {}
        }
    }
    Ok(ended)
}
