//! Compiles crates of this workspace to WebAssembly components: the built-in operations for the build, an example for
//! a test.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// What compiles to wasm32 on this machine.
enum Toolchain {
    /// The toolchain in use, which has the standard library of the target.
    Installed,
    /// Debian's packages rustc-web, rust-web-src and lld: the standard library is compiled from source.
    Debian { rustc: PathBuf, linker: PathBuf },
}

/// Compiles `crates` in release mode, for size, and returns one component for each.
///
/// `target` is a target directory apart from the one of the build that this is part of, whose lock is taken.
pub(crate) fn components(workspace: &Path, target: &Path, crates: &[&str]) -> Result<Vec<Vec<u8>>, String> {
    let toolchain = find_toolchain()?;
    let mut cargo = command(&toolchain, workspace, target);
    for name in crates {
        cargo.args(["--package", name]);
    }
    let output = cargo.output().map_err(|error| format!("cargo could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "the operations do not compile to {TARGET}:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let built = target.join(TARGET).join("release");
    crates.iter().map(|name| component(&built.join(name.replace('-', "_")).with_extension("wasm"))).collect()
}

fn component(path: &Path) -> Result<Vec<u8>, String> {
    let module = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let encode = || wit_component::ComponentEncoder::default().validate(true).module(&module)?.encode();
    encode().map_err(|error| format!("{} is not an operation: {error:#}", path.display()))
}

fn command(toolchain: &Toolchain, workspace: &Path, target: &Path) -> Command {
    let mut cargo = Command::new(variable("CARGO", "cargo"));
    cargo.current_dir(workspace).arg("build").arg("--release").args(["--target", TARGET]);
    cargo.arg("--target-dir").arg(target);
    // Flags and wrappers of the build that this is part of are meant for another target, and would change what is
    // embedded from one command (clippy, coverage) to the next.
    for name in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
    ] {
        cargo.env_remove(name);
    }
    let profile =
        [("OPT_LEVEL", "s"), ("LTO", "fat"), ("CODEGEN_UNITS", "1"), ("STRIP", "symbols"), ("DEBUG", "0")];
    for (setting, value) in profile {
        cargo.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    if let Toolchain::Debian { rustc, linker } = toolchain {
        cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    cargo
}

fn find_toolchain() -> Result<Toolchain, String> {
    if let Some(directory) =
        ask(Path::new(&variable("RUSTC", "rustc")), &["target-libdir", "--target", TARGET])
        && directory.is_dir()
    {
        return Ok(Toolchain::Installed);
    }
    debian(Path::new("/usr/bin")).ok_or_else(|| {
        format!("the standard library of {TARGET}, which the built-in operations need, is missing: run scripts/wasm32")
    })
}

fn debian(binaries: &Path) -> Option<Toolchain> {
    let rustc = binaries.join("rustc");
    let version = Command::new(&rustc).arg("--version").output().ok()?;
    if !is_new_enough(&String::from_utf8_lossy(&version.stdout), env!("CARGO_PKG_RUST_VERSION")) {
        return None;
    }
    let sources = ask(&rustc, &["sysroot"])?.join("lib/rustlib/src/rust/library");
    let names = fs::read_dir(binaries).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let linker = binaries.join(newest_linker(names)?);
    sources.is_dir().then_some(Toolchain::Debian { rustc, linker })
}

/// Whether `rustc --version` says at least `needed`.
fn is_new_enough(said: &str, needed: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
    };
    said.split(' ').nth(1).is_some_and(|version| numbers(version) >= numbers(needed))
}

/// The newest of the linkers among `names`: `wasm-ld-NUMBER`.
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
