//! Makes callers wait until a request may go out.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use super::aimd::Aimd;
use super::bucket::TokenBucket;
use super::pause::Pause;
use super::{RATE_BURST, lock};

/// Lets through as many requests as [`Aimd`], [`Pause`] and the request rate allow.
#[derive(Debug)]
pub(crate) struct Limiter {
    slots: Semaphore,
    state: Mutex<State>,
    rate: Option<Mutex<TokenBucket>>,
}

#[derive(Debug)]
struct State {
    aimd: Aimd,
    pause: Pause,
    /// Slots that exist: free or in use. The semaphore only knows the free ones.
    slots: u32,
}

/// What an answer says about the load on the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Answered without complaint.
    Fine,
    /// The store asks for fewer requests, and perhaps to be left alone for some time.
    Throttled(Option<Duration>),
    /// Nothing.
    Unclear,
}

/// The right to have one request in flight. Dropping it without a verdict gives it back.
#[derive(Debug)]
pub(crate) struct Slot {
    limiter: Arc<Limiter>,
    generation: u64,
    verdict: Verdict,
}

impl Limiter {
    /// At most `max_in_flight` requests at once and, if it is given, `requests_per_second`.
    pub(crate) fn new(max_in_flight: u32, requests_per_second: Option<u32>) -> Self {
        let aimd = Aimd::new(max_in_flight);
        let slots = aimd.limit();
        let bucket = |rate: u32| {
            let rate = f64::from(rate);
            Mutex::new(TokenBucket::new(rate, (rate * RATE_BURST.as_secs_f64()).max(1.0), Instant::now()))
        };
        Self {
            slots: Semaphore::new(usize::try_from(slots).unwrap_or(Semaphore::MAX_PERMITS)),
            state: Mutex::new(State { aimd, pause: Pause::default(), slots }),
            rate: requests_per_second.map(bucket),
        }
    }

    /// Waits for a free slot, then for the end of a pause, then for the request rate.
    pub(crate) async fn slot(self: &Arc<Self>) -> Slot {
        if let Ok(permit) = self.slots.acquire().await {
            // The slot gives it back, or not, by the limit in force then.
            permit.forget();
        }
        let mut slot = Slot { limiter: Arc::clone(self), generation: 0, verdict: Verdict::Unclear };
        while let Some(until) = self.paused_until() {
            sleep_until(until).await;
        }
        if let Some(wait) = self.rate.as_ref().and_then(|rate| lock(rate).take(Instant::now(), Duration::MAX))
        {
            sleep(wait).await;
        }
        slot.generation = self.state().aimd.generation();
        slot
    }

    fn paused_until(&self) -> Option<Instant> {
        self.state().pause.until(Instant::now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn release(&self, generation: u64, verdict: Verdict) {
        let mut state = self.state();
        match verdict {
            Verdict::Fine => {
                state.aimd.succeeded();
                state.pause.succeeded();
            }
            Verdict::Throttled(asked) => {
                let now = Instant::now();
                if state.aimd.throttled(generation) {
                    state.pause.refused(now, fastrand::f64());
                }
                if let Some(time) = asked {
                    state.pause.asked(now, time);
                }
            }
            Verdict::Unclear => {}
        }
        // One slot came back; there must be as many as the limit says.
        let limit = state.aimd.limit();
        state.slots = state.slots.saturating_sub(1);
        while state.slots < limit {
            state.slots = state.slots.saturating_add(1);
            self.slots.add_permits(1);
        }
        if state.slots > limit {
            let surplus = usize::try_from(state.slots - limit).unwrap_or(usize::MAX);
            let taken = u32::try_from(self.slots.forget_permits(surplus)).unwrap_or(u32::MAX);
            state.slots = state.slots.saturating_sub(taken);
        }
    }

    /// Requests that may be in flight now.
    #[cfg(test)]
    pub(crate) fn limit(&self) -> u32 {
        self.state().aimd.limit()
    }
}

impl Slot {
    /// Gives the slot back with what the answer says about the load.
    pub(crate) fn release(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.limiter.release(self.generation, self.verdict);
    }
}
