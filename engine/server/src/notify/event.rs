//! A transition as a CloudEvent (version 1.0, structured mode). Its data has the shape of the events that Amazon S3 Batch
//! Operations sends by way of CloudTrail: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-events.html>.

use jiff::Timestamp;
use longshore_job::{EngineConfig, JobState};
use longshore_queue::Told;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Region in the job's ARN where the store has none.
const NO_REGION: &str = "us-east-1";

/// Account in the job's ARN where the role is not in the configuration any more.
const NO_ACCOUNT: &str = "000000000000";

/// The ID of a transition: 32 hexadecimal digits, the same whenever and to whomever it is told.
pub(super) fn id(told: &Told) -> String {
    let digest = Sha256::digest(format!("{}\n{}", told.job.id, told.event));
    hex::encode(digest.get(..16).unwrap_or_default())
}

/// The CloudEvent.
pub(super) fn cloud_event(told: &Told, config: &EngineConfig) -> Value {
    let (job, id) = (&told.job, id(told));
    let kind = if told.record.from.is_none() { "JobCreated" } else { "JobStatusChanged" };
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "longshore",
        "type": format!("longshore.{kind}"),
        "subject": job.id,
        "time": seconds(told.record.at),
        "datacontenttype": "application/json",
        "data": data(told, config, &id, kind),
    })
}

fn data(told: &Told, config: &EngineConfig, id: &str, kind: &str) -> Value {
    let (job, record) = (&told.job, &told.record);
    let account = config.roles.get(&job.spec.role).map_or(NO_ACCOUNT, |role| role.account.as_str());
    let store = config.stores.get(&job.spec.store);
    let region = store.and_then(|store| store.region.as_deref()).unwrap_or(NO_REGION);
    json!({
        "eventVersion": "1.05",
        "userIdentity": { "accountId": account, "invokedBy": "longshore" },
        "eventTime": seconds(record.at),
        "eventSource": "longshore",
        "eventName": kind,
        "awsRegion": region,
        "sourceIPAddress": "longshore",
        "userAgent": "longshore",
        "eventID": id,
        "readOnly": false,
        "eventType": "LongshoreServiceEvent",
        "serviceEventDetails": details(told, id, &format!("arn:aws:s3:{region}:{account}:job/{}", job.id)),
    })
}

fn details(told: &Told, id: &str, arn: &str) -> Value {
    let (job, record) = (&told.job, &told.record);
    let failure: Vec<_> = job.failure_code.iter().filter(|_| is_failure(record.to)).collect();
    let mut details = json!({
        "jobId": job.id,
        "jobArn": arn,
        "status": record.to,
        "jobEventId": id,
        "failureCodes": failure,
        "statusChangeReason": [record.cause],
    });
    // Complete is not success: whoever is told of an end is told how many tasks failed. Before, the counters move on.
    if let Some(details) = details.as_object_mut().filter(|_| record.to.is_terminal()) {
        let summary = json!({
            "totalNumberOfTasks": job.total_tasks.unwrap_or(0),
            "numberOfTasksSucceeded": job.succeeded,
            "numberOfTasksFailed": job.failed,
        });
        details.insert("progressSummary".to_owned(), summary);
    }
    details
}

fn is_failure(state: JobState) -> bool {
    matches!(state, JobState::Failing | JobState::Failed)
}

/// RFC 3339 with whole seconds.
fn seconds(time: Timestamp) -> String {
    format!("{time:.0}")
}
