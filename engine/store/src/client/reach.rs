//! Is the store there, and does it know us? Asked before the first task.

use std::time::Duration;

use super::S3Store;
use super::measured;
use crate::error::{StoreError, code};
use crate::request::{ListObjectsV2, Request};
use crate::retry::{Load, RetryPolicy};

/// Few and quick retries: somebody waits at the terminal for the answer.
fn retries() -> RetryPolicy {
    RetryPolicy {
        max_attempts: 3,
        base_delay: Duration::from_millis(200),
        max_delay: Duration::from_secs(1),
        total_time: Duration::from_secs(30),
        ..RetryPolicy::default()
    }
}

/// Refusals of the probe from a store that is there and knows the credentials.
const ANSWERS: [&str; 3] = [code::ACCESS_DENIED, "NotImplemented", "MethodNotAllowed"];

impl S3Store {
    /// Sends one cheap signed request and explains its failure: a listing of at most one key of `bucket`, or of the
    /// buckets. (HeadBucket would be cheaper, but its errors have no code, so nothing could be explained.)
    ///
    /// `AccessDenied` counts as reachable: it takes valid credentials to get that far, and the tasks may well be
    /// allowed what this request is not. So does a store that knows no such listing.
    ///
    /// # Errors
    /// If the endpoint cannot be reached, the credentials are not accepted, the clocks differ, the region is wrong or
    /// there is no such bucket.
    pub async fn check_reachable(&self, bucket: Option<&str>) -> Result<(), StoreError> {
        let sdk = self.retrying.inner();
        let retries = retries();
        let probe = self.retrying.run(&retries, Load { bucket, bytes: 0 }, || async {
            match bucket {
                Some(bucket) => {
                    let listing =
                        ListObjectsV2 { bucket: bucket.to_owned(), max_keys: Some(1), ..Default::default() };
                    crate::Store::send(sdk, &Request::ListObjectsV2(listing)).await.map(drop)
                }
                None => measured(&sdk.name, "ListBuckets", sdk.list_buckets()).await,
            }
        });
        match probe.await {
            Err(error) if !ANSWERS.contains(&error.code.as_str()) => Err(self.explain(error, bucket)),
            _ => Ok(()),
        }
    }

    /// Says what to do about a failed probe.
    fn explain(&self, error: StoreError, bucket: Option<&str>) -> StoreError {
        let store = &self.retrying.inner().mapper.store;
        let advice = match error.code.as_str() {
            code::CONNECTION_ERROR => {
                let advice = "check `endpoint` in longshore.toml, and that the store runs";
                return StoreError { message: format!("{}; {advice}", error.message), ..error };
            }
            code::CONNECTION_LOST | code::TIMEOUT | code::CREDENTIALS_ERROR => return error,
            "InvalidAccessKeyId" => "does not know the access key ID: check the store's credentials".to_owned(),
            "SignatureDoesNotMatch" => {
                "says the secret access key does not belong to the access key ID: check the store's credentials"
                    .to_owned()
            }
            "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
                "does not accept the session token: get new temporary credentials".to_owned()
            }
            code::REQUEST_TIME_TOO_SKEWED => {
                "has a clock that differs from this machine's by more than 15 minutes: set the clock".to_owned()
            }
            "AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException" => {
                format!("is not in region {}: set `region` in longshore.toml", self.region)
            }
            "NoSuchBucket" => match bucket {
                Some(bucket) => format!("has no bucket {bucket}"),
                None => "does not list buckets".to_owned(),
            },
            code::INVALID_RESPONSE => "does not speak S3: check `endpoint` in longshore.toml".to_owned(),
            _ => "refuses the first request".to_owned(),
        };
        let said = format!("{store} {advice}. It said: {}: {}", error.code, error.message);
        StoreError { message: said, ..error }
    }
}
