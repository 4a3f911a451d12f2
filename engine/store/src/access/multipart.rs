//! The permissions of the calls of a multipart upload. Each part and the completion are asked about with what the upload was
//! created with: a policy that asks for encryption, say, speaks of the object, not of one call.

use longshore_job::object::object_arn;

use super::{
    Access, Subject, access, add_acl, add_lock, add_lock_writes, add_new_object, add_tags, add_writes,
    on_object, set,
};
use crate::request::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, Upload, UploadPartCopy,
};

fn put(create: &CreateMultipartUpload) -> Access {
    let mut main = access("s3:PutObject", object_arn(&create.bucket, &create.key), Subject::Object);
    let context = &mut main.context;
    add_new_object(
        context,
        create.storage_class.as_deref(),
        &create.encryption,
        create.website_redirect_location.as_deref(),
    );
    add_acl(context, &create.acl);
    add_tags(context, &create.tags);
    add_lock(context, &create.lock);
    // Only the completion creates an object.
    context.set("s3:ObjectCreationOperation", "false");
    main
}

pub(super) fn create(create: &CreateMultipartUpload) -> Vec<Access> {
    let arn = object_arn(&create.bucket, &create.key);
    let mut accesses = vec![put(create)];
    add_writes(&mut accesses, &arn, &create.acl, (!create.tags.is_empty()).then_some(&create.tags));
    add_lock_writes(&mut accesses, &arn, &create.lock);
    accesses
}

pub(super) fn part(upload: &Upload) -> Access {
    put(&upload.object)
}

pub(super) fn part_copy(call: &UploadPartCopy) -> Vec<Access> {
    let mut main = part(&call.upload);
    main.context.set("s3:x-amz-copy-source", format!("{}/{}", call.source.bucket, call.source.key));
    let source = on_object(&call.source, "s3:GetObject", "s3:GetObjectVersion");
    vec![main, Access { subject: Subject::Source, ..source }]
}

pub(super) fn complete(call: &CompleteMultipartUpload) -> Access {
    let mut main = part(&call.upload);
    main.context.set("s3:ObjectCreationOperation", "true");
    set(&mut main.context, "s3:if-match", call.if_match.as_deref());
    set(&mut main.context, "s3:if-none-match", call.if_none_match.as_deref());
    main
}

pub(super) fn list(upload: &Upload) -> Access {
    let arn = object_arn(&upload.object.bucket, &upload.object.key);
    access("s3:ListMultipartUploadParts", arn, Subject::Object)
}

pub(super) fn abort(call: &AbortMultipartUpload) -> Access {
    access("s3:AbortMultipartUpload", object_arn(&call.bucket, &call.key), Subject::Object)
}
