//! What several requests say alike.

use std::fmt;

use jiff::Timestamp;

/// A range of bytes, both ends included (RFC 9110 section 14.1.2). Displays as the `Range` header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte, from 0.
    pub first: u64,
    /// Last byte; `None` means up to the end.
    pub last: Option<u64>,
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last {
            Some(last) => write!(f, "bytes={}-{last}", self.first),
            None => write!(f, "bytes={}-", self.first),
        }
    }
}

/// The headers that describe an object's content and are stored with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentHeaders {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Expires`.
    pub expires: Option<Timestamp>,
}

/// An object tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// 1–128 characters, unique within an object, case-sensitive.
    pub key: String,
    /// 0–256 characters.
    pub value: String,
}

impl Tag {
    /// `key` = `value`.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// One grant of an access control list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// To whom.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// Who a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Grantee {
    /// Canonical user ID.
    Id(String),
    /// E-mail address of an account.
    EmailAddress(String),
    /// URI of a predefined group.
    Uri(String),
}

impl Grantee {
    /// A grantee by the type names that S3 uses in headers: `id`, `emailAddress`, `uri`.
    pub fn of_type(name: &str, value: impl Into<String>) -> Option<Self> {
        match name {
            "id" => Some(Self::Id(value.into())),
            "emailAddress" => Some(Self::EmailAddress(value.into())),
            "uri" => Some(Self::Uri(value.into())),
            _ => None,
        }
    }

    /// `id`, `emailAddress` or `uri`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::EmailAddress(_) => "emailAddress",
            Self::Uri(_) => "uri",
        }
    }

    /// The ID, address or URI.
    pub fn value(&self) -> &str {
        let (Self::Id(value) | Self::EmailAddress(value) | Self::Uri(value)) = self;
        value
    }
}

/// What a grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `FULL_CONTROL`.
    FullControl,
    /// `READ`.
    Read,
    /// `WRITE`.
    Write,
    /// `READ_ACP`.
    ReadAcp,
    /// `WRITE_ACP`.
    WriteAcp,
}

impl Permission {
    /// Every permission, in the order of S3's grant headers.
    pub const ALL: [Self; 5] = [Self::FullControl, Self::Read, Self::Write, Self::ReadAcp, Self::WriteAcp];

    /// A permission by S3's name: `READ_ACP`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == name)
    }

    /// S3's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullControl => "FULL_CONTROL",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ReadAcp => "READ_ACP",
            Self::WriteAcp => "WRITE_ACP",
        }
    }
}

/// An object's new access control list, as headers: a canned ACL, or grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AclHeaders {
    /// `x-amz-acl`: `private`, `public-read`, ….
    pub canned: Option<String>,
    /// `x-amz-grant-*`. S3 refuses a request that has both.
    pub grants: Vec<Grant>,
}

impl AclHeaders {
    /// Whether no ACL is asked for.
    pub fn is_empty(&self) -> bool {
        self.canned.is_none() && self.grants.is_empty()
    }

    /// Value of the `x-amz-grant-…` header for `permission`: `id=…, uri=…`; `None` if nobody is granted it.
    pub(crate) fn grant_header(&self, permission: Permission) -> Option<String> {
        let mut header = String::new();
        for grant in self.grants.iter().filter(|grant| grant.permission == permission) {
            if !header.is_empty() {
                header.push_str(", ");
            }
            header.push_str(grant.grantee.type_name());
            header.push('=');
            header.push_str(grant.grantee.value());
        }
        (!header.is_empty()).then_some(header)
    }
}

/// Server-side encryption asked for in a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encryption {
    /// `x-amz-server-side-encryption`: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: Option<String>,
    /// `x-amz-server-side-encryption-aws-kms-key-id`: key ID, ARN or alias.
    pub kms_key_id: Option<String>,
    /// `x-amz-server-side-encryption-bucket-key-enabled`.
    pub bucket_key_enabled: Option<bool>,
}

impl Encryption {
    /// Whether keys of a KMS encrypt: the ETag is no MD5 sum then.
    pub(crate) fn is_kms(&self) -> bool {
        self.algorithm.as_deref().is_some_and(|name| name.starts_with("aws:kms"))
    }
}

/// Whether a copy takes something from its source or has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Directive {
    /// `COPY`, S3's default.
    Copy,
    /// `REPLACE`.
    Replace,
}

/// Whether a copy takes the annotations of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnnotationDirective {
    /// `COPY`, S3's default.
    Copy,
    /// `EXCLUDE`.
    Exclude,
}

impl AnnotationDirective {
    /// A directive by S3's name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "COPY" => Some(Self::Copy),
            "EXCLUDE" => Some(Self::Exclude),
            _ => None,
        }
    }

    /// S3's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "COPY",
            Self::Exclude => "EXCLUDE",
        }
    }
}

impl Directive {
    /// A directive by S3's name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "COPY" => Some(Self::Copy),
            "REPLACE" => Some(Self::Replace),
            _ => None,
        }
    }

    /// S3's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Copy => "COPY",
            Self::Replace => "REPLACE",
        }
    }
}

/// How a copy is made that is too large for one CopyObject, or goes to another store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transfer {
    /// Objects of more bytes are copied in parts. `None`: those that are too large for one CopyObject.
    pub multipart_threshold: Option<u64>,
    /// Bytes of each part but the last. `None` leaves it to the engine.
    pub part_size: Option<u64>,
    /// Store of the new object, by its name in the configuration; `None` is the source's.
    pub target_store: Option<String>,
}
