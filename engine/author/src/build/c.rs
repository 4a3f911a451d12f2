//! C: clang and wasm-ld, to a core module that carries its component type.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_toolchain::component;

use crate::error::AuthorError;

/// The bindings that an operation is linked with carry the type of its component.
const TYPE: &str = "longshore/operation_component_type.o";

/// Where Debian's package wasi-libc has its headers. Elsewhere there is a WASI SDK.
const HEADERS: &str = "/usr/include/wasm32-wasi";

pub(super) fn build(directory: &Path) -> Result<Vec<u8>, AuthorError> {
    let clang = clang().ok_or_else(|| AuthorError::Missing {
        tool: "clang for WebAssembly",
        purpose: "operations in C are compiled with",
        remedy: "install clang, lld, wasi-libc and libclang-rt-VERSION-dev-wasm32 (the version is that of clang), or set WASI_SDK_PATH \
                 to a WASI SDK"
            .to_owned(),
    })?;
    let output = directory.join("build");
    std::fs::create_dir_all(&output).map_err(AuthorError::io("make the folder", &output))?;
    let output = output.join("operation.wasm");
    let mut command = Command::new(clang);
    command.current_dir(directory).args(["--target=wasm32-wasi", "-std=gnu11", "-Os", "-Wall"]);
    // No main, and nothing is exported but what the bindings export.
    command.args(["-nostartfiles", "-Wl,--no-entry", "-Wl,--strip-all"]).arg("-o").arg(&output);
    command.args(sources(directory)?).args(sources(&directory.join("longshore"))?).arg(TYPE);
    super::run(&mut command)?;
    component(&output).map_err(AuthorError::NoOperation)
}

fn clang() -> Option<PathBuf> {
    if let Some(sdk) = std::env::var_os("WASI_SDK_PATH") {
        return Some(Path::new(&sdk).join("bin/clang")).filter(|clang| clang.is_file());
    }
    let answers = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let there = answers("clang") && answers("wasm-ld") && Path::new(HEADERS).is_dir();
    there.then(|| PathBuf::from("clang"))
}

/// The C files of a folder, in order.
fn sources(directory: &Path) -> Result<Vec<OsString>, AuthorError> {
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(AuthorError::io("read", directory))?;
    let mut found: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    found.sort();
    Ok(found.into_iter().map(PathBuf::into_os_string).collect())
}
