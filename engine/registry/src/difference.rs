//! What a version of a plugin can do that another cannot.

use longshore_plugin::Grants;
use serde::Serialize;

use crate::record::{Record, RecordedSignature};
use crate::schema;

/// What a new version has that the one before had not, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it declares beyond the version before.
    pub added: Grants,
    /// What the version before declared beyond it.
    pub removed: Grants,
    /// Interfaces that it imports anew.
    pub added_imports: Vec<String>,
    /// Interfaces that it imports no more.
    pub removed_imports: Vec<String>,
    /// How its parameters changed so that what fitted before may not fit any more.
    pub parameters: Vec<String>,
    /// Who signed them, if that is not the same key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signers: Option<Signers>,
}

/// Who signed two versions; nobody, if left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signers {
    /// The version before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

impl Signers {
    /// Nothing if the same key signed both, whatever its name is.
    fn between(old: Option<&RecordedSignature>, new: Option<&RecordedSignature>) -> Option<Self> {
        let key = |signature: Option<&RecordedSignature>| signature.map(|signed| signed.key.clone());
        let differ = key(old) != key(new);
        let signer = |signature: Option<&RecordedSignature>| signature.map(RecordedSignature::signer);
        differ.then(|| Self { before: signer(old), now: signer(new) })
    }
}

impl Difference {
    /// From `old` to `new`.
    pub fn between(old: &Record, new: &Record) -> Self {
        let only = |these: &[String], others: &[String]| {
            these.iter().filter(|name| !others.contains(name)).cloned().collect()
        };
        Self {
            added: old.declared.beyond(&new.declared),
            removed: new.declared.beyond(&old.declared),
            added_imports: only(&new.imports, &old.imports),
            removed_imports: only(&old.imports, &new.imports),
            parameters: schema::changes(&old.parameters, &new.parameters),
            signers: Signers::between(old.signature.as_ref(), new.signature.as_ref()),
        }
    }

    /// For people; nothing if nothing changed.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |sign: char, what: &str, names: Vec<&str>| {
            lines.extend(names.iter().map(|name| format!("{sign} {what} {name}")));
        };
        let texts = |grants: &Grants| -> Vec<String> {
            grants.iter().map(|grant| grant.as_str().to_owned()).collect()
        };
        say('+', "may", texts(&self.added).iter().map(String::as_str).collect());
        say('-', "may", texts(&self.removed).iter().map(String::as_str).collect());
        say('+', "imports", self.added_imports.iter().map(String::as_str).collect());
        say('-', "imports", self.removed_imports.iter().map(String::as_str).collect());
        let signers = self.signers.iter();
        let (now, before): (Vec<_>, Vec<_>) =
            signers.map(|signers| (signers.now.as_deref(), signers.before.as_deref())).unzip();
        say('+', "signed by", now.into_iter().flatten().collect());
        say('-', "signed by", before.into_iter().flatten().collect());
        say('!', "parameter", self.parameters.iter().map(String::as_str).collect());
        lines
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::install::tests::record;

    #[test]
    fn what_is_new() {
        let old = Record {
            declared: Grants::parse(["s3:GetObject", "s3:PutObjectTagging"]).unwrap(),
            imports: vec!["longshore:operation/s3@0.1.0".into()],
            ..record("redact", "1.0.0")
        };
        let new = Record {
            declared: Grants::parse(["s3:GetObject", "s3:PutObject", "wasi"]).unwrap(),
            imports: vec!["longshore:operation/s3@0.1.0".into(), "wasi:cli/environment@0.2.0".into()],
            parameters: json!({"required": ["column"]}),
            ..record("redact", "1.1.0")
        };
        let lines = Difference::between(&old, &new).lines();
        assert_eq!(
            lines,
            [
                "+ may s3:PutObject",
                "+ may wasi",
                "- may s3:PutObjectTagging",
                "+ imports wasi:cli/environment@0.2.0",
                "! parameter column is needed now",
            ]
        );
        assert_eq!(Difference::between(&new, &new).lines(), Vec::<String>::new());
    }

    #[test]
    fn who_signed() {
        let signed = |version: &str, by: Option<(&str, Option<&str>)>| Record {
            signature: by.map(|(key, name)| RecordedSignature {
                key: key.into(),
                name: name.map(str::to_owned),
                comment: version.into(),
                text: version.into(),
            }),
            ..record("redact", version)
        };
        let lines = |old, new| Difference::between(&signed("1.0.0", old), &signed("1.1.0", new)).lines();
        let (team, renamed, other) =
            (Some(("RWa", Some("team"))), Some(("RWa", Some("us"))), Some(("RWb", None)));
        assert_eq!(lines(team, renamed), Vec::<String>::new(), "a key is the same under another name");
        assert_eq!(lines(team, other), ["+ signed by RWb", "- signed by team (RWa)"]);
        assert_eq!(lines(team, None), ["- signed by team (RWa)"]);
        assert_eq!(lines(None, other), ["+ signed by RWb"]);
    }
}
