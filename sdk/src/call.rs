//! One type per S3 call, with the settings that this call has, and no others.

use crate::{Grant, Response, StoreError, Tag, raw};

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
    /// A call of an endpoint beside the store.
    InvokeEndpoint;
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

text_settings! { HeadObject, GetObject, PutObject =>
    /// Only if the object has this ETag; otherwise 412 `PreconditionFailed`.
    if_match = set_if_match;
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
    /// `COPY` (the default) or `REPLACE`.
    metadata_directive = set_metadata_directive;
    /// `COPY` (the default) or `REPLACE`.
    tagging_directive = set_tagging_directive;
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

write_settings!(PutObject, CopyObject);

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
