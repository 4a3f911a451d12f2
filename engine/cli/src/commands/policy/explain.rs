//! `longshore policy explain`: one decision at length.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::job_file::PolicyReader as _;
use longshore_job::spec::JobPolicy;
use longshore_policy::{Effect, Request, s3};
use longshore_runner::{JobPolicies, store_surroundings};
use longshore_store::GateConfig;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::note;

/// Arguments of `longshore policy explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The request has the condition keys that a task's requests always have (aws:CurrentTime, \
aws:PrincipalArn, aws:SecureTransport, ...); --context adds those of the request itself, such as \
s3:x-amz-storage-class=GLACIER or s3:ExistingObjectTag/team=blue, or puts others in their place.\n\n\
Exit codes: 0 if it is allowed, 3 if it is refused."
)]
pub(crate) struct Arguments {
    /// Who asks: a role of longshore.toml
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// What it asks for, such as s3:PutObjectTagging
    #[arg(long, value_name = "ACTION")]
    action: String,
    /// On what: arn:aws:s3:::BUCKET/KEY or arn:aws:s3:::BUCKET, the key as it is
    #[arg(long, value_name = "ARN")]
    resource: String,
    /// A condition key of the request; may be given several times, and again for a further value of a key that holds a set
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    context: Vec<(String, String)>,
    /// Account that owns the bucket, if it is not the role's
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    bucket_owner: Option<String>,
    /// Store of longshore.toml that is asked; needed if there are several and the role names none
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Policy of the job, as 'policy' in a job file names it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if key.contains(':') => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE with a condition key such as s3:prefix".to_owned()),
    }
}

fn account(text: &str) -> Result<String, String> {
    let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.to_owned()) } else { Err("an AWS account number has 12 digits".to_owned()) }
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let Some(settings) = config.roles.get(&arguments.role) else {
        return Err(context.unknown_role(&arguments.role, &config));
    };
    check_action(&arguments.action)?;
    let policy = job_policy(arguments)?;
    let role = context.policies_of(&arguments.role, &config, policy.as_ref())?;
    let (region, secure_transport) =
        store_surroundings(&config, &context.store(arguments.store.as_ref(), settings, &config)?).await?;
    let gate = GateConfig {
        role: arguments.role.clone(),
        account: role.account,
        session: "explain".to_owned(),
        bucket_owner: arguments.bucket_owner.clone(),
        policies: Arc::new(role.policies),
        region,
        secure_transport,
        endpoints: Default::default(),
        clock: Arc::new(Timestamp::now),
    };
    let mut keys = gate.standing_context();
    add(&mut keys, arguments, &gate)?;
    let explanation = gate.policies.explain(&Request {
        principal: &gate.principal(),
        action: &arguments.action,
        resource: &arguments.resource,
        resource_account: gate.resource_account(),
        context: &keys,
    });
    if context.json {
        context.screen.json(&explanation)?;
    } else {
        context.screen.bytes(explanation.to_string().as_bytes())?;
    }
    Ok(if explanation.effect == Effect::Allow { Exit::Success } else { Exit::TasksFailed })
}

/// An action that S3 does not have is a slip, not a refusal.
fn check_action(action: &str) -> Result<(), CliError> {
    match action.split_once(':') {
        Some((service, name)) if service.eq_ignore_ascii_case("s3") && !s3::is_action(action) => {
            let help = s3::suggest(name).map(|near| format!("; did you mean s3:{near}?")).unwrap_or_default();
            Err(CliError::input(format!("--action {action}: S3 has no such action{help}")))
        }
        Some((service, name)) if !service.is_empty() && !name.is_empty() => Ok(()),
        _ => Err(CliError::input(format!("--action {action}: write service:Name, such as s3:GetObject"))),
    }
}

fn job_policy(arguments: &Arguments) -> Result<Option<JobPolicy>, CliError> {
    let Some(path) = &arguments.policy else { return Ok(None) };
    let file = path.display().to_string();
    match JobPolicies.session_policy(&file, path) {
        Ok(text) => Ok(Some(JobPolicy { file, text })),
        Err(problems) => {
            let lines: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            Err(CliError::input(lines.join("\n       ")))
        }
    }
}

/// Adds the condition keys of the command line.
fn add(
    keys: &mut longshore_policy::Context,
    arguments: &Arguments,
    gate: &GateConfig,
) -> Result<(), CliError> {
    let mut by_key: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, value) in &arguments.context {
        by_key.entry(key).or_default().push(value.clone());
    }
    let keyed: Vec<String> = keys.keys().map(str::to_owned).collect();
    for (key, values) in by_key {
        if !gate.may_supply(&arguments.action, key) {
            note(&format!(
                "note: no request that the engine sends for {} has the condition key {key}",
                arguments.action
            ));
        }
        let standing = keyed.iter().find(|standing| standing.eq_ignore_ascii_case(key));
        let name = standing.map_or(key, String::as_str);
        match (s3::is_multivalued(key), values.as_slice()) {
            (Some(false) | None, [value]) => keys.set(name, value.as_str()),
            (Some(false), _) => {
                return Err(CliError::input(format!("--context {key}: this condition key has one value")));
            }
            (_, several) => keys.set_many(name, several.iter().cloned()),
        }
    }
    Ok(())
}
