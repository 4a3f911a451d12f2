//! Embeds the templates of new projects and the SDK, so that `plugin new` needs nothing but the binary.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn embed() -> io::Result<()> {
    let variable =
        |name| env::var_os(name).ok_or_else(|| io::Error::other(format!("cargo does not say {name}")));
    let (here, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let (here, out) = (Path::new(&here), Path::new(&out));
    let workspace = here.ancestors().nth(2).ok_or_else(|| io::Error::other("this is not in a workspace"))?;
    let sdk = workspace.join("sdk");
    let of_rust = ["Cargo.toml", "src", "wit"].map(|name| (name, sdk.join(name)));
    let mut list = String::new();
    add(&mut list, "SDK", &of_rust)?;
    let wit = || ("wit", sdk.join("wit"));
    add(&mut list, "PYTHON_SDK", &[("longshore", sdk.join("python/longshore")), wit()])?;
    let modules = [
        "component.js",
        "index.js",
        "objects.js",
        "operation.js",
        "package.json",
        "settings.js",
        "testing.js",
    ];
    let mut of_javascript = modules.map(|name| (name, sdk.join("javascript").join(name))).to_vec();
    of_javascript.push(wit());
    add(&mut list, "JAVASCRIPT_SDK", &of_javascript)?;
    add(&mut list, "TEMPLATES", &[("", here.join("templates"))])?;
    for (name, file) in [("WORKSPACE", "Cargo.toml"), ("LOCK", "Cargo.lock")] {
        let _ = writeln!(list, "pub(crate) const {name}: &str = include_str!({:?});", workspace.join(file));
    }
    fs::write(out.join("embedded.rs"), list)
}

/// Adds a list of files to the source: paths that begin with a name, and contents.
fn add(list: &mut String, name: &str, roots: &[(&str, PathBuf)]) -> io::Result<()> {
    let _ = writeln!(list, "pub(crate) const {name}: &[(&str, &[u8])] = &[");
    for (root, place) in roots {
        println!("cargo::rerun-if-changed={}", place.display());
        for (path, file) in files(place, root)? {
            let _ = writeln!(list, "    ({path:?}, include_bytes!({file:?})),");
        }
    }
    list.push_str("];\n");
    Ok(())
}

/// A file, or every file below a directory in order: its path, that begins with `name`, and where it is.
fn files(place: &Path, name: &str) -> io::Result<Vec<(String, PathBuf)>> {
    if place.is_file() {
        return Ok(vec![(name.to_owned(), place.to_owned())]);
    }
    let mut entries = fs::read_dir(place)?.collect::<io::Result<Vec<_>>>()?;
    // What Python writes beside its sources.
    entries.retain(|entry| entry.file_name() != "__pycache__");
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let (own, path) = (entry.file_name(), entry.path());
        let own = own.to_str().ok_or_else(|| io::Error::other(format!("{} is no UTF-8", path.display())))?;
        let name = if name.is_empty() { own.to_owned() } else { format!("{name}/{own}") };
        found.extend(files(&path, &name)?);
    }
    Ok(found)
}
