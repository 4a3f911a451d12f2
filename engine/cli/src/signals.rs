//! SIGINT and SIGTERM: the first lets running tasks finish, the second stops at once.

use std::io::IsTerminal as _;

use longshore_runner::CancellationToken;

use crate::exit::Exit;
use crate::output::{clear_bar, note};

/// What the first signal does.
const STOPPING: &str = "stopping: running tasks finish first; a second signal stops at once";

/// A token that the first signal cancels. The second signal ends the process: what is committed stays committed.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        wait().await;
        if std::io::stderr().is_terminal() {
            note(STOPPING);
        } else {
            tracing::warn!("{STOPPING}");
        }
        token.cancel();
        wait().await;
        clear_bar();
        std::process::exit(i32::from(Exit::Interrupted as u8));
    });
    stop
}

#[cfg(unix)]
async fn wait() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn wait() {
    drop(tokio::signal::ctrl_c().await);
}
