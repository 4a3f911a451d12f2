//! What a decision is asked about.

use crate::arn::Arn;
use crate::context::Context;
use crate::error::EvaluationError;
use crate::limits::MAX_REQUEST_TEXT;
use crate::principal::Caller;

/// One action on one resource by one principal.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// ARN of the principal: a user, a role session (`arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`), a federated
    /// user; a service name; or `anonymous`.
    pub principal: &'a str,
    /// `service:Name`, no wildcards.
    pub action: &'a str,
    /// One ARN with the object key unescaped, or `*` for actions that have no resource.
    pub resource: &'a str,
    /// The 12-digit account that owns the resource (S3 ARNs of buckets and objects do not say it).
    pub resource_account: &'a str,
    /// The condition keys.
    pub context: &'a Context,
}

/// A request, read once for all statements.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) caller: Caller<'a>,
    /// Folded.
    pub(crate) action: String,
    /// `None` stands for `*`.
    pub(crate) resource: Option<Arn<'a>>,
    pub(crate) resource_account: &'a str,
    pub(crate) context: &'a Context,
    /// Whether the caller has a permissions boundary.
    pub(crate) bounded: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(request: &Request<'a>, bounded: bool) -> Result<Self, EvaluationError> {
        let Request { principal, action, resource, resource_account, context } = *request;
        let caller = Caller::parse(principal)
            .ok_or_else(|| EvaluationError::MalformedPrincipal { principal: principal.to_owned() })?;
        if !is_action(action) {
            return Err(EvaluationError::MalformedAction { action: action.to_owned() });
        }
        let action = action.to_ascii_lowercase();
        let resource = read_resource(resource)?;
        Ok(Self { caller, action, resource, resource_account, context, bounded })
    }

    /// Whether the resource is this bucket or an object in it.
    pub(crate) fn is_in_bucket(&self, bucket: &str) -> bool {
        self.resource.is_some_and(|arn| {
            (arn.service(), arn.region(), arn.account()) == ("s3", "", "")
                && arn
                    .resource()
                    .strip_prefix(bucket)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

fn is_action(text: &str) -> bool {
    let Some((service, name)) = text.split_once(':') else { return false };
    let well_formed = |c: char| !c.is_whitespace() && !matches!(c, '*' | '?' | ':');
    !service.is_empty()
        && !name.is_empty()
        && service.chars().all(well_formed)
        && name.chars().all(well_formed)
}

fn read_resource(text: &str) -> Result<Option<Arn<'_>>, EvaluationError> {
    if text.len() > MAX_REQUEST_TEXT {
        return Err(EvaluationError::TooLong { what: "resource".to_owned() });
    }
    if text == "*" {
        return Ok(None);
    }
    let malformed = || EvaluationError::MalformedResource { resource: text.to_owned() };
    let arn = Arn::parse(text).ok_or_else(malformed)?;
    // No S3 key is empty, so `bucket/` is neither a bucket nor an object.
    let empty_key = (arn.service(), arn.region(), arn.account()) == ("s3", "", "")
        && arn.resource().split_once('/').is_some_and(|(bucket, key)| bucket.is_empty() || key.is_empty());
    if arn.resource().is_empty() || empty_key { Err(malformed()) } else { Ok(Some(arn)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_its_objects_are_in_the_bucket_and_nothing_else_is() {
        let context = Context::new();
        let in_data = |resource: &str| {
            let request = Request {
                principal: "anonymous",
                action: "s3:GetObject",
                resource,
                resource_account: "111122223333",
                context: &context,
            };
            Call::new(&request, false).unwrap().is_in_bucket("data")
        };
        for resource in ["arn:aws:s3:::data", "arn:aws:s3:::data/a/b", "arn:aws-cn:s3:::data/x"] {
            assert!(in_data(resource), "{resource}");
        }
        for resource in [
            "*",
            "arn:aws:s3:::database",
            "arn:aws:s3:::dat",
            "arn:aws:s3:::x/data/y",
            "arn:aws:s3:eu-west-1::data/x",
            "arn:aws:s3::111122223333:data/x",
            "arn:aws:sqs:::data/x",
        ] {
            assert!(!in_data(resource), "{resource}");
        }
    }
}
