//! Whether the store keeps what a copy asks for. Some take headers that they do not know and say nothing: the copy would be
//! public or not, locked or not, other than the job says. So each lane asks after its copies until it saw one that has it all.

use longshore_sdk::lock::Locks;
use longshore_sdk::parameters::CannedAcl;
use longshore_sdk::{Failure, Grant, Object, StoreError, lock};

use crate::{Copy, Parameters};

/// Groups of Amazon S3, as ACLs name them (User Guide, "Access control list (ACL) overview").
const EVERYONE: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const EVERY_ACCOUNT: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

const ALGORITHM: &str = "x-amz-checksum-algorithm";
const REDIRECT: &str = "x-amz-website-redirect-location";

/// A header that a copy was asked with, and whether the store kept what it says; or why the store does not tell.
type Answer = (&'static str, Result<bool, StoreError>);

impl Copy {
    /// Asks for what the copy was to have. Says what the store does not tell.
    /// `made` is the version that the copy is, where that matters.
    pub(crate) fn confirm(
        &self,
        source: &Object,
        key: &str,
        made: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        if self.kept.get() {
            return Ok(None);
        }
        let copy = source.open(&self.parameters.target_bucket, key, made);
        let mut untold = None;
        for (header, answer) in self.ask(&copy) {
            match answer {
                Ok(true) => {}
                Ok(false) => return Err(ignored(header)),
                Err(error) if error.http_status == Some(403) => {
                    untold.get_or_insert_with(|| {
                        format!(
                            "whether the store kept {header} is not known: {}: {}",
                            error.code, error.message
                        )
                    });
                }
                Err(error) => {
                    let mut failure = Failure::from(error);
                    failure.message = format!(
                        "the copy is there, and whether the store kept {header} cannot be seen: {}",
                        failure.message
                    );
                    return Err(failure);
                }
            }
        }
        self.kept.set(true);
        Ok(untold)
    }

    /// Whether what is there lacks something that a copy was to have, or does not tell.
    pub(crate) fn lacks(&self, source: &Object, key: &str) -> Result<bool, Failure> {
        let there = source.open(&self.parameters.target_bucket, key, None);
        for (_, answer) in self.ask(&there) {
            match answer {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                Err(error) if error.http_status == Some(403) => return Ok(true),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    fn store(&self) -> Option<&str> {
        self.parameters.target_store.as_deref()
    }

    fn ask(&self, copy: &Object) -> Vec<Answer> {
        let head = self.ask_head(copy).into_iter().flatten();
        let locks = [self.ask_retention(copy), self.ask_legal_hold(copy)];
        head.chain(locks.into_iter().flatten()).chain(self.ask_acl(copy)).collect()
    }

    fn ask_head(&self, copy: &Object) -> Option<Vec<Answer>> {
        let Parameters { checksum_algorithm: algorithm, redirect_location: redirect, .. } = &self.parameters;
        if algorithm.is_none() && redirect.is_none() {
            return None;
        }
        let head = match copy.head().store(self.store()).checksums().send() {
            Ok(head) => head,
            Err(error) if algorithm.is_some() => return Some(vec![(ALGORITHM, Err(error))]),
            Err(error) => return Some(vec![(REDIRECT, Err(error))]),
        };
        let algorithm = algorithm.as_ref().map(|wanted| {
            let kept = head.checksums().iter().any(|(algorithm, _)| algorithm == wanted.name());
            (ALGORITHM, Ok(kept))
        });
        let redirect =
            redirect.as_ref().map(|wanted| (REDIRECT, Ok(head.website_redirect().as_ref() == Some(wanted))));
        Some(algorithm.into_iter().chain(redirect).collect())
    }

    fn ask_retention(&self, copy: &Object) -> Option<Answer> {
        let hold = self.event_hold.clone().filter(|hold| hold.on);
        let until = self
            .parameters
            .lock
            .as_ref()
            .map(|lock| (lock.mode.name().to_owned(), lock.retain_until.clone()));
        let first = if until.is_some() { "x-amz-object-lock-mode" } else { "x-amz-object-lock-event-hold" };
        let locks = Locks { retention: until, event_hold: hold, legal_hold: false };
        locks.is_locked().then(|| match locks.not_retained(copy, self.store()) {
            Ok(Some((header, _))) => (header, Ok(false)),
            Ok(None) => (first, Ok(true)),
            Err(error) => (first, Err(error)),
        })
    }

    fn ask_legal_hold(&self, copy: &Object) -> Option<Answer> {
        self.parameters.legal_hold.filter(|&held| held)?;
        Some(("x-amz-object-lock-legal-hold", lock::legal_hold(copy, self.store())))
    }

    fn ask_acl(&self, copy: &Object) -> Option<Answer> {
        let (canned, grants) = (self.parameters.canned_acl.and_then(group_of), &self.grants);
        if canned.is_none() && grants.is_empty() {
            return None;
        }
        let header = if canned.is_some() { "x-amz-acl" } else { "x-amz-grant-*" };
        let acl = match copy.get_acl().store(self.store()).send() {
            Ok(acl) => acl,
            Err(error) => return Some((header, Err(error))),
        };
        let (owner, there) = (acl.owner(), acl.grants());
        let kept = match canned {
            Some(group) => there.iter().any(|grant| grant.grantee == group && grant.permission == "READ"),
            None => grants.iter().all(|wanted| has(wanted, &there, owner.as_deref())),
        };
        Some((header, Ok(kept)))
    }
}

fn ignored(header: &str) -> Failure {
    let message = format!(
        "the store does not support {header} on copies: it took the header and ignored it; the copy is there without it"
    );
    Failure::new("NotImplemented", message)
}

/// The group that a canned ACL lets read. What others say, an ACL need not show: the bucket's owner may be the object's.
fn group_of(canned: CannedAcl) -> Option<&'static str> {
    match canned {
        CannedAcl::PublicRead | CannedAcl::PublicReadWrite => Some(EVERYONE),
        CannedAcl::AuthenticatedRead => Some(EVERY_ACCOUNT),
        _ => None,
    }
}

/// Whether an ACL has a grant. The store may know the grantee by another name, of which it is enough that he is not the owner.
fn has(wanted: &Grant, there: &[Grant], owner: Option<&str>) -> bool {
    let other = |grant: &Grant| owner.is_some_and(|owner| grant.grantee != owner);
    there.iter().any(|grant| {
        grant.permission == wanted.permission && (grant.grantee == wanted.grantee || other(grant))
    })
}
