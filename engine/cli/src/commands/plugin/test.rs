//! `longshore plugin test`: the component on stores of fixtures.

use std::path::{Path, PathBuf};

use longshore_author::CaseResult;
use serde_json::json;

use super::build;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::printable;

/// The fixtures of a project.
const FIXTURES: &str = "fixtures.toml";

/// Arguments of `longshore plugin test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Folder of a project, which is built first, or a plugin file
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Cases to run; without it fixtures.toml in the folder, or beside the file
    #[arg(long, value_name = "FILE")]
    fixtures: Option<PathBuf>,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let Arguments { path, fixtures } = arguments;
    let project = path.is_dir();
    let folder = if project { path } else { path.parent().unwrap_or(Path::new("")) };
    let fixtures = fixtures.clone().unwrap_or_else(|| folder.join(FIXTURES));
    let cases = longshore_author::fixtures(&fixtures)?.case;
    let file = if project { build::build(path)?.0 } else { path.clone() };
    let catalog = context.catalog()?;
    let folder = fixtures.parent().unwrap_or(Path::new(""));
    let mut results = Vec::with_capacity(cases.len());
    for case in &cases {
        let result = longshore_author::run_case(case, (&file, folder), &catalog).await?;
        if !context.json {
            context.screen.line(text(&result))?;
        }
        results.push(result);
    }
    let failed = results.iter().filter(|result| !result.differences.is_empty()).count();
    if context.json {
        context.screen.json(&json!({ "plugin": file, "cases": results, "failed": failed }))?;
    } else {
        context.screen.line(format!("{} passed, {failed} failed", results.len().saturating_sub(failed)))?;
    }
    Ok(if failed == 0 { Exit::Success } else { Exit::TasksFailed })
}

fn text(result: &CaseResult) -> String {
    let verdict = if result.differences.is_empty() { "ok" } else { "FAILED" };
    let mut lines = vec![format!("{verdict}  {}", printable(&result.name))];
    lines.extend(result.calls.iter().map(|call| format!("      {}", printable(&call.to_string()))));
    let said = result.message.iter().map(|message| format!(": {}", printable(message)));
    lines.push(format!("      {}{}", result.outcome, said.collect::<String>()));
    // Each difference has lines of its own making.
    let differences = result.differences.iter().flat_map(|difference| difference.lines());
    lines.extend(differences.map(|line| format!("    ! {}", printable(line))));
    lines.join("\n")
}
