//! The built-in operation `retention`: sets, extends or removes the retention of each object.
//!
//! What the retention is now is read first, so that nothing is written twice and a lock that cannot be loosened is
//! named before the store is asked. The store stays the judge: between reading and writing it may change.

use longshore_sdk::lock::{LockableBucket, found};
use longshore_sdk::parameters::LockMode;
use longshore_sdk::time::{Age, Moment, Timestamp, next_midnight};
use longshore_sdk::{Failure, Object, Operation, Outcome, PutObjectRetention, Request, Task};
use schemars::JsonSchema;
use serde::Deserialize;

/// Parameters of `retention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameters {
    /// How strong the lock is.
    #[serde(default)]
    pub mode: Option<LockMode>,
    /// Until when the objects are retained: a date, which begins at midnight UTC, or an RFC 3339 time.
    #[serde(default)]
    #[schemars(with = "Option<Moment>")]
    pub retain_until: Option<Moment>,
    /// For how long from the time of the task, at least: "30d", "1y 6mo". Ends at the next midnight UTC. A retention
    /// that lasts longer stays, and so does the mode COMPLIANCE.
    #[serde(default)]
    #[schemars(with = "Option<Age>")]
    pub extend_by: Option<Age>,
    /// Removes the retention.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub remove: bool,
    /// Whether a retention of mode GOVERNANCE may be shortened or removed.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub bypass_governance: bool,
}

/// What a job asks for.
#[derive(Debug)]
enum Wish {
    Until(LockMode, Timestamp),
    ExtendBy(LockMode, Age),
    Remove,
}

/// A retention as it is, or is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Retention {
    mode: String,
    until: Timestamp,
}

/// The operation.
#[derive(Debug)]
pub struct SetRetention {
    wish: Wish,
    bypass: bool,
    bucket: LockableBucket,
}

impl SetRetention {
    /// What the object is to have.
    fn wanted(&self, now: Timestamp, present: Option<&Retention>) -> Result<Option<Retention>, Failure> {
        let of = |mode: &LockMode, until| Some(Retention { mode: mode.name().to_owned(), until });
        match &self.wish {
            Wish::Remove => Ok(None),
            Wish::Until(mode, until) => Ok(of(mode, *until)),
            Wish::ExtendBy(mode, age) => {
                let end = age.after(now).and_then(next_midnight).ok_or_else(|| {
                    Failure::new("InvalidArgument", "extend-by leads beyond the end of the calendar")
                })?;
                let Some(present) = present.filter(|present| present.until > now) else {
                    return Ok(of(mode, end));
                };
                let strong = present.mode == LockMode::Compliance.name();
                let mode = if strong { present.mode.clone() } else { mode.name().to_owned() };
                Ok(Some(Retention { mode, until: end.max(present.until) }))
            }
        }
    }

    fn request(&self, object: &Object, wanted: Option<&Retention>, bypass: bool) -> PutObjectRetention {
        let until = wanted.map(|wanted| wanted.until.to_string());
        let lock = wanted.map(|wanted| wanted.mode.as_str()).zip(until.as_deref());
        object.put_retention().lock(lock).bypass_governance(bypass)
    }
}

/// Whether `wanted` protects less than `present` does at this moment.
fn loosens(now: Timestamp, present: &Retention, wanted: Option<&Retention>) -> bool {
    let weaker = |wanted: &Retention| {
        wanted.until < present.until
            || (wanted.mode != present.mode && wanted.mode != LockMode::Compliance.name())
    };
    present.until > now && wanted.is_none_or(weaker)
}

/// S3's own answer, without the request.
fn locked(message: String) -> Failure {
    Failure::new("AccessDenied", message).with_status(403)
}

impl Operation for SetRetention {
    type Parameters = Parameters;
    const NAME: &'static str = "retention";
    const SUMMARY: &'static str = "Sets, extends or removes the retention of objects.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:PutObjectRetention",
        "s3:GetObjectRetention",
        "s3:BypassGovernanceRetention",
        "s3:GetBucketObjectLockConfiguration",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters { mode, retain_until, extend_by, remove, bypass_governance } = parameters;
        let needs_mode = || "a retention needs a mode: \"GOVERNANCE\" or \"COMPLIANCE\"".to_owned();
        let wish = match (retain_until, extend_by, remove) {
            (None, None, true) if mode.is_some() => {
                return Err("remove takes no mode: it removes the retention".to_owned());
            }
            (None, None, true) => Wish::Remove,
            (Some(Moment(until)), None, false) => Wish::Until(mode.ok_or_else(needs_mode)?, until),
            (None, Some(age), false) => Wish::ExtendBy(mode.ok_or_else(needs_mode)?, age),
            _ => return Err("give exactly one of retain-until, extend-by and remove = true".to_owned()),
        };
        Ok(Self { wish, bypass: bypass_governance, bucket: LockableBucket::new() })
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        let wanted = self.wanted(task.now(), None).ok().flatten();
        let put = self.request(object, wanted.as_ref(), self.bypass);
        // How long and how strong it will be depends on what there is.
        let put = if matches!(self.wish, Wish::ExtendBy(..)) { put.provisional() } else { put.planned() };
        vec![object.get_lock_configuration().planned(), object.get_retention().planned(), put]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        self.bucket.check(object)?;
        let now = task.now();
        let present = match found(object.get_retention().send())? {
            Some(answer) => read(answer.lock_mode(), answer.retain_until())?,
            None => None,
        };
        let wanted = self.wanted(now, present.as_ref())?;
        if wanted == present {
            return Ok(Outcome::Skipped("the retention is as wanted already".to_owned()));
        }
        let looser = present.as_ref().filter(|present| loosens(now, present, wanted.as_ref()));
        if let Some(Retention { mode, until }) = looser {
            if mode == LockMode::Compliance.name() {
                return Err(locked(format!(
                    "the object is retained until {until} in mode COMPLIANCE, which can only be extended"
                )));
            }
            if !self.bypass {
                return Err(locked(format!(
                    "the object is retained until {until} in mode {mode}; only bypass-governance = true shortens or removes it"
                )));
            }
        }
        self.request(object, wanted.as_ref(), looser.is_some()).send()?;
        Ok(wanted.map_or_else(
            || Outcome::done_with("retention removed"),
            |wanted| Outcome::done_with(format!("retained until {} in mode {}", wanted.until, wanted.mode)),
        ))
    }
}

/// What the store says the retention is.
fn read(mode: Option<String>, until: Option<String>) -> Result<Option<Retention>, Failure> {
    let Some((mode, until)) = mode.zip(until) else { return Ok(None) };
    let until = until.parse().map_err(|why| Failure::new("InvalidResponse", format!("{until:?}: {why}")))?;
    Ok(Some(Retention { mode, until }))
}

longshore_sdk::export!(SetRetention);

#[cfg(test)]
mod tests;
