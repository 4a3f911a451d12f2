//! Compiles the built-in operations from `plugins/` and embeds them.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

mod wasm;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// The built-in operations, by name: crate `longshore-op-NAME` in `plugins/NAME`.
const OPERATIONS: &[&str] = &[
    "abort-uploads",
    "acl",
    "checksum",
    "copy",
    "delete",
    "encrypt",
    "expire-versions",
    "invoke",
    "legal-hold",
    "metadata",
    "noop",
    "replicate",
    "restore",
    "retention",
    "storage-class",
    "tagging",
    "undelete",
];

/// What the components are made of, beside their own crates.
const SHARED: [&str; 5] = ["Cargo.toml", "Cargo.lock", "sdk/Cargo.toml", "sdk/src", "sdk/wit"];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            message.lines().for_each(|line| println!("cargo::error={line}"));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let here = directory("CARGO_MANIFEST_DIR")?;
    let out = directory("OUT_DIR")?;
    let workspace = here.ancestors().nth(2).ok_or("engine/builtins is not in a workspace")?;
    watch(workspace);

    let crates: Vec<String> = OPERATIONS.iter().map(|name| format!("longshore-op-{name}")).collect();
    let crates: Vec<&str> = crates.iter().map(String::as_str).collect();
    let components = wasm::components(workspace, &target_directory(&out), &crates)?;

    let mut list = String::from("[\n");
    for (name, component) in OPERATIONS.iter().zip(components) {
        let path = out.join(name).with_extension("wasm");
        fs::write(&path, component).map_err(|error| format!("{}: {error}", path.display()))?;
        let _ = writeln!(list, "    Builtin {{ name: {name:?}, component: include_bytes!({path:?}) }},");
    }
    list.push(']');
    let path = out.join("builtins.rs");
    fs::write(&path, list).map_err(|error| format!("{}: {error}", path.display()))
}

/// Nothing is built again while none of these changes.
fn watch(workspace: &Path) {
    let own =
        OPERATIONS.iter().flat_map(|name| ["Cargo.toml", "src"].map(|file| format!("plugins/{name}/{file}")));
    for path in SHARED.into_iter().map(str::to_owned).chain(own) {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    println!("cargo::rerun-if-changed=build");
}

/// `target/wasm`, beside the profiles of the build that this is part of, so that they share it: `OUT_DIR` is
/// `target/PROFILE/build/…`.
fn target_directory(out: &Path) -> PathBuf {
    let build = out.ancestors().find(|directory| directory.ends_with("build"));
    build.and_then(|build| build.parent()?.parent()).unwrap_or(out).join("wasm")
}

fn directory(variable: &str) -> Result<PathBuf, String> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("cargo does not say {variable}"))
}
