//! `longshore plan`: the dry run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use indicatif::HumanCount;
use longshore_runner::{PlannedCondition, PlannedStep, PlannedTask};
use serde_json::{Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{Reasons, printable};

/// Arguments of `longshore plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The job file
    file: PathBuf,
    /// Plan only the first N rows of the manifest
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Show the requests of the first N rows
    #[arg(long, value_name = "N", default_value_t = 5)]
    show: u64,
}

/// What the plans add up to.
#[derive(Default)]
struct Totals {
    rows: u64,
    allowed: u64,
    requests: BTreeMap<&'static str, u64>,
    refused: Reasons,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog(&config)?;
    let new = context.job(&arguments.file, &config, &catalog)?;
    let scratch = tempfile::tempdir()?;
    let mut totals = Totals::default();
    let mut lines = Vec::new();
    let limit = arguments.limit.unwrap_or(u64::MAX);
    let each = |task: PlannedTask| {
        if task.row <= arguments.show {
            lines.push(line(&task));
        }
        totals.add(task);
    };
    longshore_runner::plan(&config, &catalog, &new.spec, &new.plugin_digests, scratch.path(), limit, each)
        .await
        .map_err(|failure| CliError::new(Exit::JobFailed, failure.to_string()))?;
    totals.print(context, &lines)?;
    Ok(if totals.allowed == totals.rows { Exit::Success } else { Exit::TasksFailed })
}

fn line(task: &PlannedTask) -> String {
    let object = printable(&name(task));
    match &task.plan {
        Ok(steps) => {
            let steps: Vec<String> = steps.iter().map(step).collect();
            format!("row {}: {object}: {}", task.row, steps.join("; "))
        }
        Err(failure) => {
            format!("row {}: {object}: {}: {}", task.row, failure.code, printable(&failure.message))
        }
    }
}

/// `step 2 (tagging), if its condition is met: HeadObject, PutObjectTagging`; of an only step without its name.
fn step(step: &PlannedStep) -> String {
    let requests = step.requests.join(", ");
    let condition = match step.condition {
        PlannedCondition::NotMet => return format!("{}skipped", prefix(step.name.as_deref(), " ")),
        PlannedCondition::Open => "if the condition is met",
        PlannedCondition::Met => return format!("{}{requests}", prefix(step.name.as_deref(), ": ")),
    };
    format!("{}{condition}: {requests}", prefix(step.name.as_deref(), ", "))
}

fn prefix(name: Option<&str>, separator: &str) -> String {
    name.map(|name| format!("{}{separator}", printable(name))).unwrap_or_default()
}

impl Totals {
    fn add(&mut self, task: PlannedTask) {
        self.rows += 1;
        match &task.plan {
            Ok(steps) => {
                self.allowed += 1;
                for request in steps.iter().flat_map(|step| &step.requests) {
                    *self.requests.entry(*request).or_default() += 1;
                }
            }
            Err(failure) => {
                let row = name(&task);
                let arn = task.object.map(|object| object.arn()).unwrap_or_default();
                self.refused.add(reason(&failure.message, &arn, &failure.code), Value::Null, &row);
            }
        }
    }

    fn print(&self, context: &Context, lines: &[String]) -> Result<(), CliError> {
        if context.json {
            return context.screen.json(&json!({
                "rows": self.rows, "allowed": self.allowed, "requests": self.requests, "refused": self.refused.value(),
            }));
        }
        for line in lines {
            context.screen.line(line)?;
        }
        context.screen.line(format!(
            "{} rows: {} may run, {} would fail; nothing was sent",
            HumanCount(self.rows),
            HumanCount(self.allowed),
            HumanCount(self.rows - self.allowed)
        ))?;
        for (name, count) in &self.requests {
            context.screen.line(format!("  {} {name}", HumanCount(*count)))?;
        }
        self.refused.print(context, "  ", " would fail")?;
        Ok(())
    }
}

/// What people call the row.
fn name(task: &PlannedTask) -> String {
    match &task.object {
        Some(object) => format!("{}/{}", object.bucket, object.key),
        None => "no object".to_owned(),
    }
}

/// A reason without its own object, so that equal ones are counted together.
fn reason(message: &str, arn: &str, code: &str) -> String {
    let message = if arn.is_empty() { message.to_owned() } else { message.replace(arn, "the object") };
    format!("{code}: {message}")
}
