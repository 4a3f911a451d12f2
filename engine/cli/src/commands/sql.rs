//! `longshore sql`: one query over the documented views.

use std::time::Duration;

use longshore_queue::{SqlAnswer, SqlBounds, SqlValue};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::{note, printable, table};

/// Rows of an answer, unless the user says how many (count; bounds memory).
const ROWS: usize = 10_000;

/// The columns of the views, in order; what begins with `sqlite_` is SQLite's own.
const VIEWS: &str = "SELECT views.name AS view, columns.name AS column FROM sqlite_schema AS views
                     JOIN pragma_table_info(views.name) AS columns
                     WHERE views.type = 'view' ORDER BY views.rowid, columns.cid";

/// Arguments of `longshore sql`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// One SELECT statement, over jobs, job_progress, task_failures and events
    #[arg(required_unless_present = "schema", allow_hyphen_values = true)]
    query: Option<String>,
    /// Show the views and their columns
    #[arg(long, conflicts_with = "query")]
    schema: bool,
    /// How the answer is printed
    #[arg(long, value_name = "FORMAT", default_value = "table", default_value_if("json", "true", "json"))]
    format: Format,
    /// Take only the first N rows [default: all, but no more than 10000]
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// How long the query may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Table,
    /// With the names of the columns in the first line
    Csv,
    /// One JSON object a line
    Json,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let sql = arguments.query.as_deref().filter(|_| !arguments.schema).unwrap_or(VIEWS);
    let rows = arguments.limit.map_or(ROWS, |rows| usize::try_from(rows).unwrap_or(usize::MAX));
    let bounds = SqlBounds { rows, time: Duration::from_secs(arguments.timeout) };
    let answer = context.queue()?.query(sql, bounds)?;
    let cut = answer.cut && arguments.limit.is_none();
    // A machine would take a part for the whole.
    if cut && arguments.format != Format::Table {
        return Err(CliError::new(
            Exit::Error,
            format!(
                "the answer has more than {ROWS} rows; take the first of them with --limit, or ask for less"
            ),
        ));
    }
    match arguments.format {
        Format::Table => print_table(context, &answer)?,
        Format::Csv => print_csv(context, &answer)?,
        Format::Json => print_json(context, &answer)?,
    }
    if cut {
        note(&format!("only the first {ROWS} rows are shown; --limit takes more"));
    }
    Ok(Exit::Success)
}

fn print_table(context: &Context, answer: &SqlAnswer) -> Result<(), CliError> {
    if answer.rows.is_empty() {
        note("no rows");
        return Ok(());
    }
    let header: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
    let rows = answer.rows.iter().map(|row| row.iter().map(|value| printable(&text(value))).collect());
    context.screen.line(table(&header, rows))
}

fn print_csv(context: &Context, answer: &SqlAnswer) -> Result<(), CliError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| CliError::new(Exit::Error, error.to_string());
    csv.write_record(&answer.columns).map_err(failed)?;
    for row in &answer.rows {
        csv.write_record(row.iter().map(text)).map_err(failed)?;
    }
    let bytes = csv.into_inner().map_err(|error| CliError::new(Exit::Error, error.to_string()))?;
    context.screen.bytes(&bytes)
}

fn print_json(context: &Context, answer: &SqlAnswer) -> Result<(), CliError> {
    let twice = answer
        .columns
        .iter()
        .enumerate()
        .find(|(index, name)| answer.columns.iter().take(*index).any(|earlier| earlier == *name));
    if let Some((_, name)) = twice {
        return Err(CliError::input(format!(
            "two columns of the answer are called {name:?}, and a JSON object can have one; name them with AS"
        )));
    }
    for row in &answer.rows {
        let fields: Map<String, Value> = answer.columns.iter().cloned().zip(row.iter().map(value)).collect();
        context.screen.json(&fields)?;
    }
    Ok(())
}

/// NULL is an empty cell, bytes are hexadecimal.
fn text(value: &SqlValue) -> String {
    match value {
        SqlValue::Null => String::new(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => number.to_string(),
        SqlValue::Text(text) => text.clone(),
        SqlValue::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn value(value: &SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => json!(number),
        SqlValue::Real(number) => json!(number),
        SqlValue::Text(_) | SqlValue::Blob(_) => Value::String(text(value)),
    }
}
