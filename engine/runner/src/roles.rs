//! A role's policy files, loaded into one snapshot.

use std::path::Path;

use longshore_job::EngineConfig;
use longshore_policy::limits::MAX_IDENTITY_DOCUMENTS;
use longshore_policy::{Document, Finding, PolicyKind, PolicySet};
use sha2::{Digest as _, Sha256};

/// The policies of one role at one moment.
pub struct RoleSnapshot {
    /// The compiled documents.
    pub policies: PolicySet,
    /// SHA-256 over all of them, lower-case hex: kept with every job that runs under them.
    pub digest: String,
    /// The role's AWS account number.
    pub account: String,
    /// What is legal in the policies but hardly meant, each as `file:line:column: code: message`.
    pub warnings: Vec<String>,
}

/// Loads everything that has a say over role `name`.
///
/// # Errors
/// Every finding of every file, each as `file:line:column: code: message`.
pub fn load_role(config: &EngineConfig, name: &str) -> Result<RoleSnapshot, Vec<String>> {
    let Some(role) = config.roles.get(name) else {
        return Err(vec![format!("longshore.toml has no role {name}")]);
    };
    let mut loader = Loader { config, findings: Vec::new(), warnings: Vec::new() };
    if role.policies.len() > MAX_IDENTITY_DOCUMENTS {
        let count = role.policies.len();
        loader.findings.push(format!(
            "longshore.toml: role {name} has {count} policies, at most {MAX_IDENTITY_DOCUMENTS} are allowed; merge some"
        ));
    }
    let mut policies = PolicySet::new();
    for document in loader.load_all(&role.policies, PolicyKind::Identity) {
        policies = policies.with_identity(document);
    }
    for document in loader.load_all(&role.boundary, PolicyKind::Boundary) {
        policies = policies.with_boundary(document);
    }
    for document in loader.load_all(&role.session, PolicyKind::Session) {
        policies = policies.with_session(document);
    }
    if !config.guard.is_empty() {
        policies = policies.with_service_control(loader.load_all(&config.guard, PolicyKind::ServiceControl));
    }
    for (bucket, file) in &config.bucket_policies {
        for document in loader.load_all(std::slice::from_ref(file), PolicyKind::Resource) {
            policies = policies.with_bucket_policy(bucket, document);
        }
    }
    if !loader.findings.is_empty() {
        return Err(loader.findings);
    }
    let digest = hex::encode(Sha256::digest(policies.snapshot()));
    Ok(RoleSnapshot { policies, digest, account: role.account.clone(), warnings: loader.warnings })
}

struct Loader<'a> {
    config: &'a EngineConfig,
    findings: Vec<String>,
    warnings: Vec<String>,
}

impl Loader<'_> {
    fn load_all(&mut self, files: &[String], kind: PolicyKind) -> Vec<Document> {
        files.iter().filter_map(|file| self.load(&self.config.path(file), file, kind)).collect()
    }

    fn load(&mut self, path: &Path, name: &str, kind: PolicyKind) -> Option<Document> {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                self.findings.push(format!("{shown}: cannot read the policy: {error}"));
                return None;
            }
        };
        match Document::load(name, &text, kind) {
            Ok(loaded) => {
                self.warnings.extend(loaded.warnings.iter().map(|finding| line(path, finding)));
                Some(loaded.document)
            }
            Err(findings) => {
                self.findings.extend(findings.iter().map(|finding| line(path, finding)));
                None
            }
        }
    }
}

fn line(path: &Path, finding: &Finding) -> String {
    let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!(
        "{}:{}:{}: {}: {}{help}",
        path.display(),
        finding.line,
        finding.column,
        finding.code,
        finding.message
    )
}
