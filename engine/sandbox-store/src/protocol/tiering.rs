//! The archive tiers of INTELLIGENT_TIERING. A configuration moves the objects that it is for as soon as it is there: the days
//! that S3 waits do not pass in a test.

use http::StatusCode;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::{Answer, Protocol};
use crate::error::custom_error;
use crate::model::{self, BucketSettings, TieringRule};
use crate::storage::buckets;

/// Fewest days without an access that each tier may ask for.
const LEAST_DAYS: [(&str, i32); 2] = [(model::ARCHIVE_ACCESS, 90), (model::DEEP_ARCHIVE_ACCESS, 180)];

pub(super) async fn put(
    protocol: &Protocol,
    request: S3Request<PutBucketIntelligentTieringConfigurationInput>,
) -> Answer<PutBucketIntelligentTieringConfigurationOutput> {
    let input = request.input;
    let rule = rule_of(input.id, input.intelligent_tiering_configuration)?;
    change(protocol, &input.bucket, |rules| {
        rules.retain(|other| other.id != rule.id);
        rules.push(rule.clone());
        Ok(())
    })?;
    Ok(S3Response::new(PutBucketIntelligentTieringConfigurationOutput {}))
}

pub(super) async fn delete(
    protocol: &Protocol,
    request: S3Request<DeleteBucketIntelligentTieringConfigurationInput>,
) -> Answer<DeleteBucketIntelligentTieringConfigurationOutput> {
    let input = request.input;
    change(protocol, &input.bucket, |rules| {
        let before = rules.len();
        rules.retain(|rule| rule.id != input.id);
        if rules.len() == before { Err(unknown()) } else { Ok(()) }
    })?;
    Ok(S3Response::new(DeleteBucketIntelligentTieringConfigurationOutput {}))
}

pub(super) async fn get(
    protocol: &Protocol,
    request: S3Request<GetBucketIntelligentTieringConfigurationInput>,
) -> Answer<GetBucketIntelligentTieringConfigurationOutput> {
    let input = request.input;
    let bucket = protocol.storage.read(|connection| buckets::get(connection, &input.bucket))?;
    let rule = bucket.settings.tiering.into_iter().find(|rule| rule.id == input.id).ok_or_else(unknown)?;
    let tiering = |(tier, days): (String, i32)| Tiering { access_tier: tier.into(), days };
    Ok(S3Response::new(GetBucketIntelligentTieringConfigurationOutput {
        intelligent_tiering_configuration: Some(IntelligentTieringConfiguration {
            filter: (!rule.prefix.is_empty())
                .then(|| IntelligentTieringFilter { prefix: Some(rule.prefix), ..Default::default() }),
            id: rule.id,
            status: IntelligentTieringStatus::from_static(if rule.enabled { "Enabled" } else { "Disabled" }),
            tierings: rule.tierings.into_iter().map(tiering).collect(),
        }),
    }))
}

fn unknown() -> S3Error {
    custom_error(
        "NoSuchConfiguration",
        StatusCode::NOT_FOUND,
        "The specified configuration does not exist.".to_owned(),
    )
}

fn rule_of(id: String, configuration: IntelligentTieringConfiguration) -> S3Result<TieringRule> {
    let malformed = |what: &str| s3_error!(MalformedXML, "{what}");
    let filter = configuration.filter.unwrap_or_default();
    if filter.and.is_some() || filter.tag.is_some() {
        return Err(s3_error!(NotImplemented, "the sandbox knows no tags in filters of Intelligent-Tiering"));
    }
    let tierings: Vec<(String, i32)> =
        configuration.tierings.into_iter().map(|it| (it.access_tier.as_str().to_owned(), it.days)).collect();
    if configuration.id != id || tierings.is_empty() {
        return Err(malformed("a configuration has the Id of its request and at least one Tiering"));
    }
    for (tier, days) in &tierings {
        let least = LEAST_DAYS.iter().find(|(known, _)| known == tier);
        let (_, least) =
            least.ok_or_else(|| malformed("an AccessTier is ARCHIVE_ACCESS or DEEP_ARCHIVE_ACCESS"))?;
        if days < least {
            return Err(s3_error!(InvalidArgument, "Days for {tier} must be at least {least}, not {days}"));
        }
    }
    let enabled = configuration.status.as_str() == IntelligentTieringStatus::ENABLED;
    Ok(TieringRule { id, prefix: filter.prefix.unwrap_or_default(), enabled, tierings })
}

fn change(
    protocol: &Protocol,
    bucket: &str,
    change: impl Fn(&mut Vec<TieringRule>) -> S3Result<()>,
) -> S3Result<()> {
    Ok(protocol.storage.write(|writer| {
        let bucket = buckets::get(writer, bucket)?;
        let mut tiering = bucket.settings.tiering.clone();
        change(&mut tiering)?;
        writer.set_settings(&bucket, &BucketSettings { tiering, ..bucket.settings.clone() })
    })?)
}
