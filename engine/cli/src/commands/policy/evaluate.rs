//! `longshore policy evaluate`: decides cases that carry their own policies.

use std::io::{BufRead, Read as _};

use longshore_policy::case::{Case, CaseFinding};
use longshore_policy::{Effect, StatementId};
use serde::Serialize;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;

/// Longest line, in bytes. A case with every document that a role may have, each as large as it may be, has half as
/// many.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Arguments of `longshore policy evaluate`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {}

const HELP: &str = "\
One case a line: {\"id\", \"request\": {\"principal\", \"action\", \"resource\", \"resourceAccount\", \"context\"},
\"identity\": [policy…], \"boundary\": [policy…], \"session\": policy, \"resourcePolicy\": policy,
\"scp\": [[policy…]…], \"rcp\": [[policy…]…]}. All policies are optional; \"expect\" is for whoever compares.

One answer a line: {\"id\", \"decision\", \"matched\"}, with the statements that apply; {\"id\", \"error\"} where a policy
has errors; {\"line\", \"error\"} where the line is not a case, and then the exit code is 2.";

/// What is printed for a line.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Decided {
        id: String,
        decision: Effect,
        matched: Vec<StatementId>,
        /// What could not be evaluated, and therefore refused.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        errors: Vec<String>,
    },
    Refused {
        id: String,
        error: Vec<CaseFinding>,
    },
    Malformed {
        line: u64,
        error: String,
    },
}

pub(crate) fn run(_: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let mut malformed = 0_u64;
    let mut number = 0_u64;
    let mut lines = Lines { input: std::io::stdin().lock(), buffer: Vec::new() };
    while let Some(line) = lines.next()? {
        number = number.saturating_add(1);
        let case = match line {
            Line::Whole(bytes) if bytes.trim_ascii().is_empty() => continue,
            Line::Whole(bytes) => serde_json::from_slice::<Case>(bytes).map_err(|error| in_its_line(&error)),
            Line::TooLong => Err(format!("the line is longer than {MAX_LINE_BYTES} bytes")),
        };
        let answer = match case {
            Ok(case) => evaluate(case),
            Err(error) => {
                malformed = malformed.saturating_add(1);
                Answer::Malformed { line: number, error }
            }
        };
        context.screen.json(&answer)?;
    }
    if malformed == 0 {
        return Ok(Exit::Success);
    }
    let message = format!(
        "{malformed} of {number} lines are not cases; 'longshore policy evaluate --help' says what a case is"
    );
    Err(CliError::input(message))
}

fn evaluate(case: Case) -> Answer {
    match case.policies() {
        Ok(policies) => {
            let context = case.request.context();
            let explanation = policies.explain(&case.request.with(&context));
            Answer::Decided {
                id: case.id,
                decision: explanation.effect,
                matched: explanation.matched,
                errors: explanation.errors,
            }
        }
        Err(error) => Answer::Refused { id: case.id, error },
    }
}

/// The message without its "at line 1", which is the line of the case.
fn in_its_line(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    format!("column {}: {what}", error.column())
}

/// The lines of a reader, in memory one at a time.
struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
}

enum Line<'b> {
    Whole(&'b [u8]),
    TooLong,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<Line<'_>>, CliError> {
        self.buffer.clear();
        let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| CliError::new(Exit::Error, format!("standard input: {error}")))?;
        if self.buffer.len() > MAX_LINE_BYTES && !self.buffer.ends_with(b"\n") {
            self.input
                .skip_until(b'\n')
                .map_err(|error| CliError::new(Exit::Error, format!("standard input: {error}")))?;
            return Ok(Some(Line::TooLong));
        }
        Ok((read > 0).then_some(Line::Whole(&self.buffer)))
    }
}
