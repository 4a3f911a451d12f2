//! Rust: cargo, to a core module that carries its component type.

use std::path::{Path, PathBuf};

use longshore_toolchain::{Rust, TARGET, component, module_of};

use crate::error::AuthorError;

/// Oldest Rust that the SDK compiles with.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

pub(super) fn build(directory: &Path) -> Result<Vec<u8>, AuthorError> {
    let rust = Rust::find(RUST).ok_or_else(|| AuthorError::Missing {
        tool: "the standard library of wasm32-unknown-unknown",
        purpose: "operations in Rust are compiled with",
        remedy: format!(
            "run 'rustup target add {TARGET}'; or, on Debian, install rustc-web rust-web-src lld with Rust {RUST} or newer"
        ),
    })?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = std::path::absolute(target.unwrap_or_else(|| directory.join("target")));
    let target = target.map_err(AuthorError::io("find", directory))?;
    super::run(&mut rust.build(directory, &target))?;
    component(&module_of(&target, &library(directory)?)).map_err(AuthorError::NoOperation)
}

/// The name of the crate's library.
fn library(directory: &Path) -> Result<String, AuthorError> {
    let path = directory.join("Cargo.toml");
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(&path).map_err(AuthorError::io("read", &path))?;
    let bad = |why: String| AuthorError::File { path: shown.clone(), why };
    let manifest: toml::Table = text.parse().map_err(|error| bad(format!("{error}")))?;
    let name = |section: &str| manifest.get(section)?.get("name")?.as_str();
    let crate_types =
        manifest.get("lib").and_then(|lib| lib.get("crate-type")).and_then(toml::Value::as_array);
    if !crate_types.into_iter().flatten().any(|kind| kind.as_str() == Some("cdylib")) {
        return Err(bad(
            "an operation is a cdylib: add [lib] with crate-type = [\"cdylib\", \"rlib\"]".to_owned()
        ));
    }
    name("lib")
        .or_else(|| name("package"))
        .map(str::to_owned)
        .ok_or_else(|| bad("it names no package".to_owned()))
}
