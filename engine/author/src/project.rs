//! New projects.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::str::FromStr;

use crate::embedded::{JAVASCRIPT_SDK, LOCK, PYTHON_SDK, SDK, TEMPLATES, WORKSPACE};
use crate::error::AuthorError;
use crate::manifest;
use crate::name::Name;

/// Where a project has its copy of the SDK, which no registry has.
pub(crate) const SDK_DIRECTORY: &str = "longshore-sdk";

/// A language that operations are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// With the SDK, to a core module.
    Rust,
    /// With bindings made from the contract, to a core module.
    C,
    /// With the SDK, packed with CPython into a component.
    Python,
    /// With the SDK, packed with SpiderMonkey into a component.
    JavaScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::C, Self::Python, Self::JavaScript];

    /// Its name on the command line, and that of its folder of templates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Python => "python",
            Self::JavaScript => "javascript",
        }
    }

    /// Where a project has its operation.
    pub fn source(self, name: &Name) -> String {
        match self {
            Self::Rust => "src/lib.rs".to_owned(),
            Self::C => format!("{name}.c"),
            Self::Python => "plugin.py".to_owned(),
            Self::JavaScript => "plugin.js".to_owned(),
        }
    }

    /// The command that tests a project without WebAssembly, if it has one.
    pub fn native_tests(self) -> Option<&'static str> {
        match self {
            Self::Rust => Some("cargo test"),
            Self::C => None,
            Self::Python => Some(".venv/bin/python -m pytest"),
            Self::JavaScript => Some("npm test"),
        }
    }

    /// The file by which a project of the language is known.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::C => "longshore/operation.h",
            Self::Python => "plugin.py",
            Self::JavaScript => "plugin.js",
        }
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|language| language.name() == text)
            .ok_or_else(|| format!("there are templates in {}", known()))
    }
}

/// A file of a project: path from its folder, and content.
pub type File = (String, Vec<u8>);

/// The folder of templates that all languages share.
const COMMON: &str = "common";

/// The files of a new project.
///
/// # Errors
/// [`AuthorError::Template`].
pub fn files(name: &Name, language: Language) -> Result<Vec<File>, AuthorError> {
    let mut files = Vec::new();
    for folder in [COMMON, language.name()] {
        let own = TEMPLATES
            .iter()
            .filter_map(|(path, content)| Some((path.strip_prefix(folder)?.strip_prefix('/')?, content)));
        for (path, content) in own {
            // Under its own name it would hide files of this repository.
            let path = if path == "gitignore" { ".gitignore" } else { path };
            let content = match str::from_utf8(content) {
                Ok(text) => renamed(text, name).into_bytes(),
                // An object file.
                Err(_) => content.to_vec(),
            };
            files.push((renamed(path, name), content));
        }
    }
    match language {
        Language::Rust => with_sdk(files, name),
        Language::C => Ok(files),
        Language::Python => Ok(beside(files, PYTHON_SDK)),
        Language::JavaScript => Ok(beside(files, JAVASCRIPT_SDK)),
    }
}

/// The name in the place of the template's, in all its forms.
fn renamed(text: &str, name: &Name) -> String {
    text.replace("my-operation", name.as_str())
        .replace("my_operation", &name.snake())
        .replace("MyOperation", &name.camel())
}

/// A project with a copy of an SDK that needs no changes.
fn beside(mut files: Vec<File>, sdk: &[(&str, &[u8])]) -> Vec<File> {
    files.extend(sdk.iter().map(|(path, content)| (format!("{SDK_DIRECTORY}/{path}"), content.to_vec())));
    files
}

/// A crate that stands alone: versions are the workspace's, the SDK is in it.
fn with_sdk(mut files: Vec<File>, name: &Name) -> Result<Vec<File>, AuthorError> {
    for (path, content) in &mut files {
        if path == "Cargo.toml" {
            *content = standalone(content)?;
        }
    }
    for (path, content) in SDK {
        let content = if *path == "Cargo.toml" { standalone(content)? } else { content.to_vec() };
        files.push((format!("{SDK_DIRECTORY}/{path}"), content));
    }
    let lock = manifest::lock(LOCK, "longshore-sdk", name.as_str()).map_err(AuthorError::Template)?;
    files.push(("Cargo.lock".to_owned(), lock.into_bytes()));
    Ok(files)
}

fn standalone(manifest: &[u8]) -> Result<Vec<u8>, AuthorError> {
    let text = str::from_utf8(manifest).map_err(|error| AuthorError::Template(error.to_string()))?;
    manifest::standalone(text, WORKSPACE).map(String::into_bytes).map_err(AuthorError::Template)
}

/// Writes a project into a folder that is not there yet.
///
/// # Errors
/// [`AuthorError::Exists`], and then nothing is written; [`AuthorError::Io`].
pub fn write(directory: &Path, files: &[File]) -> Result<(), AuthorError> {
    if directory.symlink_metadata().is_ok() {
        return Err(AuthorError::Exists(directory.to_owned()));
    }
    for (name, content) in files {
        let path = directory.join(name);
        let parent = path.parent().unwrap_or(directory);
        std::fs::create_dir_all(parent).map_err(AuthorError::io("make the folder", parent))?;
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(content));
        written.map_err(AuthorError::io("write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(language: Language) -> Vec<File> {
        files(&"mark-large".parse().unwrap(), language).unwrap()
    }

    fn text<'f>(files: &'f [File], path: &str) -> &'f str {
        let (_, content) = files.iter().find(|(known, _)| known == path).unwrap();
        str::from_utf8(content).unwrap()
    }

    #[test]
    fn a_project_has_its_name_everywhere() {
        for language in Language::ALL {
            let files = project(language);
            let source = language.source(&"mark-large".parse().unwrap());
            assert!(text(&files, &source).contains("mark-large"), "{source}");
            assert!(files.iter().any(|(path, _)| path == language.mark()));
            let own = files.iter().filter(|(path, _)| !path.starts_with("longshore"));
            for (path, content) in own {
                let text = String::from_utf8_lossy(content).to_lowercase().replace(['-', '_'], "");
                assert!(!text.contains("myoperation") && !path.contains("my-operation"), "{path}");
            }
        }
    }

    #[test]
    fn the_manifest_of_a_crate_stands_alone() {
        insta::assert_snapshot!(text(&project(Language::Rust), "Cargo.toml"));
    }

    #[test]
    fn so_does_that_of_the_sdk() {
        let files = project(Language::Rust);
        assert!(!text(&files, "longshore-sdk/Cargo.toml").contains("workspace"));
        assert!(files.iter().any(|(path, _)| path == "longshore-sdk/wit/longshore.wit"));
    }

    /// As `scripts/c-bindings` notes it.
    #[test]
    fn bindings_for_c_are_made_from_the_contract_as_it_is() {
        let contract = include_bytes!("../../../sdk/wit/longshore.wit");
        let noted = text(&project(Language::C), "longshore/CONTRACT").to_owned();
        let made_from = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(contract));
        assert_eq!(noted.trim_end(), made_from, "run scripts/c-bindings");
    }

    #[test]
    fn nothing_is_overwritten() {
        let scratch = tempfile::tempdir().unwrap();
        let taken = scratch.path().join("taken");
        std::fs::write(&taken, "mine").unwrap();
        let files = [("a".to_owned(), b"text".to_vec())];
        assert!(matches!(write(&taken, &files), Err(AuthorError::Exists(_))));
        assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
        write(&scratch.path().join("new"), &files).unwrap();
        assert_eq!(std::fs::read_to_string(scratch.path().join("new/a")).unwrap(), "text");
    }
}
