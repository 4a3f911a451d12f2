//! `longshore plugin install`: install a plugin with what it is granted.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use jiff::Timestamp;
use longshore_job::EngineConfig;
use longshore_job::config::PluginIsolation;
use longshore_plugin::{Grants, PluginLimits};
use longshore_registry::{
    Approver, Done, Expected, Install, Keys, Limit, NotApproved, Registry, RegistryError, Source, Wanted,
    fetch,
};
use serde_json::json;

use super::show;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, printable};

/// What `--grant` takes for all that the plugin declares.
const DECLARED: &str = "declared";

/// Arguments of `longshore plugin install`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file, https://…, or oci://registry/repository:tag
    #[arg(value_name = "FILE|URL|oci://…")]
    source: Source,
    /// What it may do at most: an action such as s3:GetObject or s3:Get*, 'wasi' for the empty WASI world, or 'declared' for
    /// all that it declares; may be given several times
    #[arg(long, value_name = "ACTION")]
    grant: Vec<String>,
    /// Install it also if it declares more than is granted; its tasks fail where they need the rest
    #[arg(long, requires = "grant")]
    partial: bool,
    /// A limit of its own: memory=128MiB, cpu=2s, fuel=1000000000; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    limit: Vec<Limit>,
    /// What its tasks share: nothing, or an instance [default: as the engine configuration has it]
    #[arg(long, value_name = "fresh|reuse", value_parser = isolation)]
    isolation: Option<PluginIsolation>,
    /// Require a signature of this key: a name of plugins.keys in longshore.toml, or a public key of minisign (RW…)
    #[arg(long)]
    key: Option<String>,
    /// The file of its signature [default: beside it, with .minisig added; in OCI artifacts the layer of such a title]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Install it without a signature also if the version before has one
    #[arg(long, conflicts_with = "key")]
    allow_unsigned: bool,
    /// Refuse any other file than the one with this SHA-256
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Who approves this, as it is recorded [default: the user's name in the environment]
    #[arg(long, value_name = "NAME")]
    approver: Option<String>,
}

fn isolation(text: &str) -> Result<PluginIsolation, String> {
    [PluginIsolation::Fresh, PluginIsolation::Reuse]
        .into_iter()
        .find(|isolation| word(*isolation) == text)
        .ok_or_else(|| "there are fresh and reuse".to_owned())
}

/// As command lines have it.
pub(super) fn word(isolation: PluginIsolation) -> &'static str {
    match isolation {
        PluginIsolation::Fresh => "fresh",
        PluginIsolation::Reuse => "reuse",
    }
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog(&config)?;
    let install = install(arguments, &config, catalog.limits())?;
    let expected = Expected {
        sha256: arguments.sha256.as_deref(),
        signature: arguments.signature.as_deref(),
        limit: usize::try_from(config.plugins.file_bytes).unwrap_or(usize::MAX),
    };
    let fetched = fetch(&arguments.source, expected).await?;
    if fetched.signature.is_some() && !install.trust.has_keys() && !install.trust.required {
        note(
            "there is a signature, and no key to check it with: pin one under [plugins] keys, or give --key",
        );
    }
    let registry = Registry::new(&config.data_path());
    // Compiling takes a while, and is no work for a thread of the runtime.
    let done = tokio::task::block_in_place(|| registry.install(catalog.plugins(), &fetched, &install));
    match done {
        Ok(done) => shown(&done, context),
        Err(RegistryError::NotApproved(refusal)) => Err(CliError::input(refused(&refusal))),
        Err(error) => Err(error.into()),
    }
}

fn install(
    arguments: &Arguments,
    config: &EngineConfig,
    defaults: &PluginLimits,
) -> Result<Install, CliError> {
    let keys = Keys::new(config.plugins.keys.clone());
    let trust = keys
        .trust(arguments.key.as_deref(), config.plugins.require_signature)
        .map_err(|reason| CliError::input(format!("--key: {reason}")))?;
    Ok(Install {
        wanted: wanted(arguments)?,
        defaults: defaults.clone(),
        limits: arguments.limit.clone(),
        isolation: arguments.isolation,
        trust,
        allow_unsigned: arguments.allow_unsigned,
        approver: approver(arguments.approver.as_ref())?,
        now: Timestamp::now(),
    })
}

fn wanted(arguments: &Arguments) -> Result<Wanted, CliError> {
    if arguments.grant.iter().any(|grant| grant == DECLARED) {
        return match arguments.grant.as_slice() {
            [_] => Ok(Wanted::Declared),
            _ => Err(CliError::input(
                "--grant declared goes with no other grant: it is all that the plugin declares",
            )),
        };
    }
    if arguments.grant.is_empty() {
        return Ok(Wanted::Unsaid);
    }
    let grants = Grants::parse(&arguments.grant).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(|error| format!("--grant: {error}")).collect();
        CliError::input(errors.join("\n       "))
    })?;
    Ok(Wanted::These { grants, partial: arguments.partial })
}

/// Who runs the command. The name is what the environment says, or the command line.
fn approver(named: Option<&String>) -> Result<Approver, CliError> {
    let of_environment = || ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = named.cloned().or_else(of_environment).filter(|name| !name.is_empty());
    // A new file is its maker's.
    Ok(Approver { name, uid: Some(tempfile::tempfile()?.metadata()?.uid()) })
}

/// Says what became of it.
fn shown(done: &Done, context: &Context) -> Result<Exit, CliError> {
    let Done { record, upgrade, unchanged } = done;
    if context.json {
        let before = upgrade.as_ref().map(|(name, _)| name);
        let difference = upgrade.as_ref().map(|(_, difference)| difference);
        context.screen.json(&json!({
            "plugin": record.full_name(),
            "record": record,
            "unchanged": unchanged,
            "upgrade_of": before,
            "difference": difference,
        }))?;
        return Ok(Exit::Success);
    }
    if let Some((before, difference)) = upgrade {
        let lines = difference.lines();
        note(&if lines.is_empty() {
            format!("can do what {before} could")
        } else {
            format!("compared with {before}:\n  {}", printable_lines(&lines))
        });
    }
    let left_out = record.grants.beyond(&record.declared);
    if !left_out.is_empty() {
        note(&format!(
            "not granted, though declared: {left_out}; tasks that need it fail with PluginNotGranted"
        ));
    }
    let more = record.declared.beyond(&record.grants);
    if !more.is_empty() {
        note(&format!("granted beyond what it declares: {more}"));
    }
    if *unchanged {
        note(&format!("{} is installed already, as it is", record.full_name()));
    }
    context.screen.line(show::facts(record))?;
    Ok(Exit::Success)
}

fn printable_lines(lines: &[String]) -> String {
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n  ")
}

/// What nobody granted, and the command that would.
fn refused(refusal: &NotApproved) -> String {
    let mut command: Vec<String> = std::env::args().collect();
    if let Some(program) = command.first_mut() {
        "longshore".clone_into(program);
    }
    // What was looked at is what is approved, also if another file is there by then.
    if !command.iter().any(|argument| argument.starts_with("--sha256")) {
        command.extend(["--sha256".to_owned(), refusal.sha256.clone()]);
    }
    let given = command.iter().any(|argument| argument.starts_with("--grant"));
    let grants = if given { &refusal.missing } else { &refusal.declared };
    command.extend(grants.iter().flat_map(|grant| ["--grant".to_owned(), grant.as_str().to_owned()]));
    let command: Vec<String> = command.iter().map(|argument| quoted(argument)).collect();
    let partly = if given { "; or add --partial to install it without" } else { "" };
    // Names of parameters are the plugin's own.
    let text: Vec<String> = refusal.to_string().lines().map(printable).collect();
    format!("{}\n       to grant it{partly}:\n       {}", text.join("\n       "), command.join(" "))
}

/// As a shell takes it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", printable(argument).replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        for (argument, shown) in [
            ("s3:GetObject", "s3:GetObject"),
            ("s3:Get*", "'s3:Get*'"),
            ("a b/it's.wasm", "'a b/it'\\''s.wasm'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(argument), shown);
        }
    }
}
