//! `longshore watch`: follow jobs, whoever works on them, by reading the queue again and again.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use longshore_queue::{JobRecord, Queue};
use tokio::sync::mpsc;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{Pace, Watched, note, short};
use crate::signals::Signals;

/// Time between two looks at the queue.
const POLL: Duration = Duration::from_millis(500);

/// Time between two lines about the progress of a job; a change of its state is told at once.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The same in JSON.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// Jobs that stand on the terminal at once (count): the others wait behind them.
const SHOWN: usize = 20;

/// Arguments of `longshore watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// ID of a job, or the first characters of one; without it, every job that has not ended
    job: Option<String>,
    /// Look once
    #[arg(long)]
    once: bool,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let queue = context.queue()?;
    let only = arguments.job.as_deref().map(|id| queue.job(id)).transpose()?.map(|record| record.id);
    let live = !arguments.once && !context.json && std::io::stdout().is_terminal();
    let mut watch = Watch { queue, only, mark: None, paces: BTreeMap::new() };
    let mut view = if live { View::live() } else { View::Lines(Lines::new(context.json)) };
    let mut quit = quit(live);
    // Before anything is shown: who sees it may interrupt at once.
    let mut signals = Signals::listen();
    loop {
        let jobs = watch.look()?;
        view.show(context, &jobs)?;
        let ended = watch.only.is_some() && jobs.iter().all(|job| job.record.state.is_terminal());
        if !ended && !arguments.once {
            tokio::select! {
                () = tokio::time::sleep(POLL) => continue,
                () = signals.next() => {}
                Some(()) = quit.recv() => {}
            }
        }
        if jobs.is_empty() && !context.json {
            note("no job is waiting or running; 'longshore list' shows all");
        }
        return Ok(match (&watch.only, jobs.first()) {
            (Some(_), Some(job)) => Exit::of(&job.record),
            _ => Exit::Success,
        });
    }
}

/// Says when the user has typed q and Enter. The terminal stays as it is: nothing has to be put back, however this ends.
fn quit(live: bool) -> mpsc::Receiver<()> {
    let (asked, quit) = mpsc::channel(1);
    if live && std::io::stdin().is_terminal() {
        std::thread::spawn(move || {
            let is_quit = |line: &std::io::Result<String>| line.as_ref().is_ok_and(|line| line.trim() == "q");
            if std::io::stdin().lines().any(|line| is_quit(&line)) {
                // Nobody waits for it any more if this comes to nothing.
                let _ = asked.blocking_send(());
            }
        });
    }
    quit
}

/// What is watched.
struct Watch {
    queue: Queue,
    /// The only job.
    only: Option<String>,
    /// Up to which job all were seen.
    mark: Option<i64>,
    /// Of the jobs that were there at the last look.
    paces: BTreeMap<String, Pace>,
}

impl Watch {
    /// The jobs as they stand; those that have ended since the last look are among them once more.
    fn look(&mut self) -> Result<Vec<Watched>, CliError> {
        let records = match &self.only {
            Some(id) => vec![self.queue.job(id)?],
            None => {
                let (mut records, mark) = self.queue.unfinished(self.mark)?;
                self.mark = Some(mark);
                let gone = |id: &&String| records.iter().all(|record| record.id != **id);
                let gone: Vec<&String> = self.paces.keys().filter(gone).collect();
                let ended = gone.into_iter().map(|id| self.queue.job(id));
                let ended = ended.collect::<Result<Vec<_>, _>>()?;
                records.splice(0..0, ended);
                records
            }
        };
        let mut before = std::mem::take(&mut self.paces);
        let mut jobs = Vec::with_capacity(records.len());
        for record in records {
            let pace = before.remove(&record.id).unwrap_or_default();
            jobs.push(self.watched(record, pace)?);
        }
        Ok(jobs)
    }

    fn watched(&mut self, record: JobRecord, mut pace: Pace) -> Result<Watched, CliError> {
        pace.see(Instant::now(), record.succeeded + record.failed);
        let rate = pace.rate().or_else(|| Watched::average(&record, Timestamp::now()));
        if !record.state.is_terminal() {
            self.paces.insert(record.id.clone(), pace);
        }
        let codes = if record.failed > 0 { self.queue.failure_codes(&record.id)? } else { Vec::new() };
        Ok(Watched { record, codes, rate })
    }
}

/// Where it is shown.
enum View {
    Live(Live),
    Lines(Lines),
}

impl View {
    fn live() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let rest = bars.add(ProgressBar::no_length().with_style(style("{msg}")));
        Self::Live(Live { bars, rest, shown: BTreeMap::new() })
    }

    fn show(&mut self, context: &Context, jobs: &[Watched]) -> Result<(), CliError> {
        match self {
            Self::Live(live) => live.show(jobs),
            Self::Lines(lines) => lines.show(context, jobs),
        }
    }
}

/// One bar for each job, which is redrawn in its place.
struct Live {
    bars: MultiProgress,
    /// The line below the bars.
    rest: ProgressBar,
    shown: BTreeMap<String, ProgressBar>,
}

impl Live {
    fn show(&mut self, jobs: &[Watched]) -> Result<(), CliError> {
        let (ended, open): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| job.record.state.is_terminal());
        for job in ended {
            if let Some(bar) = self.shown.remove(&job.record.id) {
                bar.finish_and_clear();
            }
            // What has ended goes up with the text of the terminal.
            self.bars.println(format!("{}  {}", short(&job.record.id), job.line()))?;
        }
        for job in open.iter().take(SHOWN) {
            let bar = self.shown.entry(job.record.id.clone()).or_insert_with(|| {
                let bar = ProgressBar::new(1).with_prefix(short(&job.record.id).to_owned());
                self.bars.insert_before(&self.rest, bar.with_style(style("{prefix}  {bar:12} {msg}")))
            });
            bar.set_length(job.record.total_tasks.unwrap_or(1).max(1));
            bar.set_position(job.finished());
            bar.set_message(job.line());
        }
        let hidden = open.len().saturating_sub(SHOWN);
        let more = if hidden > 0 { format!("and {hidden} more jobs; ") } else { String::new() };
        self.rest.set_message(match open.len() {
            0 => "no job is waiting or running; q and Enter, or Ctrl-C, ends this".to_owned(),
            _ => format!("{more}q and Enter, or Ctrl-C, ends this"),
        });
        self.rest.tick();
        Ok(())
    }
}

impl Drop for Live {
    /// The last word about each job stays on the terminal.
    fn drop(&mut self) {
        self.rest.finish_and_clear();
        self.shown.values().for_each(ProgressBar::abandon);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

/// A line when something has changed.
struct Lines {
    json: bool,
    /// What was told of each job, and when.
    told: BTreeMap<String, (Instant, String, String)>,
}

impl Lines {
    fn new(json: bool) -> Self {
        Self { json, told: BTreeMap::new() }
    }

    fn show(&mut self, context: &Context, jobs: &[Watched]) -> Result<(), CliError> {
        for job in jobs.iter().filter(|job| self.is_due(job)).collect::<Vec<_>>() {
            self.told.insert(job.record.id.clone(), (Instant::now(), stage(job), counts(job)));
            if self.json {
                context.screen.json(&job.value())?;
            } else {
                context.screen.line(format!("{}  {}", short(&job.record.id), job.line()))?;
            }
        }
        self.told.retain(|id, _| jobs.iter().any(|job| job.record.id == *id));
        Ok(())
    }

    fn is_due(&self, job: &Watched) -> bool {
        let Some((at, stage_told, counts_told)) = self.told.get(&job.record.id) else { return true };
        let every = if self.json { JSON_EVERY } else { LINE_EVERY };
        stage(job) != *stage_told || (counts(job) != *counts_told && at.elapsed() >= every)
    }
}

/// What is told at once when it changes.
fn stage(job: &Watched) -> String {
    let JobRecord { state, priority, obstacle, .. } = &job.record;
    format!("{state} {priority} {obstacle:?}")
}

/// What is told once in a while.
fn counts(job: &Watched) -> String {
    let JobRecord { total_tasks, succeeded, failed, .. } = &job.record;
    format!("{total_tasks:?} {succeeded} {failed}")
}
