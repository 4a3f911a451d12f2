//! The outbox: who is to be told of which transition, until they were.
//!
//! A transition leaves a row in the outbox in its own transaction, so that none is forgotten. The engine makes notifications of
//! these rows, one for each target, and removes a notification once it was delivered: what is delivered and not yet removed when
//! the engine dies is delivered again, under the same ID.

use jiff::Timestamp;
use rusqlite::{Row, named_params, params};
use serde::Serialize;

use crate::error::QueueError;
use crate::jobs::{event_record, job_record, optional, time, time_text};
use crate::queue::Queue;
use crate::record::{EventRecord, JobRecord};

/// Undelivered notifications that are kept for the user (count); of more, the oldest go.
const MAX_UNDELIVERED: u32 = 10_000;

/// A transition that nobody was told of yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its number among all events.
    pub event: i64,
    /// The transition.
    pub record: EventRecord,
    /// The job as it stands now.
    pub job: JobRecord,
}

/// What is to be told to one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// ID of the transition, the same for every target and every attempt.
    pub id: String,
    /// Name of the target in the configuration.
    pub target: String,
    /// The job's full ID.
    pub job: String,
    /// The state that the job moved to.
    pub status: String,
    /// When it did.
    pub at: Timestamp,
    /// What the target gets: JSON.
    pub body: String,
}

/// A notification that is not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Its number in the queue.
    #[serde(skip)]
    pub number: i64,
    /// ID of the transition, the same for every target and every attempt.
    pub id: String,
    /// Name of the target in the configuration.
    pub target: String,
    /// The job's full ID.
    pub job: String,
    /// The state that the job moved to.
    pub status: String,
    /// When it did.
    pub at: Timestamp,
    /// What the target gets: JSON.
    #[serde(skip)]
    pub body: String,
    /// Failed attempts so far.
    pub attempts: u32,
    /// When the engine, or a user, last began to try.
    pub since: Timestamp,
    /// When it is tried next; none once the engine has given up.
    pub next_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl Queue {
    /// The oldest transitions that nobody was told of yet, at most `limit`.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn outbox(&self, limit: u32) -> Result<Vec<Told>, QueueError> {
        self.read("read the outbox", |connection| {
            let sql =
                "SELECT event_records.* FROM outbox JOIN event_records ON event_records.number = outbox.event ORDER BY 1 LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let events = statement.query_map([limit], |row| {
                Ok((row.get::<_, i64>("number")?, row.get::<_, i64>("job")?, event_record(row)?))
            })?;
            let mut told = Vec::new();
            for found in events {
                let (event, job, record) = found?;
                let sql = "SELECT * FROM job_records WHERE number = ?1";
                let job = connection.prepare_cached(sql)?.query_row([job], job_record)?;
                told.push(Told { event, record, job });
            }
            Ok(told)
        })
    }

    /// Takes transitions out of the outbox, and keeps what is to be told of them.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`].
    pub fn notify(
        &self,
        events: Vec<i64>,
        notifications: Vec<NewNotification>,
        now: Timestamp,
    ) -> Result<(), QueueError> {
        self.write_as_engine("keep notifications", move |connection| {
            for event in &events {
                connection.prepare_cached("DELETE FROM outbox WHERE event = ?1")?.execute([event])?;
            }
            let sql =
                "INSERT OR IGNORE INTO notifications (id, target, job, status, at, body, since, next_at)
                       VALUES (:id, :target, :job, :status, :at, :body, :now, :now)";
            for new in &notifications {
                connection.prepare_cached(sql)?.execute(named_params! {
                    ":id": new.id,
                    ":target": new.target,
                    ":job": new.job,
                    ":status": new.status,
                    ":at": time_text(new.at),
                    ":body": new.body,
                    ":now": time_text(now),
                })?;
            }
            Ok(())
        })
    }

    /// The notifications of one target that are to be tried now, those that wait longest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn due_notifications(
        &self,
        target: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Notification>, QueueError> {
        self.read("read the notifications", |connection| {
            let sql = "SELECT * FROM notifications WHERE target = ?1 AND next_at <= ?2
                       ORDER BY next_at, number LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![target, time_text(now), limit], notification)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Every notification that is not delivered, oldest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn notifications(&self) -> Result<Vec<Notification>, QueueError> {
        self.read("read the notifications", |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM notifications ORDER BY number")?;
            let rows = statement.query_map([], notification)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// A notification was delivered: nothing is left to do.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`].
    pub fn notification_delivered(&self, number: i64) -> Result<(), QueueError> {
        self.write_as_engine("keep that a notification was delivered", move |connection| {
            connection.prepare_cached("DELETE FROM notifications WHERE number = ?1")?.execute([number])?;
            Ok(())
        })
    }

    /// An attempt failed. It is tried again at `next_at`; without one it stays as undelivered.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`].
    pub fn notification_failed(
        &self,
        number: i64,
        error: &str,
        next_at: Option<Timestamp>,
    ) -> Result<(), QueueError> {
        let error = error.to_owned();
        self.write_as_engine("keep that a notification was not delivered", move |connection| {
            let sql = "UPDATE notifications SET attempts = attempts + 1, last_error = ?2, next_at = ?3 WHERE number = ?1";
            connection.prepare_cached(sql)?.execute(params![number, error, next_at.map(time_text)])?;
            let sql = "DELETE FROM notifications WHERE next_at IS NULL AND number NOT IN
                       (SELECT number FROM notifications WHERE next_at IS NULL ORDER BY number DESC LIMIT ?1)";
            if next_at.is_none() {
                connection.execute(sql, [MAX_UNDELIVERED])?;
            }
            Ok(())
        })
    }

    /// Has every notification that is not delivered tried again now, with all the time that a new one has. The answer is how
    /// many those are.
    ///
    /// # Errors
    ///
    /// If the database cannot be written.
    pub fn retry_notifications(&self, now: Timestamp) -> Result<usize, QueueError> {
        self.write("retry the notifications", move |connection| {
            let sql = "UPDATE notifications SET since = ?1, next_at = ?1, attempts = 0";
            Ok(connection.execute(sql, [time_text(now)])?)
        })
    }
}

fn notification(row: &Row<'_>) -> rusqlite::Result<Notification> {
    Ok(Notification {
        number: row.get("number")?,
        id: row.get("id")?,
        target: row.get("target")?,
        job: row.get("job")?,
        status: row.get("status")?,
        at: time(row, "at")?,
        body: row.get("body")?,
        attempts: row.get("attempts")?,
        since: time(row, "since")?,
        next_at: optional(row, "next_at", time)?,
        last_error: row.get("last_error")?,
    })
}
