//! Three consumers of the engine's events: a progress bar, plain lines, JSON Lines.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use longshore_runner::{Event, Observer, Progress};

use super::{Screen, note};

/// Time between two plain progress lines: a log of a job of hours stays readable.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Time between two progress events in JSON.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// The observer that fits where the output goes.
pub(crate) fn observer(json: bool) -> Arc<dyn Observer> {
    if json {
        Arc::new(JsonLines { last: Pace::new(JSON_EVERY) })
    } else if std::io::stderr().is_terminal() {
        Arc::new(Bar::new())
    } else {
        Arc::new(Plain { last: Pace::new(PLAIN_EVERY) })
    }
}

/// Lets something happen at most once in a while.
struct Pace {
    every: Duration,
    last: Mutex<Option<Instant>>,
}

impl Pace {
    fn new(every: Duration) -> Self {
        Self { every, last: Mutex::new(None) }
    }

    fn due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= self.every);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

struct JsonLines {
    last: Pace,
}

impl Observer for JsonLines {
    fn event(&self, event: &Event) {
        if matches!(event, Event::State { .. }) || self.last.due() {
            // A reader that went away does not stop the job.
            let _ = Screen::default().json(event);
        }
    }
}

struct Plain {
    last: Pace,
}

impl Observer for Plain {
    fn event(&self, event: &Event) {
        match event {
            Event::State { state, cause, .. } => note(&format!("{state}: {cause}")),
            Event::Listing { listed, rows, .. } if self.last.due() => note(&listing(*listed, *rows)),
            Event::Reading { rows, .. } if self.last.due() => {
                note(&format!("{} rows read", HumanCount(*rows)))
            }
            Event::Progress { progress, .. } if self.last.due() => note(&plain(*progress)),
            _ => {}
        }
    }
}

fn listing(listed: u64, rows: u64) -> String {
    format!("{} entries listed, {} of them pass", HumanCount(listed), HumanCount(rows))
}

fn plain(progress: Progress) -> String {
    format!(
        "{} of {} tasks finished, {} failed",
        HumanCount(progress.finished()),
        HumanCount(progress.total),
        HumanCount(progress.failed)
    )
}

struct Bar {
    bar: ProgressBar,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::no_length();
        bar.set_style(Self::style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    fn style(template: &str) -> ProgressStyle {
        ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─")
    }
}

impl Observer for Bar {
    fn event(&self, event: &Event) {
        match event {
            Event::State { state, cause, .. } if state.is_terminal() => {
                self.bar.finish_and_clear();
                note(&format!("{state}: {cause}"));
            }
            Event::State { state, .. } => self.bar.set_message(state.to_string()),
            Event::Listing { listed, rows, .. } => self.bar.set_message(listing(*listed, *rows)),
            Event::Reading { rows, .. } => {
                self.bar.set_message(format!("reading the manifest: {} rows", HumanCount(*rows)))
            }
            Event::Progress { progress, .. } => {
                if self.bar.length().is_none() {
                    self.bar.set_style(Self::style(
                        "{spinner} [{elapsed_precise}] {bar:30} {human_pos}/{human_len} {per_sec}, {eta} left{msg}",
                    ));
                    self.bar.set_length(progress.total);
                    self.bar.reset_eta();
                }
                self.bar.set_position(progress.finished());
                self.bar.set_message(match progress.failed {
                    0 => String::new(),
                    failed => format!(", {} failed", HumanCount(failed)),
                });
            }
        }
    }
}
