//! A job as somebody watches it: how far it is, how fast, and how long it still takes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration};
use jiff::Timestamp;
use longshore_job::JobState;
use longshore_queue::JobRecord;
use serde_json::{Value, json};

use super::{printable, summary};

/// Failure codes that a line names (count; the rest is in `longshore failures`).
const CODES: usize = 3;

/// How far back the rate looks: long enough to be calm, short enough to follow the store.
const RATE_WINDOW: Duration = Duration::from_secs(10);

/// How many tasks finish in a second, from what was seen last.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    seen: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// Takes up how many tasks are finished now.
    pub(crate) fn see(&mut self, now: Instant, finished: u64) {
        // A job that is not where it was does not go on from there.
        if self.seen.back().is_some_and(|(_, last)| finished < *last) {
            self.seen.clear();
        }
        self.seen.push_back((now, finished));
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_WINDOW) {
            self.seen.pop_front();
        }
    }

    /// Tasks per second; none before anything was seen to change.
    pub(crate) fn rate(&self) -> Option<f64> {
        let ((first, before), (last, after)) = (self.seen.front()?, self.seen.back()?);
        per_second(after.saturating_sub(*before), last.duration_since(*first))
    }
}

/// Tasks per second; none if there were none.
#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(tasks: u64, time: Duration) -> Option<f64> {
    let seconds = time.as_secs_f64();
    (tasks > 0 && seconds > 0.0).then(|| tasks as f64 / seconds)
}

/// A job at one moment.
pub(crate) struct Watched {
    pub(crate) record: JobRecord,
    /// How often tasks failed with which code.
    pub(crate) codes: Vec<(String, u64)>,
    /// Tasks per second.
    pub(crate) rate: Option<f64>,
}

impl Watched {
    /// Its tasks that have a result.
    pub(crate) fn finished(&self) -> u64 {
        self.record.succeeded + self.record.failed
    }

    /// How fast it was since it first ran, for one who looks only once. None unless its tasks run.
    pub(crate) fn average(record: &JobRecord, now: Timestamp) -> Option<f64> {
        let started = record.started_at.filter(|_| record.state == JobState::Active)?;
        let time = Duration::try_from(now.duration_since(started)).ok()?;
        per_second(record.succeeded + record.failed, time)
    }

    /// How long it takes at this rate; none if its tasks do not run.
    pub(crate) fn left(&self) -> Option<Duration> {
        let rate = self.rate.filter(|_| self.record.state == JobState::Active)?;
        let left = self.record.total_tasks?.saturating_sub(self.finished());
        #[allow(clippy::cast_precision_loss, reason = "a time for people")]
        Duration::try_from_secs_f64(left as f64 / rate).ok()
    }

    /// One line about it, without its ID.
    pub(crate) fn line(&self) -> String {
        let record = &self.record;
        let mut parts = vec![record.state.to_string()];
        match record.total_tasks {
            Some(total) => parts.push(format!(
                "{} {} of {} tasks",
                percent(self.finished(), total),
                HumanCount(self.finished()),
                HumanCount(total)
            )),
            None if !record.state.is_terminal() => parts.push("tasks not counted yet".to_owned()),
            None => {}
        }
        if let (Some(rate), JobState::Active) = (self.rate, record.state) {
            parts.push(format!("{}/s", HumanCount(whole(rate))));
        }
        parts.extend(self.left().map(|left| format!("{} left", HumanDuration(left))));
        parts.extend((record.failed > 0).then(|| self.failures()));
        parts.extend(record.failure_code.as_deref().map(printable));
        parts.extend(record.obstacle.as_deref().map(|why| format!("held back: {}", printable(why))));
        parts.join("  ")
    }

    fn failures(&self) -> String {
        let code = |(code, count): &(String, u64)| format!("{} {}", HumanCount(*count), printable(code));
        let mut codes: Vec<String> = self.codes.iter().take(CODES).map(code).collect();
        codes.extend((self.codes.len() > CODES).then(|| "…".to_owned()));
        format!("{} failed ({})", HumanCount(self.record.failed), codes.join(", "))
    }

    /// For machines: what `longshore status` says, and how fast.
    pub(crate) fn value(&self) -> Value {
        let seconds = self.left().map(|left| left.as_secs_f64());
        json!({
            "event": "job", "job": summary(&self.record, &self.codes),
            "tasks_per_second": self.rate, "seconds_left": seconds,
        })
    }
}

/// Whole per cent, rounded down: not everything is done before it is.
fn percent(finished: u64, total: u64) -> String {
    let share = u128::from(finished) * 100 / u128::from(total.max(1));
    format!("{share} %")
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
fn whole(rate: f64) -> u64 {
    rate.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(seen: &[(u64, u64)]) -> Option<f64> {
        let (start, mut pace) = (Instant::now(), Pace::default());
        for (second, finished) in seen {
            pace.see(start + Duration::from_secs(*second), *finished);
        }
        pace.rate()
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        assert_eq!(pace(&[]), None);
        assert_eq!(pace(&[(0, 5000)]), None, "what was done before says nothing");
        assert_eq!(pace(&[(0, 5000), (2, 5000)]), None);
        assert_eq!(pace(&[(0, 5000), (2, 5100)]), Some(50.0));
        // The first 1000 tasks are forgotten.
        assert_eq!(pace(&[(0, 0), (1, 1000), (6, 1010), (11, 1020)]), Some(2.0));
        assert_eq!(pace(&[(0, 0), (100, 1000)]), Some(10.0), "two looks are enough, however far apart");
        assert_eq!(pace(&[(0, 900), (1, 0), (2, 7)]), Some(7.0));
    }

    #[test]
    fn nothing_is_100_percent_before_it_is() {
        assert_eq!(percent(999_999, 1_000_000), "99 %");
        assert_eq!(percent(1_000_000, 1_000_000), "100 %");
        assert_eq!((percent(0, 0), percent(u64::MAX, u64::MAX)), ("0 %".to_owned(), "100 %".to_owned()));
    }
}
