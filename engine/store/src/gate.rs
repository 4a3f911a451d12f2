//! The policy gate: every request of a task is asked about before it is sent.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use longshore_job::ObjectId;
use longshore_job::object::bad_bucket_name;
use longshore_policy::{Context, PolicySet};

use crate::Store;
use crate::access::{Access, Subject};
use crate::error::{StoreError, code};
use crate::request::{GetObjectTagging, Request, Tag};
use crate::response::Response;

/// Condition keys about the tags that an object has now begin so.
const EXISTING_TAG: &str = "s3:ExistingObjectTag/";

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
    /// The time that policies see.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
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
pub struct Gate(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    role: String,
    principal: String,
    bucket_owner: String,
    policies: Arc<PolicySet>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The unchanging condition keys that some policy mentions.
    constants: Vec<(&'static str, String)>,
    mentions_time: bool,
    mentions_existing_tags: bool,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("principal", &self.0.principal).finish_non_exhaustive()
    }
}

impl Gate {
    /// Puts `store` behind the policies of `config`.
    pub fn new(store: Arc<dyn Store>, config: GateConfig) -> Self {
        let policies = &config.policies;
        // Keys that no policy mentions cannot change a decision; setting them for every request would cost more than
        // the decision itself.
        let mut constants = constant_keys(&config);
        constants.retain(|(key, _)| policies.mentions_key(key));
        Self(Arc::new(Inner {
            store,
            principal: format!(
                "arn:aws:sts::{}:assumed-role/{}/{}",
                config.account, config.role, config.session
            ),
            bucket_owner: config.bucket_owner.unwrap_or(config.account),
            role: config.role,
            clock: config.clock,
            constants,
            mentions_time: policies.mentions_key("aws:CurrentTime") || policies.mentions_key("aws:EpochTime"),
            mentions_existing_tags: policies.mentions_key(EXISTING_TAG),
            policies: config.policies,
        }))
    }

    /// The gate for one task, the one on `object`.
    pub fn task(&self, object: ObjectId) -> TaskGate {
        TaskGate { gate: self.clone(), object, existing_tags: Mutex::new(HashMap::new()) }
    }
}

/// The condition keys that are the same for every request of a job (AWS global condition context keys; "Condition keys
/// for Amazon S3"). Not among them: `aws:SourceIp` and its kind (the engine is the caller, not a service in front of
/// one), `aws:UserAgent` and `s3:x-amz-content-sha256` (not known before the request is signed). Policies see those as
/// absent.
fn constant_keys(config: &GateConfig) -> Vec<(&'static str, String)> {
    let owner = config.bucket_owner.as_ref().unwrap_or(&config.account);
    let mut keys = vec![
        ("aws:PrincipalArn", format!("arn:aws:iam::{}:role/{}", config.account, config.role)),
        ("aws:PrincipalAccount", config.account.clone()),
        ("aws:PrincipalType", "AssumedRole".to_owned()),
        ("aws:userid", format!("{}:{}", config.role, config.session)),
        ("aws:SecureTransport", config.secure_transport.to_string()),
        ("aws:ViaAWSService", "false".to_owned()),
        ("aws:ResourceAccount", owner.clone()),
        ("s3:ResourceAccount", owner.clone()),
        ("aws:RequestedRegion", config.region.clone()),
        ("s3:authType", "REST-HEADER".to_owned()),
        ("s3:signatureversion", "AWS4-HMAC-SHA256".to_owned()),
        // Milliseconds. Requests are signed as they are sent.
        ("s3:signatureAge", "0".to_owned()),
    ];
    if config.secure_transport {
        // The oldest version that the TLS library speaks: what the connection will have at least.
        keys.push(("s3:TlsVersion", "1.2".to_owned()));
    }
    keys
}

/// A gate for the requests of one task. Remembers the tags of the objects that policies asked about.
#[derive(Debug)]
pub struct TaskGate {
    gate: Gate,
    object: ObjectId,
    existing_tags: Mutex<HashMap<ObjectId, Arc<[Tag]>>>,
}

impl TaskGate {
    /// Whether the role's policies allow `request`. Sends nothing, except one GetObjectTagging per object if a policy
    /// tests `s3:ExistingObjectTag`.
    ///
    /// # Errors
    /// [`code::ACCESS_DENIED`] with status 403 and the reason; [`code::INVALID_REQUEST`] if a bucket's name is none.
    pub async fn check(&self, request: &Request, certainty: Certainty) -> Result<(), StoreError> {
        for name in request.buckets() {
            if let Some(why) = bad_bucket_name(name) {
                return Err(StoreError::new(
                    code::INVALID_REQUEST,
                    format!("{name:?} is no bucket name: {why}"),
                ));
            }
        }
        let inner = &self.gate.0;
        for mut access in request.accesses() {
            inner.add_standing_keys(&mut access.context);
            if certainty == Certainty::Exact && inner.mentions_existing_tags && access.sees_existing_tags() {
                self.add_existing_tags(request, &mut access).await?;
            }
            inner.decide(&access, certainty).inspect_err(|refusal| {
                let ObjectId { bucket, key, .. } = &self.object;
                tracing::debug!(bucket, key, request = request.name(), %refusal, "refused by policy");
            })?;
        }
        Ok(())
    }

    /// Asks the policies about `request`, exactly, and sends it if they allow it.
    ///
    /// # Errors
    /// As [`TaskGate::check`]; then nothing was sent. Else as [`Store::send`].
    pub async fn send(&self, request: impl Into<Request>) -> Result<Response, StoreError> {
        let request = request.into();
        self.check(&request, Certainty::Exact).await?;
        let answer = self.gate.0.store.send(&request).await;
        if may_change_tags(&request) {
            // Also after an error: the request may have taken effect.
            self.existing_tags.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        answer
    }

    async fn add_existing_tags(&self, request: &Request, access: &mut Access) -> Result<(), StoreError> {
        let object = match access.subject {
            Subject::Object => request.object(),
            Subject::Source => request.source().cloned(),
            Subject::Bucket => None,
        };
        let Some(object) = object else { return Ok(()) };
        let tags = self.existing_tags_of(object).await.map_err(|why| {
            let inner = &self.gate.0;
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
        let request = Request::GetObjectTagging(GetObjectTagging { object: object.clone() });
        let tags: Arc<[Tag]> = match self.gate.0.store.send(&request).await {
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
    fn add_standing_keys(&self, context: &mut Context) {
        for (key, value) in &self.constants {
            context.set(*key, value.as_str());
        }
        if self.mentions_time {
            let now = (self.clock)();
            context.set("aws:CurrentTime", now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            context.set("aws:EpochTime", now.as_second().to_string());
        }
    }

    fn decide(&self, access: &Access, certainty: Certainty) -> Result<(), StoreError> {
        let question = longshore_policy::Request {
            principal: &self.principal,
            action: access.action,
            resource: &access.resource,
            resource_account: &self.bucket_owner,
            context: &access.context,
        };
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

/// Whether an object may have other tags after `request`.
fn may_change_tags(request: &Request) -> bool {
    matches!(
        request,
        Request::PutObject(_)
            | Request::CopyObject(_)
            | Request::PutObjectTagging(_)
            | Request::DeleteObjectTagging(_)
            | Request::DeleteObject(_)
    )
}

#[cfg(test)]
mod tests;
