//! The empty WASI world: what guests of languages that cannot do without WASI are given. No files, environment, arguments,
//! input or network; output goes to the engine's log; the clocks are coarse, and what is random is the same each time that a
//! task is run. `wasi:http` is not linked at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_job::ObjectId;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::bindings::longshore::operation::host::Level;
use crate::log::Log;
use crate::state::State;

/// What the clocks tell is in whole steps of this: finer ones measure what other tasks of the machine do.
const CLOCK_STEP: Duration = Duration::from_millis(1);
/// Most bytes of randomness that one call gets: more than any seed, and little for the engine to hold.
const RANDOM_BYTES: u64 = 64 << 10;
/// Most bytes of a line of output. Longer ones are several.
const LINE_BYTES: usize = 1 << 10;

/// Links the interfaces of WASI 0.2.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// Whether an import is of WASI 0.2, and one of what is linked.
pub(crate) fn is_import(name: &str) -> bool {
    const PACKAGES: [&str; 6] =
        ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];
    PACKAGES.iter().any(|package| name.starts_with(package)) && name.contains("@0.2.")
}

/// The WASI of one instance. What it knows of the task is made when the guest first asks for something, and anew for each task; what
/// the guest holds of it stays with the instance.
pub(crate) struct Wasi {
    context: Option<WasiCtx>,
    table: ResourceTable,
    operation: Arc<str>,
    job: Arc<str>,
    started: Instant,
    /// The task that is worked on, and which run of it this is.
    task: Option<(Arc<ObjectId>, u32)>,
}

impl Wasi {
    pub(crate) fn new(handles: usize, operation: Arc<str>, job: Arc<str>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(handles);
        Self { context: None, table, operation, job, started: Instant::now(), task: None }
    }

    pub(crate) fn begin_task(&mut self, object: Arc<ObjectId>, attempt: u32) {
        self.context = None;
        self.task = Some((object, attempt));
    }
}

/// The same random numbers for the same task of a job, whatever ran before and on whichever machine.
fn seed(operation: &str, job: &str, task: Option<(&ObjectId, u32)>) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(operation);
    add(job);
    if let Some((object, attempt)) = task {
        add(&object.bucket);
        add(&object.key);
        add(object.version_id.as_deref().unwrap_or_default());
        add(&attempt.to_string());
    }
    hash.finalize().into()
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Self { wasi: Wasi { context, table, operation, job, started, task }, log, .. } = self;
        let task = task.as_ref().map(|(object, attempt)| (&**object, *attempt));
        let make = || empty(seed(operation, job, task), *started, log);
        WasiCtxView { ctx: context.get_or_insert_with(make), table }
    }
}

fn empty(seed: [u8; 32], started: Instant, log: &Log) -> WasiCtx {
    let mut insecure = seed;
    insecure.reverse();
    let number = seed.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes));
    WasiCtx::builder()
        .stdout(Output { log: log.clone(), level: Level::Info })
        .stderr(Output { log: log.clone(), level: Level::Warn })
        .secure_random(StdRng::from_seed(seed))
        .insecure_random(StdRng::from_seed(insecure))
        .insecure_random_seed(number)
        .max_random_size(RANDOM_BYTES)
        .wall_clock(Clock(started))
        .monotonic_clock(Clock(started))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// The engine's time, coarse; the monotonic one since the instance was made.
struct Clock(Instant);

/// Whole steps of a clock.
fn coarse(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        CLOCK_STEP
    }

    fn now(&self) -> Duration {
        coarse(Duration::try_from(jiff::Timestamp::now().as_duration()).unwrap_or_default())
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        nanoseconds(CLOCK_STEP)
    }

    fn now(&self) -> u64 {
        nanoseconds(coarse(self.0.elapsed()))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A standard stream that goes to the log, line by line.
struct Output {
    log: Log,
    level: Level,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    /// For WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Lines { log: self.log.clone(), level: self.level, line: Vec::new() })
    }
}

/// Gathers lines, and what is left of one when the guest lets go of the stream.
struct Lines {
    log: Log,
    level: Level,
    line: Vec<u8>,
}

impl Lines {
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.log.write(self.level, String::from_utf8_lossy(&line).into_owned());
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.end_line();
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Lines {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                byte => self.line.push(byte),
            }
            if self.line.len() >= LINE_BYTES {
                self.end_line();
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LINE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_has_a_seed_of_its_own() {
        let object = |key: &str| ObjectId::new("b", key);
        let seeds = [
            seed("o", "j", None),
            seed("p", "j", None),
            seed("o", "j", Some((&object("k"), 1))),
            seed("o", "j", Some((&object("k"), 2))),
            seed("o", "j", Some((&object("l"), 1))),
            seed("o", "i", Some((&object("k"), 1))),
            seed("o", "j", Some((&ObjectId { version_id: Some("1".to_owned()), ..object("k") }, 1))),
            seed("o", "j", Some((&ObjectId::new("bk", ""), 1))),
        ];
        let distinct: std::collections::BTreeSet<_> = seeds.iter().collect();
        assert_eq!(distinct.len(), seeds.len());
        assert_eq!(seeds[2], seed("o", "j", Some((&object("k"), 1))));
    }

    #[test]
    fn clocks_are_coarse() {
        assert_eq!(coarse(Duration::from_micros(2_999)), Duration::from_millis(2));
    }

    #[test]
    fn what_is_linked_is_of_wasi_0_2_and_not_http() {
        assert!(is_import("wasi:cli/environment@0.2.6"));
        assert!(!is_import("wasi:http/outgoing-handler@0.2.6"));
        assert!(!is_import("wasi:cli/environment@0.3.0"));
    }
}
