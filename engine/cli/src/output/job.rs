//! A job in words and in JSON.

use std::collections::BTreeMap;

use indicatif::{HumanBytes, HumanCount};
use jiff::{SignedDuration, Timestamp};
use longshore_job::spec::{FailureThreshold, Limits, OnFailure, Overlap, ScheduleSpec, StepSpec, Timing};
use longshore_queue::JobRecord;
use serde_json::{Value, json};

use super::printable;
use super::table::key_values;

/// How many failure codes a summary lists (count; the rest is in `longshore failures`).
const CODES: usize = 8;

/// Everything about a job, for people.
pub(crate) fn describe(record: &JobRecord, codes: &[(String, u64)]) -> String {
    let spec = &record.spec;
    let mut pairs = vec![("Job", record.id.clone()), ("State", state(record))];
    let mut optional = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            pairs.push((name, value));
        }
    };
    optional("Reason", record.failure_reason.as_deref().map(printable));
    optional("Held back", record.obstacle.as_deref().map(printable));
    optional("Cancelled because", record.status_reason.as_deref().map(printable));
    optional("Description", spec.description.as_deref().map(printable));
    optional("Operation", Some(printable(&spec.operation_name())));
    let steps: Vec<String> =
        (0..).zip(&spec.steps).map(|(number, step)| described_step(number, step)).collect();
    let plain = matches!(spec.steps.as_slice(), [only] if only.when.is_empty());
    optional("Steps", (!plain).then(|| steps.join("\n")));
    optional("Role", Some(role(record)));
    optional("Policy", spec.policy.as_ref().map(|policy| printable(&policy.file)));
    optional("Store", Some(spec.store.clone()));
    optional("Manifest", Some(printable(&spec.manifest.to_string())));
    optional("Retry of", record.retry_of.clone());
    optional("Priority", Some(record.priority.to_string()));
    optional("Schedule", spec.timing.schedule.as_ref().map(schedule));
    optional("Begins", timing_of(&spec.timing));
    optional("Deadline", deadline(record));
    optional("Limits", Some(limits(&spec.limits)));
    optional("Tags", (!spec.tags.is_empty()).then(|| tags(&spec.tags)));
    optional("Client token", spec.client_token.as_deref().map(printable));
    optional("Tasks", Some(tasks(record)));
    optional("Failures", failures(record, codes));
    optional("Fuel", (record.fuel > 0).then(|| format!("{} instructions", HumanCount(record.fuel))));
    optional("Time", Some(times(record)));
    optional("Report", record.report.clone());
    key_values(&pairs)
}

/// The same for machines.
pub(crate) fn summary(record: &JobRecord, codes: &[(String, u64)]) -> Value {
    let codes: serde_json::Map<String, Value> =
        codes.iter().map(|(code, count)| (code.clone(), json!(count))).collect();
    json!({
        "id": record.id,
        "state": record.state,
        "operation": record.spec.operation_name(),
        "description": record.spec.description,
        "parameters": parameters(&record.spec.steps),
        "steps": steps(record),
        "role": record.spec.role,
        "policy": record.spec.policy.as_ref().map(|policy| &policy.file),
        "store": record.spec.store,
        "manifest": record.spec.manifest.to_string(),
        "tags": record.spec.tags,
        "timing": record.spec.timing,
        "deadline_at": record.deadline_at,
        "client_token": record.spec.client_token,
        "limits": record.spec.limits,
        "retry": record.spec.retry,
        "priority": record.priority,
        "total": record.total_tasks,
        "succeeded": record.succeeded,
        "failed": record.failed,
        "failures": codes,
        "fuel": record.fuel,
        "failure_code": record.failure_code,
        "failure_reason": record.failure_reason,
        "status_reason": record.status_reason,
        "obstacle": record.obstacle,
        "plugin_digest": record.plugin_digests.join("+"),
        "policy_digest": record.policy_digest,
        "created_at": record.created_at,
        "suspended_at": record.suspended_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "report": record.report,
        "retry_of": record.retry_of,
    })
}

/// The parameters of the only step; of several, an array of each one's.
fn parameters(steps: &[StepSpec]) -> Value {
    match steps {
        [only] => only.operation.parameters.clone(),
        several => several.iter().map(|step| step.operation.parameters.clone()).collect(),
    }
}

/// The steps, as the SQL view has them.
fn steps(record: &JobRecord) -> Value {
    let step = |(number, step): (usize, &StepSpec)| {
        json!({
            "step": number.saturating_add(1),
            "label": step.label,
            "operation": step.operation.source.name(),
            "parameters": step.operation.parameters,
            "condition": (!step.when.is_empty()).then_some(&step.when),
            "on_failure": step.on_failure,
            "plugin_digest": record.plugin_digests.get(number),
        })
    };
    record.spec.steps.iter().enumerate().map(step).collect()
}

/// One step of several, on one line.
fn described_step(number: usize, step: &StepSpec) -> String {
    let mut line = format!("{}. {}", number.saturating_add(1), step.operation.source.name());
    if let Some(label) = &step.label {
        line.push_str(&format!(" ({label})"));
    }
    if !step.when.is_empty() {
        line.push_str(&format!(", when {}", json!(step.when)));
    }
    if step.on_failure == OnFailure::Continue {
        line.push_str(", goes on if it fails");
    }
    printable(&line)
}

/// The state, and what it means where that is not plain: Complete is not success.
pub(crate) fn state(record: &JobRecord) -> String {
    match (&record.failure_code, record.failed) {
        (Some(code), _) => format!("{} ({code})", record.state),
        (None, 0) => record.state.to_string(),
        (None, _) => format!("{} with failed tasks", record.state),
    }
}

/// The job's labels on one line.
pub(crate) fn tags(tags: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = tags.iter().map(|(key, value)| printable(&format!("{key}={value}"))).collect();
    pairs.join(", ")
}

fn limits(limits: &Limits) -> String {
    let FailureThreshold { percent, minimum_tasks, count } = limits.failure_threshold;
    let mut parts = vec![format!("{} tasks at once", limits.concurrency)];
    if let Some(requests) = limits.rate.requests_per_second {
        parts.push(format!("{} requests a second", HumanCount(requests.into())));
    }
    if let Some(bytes) = limits.rate.bytes_per_second {
        parts.push(format!("{} a second", HumanBytes(bytes)));
    }
    if percent < 100.0 {
        parts.push(format!("fails above {percent} % of at least {} tasks", HumanCount(minimum_tasks)));
    }
    if let Some(count) = count {
        parts.push(format!("fails at {} failed tasks", HumanCount(count)));
    }
    if percent >= 100.0 && count.is_none() {
        parts.push("no failure threshold".to_owned());
    }
    for rule in &limits.stop {
        parts.push(format!("fails at {} with {}", HumanCount(rule.count), rule.codes.join(" or ")));
    }
    parts.join(", ")
}

fn schedule(schedule: &ScheduleSpec) -> String {
    let overlap = match schedule.overlap {
        Overlap::Skip => "none while the one before has not ended",
        Overlap::Queue => "each after the one before",
        Overlap::Allow => "also while the one before has not ended",
    };
    format!("{} ({}), {overlap}", printable(&schedule.cron), printable(&schedule.time_zone))
}

/// When a job begins that does not begin at once.
fn timing_of(timing: &Timing) -> Option<String> {
    let jobs = |names: &[String]| printable(&names.join(", "));
    let mut parts = Vec::new();
    parts.extend(timing.start_at.map(|moment| format!("at {}", shown(moment))));
    parts.extend((!timing.after.is_empty()).then(|| format!("once {} is Complete", jobs(&timing.after))));
    parts.extend(
        (!timing.after_ended.is_empty()).then(|| format!("once {} ended", jobs(&timing.after_ended))),
    );
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn deadline(record: &JobRecord) -> Option<String> {
    let fixed = record.deadline_at.map(shown);
    fixed.or_else(|| record.spec.timing.deadline.map(|deadline| deadline.to_string()))
}

fn role(record: &JobRecord) -> String {
    match &record.policy_digest {
        Some(digest) => {
            format!("{} (policies sha256:{})", record.spec.role, digest.chars().take(12).collect::<String>())
        }
        None => record.spec.role.clone(),
    }
}

fn tasks(record: &JobRecord) -> String {
    let total = record
        .total_tasks
        .map_or_else(|| "? in all".to_owned(), |total| format!("{} in all", HumanCount(total)));
    let done = record.succeeded + record.failed;
    let left = record.total_tasks.map_or(0, |total| total.saturating_sub(done));
    let not_run = if left > 0 { format!(", {} not run", HumanCount(left)) } else { String::new() };
    format!(
        "{total}: {} succeeded, {} failed{not_run}",
        HumanCount(record.succeeded),
        HumanCount(record.failed)
    )
}

fn failures(record: &JobRecord, codes: &[(String, u64)]) -> Option<String> {
    if record.failed == 0 {
        return None;
    }
    let mut listed: Vec<String> =
        codes.iter().take(CODES).map(|(code, count)| format!("{} {code}", HumanCount(*count))).collect();
    if codes.len() > CODES {
        listed.push("…".to_owned());
    }
    Some(format!("{} (longshore failures {})", listed.join(", "), record.id))
}

fn times(record: &JobRecord) -> String {
    let (Some(started), end) = (record.started_at, record.finished_at) else {
        return format!("created {}", shown(record.created_at));
    };
    let Some(finished) = end else { return format!("started {}", shown(started)) };
    let took = finished.duration_since(started);
    let rate = per_second(record.succeeded + record.failed, took);
    format!("{} to {} ({:.1} s, {rate} tasks/s)", shown(started), shown(finished), took.as_secs_f64())
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn per_second(tasks: u64, took: SignedDuration) -> HumanCount {
    HumanCount((tasks as f64 / took.as_secs_f64().max(0.001)) as u64)
}

fn shown(time: Timestamp) -> String {
    format!("{time:.0}")
}
