//! The built-in operation `replicate`: follows the replication configuration of the objects' bucket, for stores that have none of
//! their own or did not replicate what was there before.
//!
//! Amazon's service has an internal call for it. Here the rules are read and followed: the version is copied to each destination
//! with everything it carries, and the report has the codes of Amazon's.

mod buckets;
mod codes;
mod configuration;
mod destination;
mod source;

use std::collections::BTreeMap;

use longshore_sdk::lock::Locks;
use longshore_sdk::{Failure, Grant, Object, Operation, Outcome, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

use buckets::Buckets;
use codes::failure;
use configuration::{Configuration, Facts, Rule};
use destination::{Destination, is_kms};
use source::{Named, Source};

/// Parameters of `replicate`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Destination buckets that are not in the job's store, and the store of each by its name in longshore.toml.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = {
        "type": "string", "minLength": 1, "maxLength": 64, "format": "longshore-store"
    }))]
    pub stores: BTreeMap<String, String>,
    /// Whether versions that are not the current one of their key are replicated too. Each becomes the current one at the
    /// destination: give them to a job of their own, before that of the current ones.
    #[serde(default)]
    pub noncurrent_versions: bool,
    /// Whether each replica says in its user metadata, as longshore-replica-of, which version it is of. Without it a replica
    /// is known by size, ETag and metadata, and an object that was uploaded in parts may be replicated twice.
    #[serde(default = "yes")]
    pub mark: bool,
}

fn yes() -> bool {
    true
}

/// The operation.
#[derive(Debug)]
pub struct Replicate {
    parameters: Parameters,
    buckets: Buckets,
}

impl Operation for Replicate {
    type Parameters = Parameters;
    const NAME: &'static str = "replicate";
    const SUMMARY: &'static str = "Replicates objects as the replication configuration of their bucket says.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:InitiateReplication",
        "s3:GetReplicationConfiguration",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectAcl",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketVersioning",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:PutObjectAcl",
        "s3:PutObjectVersionAcl",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:DeleteObject",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self { parameters, buckets: Buckets::default() })
    }

    /// Where the replicas go is known once the configuration is read.
    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![object.get_replication().planned(), object.head().checksums().planned()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let configuration = self.buckets.configuration(object)?;
        match source::look(object, self.parameters.noncurrent_versions)? {
            Named::Object(source) => self.replicate(&configuration, &source, task),
            Named::DeleteMarker => self.delete(&configuration, object),
        }
    }
}

/// What became of the destinations of one object.
#[derive(Default)]
struct Tally {
    done: Vec<String>,
    there: Vec<String>,
    failed: Option<Failure>,
}

impl Tally {
    fn add(&mut self, destination: &Destination<'_>, result: Result<bool, Failure>) {
        match result {
            Ok(true) => self.done.push(destination.name()),
            Ok(false) => self.there.push(destination.name()),
            // The first of several.
            Err(failure) => {
                self.failed.get_or_insert(destination.failure(failure));
            }
        }
    }

    /// One failure is the task's; its message says what was done before.
    fn outcome(self, done: &str, there: &str) -> Result<Outcome, Failure> {
        let part = |what: &str, buckets: &[String]| {
            (!buckets.is_empty()).then(|| format!("{what} {}", buckets.join(", ")))
        };
        let parts: Vec<String> =
            [part(done, &self.done), part(there, &self.there)].into_iter().flatten().collect();
        let said = parts.join("; ");
        match self.failed {
            Some(mut failure) if !said.is_empty() => {
                failure.message = format!("{} ({said})", failure.message);
                Err(failure)
            }
            Some(failure) => Err(failure),
            None if self.done.is_empty() => Ok(Outcome::Skipped(said)),
            None => Ok(Outcome::done_with(said)),
        }
    }
}

impl Replicate {
    fn replicate(
        &self,
        configuration: &Configuration,
        source: &Source,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        let key = source.object.key();
        let tags = if configuration.asks_for_tags(&key) {
            let answer = source.object.get_tags().send();
            answer.map_err(|error| codes::of_source(error, "SrcGetTaggingNotPermitted"))?.tags()
        } else {
            Vec::new()
        };
        let facts = Facts { key: &key, tags: &tags, kms: is_kms(source), delete_marker: false };
        let destinations = self.destinations(configuration, &facts)?;
        let locks = match self.buckets.locks_source(&source.object)? {
            true => source.locks(task.now())?,
            false => Locks::default(),
        };
        let grants: Vec<Grant> = match destinations.iter().any(Destination::carries_acl) {
            true => source.grants()?,
            false => Vec::new(),
        };
        let mut tally = Tally::default();
        for destination in &destinations {
            let ready = self.buckets.check_destination(destination, &source.object, locks.is_locked());
            let result = ready.and_then(|()| destination.replicate(self, source, &locks, &grants));
            tally.add(destination, result);
        }
        tally.outcome("replicated to", "replicated before to")
    }

    fn delete(&self, configuration: &Configuration, object: &Object) -> Result<Outcome, Failure> {
        let facts = Facts { key: &object.key(), tags: &[], kms: false, delete_marker: true };
        let mut tally = Tally::default();
        for destination in &self.destinations(configuration, &facts)? {
            let ready = self.buckets.check_destination(destination, object, false);
            tally.add(destination, ready.and_then(|()| destination.delete(object)));
        }
        tally.outcome("delete marker replicated to", "nothing to delete in")
    }

    fn destinations<'r>(
        &'r self,
        configuration: &'r Configuration,
        facts: &Facts<'_>,
    ) -> Result<Vec<Destination<'r>>, Failure> {
        let rules = configuration.rules_for(facts).map_err(|why| failure("SrcObjectNotEligible", why))?;
        let of = |rule: &'r Rule| Destination::of(rule, &self.parameters.stores);
        Ok(rules.into_iter().map(of).collect())
    }
}

longshore_sdk::export!(Replicate);

#[cfg(test)]
mod tests;
