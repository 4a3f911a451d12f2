//! How the policy types work together (IAM User Guide, "Policy evaluation logic").

use crate::principal::{Caller, Strength};

/// What the documents of each type say, Deny statements aside: `F` is the statement that was found.
#[derive(Debug, Clone)]
pub(crate) struct Evidence<'a, F> {
    pub(crate) caller: Caller<'a>,
    pub(crate) resource_account: &'a str,
    /// The first level of service control policies that does not allow.
    pub(crate) closed_level: Option<usize>,
    /// Whether there is a boundary, and nothing in it allows.
    pub(crate) outside_boundary: bool,
    /// The first level of session policies that does not allow.
    pub(crate) closed_session: Option<usize>,
    pub(crate) identity: Option<F>,
    /// The strongest Allow of the resource policies.
    pub(crate) resource: Option<(Strength, F)>,
}

/// Which policy type should have allowed the request, and did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    ServiceControl {
        level: usize,
    },
    Identity,
    Boundary,
    Session {
        level: usize,
    },
    /// The resource belongs to another account, or the caller to none.
    Resource,
}

/// Decides a request that no Deny statement applies to. The statement that grants it, or what is missing.
pub(crate) fn combine<F>(evidence: Evidence<'_, F>) -> Result<F, Missing> {
    if let Some(level) = evidence.closed_level {
        return Err(Missing::ServiceControl { level });
    }
    let ceiling = if evidence.outside_boundary {
        Some(Missing::Boundary)
    } else {
        evidence.closed_session.map(|level| Missing::Session { level })
    };
    let under_ceiling = |found: F| ceiling.map_or(Ok(found), Err);
    // A document without principals, put where a resource policy belongs, names nobody.
    let resource = evidence.resource.filter(|(strength, _)| *strength > Strength::Unnamed);
    match (evidence.caller.account(), resource, evidence.identity) {
        // Whoever has no account has no policies of its own: only the resource's side speaks.
        (None, Some((Strength::Direct, found)), _) => Ok(found),
        (None, ..) => Err(Missing::Resource),
        (Some(account), resource, identity) if account != evidence.resource_account => {
            match (identity, resource) {
                (Some(found), Some(_)) => under_ceiling(found),
                (Some(_), None) => Err(Missing::Resource),
                (None, _) => Err(Missing::Identity),
            }
        }
        // Named itself, the caller is not limited by what its boundary or session merely leave out.
        (Some(_), Some((Strength::Direct, found)), _) => Ok(found),
        (Some(_), Some((Strength::Role, found)), _) => under_ceiling(found),
        // Naming the account only delegates to the account's own policies.
        (Some(_), _, Some(found)) => under_ceiling(found),
        (Some(_), _, None) => Err(Missing::Identity),
    }
}
