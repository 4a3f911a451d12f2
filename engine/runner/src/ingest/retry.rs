//! The rows of failed tasks that run again: they were copied to the job when it was submitted.

use longshore_job::Row;
use longshore_queue::Queue;

use super::{Access, RowSource};
use crate::error::JobFailure;

/// Rows that are read at once (count; bounds memory).
const PAGE: usize = 1000;

/// Rows of the queue that are being read.
pub(crate) struct Retried {
    queue: Queue,
    job: String,
    page: std::vec::IntoIter<(u64, Row)>,
    /// The last row that was given out.
    after: Option<u64>,
}

impl Retried {
    pub(crate) fn open(access: &Access) -> Result<Self, JobFailure> {
        let (queue, job) =
            access.ledger.clone().ok_or_else(|| internal(&"rows of a queue without a queue"))?;
        Ok(Self { queue, job, page: Vec::new().into_iter(), after: None })
    }
}

impl RowSource for Retried {
    fn next(&mut self, row: &mut Row) -> Result<bool, JobFailure> {
        let next = match self.page.next() {
            Some(next) => Some(next),
            None => {
                let page = self.queue.retry_rows(&self.job, self.after, PAGE);
                self.page = page.map_err(|error| internal(&error))?.into_iter();
                self.page.next()
            }
        };
        let Some((number, next)) = next else { return Ok(false) };
        self.after = Some(number);
        *row = next;
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), JobFailure> {
        Ok(())
    }
}

fn internal(error: &impl ToString) -> JobFailure {
    JobFailure::new("InternalError", error.to_string())
}
