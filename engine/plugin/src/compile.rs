//! From a plugin's bytes to machine code: here, or in a child process that a hostile plugin can at worst bring down.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal};
use wasmtime::Engine;

use crate::PluginError;
use crate::machine::{self, Flavour};

/// Exit codes of the child, beside 0: what it says on standard error is the reason of that error.
const CONTRACT: i32 = 3;
const NOT_WASM: i32 = 4;
/// Threads of the child.
const THREADS: &str = "4";
/// Bytes of the child's standard error that are read: a sentence.
const REASON_BYTES: u64 = 4 << 10;

/// How plugins that do not ship with the engine are compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// Program and arguments of the child; it calls [`compile_in_child`].
    pub program: PathBuf,
    /// Arguments before its own.
    pub arguments: Vec<OsString>,
    /// What it may use.
    pub limits: CompileLimits,
}

/// What the compilation of one plugin may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileLimits {
    /// Processor time over all its threads. Default 5 minutes: a language's runtime of 20 MB takes some 10 s.
    pub cpu_time: Duration,
    /// Time altogether. Default 5 minutes.
    pub time: Duration,
    /// Bytes of address space. Default 4 GiB.
    pub memory_bytes: u64,
    /// Bytes of machine code. Default 512 MiB.
    pub code_bytes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        let (cpu_time, time) = (Duration::from_secs(300), Duration::from_secs(300));
        Self { cpu_time, time, memory_bytes: 4 << 30, code_bytes: 512 << 20 }
    }
}

/// Compiles in this process.
pub(crate) fn here(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, PluginError> {
    let not_wasm = |error: wasmtime::Error| PluginError::NotWasm { reason: format!("{error:#}") };
    if is_core_module(bytes) {
        let component = componentize(bytes).map_err(|reason| PluginError::Contract { reason })?;
        return engine.precompile_component(&component).map_err(not_wasm);
    }
    engine.precompile_component(bytes).map_err(not_wasm)
}

/// The version field of a module is 1, that of a component has a layer (Component Model, "Binary Format").
fn is_core_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm\x01\0\0\0")
}

/// The encoder panics on some modules whose component type is broken: that is a refusal, too.
fn componentize(module: &[u8]) -> Result<Vec<u8>, String> {
    let encode = || wit_component::ComponentEncoder::default().validate(true).module(module)?.encode();
    match std::panic::catch_unwind(encode) {
        Ok(encoded) => encoded.map_err(|error| format!("{error:#}")),
        Err(_) => Err("its component type cannot be read".to_owned()),
    }
}

impl Compiler {
    /// Compiles in a child process.
    pub(crate) fn compile(&self, flavour: Flavour, bytes: &[u8]) -> Result<Vec<u8>, PluginError> {
        let failed = |reason: String| PluginError::Compile { reason };
        let CompileLimits { cpu_time, time, memory_bytes, code_bytes } = self.limits;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args([flavour.name(), &cpu_time.as_secs().max(1).to_string(), &memory_bytes.to_string()])
            .env_clear()
            // Each thread takes address space.
            .env("RAYON_NUM_THREADS", THREADS)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("{} cannot be started: {error}", self.program.display())))?;
        let answer = talk(&mut child, bytes, code_bytes, time);
        // Also after an answer: nothing of it is to be left.
        kill(&child);
        let status = child.wait().map_err(|error| failed(format!("its end is not known: {error}")))?;
        match answer {
            None => Err(failed(format!(
                "it took more than {} s: see compile-time of [plugins]",
                time.as_secs_f64()
            ))),
            Some(answer) => self.artefact(status, answer),
        }
    }

    fn artefact(&self, status: ExitStatus, answer: Answer) -> Result<Vec<u8>, PluginError> {
        let reason = String::from_utf8_lossy(&answer.reason).trim_end().to_owned();
        let code = u64::try_from(answer.code.len()).unwrap_or(u64::MAX);
        match status.code() {
            // What is beyond the limit was not read, and the child could not end.
            _ if code > self.limits.code_bytes => Err(PluginError::Compile {
                reason: format!(
                    "it has more than {} bytes of machine code; leave out what the operation does not need",
                    self.limits.code_bytes
                ),
            }),
            Some(0) => Ok(answer.code),
            Some(CONTRACT) => Err(PluginError::Contract { reason }),
            Some(NOT_WASM) => Err(PluginError::NotWasm { reason }),
            _ => {
                let bounds = format!(
                    "it may use {} s of processor time and {} bytes of memory: see compile-time and compile-memory of [plugins]",
                    self.limits.cpu_time.as_secs_f64(),
                    self.limits.memory_bytes
                );
                let said = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                Err(PluginError::Compile {
                    reason: format!("the compiler ended with {status} ({bounds}){said}"),
                })
            }
        }
    }
}

/// What a child wrote before it closed its streams.
struct Answer {
    code: Vec<u8>,
    reason: Vec<u8>,
}

/// Gives the child its input and reads what it says, as far as the limits go; `None` if that takes too long.
fn talk(child: &mut Child, bytes: &[u8], code_bytes: u64, time: Duration) -> Option<Answer> {
    let (stdin, stdout, stderr) = (child.stdin.take()?, child.stdout.take()?, child.stderr.take()?);
    let ((code, codes), (reason, reasons)) = (mpsc::channel(), mpsc::channel());
    let end = Instant::now() + time;
    std::thread::scope(|scope| {
        // A child that ends early does not read on; what it says tells more than the broken pipe.
        scope.spawn(move || {
            let mut stdin = stdin;
            let _ = stdin.write_all(bytes);
        });
        scope.spawn(move || {
            let _ = reason.send(read(stderr, REASON_BYTES));
        });
        scope.spawn(move || {
            let _ = code.send(read(stdout, code_bytes.saturating_add(1)));
        });
        let left = || end.saturating_duration_since(Instant::now());
        let code = codes.recv_timeout(left()).ok();
        if code.as_ref().is_none_or(|code| u64::try_from(code.len()).unwrap_or(u64::MAX) > code_bytes) {
            // It takes too long, or would wait for somebody to read the rest. The threads end with its streams.
            kill(child);
        }
        let reason = reasons.recv_timeout(left()).ok();
        if reason.is_none() {
            kill(child);
        }
        Some(Answer { code: code?, reason: reason? })
    })
}

fn read(from: impl Read, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A stream that breaks off is one that ended: the exit status tells.
    let _ = from.take(limit).read_to_end(&mut bytes);
    bytes
}

fn kill(child: &Child) {
    // It may be gone already.
    let _ = rustix::process::kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// The child of [`Compiler`]: takes its arguments, limits itself, and compiles what it reads from standard input.
/// Returns the exit code.
pub fn compile_in_child(arguments: &[String]) -> i32 {
    let mut stdout = std::io::stdout().lock();
    let compiled = match parse(arguments).and_then(|(flavour, limits)| prepare(limits).map(|()| flavour)) {
        Ok(flavour) => compile_input(flavour),
        Err(reason) => Err(PluginError::Compile { reason }),
    };
    let (code, reason) = match compiled {
        Ok(artefact) => match stdout.write_all(&artefact).and_then(|()| stdout.flush()) {
            Ok(()) => return 0,
            Err(error) => (1, error.to_string()),
        },
        Err(PluginError::Contract { reason }) => (CONTRACT, reason),
        Err(PluginError::NotWasm { reason }) => (NOT_WASM, reason),
        Err(error) => (1, error.to_string()),
    };
    let _ = writeln!(std::io::stderr(), "{reason}");
    code
}

fn compile_input(flavour: Flavour) -> Result<Vec<u8>, PluginError> {
    let mut bytes = Vec::new();
    let unreadable = |error: std::io::Error| PluginError::Compile { reason: error.to_string() };
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
    let engine = Engine::new(&machine::config(flavour))
        .map_err(|error| PluginError::Engine { reason: format!("{error:#}") })?;
    here(&engine, &bytes)
}

fn parse(arguments: &[String]) -> Result<(Flavour, [u64; 2]), String> {
    let numbers = |seconds: &str, bytes: &str| Some([seconds.parse().ok()?, bytes.parse().ok()?]);
    let parsed = match arguments {
        [flavour, seconds, bytes] => Flavour::from_name(flavour).zip(numbers(seconds, bytes)),
        _ => None,
    };
    parsed.ok_or_else(|| "this is for the engine itself: FLAVOUR CPU-SECONDS MEMORY-BYTES".to_owned())
}

/// Sets the limits of this process, and makes it end with its parent.
fn prepare([cpu_seconds, memory_bytes]: [u64; 2]) -> Result<(), String> {
    let limit = |resource, most| {
        let most = Some(most);
        rustix::process::setrlimit(resource, Rlimit { current: most, maximum: most })
            .map_err(|error| format!("cannot limit itself: {error}"))
    };
    limit(Resource::Core, 0)?;
    limit(Resource::Cpu, cpu_seconds)?;
    limit(Resource::As, memory_bytes)?;
    // It writes to pipes only.
    limit(Resource::Fsize, 0)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("cannot end with its parent: {error}"))?;
    Ok(())
}
