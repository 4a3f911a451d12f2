//! The built-in operation `acl`: replaces the access control list of each object (PutObjectAcl).

use longshore_sdk::parameters::{CannedAcl, GrantParameter};
use longshore_sdk::{Failure, Grant, Object, Operation, Outcome, PutObjectAcl, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Grants of one ACL (Amazon S3 User Guide, "Access control list overview").
const MAX_GRANTS: usize = 100;

/// Parameters of `acl`: either `canned` or `grants`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// A canned ACL.
    #[serde(default)]
    pub canned: Option<CannedAcl>,
    /// The grants, all of them: what is not listed is taken away, the owner's own rights included.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub grants: Option<Vec<GrantParameter>>,
    /// Canonical user ID of the objects' owner, beside grants. With it the grants are sent as an AccessControlPolicy
    /// document; without it as x-amz-grant headers, which role policies can see (s3:x-amz-grant-read, …).
    #[serde(default)]
    #[schemars(length(min = 1, max = 1024))]
    pub owner: Option<String>,
}

/// The operation.
#[derive(Debug)]
pub enum Acl {
    /// A canned ACL.
    Canned(CannedAcl),
    /// These grants.
    Grants {
        /// All of them.
        grants: Vec<Grant>,
        /// Canonical user ID.
        owner: Option<String>,
    },
}

impl Acl {
    fn request(&self, object: &Object) -> PutObjectAcl {
        match self {
            Self::Canned(acl) => object.put_acl().canned_acl(acl.name()),
            Self::Grants { grants, owner } => object.put_acl().grants(grants).owner(owner.as_deref()),
        }
    }
}

impl Operation for Acl {
    type Parameters = Parameters;
    const NAME: &'static str = "acl";
    const SUMMARY: &'static str = "Replaces the access control list of objects.";
    const ACTIONS: &'static [&'static str] = &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"];

    fn new(parameters: Parameters) -> Result<Self, String> {
        match parameters {
            Parameters { canned: Some(_), grants: Some(_), .. } => {
                Err("give either canned or grants, not both".to_owned())
            }
            Parameters { canned: None, grants: None, .. } => Err("give either canned or grants".to_owned()),
            Parameters { canned: Some(_), owner: Some(_), .. } => {
                Err("owner goes with grants, not with canned".to_owned())
            }
            Parameters { canned: Some(acl), .. } => Ok(Self::Canned(acl)),
            Parameters { grants: Some(grants), owner, .. } => {
                if grants.is_empty() || grants.len() > MAX_GRANTS {
                    return Err(format!("{} grants; 1 to {MAX_GRANTS} are allowed", grants.len()));
                }
                Ok(Self::Grants { grants: grants.iter().map(Grant::from).collect(), owner })
            }
        }
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        vec![self.request(object).planned()]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        self.request(object).send()?;
        Ok(Outcome::done())
    }
}

longshore_sdk::export!(Acl);

#[cfg(test)]
mod tests;
