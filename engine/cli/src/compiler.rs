//! The process that compiles plugins of others: this program, called by itself. And where its work is kept.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use etcetera::base_strategy::{BaseStrategy as _, Xdg};

/// The first argument of such a process. No user calls it, so that it is no command.
const ARGUMENT: &str = "compile-plugin";

/// Program and argument of such a process: the very file that runs, whatever lies at its path by now.
pub(crate) fn program() -> (PathBuf, String) {
    let itself = PathBuf::from("/proc/self/exe");
    let program = if itself.exists() { itself } else { std::env::current_exe().unwrap_or_default() };
    (program, ARGUMENT.to_owned())
}

/// Where machine code may be kept, the best place first: with the user's caches (XDG Base Directory Specification), so that all
/// data directories share it; for users without a home, or one that cannot be written, in the data directory.
pub(crate) fn caches(data_directory: Option<PathBuf>) -> Vec<PathBuf> {
    let of_user = Xdg::new().ok().map(|xdg| xdg.cache_dir().join("longshore")).filter(|directory| {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.is_ok()
    });
    let places = [
        of_user.map(|directory| directory.join("plugins")),
        data_directory.map(|data| data.join("plugin-cache")),
    ];
    places.into_iter().flatten().collect()
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
