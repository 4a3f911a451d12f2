//! How a job file names a plugin: by the path of its file, or an installed one by name, version or digest.

use std::fmt;

/// What installed plugins are named by their digest with.
const DIGEST: &str = "sha256:";

/// Digits of a SHA-256.
const DIGEST_DIGITS: usize = 64;

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Longest version, in bytes.
const MAX_VERSION_BYTES: usize = 128;

/// A plugin as a job file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginReference<'a> {
    /// A file, by its path: what has a slash or ends in `.wasm`.
    Path(&'a str),
    /// One that is installed.
    Installed(InstalledName<'a>),
}

/// An installed plugin as a user names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstalledName<'a> {
    /// `name`: the newest version that is installed.
    Newest(&'a str),
    /// `name@version`.
    Version(&'a str, &'a str),
    /// `sha256:` and 64 lower-case hexadecimal digits; the digits are kept.
    Digest(&'a str),
}

/// Why a text names no plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
pub struct BadReference {
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl<'a> PluginReference<'a> {
    /// Reads what a job file says of its plugin.
    ///
    /// # Errors
    /// If it is neither a path nor what an installed plugin can be named by.
    pub fn parse(text: &'a str) -> Result<Self, BadReference> {
        if text.contains(['/', '\\']) || text.ends_with(".wasm") {
            return Ok(Self::Path(text));
        }
        InstalledName::parse(text).map(Self::Installed).map_err(|error| BadReference {
            help: format!("{}; for a file write its path: \"./{}\"", error.help, shown(text)),
            ..error
        })
    }
}

impl<'a> InstalledName<'a> {
    /// Reads `name`, `name@version` or `sha256:…`.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(text: &'a str) -> Result<Self, BadReference> {
        let bad = |message: String, help: &str| Err(BadReference { message, help: help.to_owned() });
        if let Some(digits) = text.strip_prefix(DIGEST) {
            return match digits.len() {
                _ if !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) => bad(
                    format!("{:?} is no digest", shown(text)),
                    "write sha256: and 64 lower-case hexadecimal digits",
                ),
                DIGEST_DIGITS => Ok(Self::Digest(digits)),
                length => bad(
                    format!("the digest has {length} digits, a SHA-256 has {DIGEST_DIGITS}"),
                    "write all of it: 'longshore plugin list' shows it",
                ),
            };
        }
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        if !is_name(name) {
            return bad(
                format!("{:?} is no name of a plugin", shown(name)),
                "names have lower-case letters, digits and hyphens: name, name@version, sha256:…",
            );
        }
        match version {
            None => Ok(Self::Newest(name)),
            Some(version) if is_version(version) => Ok(Self::Version(name, version)),
            Some(version) => {
                bad(format!("{:?} is no version", shown(version)), "write a semantic version: name@1.2.0")
            }
        }
    }
}

impl fmt::Display for InstalledName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest(name) => f.write_str(name),
            Self::Version(name, version) => write!(f, "{name}@{version}"),
            Self::Digest(digits) => write!(f, "{DIGEST}{digits}"),
        }
    }
}

/// As plugins may call themselves.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The letters of semantic versions: a version may be the name of a file, so that nothing else is let through.
fn is_version(text: &str) -> bool {
    text.len() <= MAX_VERSION_BYTES
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+'))
}

fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    crate::declare::pointer::shortened(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn installed(text: &str) -> PluginReference<'_> {
        PluginReference::Installed(InstalledName::parse(text).unwrap())
    }

    #[test]
    fn paths_names_and_digests() {
        let digest = "ab".repeat(32);
        let text = format!("sha256:{digest}");
        for (text, expected) in [
            ("plugins/redact.wasm", PluginReference::Path("plugins/redact.wasm")),
            ("redact.wasm", PluginReference::Path("redact.wasm")),
            ("./redact", PluginReference::Path("./redact")),
            ("redact@1.wasm", PluginReference::Path("redact@1.wasm")),
            ("/opt/redact@1.0.0", PluginReference::Path("/opt/redact@1.0.0")),
            ("redact", PluginReference::Installed(InstalledName::Newest("redact"))),
            ("redact@1.2.0", PluginReference::Installed(InstalledName::Version("redact", "1.2.0"))),
            ("a@1.0.0-rc.1+b2", PluginReference::Installed(InstalledName::Version("a", "1.0.0-rc.1+b2"))),
            (text.as_str(), PluginReference::Installed(InstalledName::Digest(&digest))),
        ] {
            assert_eq!(PluginReference::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_names_no_plugin() {
        for (text, words) in [
            ("Redact", "\"Redact\" is no name of a plugin"),
            ("", "is no name of a plugin"),
            ("redact@", "\"\" is no version"),
            ("redact@latest", "\"latest\" is no version; write a semantic version"),
            ("@1.0.0", "is no name of a plugin"),
            ("redact@1.0.0@2", "\"1.0.0@2\" is no version"),
            ("sha256:ab", "the digest has 2 digits, a SHA-256 has 64"),
            ("sha256:XY", "\"sha256:XY\" is no digest"),
        ] {
            let error = PluginReference::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
            assert!(error.contains(&format!("for a file write its path: \"./{text}\"")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_a_path_or_can_be_written_again(text in "\\PC{0,80}") {
            match PluginReference::parse(&text) {
                Ok(PluginReference::Path(path)) => prop_assert_eq!(path, &text),
                Ok(PluginReference::Installed(name)) => prop_assert_eq!(name.to_string(), text.clone()),
                Err(error) => prop_assert!(error.to_string().contains("; ")),
            }
        }

        #[test]
        fn names_and_versions_are_found(name in "[a-z0-9-]{1,64}", version in "[0-9]{1,3}(\\.[0-9a-zA-Z+-]{1,9}){0,4}") {
            prop_assume!(!version.ends_with(".wasm"));
            prop_assert_eq!(PluginReference::parse(&name), Ok(installed(&name)));
            let text = format!("{name}@{version}");
            let expected = InstalledName::Version(&name, &version);
            prop_assert_eq!(PluginReference::parse(&text), Ok(PluginReference::Installed(expected)));
        }

        /// What is kept of a name can be part of a file's name, and of no other place.
        #[test]
        fn no_name_leads_out_of_a_directory(text in "[a-z./\\\\@0-9-]{0,40}") {
            if let Ok(PluginReference::Installed(name)) = PluginReference::parse(&text) {
                let name = name.to_string();
                prop_assert!(!name.contains(['/', '\\']) && !name.starts_with('.'), "{name}");
            }
        }
    }
}
