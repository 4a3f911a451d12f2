//! A notification as the standard input of a program.

use std::process::Stdio;

use longshore_queue::Notification;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::Undelivered;

/// Bytes of what a program writes to standard error that are kept, to say why it failed; the rest is read and dropped, so that the
/// program is never held up. Standard output goes nowhere.
const MAX_ERRORS: u64 = 4096;

/// What a program gets of the engine's environment. The rest may hold secrets.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/// One attempt: the program has it if it ends with exit code 0. No shell is involved. A program that is not waited for any longer
/// is killed.
pub(super) async fn run(command: &[String], told: &Notification) -> Result<(), Undelivered> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Undelivered::for_good("the command is empty".to_owned()));
    };
    let inherited = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(inherited)
        .envs([
            ("LONGSHORE_JOB", &told.job),
            ("LONGSHORE_STATUS", &told.status),
            ("LONGSHORE_EVENT", &told.id),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Undelivered::for_now(format!("cannot start {program}: {error}")))?;
    let (input, errors) = (child.stdin.take(), child.stderr.take());
    let write = async {
        if let Some(mut input) = input {
            // A program need not read what it is told; its exit code counts.
            let _ = input.write_all(told.body.as_bytes()).await;
        }
    };
    let read = async {
        let mut text = Vec::new();
        if let Some(mut errors) = errors {
            let _ = (&mut errors).take(MAX_ERRORS).read_to_end(&mut text).await;
            let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
        }
        text
    };
    let (ended, (), errors) = tokio::join!(child.wait(), write, read);
    let status = ended.map_err(|error| Undelivered::for_now(format!("{program}: {error}")))?;
    if status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&errors);
    Err(Undelivered::for_now(longshore_http::shortened(&format!("{program} ended with {status}: {errors}"))))
}
