//! The queue against a model in memory, over any course of events.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use std::collections::BTreeMap;

use common::{Fixture, at, batch, failed, new_chunks, new_job, succeeded, total};
use longshore_job::{JobState, Outcome};
use longshore_queue::{FileMark, Queue, ReportMarks};
use proptest::prelude::*;

const IDS: [&str; 2] = ["job-a", "job-b"];

#[derive(Debug, Clone)]
enum Step {
    Submit { token: bool },
    Move(JobState, JobState),
    Cancel,
    Pause,
    Resume,
    Confirm,
    Put(Vec<u32>),
    Record { chunk: u32, outcomes: Vec<(u32, Outcome)> },
    Close { chunk: u32, mark: u64 },
    Reopen,
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
    moves: usize,
    chunks: Vec<Chunk>,
    marks: u64,
}

/// What the queue should hold.
#[derive(Debug, Default)]
struct Model {
    jobs: BTreeMap<&'static str, Job>,
}

impl Model {
    /// Takes a step; whether it is allowed.
    fn take(&mut self, id: &'static str, step: &Step) -> bool {
        if let Step::Submit { token } = step {
            return self.submit(id, *token);
        }
        let Some(job) = self.jobs.get_mut(id) else { return matches!(step, Step::Reopen) };
        match step {
            Step::Submit { .. } | Step::Reopen => true,
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
            let job = Job { state: JobState::New, token, moves: 0, chunks: Vec::new(), marks: 0 };
            self.jobs.insert(id, job);
        }
        true
    }
}

impl Job {
    fn go(&mut self, to: JobState) -> bool {
        let allowed = self.state.may_become(to);
        if allowed {
            self.state = to;
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
fn take(fixture: Fixture, id: &str, step: &Step) -> (Fixture, bool) {
    let queue = &fixture.queue;
    let allowed = match step {
        Step::Submit { token } => {
            let mut job = new_job(id);
            job.spec.client_token = token.then(|| "token".into());
            job.spec.confirm = *token;
            queue.submit(&job).is_ok()
        }
        Step::Move(from, to) => queue.transition(id, *from, *to, "model", "engine", at(3)).is_ok(),
        Step::Cancel => fixture.client().request_cancel(id, "model", at(3)).is_ok(),
        Step::Pause => fixture.client().request_pause(id, "model", at(3)).is_ok(),
        Step::Resume => fixture.client().request_resume(id, at(3)).is_ok(),
        Step::Confirm => fixture.client().confirm(id, at(3)).is_ok(),
        Step::Put(rows) => {
            let chunks = new_chunks(rows);
            queue.put_chunks(id, &chunks, total(&chunks), at(3)).is_ok()
        }
        Step::Record { chunk, outcomes } => fixture.record(batch(id, *chunk, outcomes.clone())).is_ok(),
        Step::Close { chunk, mark } => queue.close_chunks(id, &[*chunk], &marks(*mark)).is_ok(),
        Step::Reopen => return (fixture.reopen(), true),
    };
    (fixture, allowed)
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

fn any_step() -> impl Strategy<Value = Step> {
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
        1 => Just(Step::Reopen),
    ]
}

/// Any steps, with those of an ordinary life mixed in, so that jobs come far.
fn any_course() -> impl Strategy<Value = Vec<(&'static str, Step)>> {
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
    (start, id(), steps)
        .prop_map(|(start, id, steps)| start.into_iter().map(|step| (id, step)).chain(steps).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_the_model_does(course in any_course()) {
        let (mut fixture, mut model) = (Fixture::engine(), Model::default());
        for (id, step) in &course {
            let allowed;
            (fixture, allowed) = take(fixture, id, step);
            prop_assert_eq!(allowed, model.take(id, step), "{} {:?}", id, step);
        }
        compare(&fixture.queue, &model)?;
        compare(&fixture.reopen().queue, &model)?;
    }
}
