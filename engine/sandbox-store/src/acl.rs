//! Access control lists: canned ACLs, grant headers and the XML body become one list of grants.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>. The sandbox keeps and shows
//! ACLs, it does not enforce them; and it knows one account, so any canonical user id is believed to exist and
//! no e-mail address is.

use s3s::dto;
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};

use crate::model::{OWNER_ID, OWNER_NAME};

/// Grants in one ACL; S3's limit.
const MAX_GRANTS: usize = 100;
/// The predefined groups that a grant may name.
const GROUPS: [&str; 3] = [ALL_USERS, AUTHENTICATED_USERS, "http://acs.amazonaws.com/groups/s3/LogDelivery"];
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
/// The canonical user that `aws-exec-read` lets read: Amazon EC2 ("za-team").
const EC2: &str = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";
/// The permissions of a grant.
const PERMISSIONS: [&str; 5] = ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"];

/// Who is granted a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Grantee {
    /// An account, by canonical user id.
    User(String),
    /// A predefined group, by URI.
    Group(String),
}

/// One grant of an ACL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) grantee: Grantee,
    pub(crate) permission: String,
}

/// The `x-amz-grant-*` headers of a request.
#[derive(Debug, Default)]
pub(crate) struct GrantHeaders {
    pub(crate) full_control: Option<String>,
    pub(crate) read: Option<String>,
    pub(crate) write: Option<String>,
    pub(crate) read_acp: Option<String>,
    pub(crate) write_acp: Option<String>,
}

impl GrantHeaders {
    fn by_permission(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("FULL_CONTROL", self.full_control.as_deref()),
            ("READ", self.read.as_deref()),
            ("WRITE", self.write.as_deref()),
            ("READ_ACP", self.read_acp.as_deref()),
            ("WRITE_ACP", self.write_acp.as_deref()),
        ]
    }

    fn is_empty(&self) -> bool {
        self.by_permission().iter().all(|(_, value)| value.is_none())
    }
}

/// The ACL of an object written without one: full control for its owner.
pub(crate) fn private() -> Vec<Grant> {
    vec![user(OWNER_ID, "FULL_CONTROL")]
}

/// The ACL a write asks for in its headers.
///
/// # Errors
/// `InvalidRequest` for a canned ACL together with grant headers, `InvalidArgument` for values S3 does not know.
pub(crate) fn of_headers(canned: Option<&str>, headers: &GrantHeaders) -> S3Result<Vec<Grant>> {
    match (canned, headers.is_empty()) {
        (Some(_), false) => {
            Err(s3_error!(InvalidRequest, "Specifying both Canned ACLs and Header Grants is not allowed"))
        }
        (Some(name), true) => expand_canned(name),
        (None, false) => parse_headers(headers),
        (None, true) => Ok(private()),
    }
}

/// The ACL that PutObjectAcl asks for: exactly one of a canned ACL, grant headers or an XML body.
///
/// # Errors
/// `MissingSecurityHeader` for none of them, `UnexpectedContent` for headers together with a body,
/// `MalformedACLError` for a body that breaks the schema, and those of [`of_headers`].
pub(crate) fn of_request(
    canned: Option<&str>,
    headers: &GrantHeaders,
    body: Option<dto::AccessControlPolicy>,
) -> S3Result<Vec<Grant>> {
    let in_headers = canned.is_some() || !headers.is_empty();
    match (in_headers, body) {
        (true, Some(_)) => Err(s3_error!(UnexpectedContent, "This request does not support content")),
        (true, None) => of_headers(canned, headers),
        (false, Some(policy)) => of_policy(policy),
        (false, None) => Err(s3_error!(
            MissingSecurityHeader,
            "Your request was missing a required header: an ACL is needed in x-amz-acl, x-amz-grant-* or the body"
        )),
    }
}

fn expand_canned(name: &str) -> S3Result<Vec<Grant>> {
    let mut grants = private();
    match name {
        // The owner of the bucket is the owner of the object here, so these two add nothing.
        "private" | "bucket-owner-read" | "bucket-owner-full-control" => {}
        "public-read" => grants.push(group(ALL_USERS, "READ")),
        "public-read-write" => {
            grants.push(group(ALL_USERS, "READ"));
            grants.push(group(ALL_USERS, "WRITE"));
        }
        "authenticated-read" => grants.push(group(AUTHENTICATED_USERS, "READ")),
        "aws-exec-read" => grants.push(user(EC2, "READ")),
        other => return Err(s3_error!(InvalidArgument, "'{other}' is not a canned ACL of an object")),
    }
    Ok(grants)
}

fn parse_headers(headers: &GrantHeaders) -> S3Result<Vec<Grant>> {
    let mut grants = Vec::new();
    for (permission, value) in headers.by_permission() {
        for grantee in value.into_iter().flat_map(split_grantees) {
            grants.push(Grant { grantee: parse_grantee(grantee)?, permission: permission.to_owned() });
        }
    }
    bounded(grants)
}

/// Splits `id="a", uri="b"` at the commas that are not inside quotes.
fn split_grantees(header: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    header.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

fn parse_grantee(text: &str) -> S3Result<Grantee> {
    let malformed =
        || s3_error!(InvalidArgument, "Argument format not recognized: grantees are id=\"…\" or uri=\"…\"");
    let (kind, value) = text.trim().split_once('=').ok_or_else(malformed)?;
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    match kind.trim() {
        "id" => canonical_user(value),
        "uri" => known_group(value),
        "emailAddress" => Err(unknown_email()),
        _ => Err(malformed()),
    }
}

fn of_policy(policy: dto::AccessControlPolicy) -> S3Result<Vec<Grant>> {
    let malformed = |what: &str| -> S3Error {
        s3_error!(
            MalformedACLError,
            "The XML you provided was not well-formed or did not validate against our published schema: {what}"
        )
    };
    let owner = policy.owner.and_then(|owner| owner.id).ok_or_else(|| malformed("Owner has no ID"))?;
    if owner != OWNER_ID {
        return Err(s3_error!(AccessDenied, "The owner of an object cannot be changed by its ACL"));
    }
    let listed = policy.grants.ok_or_else(|| malformed("AccessControlList is missing"))?;
    let mut grants = Vec::with_capacity(listed.len());
    for grant in listed {
        let grantee = grant.grantee.ok_or_else(|| malformed("a Grant has no Grantee"))?;
        let permission = grant.permission.ok_or_else(|| malformed("a Grant has no Permission"))?;
        if !PERMISSIONS.contains(&permission.as_str()) {
            return Err(malformed("unknown Permission"));
        }
        let grantee = match (grantee.id, grantee.uri, grantee.email_address) {
            (Some(id), None, None) => canonical_user(&id)?,
            (None, Some(uri), None) => known_group(&uri)?,
            (None, None, Some(_)) => return Err(unknown_email()),
            _ => return Err(malformed("a Grantee has exactly one of ID, URI and EmailAddress")),
        };
        grants.push(Grant { grantee, permission: permission.as_str().to_owned() });
    }
    bounded(grants)
}

fn bounded(grants: Vec<Grant>) -> S3Result<Vec<Grant>> {
    if grants.len() > MAX_GRANTS {
        return Err(s3_error!(
            MalformedACLError,
            "An ACL has at most {MAX_GRANTS} grants, this one {}",
            grants.len()
        ));
    }
    Ok(grants)
}

fn canonical_user(id: &str) -> S3Result<Grantee> {
    if id.is_empty() {
        return Err(s3_error!(InvalidArgument, "Invalid id"));
    }
    Ok(Grantee::User(id.to_owned()))
}

fn known_group(uri: &str) -> S3Result<Grantee> {
    if !GROUPS.contains(&uri) {
        return Err(s3_error!(InvalidArgument, "Invalid group uri"));
    }
    Ok(Grantee::Group(uri.to_owned()))
}

fn unknown_email() -> S3Error {
    s3_error!(
        UnresolvableGrantByEmailAddress,
        "The email address you provided does not match any account on record"
    )
}

fn user(id: &str, permission: &str) -> Grant {
    Grant { grantee: Grantee::User(id.to_owned()), permission: permission.to_owned() }
}

fn group(uri: &str, permission: &str) -> Grant {
    Grant { grantee: Grantee::Group(uri.to_owned()), permission: permission.to_owned() }
}

/// Grants in the form of the wire.
pub(crate) fn to_wire(grants: &[Grant]) -> Vec<dto::Grant> {
    grants.iter().map(grant_to_wire).collect()
}

fn grant_to_wire(grant: &Grant) -> dto::Grant {
    let (id, uri, kind) = match &grant.grantee {
        Grantee::User(id) => (Some(id.clone()), None, dto::Type::CANONICAL_USER),
        Grantee::Group(uri) => (None, Some(uri.clone()), dto::Type::GROUP),
    };
    let display_name = (id.as_deref() == Some(OWNER_ID)).then(|| OWNER_NAME.to_owned());
    dto::Grant {
        grantee: Some(dto::Grantee {
            display_name,
            email_address: None,
            id,
            type_: dto::Type::from_static(kind),
            uri,
        }),
        permission: Some(dto::Permission::from(grant.permission.clone())),
    }
}

#[cfg(test)]
#[path = "acl_tests.rs"]
mod tests;
