//! From the form of a job file to the job: what its names and places stand for, and what does not go together.

use super::file::{JobFile, LimitsSection, ReportSection, StopSection};
use super::manifest::manifest;
use super::operation::steps;
use super::retry::retry;
use super::timing::timing;
use super::{BadPolicy, Environment, location};
use crate::config::{CONFIG_FILE, EngineConfig};
use crate::declare::{Declaration, pointer, rate, suggest};
use crate::spec::{FailureThreshold, JobPolicy, JobSpec, Limits, Location, ReportSpec, StopRule};

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
    let steps = file.operation.and_then(|form| steps(form, store.as_deref(), environment, declaration));
    let manifest = file.manifest.and_then(|section| manifest(section, environment, declaration));
    let report = report(file.report, environment, declaration);
    let limits = limits(file.limits, declaration);
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
        steps: steps?,
        manifest: manifest?,
        report,
        limits: limits?,
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

fn limits(section: LimitsSection, declaration: &mut Declaration<'_>) -> Option<Limits> {
    // Without codes a rule was reported.
    let rule = |rule: StopSection| Some(StopRule { codes: rule.codes?, count: rule.count });
    let bytes = section.bytes_per_second.as_ref();
    Some(Limits {
        concurrency: section.concurrency,
        rate: rate::read(section.requests_per_second, bytes, "/limits", declaration)?,
        failure_threshold: FailureThreshold {
            percent: section.failure_threshold.percent,
            minimum_tasks: section.failure_threshold.minimum_tasks,
            count: section.failure_threshold.count,
        },
        stop: section.stop.into_iter().filter_map(rule).collect(),
    })
}
