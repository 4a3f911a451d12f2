//! Faults on purpose: rules that turn a share of the requests into errors, delays or broken connections.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use crate::error::SandboxError;

/// The longest delay of a rule, so that a slip of the pen does not hang a test for hours.
const MAX_DELAY: Duration = Duration::from_secs(600);
/// The words of the grammar, for messages.
const WORDS: &str =
    "status, code, retry-after, delay, reset, at-once, per-second, rate, count, seed, method, bucket, key";

/// A fault and the requests it strikes.
///
/// Written as words with commas between them, in any order, each at most once:
///
/// | word | meaning |
/// |---|---|
/// | `status=503` | answer with this status (400 to 599) instead of handling the request |
/// | `code=SlowDown` | the S3 error code of that answer; without it, the usual one of the status |
/// | `retry-after=2` | the `Retry-After` of that answer, in seconds |
/// | `delay=200ms` | wait first; `ms` or `s`, at most 600 s |
/// | `reset` | close the connection without an answer |
/// | `at-once=8` | strike the matching requests that come while so many others are being handled |
/// | `per-second=200` | strike the matching requests beyond so many in one second |
/// | `rate=0.3` | strike this share of the matching requests, by chance (0 to 1; all without it) |
/// | `seed=7` | seed of the chance; the same rule strikes the same requests of the same sequence (0 without it) |
/// | `count=100` | strike at most this many times |
/// | `method=PUT` | only this HTTP method |
/// | `bucket=logs-*` | only buckets that match the pattern |
/// | `key=logs/*` | only keys that match the pattern |
///
/// In patterns `*` stands for any characters and `?` for one; they cannot hold a comma. A rule has `status`, `reset`
/// or `delay`, and not both `status` and `reset`. Rules are asked in order: delays add up, and the first `status` or
/// `reset` that strikes ends the search.
///
/// ```
/// use longshore_sandbox_store::FaultRule;
///
/// let rule: FaultRule = "status=503,code=SlowDown,rate=0.3,method=PUT,key=logs/*,count=100".parse()?;
/// # let _ = rule;
/// let error = "status=503,method=PUT,prefix=logs/".parse::<FaultRule>().unwrap_err();
/// assert!(error.to_string().contains("unknown word `prefix`"));
/// # Ok::<(), longshore_sandbox_store::SandboxError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    effect: Effect,
    delay: Duration,
    at_once: Option<u64>,
    per_second: Option<u64>,
    rate: f64,
    seed: u64,
    count: Option<u64>,
    method: Option<Method>,
    bucket: Option<String>,
    key: Option<String>,
}

/// What happens to the request in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is handled.
    Handle,
    /// It is answered with an error.
    Fail { status: StatusCode, code: String, retry_after: Option<u64> },
    /// The connection is closed.
    Reset,
}

/// What the rules say of one request.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// How long to wait first.
    pub(crate) delay: Duration,
    /// What to do then.
    pub(crate) effect: Effect,
    /// To be kept until the request is answered: where it counts as being handled.
    pub(crate) load: Load,
}

/// A request that is being handled, in the counts of rules about how many are.
#[derive(Debug, Default)]
pub(crate) struct Load(Vec<Arc<AtomicU64>>);

impl Drop for Load {
    fn drop(&mut self) {
        for count in &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl FromStr for FaultRule {
    type Err = SandboxError;

    fn from_str(text: &str) -> Result<Self, SandboxError> {
        let wrong = |reason: String| SandboxError::FaultRule { rule: text.to_owned(), reason };
        let mut words = Words::default();
        for item in text.split(',').map(str::trim) {
            let (word, value) =
                item.split_once('=').map_or((item, None), |(word, value)| (word, Some(value)));
            words.set(word, value).map_err(wrong)?;
        }
        words.finish().map_err(wrong)
    }
}

/// The words of a rule as they are read.
#[derive(Default)]
struct Words {
    status: Option<StatusCode>,
    code: Option<String>,
    delay: Option<Duration>,
    retry_after: Option<u64>,
    reset: Option<()>,
    at_once: Option<u64>,
    per_second: Option<u64>,
    rate: Option<f64>,
    seed: Option<u64>,
    count: Option<u64>,
    method: Option<Method>,
    bucket: Option<String>,
    key: Option<String>,
}

impl Words {
    fn set(&mut self, word: &str, value: Option<&str>) -> Result<(), String> {
        if word == "reset" {
            return match value {
                None => once(&mut self.reset, word, ()),
                Some(_) => Err("`reset` takes no value".to_owned()),
            };
        }
        let unknown = || format!("unknown word `{word}`; the words are {WORDS}");
        let value = match value {
            Some(value) if !value.is_empty() => value,
            _ if WORDS.split(", ").any(|known| known == word) => {
                return Err(format!("`{word}` needs a value, as in `{word}=…`"));
            }
            _ => return Err(unknown()),
        };
        match word {
            "status" => once(&mut self.status, word, parse_status(value)?),
            "code" => once(&mut self.code, word, value.to_owned()),
            "delay" => once(&mut self.delay, word, parse_delay(value)?),
            "retry-after" => once(&mut self.retry_after, word, parse_number(word, value)?),
            "at-once" => once(&mut self.at_once, word, parse_number(word, value)?),
            "per-second" => once(&mut self.per_second, word, parse_number(word, value)?),
            "rate" => once(&mut self.rate, word, parse_rate(value)?),
            "seed" => once(&mut self.seed, word, parse_number(word, value)?),
            "count" => once(&mut self.count, word, parse_number(word, value)?),
            "method" => once(&mut self.method, word, parse_method(value)?),
            "bucket" => once(&mut self.bucket, word, value.to_owned()),
            "key" => once(&mut self.key, word, value.to_owned()),
            _ => Err(unknown()),
        }
    }

    fn finish(self) -> Result<FaultRule, String> {
        let effect = match (self.status, self.reset, self.code) {
            (Some(_), Some(()), _) => return Err("`status` and `reset` exclude each other".to_owned()),
            (None, _, Some(_)) => return Err("`code` needs a `status`".to_owned()),
            (None, ..) if self.retry_after.is_some() => {
                return Err("`retry-after` needs a `status`".to_owned());
            }
            (Some(status), None, code) => {
                let code = code.unwrap_or_else(|| usual_code(status).to_owned());
                Effect::Fail { status, code, retry_after: self.retry_after }
            }
            (None, Some(()), None) => Effect::Reset,
            (None, None, None) if self.delay.is_some() => Effect::Handle,
            (None, None, None) => return Err("it does nothing: give `status`, `reset` or `delay`".to_owned()),
        };
        Ok(FaultRule {
            effect,
            delay: self.delay.unwrap_or_default(),
            at_once: self.at_once,
            per_second: self.per_second,
            rate: self.rate.unwrap_or(1.0),
            seed: self.seed.unwrap_or(0),
            count: self.count,
            method: self.method,
            bucket: self.bucket,
            key: self.key,
        })
    }
}

fn once<T>(slot: &mut Option<T>, word: &str, value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{word}` is given twice")),
    }
}

fn parse_status(value: &str) -> Result<StatusCode, String> {
    let code: Option<u16> = value.parse().ok().filter(|code| (400..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| format!("`status` is a number from 400 to 599, not `{value}`"))
}

fn parse_delay(value: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`delay` is a number with `ms` or `s`, at most 600s, as in `200ms`, not `{value}`");
    let (number, unit) = match (value.strip_suffix("ms"), value.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let delay = number.checked_mul(unit).map(Duration::from_millis).ok_or_else(wrong)?;
    if delay > MAX_DELAY { Err(wrong()) } else { Ok(delay) }
}

fn parse_rate(value: &str) -> Result<f64, String> {
    let rate = value.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| format!("`rate` is a number from 0 to 1, not `{value}`"))
}

fn parse_number(word: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("`{word}` is a whole number, not `{value}`"))
}

fn parse_method(value: &str) -> Result<Method, String> {
    [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE]
        .into_iter()
        .find(|method| method.as_str() == value)
        .ok_or_else(|| format!("`method` is GET, HEAD, PUT, POST or DELETE, not `{value}`"))
}

/// The code that S3 gives with a status.
fn usual_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "InvalidRequest",
        403 => "AccessDenied",
        404 => "NoSuchKey",
        409 => "OperationAborted",
        412 => "PreconditionFailed",
        503 => "SlowDown",
        _ => "InternalError",
    }
}

/// What the rules look at.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    pub(crate) bucket: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
}

/// The rules at work: their chance and how often they struck.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: Mutex<Vec<ActiveRule>>,
}

#[derive(Debug)]
struct ActiveRule {
    rule: FaultRule,
    chance: fastrand::Rng,
    struck: u64,
    /// Matching requests that are being handled.
    now: Arc<AtomicU64>,
    second: Second,
}

/// How many requests came in one second.
#[derive(Debug)]
struct Second {
    begin: Instant,
    requests: u64,
}

impl Second {
    /// Counts one request, and says how many came before it in its second.
    fn count(&mut self, now: Instant) -> u64 {
        if now.saturating_duration_since(self.begin) >= Duration::from_secs(1) {
            *self = Self { begin: now, requests: 0 };
        }
        self.requests += 1;
        self.requests - 1
    }
}

impl Faults {
    /// Puts rules to work, in this order.
    pub(crate) fn new(rules: Vec<FaultRule>) -> Self {
        let rules = rules
            .into_iter()
            .map(|rule| ActiveRule {
                chance: fastrand::Rng::with_seed(rule.seed),
                rule,
                struck: 0,
                now: Arc::default(),
                second: Second { begin: Instant::now(), requests: 0 },
            })
            .collect();
        Self { rules: Mutex::new(rules) }
    }

    /// What happens to this request.
    pub(crate) fn judge(&self, request: &Request<'_>) -> Verdict {
        let mut verdict = Verdict { delay: Duration::ZERO, effect: Effect::Handle, load: Load::default() };
        let now = Instant::now();
        // Each judgement leaves the rules sound, so a panic elsewhere does no harm.
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for active in rules.iter_mut() {
            if active.strikes(request, now, &mut verdict.load) {
                verdict.delay += active.rule.delay;
                if active.rule.effect != Effect::Handle {
                    verdict.effect = active.rule.effect.clone();
                    break;
                }
            }
        }
        verdict
    }
}

impl ActiveRule {
    fn strikes(&mut self, request: &Request<'_>, now: Instant, load: &mut Load) -> bool {
        let rule = &self.rule;
        let matches = rule.method.as_ref().is_none_or(|method| method == request.method)
            && pattern_holds(rule.bucket.as_deref(), request.bucket)
            && pattern_holds(rule.key.as_deref(), request.key);
        // `f64` is below 1, so a rate of 1 always strikes and a rate of 0 never does.
        let (count, rate) = (rule.count, rule.rate);
        let strikes = matches
            && self.is_too_much(now, load)
            && count.is_none_or(|count| self.struck < count)
            && self.chance.f64() < rate;
        self.struck += u64::from(strikes);
        strikes
    }

    /// Whether the store takes no more now. A request that it takes counts in `load`.
    fn is_too_much(&mut self, now: Instant, load: &mut Load) -> bool {
        let in_its_second = self.second.count(now);
        if self.rule.per_second.is_some_and(|most| in_its_second >= most) {
            return true;
        }
        let Some(most) = self.rule.at_once else { return self.rule.per_second.is_none() };
        if self.now.load(Ordering::Relaxed) >= most {
            return true;
        }
        self.now.fetch_add(1, Ordering::Relaxed);
        load.0.push(Arc::clone(&self.now));
        false
    }
}

fn pattern_holds(pattern: Option<&str>, text: Option<&str>) -> bool {
    match (pattern, text) {
        (None, _) => true,
        (Some(pattern), Some(text)) => glob(pattern, text),
        (Some(_), None) => false,
    }
}

/// Matches a pattern of `*` and `?`: on a mismatch, the last `*` takes one more character.
fn glob(pattern: &str, text: &str) -> bool {
    let (mut rest, mut text) = (pattern.chars(), text.chars());
    let mut last_star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let at = text.clone();
        match (rest.next(), text.next()) {
            (Some('*'), _) => {
                last_star = Some((rest.clone(), at.clone()));
                text = at;
            }
            (None, None) => return true,
            (Some(p), Some(t)) if p == '?' || p == t => {}
            _ => {
                let Some((after_star, mut taken)) = last_star.take() else { return false };
                if taken.next().is_none() {
                    return false;
                }
                last_star = Some((after_star.clone(), taken.clone()));
                rest = after_star;
                text = taken;
            }
        }
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
