//! Measures each attempt of a request.

use std::time::Instant;

use crate::error::StoreError;
use crate::response::Response;

/// What was answered, in the label of a metric: HTTP's status.
pub(crate) trait Answered {
    /// The status; 200 where the answer does not keep it.
    fn status(&self) -> u16 {
        200
    }
}

impl Answered for Response {
    fn status(&self) -> u16 {
        self.http_status
    }
}

impl<T> Answered for super::answers::Answered<T> {
    fn status(&self) -> u16 {
        self.status
    }
}

impl Answered for () {}

impl Answered for String {}

impl Answered for crate::transfer::Downloaded {}

/// Waits for one attempt of `operation` on `store`, and says how it went and how long it took.
pub(crate) async fn measured<T: Answered>(
    store: &str,
    operation: &'static str,
    attempt: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let begin = Instant::now();
    let result = attempt.await;
    let status = match &result {
        Ok(answer) => Some(answer.status()),
        Err(error) => error.status,
    };
    // What a server makes up must not become a label each.
    let text = match (status, &result) {
        (Some(status @ 100..=599), _) => status.to_string(),
        (None, Err(error)) if error.is_lost_answer() => error.code.clone(),
        (None, _) => "NoAnswer".to_owned(),
        (Some(_), _) => "other".to_owned(),
    };
    longshore_measure::request(store, operation, &text, begin.elapsed());
    result
}
