//! Finds what compiles Rust to WebAssembly on this machine, and makes components of it: for the built-in operations as Longshore is
//! built, and for the operations of others.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that operations are compiled for: nothing but the contract is imported.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// What compiles Rust to wasm32 on this machine.
#[derive(Debug)]
pub struct Rust(Standard);

/// Where the standard library of the target comes from.
#[derive(Debug)]
enum Standard {
    /// The toolchain in use has it.
    Installed,
    /// Debian's packages rustc-web, rust-web-src and lld: it is compiled from source.
    Debian { rustc: PathBuf, linker: PathBuf },
}

impl Rust {
    /// Finds it, if it is there. `needed` is the oldest Rust that will do: `1.95`.
    pub fn find(needed: &str) -> Option<Self> {
        let rustc = PathBuf::from(variable("RUSTC", "rustc"));
        let library = ask(&rustc, &["target-libdir", "--target", TARGET]);
        if library.is_some_and(|directory| directory.is_dir()) {
            return Some(Self(Standard::Installed));
        }
        debian(Path::new("/usr/bin"), needed).map(Self)
    }

    /// `cargo build --release` for the target, in `directory`; what is built goes to `target`, a target directory apart from
    /// that of a build that this is part of, whose lock is taken.
    pub fn build(&self, directory: &Path, target: &Path) -> Command {
        let mut cargo = Command::new(variable("CARGO", "cargo"));
        cargo.current_dir(directory).arg("build").arg("--release").args(["--target", TARGET]);
        cargo.arg("--target-dir").arg(target);
        // Flags and wrappers of the build that this is part of are meant for another target, and would change what is
        // built from one command (clippy, coverage) to the next.
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTFLAGS",
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_DIR",
        ] {
            cargo.env_remove(name);
        }
        if let Standard::Debian { rustc, linker } = &self.0 {
            cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        cargo
    }
}

/// Where [`Rust::build`] puts the module of a crate.
pub fn module_of(target: &Path, name: &str) -> PathBuf {
    target.join(TARGET).join("release").join(name.replace('-', "_")).with_extension("wasm")
}

/// Makes a component of a core module that carries its component type.
///
/// # Errors
/// Why it is none, with the path.
pub fn component(path: &Path) -> Result<Vec<u8>, String> {
    let module = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let encode = || wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode();
    encode().map_err(|error| format!("{} is not an operation: {error:#}", path.display()))
}

/// The newest linker for WebAssembly that Debian's packages have put into `binaries`: `wasm-ld-NUMBER`.
pub fn linker(binaries: &Path) -> Option<PathBuf> {
    let names = fs::read_dir(binaries).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    newest_linker(names).map(|name| binaries.join(name))
}

fn debian(binaries: &Path, needed: &str) -> Option<Standard> {
    let rustc = binaries.join("rustc");
    let version = Command::new(&rustc).arg("--version").output().ok()?;
    if !is_new_enough(&String::from_utf8_lossy(&version.stdout), needed) {
        return None;
    }
    let sources = ask(&rustc, &["sysroot"])?.join("lib/rustlib/src/rust/library");
    let linker = linker(binaries)?;
    sources.is_dir().then_some(Standard::Debian { rustc, linker })
}

/// Whether `rustc --version` says at least `needed`.
fn is_new_enough(said: &str, needed: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
    };
    said.split(' ').nth(1).is_some_and(|version| numbers(version) >= numbers(needed))
}

/// The newest of the linkers among `names`.
fn newest_linker(names: impl Iterator<Item = String>) -> Option<String> {
    let number = |name: &String| name.strip_prefix("wasm-ld-")?.parse::<u32>().ok();
    names.filter_map(|name| Some((number(&name)?, name))).max().map(|(_, name)| name)
}

/// A path that rustc prints.
fn ask(rustc: &Path, print: &[&str]) -> Option<PathBuf> {
    let output = Command::new(rustc).arg("--print").args(print).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim_end()))
}

fn variable(name: &str, default: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| default.into())
}

#[cfg(test)]
mod tests {
    use super::{is_new_enough, newest_linker};

    #[test]
    fn versions_are_numbers() {
        assert!(is_new_enough("rustc 1.95.0 (59807616e 2026-04-14)", "1.95"));
        assert!(is_new_enough("rustc 1.100.0-nightly (x)", "1.95"));
        assert!(!is_new_enough("rustc 1.63.0", "1.95") && !is_new_enough("rustc 1.9.0", "1.95"));
        assert!(!is_new_enough("", "1.95"));
    }

    #[test]
    fn the_newest_linker_is_that_of_the_highest_number() {
        let names = ["wasm-ld-9", "wasm-ld-22", "wasm-ld-tool", "wasm-ld", "ld"].map(str::to_owned);
        assert_eq!(newest_linker(names.into_iter()).as_deref(), Some("wasm-ld-22"));
        assert_eq!(newest_linker(std::iter::empty()), None);
    }
}
