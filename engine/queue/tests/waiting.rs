//! Tasks that asked to run again later: kept, found when they are due, forgotten when they have a result.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test helpers may panic")]

mod common;

use std::collections::BTreeMap;

use common::{Fixture, at, batch, failed, succeeded};
use longshore_job::{JobState, Outcome, TaskProgress};
use longshore_queue::{QueueError, ReportMarks, WaitingTask, WaitingTasks};
use proptest::prelude::*;

fn task(index: u32, second: i64, attempt: u32) -> WaitingTask {
    // One step is done, and has said something each third time.
    let mut progress = TaskProgress::default();
    progress.add(Outcome::Succeeded(attempt.is_multiple_of(3).then(|| "copied".into())));
    WaitingTask { index, due_at: at(second), progress, attempt, note: "not yet".into() }
}

fn waiting_of(fixture: &Fixture, chunk: u32) -> Vec<WaitingTask> {
    fixture.queue.open_chunk("job-1", chunk).unwrap().unwrap().1
}

#[test]
fn they_are_found_by_time_and_by_chunk_also_after_a_restart() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[1000, 10]);
    assert_eq!(fixture.queue.waiting("job-1").unwrap(), None);
    assert_eq!(fixture.queue.next_waiting("job-1", &[]).unwrap(), None);
    fixture.queue.put_off("job-1", 0, vec![task(7, 50, 2), task(999, 20, 3)]).unwrap();
    fixture.queue.put_off("job-1", 1, vec![task(3, 10, 2)]).unwrap();
    let fixture = fixture.reopen();
    let all = WaitingTasks { tasks: 3, next_at: at(10), last_at: at(50) };
    assert_eq!(fixture.queue.waiting("job-1").unwrap(), Some(all));
    let next = |except: &[u32]| fixture.queue.next_waiting("job-1", except).unwrap();
    assert_eq!([next(&[]), next(&[1]), next(&[0, 1])], [Some((1, at(10))), Some((0, at(20))), None]);
    assert_eq!(waiting_of(&fixture, 0), [task(7, 50, 2), task(999, 20, 3)]);
    assert_eq!(waiting_of(&fixture, 1), [task(3, 10, 2)]);
}

#[test]
fn the_last_word_counts_and_a_result_ends_it() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[10]);
    fixture.queue.put_off("job-1", 0, vec![task(1, 10, 2), task(2, 10, 2)]).unwrap();
    fixture.queue.put_off("job-1", 0, vec![task(1, 30, 3)]).unwrap();
    assert_eq!(waiting_of(&fixture, 0), [task(1, 30, 3), task(2, 10, 2)]);
    fixture.record(batch("job-1", 0, [(1, succeeded()), (2, failed("NoSuchKey"))])).unwrap();
    assert_eq!(fixture.queue.waiting("job-1").unwrap(), None);
    fixture.queue.put_off("job-1", 0, vec![task(1, 40, 4)]).unwrap();
    assert_eq!(fixture.queue.waiting("job-1").unwrap(), None, "it has a result");
}

#[test]
fn what_cannot_be_put_off_is_refused() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[10]);
    let beyond = fixture.queue.put_off("job-1", 0, vec![task(10, 1, 2)]).unwrap_err();
    assert!(matches!(beyond, QueueError::Invalid { .. }), "{beyond}");
    let chunk = fixture.queue.put_off("job-1", 1, vec![task(0, 1, 2)]).unwrap_err();
    assert!(matches!(chunk, QueueError::NoChunk { .. }), "{chunk}");
    let client = fixture.client().put_off("job-1", 0, vec![task(0, 1, 2)]).unwrap_err();
    assert!(matches!(client, QueueError::NotEngine { .. }), "{client}");
    fixture.submit("job-2");
    let early = fixture.queue.put_off("job-2", 0, vec![task(0, 1, 2)]).unwrap_err();
    assert!(matches!(early, QueueError::State { .. }), "{early}");
    assert_eq!(fixture.queue.waiting("job-1").unwrap(), None, "all or nothing");
}

#[test]
fn a_job_that_ends_early_leaves_none() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[10]);
    fixture.queue.put_off("job-1", 0, vec![task(1, 10, 2)]).unwrap();
    fixture.queue.request_cancel("job-1", "enough", at(3)).unwrap();
    fixture.advance("job-1", JobState::Cancelling, JobState::Cancelled);
    assert_eq!(fixture.queue.waiting("job-1").unwrap(), None);
}

#[test]
fn a_closed_chunk_is_not_open() {
    let fixture = Fixture::engine();
    fixture.active("job-1", &[2]);
    fixture.record(batch("job-1", 0, [(0, succeeded()), (1, succeeded())])).unwrap();
    fixture.queue.close_chunks("job-1", &[0], &ReportMarks::default()).unwrap();
    assert_eq!(fixture.queue.open_chunk("job-1", 0).unwrap(), None);
    fixture.queue.put_off("job-1", 0, vec![task(1, 10, 2)]).unwrap();
    assert_eq!(fixture.queue.waiting("job-1").unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    /// Against a map in memory, with restarts.
    #[test]
    fn it_is_a_map(steps in prop::collection::vec((0..3_u32, 0..5_u32, 0..100_i64, 0..8_u32), 1..60)) {
        let mut fixture = Fixture::engine();
        fixture.active("job-1", &[5, 5, 5]);
        let mut model: BTreeMap<(u32, u32), Option<i64>> = BTreeMap::new();
        for (chunk, index, second, what) in steps {
            match what {
                0 => fixture = fixture.reopen(),
                1 | 2 => {
                    fixture.record(batch("job-1", chunk, [(index, succeeded())])).unwrap();
                    model.insert((chunk, index), None);
                }
                _ => {
                    fixture.queue.put_off("job-1", chunk, vec![task(index, second, 2)]).unwrap();
                    let place = model.entry((chunk, index)).or_insert(Some(second));
                    *place = place.map(|_| second);
                }
            }
            let waits = || model.iter().filter_map(|(place, due)| Some((due.as_ref()?, place)));
            let found = fixture.queue.next_waiting("job-1", &[]).unwrap();
            prop_assert_eq!(found.map(|(_, due)| due), waits().map(|(due, _)| at(*due)).min());
            let tasks = fixture.queue.waiting("job-1").unwrap().map_or(0, |waiting| waiting.tasks);
            prop_assert_eq!(usize::try_from(tasks).unwrap(), waits().count());
            for number in 0..3 {
                let found: Vec<_> = waiting_of(&fixture, number).into_iter().map(|task| task.index).collect();
                let expected: Vec<_> = waits().filter(|(_, (chunk, _))| *chunk == number).map(|(_, (_, index))| *index).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
