//! Keeps repeated warnings from filling a disk: a store that is away for a night must not write a line for each request.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::{BesideBar, LogFormat};

/// The time in which warnings are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Warnings and errors from one place of the program that are written in one window (count): enough to see what goes on. What a
/// user asks for with `--log debug` is not bounded.
const PER_WINDOW: u32 = 20;

/// A writer for each event, or none for one too many. The places are bounded: they are places in the program.
pub(super) struct Bounded {
    format: LogFormat,
    places: Mutex<HashMap<Identifier, Place>>,
}

struct Place {
    since: Instant,
    seen: u32,
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Write,
    /// Written, after so many in the last window that were not.
    WriteAfter(u32),
    /// The last one of this window.
    WriteLast,
    Drop,
}

impl Place {
    fn judge(&mut self, now: Instant) -> Verdict {
        if now.saturating_duration_since(self.since) >= WINDOW {
            let dropped = self.seen.saturating_sub(PER_WINDOW);
            *self = Self { since: now, seen: 1 };
            return if dropped > 0 { Verdict::WriteAfter(dropped) } else { Verdict::Write };
        }
        self.seen = self.seen.saturating_add(1);
        match self.seen.cmp(&PER_WINDOW) {
            std::cmp::Ordering::Less => Verdict::Write,
            std::cmp::Ordering::Equal => Verdict::WriteLast,
            std::cmp::Ordering::Greater => Verdict::Drop,
        }
    }
}

impl Bounded {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format, places: Mutex::default() }
    }

    fn judge(&self, metadata: &Metadata<'_>) -> Verdict {
        if *metadata.level() > Level::WARN {
            return Verdict::Write;
        }
        let now = Instant::now();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(metadata.callsite()).or_insert(Place { since: now, seen: 0 }).judge(now)
    }

    /// A line about lines, in the form of the others.
    fn about(&self, text: &str) -> Vec<u8> {
        let line = match self.format {
            LogFormat::Text => format!("      ({text})\n"),
            LogFormat::Json => {
                format!("{}\n", serde_json::json!({ "level": "WARN", "fields": { "message": text } }))
            }
        };
        line.into_bytes()
    }
}

impl<'a> MakeWriter<'a> for Bounded {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { before: Vec::new(), after: Vec::new(), dropped: false }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        let mut line = self.make_writer();
        match self.judge(metadata) {
            Verdict::Write => {}
            Verdict::WriteAfter(dropped) => {
                line.before = self.about(&format!("{dropped} more like the next were not written"))
            }
            Verdict::WriteLast => {
                line.after =
                    self.about(&format!("more like the last are not written for {} s", WINDOW.as_secs()));
            }
            Verdict::Drop => line.dropped = true,
        }
        line
    }
}

/// One event on its way to standard error.
pub(super) struct Line {
    before: Vec<u8>,
    after: Vec<u8>,
    dropped: bool,
}

impl io::Write for Line {
    /// The subscriber hands over an event whole, in one call.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.dropped {
            let text = [&*self.before, bytes, &*self.after].concat();
            BesideBar.write_all(&text)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        BesideBar.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_off_and_counted() {
        let begin = Instant::now();
        let mut place = Place { since: begin, seen: 0 };
        let verdicts: Vec<_> = (0..100).map(|_| place.judge(begin)).collect();
        let written = usize::try_from(PER_WINDOW).unwrap();
        assert!(verdicts[..written - 1].iter().all(|verdict| *verdict == Verdict::Write));
        assert_eq!(verdicts[written - 1], Verdict::WriteLast);
        assert!(verdicts[written..].iter().all(|verdict| *verdict == Verdict::Drop));
        assert_eq!(place.judge(begin + WINDOW), Verdict::WriteAfter(100 - PER_WINDOW));
        assert_eq!(place.judge(begin + WINDOW + WINDOW), Verdict::Write);
    }
}
