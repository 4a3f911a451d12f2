//! What a plugin may do at most.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use longshore_policy::ActionPattern;
use longshore_store::{Mandate, StoreError};
use serde::{Deserialize, Serialize};

use crate::codes;

/// The word that grants the empty WASI world.
const WASI: &str = "wasi";

/// Actions that calls of the interface `endpoints` need: which of them, the endpoint decides.
const INVOKE: [&str; 2] = ["lambda:InvokeFunction", "longshore:InvokeEndpoint"];

/// Permission of one kind: IAM actions by a pattern (`s3:GetObject`, `s3:Get*`), or the word `wasi`.
#[derive(Debug, Clone)]
pub struct Grant(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Actions(ActionPattern),
    Wasi,
}

/// Why a text is no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; a grant is an action (\"s3:GetObject\", \"s3:Get*\", \"lambda:InvokeFunction\") or the word \"wasi\""
)]
pub struct GrantError(String);

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        if text == WASI {
            return Ok(Self(Kind::Wasi));
        }
        ActionPattern::parse(text).map(|pattern| Self(Kind::Actions(pattern))).map_err(GrantError)
    }
}

impl Grant {
    /// The word `wasi`.
    pub fn wasi() -> Self {
        Self(Kind::Wasi)
    }

    /// The grant as it was written.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kind::Actions(pattern) => pattern.as_str(),
            Kind::Wasi => WASI,
        }
    }

    fn allows(&self, action: &str) -> bool {
        match &self.0 {
            Kind::Actions(pattern) => pattern.matches(action),
            Kind::Wasi => false,
        }
    }

    fn includes(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Actions(pattern), Kind::Actions(other)) => pattern.includes(other),
            (Kind::Wasi, Kind::Wasi) => true,
            _ => false,
        }
    }
}

/// What a plugin may do at most, whatever the role's policies allow: patterns of IAM actions, and whether the empty WASI
/// world is linked.
///
/// An action on an object covers the same action on one of its versions (`s3:GetObject` covers `s3:GetObjectVersion`), as a
/// manifest may name versions without the operation knowing. The exception is `s3:DeleteObjectVersion`: it deletes for good
/// what `s3:DeleteObject` only hides, so it is granted by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Grants(BTreeMap<String, Grant>);

impl Grants {
    /// Reads grants.
    ///
    /// # Errors
    /// Every text that is none.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, Vec<GrantError>> {
        let (mut grants, mut errors) = (Vec::new(), Vec::new());
        for text in texts {
            match text.as_ref().parse() {
                Ok(grant) => grants.push(grant),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(grants.into_iter().collect()) } else { Err(errors) }
    }

    /// Whether `action` is granted.
    pub fn allows(&self, action: &str) -> bool {
        let listed = |action: &str| self.iter().any(|grant| grant.allows(action));
        listed(action) || plain_form(action).is_some_and(|plain| listed(&plain))
    }

    /// Whether the empty WASI world is granted.
    pub fn wasi(&self) -> bool {
        self.iter().any(|grant| matches!(grant.0, Kind::Wasi))
    }

    /// What `wanted` has beyond these.
    #[must_use]
    pub fn beyond(&self, wanted: &Self) -> Self {
        wanted.iter().filter(|grant| !self.includes(grant)).cloned().collect()
    }

    /// Whether `other` grants all of these.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        other.beyond(self).is_empty()
    }

    fn includes(&self, wanted: &Grant) -> bool {
        let plain = plain_form(wanted.as_str()).and_then(|plain| plain.parse::<Grant>().ok());
        let listed = |wanted: &Grant| self.iter().any(|grant| grant.includes(wanted));
        listed(wanted) || plain.as_ref().is_some_and(listed)
    }

    /// In the order of their texts.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.values()
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some request to a store can be granted.
    pub(crate) fn reaches_stores(&self) -> bool {
        let about_s3 = |grant: &Grant| grant.as_str() == "*" || folded(grant.as_str()).starts_with("s3:");
        self.iter().any(about_s3)
    }

    /// Whether some call of an endpoint can be granted.
    pub(crate) fn reaches_endpoints(&self) -> bool {
        INVOKE.iter().any(|action| self.allows(action))
    }
}

fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The action on the object, for one on a version of it that it covers: see [`Grants`].
fn plain_form(action: &str) -> Option<String> {
    let folded = folded(action);
    if folded == "s3:deleteobjectversion" || !folded.starts_with("s3:") || folded.contains(['*', '?']) {
        return None;
    }
    folded.contains("objectversion").then(|| folded.replace("objectversion", "object"))
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        Self(grants.into_iter().map(|grant| (folded(grant.as_str()), grant)).collect())
    }
}

impl PartialEq for Grants {
    fn eq(&self, other: &Self) -> bool {
        self.0.keys().eq(other.0.keys())
    }
}

impl Eq for Grants {}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (place, grant) in self.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{}", grant.as_str())?;
        }
        Ok(())
    }
}

impl TryFrom<Vec<String>> for Grants {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        Self::parse(texts)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

impl From<Grants> for Vec<String> {
    fn from(grants: Grants) -> Self {
        grants.iter().map(|grant| grant.as_str().to_owned()).collect()
    }
}

/// The grants of one operation, before the policies at each of its requests.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) operation: Arc<str>,
    pub(crate) grants: Grants,
}

impl Mandate for Granted {
    fn covers(&self, action: &str) -> Result<(), StoreError> {
        if self.grants.allows(action) {
            return Ok(());
        }
        let Self { operation, grants } = self;
        let message = format!(
            "operation {operation} is not granted {action}; granted: {grants}. A plugin file has the actions that it \
             declares, an installed plugin what its operator granted"
        );
        Err(StoreError::new(codes::NOT_GRANTED, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(texts: &[&str]) -> Grants {
        Grants::parse(texts).unwrap()
    }

    #[test]
    fn versions_are_covered_but_for_their_deletion() {
        let all = grants(&["s3:GetObject", "s3:PutObjectTagging", "s3:DeleteObject"]);
        for action in ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObjectVersionTagging", "s3:DeleteObject"]
        {
            assert!(all.allows(action), "{action}");
        }
        for action in
            ["s3:DeleteObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionAcl", "s3:PutObject"]
        {
            assert!(!all.allows(action), "{action}");
        }
        assert!(!grants(&["s3:GetObjectVersion"]).allows("s3:GetObject"));
        assert!(grants(&["s3:Delete*"]).allows("s3:DeleteObjectVersion"));
        assert!(!grants(&["wasi"]).allows("wasi"));
    }

    #[test]
    fn what_is_wanted_beyond() {
        let granted = grants(&["s3:Get*", "S3:PutObjectTagging"]);
        let wanted = grants(&["s3:GetObject", "s3:PutObjectVersionTagging", "s3:PutObject", "wasi", "s3:*"]);
        assert_eq!(granted.beyond(&wanted).to_string(), "s3:*, s3:PutObject, wasi");
        assert!(grants(&["s3:GetObjectVersion"]).is_subset_of(&grants(&["s3:GetObject"])));
        assert!(grants(&["wasi"]).is_subset_of(&grants(&["wasi"])));
        assert!(!grants(&["s3:DeleteObjectVersion"]).is_subset_of(&grants(&["s3:DeleteObject"])));
        assert!(Grants::default().is_subset_of(&Grants::default()));
        assert_eq!(Grants::default().to_string(), "nothing");
    }

    #[test]
    fn every_text_that_is_no_grant_is_named() {
        let errors = Grants::parse(["s3:GetObject", "read", "s3:\u{1b}[31m"]).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(errors[0].to_string().starts_with("the action \"read\" has no service prefix; a grant is"));
    }

    #[test]
    fn they_are_written_as_a_list_of_texts() {
        let json = r#"["s3:GetObject","wasi"]"#;
        let read: Grants = serde_json::from_str(json).unwrap();
        assert!(read.wasi() && read.allows("s3:GetObject"));
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert!(serde_json::from_str::<Grants>(r#"["Get"]"#).is_err());
    }

    #[test]
    fn what_they_reach() {
        let reach = |texts: &[&str]| (grants(texts).reaches_stores(), grants(texts).reaches_endpoints());
        assert_eq!(reach(&["*"]), (true, true));
        assert_eq!(reach(&["S3:GetObject"]), (true, false));
        assert_eq!(reach(&["lambda:Invoke*"]), (false, true));
        assert_eq!(reach(&["longshore:InvokeEndpoint"]), (false, true));
        assert_eq!(reach(&["wasi"]), (false, false));
    }
}
