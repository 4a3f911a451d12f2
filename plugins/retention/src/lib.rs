//! The built-in operation `retention`: sets, extends or removes the retention of each object, and sets or releases event holds.
//!
//! What the retention is now is read first, so that nothing is written twice and a lock that cannot be loosened is
//! named before the store is asked. The store stays the judge: between reading and writing it may change.

use std::cell::Cell;

use longshore_sdk::lock::{LockableBucket, found, retained};
use longshore_sdk::parameters::{EventHoldParameter, LockMode};
use longshore_sdk::time::{Age, Moment, Timestamp, next_midnight};
use longshore_sdk::{EventHold, Failure, Object, Operation, Outcome, PutObjectRetention, Request, Task};
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
    /// The event hold: protection that lasts until it is released and, from then on, for a time. What nothing is said of stays.
    #[serde(default)]
    pub event_hold: Option<EventHoldParameter>,
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
    /// As it is: there is an event hold to set or to release.
    Keep,
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
    hold: Option<EventHold>,
    bypass: bool,
    bucket: LockableBucket,
    /// Whether an event hold was seen that the store took.
    kept: Cell<bool>,
}

impl SetRetention {
    /// What the object is to have.
    fn wanted(&self, now: Timestamp, present: Option<&Retention>) -> Result<Option<Retention>, Failure> {
        let of = |mode: &LockMode, until| Some(Retention { mode: mode.name().to_owned(), until });
        match &self.wish {
            Wish::Remove => Ok(None),
            // Once a hold is released, the store sets the end.
            Wish::Keep if self.hold.as_ref().is_some_and(|hold| !hold.on) => Ok(None),
            Wish::Keep => Ok(present.filter(|present| present.until > now).cloned()),
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

    /// `hold` is the one that the object has now.
    fn request(
        &self,
        object: &Object,
        wanted: Option<&Retention>,
        hold: Option<&EventHold>,
        bypass: bool,
    ) -> PutObjectRetention {
        let until = wanted.map(|wanted| wanted.until.to_string());
        let lock = wanted.map(|wanted| wanted.mode.as_str()).zip(until.as_deref());
        let present = hold.filter(|hold| hold.on && wanted.is_some());
        object.put_retention().lock(lock).event_hold(self.hold.as_ref().or(present)).bypass_governance(bypass)
    }

    /// Stores that know no event holds ignore them. One that took one is not asked again.
    fn refuse_ignored(&self, object: &Object) -> Result<(), Failure> {
        if self.hold.is_none() || self.kept.get() {
            return Ok(());
        }
        let (retention, present) = retained(object, None)?;
        if !self.holds(present.as_ref(), retention.is_some()) {
            let message = "the store does not support EventHold in PutObjectRetention: it took the request and ignored it";
            return Err(Failure::new("NotImplemented", message));
        }
        self.kept.set(true);
        Ok(())
    }

    /// Whether the event hold is as wanted. Of what is retained, the retention says the mode.
    fn holds(&self, present: Option<&EventHold>, retained: bool) -> bool {
        let Some(wanted) = &self.hold else { return true };
        let Some(present) = present.filter(|present| present.on) else { return !wanted.on };
        let same_time = (wanted.days, wanted.years) == (None, None)
            || (wanted.days, wanted.years) == (present.days, present.years);
        wanted.on && same_time && (wanted.mode.is_none() || retained || wanted.mode == present.mode)
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
    const SUMMARY: &'static str = "Sets, extends or removes the retention of objects, and their event holds.";
    const ACTIONS: &'static [&'static str] = &[
        "s3:PutObjectRetention",
        "s3:GetObjectRetention",
        "s3:BypassGovernanceRetention",
        "s3:GetBucketObjectLockConfiguration",
    ];

    fn new(parameters: Parameters) -> Result<Self, String> {
        let Parameters { mode, retain_until, extend_by, remove, event_hold, bypass_governance } = parameters;
        event_hold.as_ref().map_or(Ok(()), EventHoldParameter::check)?;
        let hold = event_hold.as_ref().map(EventHold::from);
        let released = hold.as_ref().is_some_and(|hold| !hold.on);
        let needs_mode = || "a retention needs a mode: \"GOVERNANCE\" or \"COMPLIANCE\"".to_owned();
        let wish = match (retain_until, extend_by, remove) {
            (None, None, true) if mode.is_some() => {
                return Err("remove takes no mode: it removes the retention".to_owned());
            }
            (None, None, true) if hold.is_some() => {
                return Err("remove takes no event-hold: a hold is released in a job before".to_owned());
            }
            (None, None, true) => Wish::Remove,
            (None, None, false) if hold.is_some() && mode.is_some() => {
                return Err(
                    "mode goes with retain-until or extend-by; event-hold has a mode of its own".to_owned()
                );
            }
            (None, None, false) if hold.is_some() => Wish::Keep,
            (Some(_), None, false) | (None, Some(_), false) if released => {
                let why = "the store counts its time from the release";
                return Err(format!("an event hold is released without retain-until and extend-by: {why}"));
            }
            (Some(Moment(until)), None, false) => Wish::Until(mode.ok_or_else(needs_mode)?, until),
            (None, Some(age), false) => Wish::ExtendBy(mode.ok_or_else(needs_mode)?, age),
            _ => {
                let message = "give exactly one of retain-until, extend-by and remove = true, or event-hold";
                return Err(message.to_owned());
            }
        };
        Ok(Self {
            wish,
            hold,
            bypass: bypass_governance,
            bucket: LockableBucket::new(),
            kept: Cell::new(false),
        })
    }

    fn plan(&self, object: &Object, task: &Task) -> Vec<Request> {
        let wanted = self.wanted(task.now(), None).ok().flatten();
        let put = self.request(object, wanted.as_ref(), None, self.bypass);
        // How long and how strong it will be depends on what there is.
        let depends = matches!(self.wish, Wish::ExtendBy(..) | Wish::Keep);
        let put = if depends { put.provisional() } else { put.planned() };
        vec![object.get_lock_configuration().planned(), object.get_retention().planned(), put]
    }

    fn run(&self, object: &Object, task: &Task) -> Result<Outcome, Failure> {
        self.bucket.check(object)?;
        let now = task.now();
        let (present, hold) = match found(object.get_retention().send())? {
            Some(answer) => (read(answer.lock_mode(), answer.retain_until())?, answer.event_hold_found()),
            None => (None, None),
        };
        if matches!(self.wish, Wish::Remove) && hold.as_ref().is_some_and(|hold| hold.on) {
            return Err(locked("an event hold protects the object: release it first".to_owned()));
        }
        let wanted = self.wanted(now, present.as_ref())?;
        let stays = wanted == present || matches!(self.wish, Wish::Keep);
        if stays && self.holds(hold.as_ref(), wanted.is_some()) {
            return Ok(Outcome::Skipped("the retention is as wanted already".to_owned()));
        }
        let looser = present.as_ref().filter(|present| !stays && loosens(now, present, wanted.as_ref()));
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
        self.request(object, wanted.as_ref(), hold.as_ref(), looser.is_some()).send()?;
        self.refuse_ignored(object)?;
        let until = wanted.map(|wanted| format!("retained until {} in mode {}", wanted.until, wanted.mode));
        let held = self.hold.as_ref().map(|hold| format!("event hold {hold}"));
        let said = until.into_iter().chain(held).reduce(|until, held| format!("{until}; {held}"));
        Ok(Outcome::done_with(said.unwrap_or_else(|| "retention removed".to_owned())))
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
