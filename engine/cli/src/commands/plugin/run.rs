//! `longshore plugin run`: an operation on one object.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_author::{Call, Recorder, Subject, TrialError};
use longshore_job::{ObjectId, Outcome};
use longshore_plugin::{Columns, Execution, Watcher};
use longshore_runner::Trial;
use serde_json::{Map, Value, json};

use crate::context::{Context, variable};
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{Screen, printable};

/// Arguments of `longshore plugin run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plugin file
    file: PathBuf,
    /// Bucket of the object
    #[arg(long)]
    bucket: String,
    /// Key of the object, as it is (not percent-encoded)
    #[arg(long)]
    key: String,
    /// Version of the object; without it the current one
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Parameters of the operation in JSON, or '@' and a file with them
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = parameters)]
    parameters: Map<String, Value>,
    /// Store of longshore.toml; without it that of the role, or the only one
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// Role of longshore.toml whose policies apply; without it the only one
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// What the manifest's row says in a column of its own; may be given several times
    #[arg(long = "column", value_name = "NAME=VALUE", value_parser = column)]
    columns: Vec<(String, String)>,
    /// Show what it plans to send and whether the role may; nothing is sent
    #[arg(long)]
    dry_run: bool,
}

fn parameters(text: &str) -> Result<Map<String, Value>, String> {
    let text = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| format!("this is no JSON object: {error}"))
}

fn column(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let config = context.engine_config()?;
    let catalog = context.catalog(&config)?;
    let role = context.role(arguments.role.as_ref(), &config)?;
    context.policies_of(&role, &config, None)?;
    let subject = Subject {
        plugin: &arguments.file,
        parameters: &arguments.parameters,
        role: &role,
        store: arguments.store.as_deref(),
        shown: "command line",
    };
    let (spec, digests) = longshore_author::trial_job(&subject, &config, &catalog, &variable)?;
    if !arguments.dry_run {
        longshore_runner::check_store(&config, &spec).await?;
    }
    let trial = Trial::start(&config, &catalog, &spec, &digests).await;
    let mut trial = trial.map_err(|failure| CliError::new(Exit::JobFailed, failure.to_string()))?;
    let object = ObjectId {
        bucket: arguments.bucket.clone(),
        key: arguments.key.clone(),
        version_id: arguments.version_id.clone(),
    };
    let (names, values): (Vec<_>, Vec<_>) = arguments.columns.iter().cloned().unzip();
    let columns = Columns { names: names.into(), values: values.into_iter().map(Some).collect() };
    if arguments.dry_run {
        return plan(context, &mut trial, &object, columns).await;
    }
    let shows = !context.json;
    let recorder = Arc::new(Recorder::telling(move |call| {
        if shows {
            // Nobody reading is no reason to stop in the middle.
            let _ = Screen::default().line(printable(&call.to_string()));
        }
    }));
    let watcher = Arc::clone(&recorder) as Arc<dyn Watcher>;
    let execution = trial.run(&object, (columns, 1), watcher).await;
    ended(context, &execution, &recorder.take())
}

async fn plan(
    context: &Context,
    trial: &mut Trial,
    object: &ObjectId,
    columns: Columns,
) -> Result<Exit, CliError> {
    let planned = trial.plan(object, columns).await;
    let exit = if planned.is_ok() { Exit::Success } else { Exit::TasksFailed };
    if context.json {
        let value = match &planned {
            Ok(requests) => {
                let requests: Vec<String> = requests.iter().map(ToString::to_string).collect();
                json!({ "plan": requests })
            }
            Err(failure) => json!({ "code": failure.code, "message": failure.message }),
        };
        context.screen.json(&value)?;
        return Ok(exit);
    }
    match planned {
        Ok(requests) if requests.is_empty() => {
            context.screen.line("the operation plans nothing; its requests are checked as it sends them")?;
        }
        Ok(requests) => {
            for request in requests {
                context.screen.line(printable(&request.to_string()))?;
            }
        }
        Err(failure) => {
            context.screen.line(printable(&format!("failed: {}: {}", failure.code, failure.message)))?
        }
    }
    Ok(exit)
}

/// Shows how it ended.
fn ended(context: &Context, execution: &Execution, calls: &[Call]) -> Result<Exit, CliError> {
    let (value, line) = match execution {
        Execution::Done(Outcome::Succeeded(message)) => {
            let told = message.iter().map(|message| format!(": {message}")).collect::<String>();
            (json!({ "outcome": "done", "message": message }), format!("done{told}"))
        }
        Execution::Done(Outcome::Skipped(reason)) => {
            (json!({ "outcome": "skipped", "message": reason }), format!("skipped: {reason}"))
        }
        Execution::Done(Outcome::Failed(failure)) => (
            json!({ "outcome": "failed", "code": failure.code, "status": failure.status, "message": failure.message }),
            format!("failed: {}: {}", failure.code, failure.message),
        ),
        Execution::AgainAfter { seconds, note } => (
            json!({ "outcome": "again-after", "seconds": seconds, "message": note }),
            format!("again after {seconds} s: {note}"),
        ),
    };
    if context.json {
        let mut value = value;
        if let Value::Object(fields) = &mut value {
            fields.insert("calls".to_owned(), json!(calls));
        }
        context.screen.json(&value)?;
    } else {
        context.screen.line(printable(&line))?;
    }
    let failed = matches!(execution, Execution::Done(Outcome::Failed(_)));
    Ok(if failed { Exit::TasksFailed } else { Exit::Success })
}

impl From<TrialError> for CliError {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::Input(message) => Self::input(message),
            TrialError::Problems(problems) => problems.into(),
        }
    }
}
