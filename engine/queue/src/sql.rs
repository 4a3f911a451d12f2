//! SQL of users: one query over the views, on a connection that can change nothing, bounded in time, rows and memory.
//! The answer is complete before anybody looks at it, so that a slow reader keeps no transaction open: while one is, the
//! write-ahead log grows.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle};

use crate::error::QueueError;
use crate::queue::Queue;
use crate::schema;

/// Most memory that the values of an answer take, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Bytes that a value takes beside its text.
const VALUE_BYTES: usize = size_of::<SqlValue>();

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// How much a query may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlBounds {
    /// Rows of the answer (count).
    pub rows: usize,
    /// How long it may take.
    pub time: Duration,
}

/// What a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlAnswer {
    /// The names of its columns.
    pub columns: Vec<String>,
    /// Its rows, no more than the bounds allow.
    pub rows: Vec<Vec<SqlValue>>,
    /// Whether there were more.
    pub cut: bool,
}

impl Queue {
    /// Answers one query of a user.
    ///
    /// # Errors
    ///
    /// [`QueueError::Sql`] if SQLite does not understand it or cannot do it; [`QueueError::NoQuery`] if it is not one
    /// statement that has an answer; [`QueueError::QueryTooSlow`]; [`QueueError::AnswerTooLarge`].
    pub fn query(&self, sql: &str, bounds: SqlBounds) -> Result<SqlAnswer, QueueError> {
        let connection = schema::open_read_only(self.path())?;
        let interrupt = connection.get_interrupt_handle();
        let (done, waiting) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || stop_after(bounds.time, &waiting, &interrupt));
            let answer = answer(&connection, sql, bounds);
            drop(done);
            answer
        })
    }
}

/// Interrupts the query once its time is over, unless it has ended.
fn stop_after(time: Duration, ended: &mpsc::Receiver<()>, interrupt: &InterruptHandle) {
    if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
        interrupt.interrupt();
    }
}

fn answer(connection: &Connection, sql: &str, bounds: SqlBounds) -> Result<SqlAnswer, QueueError> {
    let explain = |error| explain(error, bounds);
    let mut statement = connection.prepare(sql).map_err(explain)?;
    if statement.column_count() == 0 {
        return Err(QueueError::NoQuery);
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut answer = SqlAnswer { columns, rows: Vec::new(), cut: false };
    let mut found = statement.query([]).map_err(explain)?;
    let mut bytes = 0;
    while let Some(row) = found.next().map_err(explain)? {
        if answer.rows.len() == bounds.rows {
            answer.cut = true;
            break;
        }
        let mut values = Vec::with_capacity(answer.columns.len());
        for column in 0..answer.columns.len() {
            let value = SqlValue::of(row.get_ref(column).map_err(explain)?);
            bytes += value.bytes();
            values.push(value);
        }
        if bytes > MAX_ANSWER_BYTES {
            return Err(QueueError::AnswerTooLarge { mebibytes: MAX_ANSWER_BYTES >> 20 });
        }
        answer.rows.push(values);
    }
    Ok(answer)
}

impl SqlValue {
    fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_owned()),
        }
    }

    fn bytes(&self) -> usize {
        VALUE_BYTES
            + match self {
                Self::Text(text) => text.len(),
                Self::Blob(bytes) => bytes.len(),
                Self::Null | Self::Integer(_) | Self::Real(_) => 0,
            }
    }
}

fn explain(error: rusqlite::Error, bounds: SqlBounds) -> QueueError {
    use rusqlite::Error::{MultipleStatement, SqlInputError, SqliteFailure};
    match error {
        MultipleStatement => QueueError::NoQuery,
        SqliteFailure(failure, _) if failure.code == ErrorCode::OperationInterrupted => {
            QueueError::QueryTooSlow { time: bounds.time }
        }
        SqlInputError { msg, sql, offset, .. } => {
            let place = usize::try_from(offset).ok().and_then(|offset| place(&sql, offset));
            QueueError::Sql { message: msg, place: place.unwrap_or_default() }
        }
        SqliteFailure(_, Some(message)) => QueueError::Sql { message, place: String::new() },
        other => QueueError::Sql { message: other.to_string(), place: String::new() },
    }
}

/// Line and column of a byte of the query, with the line itself and a mark below it.
fn place(sql: &str, offset: usize) -> Option<String> {
    let (before, after) = sql.split_at_checked(offset)?;
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(start..)?.chars().count();
    let text = before.get(start..)?.to_owned() + after.split('\n').next().unwrap_or_default();
    let shown = text.replace(|c: char| c.is_control(), " ");
    Some(format!(", at line {line}, column {}\n  {shown}\n  {:>width$}", column + 1, "^", width = column + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_place_is_marked() {
        let marked = |sql, offset| place(sql, offset).unwrap();
        let expected = ", at line 2, column 3\n    stat FROM jobs\n    ^";
        assert_eq!(marked("SELECT job,\n  stat FROM jobs\nLIMIT 3", 14), expected);
        assert_eq!(
            marked("SELECT 'ü' FORM", 12),
            ", at line 1, column 12\n  SELECT 'ü' FORM\n             ^"
        );
    }

    proptest! {
        #[test]
        fn every_offset_has_a_place_or_none(sql in "(?s).{0,40}", offset in 0_usize..80) {
            prop_assert_eq!(place(&sql, offset).is_some(), sql.is_char_boundary(offset));
        }
    }
}
