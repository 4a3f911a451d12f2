//! The built-in operation `abort-uploads`: ends multipart uploads of each key that nobody completed, and frees their parts.

use longshore_sdk::time::{Age, Timestamp};
use longshore_sdk::versions::{MAX_CHANGES, MAX_PAGES};
use longshore_sdk::{Failure, Object, Operation, Outcome, Request, Task, Upload};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `abort-uploads`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Only uploads that began so long ago: "7d", "12h". Younger ones may still be going on.
    #[schemars(with = "Age")]
    pub older_than: Age,
}

/// The operation.
#[derive(Debug)]
pub struct AbortUploads(Parameters);

/// Uploads that began before that moment. One whose beginning the store does not say is left alone.
fn old_uploads(object: &Object, before: Timestamp) -> Result<Vec<Upload>, Failure> {
    let mut old = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let page = object.list_uploads(after.as_deref()).send()?;
        old.extend(page.uploads().into_iter().filter(|upload| {
            let began = upload.initiated.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
            began.is_some_and(|began| began < before)
        }));
        match page.next_upload() {
            Some(next) => after = Some(next),
            None => return Ok(old),
        }
    }
    let message =
        format!("the key has more uploads than fit on {MAX_PAGES} pages, the most that one task looks at");
    Err(Failure::new("TooManyUploads", message))
}

impl Operation for AbortUploads {
    type Parameters = Parameters;
    const NAME: &'static str = "abort-uploads";
    const SUMMARY: &'static str = "Aborts unfinished multipart uploads.";
    const ACTIONS: &'static [&'static str] = &["s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        Ok(Self(parameters))
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![object.list_uploads(None).planned(), object.abort_upload("unknown").planned()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let before = self.0.older_than.before(task.now()).ok_or_else(|| {
            Failure::new("InvalidArgument", "older-than leads beyond the beginning of the calendar")
        })?;
        let old = old_uploads(object, before)?;
        let mut aborted = 0;
        for upload in old.iter().take(MAX_CHANGES) {
            match object.abort_upload(&upload.upload_id).send() {
                Ok(_) => aborted += 1,
                // Completed or aborted by somebody else in the meantime.
                Err(error) if error.code == "NoSuchUpload" => {}
                Err(error) => return Err(error.into()),
            }
        }
        if old.len() > MAX_CHANGES {
            let note = format!("{} uploads are left to abort", old.len() - MAX_CHANGES);
            return Ok(Outcome::AgainAfter { seconds: 1, note });
        }
        Ok(match aborted {
            0 => Outcome::Skipped("there is no upload to abort".to_owned()),
            1 => Outcome::done_with("1 upload aborted"),
            many => Outcome::done_with(format!("{many} uploads aborted")),
        })
    }
}

longshore_sdk::export!(AbortUploads);

#[cfg(test)]
mod tests;
