//! What `longshore.toml` means, and what is said about mistakes in it.

use insta::{assert_debug_snapshot, assert_snapshot};

use super::*;

/// A configuration in which nothing is left to defaults.
const FULL: &str = r#"
data-directory = "var"
engine = { active-jobs = 3, concurrency = 100 }
retention = { suspended = "2w", finished = "never" }
drain = "2m"

[spool]
location = "s3://spools/longshore/"
store = "main"

[[notify]]
name = "hook"
url = "https://example.com/hook?x=1"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
states = ["Complete", "Failed"]
timeout = "5s"
max-age = "1h"

[[notify]]
name = "program"
command = ["/usr/local/bin/tell", "us"]

[metrics]
listen = "0.0.0.0:9464"
allow-remote = true

[store.main]
endpoint = "http://127.0.0.1:9000"
region = "us-east-1"
path-style = true
batch-deletes = true
sign-bodies = true
update-encryption = true
credentials = { source = "static", access-key-id = "AK", secret-access-key = "${MY_SECRET}", session-token = "${MY_TOKEN:-t0ken}" }
request-timeout = "2m 30s"
concurrency = 40
requests-per-second = 500

[store.profile]
credentials = { source = "profile", name = "storage" }
[store.environment]
credentials.source = "environment"
[store.web]
credentials = { source = "web-identity" }

[endpoint.resize]
kind = "lambda"
url = "http://127.0.0.1:9001/lambda"
function = "arn:aws:lambda:eu-central-1:111122223333:function:resize:$LATEST"
credentials.source = "environment"
timeout = "5m"
answer-bytes = 4096
concurrency = 8
requests-per-second = 20

[endpoint.amazon]
kind = "lambda"
function = "arn:aws:lambda:eu-central-1:111122223333:function:resize"

[endpoint.hook]
kind = "webhook"
url = "https://example.com/batch?x=1"
token = "${MY_SECRET}"
headers = { X-Api-Key = "geheim" }
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

[role.tagger]
account = "111122223333"
store = "main"
policies = ["policies/tagger.json"]
boundary = ["policies/boundary.json"]
session = ["policies/session.json"]

[guard]
policies = ["policies/guard.json"]

[bucket-policy]
"my.bucket" = "policies/my-bucket.json"
"#;

fn variable(name: &str) -> Option<String> {
    (name == "MY_SECRET").then(|| "geheim".to_owned())
}

fn parse(source: &str) -> Result<EngineConfig, Problems> {
    EngineConfig::parse(source, "/etc/longshore/longshore.toml", &variable)
}

fn problems(source: &str) -> String {
    parse(source).unwrap_err().render()
}

#[test]
fn everything_that_a_configuration_can_say() {
    assert_debug_snapshot!(parse(FULL).unwrap());
}

#[test]
fn an_empty_configuration_is_one() {
    assert_debug_snapshot!(parse("[store.aws]").unwrap());
}

#[test]
fn secrets_are_revealed_only_on_purpose() {
    let config = parse(FULL).unwrap();
    let shown = format!("{config:?}{}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains("geheim") && !shown.contains("t0ken") && !shown.contains("whsec_"), "{shown}");
    let Credentials::Static { secret_access_key, session_token, .. } = &config.stores["main"].credentials
    else {
        panic!("static credentials");
    };
    assert_eq!(secret_access_key.reveal(), "geheim");
    assert_eq!(secret_access_key.to_string(), "***");
    assert_eq!(session_token.as_ref().unwrap().reveal(), "t0ken");
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = parse(FULL).unwrap();
    assert_eq!(config.data_path(), Path::new("/etc/longshore/var"));
    assert_eq!(config.path("/abs"), Path::new("/abs"));
    let here = EngineConfig::parse("", CONFIG_FILE, &variable).unwrap();
    assert_eq!(here.data_path(), Path::new(".longshore"));
}

#[test]
fn a_spool_is_in_a_directory_or_in_a_bucket() {
    let spool = |text: &str| parse(&format!("[store.only]\n[spool]\n{text}")).unwrap();
    let bucket = |prefix: &str| {
        let (store, bucket, prefix) = ("only".to_owned(), "b".to_owned(), prefix.to_owned());
        Some(SpoolConfig::Bucket { store, bucket, prefix })
    };
    assert_eq!(spool("location = 's3://b'").spool, bucket(""));
    assert_eq!(spool("location = 's3://b/'").spool, bucket(""));
    assert_eq!(spool("location = 's3://b/x/y'\nstore = 'only'").spool, bucket("x/y/"));
    assert_eq!(spool("location = 's3://b/x'").spool_path(), Path::new("/etc/longshore/.longshore/spools"));
    assert_eq!(spool("location = 'fast'").spool_path(), Path::new("/etc/longshore/fast"));
    assert_eq!(parse("").unwrap().spool_path(), Path::new("/etc/longshore/.longshore/spools"));
}

#[test]
fn mistakes_in_where_the_spool_is() {
    let of = |text: &str| problems(&format!("{text}\n[store.one]\n[store.two]"));
    assert_snapshot!("spool_without_location", of("[spool]\nstore = 'one'"));
    assert_snapshot!("spool_without_store", of("[spool]\nlocation = 's3://b'"));
    assert_snapshot!("spool_of_no_store", problems("[spool]\nlocation = 's3://b'"));
    assert_snapshot!("spool_in_unknown_store", of("[spool]\nlocation = 's3://b'\nstore = 'tow'"));
    assert_snapshot!("spool_in_a_directory_of_a_store", of("[spool]\nlocation = 'fast'\nstore = 'one'"));
    assert_snapshot!("spool_elsewhere", of("[spool]\nlocation = 'gs://b/x'"));
    assert_snapshot!("spool_without_bucket", of("[spool]\nlocation = 's3:///x'\nstore = 'one'"));
    let long = format!("[spool]\nlocation = 's3://b/{}'\nstore = 'one'", "x".repeat(513));
    assert_snapshot!("spool_with_a_long_prefix", of(&long));
}

#[test]
fn several_mistakes_at_once() {
    assert_snapshot!(problems(
        r#"data-directory = 5
drain = "2h"
data_directry = "x"
[store.main]
endpoint = "127.0.0.1:9000"
path-style = "yes"
credentials = { source = "statik" }
request-timeout = "60 parsecs"
[store.two]
credentials = { source = "static", access-key-id = "x", secret-acess-key = "geheim" }
requests-per-second = 0
request-timeout = "1d"
[store."b ad"]
region = "${NOPE}"
credentials = "environment"
[role.tagger]
account = "12"
store = "mian"
policies = []
[role."a/b"]
[guard]
[bucket-policy]
b = []
"#
    ));
}

#[test]
fn metrics_are_for_this_machine_unless_somebody_says_so() {
    let of = |listen: &str| problems(&format!("[metrics]\nlisten = {listen:?}"));
    assert_snapshot!([of("0.0.0.0:9464"), of("localhost:9464"), of("127.0.0.1")].concat());
    let own = parse("[metrics]\nlisten = '[::1]:0'").unwrap();
    assert_eq!(own.metrics.listen, Some("[::1]:0".parse().unwrap()));
}

#[test]
fn credentials_that_lack_something() {
    let of = |credentials: &str| problems(&format!("[store.s]\ncredentials = {credentials}"));
    assert_snapshot!("credentials_empty", of("{}"));
    assert_snapshot!("credentials_profile", of("{ source = 'profile' }"));
    assert_snapshot!("credentials_environment", of("{ source = 'environment', name = 'x' }"));
    assert_snapshot!("credentials_static", of("{ source = 'static', secret-access-key = 5 }"));
}

#[test]
fn literal_secrets_are_not_quoted() {
    for text in [
        "secret-access-key = \"geheim\" oops",
        "secret-access-key = \"geh\\\"eim",
        "secret-access-key = 'geheim",
        "credentials = { source = 'static', secret_access_key = 'geheim', session-token='geheim' }",
        "secret-access-key = '''\ngeheim'''",
        "\"secret-access-key\" = geheim",
        "password=\"geheim\"",
    ] {
        let shown = problems(&format!("[store.s]\n{text}"));
        assert!(!shown.contains("eim"), "{shown}");
    }
    assert_snapshot!(problems(
        "[store.s]\ncredentials = { secret-access-key = 'geheim', session-token = '${NOT_SET}' }"
    ));
}

#[test]
fn endpoints_that_are_none() {
    assert_snapshot!(problems(
        r#"[endpoint.nothing]
[endpoint.lambda]
kind = "lambda"
url = "https://example.com/?x=1"
function = "resize"
token = "geheim"
timeout = "1h"
answer-bytes = 100
[endpoint.no-function]
kind = "lambda"
secret = "geheim"
[endpoint.hook]
kind = "webhook"
function = "arn:aws:lambda:eu-central-1:111122223333:function:resize"
credentials = { source = "environment" }
secret = "geheim"
token = "geh\neim"
headers = { Content-Type = "text/plain", authorization = "geheim", "a b" = "x" }
[endpoint.ftp]
kind = "ftp"
url = "ftp://example.com"
"#
    ));
    let hook = "[endpoint.h]\nkind = 'webhook'\nurl = 'http://x/'\n";
    for mistake in
        ["token = 'geheim'\nheaders.authorization = 'geheim'", "headers = { x-api-key = 'geh\u{7f}eim' }"]
    {
        let shown = problems(&format!("{hook}{mistake}"));
        assert!(!shown.contains("eim"), "{shown}");
    }
}

#[test]
fn only_headers_that_name_a_secret_are_kept_out_of_job_files() {
    let headers = "headers = { x-team = 'storage', x-api-key = 'k', Authorization = 'a' }";
    let config = parse(&format!(
        "[endpoint.h]\nkind = 'webhook'\nurl = 'http://x/'\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n{headers}"
    ));
    let config = config.unwrap();
    let mut secrets: Vec<&str> = config.secrets().map(Secret::reveal).collect();
    secrets.sort_unstable();
    assert_eq!(secrets, ["a", "k", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
}

#[test]
fn the_schema_for_editors() {
    insta::assert_json_snapshot!(config_schema());
}
