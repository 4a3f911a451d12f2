//! The policy gate: every request of a task is asked about before it is sent.

mod beside;
mod time;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_policy::{Context, Lookup, PolicySet};

use self::time::{days_between, time_keys, time_text};
use crate::Store;
use crate::access::{Access, RETAIN_UNTIL, Subject};
use crate::copying;
use crate::digesting;
use crate::endpoint::Endpoints;
use crate::error::{StoreError, code};
use crate::mandate::Mandate;
use crate::names;
use crate::reach::{Progress, Reach};
use crate::rehearsal::{Foreseen, Journal, Nowhere};
use crate::request::{GetObjectTagging, Request, Tag};
use crate::response::Response;
use crate::uploading::{self, BegunUploads};

/// Condition keys about the tags that an object has now begin so.
const EXISTING_TAG: &str = "s3:ExistingObjectTag/";

/// Condition key of the days that an object will be retained from now.
const REMAINING_DAYS: &str = "s3:object-lock-remaining-retention-days";

/// Who asks, under which policies, and what is the same for all requests of a job.
#[derive(Clone)]
pub struct GateConfig {
    /// Name of the role.
    pub role: String,
    /// AWS account number of the role, 12 digits.
    pub account: String,
    /// Name of the role session: the job's ID.
    pub session: String,
    /// Account that owns the buckets; `None` means the role's.
    pub bucket_owner: Option<String>,
    /// The role's policies, as one snapshot.
    pub policies: Arc<PolicySet>,
    /// Region that requests are signed for.
    pub region: String,
    /// Whether requests travel over TLS.
    pub secure_transport: bool,
    /// What may be called beside the store.
    pub endpoints: Endpoints,
    /// The time that policies see.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl GateConfig {
    /// ARN of the role session that asks.
    pub fn principal(&self) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{}", self.account, self.role, self.session)
    }

    /// Account that owns the buckets.
    pub fn resource_account(&self) -> &str {
        self.bucket_owner.as_ref().unwrap_or(&self.account)
    }

    /// The condition keys of every request, at this moment.
    pub fn standing_context(&self) -> Context {
        let mut context = Context::new();
        let now = (self.clock)();
        for (key, value) in self.constants(now).into_iter().chain(time_keys(now)) {
            context.set(key, value);
        }
        context
    }

    /// The condition keys that are the same for every request of a job whose session began at `issued` (AWS global
    /// condition context keys; "Condition keys for Amazon S3"). Not among them: `aws:SourceIp` and its kind (the engine is
    /// the caller, not a service in front of one), `aws:UserAgent` and `s3:x-amz-content-sha256` (not known before the
    /// request is signed). Policies see those as absent.
    fn constants(&self, issued: Timestamp) -> Vec<(&'static str, String)> {
        let owner = self.resource_account();
        let mut keys = vec![
            ("aws:PrincipalArn", format!("arn:aws:iam::{}:role/{}", self.account, self.role)),
            ("aws:PrincipalAccount", self.account.clone()),
            ("aws:PrincipalType", "AssumedRole".to_owned()),
            ("aws:PrincipalIsAWSService", "false".to_owned()),
            ("aws:userid", format!("{}:{}", self.role, self.session)),
            // A session has both, also where nobody was asked for a second factor.
            ("aws:TokenIssueTime", time_text(issued)),
            ("aws:MultiFactorAuthPresent", "false".to_owned()),
            ("aws:SecureTransport", self.secure_transport.to_string()),
            ("aws:ViaAWSService", "false".to_owned()),
            ("aws:ResourceAccount", owner.to_owned()),
            ("s3:ResourceAccount", owner.to_owned()),
            ("aws:RequestedRegion", self.region.clone()),
            ("s3:authType", "REST-HEADER".to_owned()),
            ("s3:signatureversion", "AWS4-HMAC-SHA256".to_owned()),
            // Milliseconds. Requests are signed as they are sent.
            ("s3:signatureAge", "0".to_owned()),
        ];
        if self.secure_transport {
            // The oldest version that the TLS library speaks: what the connection will have at least.
            keys.push(("s3:TlsVersion", "1.2".to_owned()));
        }
        keys
    }

    /// Whether a request of the engine for an action may carry a condition key (compared without case).
    pub fn may_supply(&self, action: &str, key: &str) -> bool {
        let now = Timestamp::UNIX_EPOCH;
        let standing = || self.constants(now).into_iter().chain(time_keys(now));
        longshore_policy::s3::supplies(action, key)
            || standing().any(|(standing, _)| standing.eq_ignore_ascii_case(key))
    }
}

/// Whether a key of [`GateConfig::constants`] is about the store. An endpoint has its own values of these, or none.
fn is_about_store(key: &str) -> bool {
    key.starts_with("s3:")
        || matches!(key, "aws:SecureTransport" | "aws:RequestedRegion" | "aws:ResourceAccount")
}

/// How much of a request is known when it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// All of it: this very request is about to be sent.
    Exact,
    /// Parts of it will only be known later: could any policy allow it? The check at sending is still exact.
    Provisional,
}

/// A store behind a role's policies. Cloning shares it.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
    reach: Arc<Reach>,
}

struct Inner {
    store: Arc<dyn Store>,
    endpoints: Endpoints,
    role: String,
    principal: String,
    bucket_owner: String,
    policies: Arc<PolicySet>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The unchanging condition keys that some policy mentions.
    constants: Vec<(&'static str, String)>,
    mentions_time: bool,
    mentions_remaining_days: bool,
    mentions_existing_tags: bool,
    /// Where a rehearsal writes what it was asked; `None` for a gate that lets requests through.
    journal: Option<Journal>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("principal", &self.inner.principal).finish_non_exhaustive()
    }
}

impl Gate {
    /// Puts `store` behind the policies of `config`.
    pub fn new(store: Arc<dyn Store>, config: GateConfig) -> Self {
        Self::with_journal(store, config, None)
    }

    /// A gate with nothing behind it: its checks ask the store nothing, refuse nothing, and write down what the policies
    /// would say. Whatever is sent fails.
    pub fn rehearsal(config: GateConfig) -> (Self, Journal) {
        let journal = Journal::default();
        (Self::rehearsal_in(config, &journal), journal)
    }

    /// Another rehearsal that writes into the same journal: of another store.
    pub fn rehearsal_in(config: GateConfig, journal: &Journal) -> Self {
        Self::with_journal(Arc::new(Nowhere), config, Some(journal.clone()))
    }

    /// The same gate with more in reach.
    #[must_use]
    pub fn with_reach(self, reach: Reach) -> Self {
        Self { reach: Arc::new(reach), ..self }
    }

    fn with_journal(store: Arc<dyn Store>, config: GateConfig, journal: Option<Journal>) -> Self {
        let policies = &config.policies;
        // Keys that no policy mentions cannot change a decision; setting them for every request would cost more than
        // the decision itself.
        let mut constants = config.constants((config.clock)());
        constants.retain(|(key, _)| policies.mentions_key(key));
        let inner = Arc::new(Inner {
            store,
            endpoints: config.endpoints.clone(),
            principal: config.principal(),
            bucket_owner: config.resource_account().to_owned(),
            role: config.role,
            clock: config.clock,
            constants,
            mentions_remaining_days: policies.mentions_key(REMAINING_DAYS),
            mentions_time: policies.mentions_key("aws:CurrentTime") || policies.mentions_key("aws:EpochTime"),
            mentions_existing_tags: policies.mentions_key(EXISTING_TAG),
            policies: config.policies,
            journal,
        });
        Self { inner, reach: Arc::default() }
    }

    /// Whether its checks refuse nothing and only write down what the policies would say.
    pub fn is_rehearsal(&self) -> bool {
        self.inner.journal.is_some()
    }

    /// The gate for one task, the one on `object`.
    pub fn task(&self, object: ObjectId) -> TaskGate {
        TaskGate {
            gate: self.clone(),
            object,
            existing_tags: Mutex::new(HashMap::new()),
            progress: Progress::default(),
            begun: BegunUploads::default(),
            mandate: None,
        }
    }
}

/// A gate for the requests of one task. Remembers the tags of the objects that policies asked about.
#[derive(Debug)]
pub struct TaskGate {
    gate: Gate,
    object: ObjectId,
    existing_tags: Mutex<HashMap<ObjectId, Arc<[Tag]>>>,
    progress: Progress,
    pub(crate) begun: BegunUploads,
    /// Whoever sends for the task; `None` is the engine itself.
    mandate: Option<Arc<dyn Mandate>>,
}

impl TaskGate {
    /// The same for one who may ask for less.
    #[must_use]
    pub fn within(self, mandate: Arc<dyn Mandate>) -> Self {
        Self { mandate: Some(mandate), ..self }
    }

    /// Whether the role's policies allow `request`. Sends nothing, except one GetObjectTagging per object if a policy
    /// tests `s3:ExistingObjectTag`.
    ///
    /// # Errors
    /// The mandate's; [`code::ACCESS_DENIED`] with status 403 and the reason; [`code::INVALID_REQUEST`] if a bucket's name or a
    /// key is none.
    pub async fn check(&self, request: &Request, certainty: Certainty) -> Result<(), StoreError> {
        if let Request::CopyObject(copy) = request
            && let Some(store) = &copy.transfer.target_store
        {
            return copying::check_between(self, copy, store, certainty).await;
        }
        if let Request::CreateMultipartUpload(create) = request {
            uploading::check(self, create).await?;
        }
        self.check_one(request, certainty).await
    }

    /// As [`TaskGate::check`], of a request to another store of the job: `None` is its own.
    ///
    /// # Errors
    /// As [`TaskGate::check`], and if the job's parameters name no such store.
    pub async fn check_to(
        &self,
        store: Option<&str>,
        request: &Request,
        certainty: Certainty,
    ) -> Result<(), StoreError> {
        match store {
            Some(store) => self.on(store)?.check_one(request, certainty).await,
            None => self.check(request, certainty).await,
        }
    }

    /// As [`TaskGate::send`], to another store of the job: `None` is its own.
    ///
    /// # Errors
    /// As [`TaskGate::send`], and if the job's parameters name no such store.
    pub async fn send_to(
        &self,
        store: Option<&str>,
        request: impl Into<Request>,
    ) -> Result<Response, StoreError> {
        match store {
            Some(store) => self.on(store)?.send_one(request.into()).await,
            None => self.send(request).await,
        }
    }

    /// As [`TaskGate::check`], of a request that is sent as it is.
    pub(crate) async fn check_one(&self, request: &Request, certainty: Certainty) -> Result<(), StoreError> {
        names::check(request)?;
        let inner = &self.gate.inner;
        let accesses = inner.accesses(request)?;
        if let Some(mandate) = &self.mandate {
            accesses.iter().try_for_each(|access| mandate.covers(access.action))?;
        }
        for mut access in accesses {
            inner.add_standing_keys(&mut access);
            if let Some(journal) = &inner.journal {
                journal.note(inner.foresee(access, certainty));
                continue;
            }
            let told = |refusal: &StoreError| {
                let ObjectId { bucket, key, .. } = &self.object;
                tracing::debug!(bucket, key, request = request.name(), %refusal, "refused by policy");
            };
            if certainty == Certainty::Exact && inner.mentions_existing_tags && access.sees_existing_tags() {
                // Where no tags could help, the store is not asked for them: it would be asked with the engine's credentials.
                inner.decide(&access, Certainty::Provisional).inspect_err(told)?;
                self.add_existing_tags(request, &mut access).await?;
            }
            inner.decide(&access, certainty).inspect_err(told)?;
        }
        Ok(())
    }

    /// Asks the policies about `request`, exactly, and sends it if they allow it.
    ///
    /// # Errors
    /// As [`TaskGate::check`]; then nothing was sent. Else as [`Store::send`].
    pub async fn send(&self, request: impl Into<Request>) -> Result<Response, StoreError> {
        match request.into() {
            // On the heap: operations wait on small stacks.
            Request::CopyObject(copy) => Box::pin(copying::copy(self, *copy)).await,
            request if uploading::is_of_upload(&request) => Box::pin(uploading::send(self, request)).await,
            request => self.send_one(request).await,
        }
    }

    /// As [`TaskGate::send`], of a request that is sent as it is; where it reads a large object, as often as that takes.
    pub(crate) async fn send_one(&self, request: Request) -> Result<Response, StoreError> {
        match request {
            Request::DigestObject(call) => Box::pin(digesting::digest(self, call)).await,
            request => self.send_once(request).await,
        }
    }

    pub(crate) async fn send_once(&self, request: Request) -> Result<Response, StoreError> {
        self.check_one(&request, Certainty::Exact).await?;
        let answer = match &request {
            // A rehearsal sends nothing anywhere.
            Request::InvokeEndpoint(call) if !self.gate.is_rehearsal() => {
                self.gate.inner.endpoints.invoke(call).await
            }
            _ => self.gate.inner.store.send(&request).await,
        };
        if request.may_change_tags() {
            // Also after an error: the request may have taken effect.
            self.existing_tags.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        answer
    }

    pub(crate) fn note_progress(&self) {
        self.progress.note();
    }

    /// How far its requests have got: shared with whoever waits for them.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    async fn add_existing_tags(&self, request: &Request, access: &mut Access) -> Result<(), StoreError> {
        let object = match access.subject {
            Subject::Object => request.object(),
            Subject::Source => request.source().cloned(),
            Subject::Bucket | Subject::Endpoint => None,
        };
        let Some(object) = object else { return Ok(()) };
        let tags = self.existing_tags_of(object).await.map_err(|why| {
            let inner = &self.gate.inner;
            inner
                .refusal(access, &format!("a policy tests its present tags, which could not be read ({why})"))
        })?;
        for tag in tags.iter() {
            access.context.set(format!("{EXISTING_TAG}{}", tag.key), tag.value.as_str());
        }
        Ok(())
    }

    async fn existing_tags_of(&self, object: ObjectId) -> Result<Arc<[Tag]>, StoreError> {
        let known = self.existing_tags.lock().unwrap_or_else(PoisonError::into_inner).get(&object).cloned();
        if let Some(tags) = known {
            return Ok(tags);
        }
        let request = Request::GetObjectTagging(GetObjectTagging::new(object.clone()));
        let tags: Arc<[Tag]> = match self.gate.inner.store.send(&request).await {
            Ok(answer) => answer.tags.into(),
            // An object that is not there has no tags: normal for the target of a copy.
            Err(error) if error.code == "NoSuchKey" => Arc::from([]),
            Err(error) => return Err(error),
        };
        self.existing_tags.lock().unwrap_or_else(PoisonError::into_inner).insert(object, Arc::clone(&tags));
        Ok(tags)
    }
}

impl Inner {
    /// Every permission that the request needs.
    fn accesses(&self, request: &Request) -> Result<Vec<Access>, StoreError> {
        match request {
            Request::InvokeEndpoint(call) => Ok(vec![self.endpoints.access(call)?]),
            other => Ok(names::with_cleaned(other.accesses())),
        }
    }

    fn add_standing_keys(&self, access: &mut Access) {
        let beside = access.subject == Subject::Endpoint;
        for (key, value) in self.constants.iter().filter(|(key, _)| !(beside && is_about_store(key))) {
            access.context.set(*key, value.as_str());
        }
        if self.mentions_time {
            for (key, value) in time_keys((self.clock)()) {
                access.context.set(key, value);
            }
        }
        if self.mentions_remaining_days
            && let Lookup::One(until) = access.context.get(RETAIN_UNTIL)
            && let Ok(until) = until.parse::<Timestamp>()
        {
            access.context.set(REMAINING_DAYS, days_between((self.clock)(), until).to_string());
        }
    }

    fn question<'a>(&'a self, access: &'a Access) -> longshore_policy::Request<'a> {
        longshore_policy::Request {
            principal: &self.principal,
            action: access.action,
            resource: &access.resource,
            resource_account: &self.bucket_owner,
            context: &access.context,
        }
    }

    /// What can be said of an access before anything is asked of the store.
    fn foresee(&self, access: Access, certainty: Certainty) -> Foreseen {
        let unknown: &[&str] = match certainty {
            // What the request says is not settled yet, who sends it is.
            Certainty::Provisional => &["s3:"],
            Certainty::Exact if access.sees_existing_tags() => &[EXISTING_TAG],
            Certainty::Exact => &[],
        };
        let foresight = self.policies.foresee(&self.question(&access), unknown);
        Foreseen { access, certainty, foresight }
    }

    fn decide(&self, access: &Access, certainty: Certainty) -> Result<(), StoreError> {
        let question = self.question(access);
        let decision = match certainty {
            Certainty::Exact => self.policies.decide(&question),
            Certainty::Provisional => self.policies.could_allow(&question),
        };
        if decision.allowed() { Ok(()) } else { Err(self.refusal(access, &decision.reason())) }
    }

    fn refusal(&self, access: &Access, reason: &str) -> StoreError {
        let Access { action, resource, .. } = access;
        let message = format!("role \"{}\" may not {action} on {resource}: {reason}", self.role);
        StoreError::new(code::ACCESS_DENIED, message).with_status(403)
    }
}

#[cfg(test)]
mod tests;
