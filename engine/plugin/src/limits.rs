//! What plugins may use.

use std::time::Duration;

/// Bounds of one plugin, set before anything of it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginLimits {
    /// Bytes of linear memory, in total over all memories of an instance. Default 64 MiB.
    pub memory_bytes: usize,
    /// Elements over all tables of an instance; one costs a pointer. Default 20,000.
    pub table_elements: usize,
    /// Objects, requests and responses that a guest holds at once. Default 1,024.
    pub handles: usize,
    /// Requests that one task may send. Default 1,000.
    pub requests: u32,
    /// Bytes in requests and responses that one task holds at once, outside its own memory; also the most that one
    /// call may pass to the engine. Default 64 MiB.
    pub held_bytes: usize,
    /// Bytes of log text per task; what is longer is cut and says so. Default 16 KiB.
    pub log_bytes: usize,
    /// Bytes of a message that goes to the completion report; what is longer is cut and ends in `…`. Default 4 KiB: a
    /// refusal names a key of up to 1,024 bytes twice, and then the statement.
    pub message_bytes: usize,
    /// Processor time of one task, measured in ticks of [`EngineLimits::tick`]. Default 10 s.
    pub cpu_time: Duration,
    /// Time of one task altogether, waiting for the store included. Default 15 minutes: enough for a server-side copy
    /// of 5 GiB with retries, and an end for a task that hangs. A copy in parts
    /// has it for each part.
    pub task_time: Duration,
    /// Instructions of one task, roughly: what wasmtime calls fuel. The same on every machine and in every run, which a time is
    /// not; code that counts them is slower. Default `None`: they are not counted.
    pub fuel: Option<u64>,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            handles: 1_024,
            requests: 1_000,
            held_bytes: 64 << 20,
            log_bytes: 16 << 10,
            message_bytes: 4 << 10,
            cpu_time: Duration::from_secs(10),
            task_time: Duration::from_secs(15 * 60),
            fuel: None,
        }
    }
}

/// Bounds that all plugins of an engine share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineLimits {
    /// Size of a plugin's file in bytes. Compiling costs memory and time in proportion. Default 64 MiB.
    pub plugin_bytes: usize,
    /// Instances at once: lanes over all jobs. Each reserves address space (not memory). Default 4,096.
    pub instances: u32,
    /// How often a running guest is interrupted to let other tasks run and to count its processor time.
    /// Default 10 ms.
    pub tick: Duration,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self { plugin_bytes: 64 << 20, instances: 4_096, tick: Duration::from_millis(10) }
    }
}
