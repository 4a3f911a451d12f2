//! Whether the objects of a job can be locked, before its first task: as Amazon's service asks it.
//!
//! Nobody tells the engine which operations lock. One that does asks its bucket and then writes a lock, and so the plan for the first
//! row has both requests. The question is sent once for the job, by the engine, through the role's policies. One that only keeps the
//! locks of what it copies plans the question alone.

use longshore_job::Row;
use longshore_store::{Request, Response, StoreError};

use crate::error::JobFailure;
use crate::execute::row_object;
use crate::job::Job;
use crate::steps::{StepLanes, for_planning};

/// S3's code of a bucket without Object Lock, and the job's.
const NO_OBJECT_LOCK: &str = "ObjectLockConfigurationNotFoundError";
/// An operation that asks for Object Lock declares this.
const ACTION: &str = "s3:GetBucketObjectLockConfiguration";

/// Checks the bucket of the first row, for each step that wants to lock. What is not known, because the policies or the store
/// refuse to tell, is left to the tasks.
///
/// # Errors
/// If the bucket, or its store, has no Object Lock.
pub(crate) async fn check(job: &Job, first: &Row) -> Result<(), JobFailure> {
    let Ok(object) = row_object(first, job.spec.manifest.keys()) else { return Ok(()) };
    let steps = job.resolved.steps.iter().enumerate();
    let locking = steps.filter(|(_, step)| {
        // A step with a condition may be for other objects.
        step.condition.is_none() && step.plugin.description().actions.iter().any(|action| action == ACTION)
    });
    let locking: Vec<usize> = locking.map(|(number, _)| number).collect();
    if locking.is_empty() {
        return Ok(());
    }
    let mut lanes: StepLanes = for_planning(&job.resolved, &job.spec).await?;
    let subject = lanes.subject(object.clone(), first, false);
    for number in locking {
        let Ok(planned) = lanes.planned(number, &subject).await else { continue };
        let locks = |request: &Request| {
            matches!(request, Request::PutObjectLegalHold(_) | Request::PutObjectRetention(_))
        };
        if !planned.iter().any(locks) {
            continue;
        }
        let asks = |request: &Request| match request {
            Request::GetObjectLockConfiguration(call) => call.bucket == object.bucket,
            _ => false,
        };
        if let Some(request) = planned.into_iter().find(asks) {
            let answer = job.resolved.gate.task(object.clone()).send(request).await;
            verdict(&object.bucket, answer)?;
        }
    }
    Ok(())
}

fn verdict(bucket: &str, answer: Result<Response, StoreError>) -> Result<(), JobFailure> {
    let lacking = format!("bucket {bucket} has no Object Lock, so that nothing in it can be locked");
    match answer {
        Ok(answer) if answer.lock_enabled => Ok(()),
        Ok(_) => Err(JobFailure::new(NO_OBJECT_LOCK, format!("{lacking}: switch it on first"))),
        Err(error) if error.code == NO_OBJECT_LOCK => {
            Err(JobFailure::new(NO_OBJECT_LOCK, format!("{lacking}: switch it on first")))
        }
        Err(error) if matches!(error.status, Some(405 | 501)) => {
            Err(JobFailure::new(NO_OBJECT_LOCK, format!("{lacking}: {}", error.message)))
        }
        Err(error) => {
            tracing::warn!(bucket, %error, "whether the bucket has Object Lock is not known before the first task");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_says_of_the_bucket() {
        let locked = Response { lock_enabled: true, ..Response::default() };
        assert_eq!(verdict("b", Ok(locked)), Ok(()));
        let refused = verdict("b", Ok(Response::default())).unwrap_err();
        assert_eq!(
            refused.reason,
            "bucket b has no Object Lock, so that nothing in it can be locked: switch it on first"
        );
        let error = |code: &str, status| StoreError::new(code, "said so").with_status(status);
        assert_eq!(verdict("b", Err(error(NO_OBJECT_LOCK, 404))), Err(refused));
        let lacking = verdict("b", Err(error("NotImplemented", 501))).unwrap_err();
        assert!(lacking.reason.ends_with("can be locked: said so"), "{lacking}");
        assert_eq!(verdict("b", Err(error("AccessDenied", 403))), Ok(()), "the tasks will say it");
        assert_eq!(verdict("b", Err(error("SlowDown", 503).retry())), Ok(()));
    }
}
