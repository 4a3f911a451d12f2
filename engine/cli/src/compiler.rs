//! The process that compiles plugins of others: this program, called by itself.

use std::path::PathBuf;
use std::process::ExitCode;

/// The first argument of such a process. No user calls it, so that it is no command.
const ARGUMENT: &str = "compile-plugin";

/// Program and argument of such a process: the very file that runs, whatever lies at its path by now.
pub(crate) fn program() -> (PathBuf, String) {
    let itself = PathBuf::from("/proc/self/exe");
    let program = if itself.exists() { itself } else { std::env::current_exe().unwrap_or_default() };
    (program, ARGUMENT.to_owned())
}

/// Does its work if this is such a process.
pub(crate) fn work() -> Option<ExitCode> {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let [_, first, rest @ ..] = arguments.as_slice() else { return None };
    if first != ARGUMENT {
        return None;
    }
    let code = longshore_plugin::compile_in_child(rest);
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
