//! What the engine measures of itself, in one set for the process: whoever does something says so here, and `render` writes all
//! of it in the OpenMetrics text format. Names follow <https://prometheus.io/docs/practices/naming/>.
//!
//! Labels are bounded: stores are those of the configuration, operations and states those of the program, statuses are HTTP's.
//! No bucket, key or job is one.

mod labels;

use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::labels::{Call, Result as TaskResult, State, Status, Target};

/// Media type of what [`render`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the times of requests, in seconds: from a store in the same room to a copy of 5 GB.
const REQUEST_SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 20.0, 60.0];

/// Upper bounds of the times of commits, in seconds: from a disk with a cache that survives power loss to one in trouble.
const COMMIT_SECONDS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

static ALL: LazyLock<All> = LazyLock::new(All::new);

struct All {
    registry: Registry,
    jobs: Family<State, Gauge>,
    finished: Family<TaskResult, Counter>,
    running: Gauge,
    requests: Family<Status, Counter>,
    request_seconds: Family<Call, Histogram>,
    retries: Counter,
    commit_seconds: Histogram,
    notifications: Family<Target, Counter>,
}

impl All {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("longshore");
        let all = Self {
            jobs: Family::default(),
            finished: Family::default(),
            running: Gauge::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            retries: Counter::default(),
            commit_seconds: Histogram::new(COMMIT_SECONDS),
            notifications: Family::default(),
            registry: Registry::default(),
        };
        registry.register("jobs", "Jobs in the queue by state", all.jobs.clone());
        registry.register("tasks_finished", "Tasks with a durable result", all.finished.clone());
        registry.register("tasks_running", "Tasks that run now", all.running.clone());
        registry.register(
            "store_requests",
            "Requests sent to stores, each attempt, by status: HTTP's, or the engine's code where there was no answer",
            all.requests.clone(),
        );
        registry.register("store_retries", "Requests that were sent again", all.retries.clone());
        registry.register_with_unit(
            "store_request_duration",
            "Time of one attempt of a request",
            Unit::Seconds,
            all.request_seconds.clone(),
        );
        registry.register_with_unit(
            "queue_commit_duration",
            "Time of one transaction of the queue, sync included",
            Unit::Seconds,
            all.commit_seconds.clone(),
        );
        registry.register("notifications", "Attempts to deliver a notification", all.notifications.clone());
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running program", build);
        Self { registry, ..all }
    }
}

/// Everything measured so far, as OpenMetrics text.
///
/// # Errors
/// If a value cannot be written; none of ours is such.
pub fn render() -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode(&mut text, &ALL.registry)?;
    Ok(text)
}

/// How many jobs are in `state` now.
pub fn jobs(state: &'static str, count: u64) {
    ALL.jobs.get_or_create(&State { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
}

/// Tasks have a durable result.
pub fn tasks_finished(succeeded: u64, failed: u64) {
    for (result, count) in [("succeeded", succeeded), ("failed", failed)] {
        ALL.finished.get_or_create(&TaskResult { result }).inc_by(count);
    }
}

/// Counts a running task until it is dropped.
#[derive(Debug)]
pub struct Running(());

impl Running {
    /// A task begins.
    #[must_use]
    pub fn begin() -> Self {
        ALL.running.inc();
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        ALL.running.dec();
    }
}

/// One attempt of a request to a store. `status` is HTTP's, or why there was no answer.
pub fn request(store: &str, operation: &'static str, status: &str, took: Duration) {
    let store = store.to_owned();
    let status = Status { store: store.clone(), operation, status: status.to_owned() };
    ALL.requests.get_or_create(&status).inc();
    ALL.request_seconds.get_or_create(&Call { store, operation }).observe(took.as_secs_f64());
}

/// A request is about to be sent again.
pub fn retry() {
    ALL.retries.inc();
}

/// A transaction of the queue that began at `begin` is durable.
pub fn committed(begin: Instant) {
    ALL.commit_seconds.observe(begin.elapsed().as_secs_f64());
}

/// A notification was delivered to a target of the configuration, or an attempt failed.
pub fn notified(target: &str, delivered: bool) {
    let result = if delivered { "delivered" } else { "failed" };
    ALL.notifications.get_or_create(&Target { target: target.to_owned(), result }).inc();
}
