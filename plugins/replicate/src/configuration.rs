//! Replication configurations, and which of their rules are for an object (Amazon S3 User Guide, "Replication configuration
//! file elements"). Pure.

use longshore_sdk::Tag;
use serde::Deserialize;

/// Rules that a failure names at most (count): a configuration has up to 1,000.
const MAX_REASONS: usize = 5;

/// What GetBucketReplication says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Configuration {
    #[serde(default)]
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Rule {
    #[serde(rename = "ID")]
    id: Option<String>,
    #[serde(default)]
    priority: i64,
    /// Of rules of the first version, which have no filter.
    prefix: Option<String>,
    filter: Option<Filter>,
    status: String,
    source_selection_criteria: Option<Criteria>,
    existing_object_replication: Option<Switch>,
    delete_marker_replication: Option<Switch>,
    destination: Destination,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    prefix: Option<String>,
    tag: Option<RuleTag>,
    and: Option<And>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct And {
    prefix: Option<String>,
    #[serde(default)]
    tags: Vec<RuleTag>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RuleTag {
    key: String,
    value: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Criteria {
    sse_kms_encrypted_objects: Option<Switch>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Switch {
    status: String,
}

impl Switch {
    fn is_on(&self) -> bool {
        self.status == "Enabled"
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    bucket: String,
    storage_class: Option<String>,
    access_control_translation: Option<Translation>,
    encryption_configuration: Option<Encryption>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Translation {
    owner: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encryption {
    #[serde(rename = "ReplicaKmsKeyID")]
    replica_kms_key_id: Option<String>,
}

/// What rules ask about an object.
pub(crate) struct Facts<'o> {
    pub(crate) key: &'o str,
    /// Its tags; empty where no rule asks for any.
    pub(crate) tags: &'o [Tag],
    /// Whether it is encrypted with a key of a KMS.
    pub(crate) kms: bool,
    /// Whether it is a delete marker.
    pub(crate) delete_marker: bool,
}

impl Rule {
    /// Bucket of the replicas: the last part of its ARN.
    pub(crate) fn bucket(&self) -> &str {
        let arn = &self.destination.bucket;
        arn.rsplit(':').next().unwrap_or(arn)
    }

    /// Storage class of the replicas; `None` is that of the source.
    pub(crate) fn storage_class(&self) -> Option<&str> {
        self.destination.storage_class.as_deref()
    }

    /// Whether the replicas belong to the owner of their bucket, instead of having the ACL of the source.
    pub(crate) fn changes_owner(&self) -> bool {
        self.destination.access_control_translation.as_ref().is_some_and(|it| it.owner == "Destination")
    }

    /// KMS key of the replicas of objects that have one.
    pub(crate) fn kms_key(&self) -> Option<&str> {
        self.destination.encryption_configuration.as_ref()?.replica_kms_key_id.as_deref()
    }

    fn prefix(&self) -> &str {
        let filter = self.filter.as_ref();
        let and = filter.and_then(|filter| filter.and.as_ref());
        let prefixes = [
            filter.and_then(|filter| filter.prefix.as_deref()),
            and.and_then(|and| and.prefix.as_deref()),
            self.prefix.as_deref(),
        ];
        prefixes.into_iter().flatten().next().unwrap_or_default()
    }

    fn tags(&self) -> impl Iterator<Item = &RuleTag> {
        let filter = self.filter.iter();
        filter.flat_map(|filter| filter.tag.iter().chain(filter.and.iter().flat_map(|and| &and.tags)))
    }

    /// Why the rule is not for an object, if it is not.
    fn objection(&self, facts: &Facts<'_>) -> Option<String> {
        if self.status != "Enabled" {
            return Some("it is disabled".to_owned());
        }
        if self.existing_object_replication.as_ref().is_some_and(|existing| !existing.is_on()) {
            return Some("it is not for objects that exist already (ExistingObjectReplication)".to_owned());
        }
        if !facts.key.starts_with(self.prefix()) {
            return Some(format!("its prefix is {:?}", self.prefix()));
        }
        if facts.delete_marker {
            // Rules of the first version have no such switch, and replicate the delete markers that users made.
            let on = self.delete_marker_replication.as_ref().map_or(self.filter.is_none(), Switch::is_on);
            // A delete marker has no tags that a rule could ask for.
            let replicates = on && self.tags().next().is_none();
            return (!replicates).then(|| "it does not replicate delete markers".to_owned());
        }
        let has = |wanted: &RuleTag| {
            facts.tags.iter().any(|tag| tag.key == wanted.key && tag.value == wanted.value)
        };
        if let Some(tag) = self.tags().find(|tag| !has(tag)) {
            return Some(format!("it asks for the tag {:?} = {:?}", tag.key, tag.value));
        }
        let criteria = self.source_selection_criteria.as_ref();
        let takes_kms = criteria.and_then(|it| it.sse_kms_encrypted_objects.as_ref());
        if facts.kms && !takes_kms.is_some_and(Switch::is_on) {
            return Some(
                "it does not replicate what is encrypted with KMS (SseKmsEncryptedObjects)".to_owned(),
            );
        }
        None
    }

    fn name(&self) -> String {
        match self.id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => format!("{id:?}"),
            None => format!("to {}", self.bucket()),
        }
    }
}

impl Configuration {
    /// Reads the JSON of the contract.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// Whether the tags of an object decide which rules are for it.
    pub(crate) fn asks_for_tags(&self, key: &str) -> bool {
        self.rules.iter().any(|rule| {
            rule.status == "Enabled" && key.starts_with(rule.prefix()) && rule.tags().next().is_some()
        })
    }

    /// The rules for an object: of those with the same destination the one with the highest priority.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn rules_for(&self, facts: &Facts<'_>) -> Result<Vec<&Rule>, String> {
        let mut chosen: Vec<&Rule> = Vec::new();
        let mut objections = Vec::new();
        for rule in &self.rules {
            if let Some(why) = rule.objection(facts) {
                objections.push(format!("rule {}: {why}", rule.name()));
                continue;
            }
            match chosen.iter_mut().find(|other| other.bucket() == rule.bucket()) {
                Some(other) if rule.priority > other.priority => *other = rule,
                Some(_) => {}
                None => chosen.push(rule),
            }
        }
        if !chosen.is_empty() {
            return Ok(chosen);
        }
        let more = objections.len().saturating_sub(MAX_REASONS);
        objections.truncate(MAX_REASONS);
        if more > 0 {
            objections.push(format!("{more} more"));
        }
        Err(format!("no rule of the bucket's replication configuration is for it: {}", objections.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> Configuration {
        Configuration::parse(&format!(r#"{{"Role": "r", "Rules": [{json}]}}"#)).unwrap()
    }

    fn chosen(configuration: &Configuration, facts: &Facts<'_>) -> Result<Vec<String>, String> {
        let rules = configuration.rules_for(facts)?;
        Ok(rules.iter().map(|rule| format!("{}:{}", rule.id.as_deref().unwrap(), rule.bucket())).collect())
    }

    fn of(key: &str) -> Facts<'_> {
        Facts { key, tags: &[], kms: false, delete_marker: false }
    }

    #[test]
    fn of_rules_with_one_destination_the_highest_priority_counts() {
        let configuration = rules(
            r#"{"ID": "low", "Priority": 1, "Status": "Enabled", "Filter": {}, "Destination": {"Bucket": "arn:aws:s3:::a"}},
               {"ID": "high", "Priority": 9, "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Destination": {"Bucket": "arn:aws:s3:::a"}},
               {"ID": "other", "Priority": 2, "Status": "Enabled", "Filter": {}, "Destination": {"Bucket": "arn:aws:s3:::b"}},
               {"ID": "off", "Priority": 99, "Status": "Disabled", "Filter": {}, "Destination": {"Bucket": "arn:aws:s3:::a"}}"#,
        );
        assert_eq!(
            chosen(&configuration, &of("logs/1")),
            Ok(vec!["high:a".to_owned(), "other:b".to_owned()])
        );
        assert_eq!(chosen(&configuration, &of("data")), Ok(vec!["low:a".to_owned(), "other:b".to_owned()]));
    }

    #[test]
    fn tags_and_prefixes_of_every_form() {
        let to = r#""Destination": {"Bucket": "arn:aws:s3:::d"}"#;
        let configuration = rules(&format!(
            r#"{{"ID": "tag", "Status": "Enabled", "Filter": {{"Tag": {{"Key": "k", "Value": "v"}}}}, {to}}}"#
        ));
        let tags = |value: &str| vec![Tag { key: "k".to_owned(), value: value.to_owned() }];
        assert!(configuration.asks_for_tags("x"));
        assert!(chosen(&configuration, &Facts { tags: &tags("v"), ..of("x") }).is_ok());
        let why = chosen(&configuration, &Facts { tags: &tags("w"), ..of("x") }).unwrap_err();
        assert!(why.ends_with(r#"rule "tag": it asks for the tag "k" = "v""#), "{why}");
        let and = rules(&format!(
            r#"{{"ID": "and", "Status": "Enabled", {to},
                "Filter": {{"And": {{"Prefix": "p/", "Tags": [{{"Key": "k", "Value": "v"}}]}}}}}}"#
        ));
        assert!(chosen(&and, &Facts { tags: &tags("v"), ..of("p/x") }).is_ok());
        assert!(chosen(&and, &of("p/x")).is_err());
        assert!(chosen(&and, &Facts { tags: &tags("v"), ..of("x") }).is_err());
        assert!(!and.asks_for_tags("x"), "the prefix decides already");
        let first = rules(&format!(r#"{{"ID": "v1", "Status": "Enabled", "Prefix": "p/", {to}}}"#));
        assert!(chosen(&first, &of("p/x")).is_ok() && chosen(&first, &of("x")).is_err());
    }

    #[test]
    fn kms_delete_markers_and_existing_objects_are_asked_for() {
        let rule = |more: &str| {
            rules(&format!(
                r#"{{"ID": "r", "Status": "Enabled", "Filter": {{"Prefix": ""}}, "Destination": {{"Bucket": "b"}}{more}}}"#
            ))
        };
        let kms = Facts { kms: true, ..of("k") };
        let marker = Facts { delete_marker: true, ..of("k") };
        assert!(chosen(&rule(""), &kms).unwrap_err().contains("SseKmsEncryptedObjects"));
        let selects = r#", "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}}"#;
        assert_eq!(chosen(&rule(selects), &kms), Ok(vec!["r:b".to_owned()]));
        assert!(chosen(&rule(""), &marker).unwrap_err().contains("does not replicate delete markers"));
        let first =
            rules(r#"{"ID": "v1", "Status": "Enabled", "Prefix": "k", "Destination": {"Bucket": "b"}}"#);
        assert_eq!(chosen(&first, &marker), Ok(vec!["v1:b".to_owned()]), "without a filter");
        let markers = r#", "DeleteMarkerReplication": {"Status": "Enabled"}"#;
        assert!(chosen(&rule(markers), &marker).is_ok());
        let existing = r#", "ExistingObjectReplication": {"Status": "Disabled"}"#;
        assert!(chosen(&rule(existing), &of("k")).unwrap_err().contains("ExistingObjectReplication"));
    }

    #[test]
    fn a_failure_names_a_few_rules() {
        let one = r#"{"Status": "Disabled", "Destination": {"Bucket": "arn:aws:s3:::d"}}"#;
        let why = chosen(&rules(&[one; 8].join(",")), &of("k")).unwrap_err();
        assert!(why.ends_with("; 3 more"), "{why}");
        assert_eq!(why.matches("rule to d: it is disabled").count(), 5);
    }
}
