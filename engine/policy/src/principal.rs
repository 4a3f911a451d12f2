//! Who asks, and whom a resource policy means (IAM User Guide, "AWS JSON policy elements: Principal").

use crate::arn::{Arn, is_account_id};

/// The principal of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller<'a> {
    /// An unsigned request.
    Anonymous,
    /// An AWS service, `x.amazonaws.com`.
    Service(&'a str),
    /// A user or a session.
    Account(Member<'a>),
}

/// A principal that belongs to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    text: &'a str,
    partition: &'a str,
    account: &'a str,
    /// The role's name, if this is a session of a role.
    role: Option<&'a str>,
}

impl<'a> Caller<'a> {
    /// Reads the principal of a request. Wildcards mean nothing here, except that `*` alone is how IAM writes
    /// everyone, and whoever is merely someone is anonymous.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if matches!(text, "anonymous" | "*") {
            return Some(Self::Anonymous);
        }
        let Some(arn) = Arn::parse(text) else {
            return text.ends_with(".amazonaws.com").then_some(Self::Service(text));
        };
        let (kind, name) = arn.resource().split_once('/').unwrap_or((arn.resource(), ""));
        let role = match (arn.service(), kind) {
            ("iam", "root") if name.is_empty() => None,
            ("iam", "user") | ("sts", "federated-user") if !name.is_empty() => None,
            ("sts", "assumed-role") => {
                Some(name.split_once('/').filter(|(r, s)| !r.is_empty() && !s.is_empty())?.0)
            }
            _ => return None,
        };
        let (partition, account) = (arn.partition(), arn.account());
        is_account_id(account).then_some(Self::Account(Member { text, partition, account, role }))
    }

    /// The account that the caller belongs to, if any.
    pub(crate) fn account(&self) -> Option<&'a str> {
        match self {
            Self::Account(member) => Some(member.account),
            Self::Anonymous | Self::Service(_) => None,
        }
    }
}

/// How directly a resource policy names the caller; decides what else must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Not named at all: the document has no principals.
    Unnamed,
    /// Its account: only delegates to that account's own policies.
    Account,
    /// Its role.
    Role,
    /// Itself, or everyone.
    Direct,
}

/// One value of `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrincipalValue {
    Everyone,
    Account {
        partition: Option<Box<str>>,
        account: Box<str>,
    },
    Role {
        partition: Box<str>,
        account: Box<str>,
        name: Box<str>,
    },
    /// The ARN of a user or a session.
    Member(Box<str>),
    Service(Box<str>),
    /// A web identity or a canonical user: requests of this kind of engine never carry one.
    Foreign,
}

impl PrincipalValue {
    /// Reads a value of the `AWS` list.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse_aws(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Everyone);
        }
        if text.contains(['*', '?']) {
            return Err("a principal is compared exactly: a wildcard is only allowed as the whole value `*`"
                .to_owned());
        }
        if is_account_id(text) {
            return Ok(Self::Account { partition: None, account: text.into() });
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("{text:?} is not an account id, which has 12 digits"));
        }
        let unknown =
            || format!("{text:?} is neither an account id nor the ARN of a user, a role or a session");
        let arn = Arn::parse(text).ok_or_else(unknown)?;
        if !is_account_id(arn.account()) {
            return Err(format!("the account id {:?} in {text:?} does not have 12 digits", arn.account()));
        }
        let (partition, account) = (arn.partition().into(), arn.account().into());
        if let ("iam", Some(path)) = (arn.service(), arn.resource().strip_prefix("role/")) {
            // A session's ARN drops the path; role names are unique in an account.
            let name = path.rsplit('/').next().filter(|name| !name.is_empty()).ok_or_else(unknown)?;
            return Ok(Self::Role { partition, account, name: name.into() });
        }
        match Caller::parse(text) {
            Some(Caller::Account(_)) if arn.resource() == "root" => {
                Ok(Self::Account { partition: Some(partition), account })
            }
            Some(Caller::Account(_)) => Ok(Self::Member(text.into())),
            _ => Err(unknown()),
        }
    }

    /// The ARN of a user or session whose account is not among `values`.
    pub(crate) fn member_without_account(&self, values: &[Self]) -> Option<&str> {
        let Self::Member(arn) = self else { return None };
        let account = Arn::parse(arn)?.account();
        let listed =
            values.iter().any(|value| matches!(value, Self::Account { account: a, .. } if **a == *account));
        (!listed).then_some(arn)
    }

    /// How directly the value names the caller.
    fn names(&self, caller: &Caller<'_>) -> Option<Strength> {
        let (named, strength) = match (self, caller) {
            (Self::Everyone, _) => (true, Strength::Direct),
            (Self::Service(id), Caller::Service(service)) => (**id == **service, Strength::Direct),
            (Self::Member(arn), Caller::Account(member)) => (**arn == *member.text, Strength::Direct),
            (Self::Role { partition, account, name }, Caller::Account(member)) => {
                let same_account = **partition == *member.partition && **account == *member.account;
                (same_account && member.role == Some(name), Strength::Role)
            }
            (Self::Account { partition, account }, Caller::Account(member)) => {
                let same_partition = partition.as_ref().is_none_or(|p| **p == *member.partition);
                (same_partition && **account == *member.account, Strength::Account)
            }
            _ => (false, Strength::Unnamed),
        };
        named.then_some(strength)
    }
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrincipalTest {
    /// The document is attached to the principals it is about.
    Attached,
    Principal(Box<[PrincipalValue]>),
    NotPrincipal(Box<[PrincipalValue]>),
}

impl PrincipalTest {
    /// Whether the test names a session whose ARN begins so.
    pub(crate) fn names_session(&self, beginning: &str) -> bool {
        let (Self::Principal(values) | Self::NotPrincipal(values)) = self else { return false };
        values.iter().any(|value| matches!(value, PrincipalValue::Member(arn) if arn.starts_with(beginning)))
    }

    /// Whether the statement is about the caller, and how directly it names it.
    /// `bounded` says whether the caller has a permissions boundary.
    pub(crate) fn test(&self, caller: &Caller<'_>, bounded: bool) -> Option<Strength> {
        match self {
            Self::Attached => Some(Strength::Unnamed),
            Self::Principal(values) => values.iter().filter_map(|value| value.names(caller)).max(),
            // Whoever has a permissions boundary is never spared (IAM User Guide, "Permissions boundaries for IAM
            // entities"). The loader refuses NotPrincipal in an Allow, so the strength is of no consequence.
            Self::NotPrincipal(values) => (bounded || !spared(values, caller)).then_some(Strength::Direct),
        }
    }
}

/// Whether a `NotPrincipal` list spares the caller. A user or service is spared by its own name; a role session only
/// if the list names the session, the role and the account; the account alone spares nobody but its root.
fn spared(values: &[PrincipalValue], caller: &Caller<'_>) -> bool {
    if values.contains(&PrincipalValue::Everyone) {
        return true;
    }
    let named = |strength| values.iter().any(|value| value.names(caller) == Some(strength));
    match caller {
        Caller::Account(member) if member.role.is_some() => {
            named(Strength::Direct) && named(Strength::Role) && named(Strength::Account)
        }
        Caller::Account(member) if member.text.ends_with(":root") => named(Strength::Account),
        _ => named(Strength::Direct),
    }
}
