//! `longshore schema`: JSON Schemas, so that editors complete and check the files.

use longshore_job::config::config_schema;
use longshore_job::job_file::{job_schema, parameters_schema};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Arguments of `longshore schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Of which file
    of: Of,
    /// Which operation, for 'operation'
    #[arg(required_if_eq("of", "operation"))]
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Of {
    /// The job file
    Job,
    /// longshore.toml
    Config,
    /// The parameters of an operation
    Operation,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let schema = match arguments.of {
        Of::Job => job_schema(&context.builtins()?).map_err(|error| CliError::new(Exit::Error, error))?,
        Of::Config => config_schema(),
        Of::Operation => {
            let name = arguments.name.as_deref().unwrap_or_default();
            let plugin = context.builtins()?.builtin(name).map_err(CliError::input)?;
            parameters_schema(&plugin.description().parameters)
        }
    };
    context.screen.line(serde_json::to_string_pretty(&schema).map_err(std::io::Error::from)?)?;
    Ok(Exit::Success)
}
