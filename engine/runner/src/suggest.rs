//! The smallest policy under which a job would run: one statement for each set of actions that need the same resources.

use std::collections::{BTreeMap, BTreeSet};

use longshore_policy::{Document, PolicyKind};
use longshore_store::{Access, Foreseen};
use serde::Serialize;

use crate::rehearse::{Rehearsal, SESSION};

/// Keys of one action in one bucket that are listed one by one (count); more are listed as prefixes.
const MAX_KEYS: usize = 20;

/// Directories of one action in one bucket that are kept apart while rows are read (count; bounds memory).
const MAX_DIRECTORIES: usize = 1_000;

/// Prefixes of one action in one bucket in the policy (count), tried in this order until the policy is small enough.
const PREFIXES: [usize; 6] = [50, 20, 10, 5, 2, 1];

/// Buckets that a policy can name (count; bounds memory).
const MAX_BUCKETS: usize = 1_000;

/// Longest pattern that is written, in characters, with room for the ARN's other fields under the policy language's limit.
const MAX_PATTERN: usize = 1_700;

/// What a job needs, as it is gathered from the accesses of its requests.
#[derive(Debug, Default)]
pub struct Suggestion {
    /// By action and bucket.
    needs: BTreeMap<&'static str, BTreeMap<String, Needs>>,
    buckets: BTreeSet<String>,
    /// Resources beside the store, by action: a job has few.
    others: BTreeMap<&'static str, BTreeSet<String>>,
    /// Whether rows were left out, whose keys can only be guessed.
    sampled: bool,
}

/// Why there is no policy to suggest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuggestion {
    /// More buckets than a policy has room for.
    #[error(
        "the job works in more than {MAX_BUCKETS} buckets, for which one policy has no room; split the manifest"
    )]
    Buckets,
    /// Even one prefix for each bucket is too much.
    #[error(
        "the job needs a policy larger than policies may be, even with one prefix for each bucket; split the manifest"
    )]
    Size,
    /// Nothing was seen that needs a permission.
    #[error("the job asks for nothing: no row of the manifest plans a request")]
    Nothing,
}

/// What one action needs in one bucket.
#[derive(Debug, Default)]
struct Needs {
    /// The bucket itself.
    bucket: bool,
    /// A few keys.
    keys: BTreeSet<String>,
    /// Directory (to its last slash) to the keys' longest common beginning, once there are too many keys.
    directories: BTreeMap<String, String>,
    /// Beginnings of keys that are known as such.
    prefixes: BTreeSet<String>,
}

impl Suggestion {
    /// Nothing yet. `sampled`: not every row of the manifest will be added.
    pub fn new(sampled: bool) -> Self {
        Self { sampled, ..Self::default() }
    }

    /// Adds what one task needs.
    ///
    /// # Errors
    /// [`NoSuggestion::Buckets`]
    pub fn add_task(&mut self, foreseen: &[Foreseen]) -> Result<(), NoSuggestion> {
        let sampled = self.sampled;
        foreseen.iter().try_for_each(|one| {
            if let Some((needs, key)) = self.needs_of(&one.access)? {
                match key {
                    // Of a sample, the whole directory is as good a guess as any.
                    Some(key) if sampled => needs.add_to_directory(directory(key)),
                    Some(key) => needs.add_key(key),
                    None => needs.bucket = true,
                }
            }
            Ok(())
        })
    }

    /// Adds what reading the manifest, saving generated lists and writing the report need.
    ///
    /// # Errors
    /// [`NoSuggestion::Buckets`]
    pub fn add_surroundings(&mut self, rehearsal: &Rehearsal) -> Result<(), NoSuggestion> {
        for one in &rehearsal.manifest {
            match self.needs_of(&one.access)? {
                // A filter may ask about each object of a bucket.
                Some((needs, Some(key))) if needs.keys.len() >= MAX_KEYS => needs.add_to_directory(key),
                Some((needs, Some(key))) => drop(needs.keys.insert(key.to_owned())),
                Some((needs, None)) => needs.bucket = true,
                None => {}
            }
        }
        for one in rehearsal.report.iter().chain(&rehearsal.saved) {
            if let Some((needs, Some(key))) = self.needs_of(&one.access)? {
                // The job's ID is not known before it is submitted.
                let root = key.rsplit_once(&format!("job-{SESSION}")).map_or(key, |(root, _)| root);
                needs.prefixes.insert(format!("{root}job-"));
            }
        }
        Ok(())
    }

    fn needs_of<'a>(
        &mut self,
        access: &'a Access,
    ) -> Result<Option<(&mut Needs, Option<&'a str>)>, NoSuggestion> {
        let Some(name) = access.resource.strip_prefix("arn:aws:s3:::") else {
            self.others.entry(access.action).or_default().insert(access.resource.clone());
            return Ok(None);
        };
        let (bucket, key) = match name.split_once('/') {
            Some((bucket, key)) => (bucket, Some(key)),
            None => (name, None),
        };
        if !self.buckets.contains(bucket) {
            if self.buckets.len() == MAX_BUCKETS {
                return Err(NoSuggestion::Buckets);
            }
            self.buckets.insert(bucket.to_owned());
        }
        let needs = self.needs.entry(access.action).or_default().entry(bucket.to_owned()).or_default();
        Ok(Some((needs, key)))
    }

    /// The policy, as JSON that the engine loads.
    ///
    /// # Errors
    /// [`NoSuggestion`]
    pub fn policy(self) -> Result<String, NoSuggestion> {
        if self.needs.is_empty() && self.others.is_empty() {
            return Err(NoSuggestion::Nothing);
        }
        let mut policies = PREFIXES.iter().map(|prefixes| self.with_prefixes(*prefixes));
        policies
            .find(|text| Document::load("suggestion", text, PolicyKind::Identity).is_ok())
            .ok_or(NoSuggestion::Size)
    }

    fn with_prefixes(&self, prefixes: usize) -> String {
        let mut by_resources: BTreeMap<Vec<String>, Vec<&'static str>> = BTreeMap::new();
        for (action, buckets) in &self.needs {
            let resources =
                buckets.iter().flat_map(|(bucket, needs)| needs.resources(bucket, prefixes)).collect();
            by_resources.entry(resources).or_default().push(*action);
        }
        for (action, resources) in &self.others {
            by_resources.entry(resources.iter().cloned().collect()).or_default().push(*action);
        }
        // Each action is in one statement, so none of them is there for nothing.
        let mut statements: Vec<(Vec<&'static str>, Vec<String>)> =
            by_resources.into_iter().map(|(resources, actions)| (actions, resources)).collect();
        statements.sort_unstable();
        let statements: Vec<Statement<'_>> = statements
            .into_iter()
            .map(|(action, resource)| Statement { sid: sid(&action), effect: "Allow", action, resource })
            .collect();
        // Texts and lists of texts always serialize.
        serde_json::to_string_pretty(&Policy { version: "2012-10-17", statement: statements })
            .unwrap_or_default()
    }
}

/// A policy document, in the order in which people write it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    version: &'static str,
    statement: Vec<Statement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    sid: String,
    effect: &'static str,
    action: Vec<&'a str>,
    resource: Vec<String>,
}

/// Names a statement after its actions.
fn sid(actions: &[&str]) -> String {
    let names: Vec<&str> = actions.iter().map(|action| action.rsplit(':').next().unwrap_or(action)).collect();
    match names.as_slice() {
        [first, _, _, ..] => format!("{first}AndOthers"),
        few => few.join("And"),
    }
}

impl Needs {
    fn add_key(&mut self, key: &str) {
        if self.directories.is_empty() {
            self.keys.insert(key.to_owned());
            if self.keys.len() > MAX_KEYS {
                std::mem::take(&mut self.keys).into_iter().for_each(|key| self.add_to_directory(&key));
            }
            return;
        }
        self.add_to_directory(key);
    }

    fn add_to_directory(&mut self, key: &str) {
        let directory = directory(key);
        match self.directories.get_mut(directory) {
            Some(beginning) => shorten(beginning, key),
            None => {
                self.directories.insert(directory.to_owned(), key.to_owned());
                fold(&mut self.directories, MAX_DIRECTORIES);
            }
        }
    }

    fn resources(&self, bucket: &str, most: usize) -> Vec<String> {
        let arn = |name: &str| format!("arn:aws:s3:::{name}");
        let mut directories = self.directories.clone();
        fold(&mut directories, most);
        // A beginning that begins like another is covered by that one.
        let mut beginnings: Vec<String> =
            self.prefixes.iter().cloned().chain(directories.into_values()).collect();
        beginnings.sort_unstable();
        beginnings.dedup_by(|longer, shorter| longer.starts_with(shorter.as_str()));
        let mut resources: Vec<String> = Vec::new();
        if self.bucket {
            resources.push(arn(bucket));
        }
        let exact = self.keys.iter().filter(|key| !beginnings.iter().any(|begin| key.starts_with(begin)));
        resources.extend(exact.map(|key| arn(&format!("{bucket}/{}", exactly(key)))));
        resources.extend(beginnings.iter().map(|begin| arn(&format!("{bucket}/{}*", literal(begin).0))));
        resources.sort_unstable();
        resources
    }
}

/// A key to its last slash.
fn directory(key: &str) -> &str {
    key.rfind('/').and_then(|slash| key.get(..=slash)).unwrap_or_default()
}

/// Merges the deepest directories into their parents until at most `most` are left.
fn fold(directories: &mut BTreeMap<String, String>, most: usize) {
    let depth = |directory: &str| directory.matches('/').count();
    while directories.len() > most.max(1) {
        let Some(deepest) =
            directories.keys().map(|directory| depth(directory)).max().filter(|deepest| *deepest > 0)
        else {
            return;
        };
        let moved: Vec<String> =
            directories.keys().filter(|directory| depth(directory) == deepest).cloned().collect();
        for directory in moved {
            let Some(beginning) = directories.remove(&directory) else { continue };
            let above = directory.strip_suffix('/').and_then(|path| path.rfind('/'));
            let parent = above.and_then(|slash| directory.get(..=slash)).unwrap_or_default();
            match directories.get_mut(parent) {
                Some(common) => shorten(common, &beginning),
                None => {
                    directories.insert(parent.to_owned(), beginning);
                }
            }
        }
    }
}

/// Cuts `beginning` to what it has in common with `key`.
fn shorten(beginning: &mut String, key: &str) {
    let common: usize =
        beginning.chars().zip(key.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    beginning.truncate(common);
}

/// A key as a pattern that matches it, and nothing else if that is not too long.
fn exactly(key: &str) -> String {
    let (pattern, whole) = literal(key);
    if whole { pattern } else { format!("{pattern}*") }
}

/// Text as it is written in a resource, where `*`, `?` and `${` have a meaning; as much of it as fits, and whether that is
/// all of it.
fn literal(text: &str) -> (String, bool) {
    let mut out = String::new();
    for (place, c) in text.char_indices() {
        let escaped = match c {
            '*' | '?' => format!("${{{c}}}"),
            '$' if text.get(place + 1..).is_some_and(|rest| rest.starts_with('{')) => "${$}".to_owned(),
            c => c.to_string(),
        };
        if out.chars().count() + escaped.len() > MAX_PATTERN {
            return (out, false);
        }
        out.push_str(&escaped);
    }
    (out, true)
}

#[cfg(test)]
mod tests {
    use longshore_job::ObjectId;
    use longshore_policy::{Context, PolicySet, Request};
    use longshore_store::{Certainty, Gate, GateConfig, HeadObject, PutObjectTagging, Tag};
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;

    /// What tagging and reading these keys ask.
    async fn accesses(keys: &[&str]) -> Vec<Foreseen> {
        let config = GateConfig {
            role: "r".into(),
            account: "111122223333".into(),
            session: "s".into(),
            bucket_owner: None,
            policies: Arc::new(PolicySet::new()),
            region: "us-east-1".into(),
            secure_transport: false,
            endpoints: Default::default(),
            clock: Arc::new(jiff::Timestamp::now),
        };
        let (gate, journal) = Gate::rehearsal(config);
        for key in keys {
            let object = ObjectId::new("b", *key);
            let task = gate.task(object.clone());
            task.check(&HeadObject::new(object.clone()).into(), Certainty::Exact).await.unwrap();
            let tags = vec![Tag::new("a", "1")];
            task.check(&PutObjectTagging { object, tags }.into(), Certainty::Exact).await.unwrap();
        }
        journal.take()
    }

    async fn policy(keys: &[&str], sampled: bool) -> String {
        let mut suggestion = Suggestion::new(sampled);
        suggestion.add_task(&accesses(keys).await).unwrap();
        suggestion.policy().unwrap()
    }

    fn resources(policy: &str) -> Vec<String> {
        let policy: Value = serde_json::from_str(policy).unwrap();
        serde_json::from_value(policy["Statement"][0]["Resource"].clone()).unwrap()
    }

    fn allows(policy: &str, key: &str) -> bool {
        let document = Document::load("p", policy, PolicyKind::Identity).unwrap().document;
        let (context, resource) = (Context::new(), format!("arn:aws:s3:::b/{key}"));
        let request = Request {
            principal: "arn:aws:sts::111122223333:assumed-role/r/s",
            action: "s3:GetObject",
            resource: &resource,
            resource_account: "111122223333",
            context: &context,
        };
        PolicySet::new().with_identity(document).decide(&request).allowed()
    }

    #[tokio::test]
    async fn few_keys_are_listed_and_wildcards_in_them_are_letters() {
        let keys = ["a*", "b?c", "${x}", "$y", "ü/z", "line\nfeed"];
        let policy = policy(&keys, false).await;
        assert!(keys.iter().all(|key| allows(&policy, key)));
        assert!(!["ab", "bxc", "x", "ü/zz", "z"].iter().any(|key| allows(&policy, key)));
        assert_eq!(resources(&policy).len(), keys.len());
        assert!(policy.contains(r#""Sid": "GetObjectAndPutObjectTagging""#), "{policy}");
    }

    #[tokio::test]
    async fn many_keys_become_beginnings_by_directory() {
        let keys: Vec<String> = (0..300).map(|n| format!("logs/{}/part-{n:03}.gz", 2024 + n % 3)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let policy = policy(&keys, false).await;
        let expected = ["2024", "2025", "2026"].map(|year| format!("arn:aws:s3:::b/logs/{year}/part-*"));
        assert_eq!(resources(&policy), expected);
    }

    #[tokio::test]
    async fn directories_without_number_are_folded() {
        let keys: Vec<String> = (0..5000).map(|n| format!("top/d{n:04}/x/file")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let policy = policy(&keys, false).await;
        assert_eq!(resources(&policy), ["arn:aws:s3:::b/top/d*"]);
        assert!(keys.iter().all(|key| allows(&policy, key)));
    }

    #[tokio::test]
    async fn keys_that_are_long_once_escaped_still_fit() {
        let key = "*".repeat(1024);
        let policy = policy(&[&key], false).await;
        assert!(allows(&policy, &key));
        assert!(!allows(&policy, "*"));
    }

    #[tokio::test]
    async fn a_sample_speaks_for_its_neighbours() {
        let policy = policy(&["logs/a1", "logs/a2"], true).await;
        assert_eq!(resources(&policy), ["arn:aws:s3:::b/logs/*"]);
    }

    #[tokio::test]
    async fn nothing_and_too_much_are_said() {
        assert_eq!(Suggestion::new(false).policy(), Err(NoSuggestion::Nothing));
        let mut suggestion = Suggestion::new(false);
        let one = accesses(&["k"]).await.remove(0);
        let added = (0..=MAX_BUCKETS).try_for_each(|number| {
            let resource = format!("arn:aws:s3:::bucket-{number:055}/k");
            suggestion
                .add_task(&[Foreseen { access: Access { resource, ..one.access.clone() }, ..one.clone() }])
        });
        assert_eq!(added, Err(NoSuggestion::Buckets));
        assert_eq!(suggestion.policy(), Err(NoSuggestion::Size));
    }
}
