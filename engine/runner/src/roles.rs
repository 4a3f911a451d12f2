//! Policy files: those that `longshore.toml` names for a role and the one that a job brings, loaded into one snapshot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use longshore_job::EngineConfig;
use longshore_job::job_file::{BadPolicy, PolicyReader};
use longshore_job::spec::JobPolicy;
use longshore_policy::limits::MAX_IDENTITY_DOCUMENTS;
use longshore_policy::{Document, Finding, PolicyKind, PolicySet};
use sha2::{Digest as _, Sha256};

/// The policies of one role at one moment.
pub struct RoleSnapshot {
    /// The compiled documents.
    pub policies: PolicySet,
    /// All of them in a canonical text.
    pub documents: String,
    /// SHA-256 of that text, lower-case hex: kept with every job that runs under them.
    pub digest: String,
    /// The role's AWS account number.
    pub account: String,
    /// What is legal in the policies but hardly meant, each as `file:line:column: code: message`.
    pub warnings: Vec<String>,
}

/// A policy file that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyFile {
    /// Where it is.
    pub path: PathBuf,
    /// As the configuration writes it: what decisions call it.
    pub name: String,
    /// What it is used as.
    pub kind: PolicyKind,
    /// The bucket that it belongs to, if it is a bucket policy.
    pub bucket: Option<String>,
}

/// A policy file that was read.
pub struct CheckedFile {
    /// Which file.
    pub file: PolicyFile,
    /// Its text; empty if it could not be read.
    pub text: String,
    /// The document, or why the file could not be read, or everything that is wrong with it.
    pub document: Result<Document, Vec<Finding>>,
    /// Why it could not be read.
    pub unreadable: Option<String>,
    /// What is legal but hardly meant.
    pub warnings: Vec<Finding>,
}

impl PolicyFile {
    /// Reads and loads the file.
    pub fn check(self) -> CheckedFile {
        let none = Vec::new();
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) => {
                let unreadable = Some(format!("cannot read the policy: {error}"));
                let document = Err(Vec::new());
                return CheckedFile { file: self, text: String::new(), document, unreadable, warnings: none };
            }
        };
        let (document, warnings) = match Document::load(&self.name, &text, self.kind) {
            Ok(loaded) => (Ok(loaded.document), loaded.warnings),
            Err(findings) => (Err(findings), none),
        };
        CheckedFile { file: self, text, document, unreadable: None, warnings }
    }
}

impl CheckedFile {
    /// Everything that is wrong with it, a line each.
    fn errors(&self) -> impl Iterator<Item = String> {
        let path = &self.file.path;
        let unreadable = self.unreadable.iter().map(move |why| format!("{}: {why}", path.display()));
        unreadable.chain(self.document.as_ref().err().into_iter().flatten().map(move |one| line(path, one)))
    }
}

/// The policy files that have a say over a role, or over any role.
pub fn policy_files(config: &EngineConfig, role: Option<&str>) -> Vec<PolicyFile> {
    let file = |name: &String, kind, bucket: Option<&String>| PolicyFile {
        path: config.path(name),
        name: name.clone(),
        kind,
        bucket: bucket.cloned(),
    };
    let roles = config.roles.iter().filter(|(name, _)| role.is_none_or(|role| role == *name));
    let of_roles = roles.flat_map(|(_, role)| {
        let kinds = [
            (PolicyKind::Identity, &role.policies),
            (PolicyKind::Boundary, &role.boundary),
            (PolicyKind::Session, &role.session),
        ];
        kinds.into_iter().flat_map(move |(kind, names)| names.iter().map(move |name| (kind, name)))
    });
    let of_roles = of_roles.map(|(kind, name)| file(name, kind, None));
    let guard = config.guard.iter().map(|name| file(name, PolicyKind::ServiceControl, None));
    let buckets =
        config.bucket_policies.iter().map(|(bucket, name)| file(name, PolicyKind::Resource, Some(bucket)));
    let mut seen = BTreeSet::new();
    // Two roles may share a file.
    of_roles.chain(guard).chain(buckets).filter(|file| role.is_some() || seen.insert(file.clone())).collect()
}

/// What is wrong with a role beyond its files.
pub fn role_problem(config: &EngineConfig, name: &str) -> Option<String> {
    let Some(role) = config.roles.get(name) else {
        return Some(format!("longshore.toml has no role {name}"));
    };
    let count = role.policies.len();
    (count > MAX_IDENTITY_DOCUMENTS).then(|| {
        format!(
            "longshore.toml: role {name} has {count} policies, at most {MAX_IDENTITY_DOCUMENTS} are allowed; merge some"
        )
    })
}

/// Loads everything that has a say over role `name`, and over a job that brings `policy`.
///
/// # Errors
/// Every finding of every file, each as `file:line:column: code: message`.
pub fn load_role(
    config: &EngineConfig,
    name: &str,
    policy: Option<&JobPolicy>,
) -> Result<RoleSnapshot, Vec<String>> {
    let mut errors: Vec<String> = role_problem(config, name).into_iter().collect();
    let Some(role) = config.roles.get(name) else { return Err(errors) };
    let files: Vec<CheckedFile> =
        policy_files(config, Some(name)).into_iter().map(PolicyFile::check).collect();
    errors.extend(files.iter().flat_map(CheckedFile::errors));
    let mut warnings: Vec<String> = files
        .iter()
        .flat_map(|checked| checked.warnings.iter().map(|finding| line(&checked.file.path, finding)))
        .collect();
    let mut policies = policy_set(&files);
    if let Some(JobPolicy { file, text }) = policy {
        match Document::load(file, text, PolicyKind::Session) {
            Ok(loaded) => {
                warnings.extend(loaded.warnings.iter().map(|finding| line(Path::new(file), finding)));
                // A level of its own: it narrows what the role's session policies allow, and cannot add to it.
                policies = policies.with_session_level(vec![loaded.document]);
            }
            Err(findings) => errors.extend(findings.iter().map(|finding| line(Path::new(file), finding))),
        }
    }
    errors.extend(undecidable(&policies));
    if !errors.is_empty() {
        return Err(errors);
    }
    let documents = policies.snapshot();
    let digest = hex::encode(Sha256::digest(&documents));
    Ok(RoleSnapshot { policies, documents, digest, account: role.account.clone(), warnings })
}

/// Condition keys that every direct request to Amazon S3 has, and of which the engine does not know the value. Taken for
/// absent, a Deny with such a condition would not apply where Amazon's would.
const UNKNOWN_KEYS: [&str; 3] = ["aws:SourceIp", "aws:UserAgent", "s3:x-amz-content-sha256"];

/// What the policies ask about and the engine cannot answer: refused, never ignored.
fn undecidable(policies: &PolicySet) -> impl Iterator<Item = String> {
    UNKNOWN_KEYS.into_iter().filter(|key| policies.mentions_key(key)).map(|key| {
        format!(
            "the policies have a condition on {key}, which the engine does not know of its own requests, so that it cannot \
             be decided; leave the condition to the store's own policies"
        )
    })
}

/// The documents of files that loaded, together.
pub fn policy_set(files: &[CheckedFile]) -> PolicySet {
    let mut policies = PolicySet::new();
    let mut guard = Vec::new();
    for checked in files {
        let Ok(document) = checked.document.clone() else { continue };
        policies = match (checked.file.kind, &checked.file.bucket) {
            (PolicyKind::Boundary, _) => policies.with_boundary(document),
            (PolicyKind::Session, _) => policies.with_session(document),
            (PolicyKind::ServiceControl, _) => {
                guard.push(document);
                policies
            }
            (PolicyKind::ResourceControl, _) => policies.with_resource_control(vec![document]),
            (PolicyKind::Resource, Some(bucket)) => policies.with_bucket_policy(bucket, document),
            (PolicyKind::Resource, None) => policies.with_resource(document),
            (PolicyKind::Identity, _) => policies.with_identity(document),
        };
    }
    if guard.is_empty() { policies } else { policies.with_service_control(guard) }
}

/// Reads the policies that jobs bring.
pub struct JobPolicies;

impl PolicyReader for JobPolicies {
    fn session_policy(&self, written: &str, path: &Path) -> Result<String, Vec<BadPolicy>> {
        let file = PolicyFile {
            path: path.to_owned(),
            name: written.to_owned(),
            kind: PolicyKind::Session,
            bucket: None,
        };
        let checked = file.check();
        if let Some(why) = checked.unreadable {
            return Err(vec![BadPolicy { message: format!("{written}: {why}"), help: None }]);
        }
        match checked.document {
            Ok(_) => Ok(checked.text),
            Err(findings) => Err(findings
                .into_iter()
                .map(|Finding { line, column, code, message, help, .. }| BadPolicy {
                    message: format!("{written}:{line}:{column}: {code}: {message}"),
                    help,
                })
                .collect()),
        }
    }
}

fn line(path: &Path, finding: &Finding) -> String {
    format!("{}:{finding}", path.display())
}
