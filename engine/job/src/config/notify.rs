//! `[[notify]]`: who is told of the transitions of jobs.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use super::file::NotifySection;
use crate::declare::{Declaration, duration, suggest};
use crate::secret::Secret;
use crate::state::JobState;

/// Bounds of `timeout`: a target that needs more than a minute should take the notification and do its work afterwards.
const TIMEOUT_BOUNDS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Bounds of `max-age`: below a minute a restart of the target loses notifications, above 30 days they tell nobody anything.
const MAX_AGE_BOUNDS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(30 * 24 * 3600));

/// Bytes of a signing key, as Standard Webhooks asks for.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Prefix that Standard Webhooks gives signing keys.
const KEY_PREFIX: &str = "whsec_";

/// A target of notifications.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotifyConfig {
    /// Its name, by which the queue knows it.
    pub name: String,
    /// How it is told.
    pub way: NotifyWay,
    /// The states that it wants to hear of; empty means every one.
    pub states: Vec<JobState>,
    /// Most time for one attempt.
    pub timeout: Duration,
    /// How long it is tried.
    pub max_age: Duration,
}

/// How a target is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotifyWay {
    /// By a signed POST.
    Webhook {
        /// Where to.
        url: String,
        /// The key of the signature, base64.
        secret: Secret,
    },
    /// By a program that reads the notification from its standard input: program and arguments.
    Command(Vec<String>),
}

impl NotifyConfig {
    /// Whether the target wants to hear of a job that moved to `state`.
    pub fn wants(&self, state: JobState) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }
}

/// The key that a secret of Standard Webhooks holds; `None` if it is none.
pub fn signing_key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.reveal();
    let key = BASE64_STANDARD.decode(text.strip_prefix(KEY_PREFIX).unwrap_or(text)).ok()?;
    KEY_BYTES.contains(&key.len()).then_some(key)
}

/// Resolves the targets, adding what is wrong with them to `declaration`.
pub(super) fn resolve(
    sections: Vec<NotifySection>,
    declaration: &mut Declaration<'_>,
) -> Option<Vec<NotifyConfig>> {
    let mut names = BTreeSet::new();
    let mut targets = Vec::new();
    let count = sections.len();
    for (number, section) in sections.into_iter().enumerate() {
        let at = format!("/notify/{number}");
        if let Some(name) = section.name.as_ref().filter(|name| !names.insert((*name).clone())) {
            let problem = format!("there is a target {name:?} already; each needs a name of its own");
            declaration.problem_at_value(&format!("{at}/name"), problem, None);
        }
        targets.extend(target(section, &at, declaration));
    }
    (targets.len() == count).then_some(targets)
}

fn target(section: NotifySection, at: &str, declaration: &mut Declaration<'_>) -> Option<NotifyConfig> {
    let timeout = duration::read(&section.timeout, &format!("{at}/timeout"), TIMEOUT_BOUNDS, declaration);
    let max_age = duration::read(&section.max_age, &format!("{at}/max-age"), MAX_AGE_BOUNDS, declaration);
    let states = states(&section.states, at, declaration);
    let way = match (section.url, section.secret, section.command) {
        (Some(url), Some(secret), None) => webhook(url, secret, at, declaration),
        (None, None, Some(command)) => Some(NotifyWay::Command(command)),
        (Some(_), None, None) => {
            let help = "write secret = \"${WEBHOOK_SECRET}\"".to_owned();
            declaration.problem_at_key(at, "a webhook needs a \"secret\" to be signed with", Some(help));
            None
        }
        _ => {
            let problem = "a target has either \"url\" and \"secret\", or \"command\"";
            declaration.problem_at_key(at, problem, None);
            None
        }
    };
    Some(NotifyConfig {
        name: section.name?,
        way: way?,
        states: states?,
        timeout: timeout?,
        max_age: max_age?,
    })
}

fn webhook(url: String, secret: String, at: &str, declaration: &mut Declaration<'_>) -> Option<NotifyWay> {
    webhook_key(secret, at, declaration).map(|secret| NotifyWay::Webhook { url, secret })
}

/// The secret at `at` that webhooks are signed with, if it is one.
pub(super) fn webhook_key(secret: String, at: &str, declaration: &mut Declaration<'_>) -> Option<Secret> {
    let secret = Secret::new(secret);
    if signing_key(&secret).is_some() {
        return Some(secret);
    }
    let problem = "\"secret\" is not base64 of 24 to 64 bytes, with or without \"whsec_\" in front";
    let help = "make one: echo whsec_$(openssl rand -base64 32)".to_owned();
    declaration.problem_at_value(&format!("{at}/secret"), problem, Some(help));
    None
}

fn states(names: &[String], at: &str, declaration: &mut Declaration<'_>) -> Option<Vec<JobState>> {
    let mut states = Vec::new();
    for (number, name) in names.iter().enumerate() {
        match JobState::from_name(name) {
            Some(state) => states.push(state),
            None => {
                let known = JobState::ALL.map(JobState::name);
                let help = suggest::help(name, known, "the states");
                let problem = format!("{name:?} is no state of a job");
                declaration.problem_at_value(&format!("{at}/states/{number}"), problem, help);
            }
        }
    }
    (states.len() == names.len()).then_some(states)
}
