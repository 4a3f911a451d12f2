//! SIGINT and SIGTERM: the first lets running tasks finish, the second stops at once.

use std::io::IsTerminal as _;
use std::time::Duration;

use longshore_runner::CancellationToken;

use crate::exit::Exit;
use crate::logging;
use crate::output::{clear_bar, note};

/// What the engine gets beyond its drain time to commit what the tasks have done. What hangs then, such as the upload of a
/// report to a store that does not answer, is dropped; the next start does it again.
const WRAP_UP: Duration = Duration::from_secs(10);

/// What the first signal does.
const STOPPING: &str = "stopping: running tasks finish first; a second signal stops at once";

/// A token that the first signal cancels. The second signal ends the process: what is committed stays committed.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    // Before anybody is told that the engine has started: a signal that comes then must find it listening.
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        if std::io::stderr().is_terminal() || logging::is_json() {
            note(STOPPING);
        } else {
            tracing::warn!("{STOPPING}");
        }
        token.cancel();
        signals.next().await;
        clear_bar();
        std::process::exit(i32::from(Exit::Interrupted as u8));
    });
    stop
}

/// Does `work`, but no longer than `drain` and a moment after `stop`; `None` if that was too short.
pub(crate) async fn within<T>(
    stop: &CancellationToken,
    drain: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(drain + WRAP_UP).await;
    };
    tokio::select! {
        done = work => Some(done),
        () = overdue => {
            tracing::warn!("what still ran {} s after the signal was dropped", (drain + WRAP_UP).as_secs());
            None
        }
    }
}

/// SIGINT and SIGTERM, from the moment on in which it is made: none that comes later is missed.
pub(crate) struct Signals {
    #[cfg(unix)]
    both: Option<[tokio::signal::unix::Signal; 2]>,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let both = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        let [interrupt, terminate] = both;
        Self { both: interrupt.and_then(|interrupt| Ok([interrupt, terminate?])).ok() }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        Self {}
    }

    /// The next of them.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some([interrupt, terminate]) = &mut self.both {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        drop(tokio::signal::ctrl_c().await);
    }
}
