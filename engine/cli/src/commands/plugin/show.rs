//! `longshore plugin show`: what is recorded about an installed plugin.

use indicatif::HumanBytes;
use longshore_job::job_file::parameters_schema;
use longshore_registry::Record;

use crate::commands::operations::describe_parameters;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{key_values, printable};

/// Arguments of `longshore plugin show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plugin: NAME (its newest version), NAME@VERSION or sha256:DIGEST
    #[arg(value_name = "PLUGIN")]
    name: String,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let record = super::registry(context)?.find(super::installed_name(&arguments.name)?)?;
    if context.json {
        context.screen.json(&record)?;
    } else {
        context.screen.line(facts(&record))?;
        context.screen.line(describe_parameters(&parameters_schema(&record.parameters)))?;
    }
    Ok(Exit::Success)
}

/// Everything of a record but the parameters.
pub(super) fn facts(record: &Record) -> String {
    let list = |grants: &longshore_plugin::Grants| grants.to_string().replace(", ", "\n");
    let mut facts = vec![
        ("Plugin", record.full_name()),
        ("What it does", printable(&record.summary)),
        ("Declares", list(&record.declared)),
        ("Granted", list(&record.grants)),
        ("Limits", limits(record)),
        ("Imports", record.imports.join("\n")),
        ("Size", HumanBytes(record.size).to_string()),
        ("Digest", format!("sha256:{}", record.sha256)),
        ("Source", printable(&record.source)),
        ("Approved", format!("{:.0} by {}", record.installed_at, printable(&record.approver.to_string()))),
    ];
    let signature = record.signature.as_ref().map(|signed| {
        let of = signed.name.as_ref().unwrap_or(&signed.key);
        printable(&format!("of {of}: {}", signed.comment))
    });
    facts.push(("Signature", signature.unwrap_or_else(|| "none".to_owned())));
    key_values(&facts)
}

fn limits(record: &Record) -> String {
    let limits = &record.limits;
    let set = [
        limits.memory.map(|bytes| format!("memory {}", HumanBytes(bytes))),
        limits.cpu_ms.map(|time| format!("processor time {time} ms")),
        limits.fuel.map(|fuel| format!("fuel {fuel}")),
        record.isolation.map(|isolation| format!("isolation {}", super::install::word(isolation))),
    ];
    let set: Vec<String> = set.into_iter().flatten().collect();
    if set.is_empty() { "those of the engine".to_owned() } else { set.join(", ") }
}
