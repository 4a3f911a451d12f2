//! One type per S3 call, with the settings that this call has, and no others.

use crate::{EventHold, Grant, Response, StoreError, Tag, raw};

/// A request of any kind, for a plan.
pub struct Request(pub(crate) raw::Request);

/// Declares a call: how it is sent, planned and marked.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[must_use = "nothing happens before `send`"]
        pub struct $name(pub(crate) raw::Request);

        impl $name {
            /// Sends the request. The engine asks the role's policies first and retries what is worth it.
            ///
            /// # Errors
            /// The store's error, `AccessDenied` also where the policies refuse.
            pub fn send(self) -> Result<Response, StoreError> {
                raw::send(self.0).map(Response)
            }

            /// The request for a plan, as it will be sent.
            pub fn planned(self) -> Request {
                Request(self.0)
            }

            /// The request for a plan, where its content is known only once something else has been read: the
            /// policies are asked whether they could allow it. At `send` they are asked exactly.
            pub fn provisional(self) -> Request {
                self.0.provisional();
                Request(self.0)
            }
        }
    )*};
}

calls! {
    /// HeadObject: metadata only.
    HeadObject;
    /// GetObject: metadata and bytes.
    GetObject;
    /// PutObject.
    PutObject;
    /// CopyObject.
    CopyObject;
    /// DeleteObject.
    DeleteObject;
    /// GetObjectTagging.
    GetObjectTagging;
    /// PutObjectTagging.
    PutObjectTagging;
    /// DeleteObjectTagging.
    DeleteObjectTagging;
    /// GetObjectAcl.
    GetObjectAcl;
    /// PutObjectAcl.
    PutObjectAcl;
    /// RestoreObject.
    RestoreObject;
    /// PutObjectLegalHold.
    PutObjectLegalHold;
    /// GetObjectLegalHold.
    GetObjectLegalHold;
    /// PutObjectRetention.
    PutObjectRetention;
    /// GetObjectRetention.
    GetObjectRetention;
    /// GetObjectLockConfiguration.
    GetObjectLockConfiguration;
    /// GetBucketReplication.
    GetBucketReplication;
    /// GetBucketVersioning.
    GetBucketVersioning;
    /// ListObjectVersions of one key: one page.
    ListObjectVersions;
    /// ListMultipartUploads of one key: one page.
    ListMultipartUploads;
    /// AbortMultipartUpload.
    AbortMultipartUpload;
    /// UpdateObjectEncryption.
    UpdateObjectEncryption;
    /// A call of an endpoint beside the store.
    InvokeEndpoint;
    /// GetObject whose bytes the engine reads through a hasher.
    Checksum;
}

/// Declares settings that take text; `None` leaves the setting out.
macro_rules! text_settings {
    ($($name:ident),* => $($(#[$doc:meta])* $setter:ident = $raw:ident;)*) => {
        text_settings!(@each [$($name)*] $($(#[$doc])* $setter = $raw;)*);
    };
    (@each [$first:ident $($rest:ident)*] $($settings:tt)*) => {
        text_settings!(@one $first $($settings)*);
        text_settings!(@each [$($rest)*] $($settings)*);
    };
    (@each [] $($settings:tt)*) => {};
    (@one $name:ident $($(#[$doc:meta])* $setter:ident = $raw:ident;)*) => {
        impl $name {$(
            $(#[$doc])*
            pub fn $setter<'v>(self, value: impl Into<Option<&'v str>>) -> Self {
                if let Some(value) = value.into() {
                    self.0.$raw(value);
                }
                self
            }
        )*}
    };
}

text_settings! { HeadObject, GetObject, PutObject, DeleteObject, Checksum =>
    /// Only if the object has this ETag; otherwise 412 `PreconditionFailed`.
    if_match = set_if_match;
}

text_settings! { HeadObject, GetObject, PutObject =>
    /// Only if the object does not have this ETag; `*`: only if there is none.
    if_none_match = set_if_none_match;
}

text_settings! { PutObject, CopyObject =>
    /// Storage class of the new object (`STANDARD_IA`, …).
    storage_class = set_storage_class;
    /// `Content-Type`. On a copy this needs the metadata directive `REPLACE`.
    content_type = set_content_type;
    /// `Cache-Control`, likewise.
    cache_control = set_cache_control;
    /// `Content-Disposition`, likewise.
    content_disposition = set_content_disposition;
    /// `Content-Encoding`, likewise.
    content_encoding = set_content_encoding;
    /// `Content-Language`, likewise.
    content_language = set_content_language;
    /// `Expires`, likewise; in RFC 3339 (`2030-01-31T00:00:00Z`).
    expires = set_expires;
    /// Server-side encryption: `AES256` or `aws:kms`.
    sse = set_sse;
    /// Key ID, ARN or alias for `aws:kms`.
    kms_key_id = set_kms_key_id;
}

text_settings! { CopyObject =>
    /// Only if the source has this ETag; otherwise 412 `PreconditionFailed`.
    source_if_match = set_source_if_match;
    /// `*`: only if there is no object with the new key; otherwise 412 `PreconditionFailed`.
    if_none_match = set_if_none_match;
    /// Only if the source was modified after this time (RFC 3339); otherwise 412 `PreconditionFailed`.
    source_if_modified_since = set_source_if_modified_since;
    /// Only if the source was not modified after this time (RFC 3339); otherwise 412 `PreconditionFailed`.
    source_if_unmodified_since = set_source_if_unmodified_since;
    /// `COPY` (the default) or `REPLACE`.
    metadata_directive = set_metadata_directive;
    /// `COPY` (the default) or `REPLACE`.
    tagging_directive = set_tagging_directive;
    /// Whether the new object gets the source's annotations: `COPY` (the default) or `EXCLUDE`.
    annotation_directive = set_annotation_directive;
}

text_settings! { PutObject, CopyObject, PutObjectAcl =>
    /// A canned ACL: `private`, `public-read`, ….
    canned_acl = set_canned_acl;
}

text_settings! { PutObjectAcl =>
    /// Canonical user ID of the owner, who must stay the same. With it the grants travel as an `AccessControlPolicy`
    /// document, without it as `x-amz-grant-*` headers.
    owner = set_owner;
}

text_settings! { RestoreObject =>
    /// `Standard`, `Bulk` or `Expedited`.
    tier = set_restore_tier;
}

/// Declares settings shared by calls that write an object.
macro_rules! write_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// User metadata: names without `x-amz-meta-`.
            pub fn user_metadata<'v>(self, entries: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
                for (name, value) in entries {
                    self.0.add_user_metadata(name, value);
                }
                self
            }

            /// Tags of the new object.
            pub fn tags<K: Into<String>, V: Into<String>>(
                self,
                tags: impl IntoIterator<Item = (K, V)>,
            ) -> Self {
                for (key, value) in tags {
                    self.0.add_tag(&Tag { key: key.into(), value: value.into() });
                }
                self
            }

            /// Whether the new object has a legal hold.
            pub fn legal_hold(self, on: impl Into<Option<bool>>) -> Self {
                if let Some(on) = on.into() {
                    self.0.set_legal_hold(on);
                }
                self
            }
        }
    )*};
}

write_settings!(PutObject, CopyObject);

text_settings! { PutObject, CopyObject =>
    /// Which checksum the store keeps with the new object: `CRC32`, `SHA256`, ….
    checksum_algorithm = set_checksum_algorithm;
    /// Where a website's visitors are sent on to.
    website_redirect = set_website_redirect;
}

/// Declares the setting of bucket keys.
macro_rules! bucket_key_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// Whether to use an S3 Bucket Key with `aws:kms`.
            pub fn bucket_key(self, enabled: impl Into<Option<bool>>) -> Self {
                if let Some(enabled) = enabled.into() {
                    self.0.set_bucket_key(enabled);
                }
                self
            }
        }
    )*};
}

bucket_key_settings!(PutObject, CopyObject, UpdateObjectEncryption);

/// Declares the setting of locks.
macro_rules! lock_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// `GOVERNANCE` or `COMPLIANCE`, and until when (RFC 3339).
            pub fn lock<'v>(self, lock: impl Into<Option<(&'v str, &'v str)>>) -> Self {
                if let Some((mode, retain_until)) = lock.into() {
                    self.0.set_lock(mode, retain_until);
                }
                self
            }
        }
    )*};
}

lock_settings!(PutObject, CopyObject, PutObjectRetention);

/// Declares the setting of event holds.
macro_rules! event_hold_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// The event hold.
            pub fn event_hold<'h>(self, hold: impl Into<Option<&'h EventHold>>) -> Self {
                if let Some(hold) = hold.into() {
                    self.0.set_event_hold(hold.on, hold.mode.as_deref(), hold.days, hold.years);
                }
                self
            }
        }
    )*};
}

event_hold_settings!(PutObject, CopyObject, PutObjectRetention);

/// Declares the setting of the right to go around a `GOVERNANCE` retention.
macro_rules! bypass_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// Whether also where a `GOVERNANCE` retention protects the object. Needs
            /// `s3:BypassGovernanceRetention`.
            pub fn bypass_governance(self, bypass: bool) -> Self {
                if bypass {
                    self.0.set_bypass_governance();
                }
                self
            }
        }
    )*};
}

bypass_settings!(PutObjectRetention, DeleteObject);

impl Checksum {
    /// A composite one, of parts of so many bytes.
    pub fn composite(self, part_size: impl Into<Option<u64>>) -> Self {
        if let Some(part_size) = part_size.into() {
            self.0.set_composite(part_size);
        }
        self
    }
}

impl HeadObject {
    /// The answer has the checksums that the store keeps.
    pub fn checksums(self) -> Self {
        self.0.set_checksums();
        self
    }

    /// The answer is about this part, from 1, and says how many there are.
    pub fn part_number(self, number: u32) -> Self {
        self.0.set_part_number(number);
        self
    }
}

/// Declares the setting of grants.
macro_rules! grant_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// Grants of the ACL.
            pub fn grants<'v>(self, grants: impl IntoIterator<Item = &'v Grant>) -> Self {
                for grant in grants {
                    self.0.add_grant(grant);
                }
                self
            }
        }
    )*};
}

grant_settings!(PutObject, CopyObject, PutObjectAcl);

text_settings! {
    HeadObject, DeleteObject, ListObjectVersions, GetBucketVersioning, GetObjectLockConfiguration, GetObjectAcl,
    GetObjectRetention, GetObjectLegalHold =>
    /// Another store than the job's own: one that a parameter names which has the `format` `longshore-store` in the schema.
    store = set_store;
}

text_settings! { CopyObject =>
    /// The store that the copy goes to, if not the job's own: one that a parameter names which has the `format`
    /// `longshore-store` in the schema.
    target_store = set_store;
}

/// Declares the setting of who pays.
macro_rules! payer_settings {
    ($($name:ident),*) => {$(
        impl $name {
            /// Whether the requester pays for the request (Requester Pays buckets).
            pub fn requester_pays(self, pays: bool) -> Self {
                if pays {
                    self.0.set_requester_pays();
                }
                self
            }
        }
    )*};
}

payer_settings!(HeadObject, GetObject, GetObjectTagging, CopyObject);

impl CopyObject {
    /// Objects of more bytes are copied in parts; without it those are that the store does not copy in one call.
    pub fn multipart_threshold(self, bytes: impl Into<Option<u64>>) -> Self {
        if let Some(bytes) = bytes.into() {
            self.0.set_multipart_threshold(bytes);
        }
        self
    }

    /// Bytes of each part but the last; without it the engine chooses.
    pub fn part_size(self, bytes: impl Into<Option<u64>>) -> Self {
        if let Some(bytes) = bytes.into() {
            self.0.set_part_size(bytes);
        }
        self
    }
}

impl GetObject {
    /// First and last byte, counted from 0, both included; no last byte means up to the end.
    pub fn range(self, first: u64, last: impl Into<Option<u64>>) -> Self {
        self.0.set_range(first, last.into());
        self
    }
}

impl RestoreObject {
    /// How many days the restored copy stays.
    pub fn days(self, days: impl Into<Option<u32>>) -> Self {
        if let Some(days) = days.into() {
            self.0.set_restore_days(days);
        }
        self
    }
}
