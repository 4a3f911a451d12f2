//! What can go wrong with installed plugins.

use std::fmt;
use std::path::{Path, PathBuf};

use longshore_plugin::{Grants, PluginError};

use crate::difference::Difference;
use crate::record::RecordedSignature;

/// What can go wrong with installed plugins.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file below `plugins/` could not be used.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has been changing the installed plugins for too long.
    #[error("{}: another process installs or removes plugins and has not ended for {seconds} s; try again", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// A record is not one.
    #[error("{}: this is no record of an installed plugin: {reason}; remove the file and install the plugin again", path.display())]
    BadRecord {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No such plugin is installed.
    #[error("{0}")]
    NotInstalled(String),
    /// A component is not what was installed.
    #[error("{plugin}: {}: the component is not the one that was installed: its SHA-256 is {found}; remove the plugin and install it again", path.display())]
    Tampered {
        /// `name@version`.
        plugin: String,
        /// The component.
        path: PathBuf,
        /// What its SHA-256 is.
        found: String,
    },
    /// The file cannot be had from where it should come.
    #[error("{source_name}: {reason}")]
    NotFetched {
        /// Where it should come from.
        source_name: String,
        /// What went wrong.
        reason: String,
    },
    /// The file is not the one that was asked for.
    #[error(
        "{source_name}: the SHA-256 is {found}, --sha256 says {expected}: this is another file than the one you mean"
    )]
    OtherFile {
        /// Where it came from.
        source_name: String,
        /// What `--sha256` says.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The file is no plugin that can run.
    #[error("{source_name}: {error}")]
    NotUsable {
        /// Where it came from.
        source_name: String,
        /// Why.
        error: PluginError,
    },
    /// The plugin's version is not a semantic one.
    #[error(
        "{source_name}: the plugin calls its version {version:?}, which is no semantic version, so that nobody can tell which is newer; build it with one such as 1.0.0"
    )]
    Version {
        /// Where it came from.
        source_name: String,
        /// What it says.
        version: String,
    },
    /// There is no signature that counts.
    #[error("{source_name}: {reason}")]
    Signature {
        /// What should be signed.
        source_name: String,
        /// Why it does not count.
        reason: String,
    },
    /// That name and version are taken.
    #[error(
        "{plugin} is installed already, with another component (sha256:{installed}); a version never changes. Build the new one with a new version, or remove the old one first: longshore plugin remove {plugin}"
    )]
    Taken {
        /// `name@version`.
        plugin: String,
        /// The SHA-256 of the installed component.
        installed: String,
    },
    /// Somebody must approve what the plugin may do.
    #[error(transparent)]
    NotApproved(Box<NotApproved>),
    /// Somebody must accept that another key, or none, signed an upgrade.
    #[error(transparent)]
    OtherSigner(Box<OtherSigner>),
}

/// An upgrade that is not signed by the key that signed the version before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct OtherSigner {
    /// `name@version`.
    pub plugin: String,
    /// SHA-256 of its component: what is accepted is this one.
    pub sha256: String,
    /// The version before.
    pub before: String,
    /// Who signed that.
    pub signer: String,
    /// The signature of the new one.
    pub now: Option<RecordedSignature>,
}

impl fmt::Display for OtherSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, sha256, before, signer, now } = self;
        let Some(now) = now else {
            return write!(
                f,
                "{plugin} has no signature of a key that is known here, and {before} is signed by {signer}: it need not \
                 be by who made that one, whose grants it would take over. Put its signature beside it, its name with \
                 .minisig added; if there is one, name its key with --key; or accept this very file as it is with \
                 --allow-unsigned --sha256 {sha256}"
            );
        };
        write!(
            f,
            "{plugin} is signed by {}, and {before} by {signer}: it need not be by who made that one, whose grants it \
             would take over. Accept the other key with --key {} --sha256 {sha256}",
            now.signer(),
            now.name.as_ref().unwrap_or(&now.key)
        )
    }
}

/// A plugin that wants to do what nobody granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct NotApproved {
    /// `name@version`.
    pub plugin: String,
    /// SHA-256 of its component: what is approved is this one.
    pub sha256: String,
    /// What it declares.
    pub declared: Grants,
    /// What of that is not granted.
    pub missing: Grants,
    /// What is new since the version before, if there is one.
    pub upgrade: Option<(String, Difference)>,
}

impl fmt::Display for NotApproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, declared, missing, .. } = self;
        match &self.upgrade {
            None => write!(f, "{plugin} wants to be allowed {declared}; not granted yet: {missing}"),
            Some((before, difference)) => {
                write!(f, "{plugin} wants to be allowed more than {before}: {missing}")?;
                difference.lines().iter().try_for_each(|line| write!(f, "\n  {line}"))
            }
        }
    }
}

impl RegistryError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }

    pub(crate) fn not_fetched(source_name: &str, reason: impl Into<String>) -> Self {
        Self::NotFetched { source_name: source_name.to_owned(), reason: reason.into() }
    }
}
