//! Compiles crates of this workspace to WebAssembly components: the built-in operations for the build, an example for
//! a test.

use std::path::Path;

use longshore_toolchain::{Rust, TARGET, component, module_of};

/// Compiles `crates` in release mode, for size, and returns one component for each.
///
/// `target` is a target directory apart from the one of the build that this is part of, whose lock is taken.
pub(crate) fn components(workspace: &Path, target: &Path, crates: &[&str]) -> Result<Vec<Vec<u8>>, String> {
    let rust = Rust::find(env!("CARGO_PKG_RUST_VERSION")).ok_or_else(|| {
        format!("the standard library of {TARGET}, which the built-in operations need, is missing: run scripts/wasm32")
    })?;
    let mut cargo = rust.build(workspace, target);
    // The workspace's own profile is made for the engine.
    let profile =
        [("OPT_LEVEL", "s"), ("LTO", "fat"), ("CODEGEN_UNITS", "1"), ("STRIP", "symbols"), ("DEBUG", "0")];
    for (setting, value) in profile {
        cargo.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
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
    crates.iter().map(|name| component(&module_of(target, name))).collect()
}
