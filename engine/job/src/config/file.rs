//! The form of `longshore.toml`. Doc comments here are what editors show.
//!
//! Keys that must be given are `Option`s marked `required`: their absence is the schema's finding, and what else the file says
//! is still looked at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::plugins::PluginsSection;
use crate::declare::size::Size;

/// Directory of queue, spools and locks, unless the file says otherwise.
pub(super) const DATA_DIRECTORY: &str = ".longshore";

/// Time that running tasks get to finish once the engine is asked to stop, unless the file says otherwise: well below the 90
/// seconds after which systemd kills a service.
pub(super) const DRAIN: &str = "30s";

/// Time for one attempt to deliver a notification, unless the file says otherwise: targets take it and do their work afterwards.
const NOTIFY_TIMEOUT: &str = "10s";

/// How long a notification is tried, unless the file says otherwise: over a night and until somebody has mended the target.
const NOTIFY_MAX_AGE: &str = "24h";

/// Time for one attempt of a request, unless the file says otherwise: S3's slowest small answers come within seconds, a 5 GiB
/// copy within a minute.
pub(super) const REQUEST_TIMEOUT: &str = "60s";

/// Time for one attempt to call an endpoint, unless the file says otherwise: functions that take longer are told of.
const ENDPOINT_TIMEOUT: &str = "60s";

/// Bytes of an endpoint's answer, unless the file says otherwise: an answer about one task has some hundred. At most what AWS
/// Lambda answers with (6 MB and 100 bytes).
const ANSWER_BYTES: u32 = 1 << 20;

/// How long the first task of a call waits for others, unless the file says otherwise: a tenth of what a call takes that is worth
/// sharing.
const BATCH_WAIT: &str = "50ms";

/// Jobs that run tasks at once, unless the file says otherwise: as in Amazon S3 Batch Operations.
const ACTIVE_JOBS: u32 = 6;

/// Tasks that run at once, unless the file says otherwise: four jobs that say nothing about it run side by side.
const CONCURRENCY: u32 = 256;

/// How long a job may wait for its confirmation, unless the file says otherwise: as in Amazon S3 Batch Operations.
const SUSPENDED: &str = "30d";

/// How long a job that has ended is kept, unless the file says otherwise: as in Amazon S3 Batch Operations.
const FINISHED: &str = "90d";

/// Engine configuration of Longshore: the stores that it works on, the roles under which jobs run, and where it keeps its
/// data. Paths are relative to this file. Strings may take environment variables: `${NAME}`, `${NAME:-default}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ConfigFile {
    /// Directory of the queue, the locks and, unless they have one of their own, the spools.
    #[serde(default = "data_directory")]
    #[schemars(length(min = 1), extend("examples" = ["/var/lib/longshore"]))]
    pub(super) data_directory: String,
    /// Where the rows of lists are while their jobs run. Without it they are in the data directory.
    #[schemars(extend("examples" = [{"location": "s3://spools/longshore", "store": "main"}]))]
    pub(super) spool: Option<SpoolSection>,
    /// Bounds of the engine itself, over all jobs.
    #[serde(default)]
    pub(super) engine: EngineSection,
    /// How plugins run that do not ship with the engine, what each may use, and whose signatures are trusted.
    #[serde(default)]
    pub(super) plugins: PluginsSection,
    /// How long jobs are kept.
    #[serde(default)]
    pub(super) retention: RetentionSection,
    /// Time that running tasks get to finish once the engine is asked to stop: a number and a unit, from 0s to 1h. What is not
    /// done by then is done again by the next start.
    #[serde(default = "drain")]
    #[schemars(extend("examples" = ["30s", "5m"]))]
    pub(super) drain: String,
    /// S3 endpoints, by the names that job files use.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "patternErrorMessage": "must be 1 to 64 letters, digits, \".\", \"_\" or \"-\", and begin with a letter or digit"}))]
    pub(super) store: BTreeMap<String, StoreSection>,
    /// What tasks may call beside the stores, by the names that job files use.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "patternErrorMessage": "must be 1 to 64 letters, digits, \".\", \"_\" or \"-\", and begin with a letter or digit"}))]
    pub(super) endpoint: BTreeMap<String, EndpointSection>,
    /// Roles, by the names that job files use.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z0-9_+=,.@-]{1,64}$", "patternErrorMessage": "must be a role name as in IAM: 1 to 64 letters, digits or any of _+=,.@-"}))]
    pub(super) role: BTreeMap<String, RoleSection>,
    /// What `longshore start` shows to whoever watches over it.
    pub(super) metrics: Option<MetricsSection>,
    /// Who is told of what happens to jobs.
    #[serde(default)]
    pub(super) notify: Vec<NotifySection>,
    /// A ceiling for every role.
    pub(super) guard: Option<GuardSection>,
    /// Resource policies: the policy file of each bucket that has one.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = {"type": "string", "minLength": 1}, "examples" = [{"my-bucket": "policies/my-bucket.json"}]))]
    pub(super) bucket_policy: BTreeMap<String, String>,
}

fn data_directory() -> String {
    DATA_DIRECTORY.to_owned()
}

/// Bounds of the engine itself, over all jobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct EngineSection {
    /// Most jobs that run tasks at once, and most that read their manifests meanwhile; the others wait for their turn.
    #[schemars(range(min = 1, max = 1_000), extend("examples" = [6]))]
    pub(super) active_jobs: u32,
    /// Most tasks that run at once, over all jobs: those of higher priority go first, equals share.
    #[schemars(range(min = 1, max = 4_000), extend("examples" = [256]))]
    pub(super) concurrency: u32,
    /// Most requests per second to all stores together, retries included.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [2000]))]
    pub(super) requests_per_second: Option<u32>,
    /// Most bytes of objects per second that pass through the engine: a number, or a text with a unit.
    #[schemars(extend("examples" = ["200 MB"]))]
    pub(super) bytes_per_second: Option<Size>,
}

impl Default for EngineSection {
    fn default() -> Self {
        let (requests_per_second, bytes_per_second) = (None, None);
        Self { active_jobs: ACTIVE_JOBS, concurrency: CONCURRENCY, requests_per_second, bytes_per_second }
    }
}

/// How long jobs are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RetentionSection {
    /// A job that waits for a confirmation fails after this time: a number and a unit, or "never".
    #[schemars(extend("examples" = ["30d", "never"]))]
    pub(super) suspended: String,
    /// A job that has ended is deleted after this time, with its failures, history and folder; its report stays: a number and
    /// a unit, or "never".
    #[schemars(extend("examples" = ["90d", "never"]))]
    pub(super) finished: String,
}

impl Default for RetentionSection {
    fn default() -> Self {
        Self { suspended: SUSPENDED.to_owned(), finished: FINISHED.to_owned() }
    }
}

fn drain() -> String {
    DRAIN.to_owned()
}

/// Where `longshore start` answers `/metrics`, `/healthz` and `/readyz`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct MetricsSection {
    /// Address and port to listen at. Without it nothing listens, unless the command line has `--listen`.
    #[schemars(length(min = 1), extend("examples" = ["127.0.0.1:9464"]))]
    pub(super) listen: Option<String>,
    /// Allow an address that other machines reach. Who reaches it sees the names of stores, and how many jobs and tasks there are.
    #[serde(default)]
    pub(super) allow_remote: bool,
}

/// Who is told of what happens to jobs: by a webhook (`url`, `secret`) or by a program (`command`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct NotifySection {
    /// Name of the target, by which the queue knows it.
    #[schemars(required, extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "patternErrorMessage" = "must be 1 to 64 letters, digits, \".\", \"_\" or \"-\", and begin with a letter or digit", "examples" = ["operations"]))]
    pub(super) name: Option<String>,
    /// Where a webhook is POSTed to.
    #[schemars(extend("pattern" = "^https?://[^/?#@\\s]+(/[^#\\s]*)?$", "patternErrorMessage" = "must be an http:// or https:// URL with a host and without credentials or fragment", "examples" = ["https://hooks.example.com/longshore"]))]
    pub(super) url: Option<String>,
    /// Key that the webhook is signed with, as Standard Webhooks has it: base64 of 24 to 64 bytes, normally by reference.
    #[schemars(length(min = 1), extend("examples" = ["${WEBHOOK_SECRET}"]))]
    pub(super) secret: Option<String>,
    /// Program and arguments; the notification is its standard input. No shell is involved.
    #[schemars(length(min = 1), inner(length(min = 1)), extend("examples" = [["/usr/local/bin/tell-us"]]))]
    pub(super) command: Option<Vec<String>>,
    /// States that the target wants to hear of. Without it, every change.
    #[serde(default)]
    #[schemars(extend("examples" = [["Complete", "Failed", "Cancelled"]]))]
    pub(super) states: Vec<String>,
    /// Time one attempt may take: a number and a unit, from 1s to 1m.
    #[serde(default = "notify_timeout")]
    #[schemars(extend("examples" = ["10s"]))]
    pub(super) timeout: String,
    /// How long a notification is tried: a number and a unit, from 1m to 720h. Then it is kept as undelivered.
    #[serde(default = "notify_max_age")]
    #[schemars(extend("examples" = ["24h"]))]
    pub(super) max_age: String,
}

fn notify_timeout() -> String {
    NOTIFY_TIMEOUT.to_owned()
}

fn notify_max_age() -> String {
    NOTIFY_MAX_AGE.to_owned()
}

/// Where the rows of lists are while their jobs run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SpoolSection {
    /// A local directory, which then holds all of the jobs' own folders; or `s3://bucket/prefix`.
    #[schemars(required, length(min = 1), extend("examples" = ["/mnt/fast/longshore", "s3://spools/longshore"]))]
    pub(super) location: Option<String>,
    /// Store of the bucket. May be left out if there is one store.
    #[schemars(length(min = 1), extend("examples" = ["main"]))]
    pub(super) store: Option<String>,
}

/// An S3 endpoint.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct StoreSection {
    /// URL of an S3-compatible server. Without it the store is Amazon S3 in `region`.
    #[schemars(extend("pattern" = "^https?://[^/?#@\\s]+/?$", "patternErrorMessage" = "must be an http:// or https:// URL with a host and without path, query or credentials", "examples" = ["http://127.0.0.1:9000"]))]
    pub(super) endpoint: Option<String>,
    /// Region that requests are signed for. Without it the environment decides (`AWS_REGION`, the profile).
    #[schemars(length(min = 1), extend("examples" = ["us-east-1"]))]
    pub(super) region: Option<String>,
    /// Put the bucket into the path instead of the host name, as most S3-compatible servers want it.
    #[serde(default)]
    pub(super) path_style: bool,
    /// Where the credentials come from.
    #[serde(default)]
    #[schemars(extend("examples" = [{"source": "environment"}]))]
    pub(super) credentials: CredentialsSection,
    /// Time one attempt of a request may take: a number and a unit, from 1s to 1h.
    #[serde(default = "request_timeout")]
    #[schemars(extend("examples" = ["60s", "2m"]))]
    pub(super) request_timeout: String,
    /// Most requests in flight to this store, over all jobs. Without it the engine's concurrency decides.
    #[schemars(range(min = 1, max = 4_000), extend("examples" = [64]))]
    pub(super) concurrency: Option<u32>,
    /// Most requests per second that the engine sends to this store, over all jobs. Without it the store's own throttling decides.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [500]))]
    pub(super) requests_per_second: Option<u32>,
    /// Most bytes of objects per second between this store and the engine, over all jobs: a number, or a text with a unit.
    #[schemars(extend("examples" = ["100 MB"]))]
    pub(super) bytes_per_second: Option<Size>,
    /// Send deletions that wait for each other together, as DeleteObjects: up to 1,000 objects in a request.
    #[serde(default)]
    pub(super) batch_deletes: bool,
    /// Sign the bodies of uploads also where a Content-MD5, which is signed, lets the store check them.
    #[serde(default)]
    pub(super) sign_bodies: bool,
    /// Whether the store has UpdateObjectEncryption. Without it, Amazon S3 has it and others have not: one that does not know the
    /// request may take it for an upload and overwrite the object.
    pub(super) update_encryption: Option<bool>,
}

fn request_timeout() -> String {
    REQUEST_TIMEOUT.to_owned()
}

/// Something that tasks may call: a function of AWS Lambda, or a server that speaks its Invoke API; or a webhook.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct EndpointSection {
    /// What it speaks.
    #[schemars(required, extend("examples" = ["lambda"]))]
    pub(super) kind: Option<EndpointKind>,
    /// Where a webhook is POSTed to; for Lambda, a server that speaks its Invoke API. Without it Lambda is Amazon's.
    #[schemars(extend("pattern" = "^https?://[^/?#@\\s]+(/[^#\\s]*)?$", "patternErrorMessage" = "must be an http:// or https:// URL with a host and without credentials or fragment", "examples" = ["https://resize.example.com/batch"]))]
    pub(super) url: Option<String>,
    /// Lambda: ARN of the function, perhaps with a version or alias. Policies are asked about it.
    #[schemars(extend("pattern" = "^arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,140}(:(\\$LATEST|[A-Za-z0-9_-]{1,128}))?$", "patternErrorMessage" = "must be the ARN of a Lambda function: arn:aws:lambda:REGION:ACCOUNT:function:NAME, perhaps with :VERSION", "examples" = ["arn:aws:lambda:eu-central-1:111122223333:function:resize"]))]
    pub(super) function: Option<String>,
    /// Lambda: where the credentials come from that calls are signed with. Without it calls of a server with a `url` are not
    /// signed, and Amazon's are with those of the default chain.
    #[schemars(extend("examples" = [{"source": "environment"}]))]
    pub(super) credentials: Option<CredentialsSection>,
    /// Webhook: a bearer token, normally by reference.
    #[schemars(length(min = 1), extend("examples" = ["${HOOK_TOKEN}"]))]
    pub(super) token: Option<String>,
    /// Webhook: further headers, normally by reference.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$", "patternErrorMessage": "must be a name of an HTTP header"}, "maxProperties" = 50, "examples" = [{"x-api-key": "${HOOK_KEY}"}]))]
    pub(super) headers: BTreeMap<String, String>,
    /// Webhook: key that calls are signed with, as Standard Webhooks has it: base64 of 24 to 64 bytes, normally by reference.
    #[schemars(length(min = 1), extend("examples" = ["${WEBHOOK_SECRET}"]))]
    pub(super) secret: Option<String>,
    /// Time one attempt may take: a number and a unit, from 1s to 15m.
    #[serde(default = "endpoint_timeout")]
    #[schemars(extend("examples" = ["60s"]))]
    pub(super) timeout: String,
    /// Most bytes of an answer.
    #[serde(default = "answer_bytes")]
    #[schemars(range(min = 1_024, max = 6_291_556), extend("examples" = [1_048_576]))]
    pub(super) answer_bytes: u32,
    /// Most calls at once, over all jobs. Without it the engine's concurrency decides.
    #[schemars(range(min = 1, max = 4_000), extend("examples" = [16]))]
    pub(super) concurrency: Option<u32>,
    /// Most calls per second, over all jobs.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [50]))]
    pub(super) requests_per_second: Option<u32>,
    /// Most tasks of one call: the function has to look at all of them, and answer for each.
    #[serde(default = "batch_tasks")]
    #[schemars(range(min = 1, max = 1_000), extend("examples" = [100]))]
    pub(super) batch_tasks: u32,
    /// How long the first task of a call waits for others: a number and a unit, from 1ms to 10s.
    #[serde(default = "batch_wait")]
    #[schemars(extend("examples" = ["50ms"]))]
    pub(super) batch_wait: String,
}

fn batch_tasks() -> u32 {
    1
}

fn batch_wait() -> String {
    BATCH_WAIT.to_owned()
}

fn endpoint_timeout() -> String {
    ENDPOINT_TIMEOUT.to_owned()
}

fn answer_bytes() -> u32 {
    ANSWER_BYTES
}

/// What an endpoint speaks.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EndpointKind {
    /// The Invoke API of AWS Lambda.
    Lambda,
    /// A plain POST.
    Webhook,
}

/// Where credentials come from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(tag = "source", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum CredentialsSection {
    /// The AWS SDK's own search: environment, profiles, web identity, container, instance.
    #[default]
    DefaultChain,
    /// The variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    Environment,
    /// A profile of the shared AWS configuration files.
    Profile {
        /// Name of the profile.
        #[schemars(length(min = 1), extend("examples" = ["storage-team"]))]
        name: String,
    },
    /// A web identity token, as Kubernetes service accounts have it (`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`).
    WebIdentity,
    /// Given here, normally by reference: `${MY_SECRET}`.
    #[serde(rename_all = "kebab-case")]
    Static {
        /// Access key ID.
        #[schemars(length(min = 1), extend("examples" = ["${MY_ACCESS_KEY_ID}"]))]
        access_key_id: String,
        /// Secret access key.
        #[schemars(length(min = 1), extend("examples" = ["${MY_SECRET_ACCESS_KEY}"]))]
        secret_access_key: String,
        /// Session token of temporary credentials.
        #[schemars(length(min = 1), extend("examples" = ["${MY_SESSION_TOKEN}"]))]
        session_token: Option<String>,
    },
}

/// A role: what jobs that run under it may do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RoleSection {
    /// AWS account number in the role's ARN. Any 12 digits will do for a store that knows no accounts.
    #[schemars(required, extend("pattern" = "^[0-9]{12}$", "patternErrorMessage" = "must be 12 digits", "examples" = ["111122223333"]))]
    pub(super) account: Option<String>,
    /// Store of jobs that run under this role and name none themselves.
    #[schemars(length(min = 1), extend("examples" = ["main"]))]
    pub(super) store: Option<String>,
    /// Identity policies, JSON files. What none of them allows is refused.
    #[schemars(required, length(min = 1), inner(length(min = 1)), extend("examples" = [["policies/tagger.json"]]))]
    pub(super) policies: Option<Vec<String>>,
    /// Permissions boundary: policies that allow nothing by themselves; what they do not allow is refused.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("examples" = [["policies/boundary.json"]]))]
    pub(super) boundary: Vec<String>,
    /// Session policies: as a boundary, for sessions of the role.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("examples" = [["policies/session.json"]]))]
    pub(super) session: Vec<String>,
}

/// A ceiling for every role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct GuardSection {
    /// Policies of the service control type: what they do not allow is refused, whatever the role allows.
    #[schemars(required, length(min = 1), inner(length(min = 1)), extend("examples" = [["policies/guard.json"]]))]
    pub(super) policies: Option<Vec<String>>,
}
