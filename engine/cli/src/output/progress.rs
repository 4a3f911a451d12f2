//! Three consumers of the engine's events: a progress bar, plain lines, JSON Lines.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use longshore_runner::{Event, Listed, Observer, Progress};

use super::logged::Logged;
use super::{Screen, note, short};
use crate::logging;

/// Time between two plain progress lines: a log of a job of hours stays readable.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Time between two progress events in JSON.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// Time between two turns of the spinner.
const TICK: Duration = Duration::from_millis(200);

/// Before the number of tasks is known.
const SPINNER: &str = "{prefix}  {spinner} {msg}";

/// While tasks run: fits a terminal of 80 columns.
const BAR: &str = "{prefix}  {bar:20} {human_pos}/{human_len}  {rate}/s  {eta} left{msg}";

/// The bar that stands on the terminal, if one does: whatever else is printed must not be written onto it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// The observer that fits where the output goes.
pub(crate) fn observer(json: bool) -> Arc<dyn Observer> {
    if json {
        Arc::new(JsonLines { pace: Pace::new(JSON_EVERY) })
    } else if logging::is_json() {
        Arc::new(Logged::new())
    } else if std::io::stderr().is_terminal() {
        Arc::new(Bar { job: Mutex::default() })
    } else {
        Arc::new(Plain { pace: Pace::new(PLAIN_EVERY) })
    }
}

/// Prints something while the progress bar is out of the way.
pub(crate) fn beside_bar<T>(print: impl FnOnce() -> T) -> T {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// Takes the progress bar away.
pub(crate) fn clear_bar() {
    if let Some(bar) = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take() {
        bar.finish_and_clear();
    }
}

/// Lets the counters of a job through once in a while, and keeps the last ones that were held back.
pub(super) struct Pace {
    every: Duration,
    jobs: Mutex<BTreeMap<String, Shown>>,
}

/// The counters of a job since its last change of state.
#[derive(Default)]
struct Shown {
    last: Option<Instant>,
    held: Option<Event>,
}

impl Pace {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, jobs: Mutex::default() }
    }

    /// What is to be shown now that `event` happened: it waits for its time, but no change of state overtakes it.
    pub(super) fn due(&self, event: &Event) -> Vec<Event> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(event, Event::State { .. }) {
            let held = jobs.remove(event.job()).and_then(|shown| shown.held);
            return held.into_iter().chain([event.clone()]).collect();
        }
        let shown = jobs.entry(event.job().to_owned()).or_default();
        if shown.last.is_some_and(|last| last.elapsed() < self.every) {
            shown.held = Some(event.clone());
            return Vec::new();
        }
        *shown = Shown { last: Some(Instant::now()), held: None };
        vec![event.clone()]
    }
}

struct JsonLines {
    pace: Pace,
}

impl Observer for JsonLines {
    fn event(&self, event: &Event) {
        for event in self.pace.due(event) {
            // A reader that went away does not stop the job.
            let _ = Screen::default().json(&event);
        }
    }
}

struct Plain {
    pace: Pace,
}

impl Observer for Plain {
    fn event(&self, event: &Event) {
        for event in self.pace.due(event) {
            note(&plain(&event));
        }
    }
}

/// One line about an event, with the job's short ID first.
fn plain(event: &Event) -> String {
    match event {
        Event::State { job, state, cause } => format!("{}  {state}: {cause}", short(job)),
        Event::Listing { job, listed, rows } => format!("{}  {}", short(job), listing(*listed, *rows)),
        Event::Reading { job, rows } => format!("{}  {} rows read", short(job), HumanCount(*rows)),
        Event::Progress { job, progress } => format!(
            "{}  {} of {} tasks finished, {} failed",
            short(job),
            HumanCount(progress.finished()),
            HumanCount(progress.total),
            HumanCount(progress.failed)
        ),
    }
}

/// Shows on standard error how far a listing without a job is.
pub(crate) fn listing_progress() -> Arc<dyn Fn(Listed) + Send + Sync> {
    if std::io::stderr().is_terminal() {
        let bar = ProgressBar::no_length().with_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(TICK);
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        return Arc::new(move |Listed { listed, rows }| bar.set_message(listing(listed, rows)));
    }
    let last = Mutex::new(Instant::now());
    Arc::new(move |Listed { listed, rows }| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= PLAIN_EVERY {
            *last = Instant::now();
            note(&listing(listed, rows));
        }
    })
}

/// Shows on a terminal how many rows of a list were read.
pub(crate) fn reading_progress() -> Arc<dyn Fn(u64) + Send + Sync> {
    if !std::io::stderr().is_terminal() {
        return Arc::new(|_| {});
    }
    let bar = ProgressBar::no_length().with_style(style("{spinner} {human_pos} rows read  {rate}/s"));
    bar.enable_steady_tick(TICK);
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    Arc::new(move |rows| bar.set_position(rows))
}

/// How far a listing is.
fn listing(listed: u64, rows: u64) -> String {
    format!("{} entries listed, {} of them pass", HumanCount(listed), HumanCount(rows))
}

/// One bar at a time: the next job has its own.
struct Bar {
    /// The job that the shown bar belongs to.
    job: Mutex<Option<String>>,
}

impl Bar {
    fn of(&self, job: &str) -> ProgressBar {
        let mut current = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
        match shown.as_ref() {
            Some(bar) if current.as_deref() == Some(job) => bar.clone(),
            other => {
                if let Some(bar) = other {
                    bar.finish_and_clear();
                }
                let bar = ProgressBar::no_length().with_prefix(short(job).to_owned());
                bar.set_style(style(SPINNER));
                bar.enable_steady_tick(TICK);
                *current = Some(job.to_owned());
                *shown = Some(bar.clone());
                bar
            }
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        clear_bar();
    }
}

impl Observer for Bar {
    fn event(&self, event: &Event) {
        match event {
            Event::State { state, .. } if state.is_terminal() => {
                clear_bar();
                note(&plain(event));
            }
            Event::State { job, state, .. } => {
                let bar = self.of(job);
                // What stands when the tasks have run says nothing about the time that is left.
                bar.set_style(style(SPINNER));
                bar.unset_length();
                bar.set_message(state.to_string());
            }
            Event::Listing { job, listed, rows } => self.of(job).set_message(listing(*listed, *rows)),
            Event::Reading { job, rows } => {
                self.of(job).set_message(format!("reading the manifest: {} rows", HumanCount(*rows)));
            }
            Event::Progress { job, progress } => show(&self.of(job), *progress),
        }
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_message(match progress.failed {
        0 => String::new(),
        failed => format!("  {} failed", HumanCount(failed)),
    });
    let first = bar.length().is_none();
    if first {
        bar.set_length(progress.total);
        bar.set_style(style(BAR));
    }
    bar.set_position(progress.finished());
    if first {
        // Tasks of an earlier run of the engine are no sign of this one's speed.
        bar.reset_eta();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}", HumanCount(whole(state.per_sec())));
        })
        .progress_chars("━╸─")
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
fn whole(rate: f64) -> u64 {
    rate.max(0.0).round() as u64
}
