//! The contract's interface `s3`, host side: from guest calls to request values, from answers to getters.

use std::sync::Arc;
use std::time::Instant;

use longshore_job::ObjectId;
use longshore_store::{
    AbortMultipartUpload, AclHeaders, ByteRange, ChecksumAlgorithm, CopyObject, DeleteObject,
    DeleteObjectTagging, DigestObject, GetBucketReplication, GetBucketVersioning, GetObject, GetObjectAcl,
    GetObjectLegalHold, GetObjectLockConfiguration, GetObjectRetention, GetObjectTagging, HeadObject,
    PutObject, PutObjectAcl, PutObjectLegalHold, PutObjectRetention, PutObjectTagging, Request,
    RestoreObject, StoreError, Tag, UpdateObjectEncryption,
};
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::longshore::operation::s3;
use crate::codes;
use crate::handle::{ObjectHandle, RequestHandle, ResponseHandle};
use crate::one_key::{self, OneKey};
use crate::setting;
use crate::state::{State, object_bytes};
use crate::stop::Stop;
use crate::text::quoted;
use crate::upload;
use crate::values::{listing_bytes, tag_bytes};
use crate::watch::HostCall;

type This<T> = Resource<T>;

impl State {
    fn object(&self, this: &This<ObjectHandle>) -> Result<ObjectId> {
        Ok(self.table.get(this)?.id.as_ref().clone())
    }

    fn make(
        &mut self,
        this: &This<ObjectHandle>,
        request: impl FnOnce(ObjectId) -> Request,
    ) -> Result<Resource<RequestHandle>> {
        self.make_with(this, 0, request)
    }

    /// Makes a request of an object and further text of so many bytes.
    fn make_with(
        &mut self,
        this: &This<ObjectHandle>,
        more: usize,
        request: impl FnOnce(ObjectId) -> Request,
    ) -> Result<Resource<RequestHandle>> {
        let object = self.object(this)?;
        let held = object_bytes(&object).saturating_add(more);
        self.push_request(request(object), held)
    }
}

impl s3::Host for State {
    fn open(
        &mut self,
        bucket: String,
        key: String,
        version_id: Option<String>,
    ) -> Result<Resource<ObjectHandle>> {
        self.push_object(Arc::new(ObjectId { bucket, key, version_id }))
    }

    async fn send(
        &mut self,
        request: Resource<RequestHandle>,
    ) -> Result<Result<Resource<ResponseHandle>, s3::StoreError>> {
        let entry = self.take_request(request)?;
        let (begin, watching) = (Instant::now(), self.watching.clone());
        // Only for who looks on: a request may be large.
        let shown = watching.0.as_ref().map(|_| (entry.request.clone(), entry.store.clone()));
        let answer = match entry.misfit {
            Some(misfit) => Err(StoreError::new(codes::INVALID_REQUEST, misfit)),
            None => {
                self.count_request()?;
                let Some(gate) = &self.gate else { return Err(Stop::SendOutsideRun.into()) };
                let one_key = OneKey::of(&entry.request);
                let answer = gate.send_to(entry.store.as_deref(), entry.request).await;
                answer.and_then(|answer| one_key.only(answer))
            }
        };
        if let Some((request, store)) = &shown {
            let (store, took) = (store.as_deref(), begin.elapsed());
            watching.called(&HostCall::Sent { request, store, answer: answer.as_ref(), took });
        }
        match answer {
            Ok(response) => self.push_response(response).map(Ok),
            // Not for the guest to overlook.
            Err(error) if error.status.is_none() && error.code == codes::NOT_GRANTED => {
                Err(Stop::NotGranted(error.message).into())
            }
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl s3::HostObject for State {
    fn bucket(&mut self, this: This<ObjectHandle>) -> Result<String> {
        Ok(self.table.get(&this)?.id.bucket.clone())
    }

    fn key(&mut self, this: This<ObjectHandle>) -> Result<String> {
        Ok(self.table.get(&this)?.id.key.clone())
    }

    fn version_id(&mut self, this: This<ObjectHandle>) -> Result<Option<String>> {
        Ok(self.table.get(&this)?.id.version_id.clone())
    }

    fn head(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| HeadObject::new(object).into())
    }

    fn get(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| GetObject::new(object).into())
    }

    fn put(&mut self, this: This<ObjectHandle>, body: Vec<u8>) -> Result<Resource<RequestHandle>> {
        let object = self.object(&this)?;
        let held = object_bytes(&object) + body.len();
        self.push_request(PutObject::new(object.bucket, object.key, body.into()), held)
    }

    fn copy_to(
        &mut self,
        this: This<ObjectHandle>,
        bucket: String,
        key: String,
    ) -> Result<Resource<RequestHandle>> {
        let source = self.object(&this)?;
        let held = object_bytes(&source) + bucket.len() + key.len();
        self.push_request(CopyObject::new(source, bucket, key), held)
    }

    fn delete(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| DeleteObject::new(object).into())
    }

    fn get_tags(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| GetObjectTagging::new(object).into())
    }

    fn put_tags(&mut self, this: This<ObjectHandle>, tags: Vec<s3::Tag>) -> Result<Resource<RequestHandle>> {
        let object = self.object(&this)?;
        let held = object_bytes(&object) + tags.iter().map(tag_bytes).sum::<usize>();
        let tags = tags.into_iter().map(Tag::from).collect();
        self.push_request(PutObjectTagging { object, tags }, held)
    }

    fn delete_tags(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| DeleteObjectTagging { object }.into())
    }

    fn get_acl(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| GetObjectAcl { object }.into())
    }

    fn put_acl(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| PutObjectAcl::new(object, AclHeaders::default()).into())
    }

    fn restore(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| RestoreObject { object, days: None, tier: None }.into())
    }

    fn put_legal_hold(&mut self, this: This<ObjectHandle>, on: bool) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| PutObjectLegalHold { object, on }.into())
    }

    fn get_legal_hold(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| GetObjectLegalHold { object }.into())
    }

    fn put_retention(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| {
            PutObjectRetention { object, retention: None, event_hold: None, bypass_governance: false }.into()
        })
    }

    fn get_retention(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| GetObjectRetention { object }.into())
    }

    fn get_lock_configuration(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| GetObjectLockConfiguration { bucket: object.bucket }.into())
    }

    fn list_versions(
        &mut self,
        this: This<ObjectHandle>,
        after: Option<String>,
    ) -> Result<Resource<RequestHandle>> {
        let more = listing_bytes(self.object(&this)?, &after);
        self.make_with(&this, more, |object| one_key::versions(object, after).into())
    }

    fn list_uploads(
        &mut self,
        this: This<ObjectHandle>,
        after: Option<String>,
    ) -> Result<Resource<RequestHandle>> {
        let more = listing_bytes(self.object(&this)?, &after);
        self.make_with(&this, more, |object| one_key::uploads(object, after).into())
    }

    fn abort_upload(
        &mut self,
        this: This<ObjectHandle>,
        upload_id: String,
    ) -> Result<Resource<RequestHandle>> {
        self.make_with(&this, upload_id.len(), |object| {
            AbortMultipartUpload { bucket: object.bucket, key: object.key, upload_id }.into()
        })
    }

    fn create_upload(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, upload::create)
    }

    fn upload_part(
        &mut self,
        this: This<ObjectHandle>,
        upload_id: String,
        number: u32,
        body: Vec<u8>,
    ) -> Result<Resource<RequestHandle>> {
        let object = self.object(&this)?;
        let held = object.key.len() + upload_id.len() + body.len();
        self.push_request(upload::part(object, upload_id, number, body), held)
    }

    fn complete_upload(
        &mut self,
        this: This<ObjectHandle>,
        upload_id: String,
    ) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| upload::complete(object, upload_id))
    }

    fn update_encryption(
        &mut self,
        this: This<ObjectHandle>,
        kms_key_arn: String,
    ) -> Result<Resource<RequestHandle>> {
        self.make_with(&this, kms_key_arn.len(), |object| {
            UpdateObjectEncryption { object, kms_key_arn, bucket_key_enabled: None }.into()
        })
    }

    fn checksum(&mut self, this: This<ObjectHandle>, algorithm: String) -> Result<Resource<RequestHandle>> {
        let known = ChecksumAlgorithm::from_name(&algorithm);
        let request = self.make(&this, |object| {
            let algorithm = known.unwrap_or(ChecksumAlgorithm::Crc32);
            DigestObject::new(object, algorithm).into()
        })?;
        if known.is_none() {
            self.set(&request, 0, |_| Err(format!("{} is no algorithm of checksums", quoted(&algorithm))))?;
        }
        Ok(request)
    }

    fn get_replication(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |source| GetBucketReplication { source }.into())
    }

    fn get_versioning(&mut self, this: This<ObjectHandle>) -> Result<Resource<RequestHandle>> {
        self.make(&this, |object| GetBucketVersioning { bucket: object.bucket }.into())
    }

    fn drop(&mut self, this: Resource<ObjectHandle>) -> Result<()> {
        self.drop_object(this)
    }
}

/// Setters of one text that only need to find their place.
macro_rules! text_setters {
    ($($method:ident => $setting:ident;)*) => {$(
        fn $method(&mut self, this: This<RequestHandle>, value: String) -> Result<()> {
            self.set(&this, value.len(), |request| setting::$setting(request, value))
        }
    )*};
}

impl s3::HostRequest for State {
    text_setters! {
        set_if_match => if_match;
        set_if_none_match => if_none_match;
        set_source_if_match => source_if_match;
        set_storage_class => storage_class;
        set_content_type => content_type;
        set_cache_control => cache_control;
        set_content_disposition => content_disposition;
        set_content_encoding => content_encoding;
        set_content_language => content_language;
        set_canned_acl => canned_acl;
        set_owner => owner;
        set_sse => sse;
        set_kms_key_id => kms_key_id;
        set_restore_tier => restore_tier;
        set_checksum_algorithm => checksum_algorithm;
        set_website_redirect => website_redirect;
    }

    fn provisional(&mut self, this: This<RequestHandle>) -> Result<()> {
        self.table.get_mut(&this)?.provisional = true;
        Ok(())
    }

    fn set_range(&mut self, this: This<RequestHandle>, first: u64, last: Option<u64>) -> Result<()> {
        self.set(&this, 0, |request| setting::range(request, ByteRange { first, last }))
    }

    fn set_metadata_directive(&mut self, this: This<RequestHandle>, directive: String) -> Result<()> {
        self.set(&this, 0, |request| setting::metadata_directive(request, &directive))
    }

    fn set_tagging_directive(&mut self, this: This<RequestHandle>, directive: String) -> Result<()> {
        self.set(&this, 0, |request| setting::tagging_directive(request, &directive))
    }

    fn set_expires(&mut self, this: This<RequestHandle>, time: String) -> Result<()> {
        self.set(&this, 0, |request| setting::expires(request, &time))
    }

    fn add_user_metadata(&mut self, this: This<RequestHandle>, name: String, value: String) -> Result<()> {
        let bytes = 2 * size_of::<String>() + name.len() + value.len();
        self.set(&this, bytes, |request| setting::user_metadata(request, name, value))
    }

    fn add_tag(&mut self, this: This<RequestHandle>, tag: s3::Tag) -> Result<()> {
        self.set(&this, tag_bytes(&tag), |request| setting::tag(request, tag.into()))
    }

    fn add_grant(&mut self, this: This<RequestHandle>, grant: s3::Grant) -> Result<()> {
        let bytes = size_of::<longshore_store::Grant>() + grant.grantee.len();
        self.set(&this, bytes, |request| setting::grant(request, grant))
    }

    fn set_bucket_key(&mut self, this: This<RequestHandle>, enabled: bool) -> Result<()> {
        self.set(&this, 0, |request| setting::bucket_key(request, enabled))
    }

    fn set_restore_days(&mut self, this: This<RequestHandle>, days: u32) -> Result<()> {
        self.set(&this, 0, |request| setting::restore_days(request, days))
    }

    fn set_source_if_modified_since(&mut self, this: This<RequestHandle>, time: String) -> Result<()> {
        self.set(&this, 0, |request| setting::source_if_modified_since(request, &time))
    }

    fn set_source_if_unmodified_since(&mut self, this: This<RequestHandle>, time: String) -> Result<()> {
        self.set(&this, 0, |request| setting::source_if_unmodified_since(request, &time))
    }

    fn set_requester_pays(&mut self, this: This<RequestHandle>) -> Result<()> {
        self.set(&this, 0, setting::requester_pays)
    }

    fn set_store(&mut self, this: This<RequestHandle>, name: String) -> Result<()> {
        if matches!(self.table.get(&this)?.request, Request::CopyObject(_)) {
            return self.set(&this, name.len(), |request| setting::target_store(request, name));
        }
        if upload::is_of_upload(&self.table.get(&this)?.request) {
            return self.set(&this, 0, |request| Err(format!("{} has no store", request.name())));
        }
        self.set(&this, name.len(), |_| Ok(()))?;
        self.table.get_mut(&this)?.store = Some(name);
        Ok(())
    }

    fn set_multipart_threshold(&mut self, this: This<RequestHandle>, bytes: u64) -> Result<()> {
        self.set(&this, 0, |request| setting::multipart_threshold(request, bytes))
    }

    fn set_part_size(&mut self, this: This<RequestHandle>, bytes: u64) -> Result<()> {
        self.set(&this, 0, |request| setting::part_size(request, bytes))
    }

    fn set_lock(&mut self, this: This<RequestHandle>, mode: String, retain_until: String) -> Result<()> {
        self.set(&this, mode.len(), |request| setting::lock(request, mode, &retain_until))
    }

    fn set_event_hold(
        &mut self,
        this: This<RequestHandle>,
        on: bool,
        mode: Option<String>,
        days: Option<u32>,
        years: Option<u32>,
    ) -> Result<()> {
        let bytes = mode.as_ref().map_or(0, String::len);
        self.set(&this, bytes, |request| setting::event_hold(request, on, mode, (days, years)))
    }

    fn set_annotation_directive(&mut self, this: This<RequestHandle>, directive: String) -> Result<()> {
        self.set(&this, 0, |request| setting::annotation_directive(request, &directive))
    }

    fn set_legal_hold(&mut self, this: This<RequestHandle>, on: bool) -> Result<()> {
        self.set(&this, 0, |request| setting::legal_hold(request, on))
    }

    fn set_bypass_governance(&mut self, this: This<RequestHandle>) -> Result<()> {
        self.set(&this, 0, setting::bypass_governance)
    }

    fn set_checksums(&mut self, this: This<RequestHandle>) -> Result<()> {
        self.set(&this, 0, setting::checksums)
    }

    fn set_composite(&mut self, this: This<RequestHandle>, part_size: u64) -> Result<()> {
        self.set(&this, 0, |request| setting::composite(request, part_size))
    }

    fn set_part_number(&mut self, this: This<RequestHandle>, number: u32) -> Result<()> {
        self.set(&this, 0, |request| setting::part_number(request, number))
    }

    fn drop(&mut self, this: Resource<RequestHandle>) -> Result<()> {
        self.take_request(this).map(drop)
    }
}
