//! RestoreObject.

use http::StatusCode;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::lookup::{check_owner, object};
use super::{Answer, Protocol, StatusOverride};
use crate::restore::{self, Tier};
use crate::storage::buckets;

pub(super) async fn restore(
    protocol: &Protocol,
    request: S3Request<RestoreObjectInput>,
) -> Answer<RestoreObjectOutput> {
    let input = request.input;
    check_owner(input.expected_bucket_owner.as_deref())?;
    let (days, tier) = wanted(input.restore_request)?;
    let now = jiff::Timestamp::now();
    let accepted = protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, &input.bucket)?;
        let version = object(writer, &bucket, &input.key, input.version_id.as_deref())?;
        let current = version.restore.as_ref();
        let place = bucket.place_of(&version, now);
        let accepted = restore::request(place, current, days, tier, now, protocol.restore_delay)?;
        writer.set_restore(version.id, &accepted.restore)?;
        Ok(accepted)
    })?;
    let mut response = S3Response::new(RestoreObjectOutput::default());
    if !accepted.already_restored {
        response.extensions.insert(StatusOverride(StatusCode::ACCEPTED));
    }
    Ok(response)
}

/// Days and tier of a restore request.
fn wanted(request: Option<RestoreRequest>) -> S3Result<(Option<i32>, Tier)> {
    let malformed = |what: &str| {
        s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema: {what}"
        )
    };
    let request = request.ok_or_else(|| malformed("a RestoreRequest is required"))?;
    if request.type_.is_some() || request.select_parameters.is_some() {
        return Err(s3_error!(
            NotImplemented,
            "the sandbox restores objects, it does not query them (SELECT)"
        ));
    }
    let tier = request.glacier_job_parameters.map(|parameters| parameters.tier).or(request.tier);
    let tier = match tier {
        None => Tier::Standard,
        Some(tier) => {
            Tier::parse(tier.as_str()).ok_or_else(|| malformed("Tier is Bulk, Standard or Expedited"))?
        }
    };
    Ok((request.days, tier))
}
