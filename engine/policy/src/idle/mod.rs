//! Statements that can never take effect for a role: taking one away would change no decision.
//!
//! Only what is proved is reported; a statement that is not reported may still be of no use. The requests that count are
//! those of sessions of the role, for the [actions that S3 has](crate::s3), on `arn:aws:s3:::BUCKET` and
//! `arn:aws:s3:::BUCKET/KEY`, with the condition keys that [`Bearer::may_supply`] admits. For such requests a statement is
//! taken apart into pairs of an action and a resource; it is idle when each of its pairs is.

mod overlap;
mod shapes;

use std::fmt;

use serde::Serialize;

use crate::condition::Test;
use crate::context::Context;
use crate::decision::StatementId;
use crate::document::{Document, PolicyKind};
use crate::names::{self, S3Action};
use crate::principal::{Caller, Strength};
use crate::set::PolicySet;
use crate::statement::{Statement, StatementEffect};
use overlap::Prover;
pub(crate) use overlap::pattern_includes as includes;
use shapes::{Cell, Resources};

/// The role that a set of policies binds, as far as it is known before any request.
pub struct Bearer<'a> {
    /// The role's account, 12 digits.
    pub account: &'a str,
    /// The role's name.
    pub role: &'a str,
    /// The account that owns the buckets.
    pub resource_account: &'a str,
    /// Whether a request for the action (`s3:GetObject`) may carry the condition key (folded). Where this says yes although
    /// none does, less is found; where it says no although one does, what is found is wrong.
    pub may_supply: &'a dyn Fn(&str, &str) -> bool,
}

/// A statement that can never take effect.
#[derive(Debug, Clone, Serialize)]
pub struct Idle {
    /// The statement.
    pub statement: StatementId,
    /// What keeps it from taking effect. Where several things do, the last of them in the order of [`IdleReason`].
    #[serde(flatten)]
    pub reason: IdleReason,
}

/// Why a statement can never take effect.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum IdleReason {
    /// Its principals are others.
    Principal,
    /// It names the role's account, which in the same account only points at the role's own policies.
    Delegates,
    /// S3 has none of its actions.
    Action,
    /// Its actions never work on its resources.
    Resource,
    /// It belongs to a bucket, and its resources are elsewhere.
    OtherBucket,
    /// A variable in its resources never has a value.
    Variable {
        /// The condition key, folded.
        key: String,
    },
    /// A condition never holds, because no request has its key.
    Condition {
        /// The condition key, as the policy spells it.
        key: String,
    },
    /// A ceiling (boundary, session policies, one level of service control policies) allows none of it.
    Outside {
        /// The documents of the ceiling.
        ceiling: Vec<String>,
    },
    /// Deny statements without a condition cover all of it.
    Denied {
        /// One of them.
        by: StatementId,
    },
}

impl IdleReason {
    /// The order of the reasons: a later one is met later.
    fn rank(&self) -> u8 {
        match self {
            Self::Principal | Self::Delegates | Self::Action => 0,
            Self::Resource => 1,
            Self::OtherBucket => 2,
            Self::Variable { .. } => 3,
            Self::Condition { .. } => 4,
            Self::Outside { .. } => 5,
            Self::Denied { .. } => 6,
        }
    }
}

impl fmt::Display for IdleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal => f.write_str("it is about other principals"),
            Self::Delegates => f.write_str(
                "it names the role's own account, which allows nothing by itself: name the role, or let its own policies allow it",
            ),
            Self::Action => f.write_str("S3 has none of its actions"),
            Self::Resource => f.write_str(
                "its actions never work on its resources: an object is arn:aws:s3:::BUCKET/KEY, a bucket arn:aws:s3:::BUCKET",
            ),
            Self::OtherBucket => f.write_str("it is the policy of one bucket, and its resources are not in it"),
            Self::Variable { key } => {
                write!(f, "its resources hold the variable ${{{key}}}, which never has a value here")
            }
            Self::Condition { key } => {
                write!(f, "its condition on {key} never holds, because no request here has that key")
            }
            Self::Outside { ceiling } => write!(f, "{} allows none of it", ceiling.join(", ")),
            Self::Denied { by } => write!(f, "{by} denies all of it"),
        }
    }
}

impl PolicySet {
    /// The statements that can never take effect for sessions of a role, in the order of documents. Of a policy that other
    /// roles share, a statement may well be of use to these.
    pub fn idle(&self, bearer: &Bearer<'_>) -> Vec<Idle> {
        let mut entries = Vec::new();
        self.collect(bearer, &mut entries);
        let mut prover = Prover::new();
        let found = entries.iter().filter_map(|entry| {
            let reason = Search { entries: &entries, bearer, prover: &mut prover }.reason(entry)?;
            Some(Idle { statement: entry.id.clone(), reason })
        });
        found.collect()
    }

    fn collect<'s>(&'s self, bearer: &Bearer<'_>, entries: &mut Vec<Entry<'s>>) {
        let mut group = 0;
        let bounded = self.is_bounded();
        let mut add = |documents: &'s [Document], bucket: Option<&'s str>, is_ceiling: bool| {
            group += 1;
            for document in documents {
                for (index, statement) in document.statements().iter().enumerate() {
                    let id = StatementId::new(document.clone(), index);
                    entries.push(Entry::new(
                        id,
                        statement,
                        bucket,
                        is_ceiling.then_some(group),
                        bearer,
                        bounded,
                    ));
                }
            }
        };
        add(&self.identity, None, false);
        if bounded {
            add(&self.boundary, None, true);
        }
        self.session.iter().for_each(|level| add(level, None, true));
        self.service_control.iter().for_each(|level| add(level, None, true));
        self.resource_control.iter().for_each(|level| add(level, None, false));
        self.resource.iter().for_each(|policy| add(&policy.documents, policy.bucket.as_deref(), false));
    }
}

/// A statement, ready to be compared.
struct Entry<'s> {
    id: StatementId,
    statement: &'s Statement,
    kind: PolicyKind,
    bucket: Option<&'s str>,
    /// The ceiling that it is part of, counted over all of them.
    ceiling: Option<usize>,
    resources: Resources,
    /// How directly it may name the role's sessions; `None` if it names others only.
    strength: Option<Strength>,
    /// Whether it names every session of the role.
    names_all: bool,
}

impl<'s> Entry<'s> {
    fn new(
        id: StatementId,
        statement: &'s Statement,
        bucket: Option<&'s str>,
        ceiling: Option<usize>,
        bearer: &Bearer<'_>,
        bounded: bool,
    ) -> Self {
        // A session that nobody can have named; those that somebody has named begin like it.
        let sessions = format!("arn:aws:sts::{}:assumed-role/{}/", bearer.account, bearer.role);
        let unnamed = format!("{sessions}\0");
        let strength = Caller::parse(&unnamed).and_then(|caller| statement.principal.test(&caller, bounded));
        let by_session = statement.principal.names_session(&sessions);
        Self {
            kind: id.document().kind(),
            id,
            statement,
            bucket,
            ceiling,
            resources: Resources::new(&statement.resources),
            strength: if by_session { Some(Strength::Direct) } else { strength },
            names_all: strength.is_some() && !by_session,
        }
    }

    fn allows(&self) -> bool {
        self.statement.effect == StatementEffect::Allow
    }

    fn has_action(&self, action: &S3Action) -> bool {
        self.statement.has_action(&action.folded)
    }
}

struct Search<'a, 'e, 's> {
    entries: &'e [Entry<'s>],
    bearer: &'a Bearer<'a>,
    prover: &'a mut Prover,
}

impl<'e, 's> Search<'_, 'e, 's> {
    /// Why the statement is idle; `None` unless that is proved.
    fn reason(&mut self, entry: &'e Entry<'s>) -> Option<IdleReason> {
        match entry.strength {
            None => return Some(IdleReason::Principal),
            Some(Strength::Account)
                if entry.allows() && self.bearer.account == self.bearer.resource_account =>
            {
                return Some(IdleReason::Delegates);
            }
            Some(_) => {}
        }
        let mut worst = IdleReason::Action;
        for action in names::S3.iter().filter(|action| entry.has_action(action)) {
            if let Some(reason) = self.never_holds(entry, action) {
                worst = later(worst, reason);
                continue;
            }
            for cell in entry.resources.cells() {
                worst = later(worst, self.why_not(entry, action, cell)?);
            }
        }
        Some(worst)
    }

    /// The first test of the statement that is false for every request for the action.
    fn never_holds(&self, entry: &Entry<'_>, action: &S3Action) -> Option<IdleReason> {
        let nothing = Context::new();
        let name = action.full_name();
        let never =
            |test: &&Test| !(self.bearer.may_supply)(&name, &test.key) && test.holds(&nothing) == Ok(false);
        let test = entry.statement.tests.iter().find(never)?;
        Some(IdleReason::Condition { key: test.name.to_string() })
    }

    /// Why the statement never has a say over the action on the resources of one pattern; `None` if it may have.
    fn why_not(&mut self, entry: &'e Entry<'s>, action: &S3Action, cell: &Cell) -> Option<IdleReason> {
        if !cell.may_be(action.target(), self.prover) {
            return Some(IdleReason::Resource);
        }
        if let Some(bucket) = entry.bucket
            && !cell.may_be_in(bucket, self.prover)
        {
            return Some(IdleReason::OtherBucket);
        }
        let name = action.full_name();
        if let Some(key) = cell.needs.iter().find(|key| !(self.bearer.may_supply)(&name, key)) {
            return Some(IdleReason::Variable { key: key.clone() });
        }
        if !entry.allows() {
            return None;
        }
        self.outside(entry, action, cell).or_else(|| self.denied(entry, action, cell))
    }

    /// A ceiling over the statement that allows none of the pair.
    fn outside(&mut self, entry: &'e Entry<'s>, action: &S3Action, cell: &Cell) -> Option<IdleReason> {
        let entries = self.entries;
        let mut ceilings: Vec<usize> = entries
            .iter()
            .filter(|other| bounds(other.kind, entry))
            .filter_map(|other| other.ceiling)
            .collect();
        ceilings.dedup();
        for ceiling in ceilings {
            let of_ceiling = || entries.iter().filter(move |other| other.ceiling == Some(ceiling));
            let lets = of_ceiling().any(|other| {
                other.allows()
                    && other.has_action(action)
                    && self.never_holds(other, action).is_none()
                    && other.resources.may_meet(cell, self.prover)
            });
            if !lets {
                let mut names: Vec<String> =
                    of_ceiling().map(|other| other.id.document().name().to_owned()).collect();
                names.dedup();
                return Some(IdleReason::Outside { ceiling: names });
            }
        }
        None
    }

    /// A Deny that always applies where the pair does.
    fn denied(&mut self, entry: &'e Entry<'s>, action: &S3Action, cell: &Cell) -> Option<IdleReason> {
        let entries = self.entries;
        let mut denies = entries.iter().filter(|other| {
            !other.allows() && other.names_all && other.statement.tests.is_empty() && other.has_action(action)
        });
        let found = denies.find(|other| {
            let applies_there = other
                .bucket
                .is_none_or(|bucket| entry.bucket == Some(bucket) || cell.is_in(bucket, self.prover));
            applies_there && other.resources.covers(cell, self.prover)
        })?;
        Some(IdleReason::Denied { by: found.id.clone() })
    }
}

fn later(a: IdleReason, b: IdleReason) -> IdleReason {
    if b.rank() > a.rank() { b } else { a }
}

/// Whether documents of a kind limit what an Allow statement can grant.
fn bounds(kind: PolicyKind, entry: &Entry<'_>) -> bool {
    match (kind, entry.kind, entry.strength) {
        (PolicyKind::ServiceControl, PolicyKind::Identity | PolicyKind::Resource, _) => true,
        (PolicyKind::Boundary | PolicyKind::Session, PolicyKind::Identity, _) => true,
        // Who is named directly is not limited by what boundary and session leave out.
        (PolicyKind::Boundary | PolicyKind::Session, PolicyKind::Resource, Some(Strength::Role)) => true,
        _ => false,
    }
}
