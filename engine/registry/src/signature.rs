//! Signatures in the form of minisign.

use std::collections::BTreeMap;

use minisign_verify::{Error, PublicKey, Signature};

use crate::record::RecordedSignature;

/// What the public keys that a command line gives begin with.
const KEY: &str = "RW";

/// Public keys, by the names of the engine configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys(BTreeMap<String, String>);

/// Whose signatures count, and whether there must be one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    keys: Vec<(Option<String>, String)>,
    /// Whether the operator named the key for this plugin, rather than pinned it for all.
    named: bool,
    /// Whether a plugin without a signature is refused.
    pub required: bool,
}

impl Keys {
    /// Those of the engine configuration.
    pub fn new(keys: BTreeMap<String, String>) -> Self {
        Self(keys)
    }

    /// Whose signatures count: of the key that was asked for by its name or as it is, which must then have signed; else of any.
    ///
    /// # Errors
    /// If there is no key of that name, or it is none.
    pub fn trust(&self, asked: Option<&str>, required: bool) -> Result<Trust, String> {
        let Some(asked) = asked else {
            let keys = self.0.iter().map(|(name, key)| (Some(name.clone()), key.clone())).collect();
            return Ok(Trust { keys, named: false, required });
        };
        let key = match self.0.get(asked) {
            Some(key) => (Some(asked.to_owned()), key.clone()),
            None if asked.starts_with(KEY) && PublicKey::from_base64(asked).is_ok() => {
                let known = self.0.iter().find(|(_, key)| *key == asked);
                if known.is_none() && required {
                    return Err("require-signature is set, and this key is none of [plugins] keys".to_owned());
                }
                (known.map(|(name, _)| name.clone()), asked.to_owned())
            }
            None => {
                let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(format!(
                    "neither the name of a key under [plugins] keys (there are: {known}) nor a public key of \
                     minisign (RW…)"
                ));
            }
        };
        Ok(Trust { keys: vec![key], named: true, required: true })
    }

    /// Whether it is still one of them.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.0.values().any(|known| known == key)
    }
}

impl Trust {
    /// Whether a signature would be looked at.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether the operator named the key that must have signed.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// Checks a signature of `bytes`, if there is one.
    ///
    /// # Errors
    /// If there is none and must be, or it is not good.
    pub(crate) fn check(
        &self,
        bytes: &[u8],
        signature: Option<&str>,
    ) -> Result<Option<RecordedSignature>, String> {
        let names: Vec<&str> =
            self.keys.iter().map(|(name, key)| name.as_ref().unwrap_or(key).as_str()).collect();
        let names = names.join(", ");
        let Some(text) = signature else {
            if !self.required {
                return Ok(None);
            }
            return Err(if names.is_empty() {
                "a signature is required ([plugins] require-signature), and no key is pinned that could have made \
                 one: add it under [plugins] keys"
                    .to_owned()
            } else {
                format!(
                    "a signature of {names} is required, and there is none: put it beside the file, its name with .minisig added, or name it with --signature"
                )
            });
        };
        if self.keys.is_empty() {
            return if self.required {
                Err("a signature is required, and no key is pinned to check it with: add it under [plugins] keys, or give --key".to_owned())
            } else {
                Ok(None)
            };
        }
        for (name, key) in &self.keys {
            match verify(key, bytes, text) {
                Ok(comment) => {
                    let (key, text) = (key.clone(), text.to_owned());
                    return Ok(Some(RecordedSignature { key, name: name.clone(), comment, text }));
                }
                Err(Error::UnexpectedKeyId) => {}
                Err(error) => {
                    let of = name.as_ref().unwrap_or(key);
                    return Err(format!(
                        "the signature, which should be of {of}, is not good: {}",
                        why(&error)
                    ));
                }
            }
        }
        Err(format!("the signature is of a key that is not trusted here; trusted: {names}"))
    }
}

/// Checks a signature again. The answer is what was signed beside the bytes.
pub(crate) fn verify(key: &str, bytes: &[u8], signature: &str) -> Result<String, Error> {
    let signature = Signature::decode(signature)?;
    PublicKey::from_base64(key)?.verify(bytes, &signature, false)?;
    Ok(signature.trusted_comment().to_owned())
}

/// For people.
pub(crate) fn why(error: &Error) -> String {
    match error {
        Error::InvalidSignature => "the file or the signature was changed".to_owned(),
        Error::InvalidEncoding => "it is not in the form that minisign writes".to_owned(),
        Error::UnexpectedAlgorithm => {
            "it is of minisign's legacy form; sign with a version of 2021 or newer".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of minisign's own tests: a key, and what it signed beside `test`.
    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==";
    const LEGACY: &str = "untrusted comment: signature from minisign secret key
RWQf6LRCGA9i59SLOFxz6NxvASXDJeRtuZykwQepbDEGt87ig1BNpWaVWuNrm73YiIiJbq71Wi+dP9eKL8OC351vwIasSSbXxwA=
trusted comment: timestamp:1555779966\tfile:test
QtKMXWyYcwdpZAlPF7tE2ENJkRd1ujvKjlj1m9RtHTBnZPa5WKU5uWRs5GoP5M/VqE81QFuMKI5k/SfNQUaOAA==";

    /// Another key: one bit of the key's number is different.
    const OTHER: &str = "RWQe6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn keys(key: &str) -> Keys {
        Keys::new([("team".to_owned(), key.to_owned())].into())
    }

    #[test]
    fn signatures_that_count_and_others() {
        let trust = keys(KEY).trust(None, false).unwrap();
        let good = trust.check(b"test", Some(SIGNATURE)).unwrap().unwrap();
        assert_eq!(
            (good.name.as_deref(), good.comment.as_str()),
            (Some("team"), "timestamp:1556193335\tfile:test")
        );
        assert_eq!(verify(&good.key, b"test", &good.text).unwrap(), good.comment);
        assert_eq!(trust.check(b"test", None).unwrap(), None);
        let required = keys(KEY).trust(Some("team"), false).unwrap();
        let none = Keys::default().trust(None, true).unwrap();
        let commented = SIGNATURE.replace("file:test", "file:tess");
        for (refused, words) in [
            (
                trust.check(b"Test", Some(SIGNATURE)),
                "of team, is not good: the file or the signature was changed",
            ),
            (trust.check(b"test", Some(&commented)), "the file or the signature was changed"),
            (trust.check(b"test", Some(LEGACY)), "legacy form"),
            (trust.check(b"test", Some("nonsense")), "not in the form that minisign writes"),
            (
                keys(OTHER).trust(None, false).unwrap().check(b"test", Some(SIGNATURE)),
                "not trusted here; trusted: team",
            ),
            (required.check(b"test", None), "a signature of team is required, and there is none"),
            (none.check(b"test", None), "no key is pinned"),
            (none.check(b"test", Some(SIGNATURE)), "no key is pinned to check it with"),
        ] {
            let refused = refused.unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }

    #[test]
    fn keys_by_name_or_as_they_are() {
        let keys = keys(KEY);
        assert_eq!(keys.trust(Some(KEY), false), keys.trust(Some("team"), true));
        assert!(keys.trust(Some(OTHER), false).unwrap().required);
        assert!(keys.trust(Some(OTHER), true).unwrap_err().contains("none of [plugins] keys"));
        assert!(keys.trust(Some("nobody"), false).unwrap_err().contains("there are: team"));
        assert!(keys.trust(Some("RWshort"), false).is_err());
    }
}
