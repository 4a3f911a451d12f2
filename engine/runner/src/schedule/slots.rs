//! The slots of the engine's concurrency, and how lanes wait for one.
//!
//! A lane holds its slot for as long as nobody else wants one, and then asks no lock: whether somebody does is one atomic
//! number. With the slot goes the lane's instance of the operation, so that there are never more of these than slots.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::{Notify, Semaphore};
use tokio::task::coop::unconstrained;

use super::turns::{JobNumber, Turns};

/// How long a lane keeps its slot while jobs of the same priority want it: long beside the making of an instance, short for
/// somebody who watches. A higher priority does not wait for that, but only for the running task.
const TURN: Duration = Duration::from_millis(100);

/// Nobody waits for a slot.
const NOBODY: i64 = -1;

/// The slots of an engine.
pub(crate) struct Slots {
    state: Mutex<State>,
    /// The highest priority that waits, or [`NOBODY`]. Changed under the lock, read without.
    pressure: AtomicI64,
    /// Tells lanes that hold a slot and have no task that somebody wants it.
    wanted: Notify,
    numbers: AtomicU64,
    /// How many there are.
    total: usize,
    /// Bounds the results that are not yet durable, those of running tasks included.
    window: Arc<Semaphore>,
}

struct State {
    turns: Turns,
    grants: BTreeMap<JobNumber, Arc<Semaphore>>,
}

/// A job's right to slots, for as long as its tasks run.
pub(crate) struct Seat {
    slots: Arc<Slots>,
    number: JobNumber,
    priority: AtomicU32,
    /// Slots that were given to the job and not yet taken up by a lane.
    granted: Arc<Semaphore>,
}

/// A lane's turn: with a slot, or without one. `T` is what a lane may only have with a slot.
pub(crate) struct Turn<T> {
    seat: Arc<Seat>,
    /// Since when it holds a slot.
    since: Option<Instant>,
    tool: Option<T>,
}

impl Slots {
    /// With so many slots, and room for so many results that are finished and not yet durable.
    pub(crate) fn new(slots: usize, unsaved: usize) -> Arc<Self> {
        let state = State { turns: Turns::new(slots), grants: BTreeMap::new() };
        Arc::new(Self {
            state: Mutex::new(state),
            pressure: AtomicI64::new(NOBODY),
            wanted: Notify::new(),
            numbers: AtomicU64::new(0),
            total: slots,
            window: Arc::new(Semaphore::new(slots.saturating_add(unsaved))),
        })
    }

    /// A seat for a job.
    pub(crate) fn seat(self: &Arc<Self>, priority: u32) -> Arc<Seat> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let granted = Arc::new(Semaphore::new(0));
        self.change(|state| {
            state.turns.join(number, priority);
            state.grants.insert(number, Arc::clone(&granted));
        });
        Arc::new(Seat { slots: Arc::clone(self), number, priority: AtomicU32::new(priority), granted })
    }

    /// Changes who holds and wants what, and hands out what is free then.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        while let Some(job) = state.turns.grant() {
            if let Some(granted) = state.grants.get(&job) {
                granted.add_permits(1);
            }
        }
        let pressure = state.turns.pressure().map_or(NOBODY, i64::from);
        self.pressure.store(pressure, Ordering::SeqCst);
        drop(state);
        if pressure != NOBODY {
            self.wanted.notify_waiters();
        }
        result
    }

    fn pressure(&self) -> i64 {
        self.pressure.load(Ordering::SeqCst)
    }
}

impl Seat {
    /// Slots that there are in all.
    pub(crate) fn slots(&self) -> usize {
        self.slots.total
    }

    /// A permit is taken for each task that runs, and given back once its result is durable.
    pub(crate) fn window(&self) -> Arc<Semaphore> {
        Arc::clone(&self.slots.window)
    }

    /// The job has another priority from now on.
    pub(crate) fn set_priority(&self, priority: u32) {
        if self.priority.swap(priority, Ordering::Relaxed) != priority {
            self.slots.change(|state| state.turns.set_priority(self.number, priority));
        }
    }

    /// A turn for a lane of the job, without a slot yet.
    pub(crate) fn turn<T>(self: &Arc<Self>) -> Turn<T> {
        Turn { seat: Arc::clone(self), since: None, tool: None }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.slots.change(|state| {
            state.turns.leave(self.number);
            state.grants.remove(&self.number);
        });
    }
}

impl<T> Turn<T> {
    /// Waits for what the lane does next; gives the slot away meanwhile if somebody wants it.
    pub(crate) async fn while_idle<R>(&mut self, next: impl Future<Output = R>) -> R {
        let mut next = std::pin::pin!(next);
        // Most of the time it is there at once, and nothing else needs to be looked at.
        if let Some(value) = unconstrained(next.as_mut()).now_or_never() {
            return value;
        }
        if self.since.is_some() {
            let slots = Arc::clone(&self.seat.slots);
            let wanted = async {
                let mut wanted = std::pin::pin!(slots.wanted.notified());
                wanted.as_mut().enable();
                if slots.pressure() == NOBODY {
                    wanted.await;
                }
            };
            tokio::select! {
                biased;
                value = next.as_mut() => return value,
                () = wanted => self.end(),
            }
        }
        next.await
    }

    /// Waits until the lane has a slot: the one that it holds, if its turn is not over.
    pub(crate) async fn begin(&mut self) {
        if let Some(since) = self.since {
            if !self.may_be_over(since) {
                return;
            }
            if !self.seat.slots.change(|state| state.turns.would_lose(self.seat.number)) {
                self.since = Some(Instant::now());
                return;
            }
            self.end();
        }
        self.seat.take().await;
        self.since = Some(Instant::now());
    }

    /// What the lane has with its slot.
    pub(crate) fn tool(&mut self) -> &mut Option<T> {
        &mut self.tool
    }

    /// Gives the slot back, if the lane has one.
    fn end(&mut self) {
        self.tool = None;
        if self.since.take().is_some() {
            self.seat.slots.change(|state| state.turns.release(self.seat.number));
        }
    }

    fn may_be_over(&self, since: Instant) -> bool {
        let pressure = self.seat.slots.pressure();
        let own = i64::from(self.seat.priority.load(Ordering::Relaxed));
        pressure > own || (pressure == own && since.elapsed() >= TURN)
    }
}

impl<T> Drop for Turn<T> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Seat {
    /// Waits for a slot.
    async fn take(&self) {
        let mut waiting = Waiting { seat: self, taken: false };
        self.slots.change(|state| state.turns.want(self.number));
        // The semaphore is never closed.
        if let Ok(slot) = self.granted.acquire().await {
            slot.forget();
        }
        waiting.taken = true;
    }
}

/// A lane that waits for a slot; it may go away without one.
struct Waiting<'a> {
    seat: &'a Seat,
    taken: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        self.seat.slots.change(|state| match self.seat.granted.try_acquire() {
            Ok(slot) => {
                slot.forget();
                state.turns.release(self.seat.number);
            }
            Err(_) => state.turns.give_up(self.seat.number),
        });
    }
}
