//! Which permissions a request needs, and the condition keys that policies may test.
//!
//! Actions: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3". Copies and writes
//! with tags or ACLs: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations". What depends on the
//! caller or the clock, and the tags an object already has, is added by the gate.

mod multipart;

use longshore_job::ObjectId;
use longshore_job::object::{bucket_arn, object_arn};
use longshore_policy::Context;

use crate::request::{
    AclHeaders, AnnotationDirective, CopyObject, DeleteObject, Directive, Encryption, EventHold,
    HoldDuration, ObjectLock, Permission, PutObject, PutObjectAcl, PutObjectRetention, PutObjectTagging,
    Request, Retention, Tag, UpdateObjectEncryption,
};

/// Condition key of the moment until which an object is retained.
pub(crate) const RETAIN_UNTIL: &str = "s3:object-lock-retain-until-date";

/// One permission that a request needs. A request may be sent only if all of its accesses are allowed.
#[derive(Debug, Clone)]
pub struct Access {
    /// IAM action: `s3:PutObjectTagging`.
    pub action: &'static str,
    /// ARN, with the key unescaped.
    pub resource: String,
    /// What the access is about.
    pub subject: Subject,
    /// Condition keys that the request itself supplies.
    pub context: Context,
}

/// Which of a request's resources an access is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The object that the request works on ([`Request::object`]).
    Object,
    /// The source of a copy ([`Request::source`]).
    Source,
    /// The bucket.
    Bucket,
    /// No object: an endpoint beside the store.
    Endpoint,
}

impl Access {
    /// Whether policies may test the tags that the object has now (`s3:ExistingObjectTag/…`) for this action. For
    /// others Amazon S3 supplies none, and neither does the engine.
    pub fn sees_existing_tags(&self) -> bool {
        matches!(
            self.action,
            "s3:GetObject"
                | "s3:GetObjectVersion"
                | "s3:GetObjectTagging"
                | "s3:GetObjectVersionTagging"
                | "s3:PutObjectTagging"
                | "s3:PutObjectVersionTagging"
                | "s3:DeleteObjectTagging"
                | "s3:DeleteObjectVersionTagging"
                | "s3:GetObjectAcl"
                | "s3:GetObjectVersionAcl"
                | "s3:PutObjectAcl"
                | "s3:PutObjectVersionAcl"
                | "s3:UpdateObjectEncryption"
        )
    }
}

impl Request {
    /// Every permission that the request needs, derived from what will be sent. Which one a call of an endpoint needs is the
    /// endpoint's: [`Endpoints`](crate::Endpoints).
    pub fn accesses(&self) -> Vec<Access> {
        match self {
            Self::HeadObject(call) => one(&call.object, "s3:GetObject", "s3:GetObjectVersion"),
            Self::GetObject(call) => one(&call.object, "s3:GetObject", "s3:GetObjectVersion"),
            Self::DigestObject(call) => one(&call.object, "s3:GetObject", "s3:GetObjectVersion"),
            Self::PutObject(put) => put_accesses(put),
            Self::CopyObject(copy) => copy_accesses(copy),
            Self::CreateMultipartUpload(create) => multipart::create(create),
            Self::UploadPart(part) => vec![multipart::part(&part.upload)],
            Self::UploadPartCopy(part) => multipart::part_copy(part),
            Self::CompleteMultipartUpload(call) => vec![multipart::complete(call)],
            Self::ListParts(call) => vec![multipart::list(&call.upload)],
            Self::GetObjectTagging(call) => {
                one(&call.object, "s3:GetObjectTagging", "s3:GetObjectVersionTagging")
            }
            Self::PutObjectTagging(call) => vec![tagging_access(call)],
            Self::DeleteObjectTagging(call) => {
                one(&call.object, "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging")
            }
            Self::GetObjectAcl(call) => one(&call.object, "s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
            Self::PutObjectAcl(call) => vec![acl_access(call)],
            // One action for every version; its name has no variant that supplies s3:VersionId.
            Self::RestoreObject(call) => {
                vec![access("s3:RestoreObject", call.object.arn(), Subject::Object)]
            }
            Self::DeleteObject(call) => delete_accesses(call),
            Self::HeadBucket(call) => vec![on_bucket("s3:ListBucket", &call.bucket)],
            Self::ListObjectsV2(call) => {
                let mut access =
                    listing("s3:ListBucket", &call.bucket, call.prefix.as_deref(), call.max_keys);
                set(&mut access.context, "s3:delimiter", call.delimiter.as_deref());
                vec![access]
            }
            Self::ListObjectVersions(call) => {
                vec![listing("s3:ListBucketVersions", &call.bucket, call.prefix.as_deref(), call.max_keys)]
            }
            Self::PutObjectLegalHold(call) => {
                let mut access = access("s3:PutObjectLegalHold", call.object.arn(), Subject::Object);
                add_legal_hold(&mut access.context, call.on);
                vec![access]
            }
            Self::GetObjectLegalHold(call) => {
                vec![access("s3:GetObjectLegalHold", call.object.arn(), Subject::Object)]
            }
            Self::PutObjectRetention(call) => retention_accesses(call),
            Self::GetObjectRetention(call) => {
                vec![access("s3:GetObjectRetention", call.object.arn(), Subject::Object)]
            }
            Self::GetObjectLockConfiguration(call) => {
                vec![on_bucket("s3:GetBucketObjectLockConfiguration", &call.bucket)]
            }
            Self::GetBucketReplication(call) => replication_accesses(&call.source),
            Self::GetBucketVersioning(call) => vec![on_bucket("s3:GetBucketVersioning", &call.bucket)],
            Self::ListMultipartUploads(call) => {
                vec![on_bucket("s3:ListBucketMultipartUploads", &call.bucket)]
            }
            Self::AbortMultipartUpload(call) => vec![multipart::abort(call)],
            Self::UpdateObjectEncryption(call) => vec![encryption_access(call)],
            Self::InvokeEndpoint(_) => Vec::new(),
        }
    }
}

fn tagging_access(call: &PutObjectTagging) -> Access {
    let mut access = on_object(&call.object, "s3:PutObjectTagging", "s3:PutObjectVersionTagging");
    add_tags(&mut access.context, &call.tags);
    access
}

fn acl_access(call: &PutObjectAcl) -> Access {
    let mut access = on_object(&call.object, "s3:PutObjectAcl", "s3:PutObjectVersionAcl");
    // With an owner the grants travel in the body, which Amazon S3 does not show to policies.
    if call.owner.is_none() {
        add_acl(&mut access.context, &call.acl);
    }
    access
}

fn on_bucket(action: &'static str, bucket: &str) -> Access {
    access(action, bucket_arn(bucket), Subject::Bucket)
}

/// An access to one page of a bucket's listing.
fn listing(action: &'static str, bucket: &str, prefix: Option<&str>, max_keys: Option<u32>) -> Access {
    let mut access = on_bucket(action, bucket);
    set(&mut access.context, "s3:prefix", prefix);
    if let Some(max_keys) = max_keys {
        access.context.set("s3:max-keys", max_keys.to_string());
    }
    access
}

/// What batch replication needs: to read the configuration, and to begin the replication of the object.
fn replication_accesses(source: &ObjectId) -> Vec<Access> {
    vec![
        on_bucket("s3:GetReplicationConfiguration", &source.bucket),
        access("s3:InitiateReplication", source.arn(), Subject::Object),
    ]
}

fn encryption_access(call: &UpdateObjectEncryption) -> Access {
    let mut access = access("s3:UpdateObjectEncryption", call.object.arn(), Subject::Object);
    access.context.set("s3:x-amz-server-side-encryption", "aws:kms");
    access.context.set("s3:x-amz-server-side-encryption-aws-kms-key-id", call.kms_key_arn.as_str());
    access
}

fn delete_accesses(call: &DeleteObject) -> Vec<Access> {
    let mut main = on_object(&call.object, "s3:DeleteObject", "s3:DeleteObjectVersion");
    if call.object.version_id.is_none() {
        set(&mut main.context, "s3:if-match", call.if_match.as_deref());
    }
    let mut accesses = vec![main];
    add_bypass(&mut accesses, &call.object, call.bypass_governance);
    accesses
}

fn retention_accesses(call: &PutObjectRetention) -> Vec<Access> {
    let mut main = access("s3:PutObjectRetention", call.object.arn(), Subject::Object);
    add_retention(&mut main.context, call.retention.as_ref(), call.event_hold.as_ref());
    let mut accesses = vec![main];
    add_bypass(&mut accesses, &call.object, call.bypass_governance);
    accesses
}

fn add_bypass(accesses: &mut Vec<Access>, object: &ObjectId, bypass: bool) {
    if bypass {
        accesses.push(access("s3:BypassGovernanceRetention", object.arn(), Subject::Object));
    }
}

fn access(action: &'static str, resource: String, subject: Subject) -> Access {
    Access { action, resource, subject, context: Context::new() }
}

/// An access to an existing object: `versioned` and its key if the request names a version.
fn on_object(object: &ObjectId, plain: &'static str, versioned: &'static str) -> Access {
    match &object.version_id {
        None => access(plain, object.arn(), Subject::Object),
        Some(version) => {
            let mut access = access(versioned, object.arn(), Subject::Object);
            access.context.set("s3:VersionId", version.as_str());
            access
        }
    }
}

fn one(object: &ObjectId, plain: &'static str, versioned: &'static str) -> Vec<Access> {
    vec![on_object(object, plain, versioned)]
}

fn put_accesses(put: &PutObject) -> Vec<Access> {
    let arn = object_arn(&put.bucket, &put.key);
    let mut main = access("s3:PutObject", arn.clone(), Subject::Object);
    let context = &mut main.context;
    add_new_object(
        context,
        put.storage_class.as_deref(),
        &put.encryption,
        put.website_redirect_location.as_deref(),
    );
    add_acl(context, &put.acl);
    add_tags(context, &put.tags);
    add_lock(context, &put.lock);
    set(context, "s3:if-match", put.if_match.as_deref());
    set(context, "s3:if-none-match", put.if_none_match.as_deref());
    let mut accesses = vec![main];
    add_writes(&mut accesses, &arn, &put.acl, (!put.tags.is_empty()).then_some(&put.tags));
    add_lock_writes(&mut accesses, &arn, &put.lock);
    accesses
}

fn copy_accesses(copy: &CopyObject) -> Vec<Access> {
    // COPY is S3's default: without a directive the source's tags are read and written.
    let copies_tags = copy.tagging_directive != Some(Directive::Replace);
    let arn = object_arn(&copy.bucket, &copy.key);
    let mut main = access("s3:PutObject", arn.clone(), Subject::Object);
    let context = &mut main.context;
    add_new_object(
        context,
        copy.storage_class.as_deref(),
        &copy.encryption,
        copy.website_redirect_location.as_deref(),
    );
    add_acl(context, &copy.acl);
    add_tags(context, &copy.tags);
    add_lock(context, &copy.lock);
    context.set("s3:x-amz-copy-source", format!("{}/{}", copy.source.bucket, copy.source.key));
    set(context, "s3:if-none-match", copy.if_none_match.as_deref());
    set(context, "s3:x-amz-metadata-directive", copy.metadata_directive.map(Directive::as_str));
    let annotations = copy.annotation_directive.map(AnnotationDirective::as_str);
    set(context, "s3:x-amz-object-annotation-directive", annotations);
    let mut accesses = vec![main];
    let writes_tags = copies_tags || !copy.tags.is_empty();
    add_writes(&mut accesses, &arn, &copy.acl, writes_tags.then_some(&copy.tags));
    add_lock_writes(&mut accesses, &arn, &copy.lock);
    let source =
        |plain, versioned| Access { subject: Subject::Source, ..on_object(&copy.source, plain, versioned) };
    accesses.push(source("s3:GetObject", "s3:GetObjectVersion"));
    if copies_tags {
        accesses.push(source("s3:GetObjectTagging", "s3:GetObjectVersionTagging"));
    }
    // Where nothing is said S3 copies annotations, too, of the few objects that have any, and asks its own policies then.
    if copy.annotation_directive == Some(AnnotationDirective::Copy) {
        accesses.push(source("s3:GetObjectAnnotation", "s3:GetObjectVersionAnnotation"));
        accesses.push(access("s3:PutObjectAnnotation", arn, Subject::Object));
    }
    accesses
}

/// The further permissions of a write that sets an ACL or tags along with the object.
fn add_writes(accesses: &mut Vec<Access>, arn: &str, acl: &AclHeaders, tags: Option<&Vec<Tag>>) {
    if !acl.is_empty() {
        let mut access = access("s3:PutObjectAcl", arn.to_owned(), Subject::Object);
        add_acl(&mut access.context, acl);
        accesses.push(access);
    }
    if let Some(tags) = tags {
        let mut access = access("s3:PutObjectTagging", arn.to_owned(), Subject::Object);
        add_tags(&mut access.context, tags);
        accesses.push(access);
    }
}

/// The further permissions of a write that locks the object along with it.
fn add_lock_writes(accesses: &mut Vec<Access>, arn: &str, lock: &ObjectLock) {
    if lock.retention.is_some() || lock.event_hold.is_some() {
        let mut access = access("s3:PutObjectRetention", arn.to_owned(), Subject::Object);
        add_retention(&mut access.context, lock.retention.as_ref(), lock.event_hold.as_ref());
        accesses.push(access);
    }
    if let Some(on) = lock.legal_hold {
        let mut access = access("s3:PutObjectLegalHold", arn.to_owned(), Subject::Object);
        add_legal_hold(&mut access.context, on);
        accesses.push(access);
    }
}

fn add_lock(context: &mut Context, lock: &ObjectLock) {
    add_retention(context, lock.retention.as_ref(), lock.event_hold.as_ref());
    if let Some(on) = lock.legal_hold {
        add_legal_hold(context, on);
    }
}

/// The days that are left depend on the clock: the gate adds them.
fn add_retention(context: &mut Context, retention: Option<&Retention>, hold: Option<&EventHold>) {
    if let Some(retention) = retention {
        context.set("s3:object-lock-mode", retention.mode.as_str());
        let until = retention.retain_until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        context.set(RETAIN_UNTIL, until);
    }
    if let Some(hold) = hold {
        set(context, "s3:object-lock-mode", hold.mode.as_deref().filter(|_| retention.is_none()));
        context.set("s3:object-lock-event-hold", on_or_off(hold.on));
    }
    // There is no key for years.
    let days = hold.and_then(|hold| hold.duration).map(|duration| match duration {
        HoldDuration::Days(days) => days,
        HoldDuration::Years(years) => years.saturating_mul(365),
    });
    if let Some(days) = days {
        context.set("s3:object-lock-event-hold-duration-days", days.to_string());
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

fn add_legal_hold(context: &mut Context, on: bool) {
    context.set("s3:object-lock-legal-hold", on_or_off(on));
}

fn set(context: &mut Context, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        context.set(key, value);
    }
}

fn add_new_object(
    context: &mut Context,
    class: Option<&str>,
    encryption: &Encryption,
    redirect: Option<&str>,
) {
    context.set("s3:ObjectCreationOperation", "true");
    set(context, "s3:x-amz-storage-class", class);
    set(context, "s3:x-amz-server-side-encryption", encryption.algorithm.as_deref());
    set(context, "s3:x-amz-server-side-encryption-aws-kms-key-id", encryption.kms_key_id.as_deref());
    set(context, "s3:x-amz-website-redirect-location", redirect);
}

fn add_acl(context: &mut Context, acl: &AclHeaders) {
    set(context, "s3:x-amz-acl", acl.canned.as_deref());
    if acl.grants.is_empty() {
        return;
    }
    for permission in Permission::ALL {
        if let Some(header) = acl.grant_header(permission) {
            context.set(grant_key(permission), header);
        }
    }
}

fn grant_key(permission: Permission) -> &'static str {
    match permission {
        Permission::FullControl => "s3:x-amz-grant-full-control",
        Permission::Read => "s3:x-amz-grant-read",
        Permission::Write => "s3:x-amz-grant-write",
        Permission::ReadAcp => "s3:x-amz-grant-read-acp",
        Permission::WriteAcp => "s3:x-amz-grant-write-acp",
    }
}

fn add_tags(context: &mut Context, tags: &[Tag]) {
    for tag in tags {
        context.set(format!("s3:RequestObjectTag/{}", tag.key), tag.value.as_str());
    }
    context.set_many("s3:RequestObjectTagKeys", tags.iter().map(|tag| tag.key.clone()));
}

#[cfg(test)]
mod tests;
