//! The engine as a service: what the service manager is told of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use longshore_job::EngineConfig;
use longshore_job::config::REMOTE_ADDRESS;
use longshore_queue::Queue;
use longshore_runner::{CancellationToken, Event, Observer};
use longshore_server::{Monitor, Notifier, ServiceManager};
use tokio::task::JoinSet;

use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, short};

/// Time between two lines of status: systemd keeps only the last.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// The service manager that started this process.
pub(crate) fn service_manager() -> Result<ServiceManager, CliError> {
    ServiceManager::from_environment(|name| std::env::var_os(name), std::process::id())
        .map_err(|error| CliError::input(error.to_string()))
}

/// Where to answer whoever watches: as the command line says, or the configuration.
pub(crate) fn listen_at(
    given: Option<SocketAddr>,
    config: &EngineConfig,
) -> Result<Option<SocketAddr>, CliError> {
    match given.or(config.metrics.listen) {
        Some(address) if !config.metrics.allows(address) => {
            Err(CliError::input(format!("--listen {address}: this {REMOTE_ADDRESS}")))
        }
        address => Ok(address),
    }
}

/// Answers whoever watches over the engine, if anybody may. Ends when the answer is dropped.
pub(crate) async fn monitor(
    listen: Option<SocketAddr>,
    queue: &Queue,
    stop: &CancellationToken,
) -> Result<JoinSet<()>, CliError> {
    let mut tasks = JoinSet::new();
    let Some(address) = listen else { return Ok(tasks) };
    let failed =
        |error| CliError::new(Exit::Error, format!("cannot listen at {address} for metrics: {error}"));
    let monitor = Monitor::bind(address, queue.clone(), stop.clone()).await.map_err(failed)?;
    let bound = monitor.address().map_err(failed)?;
    note(&format!("metrics at http://{bound}/metrics"));
    tasks.spawn(monitor.run());
    Ok(tasks)
}

/// Whoever is to be told of what happens to jobs.
pub(crate) fn notifier(config: &EngineConfig, queue: &Queue) -> Result<Notifier, CliError> {
    Notifier::new(config, queue).map_err(|error| {
        let message = format!("webhooks need the certificates of this system, which cannot be read: {error}");
        CliError::new(Exit::Error, message)
    })
}

/// Tells the service manager that the engine works, gives it signs of life, and tells it once the engine stops. Ends when the
/// answer is dropped.
pub(crate) fn serve(service: Arc<ServiceManager>, queue: &Queue, stop: &CancellationToken) -> JoinSet<()> {
    service.ready();
    service.status("looking for jobs");
    let mut tasks = JoinSet::new();
    if let Some(interval) = service.watchdog_interval() {
        tasks.spawn(watchdog(Arc::clone(&service), queue.clone(), interval));
    }
    let stop = stop.clone();
    tasks.spawn(async move {
        stop.cancelled().await;
        service.stopping();
        service.status("stopping: running tasks finish first");
    });
    tasks
}

/// Signs of life, for as long as the queue can be read and is this engine's. If not, the service manager starts another.
async fn watchdog(service: Arc<ServiceManager>, queue: Queue, interval: Duration) {
    loop {
        let asked = queue.clone();
        match tokio::task::spawn_blocking(move || asked.confirm_tenure()).await {
            Ok(Ok(())) => service.alive(),
            Ok(Err(error)) => tracing::error!(%error, "no sign of life for the service manager"),
            Err(error) => tracing::error!(%error, "no sign of life for the service manager"),
        }
        tokio::time::sleep(interval).await;
    }
}

/// Passes events on, and tells the service manager how far the jobs are.
pub(crate) struct Watcher {
    next: Arc<dyn Observer>,
    service: Arc<ServiceManager>,
    told: Mutex<Option<Instant>>,
}

impl Watcher {
    pub(crate) fn new(next: Arc<dyn Observer>, service: Arc<ServiceManager>) -> Self {
        Self { next, service, told: Mutex::default() }
    }

    /// Whether it is time for counters; a change of state is always told.
    fn is_due(&self, event: &Event) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due =
            matches!(event, Event::State { .. }) || told.is_none_or(|told| told.elapsed() >= STATUS_EVERY);
        if due {
            *told = Some(Instant::now());
        }
        due
    }
}

impl Observer for Watcher {
    fn event(&self, event: &Event) {
        if self.is_due(event) {
            self.service.status(&status(event));
        }
        self.next.event(event);
    }
}

fn status(event: &Event) -> String {
    match event {
        Event::State { job, state, .. } => format!("job {}: {state}", short(job)),
        Event::Listing { job, listed, .. } => format!("job {}: {listed} entries listed", short(job)),
        Event::Reading { job, rows } => format!("job {}: {rows} rows read", short(job)),
        Event::Progress { job, progress } => format!(
            "job {}: {} of {} tasks finished, {} failed",
            short(job),
            progress.finished(),
            progress.total,
            progress.failed
        ),
    }
}
