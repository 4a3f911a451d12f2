//! `[plugins]`: whose signatures of plugins are trusted.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What tasks share on one slot of concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginIsolation {
    /// Nothing: each has an instance of its own.
    Fresh,
    /// An instance, with whatever the tasks before left in its memory.
    Reuse,
}

/// Whose signatures of plugins are trusted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PluginsSection {
    /// Public keys in the form of minisign, by the names that commands and messages use. Signatures of these count.
    #[schemars(
        extend("propertyNames" = {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "patternErrorMessage": "must be 1 to 64 letters, digits, \".\", \"_\" or \"-\", and begin with a letter or digit"}),
        extend("additionalProperties" = {"type": "string", "pattern": "^RW[A-Za-z0-9+/]{54}$", "patternErrorMessage": "must be the second line of a minisign.pub: RW and 54 more letters of base64"}),
        extend("examples" = [{"storage-team": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"}])
    )]
    keys: BTreeMap<String, String>,
    /// Install no plugin without a signature of one of these keys.
    require_signature: bool,
}

/// Whose signatures of plugins are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PluginsConfig {
    /// Public keys in the form of minisign, by name.
    pub keys: BTreeMap<String, String>,
    /// Whether a plugin without a signature of one of these is not installed.
    pub require_signature: bool,
}

impl From<PluginsSection> for PluginsConfig {
    fn from(section: PluginsSection) -> Self {
        Self { keys: section.keys, require_signature: section.require_signature }
    }
}

#[cfg(test)]
mod tests {
    use super::super::EngineConfig;
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn plugins(section: &str) -> Result<PluginsConfig, String> {
        let parsed = EngineConfig::parse(section, "longshore.toml", &|_| None);
        parsed.map(|config| config.plugins).map_err(|problems| problems.to_string())
    }

    #[test]
    fn keys_and_whether_one_must_have_signed() {
        assert_eq!(plugins("[plugins]").unwrap(), PluginsConfig::default());
        let found = plugins(&format!("[plugins]\nrequire-signature = true\nkeys = {{ team = \"{KEY}\" }}"));
        let keys = BTreeMap::from([("team".to_owned(), KEY.to_owned())]);
        assert_eq!(found.unwrap(), PluginsConfig { keys, require_signature: true });
    }

    #[test]
    fn what_is_no_key() {
        let told = plugins("[plugins]\nkeys = { team = \"RWshort\", \"a b\" = \"x\" }").unwrap_err();
        assert!(told.contains("must be the second line of a minisign.pub"), "{told}");
        assert!(told.contains("must be 1 to 64 letters"), "{told}");
    }
}
