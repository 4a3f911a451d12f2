//! The built-in operation `delete`: deletes each object, or the version of it that the row names, or all its versions.
//!
//! S3 answers the deletion of what is not there like any other, and in a bucket with versioning makes a delete marker
//! each time. So the object is looked at first: a job that runs twice deletes once.

use longshore_sdk::template::Template;
use longshore_sdk::{DeleteObject, Failure, Object, Operation, Outcome, Request, Task, versions};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `delete`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// Only if the object has this ETag, with or without quotes. May be taken from the row: "{{column.etag}}".
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub if_match: Option<String>,
    /// Whether every version and delete marker of the key goes, for good.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub all_versions: bool,
    /// Whether also versions that a retention of mode GOVERNANCE protects.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub bypass_governance: bool,
}

/// The operation.
#[derive(Debug)]
pub struct Delete {
    if_match: Option<Template>,
    all_versions: bool,
    bypass: bool,
}

/// What a look at the object found.
enum Found {
    Object {
        etag: Option<String>,
    },
    /// It is encrypted with a customer's key (SSE-C), which DeleteObject does not need.
    Sealed,
    DeleteMarker,
    Nothing,
}

fn look(object: &Object) -> Result<Found, Failure> {
    match object.head().send() {
        Ok(answer) => Ok(Found::Object { etag: answer.etag() }),
        Err(error) if error.http_status == Some(404) && error.code != "NoSuchBucket" => Ok(Found::Nothing),
        Err(error) if error.http_status == Some(405) && object.version_id().is_some() => {
            Ok(Found::DeleteMarker)
        }
        // Without a body there is no code. Whatever else it means, DeleteObject is refused for the same reason.
        Err(error) if error.http_status == Some(400) => Ok(Found::Sealed),
        Err(error) => Err(error.into()),
    }
}

fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// S3's own answer, without the request.
fn differs(message: String) -> Failure {
    Failure::new("PreconditionFailed", message).with_status(412)
}

impl Delete {
    fn request(&self, object: &Object, etag: Option<&str>) -> DeleteObject {
        // A version never changes, and S3 knows no condition for one.
        let etag =
            etag.filter(|_| object.version_id().is_none()).map(|etag| format!("\"{}\"", unquoted(etag)));
        object.delete().if_match(etag.as_deref()).bypass_governance(self.bypass)
    }

    /// The ETag that the object must have, if any.
    fn wanted(&self, object: &Object, task: &Task) -> Result<Option<String>, Failure> {
        let etag = self.if_match.as_ref().map(|etag| etag.fill(object, task)).transpose()?;
        match etag {
            Some(etag) if unquoted(&etag).is_empty() => {
                let message = "if-match is empty for this row, and no object has an empty ETag";
                Err(Failure::new("InvalidRequest", message).with_status(400))
            }
            etag => Ok(etag),
        }
    }

    fn all(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        let all = versions::of(object)?;
        if all.is_empty() {
            return Ok(Outcome::Skipped("there is no version".to_owned()));
        }
        // The current one last: as long as others are left, the object is what it was.
        let oldest_first: Vec<_> = all.into_iter().rev().collect();
        Ok(versions::delete(object, &oldest_first, self.bypass)?.outcome(task))
    }
}

impl Operation for Delete {
    type Parameters = Parameters;
    const NAME: &'static str = "delete";
    const SUMMARY: &'static str = "Deletes objects, or versions of them.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucketVersions",
        "s3:BypassGovernanceRetention",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters { if_match, all_versions, bypass_governance } = parameters;
        if all_versions && if_match.is_some() {
            return Err("all-versions takes no if-match: versions have ETags of their own".to_owned());
        }
        let if_match = if_match.map(|etag| Template::parse(&etag)).transpose();
        let if_match = if_match.map_err(|why| format!("if-match: {why}"))?;
        Ok(Self { if_match, all_versions, bypass: bypass_governance })
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        if self.all_versions {
            let some = object.open(&object.bucket(), &object.key(), Some("null"));
            return vec![object.list_versions(None).planned(), self.request(&some, None).provisional()];
        }
        let etag = self.if_match.as_ref().and_then(|etag| etag.fill(object, task).ok());
        vec![object.head().planned(), self.request(object, etag.as_deref()).planned()]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        if self.all_versions {
            return self.all(object, task);
        }
        let wanted = self.wanted(object, task)?;
        match (look(object)?, &wanted) {
            (Found::Nothing, _) => return Ok(Outcome::Skipped("it is not there".to_owned())),
            (Found::DeleteMarker, Some(_)) => {
                return Err(differs("the version is a delete marker, which has no ETag".to_owned()));
            }
            (Found::DeleteMarker, None) => {
                self.request(object, None).send()?;
                return Ok(Outcome::done_with("delete marker removed"));
            }
            (Found::Sealed, Some(_)) => {
                let message = "the object's ETag is not told without the customer's key that encrypts it (SSE-C), so that if-match \
                               cannot be compared: delete it without if-match";
                return Err(Failure::new("InvalidRequest", message).with_status(400));
            }
            // Not every store honours If-Match.
            (Found::Object { etag: Some(etag) }, Some(wanted)) if unquoted(&etag) != unquoted(wanted) => {
                return Err(differs(format!("the object's ETag is {etag}, not {wanted}")));
            }
            _ => {}
        }
        let answer = self.request(object, wanted.as_deref()).send()?;
        Ok(match (object.version_id(), answer.delete_marker()) {
            (None, true) => match answer.version_id() {
                Some(marker) => Outcome::done_with(format!("delete marker made: {marker}")),
                None => Outcome::done_with("delete marker made"),
            },
            (Some(_), _) => Outcome::done_with("version deleted for good"),
            (None, false) => Outcome::done_with("deleted for good"),
        })
    }
}

longshore_sdk::export!(Delete);

#[cfg(test)]
mod tests;
