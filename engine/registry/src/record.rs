//! What is kept about an installed plugin.

use jiff::Timestamp;
use longshore_job::config::PluginIsolation;
use longshore_plugin::{Grants, Isolation, Terms};
use serde::{Deserialize, Serialize};

use crate::limits::Limits;

/// The form of records that this engine reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// An installed plugin: what it is, where it came from, and what it was granted by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Record {
    /// The form of this record.
    pub format: u32,
    /// As it calls itself.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// What it does, in its own words.
    pub summary: String,
    /// SHA-256 of its component, lower-case hex.
    pub sha256: String,
    /// Size of its component in bytes.
    pub size: u64,
    /// What it may do at most.
    pub grants: Grants,
    /// What its operator set of its limits.
    pub limits: Limits,
    /// What its tasks share, if its operator set it; else as the engine has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<PluginIsolation>,
    /// What it says it may do.
    pub declared: Grants,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
    /// JSON Schema of its parameters.
    pub parameters: serde_json::Value,
    /// Who granted this.
    pub approver: Approver,
    /// When.
    pub installed_at: Timestamp,
    /// Where the component came from: a path, a URL without its query, or an OCI reference with the digest of its manifest.
    pub source: String,
    /// The signature that was checked, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<RecordedSignature>,
}

/// Who installed a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Approver {
    /// The name that the command line or else the environment gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The user under whom the command ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
}

/// A signature that was good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RecordedSignature {
    /// The public key.
    pub key: String,
    /// Its name in the engine configuration, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the signer signed beside the component.
    pub comment: String,
    /// The signature, as it came.
    pub text: String,
}

impl Record {
    /// `name@version`.
    pub fn full_name(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The terms under which it runs for a job that has `submitted` at most: what is granted both now and when the job was
    /// submitted. What nobody set for it, `engine` says.
    pub fn terms(&self, submitted: &Grants, engine: Terms) -> Terms {
        Terms {
            grants: common(&self.grants, submitted),
            limits: self.limits.over(engine.limits),
            isolation: match self.isolation {
                Some(PluginIsolation::Fresh) => Isolation::Fresh,
                Some(PluginIsolation::Reuse) => Isolation::Reuse,
                None => engine.isolation,
            },
        }
    }
}

impl RecordedSignature {
    /// Whose it is, for people: the key, behind its name if it has one.
    pub(crate) fn signer(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.key),
            None => self.key.clone(),
        }
    }
}

impl std::fmt::Display for Approver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.name, self.uid) {
            (Some(name), Some(uid)) => write!(f, "{name} (uid {uid})"),
            (Some(name), None) => f.write_str(name),
            (None, Some(uid)) => write!(f, "uid {uid}"),
            (None, None) => f.write_str("unknown"),
        }
    }
}

/// What both grant. Of two patterns that overlap without one including the other, nothing: rather too little.
pub(crate) fn common(one: &Grants, other: &Grants) -> Grants {
    let of = |these: &Grants, within: &Grants| {
        let inside = these.iter().filter(|grant| {
            let alone: Grants = std::iter::once((*grant).clone()).collect();
            alone.is_subset_of(within)
        });
        inside.cloned().collect::<Vec<_>>()
    };
    of(one, other).into_iter().chain(of(other, one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Grants {
        Grants::parse(texts).unwrap()
    }

    #[test]
    fn what_two_have_in_common() {
        let both = |one: &[&str], other: &[&str]| common(&grants(one), &grants(other)).to_string();
        assert_eq!(both(&["s3:Get*", "wasi"], &["s3:GetObject", "s3:PutObject"]), "s3:GetObject");
        assert_eq!(both(&["s3:GetObject"], &["s3:*"]), "s3:GetObject");
        assert_eq!(both(&["s3:Get*"], &["s3:*Object"]), "nothing");
        assert_eq!(both(&["wasi"], &["wasi", "s3:*"]), "wasi");
    }
}
