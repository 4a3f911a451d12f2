//! SIGINT and SIGTERM: the first lets running tasks finish, the second stops at once.

use longshore_runner::CancellationToken;

use crate::exit::Exit;

/// A token that the first signal cancels. The second signal ends the process: what is committed stays committed.
pub(crate) fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        wait().await;
        tracing::warn!("stopping: running tasks finish first; a second signal stops at once");
        token.cancel();
        wait().await;
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
