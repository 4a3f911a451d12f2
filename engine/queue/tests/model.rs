//! The queue against a model in memory, over any course of events: crashes, transactions that fail half-way, and a clock that
//! jumps among them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use std::collections::BTreeMap;

use common::{Fixture, at, batch, failed, new_chunks, new_job, succeeded, total};
use longshore_job::{JobState, Outcome};
use longshore_queue::{Access, FileMark, Queue, ReportMarks};
use proptest::prelude::*;

const IDS: [&str; 2] = ["job-a", "job-b"];

#[derive(Debug, Clone)]
enum Step {
    Submit {
        token: bool,
    },
    Move(JobState, JobState),
    Cancel,
    Pause,
    Resume,
    Confirm,
    Put(Vec<u32>),
    Record {
        chunk: u32,
        outcomes: Vec<(u32, Outcome)>,
    },
    Close {
        chunk: u32,
        mark: u64,
    },
    Priority(u32),
    Fail(JobState, JobState),
    /// Takes a step while writing to a table fails.
    Fault(&'static str, Box<Step>),
    Reopen,
    Crash,
}

#[derive(Debug, Clone, Default)]
struct Chunk {
    rows: u32,
    closed: bool,
    outcomes: BTreeMap<u32, Outcome>,
}

#[derive(Debug, Clone)]
struct Job {
    state: JobState,
    token: bool,
    /// The time of the step that is taken.
    now: i64,
    moves: usize,
    chunks: Vec<Chunk>,
    marks: u64,
    priority: u32,
    failure: bool,
    started: Option<i64>,
    finished: Option<i64>,
}

/// What the queue should hold.
#[derive(Debug, Default)]
struct Model {
    jobs: BTreeMap<&'static str, Job>,
}

impl Model {
    /// Takes a step; whether it is allowed.
    fn take(&mut self, id: &'static str, now: i64, step: &Step) -> bool {
        if let Step::Submit { token } = step {
            return self.submit(id, *token);
        }
        let Some(job) = self.jobs.get_mut(id) else { return matches!(step, Step::Reopen | Step::Crash) };
        job.now = now;
        match step {
            Step::Submit { .. } | Step::Reopen | Step::Crash | Step::Fault(..) => true,
            Step::Priority(priority) => job.reprioritise(*priority),
            Step::Fail(from, to) => {
                let allowed = job.state == *from && job.go(*to);
                job.failure |= allowed;
                allowed
            }
            Step::Move(from, to) => job.state == *from && job.go(*to),
            Step::Cancel => job.state == JobState::Cancelling || job.go(JobState::Cancelling),
            Step::Pause => match job.state {
                JobState::Pausing | JobState::Paused => true,
                JobState::Active => job.go(JobState::Pausing),
                _ => job.go(JobState::Paused),
            },
            Step::Resume => {
                job.state == JobState::Ready || job.state == JobState::Paused && job.go(JobState::Ready)
            }
            Step::Confirm => {
                job.state == JobState::Ready || job.state == JobState::Suspended && job.go(JobState::Ready)
            }
            Step::Put(rows) => {
                // Jobs with a token want a confirmation.
                let next = if job.token { JobState::Suspended } else { JobState::Ready };
                let allowed = job.state == JobState::Preparing && job.go(next);
                if allowed {
                    job.chunks = rows.iter().map(|rows| Chunk { rows: *rows, ..Chunk::default() }).collect();
                }
                allowed
            }
            Step::Record { chunk, outcomes } => job.record(*chunk, outcomes),
            Step::Close { chunk, mark } => job.close(*chunk, *mark),
        }
    }

    /// All jobs are the same but for their token, and only one job has that.
    fn submit(&mut self, id: &'static str, token: bool) -> bool {
        let has_token = self.jobs.values().any(|job| job.token);
        if self.jobs.contains_key(id) {
            return token && has_token;
        }
        if !(token && has_token) {
            self.jobs.insert(id, Job::new(token));
        }
        true
    }
}

impl Job {
    fn new(token: bool) -> Self {
        Self {
            state: JobState::New,
            token,
            now: 0,
            moves: 0,
            chunks: Vec::new(),
            marks: 0,
            priority: new_job("").spec.priority,
            failure: false,
            started: None,
            finished: None,
        }
    }

    fn go(&mut self, to: JobState) -> bool {
        let allowed = self.state.may_become(to);
        if allowed {
            self.state = to;
            self.moves += 1;
            if to == JobState::Active {
                self.started.get_or_insert(self.now);
            }
            self.finished = to.is_terminal().then_some(self.now);
        }
        allowed
    }

    fn reprioritise(&mut self, priority: u32) -> bool {
        let allowed = !self.state.is_terminal();
        if allowed && self.priority != priority {
            self.priority = priority;
            self.moves += 1;
        }
        allowed
    }

    fn runs(&self) -> bool {
        use JobState::{Active, Cancelling, Completing, Failing, Pausing};
        matches!(self.state, Active | Pausing | Completing | Cancelling | Failing)
    }

    fn record(&mut self, chunk: u32, outcomes: &[(u32, Outcome)]) -> bool {
        let runs = self.runs();
        let Some(chunk) = self.chunks.get_mut(chunk as usize).filter(|_| runs) else { return false };
        if chunk.closed {
            return true;
        }
        let fits = outcomes.iter().all(|(index, _)| *index < chunk.rows);
        if fits {
            for (index, outcome) in outcomes {
                chunk.outcomes.entry(*index).or_insert_with(|| outcome.clone());
            }
        }
        fits
    }

    fn close(&mut self, chunk: u32, mark: u64) -> bool {
        let (runs, early) = (self.runs(), matches!(self.state, JobState::Cancelling | JobState::Failing));
        let Some(chunk) = self.chunks.get_mut(chunk as usize).filter(|_| runs) else { return false };
        let allowed = !chunk.closed && (early || chunk.outcomes.len() == chunk.rows as usize);
        if allowed {
            chunk.closed = true;
            self.marks = mark;
        }
        allowed
    }

    fn count(&self, wanted: impl Fn(&Outcome) -> bool) -> u64 {
        self.chunks.iter().flat_map(|chunk| chunk.outcomes.values()).filter(|outcome| wanted(outcome)).count()
            as u64
    }
}

/// Takes the step for real; whether it was allowed.
fn take(fixture: Fixture, id: &str, now: i64, step: &Step) -> (Fixture, bool) {
    let now = at(now);
    let queue = &fixture.queue;
    let allowed = match step {
        Step::Submit { token } => {
            let mut job = new_job(id);
            job.spec.client_token = token.then(|| "token".into());
            job.spec.confirm = *token;
            queue.submit(&job).is_ok()
        }
        Step::Move(from, to) => queue.transition(id, *from, *to, "model", "engine", now).is_ok(),
        Step::Cancel => fixture.client().request_cancel(id, "model", now).is_ok(),
        Step::Pause => fixture.client().request_pause(id, "model", now).is_ok(),
        Step::Resume => fixture.client().request_resume(id, now).is_ok(),
        Step::Confirm => fixture.client().confirm(id, now).is_ok(),
        Step::Put(rows) => {
            let chunks = new_chunks(rows);
            queue.put_chunks(id, &chunks, total(&chunks), now).is_ok()
        }
        Step::Record { chunk, outcomes } => fixture.record(batch(id, *chunk, outcomes.clone())).is_ok(),
        Step::Close { chunk, mark } => queue.close_chunks(id, &[*chunk], &marks(*mark)).is_ok(),
        Step::Priority(priority) => fixture.client().set_priority(id, *priority, now).is_ok(),
        Step::Fail(from, to) => queue.fail(id, *from, *to, "Code", "reason", "engine", now).is_ok(),
        Step::Fault(..) => false,
        Step::Reopen => return (fixture.reopen(), true),
        Step::Crash => return (crashed(&fixture), true),
    };
    (fixture, allowed)
}

/// What `kill -9` leaves: the database and its log as they are, without an engine that would tidy up.
fn crashed(fixture: &Fixture) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    for name in ["queue.db", "queue.db-wal"] {
        let file = fixture.path().join(name);
        if file.exists() {
            std::fs::copy(file, directory.path().join(name)).unwrap();
        }
    }
    Fixture { queue: Queue::open(directory.path(), Access::Engine).unwrap(), directory }
}

/// Takes a step for real and in the model, and compares whether it was allowed. A step that meets a fault changes nothing,
/// unless it had nothing to write there.
fn both(
    mut fixture: Fixture,
    model: &mut Model,
    (id, now, step): &(&'static str, i64, Step),
) -> Result<Fixture, TestCaseError> {
    let allowed;
    let Step::Fault(table, step) = step else {
        (fixture, allowed) = take(fixture, id, *now, step);
        prop_assert_eq!(allowed, model.take(id, *now, step), "{} {:?}", id, step);
        return Ok(fixture);
    };
    let kind = if *table == "event_records" { "INSERT" } else { "UPDATE" };
    let fault =
        format!("CREATE TRIGGER fault AFTER {kind} ON {table} BEGIN SELECT RAISE(ABORT, 'fault'); END");
    fixture.sql().execute_batch(&fault).unwrap();
    (fixture, allowed) = take(fixture, id, *now, step);
    fixture.sql().execute_batch("DROP TRIGGER fault").unwrap();
    if allowed {
        prop_assert!(model.take(id, *now, step), "{} {:?}", id, step);
    }
    Ok(fixture)
}

fn marks(bytes: u64) -> ReportMarks {
    ReportMarks { succeeded: FileMark { part: 0, bytes }, failed: FileMark { part: 2, bytes: bytes + 1 } }
}

fn is_failed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(_))
}

/// Whether the queue holds what the model holds.
fn compare(queue: &Queue, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(queue.jobs().unwrap().len(), model.jobs.len());
    for (id, job) in &model.jobs {
        let record = queue.job(id).unwrap();
        prop_assert_eq!(record.state, job.state);
        prop_assert_eq!(record.priority, job.priority);
        prop_assert_eq!(record.failure_code.is_some(), job.failure);
        prop_assert_eq!(record.started_at, job.started.map(at));
        prop_assert_eq!(record.finished_at, job.finished.map(at));
        prop_assert_eq!(record.failed, job.count(is_failed));
        prop_assert_eq!(record.succeeded, job.count(|outcome| !is_failed(outcome)));
        prop_assert_eq!(queue.events(id).unwrap().len(), job.moves + 1);
        prop_assert_eq!(queue.failures(id, None, 1000).unwrap().len() as u64, record.failed);
        prop_assert_eq!(
            queue.open_chunks(id, None, 1000).unwrap().len(),
            job.chunks.iter().filter(|c| !c.closed).count()
        );
        if job.marks > 0 {
            prop_assert_eq!(queue.report_marks(id).unwrap(), marks(job.marks));
        }
        for (number, chunk) in (0_u32..).zip(&job.chunks) {
            compare_chunk(queue, id, number, chunk)?;
        }
    }
    Ok(())
}

fn compare_chunk(queue: &Queue, id: &str, number: u32, chunk: &Chunk) -> Result<(), TestCaseError> {
    let found = queue.chunk_outcomes(id, number).unwrap();
    for index in 0..chunk.rows {
        let expected = chunk.outcomes.get(&index);
        prop_assert_eq!(found.done.contains(index), expected.is_some());
        let failure = found.failures.get(&index).cloned().map(Outcome::Failed);
        prop_assert_eq!(failure.as_ref(), expected.filter(|outcome| is_failed(outcome)));
        let message =
            expected.filter(|outcome| !is_failed(outcome) && **outcome != succeeded() && !chunk.closed);
        prop_assert_eq!(found.messages.get(&index), message);
    }
    Ok(())
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(succeeded()),
        Just(Outcome::Succeeded(Some("said".into()))),
        Just(Outcome::Skipped("nothing to do".into())),
        prop_oneof!["NoSuchKey", "AccessDenied"].prop_map(|code| failed(&code)),
    ]
}

/// Any step, now and then while a table cannot be written.
fn any_step() -> impl Strategy<Value = Step> {
    let faulty = (prop::sample::select(vec!["event_records", "job_records", "chunks"]), sound_step())
        .prop_map(|(table, step)| Step::Fault(table, Box::new(step)));
    prop_oneof![
        8 => sound_step(),
        1 => faulty,
        1 => prop_oneof![Just(Step::Reopen), Just(Step::Crash)],
    ]
}

fn sound_step() -> impl Strategy<Value = Step> {
    let outcomes = prop::collection::vec((0_u32..4, any_outcome()), 0..5);
    // Most chunks have 3 rows, so that now and then an index is beyond them and now and then all are done.
    let full = prop::collection::vec(any_outcome(), 3).prop_map(|all| (0_u32..).zip(all).collect::<Vec<_>>());
    let state = || prop::sample::select(JobState::ALL.to_vec());
    prop_oneof![
        1 => any::<bool>().prop_map(|token| Step::Submit { token }),
        1 => (state(), state()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => Just(Step::Cancel),
        1 => prop_oneof![Just(Step::Pause), Just(Step::Resume), Just(Step::Confirm)],
        1 => Just(Step::Put(vec![3, 2])),
        4 => (0_u32..3, prop_oneof![outcomes, full]).prop_map(|(chunk, outcomes)| Step::Record { chunk, outcomes }),
        3 => (0_u32..3, 1_u64..1000).prop_map(|(chunk, mark)| Step::Close { chunk, mark }),
        1 => prop_oneof![Just(7), Just(10)].prop_map(Step::Priority),
        1 => (state(), state()).prop_map(|(from, to)| Step::Fail(from, to)),
    ]
}

/// Any steps, with those of an ordinary life mixed in, so that jobs come far.
fn any_course() -> impl Strategy<Value = Vec<(&'static str, i64, Step)>> {
    use JobState::{Active, Completing, New, Paused, Pausing, Preparing, Ready};
    let life = prop_oneof![
        Just(Step::Submit { token: false }),
        Just(Step::Move(New, Preparing)),
        Just(Step::Put(vec![3, 2])),
        Just(Step::Confirm),
        Just(Step::Move(Ready, Active)),
        Just(Step::Pause),
        Just(Step::Move(Pausing, Paused)),
        Just(Step::Resume),
        Just(Step::Move(Active, Completing)),
    ];
    let start = prop_oneof![
        Just(Vec::new()),
        Just(vec![
            Step::Submit { token: true },
            Step::Move(New, Preparing),
            Step::Put(vec![3, 3]),
            Step::Confirm,
            Step::Move(Ready, Active),
        ])
    ];
    let id = || prop::sample::select(IDS.to_vec());
    let steps = prop::collection::vec((id(), prop_oneof![1 => life, 2 => any_step()]), 1..25);
    // Some sixty years, in any order.
    let times = prop::collection::vec(-1_000_000_000..1_000_000_000_i64, 30);
    (start, id(), steps, times).prop_map(|(start, id, steps, times)| {
        let steps = start.into_iter().map(|step| (id, step)).chain(steps);
        steps.zip(times).map(|((id, step), time)| (id, time, step)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_the_model_does(course in any_course()) {
        let (mut fixture, mut model) = (Fixture::engine(), Model::default());
        for step in &course {
            fixture = both(fixture, &mut model, step)?;
        }
        compare(&fixture.queue, &model)?;
        compare(&fixture.reopen().queue, &model)?;
    }
}
