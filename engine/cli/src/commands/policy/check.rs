//! `longshore policy check`: what is wrong with policy files, and which statements of a role never take effect.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use longshore_job::declare::Severity;
use longshore_job::{EngineConfig, Problem, Problems};
use longshore_policy::{Bearer, Finding, Idle, PolicyKind, PolicySet};
use longshore_runner::{CheckedFile, PolicyFile, policy_files, policy_set, role_problem};
use longshore_store::GateConfig;
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{is_coloured, note};

/// Arguments of `longshore policy check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 without errors (warnings or not), 2 with errors.")]
pub(crate) struct Arguments {
    /// Policy files; without any, all that longshore.toml names
    files: Vec<PathBuf>,
    /// What the files are used as; without it, a document with principals is a resource policy, any other an identity policy
    #[arg(long, value_name = "KIND", requires = "files")]
    kind: Option<Kind>,
    /// Check everything that binds this role, and list the statements that never take effect for it
    #[arg(long, value_name = "ROLE", conflicts_with = "files")]
    role: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Grants to the role that it is attached to
    Identity,
    /// Permissions boundary of a role
    Boundary,
    /// Narrows a session or a job
    Session,
    /// Bucket policy
    Resource,
    /// Guard over every role
    ServiceControl,
    /// Guard over every resource
    ResourceControl,
}

impl From<Kind> for PolicyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Identity => Self::Identity,
            Kind::Boundary => Self::Boundary,
            Kind::Session => Self::Session,
            Kind::Resource => Self::Resource,
            Kind::ServiceControl => Self::ServiceControl,
            Kind::ResourceControl => Self::ResourceControl,
        }
    }
}

/// A file that was checked, and whether its kind was guessed.
struct Checked {
    checked: CheckedFile,
    assumed: bool,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    if !arguments.files.is_empty() {
        let files = arguments.files.iter().map(|path| named(path, arguments.kind)).collect();
        return report(context, files, Vec::new(), Vec::new());
    }
    let config = context.engine_config()?;
    let known = |role: &String| config.roles.contains_key(role);
    if let Some(role) = arguments.role.as_ref().filter(|role| !known(role)) {
        return Err(context.unknown_role(role, &config));
    }
    let role = arguments.role.as_deref();
    let files: Vec<CheckedFile> = policy_files(&config, role).into_iter().map(PolicyFile::check).collect();
    let roles = config.roles.keys().filter(|name| role.is_none_or(|role| role == *name));
    let problems = roles.filter_map(|name| role_problem(&config, name)).collect();
    let idle = match role {
        Some(role) if files.iter().all(|file| file.document.is_ok()) => {
            idle(&config, role, &policy_set(&files))
        }
        _ => Vec::new(),
    };
    let files = files.into_iter().map(|checked| Checked { checked, assumed: false }).collect();
    report(context, files, problems, idle)
}

/// A file that the command line names.
fn named(path: &Path, kind: Option<Kind>) -> Checked {
    let file =
        |kind| PolicyFile { path: path.to_owned(), name: path.display().to_string(), kind, bucket: None };
    let guessed = || if has_principals(path) { PolicyKind::Resource } else { PolicyKind::Identity };
    let assumed = kind.is_none();
    Checked { checked: file(kind.map_or_else(guessed, PolicyKind::from)).check(), assumed }
}

/// Whether any statement of the document says whom it is about. Only resource policies do.
fn has_principals(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let statements = document.get("Statement");
    let list = statements.and_then(Value::as_array).map(Vec::as_slice);
    let statements = list.unwrap_or_else(|| statements.map(std::slice::from_ref).unwrap_or_default());
    let names =
        |statement: &Value| ["Principal", "NotPrincipal"].iter().any(|name| statement.get(name).is_some());
    statements.iter().any(names)
}

/// The statements that never take effect for a role.
fn idle(config: &EngineConfig, role: &str, policies: &PolicySet) -> Vec<Idle> {
    let Some(settings) = config.roles.get(role) else { return Vec::new() };
    // Which keys requests carry does not depend on what they hold; of a store over TLS there is one more.
    let keys = GateConfig {
        role: role.to_owned(),
        account: settings.account.clone(),
        session: String::new(),
        bucket_owner: None,
        policies: Arc::new(PolicySet::new()),
        region: String::new(),
        secure_transport: true,
        endpoints: Default::default(),
        clock: Arc::new(|| Timestamp::UNIX_EPOCH),
    };
    policies.idle(&Bearer {
        account: &settings.account,
        role,
        resource_account: &settings.account,
        may_supply: &|action, key| keys.may_supply(action, key),
    })
}

fn report(
    context: &Context,
    files: Vec<Checked>,
    problems: Vec<String>,
    idle: Vec<Idle>,
) -> Result<Exit, CliError> {
    let errors = problems.len() + files.iter().map(|file| errors_of(&file.checked)).sum::<usize>();
    let warnings: usize = files.iter().map(|file| file.checked.warnings.len()).sum();
    if context.json {
        let files: Vec<Value> = files.iter().map(value).collect();
        context.screen.json(&json!({
            "errors": errors, "warnings": warnings, "problems": problems, "files": files, "idle": idle,
        }))?;
    } else {
        for problem in &problems {
            context.screen.line(format!("error: {problem}\n"))?;
        }
        for file in &files {
            text(context, file)?;
        }
        for Idle { statement, reason } in &idle {
            context.screen.line(format!("never takes effect: {statement}: {reason}"))?;
        }
        let never = if idle.is_empty() {
            String::new()
        } else {
            format!(", {} idle", counted(idle.len(), "statement"))
        };
        note(&format!(
            "{}: {}, {}{never}",
            counted(files.len(), "policy file"),
            counted(errors, "error"),
            counted(warnings, "warning")
        ));
    }
    Ok(if errors == 0 { Exit::Success } else { Exit::Input })
}

fn errors_of(checked: &CheckedFile) -> usize {
    usize::from(checked.unreadable.is_some()) + checked.document.as_ref().err().map_or(0, Vec::len)
}

fn text(context: &Context, Checked { checked, assumed }: &Checked) -> Result<(), CliError> {
    let (path, kind) = (checked.file.path.display(), kind_name(checked.file.kind));
    if let Some(why) = &checked.unreadable {
        return context.screen.line(format!("{path}: error: {why}\n"));
    }
    let problems = problems(checked);
    if !problems.problems.is_empty() {
        let rendered = if is_coloured() { problems.render_coloured() } else { problems.render() };
        context.screen.line(rendered)?;
    }
    let verdict = if checked.document.is_ok() { "loads" } else { "does not load" };
    let assumed = if *assumed { " (assumed; --kind says otherwise)" } else { "" };
    context.screen.line(format!("{path}: {verdict} as {kind} policy{assumed}"))
}

fn value(Checked { checked, assumed }: &Checked) -> Value {
    let listed = |severity: &'static str, findings: &[Finding]| -> Vec<Value> {
        findings
            .iter()
            .map(|Finding { code, line, column, message, help, .. }| {
                json!({
                    "severity": severity, "code": code, "line": line, "column": column, "message": message, "help": help,
                })
            })
            .collect()
    };
    let errors = checked.document.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    let findings = [listed("error", errors), listed("warning", &checked.warnings)].concat();
    json!({
        "file": checked.file.path.display().to_string(),
        "kind": kind_name(checked.file.kind),
        "assumed": assumed,
        "bucket": checked.file.bucket,
        "loads": checked.document.is_ok(),
        "error": checked.unreadable,
        "findings": findings,
    })
}

fn kind_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "identity",
        PolicyKind::Boundary => "boundary",
        PolicyKind::Session => "session",
        PolicyKind::Resource => "resource",
        PolicyKind::ServiceControl => "service-control",
        PolicyKind::ResourceControl => "resource-control",
    }
}

/// The findings as problems of the file, to be shown with their lines.
fn problems(checked: &CheckedFile) -> Problems {
    let errors =
        checked.document.as_ref().err().into_iter().flatten().map(|finding| (finding, Severity::Error));
    let warnings = checked.warnings.iter().map(|finding| (finding, Severity::Warning));
    let problems = errors.chain(warnings).map(|(finding, severity)| {
        let Finding { code, offset, message, help, .. } = finding;
        let problem = Problem::new(token(&checked.text, *offset), format!("{code}: {message}"));
        Problem { severity, ..problem.maybe_help(help.clone()) }
    });
    Problems::new(checked.file.path.display().to_string(), checked.text.clone(), problems.collect())
}

/// The piece of JSON that begins at `offset`: a string whole, of anything else its first character or word.
fn token(text: &str, offset: usize) -> Range<usize> {
    let rest = text.get(offset..).unwrap_or_default();
    let mut escaped = false;
    let length = match rest.chars().next() {
        Some('"') => rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            })
            .map_or(1, |(end, _)| end + 1),
        Some(c) if c.is_alphanumeric() || c == '-' => {
            rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '.')).unwrap_or(rest.len())
        }
        Some(c) => c.len_utf8(),
        None => 0,
    };
    offset..offset + length
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
