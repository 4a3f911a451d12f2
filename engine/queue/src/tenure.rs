//! Whether this engine is still the one that has the queue.
//!
//! Every transaction requires the engine's epoch, so one that was replaced cannot write. But before its next transaction it
//! would still begin tasks and send requests. So it looks before each of them; and because reading the database each time
//! would cost more than many a task, it trusts its last look for a moment. A process that was stopped and goes on finds
//! that moment over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::OptionalExtension;

use crate::error::QueueError;
use crate::queue::Queue;

/// How long a look at the epoch is trusted. Whoever takes the queue over within that time of one look may meet tasks of
/// the old engine that began before the next.
const TRUSTED: Duration = Duration::from_secs(1);

/// The engine's claim on the queue, and when it was last seen to hold.
pub(crate) struct Tenure {
    epoch: i64,
    begin: Instant,
    /// Milliseconds from `begin` to the last look.
    looked: AtomicU64,
    /// Held while one looks; the others wait for what it finds.
    looking: Mutex<()>,
}

impl Tenure {
    /// The claim was made just now.
    pub(crate) fn new(epoch: i64) -> Self {
        Self { epoch, begin: Instant::now(), looked: AtomicU64::new(0), looking: Mutex::default() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_trusted(&self) -> bool {
        let age = self.now().saturating_sub(self.looked.load(Ordering::Acquire));
        u128::from(age) < TRUSTED.as_millis()
    }
}

impl Queue {
    /// Makes sure that no other engine has taken the queue over; to be asked before anything that has an effect outside of
    /// it. Reads the database at most once a second.
    ///
    /// # Errors
    ///
    /// [`QueueError::Fenced`] if another engine has it; [`QueueError::NotEngine`].
    pub fn confirm_tenure(&self) -> Result<(), QueueError> {
        let doing = "confirm who works on the queue";
        let tenure = self.tenure().ok_or(QueueError::NotEngine { doing })?;
        if tenure.is_trusted() {
            return Ok(());
        }
        let _looking = tenure.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if tenure.is_trusted() {
            return Ok(());
        }
        let now = tenure.now();
        let ours = self.read(doing, |connection| {
            let sql = "SELECT 1 FROM engine WHERE epoch = ?1";
            Ok(connection.query_row(sql, [tenure.epoch], |_| Ok(())).optional()?.is_some())
        })?;
        if !ours {
            return Err(QueueError::Fenced { path: self.path().to_owned() });
        }
        tenure.looked.store(now, Ordering::Release);
        Ok(())
    }
}
