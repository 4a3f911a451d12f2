//! The contract's resource `response`, host side: from answers to getters.

use longshore_store::{HoldDuration, Response};
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::longshore::operation::s3;
use crate::handle::ResponseHandle;
use crate::one_key;
use crate::state::State;

type This = Resource<ResponseHandle>;

impl State {
    fn response(&self, this: &This) -> Result<&Response> {
        Ok(&self.table.get(this)?.response)
    }
}

fn hold_time(response: &Response) -> Option<HoldDuration> {
    response.lock.event_hold.as_ref().and_then(|hold| hold.duration)
}

/// Getters that copy one part of an answer.
macro_rules! getters {
    ($($method:ident: $type:ty = |$response:ident| $part:expr;)*) => {$(
        fn $method(&mut self, this: This) -> Result<$type> {
            let $response = self.response(&this)?;
            Ok($part)
        }
    )*};
}

impl s3::HostResponse for State {
    getters! {
        http_status: u16 = |response| response.http_status;
        etag: Option<String> = |response| response.etag.clone();
        version_id: Option<String> = |response| response.version_id.clone();
        size: Option<u64> = |response| response.size;
        storage_class: Option<String> = |response| response.storage_class.clone();
        restore_ongoing: Option<bool> = |response| response.restore.as_ref().map(|restore| restore.ongoing);
        restore_expiry: Option<String> =
            |response| response.restore.as_ref().and_then(|restore| restore.expiry.clone());
        content_type: Option<String> = |response| response.content.content_type.clone();
        cache_control: Option<String> = |response| response.content.cache_control.clone();
        content_disposition: Option<String> = |response| response.content.content_disposition.clone();
        content_encoding: Option<String> = |response| response.content.content_encoding.clone();
        content_language: Option<String> = |response| response.content.content_language.clone();
        user_metadata: Vec<(String, String)> =
            |response| response.user_metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        tags: Vec<s3::Tag> = |response| response.tags.iter().map(s3::Tag::from).collect();
        grants: Vec<s3::Grant> =
            |response| response.acl.iter().flat_map(|acl| &acl.grants).map(s3::Grant::from).collect();
        owner: Option<String> = |response| response.acl.as_ref().and_then(|acl| acl.owner.clone());
        delete_marker: bool = |response| response.delete_marker;
        lock_mode: Option<String> = |response| response.lock.mode().map(str::to_owned);
        retain_until: Option<String> =
            |response| response.lock.retention.as_ref().map(|it| it.retain_until.to_string());
        legal_hold: Option<bool> = |response| response.lock.legal_hold;
        event_hold: Option<bool> = |response| response.lock.event_hold.as_ref().map(|hold| hold.on);
        event_hold_days: Option<u32> = |response| hold_time(response).and_then(HoldDuration::days);
        event_hold_years: Option<u32> = |response| hold_time(response).and_then(HoldDuration::years);
        lock_enabled: bool = |response| response.lock_enabled;
        last_modified: Option<String> = |response| response.last_modified.map(|time| time.to_string());
        expires: Option<String> = |response| response.content.expires.map(|time| time.to_string());
        sse: Option<String> = |response| response.encryption.algorithm.clone();
        kms_key_id: Option<String> = |response| response.encryption.kms_key_id.clone();
        bucket_key: Option<bool> = |response| response.encryption.bucket_key_enabled;
        replication_status: Option<String> = |response| response.replication_status.clone();
        website_redirect: Option<String> = |response| response.website_redirect_location.clone();
        tag_count: Option<u32> = |response| response.tag_count;
        parts_count: Option<u32> = |response| response.parts_count;
        checksums: Vec<(String, String)> = |response| {
            response.checksums.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        checksum_type: Option<String> = |response| response.checksum_type.clone();
        archive_status: Option<String> = |response| response.archive_status.clone();
        upload_id: Option<String> = |response| response.upload_id.clone();
        replication_configuration: Option<String> = |response| response.replication.clone();
        versioning: Option<String> = |response| response.versioning.clone();
    }

    fn versions(&mut self, this: This) -> Result<Vec<s3::Version>> {
        Ok(one_key::listed_versions(self.response(&this)?))
    }

    fn next_version(&mut self, this: This) -> Result<Option<String>> {
        let page = &self.response(&this)?.versions;
        Ok(page.as_ref().and_then(|page| page.next.clone()?.1))
    }

    fn uploads(&mut self, this: This) -> Result<Vec<s3::Upload>> {
        Ok(one_key::listed_uploads(self.response(&this)?))
    }

    fn next_upload(&mut self, this: This) -> Result<Option<String>> {
        let page = &self.response(&this)?.uploads;
        Ok(page.as_ref().and_then(|page| page.next.clone()?.1))
    }

    fn body(&mut self, this: This) -> Result<Vec<u8>> {
        // The body moves: its bytes count as held until the answer is dropped, though no longer here.
        Ok(std::mem::take(&mut self.table.get_mut(&this)?.response.body).into())
    }

    fn drop(&mut self, this: This) -> Result<()> {
        self.drop_response(this)
    }
}
