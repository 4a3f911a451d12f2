//! From the form of a job file to the job: what its names and places stand for, and what does not go together.

use serde_json::Value;

use super::file::{JobFile, LimitsSection, OperationSection, ReportSection, StopSection};
use super::manifest::manifest;
use super::retry::retry;
use super::stores;
use super::timing::timing;
use super::{BadPolicy, CatalogEntry, Environment, OperationName, location, parameters_schema};
use crate::config::{CONFIG_FILE, EngineConfig};
use crate::declare::{Declaration, pointer, suggest};
use crate::spec::{
    FailureThreshold, JobPolicy, JobSpec, Limits, Location, OperationSpec, ReportSpec, StopRule,
};

/// Longest report prefix, in characters (S3 Control API, `JobReport.Prefix`).
const MAX_REPORT_PREFIX: usize = 512;

/// Resolves a file, adding what is wrong with it to `declaration`. Every part is looked at before any is missed.
pub(super) fn resolve(
    file: JobFile,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<JobSpec> {
    check_role(file.role.as_deref(), environment.config, declaration);
    let timing = timing(&file, declaration);
    let store = store(file.store, file.role.as_deref(), environment.config, declaration);
    // A policy that was given and is none must not become no policy.
    let policy = match file.policy {
        Some(written) => policy(written, environment, declaration).map(Some),
        None => Some(None),
    };
    let operation =
        file.operation.and_then(|section| operation(section, store.as_deref(), environment, declaration));
    let manifest = file.manifest.and_then(|section| manifest(section, environment, declaration));
    let report = report(file.report, environment, declaration);
    let retry = retry(file.retry, declaration);
    Some(JobSpec {
        description: file.description,
        priority: file.priority,
        confirm: file.confirm,
        timing,
        role: file.role?,
        store: store?,
        tags: file.tags,
        client_token: file.client_token,
        policy: policy?,
        operation: operation?,
        manifest: manifest?,
        report,
        limits: limits(file.limits),
        retry: retry?,
    })
}

/// The job's own policy, read and checked.
fn policy(
    written: String,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<JobPolicy> {
    let path = location::absolute(&written, environment.directory);
    match environment.policies.session_policy(&written, &path) {
        Ok(text) => Some(JobPolicy { file: written, text }),
        Err(problems) => {
            for BadPolicy { message, help } in problems {
                declaration.problem_at_value("/policy", message, help);
            }
            None
        }
    }
}

fn check_role(role: Option<&str>, config: &EngineConfig, declaration: &mut Declaration<'_>) {
    if let Some(role) = role.filter(|role| !config.roles.contains_key(*role)) {
        let known = config.roles.keys().map(String::as_str);
        let help = suggest::help(role, known, "known roles")
            .unwrap_or_else(|| format!("declare it in {CONFIG_FILE}: [role.{}]", pointer::toml_key(role)));
        declaration.problem_at_value(
            "/role",
            format!("unknown role {:?}", pointer::shortened(role)),
            Some(help),
        );
    }
}

/// The store that the job names, or its role, or the only one.
fn store(
    named: Option<String>,
    role: Option<&str>,
    config: &EngineConfig,
    declaration: &mut Declaration<'_>,
) -> Option<String> {
    let known = config.stores.keys().map(String::as_str);
    if let Some(name) = named {
        if !config.stores.contains_key(&name) {
            let help = suggest::help(&name, known, "known stores").unwrap_or_else(|| {
                format!("declare it in {CONFIG_FILE}: [store.{}]", pointer::toml_key(&name))
            });
            declaration.problem_at_value(
                "/store",
                format!("unknown store {:?}", pointer::shortened(&name)),
                Some(help),
            );
        }
        return Some(name);
    }
    // What a wrong "store" or an unknown role would have named cannot be known.
    let role = role.and_then(|role| config.roles.get(role));
    if declaration.declares("/store") || role.is_none() {
        return None;
    }
    if let Some(of_role) = role.and_then(|role| role.store.clone()) {
        return Some(of_role);
    }
    let names: Vec<&str> = known.collect();
    match names.as_slice() {
        [only] => return Some((*only).to_owned()),
        [] => declaration.problem_at_key(
            "",
            format!("{CONFIG_FILE} declares no store"),
            Some(format!("add one to {CONFIG_FILE}: [store.main]")),
        ),
        several => {
            let help =
                format!("known stores: {}; or give the role a store in {CONFIG_FILE}", several.join(", "));
            declaration.problem_at_key("", "missing key \"store\": there are several", Some(help));
        }
    }
    None
}

fn operation(
    section: OperationSection,
    store: Option<&str>,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<OperationSpec> {
    let entry = match (section.name, section.plugin) {
        (Some(name), None) => builtin(&name, environment, declaration)?,
        (None, Some(plugin)) => {
            let path = location::absolute(&plugin, environment.directory);
            let found = environment.operations.find(OperationName::Plugin(&path));
            found.map_err(|error| declaration.problem_at_value("/operation/plugin", error, None)).ok()?
        }
        (Some(_), Some(_)) => {
            declaration.problem_at_key(
                "/operation/plugin",
                "[operation] has both \"name\" and \"plugin\"",
                Some("\"name\" is for built-in operations, \"plugin\" for a file: keep one".to_owned()),
            );
            return None;
        }
        (None, None) => {
            if !declaration.declares("/operation/name") && !declaration.declares("/operation/plugin") {
                let help = format!("built-in operations: {}", environment.operations.names().join(", "));
                declaration.problem_at_key(
                    "/operation",
                    "[operation] needs \"name\" or \"plugin\"",
                    Some(help),
                );
            }
            return None;
        }
    };
    // Parameters that are no table were reported, and what they lack is not the problem.
    let at = "/operation/parameters";
    let fit = (declaration.holds(at) || !declaration.declares(at))
        && declaration.check(&parameters_schema(&entry.parameters), at);
    let operation = OperationSpec { source: entry.source, parameters: Value::Object(section.parameters) };
    stores::check(&entry.parameters, &operation.parameters, store, environment.config, declaration);
    // Of a file that is not TOML the parameters may be in what could not be read.
    if fit
        && declaration.is_whole()
        && let Err(refusal) = environment.operations.check(&operation)
    {
        declaration.problem_at_key(if declaration.declares(at) { at } else { "/operation" }, refusal, None);
    }
    Some(operation)
}

fn builtin(
    name: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<CatalogEntry> {
    let names = environment.operations.names();
    if !names.iter().any(|known| known == name) {
        let help = suggest::help(name, names.iter().map(String::as_str), "built-in operations");
        declaration.problem_at_value(
            "/operation/name",
            format!("unknown operation {:?}", pointer::shortened(name)),
            help,
        );
        return None;
    }
    let found = environment.operations.find(OperationName::Builtin(name));
    found.map_err(|error| declaration.problem_at_value("/operation/name", error, None)).ok()
}

fn report(
    section: ReportSection,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<ReportSpec> {
    if !section.enabled {
        return None;
    }
    let at = "/report/location";
    let location = place(&section.location, at, environment, declaration)?;
    if let Location::S3 { key, .. } = &location
        && key.chars().count() > MAX_REPORT_PREFIX
    {
        declaration.problem_at_value(
            at,
            format!("the report's prefix is longer than {MAX_REPORT_PREFIX} characters"),
            None,
        );
    }
    Some(ReportSpec { location, scope: section.scope })
}

pub(super) fn place(
    text: &str,
    at: &str,
    environment: &Environment<'_>,
    declaration: &mut Declaration<'_>,
) -> Option<Location> {
    match location::parse(text, environment.directory) {
        Ok(location) => Some(location),
        Err((message, help)) => {
            declaration.problem_at_value(at, message, Some(help));
            None
        }
    }
}

fn limits(section: LimitsSection) -> Limits {
    // Without codes a rule was reported.
    let rule = |rule: StopSection| Some(StopRule { codes: rule.codes?, count: rule.count });
    Limits {
        concurrency: section.concurrency,
        failure_threshold: FailureThreshold {
            percent: section.failure_threshold.percent,
            minimum_tasks: section.failure_threshold.minimum_tasks,
            count: section.failure_threshold.count,
        },
        stop: section.stop.into_iter().filter_map(rule).collect(),
    }
}
