//! Python and JavaScript: a tool packs the sources, with the engine of the language, into a component.

use std::path::Path;
use std::process::Command;

use crate::error::AuthorError;

/// A tool that packs a project.
pub(super) struct Packer {
    tool: &'static str,
    /// Where a project has it.
    installed: &'static str,
    purpose: &'static str,
    remedy: &'static str,
    arguments: &'static [&'static str],
    /// The option for where the component is to be, and what comes after it.
    output: &'static str,
    source: &'static str,
}

/// Without WASI: an operation has no clock, files or network.
pub(super) const PYTHON: Packer = Packer {
    tool: "componentize-py",
    installed: ".venv/bin",
    purpose: "packs operations in Python",
    remedy: "run 'python3 -m venv .venv' and '.venv/bin/pip install --requirement requirements.txt' in the project",
    arguments: &[
        "--quiet",
        "--wit-path",
        "longshore-sdk/wit",
        "--world",
        "operation",
        "componentize",
        "--stub-wasi",
        "--python-path",
        ".",
        "--python-path",
        "longshore-sdk",
    ],
    output: "--output",
    source: "plugin",
};

/// Likewise.
pub(super) const JAVASCRIPT: Packer = Packer {
    tool: "componentize-js",
    installed: "node_modules/.bin",
    purpose: "packs operations in JavaScript",
    remedy: "run 'npm install' in the project",
    arguments: &[
        "--wit",
        "longshore-sdk/wit",
        "--world-name",
        "operation",
        "--disable",
        "stdio",
        "random",
        "clocks",
        "http",
        "fetch-event",
    ],
    output: "--out",
    source: "component.js",
};

impl Packer {
    pub(super) fn build(&self, directory: &Path) -> Result<Vec<u8>, AuthorError> {
        let tool = directory.join(self.installed).join(self.tool);
        if !tool.exists() {
            return Err(AuthorError::Missing {
                tool: self.tool,
                purpose: self.purpose,
                remedy: self.remedy.to_owned(),
            });
        }
        let scratch =
            tempfile::tempdir().map_err(AuthorError::io("make a folder in", &std::env::temp_dir()))?;
        let output = scratch.path().join("plugin.wasm");
        let mut command = Command::new(tool);
        command.current_dir(directory).args(self.arguments).arg(self.output).arg(&output).arg(self.source);
        super::run(&mut command)?;
        std::fs::read(&output).map_err(AuthorError::io("read", &output))
    }
}
