//! Notifications: what happens to jobs is told to the targets of the configuration, at least once, for as long as it takes.
//!
//! The queue leaves every transition in its outbox. Here they become notifications, one for each target that wants to hear of
//! them, and each target has its own loop that delivers its own: a target that is slow or gone holds up neither jobs nor the
//! others.

mod command;
mod event;
mod webhook;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use longshore_job::EngineConfig;
use longshore_job::config::{NotifyConfig, NotifyWay, signing_key};
use longshore_queue::{NewNotification, Notification, Queue, QueueError, Told};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::webhook::Webhook;

/// How often the queue is looked at for something to tell.
const POLL: Duration = Duration::from_millis(500);

/// Transitions taken out of the outbox in one transaction, and notifications of one target read at once (count).
const BATCH: u32 = 100;

/// Time from a failed attempt to the next; each further one is twice the last.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// Longest time between two attempts: what a target that is back waits for at most.
const MAX_DELAY: Duration = Duration::from_secs(300);

/// Most time to deliver what happened last, before the engine ends. The rest is delivered by the next engine.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Tells the targets.
#[derive(Clone)]
pub struct Notifier {
    config: Arc<EngineConfig>,
    queue: Queue,
    targets: Arc<Vec<Target>>,
}

struct Target {
    config: NotifyConfig,
    way: Way,
}

enum Way {
    Webhook(Box<Webhook>),
    Command(Vec<String>),
}

/// Why an attempt failed.
struct Undelivered {
    message: String,
    /// Whether there is no use in trying again.
    for_good: bool,
}

impl Undelivered {
    fn for_now(message: String) -> Self {
        Self { message, for_good: false }
    }

    fn for_good(message: String) -> Self {
        Self { message, for_good: true }
    }
}

impl Notifier {
    /// For the targets of `config`; `queue` is the engine's.
    ///
    /// # Errors
    /// If there is a webhook and the system's certificates cannot be read.
    pub fn new(config: &EngineConfig, queue: &Queue) -> io::Result<Self> {
        let targets = config.notify.iter().map(Target::new).collect::<io::Result<_>>()?;
        let config = Arc::new(config.clone());
        Ok(Self { config, queue: queue.clone(), targets: Arc::new(targets) })
    }

    /// Begins to deliver.
    #[must_use]
    pub fn start(self) -> Telling {
        let (mut loops, stop) = (JoinSet::new(), CancellationToken::new());
        let (notifier, stopped) = (self.clone(), stop.clone());
        loops.spawn(async move {
            notifier.forget_targets().await;
            while !stopped.is_cancelled() {
                notifier.route().await;
                pause(&stopped).await;
            }
        });
        for number in 0..self.targets.len() {
            let (notifier, stopped) = (self.clone(), stop.clone());
            loops.spawn(async move {
                while !stopped.is_cancelled() {
                    notifier.deliver_to(number, &stopped).await;
                    pause(&stopped).await;
                }
            });
        }
        Telling { notifier: self, loops, stop }
    }

    /// Makes notifications of what is in the outbox.
    async fn route(&self) {
        loop {
            let notifier = self.clone();
            let routed = on_queue("make notifications", move || notifier.route_batch()).await;
            if !routed.is_some_and(|more| more) {
                return;
            }
        }
    }

    /// True if there may be more.
    fn route_batch(&self) -> Result<bool, QueueError> {
        let outbox = self.queue.outbox(BATCH)?;
        if outbox.is_empty() {
            return Ok(false);
        }
        let notifications = outbox.iter().flat_map(|told| self.notifications(told)).collect();
        let events = outbox.iter().map(|told| told.event).collect();
        self.queue.notify(events, notifications, Timestamp::now())?;
        Ok(true)
    }

    fn notifications(&self, told: &Told) -> Vec<NewNotification> {
        let wanted = self.targets.iter().filter(|target| target.config.wants(told.record.to));
        let new = |target: &Target| NewNotification {
            id: event::id(told),
            target: target.config.name.clone(),
            job: told.job.id.clone(),
            status: told.record.to.name().to_owned(),
            at: told.record.at,
            body: event::cloud_event(told, &self.config).to_string(),
        };
        wanted.map(new).collect()
    }

    /// Gives up what waits for targets that the configuration does not have any more.
    async fn forget_targets(&self) {
        let notifier = self.clone();
        on_queue("look for targets that are gone", move || {
            for waiting in notifier.queue.notifications()? {
                let known = notifier.targets.iter().any(|target| target.config.name == waiting.target);
                if !known && waiting.next_at.is_some() {
                    let why = "longshore.toml has no such target any more";
                    notifier.queue.notification_failed(waiting.number, why, None)?;
                }
            }
            Ok(())
        })
        .await;
    }

    /// Tries what one target is to be told now, in order, until `stop`.
    async fn deliver_to(&self, number: usize, stop: &CancellationToken) {
        let Some(target) = self.targets.get(number) else { return };
        let (queue, name) = (self.queue.clone(), target.config.name.clone());
        let due =
            on_queue("read notifications", move || queue.due_notifications(&name, Timestamp::now(), BATCH));
        for told in due.await.unwrap_or_default() {
            if stop.is_cancelled() {
                return;
            }
            let result = target.attempt(&told).await;
            let (queue, number) = (self.queue.clone(), told.number);
            longshore_measure::notified(&target.config.name, result.is_ok());
            let next = result.map_err(|why| {
                let next = if why.for_good { None } else { target.next_attempt(&told, Timestamp::now()) };
                let (target, job, message) = (&told.target, &told.job, &why.message);
                if next.is_none() {
                    tracing::error!(
                        target,
                        job,
                        "given up: a notification could not be delivered: {message}"
                    );
                } else {
                    tracing::warn!(target, job, "a notification could not be delivered yet: {message}");
                }
                (why.message, next)
            });
            on_queue("keep what became of a notification", move || match next {
                Ok(()) => queue.notification_delivered(number),
                Err((why, next)) => queue.notification_failed(number, &why, next),
            })
            .await;
        }
    }
}

/// Notifications on their way. Dropped, it leaves the rest to the next engine.
pub struct Telling {
    notifier: Notifier,
    loops: JoinSet<()>,
    stop: CancellationToken,
}

impl Telling {
    /// Lets attempts that are under way end and tells what happened last, within a bound. What is not delivered then is left to
    /// the next engine.
    pub async fn finish(self) {
        let Self { notifier, loops, stop } = self;
        let rest = async {
            stop.cancel();
            loops.join_all().await;
            notifier.route().await;
            let targets = (0..notifier.targets.len()).map(|number| {
                let notifier = notifier.clone();
                async move { notifier.deliver_to(number, &CancellationToken::new()).await }
            });
            targets.collect::<JoinSet<_>>().join_all().await;
        };
        // Each has its place in the queue.
        let _ = tokio::time::timeout(LAST_WORDS, rest).await;
    }
}

impl Target {
    fn new(config: &NotifyConfig) -> io::Result<Self> {
        let way = match &config.way {
            NotifyWay::Webhook { url, secret } => {
                let key = signing_key(secret).unwrap_or_default();
                Way::Webhook(Box::new(Webhook::new(url, key)?))
            }
            NotifyWay::Command(command) => Way::Command(command.clone()),
        };
        Ok(Self { config: config.clone(), way })
    }

    async fn attempt(&self, told: &Notification) -> Result<(), Undelivered> {
        let attempt = async {
            match &self.way {
                Way::Webhook(webhook) => webhook.send(told, Timestamp::now()).await,
                Way::Command(command) => command::run(command, told).await,
            }
        };
        let timeout = self.config.timeout;
        tokio::time::timeout(timeout, attempt).await.unwrap_or_else(|_| {
            Err(Undelivered::for_now(format!("no answer within {} s", timeout.as_secs())))
        })
    }

    /// When to try again after one more failure; `None` once it is too old.
    fn next_attempt(&self, told: &Notification, now: Timestamp) -> Option<Timestamp> {
        let next = now.checked_add(delay(told.attempts)).ok()?;
        let end = told.since.checked_add(self.config.max_age).ok()?;
        (next < end).then_some(next)
    }
}

async fn pause(stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(POLL) => {}
    }
}

/// Time to the next attempt after `failures` and one more.
fn delay(failures: u32) -> Duration {
    FIRST_DELAY.saturating_mul(1 << failures.min(16)).min(MAX_DELAY)
}

/// Works on the queue off the async threads. A failure is logged: the engine itself ends if its queue cannot be used.
async fn on_queue<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, QueueError> + Send + 'static,
) -> Option<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            tracing::warn!(%error, "cannot {doing}");
            None
        }
        Err(error) => {
            tracing::error!(%error, "cannot {doing}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound() {
        let delays: Vec<u64> = (0..11).map(|failures| delay(failures).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(delay(u32::MAX), MAX_DELAY);
    }
}
