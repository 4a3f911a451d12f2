//! Installing a plugin.

use jiff::Timestamp;
use longshore_job::config::PluginIsolation;
use longshore_plugin::{Grants, PluginLimits, Plugins};
use semver::Version;

use crate::approval::{Wanted, decide};
use crate::difference::Difference;
use crate::error::{NotApproved, OtherSigner, RegistryError};
use crate::fetch::Fetched;
use crate::layout::{Locked, Registry, digest};
use crate::limits::{Limit, Limits};
use crate::record::{Approver, FORMAT, Record};
use crate::signature::Trust;

/// What the operator says about a plugin that is to be installed.
#[derive(Debug, Clone)]
pub struct Install {
    /// What is granted.
    pub wanted: Wanted,
    /// What plugins may use that have no limits of their own.
    pub defaults: PluginLimits,
    /// Limits, beside those of the version before.
    pub limits: Vec<Limit>,
    /// What its tasks share; as in the version before, if left out.
    pub isolation: Option<PluginIsolation>,
    /// Whose signatures count.
    pub trust: Trust,
    /// Whether a version without a signature may follow one with a signature.
    pub allow_unsigned: bool,
    /// Who approves.
    pub approver: Approver,
    /// When.
    pub now: Timestamp,
}

/// A plugin that was installed.
#[derive(Debug)]
pub struct Done {
    /// Its record.
    pub record: Record,
    /// The version before, and what changed since.
    pub upgrade: Option<(String, Difference)>,
    /// Whether the very same was installed already, with the same terms.
    pub unchanged: bool,
}

impl Registry {
    /// Installs what was fetched.
    ///
    /// # Errors
    /// Everything that speaks against it; nothing is installed then.
    pub fn install(
        &self,
        plugins: &Plugins,
        fetched: &Fetched,
        install: &Install,
    ) -> Result<Done, RegistryError> {
        let source_name = &fetched.source;
        let signature = install
            .trust
            .check(&fetched.bytes, fetched.signature.as_deref())
            .map_err(|reason| RegistryError::Signature { source_name: source_name.clone(), reason })?;
        let inspected = plugins
            .inspect(&fetched.bytes, &Limits::default().with(&install.limits).over(install.defaults.clone()))
            .map_err(|error| RegistryError::NotUsable { source_name: source_name.clone(), error })?;
        let description = inspected.description;
        if Version::parse(&description.version).is_err() {
            let (source_name, version) = (source_name.clone(), description.version);
            return Err(RegistryError::Version { source_name, version });
        }
        let locked = self.lock()?;
        let same = self.installed(&description.name, &description.version)?;
        let sha256 = digest(&fetched.bytes);
        if let Some(same) = same.as_ref().filter(|same| same.sha256 != sha256) {
            return Err(RegistryError::Taken { plugin: same.full_name(), installed: same.sha256.clone() });
        }
        let before = match same {
            Some(same) => Some(same),
            None => self.newest(&description.name)?,
        };
        let record = Record {
            format: FORMAT,
            name: description.name,
            version: description.version,
            summary: description.summary,
            sha256,
            size: fetched.bytes.len() as u64,
            grants: Grants::default(),
            limits: before.as_ref().map(|before| before.limits).unwrap_or_default().with(&install.limits),
            isolation: install.isolation.or_else(|| before.as_ref().and_then(|before| before.isolation)),
            declared: inspected.needs,
            imports: inspected.imports.into_iter().map(|import| import.interface).collect(),
            parameters: description.parameters,
            approver: install.approver.clone(),
            installed_at: install.now,
            source: source_name.clone(),
            signature,
        };
        finish(&locked, record, &fetched.bytes, (before, install))
    }

    fn installed(&self, name: &str, version: &str) -> Result<Option<Record>, RegistryError> {
        let entries = self.entries()?;
        let found = entries.into_iter().find(|entry| entry.name == name && entry.version == version);
        found.map(|entry| entry.record).transpose()
    }
}

/// Decides about the grants and writes the record.
fn finish(
    locked: &Locked<'_>,
    mut record: Record,
    component: &[u8],
    (before, install): (Option<Record>, &Install),
) -> Result<Done, RegistryError> {
    let same = before.as_ref().filter(|before| before.version == record.version);
    if let (Some(same), None) = (same, &record.signature) {
        // It is one of these bytes, whether it came along again or not.
        record.signature = same.signature.clone();
    }
    if let Some(before) = &before {
        require_same_signer(before, &record, install)?;
    }
    let upgrade = before
        .as_ref()
        .filter(|before| before.version != record.version)
        .map(|before| (before.full_name(), Difference::between(before, &record)));
    record.grants = match decide(&record.declared, &install.wanted, before.as_ref()) {
        Ok(grants) => grants,
        Err(missing) => {
            let (plugin, sha256) = (record.full_name(), record.sha256);
            let declared = record.declared;
            let refusal = NotApproved { plugin, sha256, declared, missing, upgrade };
            return Err(RegistryError::NotApproved(Box::new(refusal)));
        }
    };
    if let Some(same) = same
        && (&same.grants, same.limits, same.isolation, &same.signature)
            == (&record.grants, record.limits, record.isolation, &record.signature)
    {
        return Ok(Done { record: same.clone(), upgrade, unchanged: true });
    }
    locked.put(&record, component)?;
    Ok(Done { record, upgrade, unchanged: false })
}

/// What follows a signed version must be signed by the same key, unless the operator says otherwise: an upgrade inherits.
fn require_same_signer(before: &Record, record: &Record, install: &Install) -> Result<(), RegistryError> {
    let Some(old) = &before.signature else { return Ok(()) };
    let accepted = match &record.signature {
        None => install.allow_unsigned,
        Some(new) => new.key == old.key || install.trust.is_named(),
    };
    if accepted {
        return Ok(());
    }
    Err(RegistryError::OtherSigner(Box::new(OtherSigner {
        plugin: record.full_name(),
        sha256: record.sha256.clone(),
        before: before.full_name(),
        signer: old.signer(),
        now: record.signature.clone(),
    })))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A record of a plugin that may do nothing.
    pub(crate) fn record(name: &str, version: &str) -> Record {
        Record {
            format: FORMAT,
            name: name.into(),
            version: version.into(),
            summary: "Does it.".into(),
            sha256: digest(format!("{name}@{version}").as_bytes()),
            size: format!("{name}@{version}").len() as u64,
            grants: Grants::default(),
            limits: Limits::default(),
            isolation: None,
            declared: Grants::default(),
            imports: Vec::new(),
            parameters: serde_json::json!({}),
            approver: Approver { name: Some("ann".into()), uid: Some(1000) },
            installed_at: "2026-11-29T12:00:00Z".parse().unwrap(),
            source: "/redact.wasm".into(),
            signature: None,
        }
    }
}
