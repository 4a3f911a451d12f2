//! Replication configurations, from the SDK's types to the JSON that AWS's own tools write. Operations read it, and need not be
//! built anew when rules say more.

use aws_sdk_s3::operation::get_bucket_replication::GetBucketReplicationOutput;
use aws_sdk_s3::types;
use serde_json::{Map, Value};

use super::answers::{self, Answered, of_version};
use super::calls::Sdk;
use crate::error::StoreError;
use crate::request::{GetBucketReplication, GetBucketVersioning, Request};
use crate::response::Response;

impl Sdk {
    pub(super) async fn get_bucket_replication(
        &self,
        request: &Request,
        call: &GetBucketReplication,
    ) -> Result<Response, StoreError> {
        let sent = self.client.get_bucket_replication().bucket(&call.source.bucket).send();
        Ok(answer(self.answer(request, sent).await?))
    }

    pub(super) async fn get_bucket_versioning(
        &self,
        request: &Request,
        call: &GetBucketVersioning,
    ) -> Result<Response, StoreError> {
        let sent = self.client.get_bucket_versioning().bucket(&call.bucket).send();
        Ok(answers::versioning(self.answer(request, sent).await?))
    }
}

fn answer(answer: Answered<GetBucketReplicationOutput>) -> Response {
    let Answered { output, status } = answer;
    let configuration = output.replication_configuration.map(|configuration| {
        let rules = configuration.rules.iter().map(rule).collect();
        table([("Role", Some(configuration.role.into())), ("Rules", Some(Value::Array(rules)))])
    });
    Response { replication: configuration.map(|it| it.to_string()), ..of_version(status, None) }
}

/// What is there; what is not is left out.
fn table<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let entries = entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn text(value: Option<&String>) -> Option<Value> {
    value.map(|value| value.as_str().into())
}

/// `{"Status": …}`, as many switches of rules are written.
fn switch(status: &str) -> Option<Value> {
    Some(table([("Status", Some(status.into()))]))
}

fn rule(rule: &types::ReplicationRule) -> Value {
    #[allow(deprecated, reason = "rules of the first version have their prefix here")]
    let prefix = text(rule.prefix.as_ref());
    let existing = rule.existing_object_replication.as_ref();
    let markers = rule.delete_marker_replication.as_ref().and_then(|markers| markers.status.as_ref());
    table([
        ("ID", text(rule.id.as_ref())),
        ("Priority", rule.priority.map(Value::from)),
        ("Prefix", prefix),
        ("Filter", rule.filter.as_ref().map(filter)),
        ("Status", Some(rule.status.as_str().into())),
        ("SourceSelectionCriteria", rule.source_selection_criteria.as_ref().map(criteria)),
        ("ExistingObjectReplication", existing.and_then(|existing| switch(existing.status.as_str()))),
        ("DeleteMarkerReplication", markers.and_then(|status| switch(status.as_str()))),
        ("Destination", rule.destination.as_ref().map(destination)),
    ])
}

fn tag(tag: &types::Tag) -> Value {
    table([("Key", Some(tag.key.as_str().into())), ("Value", Some(tag.value.as_str().into()))])
}

fn filter(filter: &types::ReplicationRuleFilter) -> Value {
    let and = filter.and.as_ref().map(|and| {
        let tags = and.tags.as_ref().map(|tags| tags.iter().map(tag).collect());
        table([("Prefix", text(and.prefix.as_ref())), ("Tags", tags.map(Value::Array))])
    });
    table([("Prefix", text(filter.prefix.as_ref())), ("Tag", filter.tag.as_ref().map(tag)), ("And", and)])
}

fn criteria(criteria: &types::SourceSelectionCriteria) -> Value {
    let kms = criteria.sse_kms_encrypted_objects.as_ref();
    let replicas = criteria.replica_modifications.as_ref();
    table([
        ("SseKmsEncryptedObjects", kms.and_then(|kms| switch(kms.status.as_str()))),
        ("ReplicaModifications", replicas.and_then(|replicas| switch(replicas.status.as_str()))),
    ])
}

fn destination(destination: &types::Destination) -> Value {
    let owner = destination.access_control_translation.as_ref();
    let key = destination.encryption_configuration.as_ref().and_then(|it| it.replica_kms_key_id.as_ref());
    table([
        ("Bucket", Some(destination.bucket.as_str().into())),
        ("Account", text(destination.account.as_ref())),
        ("StorageClass", destination.storage_class.as_ref().map(|class| class.as_str().into())),
        (
            "AccessControlTranslation",
            owner.map(|owner| table([("Owner", Some(owner.owner.as_str().into()))])),
        ),
        ("EncryptionConfiguration", key.map(|key| table([("ReplicaKmsKeyID", text(Some(key)))]))),
    ])
}
