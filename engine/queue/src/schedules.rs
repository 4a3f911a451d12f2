//! Recurring jobs: a template, and one job for each moment of its schedule.

use jiff::Timestamp;
use longshore_job::JobState;
use longshore_job::schedule::Calendar;
use longshore_job::spec::{JobSpec, Overlap, Timing};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{QueueError, Step};
use crate::jobs::{self, json, time_text};
use crate::queue::Queue;
use crate::record::{NewJob, Occasion, Occurrence};
use crate::transitions::{self, Transition};

const DOING: &str = "begin an occurrence";

impl Queue {
    /// The templates whose next occurrence is due at `now`.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`].
    pub fn occasions(&self, now: Timestamp) -> Result<Vec<Occasion>, QueueError> {
        self.require_engine(DOING)?;
        self.read(DOING, |connection| {
            let sql = "SELECT id, spec, next_at FROM schedules JOIN job_records ON number = job
                       WHERE state = 'New' AND next_at <= ?1 ORDER BY next_at, number";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([time_text(now)], |row| {
                let due = jobs::time(row, "next_at")?;
                Ok(Occasion { template: row.get("id")?, spec: jobs::job_spec(row, "spec")?, due })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Begins the occurrence of a template that was due: a job with the ID `id`, or none where the schedule leaves it out.
    /// All moments up to `now` that were missed are this one occurrence, the last of them. `None` if another call was
    /// faster, or the template has ended: each moment is one occurrence.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotEngine`]; [`QueueError::NotFound`]; [`QueueError::IdTaken`].
    pub fn occur(
        &self,
        occasion: &Occasion,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Occurrence>, QueueError> {
        let (occasion, id) = (occasion.clone(), id.to_owned());
        self.write_as_engine(DOING, move |connection| occur(connection, &occasion, &id, now))
    }

    /// When a template occurs next; `None` if the job is no template, or its schedule has come to its end.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn next_occurrence(&self, id: &str) -> Result<Option<Timestamp>, QueueError> {
        self.read("read the schedule", |connection| {
            let job = jobs::resolve(connection, id)?.number;
            let sql = "SELECT next_at FROM schedules WHERE job = ?1 AND next_at IS NOT NULL";
            let next = connection.query_row(sql, [job], |row| jobs::time(row, "next_at"));
            Ok(next.optional()?)
        })
    }

    /// The occurrences of a template, or the one that the job is: the oldest first.
    ///
    /// # Errors
    ///
    /// [`QueueError::NotFound`]; [`QueueError::Ambiguous`].
    pub fn occurrences(&self, id: &str) -> Result<Vec<Occurrence>, QueueError> {
        self.read("read the occurrences", |connection| {
            let job = jobs::resolve(connection, id)?.number;
            let sql = "SELECT template.id AS template, at, job_records.id AS job
                       FROM occurrences JOIN job_records AS template ON template.number = template
                            LEFT JOIN job_records ON job_records.number = job
                       WHERE template = ?1 OR job = ?1 ORDER BY at";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([job], occurrence)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn occurrence(row: &Row<'_>) -> rusqlite::Result<Occurrence> {
    Ok(Occurrence { template: row.get("template")?, at: jobs::time(row, "at")?, job: row.get("job")? })
}

/// Sets the first moment of a new template: none before its `start-at`.
pub(crate) fn begin(connection: &Connection, job: i64, new: &NewJob) -> Step<()> {
    let Some(calendar) = calendar(&new.spec)? else { return Ok(()) };
    let from = new.spec.timing.start_at.map_or(new.created_at, |start| start.max(new.created_at));
    // A moment counts that is exactly the start.
    let next = match calendar.last(from) {
        Some(moment) if moment == from => Some(moment),
        _ => calendar.next(from),
    };
    let sql = "INSERT INTO schedules (job, next_at) VALUES (?1, ?2)";
    connection.execute(sql, params![job, next.map(time_text)])?;
    Ok(())
}

fn calendar(spec: &JobSpec) -> Step<Option<Calendar>> {
    let calendar = spec.timing.schedule.as_ref().map(Calendar::new).transpose();
    Ok(calendar.map_err(|detail| QueueError::Invalid { doing: DOING, detail })?)
}

fn occur(connection: &Connection, occasion: &Occasion, id: &str, now: Timestamp) -> Step<Option<Occurrence>> {
    let template = jobs::find(connection, &occasion.template)?;
    let Some(calendar) = calendar(&occasion.spec)? else { return Ok(None) };
    let sql = "UPDATE schedules SET next_at = ?3 WHERE job = ?1 AND next_at = ?2";
    let next = calendar.next(now).map(time_text);
    if connection.execute(sql, params![template.number, time_text(occasion.due), next])? == 0 {
        return Ok(None);
    }
    let at = calendar.last(now).map_or(occasion.due, |last| last.max(occasion.due));
    let before = unfinished(connection, template.number)?;
    let overlap = occasion.spec.timing.schedule.as_ref().map_or(Overlap::Skip, |schedule| schedule.overlap);
    let job = match (before, overlap) {
        (Some(_), Overlap::Skip) => {
            let cause = format!("the occurrence of {at:.0} is left out: the one before has not ended");
            let step = Transition { to: JobState::New, cause, actor: "engine".to_owned(), at: now };
            transitions::note(connection, template.number, Some(JobState::New), &step)?;
            None
        }
        (before, _) => {
            let number = begin_job(connection, occasion, id, now)?;
            if let (Some(before), Overlap::Queue) = (before, overlap) {
                let sql = "INSERT INTO dependencies (job, on_job, must_complete) VALUES (?1, ?2, 0)";
                connection.execute(sql, [number, before])?;
            }
            Some(number)
        }
    };
    let sql = "INSERT INTO occurrences (template, at, job) VALUES (?1, ?2, ?3)";
    connection.execute(sql, params![template.number, time_text(at), job])?;
    Ok(Some(Occurrence { template: template.id, at, job: job.map(|_| id.to_owned()) }))
}

/// The newest job of the template that has not ended.
fn unfinished(connection: &Connection, template: i64) -> Step<Option<i64>> {
    let sql = "SELECT number FROM occurrences JOIN job_records ON number = job
               WHERE template = ?1 AND state NOT IN ('Complete', 'Cancelled', 'Failed') ORDER BY at DESC LIMIT 1";
    Ok(connection.query_row(sql, [template], |row| row.get(0)).optional()?)
}

/// The template's job as one that runs: at once, once.
fn begin_job(connection: &Connection, occasion: &Occasion, id: &str, now: Timestamp) -> Step<i64> {
    let sql = "SELECT plugin_digests, priority FROM job_records WHERE id = ?1";
    let (plugin_digests, priority) = connection.query_row(sql, [&occasion.template], |row| {
        Ok((json(row, "plugin_digests")?, row.get("priority")?))
    })?;
    let timing = Timing { deadline: occasion.spec.timing.deadline, ..Timing::default() };
    let spec = JobSpec { timing, client_token: None, priority, ..occasion.spec.clone() };
    let new = NewJob { id: id.to_owned(), spec, plugin_digests, created_at: now };
    jobs::submit(connection, &new, "submitted".to_owned())?;
    Ok(jobs::find(connection, id)?.number)
}
