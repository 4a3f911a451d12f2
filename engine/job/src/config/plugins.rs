//! `[plugins]`: how plugins run that do not ship with the engine, what each may use, and whose signatures are trusted.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::size::{self, Size};
use crate::declare::{Declaration, duration, pointer};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Bounds of `memory`: less no language's runtime starts in, more a plugin of 32 bits cannot address.
const MEMORY_BOUNDS: (u64, u64) = (MIB, 4 * GIB);
/// Bounds of `held-bytes`: an answer of a store has up to 16 MiB.
const HELD_BOUNDS: (u64, u64) = (64 * KIB, 4 * GIB);
/// Bounds of `log-bytes`, with which all lanes may fill a disk.
const LOG_BOUNDS: (u64, u64) = (0, MIB);
/// Bounds of `message-bytes`: each is in the queue and in the report.
const MESSAGE_BOUNDS: (u64, u64) = (256, 64 * KIB);
/// Bounds of `file-size`.
const FILE_BOUNDS: (u64, u64) = (KIB, GIB);
/// Bounds of `cache-size`; with none nothing is kept.
const CACHE_BOUNDS: (u64, u64) = (0, 64 * GIB);
/// Bounds of `cpu-time`: below two ticks of the engine nothing ends in time.
const CPU_TIME_BOUNDS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(3600));
/// Bounds of `task-time`.
const TASK_TIME_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
/// Bounds of `compile-time`.
const COMPILE_TIME_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));
/// Bounds of `compile-memory`: the compiler itself takes some hundred MiB of address space.
const COMPILE_MEMORY_BOUNDS: (u64, u64) = (512 * MIB, 64 * GIB);

/// What tasks share on one slot of concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginIsolation {
    /// Nothing: each has an instance of its own.
    Fresh,
    /// An instance, with whatever the tasks before left in its memory.
    Reuse,
}

/// How plugins run that do not ship with the engine, what each may use, and whose signatures are trusted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PluginsSection {
    /// Public keys in the form of minisign, by the names that commands and messages use. Signatures of these count.
    #[schemars(
        extend("propertyNames" = {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "patternErrorMessage": "must be 1 to 64 letters, digits, \".\", \"_\" or \"-\", and begin with a letter or digit"}),
        extend("additionalProperties" = {"type": "string", "pattern": "^RW[A-Za-z0-9+/]{54}$", "patternErrorMessage": "must be the second line of a minisign.pub: RW and 54 more letters of base64"}),
        extend("examples" = [{"storage-team": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"}])
    )]
    keys: BTreeMap<String, String>,
    /// Neither install nor run a plugin without a signature of one of these keys. Plugins by path have none.
    require_signature: bool,
    /// "fresh": each task has an instance of its own. "reuse": tasks on one slot of concurrency share one, which is faster, and
    /// what one leaves in its memory the next can read.
    isolation: PluginIsolation,
    /// Most memory of an instance, over all its memories, from 1 MiB to 4 GiB.
    #[schemars(extend("examples" = ["256 MiB"]))]
    memory: Size,
    /// Most elements of an instance's tables, over all of them.
    #[schemars(range(min = 100, max = 100_000))]
    table_elements: u32,
    /// Most objects, requests and responses that a task holds at once.
    #[schemars(range(min = 4, max = 100_000))]
    handles: u32,
    /// Most requests that a task sends.
    #[schemars(range(min = 1, max = 1_000_000))]
    requests_per_task: u32,
    /// Most bytes that a task holds in requests and responses at once, from 64 KiB to 4 GiB.
    #[schemars(extend("examples" = ["16 MiB"]))]
    held_bytes: Size,
    /// Most bytes that a task writes to the log, up to 1 MiB.
    #[schemars(extend("examples" = ["64 KiB"]))]
    log_bytes: Size,
    /// Most bytes of a task's message in the report, from 256 to 64 KiB.
    #[schemars(extend("examples" = ["1 KiB"]))]
    message_bytes: Size,
    /// Processor time of a task: a number and a unit, from 20ms to 1h.
    #[schemars(extend("examples" = ["2s"]))]
    cpu_time: String,
    /// Time of a task altogether: a number and a unit, from 1s to 24h.
    #[schemars(extend("examples" = ["5m"]))]
    task_time: String,
    /// Most instructions of a task, roughly: the same on every machine and in every run, which a time is not. Counting them takes
    /// some time itself.
    #[schemars(range(min = 1_000), extend("examples" = [1_000_000_000u64]))]
    fuel_per_task: Option<u64>,
    /// Most bytes of a plugin's file, from 1 KiB to 1 GiB.
    #[schemars(extend("examples" = ["100 MiB"]))]
    file_size: Size,
    /// Time, and processor time, that compiling a plugin may take: a number and a unit, from 1s to 1h.
    #[schemars(extend("examples" = ["1m"]))]
    compile_time: String,
    /// Most address space of the process that compiles a plugin, from 512 MiB to 64 GiB.
    #[schemars(extend("examples" = ["2 GiB"]))]
    compile_memory: Size,
    /// Most bytes of compiled plugins that are kept in the data directory, up to 64 GiB. With 0 none are.
    #[schemars(extend("examples" = ["1 GiB"]))]
    cache_size: Size,
}

impl Default for PluginsSection {
    fn default() -> Self {
        let text = |text: &str| Size::Text(text.to_owned());
        Self {
            keys: BTreeMap::new(),
            require_signature: false,
            isolation: PluginIsolation::Fresh,
            memory: text("64 MiB"),
            table_elements: 20_000,
            handles: 1_024,
            requests_per_task: 1_000,
            held_bytes: text("64 MiB"),
            log_bytes: text("16 KiB"),
            message_bytes: text("4 KiB"),
            cpu_time: "10s".to_owned(),
            task_time: "15m".to_owned(),
            fuel_per_task: None,
            file_size: text("64 MiB"),
            compile_time: "5m".to_owned(),
            compile_memory: text("4 GiB"),
            cache_size: text("1 GiB"),
        }
    }
}

/// How plugins run that do not ship with the engine, what each may use, and whose signatures are trusted. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginsConfig {
    /// Public keys in the form of minisign, by name.
    pub keys: BTreeMap<String, String>,
    /// Whether a plugin without a signature of one of these is neither installed nor run.
    pub require_signature: bool,
    /// What tasks share.
    pub isolation: PluginIsolation,
    /// Memory of an instance.
    pub memory_bytes: u64,
    /// Elements of an instance's tables.
    pub table_elements: u32,
    /// Objects, requests and responses that a task holds at once.
    pub handles: u32,
    /// Requests of a task.
    pub requests: u32,
    /// Bytes in requests and responses that a task holds at once.
    pub held_bytes: u64,
    /// Log of a task.
    pub log_bytes: u64,
    /// Message of a task.
    pub message_bytes: u64,
    /// Processor time of a task.
    pub cpu_time: Duration,
    /// Time of a task.
    pub task_time: Duration,
    /// Instructions of a task; `None` means that they are not counted.
    pub fuel: Option<u64>,
    /// Size of a plugin's file.
    pub file_bytes: u64,
    /// Time of compiling a plugin.
    pub compile_time: Duration,
    /// Address space of compiling a plugin.
    pub compile_memory_bytes: u64,
    /// Compiled plugins that are kept.
    pub cache_bytes: u64,
}

impl Default for PluginsConfig {
    /// As an empty section says.
    fn default() -> Self {
        Self {
            keys: BTreeMap::new(),
            require_signature: false,
            isolation: PluginIsolation::Fresh,
            memory_bytes: 64 * MIB,
            table_elements: 20_000,
            handles: 1_024,
            requests: 1_000,
            held_bytes: 64 * MIB,
            log_bytes: 16 * KIB,
            message_bytes: 4 * KIB,
            cpu_time: Duration::from_secs(10),
            task_time: Duration::from_secs(15 * 60),
            fuel: None,
            file_bytes: 64 * MIB,
            compile_time: Duration::from_secs(5 * 60),
            compile_memory_bytes: 4 * GIB,
            cache_bytes: GIB,
        }
    }
}

/// Resolves the section, adding what is wrong with it to `declaration`.
pub(super) fn resolve(section: &PluginsSection, declaration: &mut Declaration<'_>) -> Option<PluginsConfig> {
    let mut size = |size: &Size, key, bounds| bytes(size, key, bounds, declaration);
    let memory = size(&section.memory, "memory", MEMORY_BOUNDS);
    let held = size(&section.held_bytes, "held-bytes", HELD_BOUNDS);
    let log = size(&section.log_bytes, "log-bytes", LOG_BOUNDS);
    let message = size(&section.message_bytes, "message-bytes", MESSAGE_BOUNDS);
    let file = size(&section.file_size, "file-size", FILE_BOUNDS);
    let compile = size(&section.compile_memory, "compile-memory", COMPILE_MEMORY_BOUNDS);
    let cache = size(&section.cache_size, "cache-size", CACHE_BOUNDS);
    let mut time =
        |text: &str, key, bounds| duration::read(text, &pointer::join("/plugins", key), bounds, declaration);
    let cpu_time = time(&section.cpu_time, "cpu-time", CPU_TIME_BOUNDS);
    let task_time = time(&section.task_time, "task-time", TASK_TIME_BOUNDS);
    let compile_time = time(&section.compile_time, "compile-time", COMPILE_TIME_BOUNDS);
    Some(PluginsConfig {
        keys: section.keys.clone(),
        require_signature: section.require_signature,
        isolation: section.isolation,
        memory_bytes: memory?,
        table_elements: section.table_elements,
        handles: section.handles,
        requests: section.requests_per_task,
        held_bytes: held?,
        log_bytes: log?,
        message_bytes: message?,
        cpu_time: cpu_time?,
        task_time: task_time?,
        fuel: section.fuel_per_task,
        file_bytes: file?,
        compile_time: compile_time?,
        compile_memory_bytes: compile?,
        cache_bytes: cache?,
    })
}

fn bytes(
    size: &Size,
    key: &str,
    (least, most): (u64, u64),
    declaration: &mut Declaration<'_>,
) -> Option<u64> {
    let (message, help) = match size::bytes(size) {
        Ok(bytes) if (least..=most).contains(&bytes) => return Some(bytes),
        Ok(_) => (format!("{key:?} is out of range: {} to {} are allowed", shown(least), shown(most)), None),
        Err((message, help)) => (message, Some(help)),
    };
    declaration.problem_at_value(&pointer::join("/plugins", key), message, help);
    None
}

/// As users write it.
fn shown(bytes: u64) -> String {
    let units = [("GiB", GIB), ("MiB", MIB), ("KiB", KIB)];
    match units.iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("\"{} {name}\"", bytes / unit),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::EngineConfig;
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn plugins(section: &str) -> Result<PluginsConfig, String> {
        let parsed = EngineConfig::parse(section, "longshore.toml", &|_| None);
        parsed.map(|config| config.plugins).map_err(|problems| problems.to_string())
    }

    #[test]
    fn an_empty_section_is_the_default() {
        assert_eq!(plugins("").unwrap(), PluginsConfig::default());
        assert_eq!(plugins("[plugins]").unwrap(), PluginsConfig::default());
    }

    #[test]
    fn what_it_says_holds() {
        let section =
            "[plugins]\nisolation = \"reuse\"\nmemory = \"128 MiB\"\ncpu-time = \"1s\"\nfuel-per-task = 5000";
        let expected = PluginsConfig {
            isolation: PluginIsolation::Reuse,
            memory_bytes: 128 * MIB,
            cpu_time: Duration::from_secs(1),
            fuel: Some(5_000),
            ..PluginsConfig::default()
        };
        assert_eq!(plugins(section).unwrap(), expected);
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        let section = "[plugins]\nisolation = \"new\"\nmemory = \"1 kB\"\nheld-bytes = \"much\"\ntask-time = \"2d\"\nmemroy = 1\n";
        insta::assert_snapshot!(plugins(section).unwrap_err());
    }

    #[test]
    fn keys_and_whether_one_must_have_signed() {
        let found =
            plugins(&format!("[plugins]\nrequire-signature = true\nkeys = {{ team = \"{KEY}\" }}")).unwrap();
        assert_eq!(found.keys, BTreeMap::from([("team".to_owned(), KEY.to_owned())]));
        assert!(found.require_signature);
    }

    #[test]
    fn what_is_no_key() {
        let told = plugins("[plugins]\nkeys = { team = \"RWshort\", \"a b\" = \"x\" }").unwrap_err();
        assert!(told.contains("must be the second line of a minisign.pub"), "{told}");
        assert!(told.contains("must be 1 to 64 letters"), "{told}");
    }
}
