//! `longshore policy simulate`: how many rows of a manifest the policies would allow.

use std::path::PathBuf;

use indicatif::HumanCount;
use longshore_policy::Foresight;
use longshore_runner::{PlannedCondition, PlannedStep, Rehearsal, RehearsedTask};
use longshore_store::{Certainty, Foreseen, Subject};
use serde_json::{Value, json};

use super::selection::Selected;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::CliError;
use crate::output::Reasons;

/// Rows of a sample, unless the command line says otherwise: a second's work, and a share of refused rows of 1 % is found
/// for certain.
const SAMPLE: usize = 10_000;

/// Arguments of `longshore policy simulate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is asked of the store, but for a manifest that is an object there. What tags an object has \
cannot be known so: rows whose decision depends on them are counted apart.\n\n\
Exit codes: 0 if every row is allowed, 3 if one is refused or depends on something."
)]
pub(crate) struct Arguments {
    /// The job file
    file: PathBuf,
    #[command(flatten)]
    selected: Selected,
}

/// What the rows add up to.
#[derive(Default)]
struct Totals {
    allowed: u64,
    depends: Reasons,
    refused: Reasons,
    fails: Reasons,
}

pub(crate) async fn run(arguments: &Arguments, context: &Context) -> Result<Exit, CliError> {
    let mut totals = Totals::default();
    let selection = arguments.selected.or_sample(SAMPLE);
    let rehearsed = context.rehearse(&arguments.file, selection, |task| totals.add(task)).await?;
    let (rehearsal, spec) = (&rehearsed.rehearsal, &rehearsed.spec);
    let surroundings = [
        ("manifest", verdict(&rehearsal.manifest)),
        ("saved list", verdict(&rehearsal.saved)),
        ("report", verdict(&rehearsal.report)),
    ];
    if context.json {
        context.screen.json(&totals.value(rehearsal, &surroundings))?;
    } else {
        context.screen.line(format!("{}: under role {}", arguments.file.display(), spec.role))?;
        totals.print(context, rehearsal, &surroundings)?;
    }
    let all = totals.allowed == rehearsal.rehearsed
        && surroundings.iter().all(|(_, verdict)| matches!(verdict, Verdict::Allowed));
    Ok(if all { Exit::Success } else { Exit::TasksFailed })
}

/// What the job does around its tasks, each with what the policies say to it.
type Surroundings<'a> = [(&'a str, Verdict); 3];

/// What the policies say to several accesses together.
enum Verdict {
    Allowed,
    Depends(String, Value),
    Refused(String, Value),
}

impl Verdict {
    /// This one, unless it says nothing.
    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Allowed) { other } else { self }
    }

    /// With the name of the step in its reason.
    fn of_step(self, name: Option<&str>) -> Self {
        let Some(name) = name else { return self };
        match self {
            Self::Allowed => Self::Allowed,
            Self::Depends(reason, statement) => Self::Depends(format!("{name}: {reason}"), statement),
            Self::Refused(reason, statement) => Self::Refused(format!("{name}: {reason}"), statement),
        }
    }

    /// For machines.
    fn value(&self) -> Value {
        match self {
            Self::Allowed => json!({ "verdict": "allowed" }),
            Self::Depends(reason, statement) => {
                json!({ "verdict": "depends", "reason": reason, "statement": statement })
            }
            Self::Refused(reason, statement) => {
                json!({ "verdict": "refused", "reason": reason, "statement": statement })
            }
        }
    }
}

/// What the policies say to a task. A refusal in a step that may be skipped depends on its condition.
fn verdict_of(steps: &[PlannedStep]) -> Verdict {
    let mut all = Verdict::Allowed;
    for step in steps {
        let planned = match (verdict(&step.foreseen), step.condition) {
            (Verdict::Refused(reason, statement), PlannedCondition::Open) => {
                Verdict::Depends(format!("refused if the condition is met: {reason}"), statement)
            }
            (planned, _) => planned,
        };
        for verdict in [verdict(&step.asked), planned] {
            match verdict.of_step(step.name.as_deref()) {
                refused @ Verdict::Refused(..) => return refused,
                other => all = all.or(other),
            }
        }
    }
    all
}

fn verdict(accesses: &[Foreseen]) -> Verdict {
    let mut verdict = Verdict::Allowed;
    for one in accesses {
        match &one.foresight {
            Foresight::Refused(decision) => {
                let statement = json!(decision.statement());
                return Verdict::Refused(format!("{}: {}", what(one), decision.reason()), statement);
            }
            Foresight::Depends { .. } if matches!(verdict, Verdict::Allowed) => {
                let on = match one.certainty {
                    Certainty::Exact => "the object's tags",
                    Certainty::Provisional => "what the operation reads first",
                };
                let by = one.foresight.open().map(|open| format!(": {open}")).unwrap_or_default();
                verdict = Verdict::Depends(
                    format!("{}: depends on {on}{by}", what(one)),
                    json!(one.foresight.open()),
                );
            }
            _ => {}
        }
    }
    verdict
}

/// The access without its own resource, so that equal ones are counted together.
fn what(one: &Foreseen) -> String {
    let on = match one.access.subject {
        Subject::Object => "the object",
        Subject::Source => "the source",
        Subject::Bucket => "the bucket",
        Subject::Endpoint => &one.access.resource,
    };
    format!("{} on {on}", one.access.action)
}

impl Totals {
    fn add(&mut self, task: RehearsedTask) {
        let first = match &task.object {
            Some(object) => format!("{}/{}", object.bucket, object.key),
            None => format!("row {}", task.row),
        };
        match task.plan {
            Err(failure) => {
                self.fails.add(format!("{}: {}", failure.code, failure.message), Value::Null, &first)
            }
            Ok(steps) => match verdict_of(&steps) {
                Verdict::Allowed => self.allowed += 1,
                Verdict::Depends(reason, statement) => self.depends.add(reason, statement, &first),
                Verdict::Refused(reason, statement) => self.refused.add(reason, statement, &first),
            },
        }
    }

    fn value(&self, rehearsal: &Rehearsal, surroundings: &Surroundings<'_>) -> Value {
        let [manifest, saved, report] = surroundings.each_ref().map(|(_, verdict)| verdict.value());
        json!({
            "rows": rehearsal.rows,
            "simulated": rehearsal.rehearsed,
            "allowed": self.allowed,
            "depends": self.depends.value(),
            "refused": self.refused.value(),
            "fails": self.fails.value(),
            "manifest": manifest,
            "saved_list": saved,
            "report": report,
        })
    }

    fn print(
        &self,
        context: &Context,
        rehearsal: &Rehearsal,
        surroundings: &Surroundings<'_>,
    ) -> Result<(), CliError> {
        let (rows, rehearsed) = (HumanCount(rehearsal.rows), HumanCount(rehearsal.rehearsed));
        context.screen.line(if rehearsal.rows == rehearsal.rehearsed {
            format!("{rows} rows, all of them simulated; nothing was sent to objects")
        } else {
            format!("{rows} rows, a random sample of {rehearsed} simulated; nothing was sent to objects")
        })?;
        context.screen.line(format!("  {} allowed", HumanCount(self.allowed)))?;
        for (word, reasons) in [
            ("depend on what is not known", &self.depends),
            ("refused", &self.refused),
            ("would fail", &self.fails),
        ] {
            if reasons.total() > 0 {
                context.screen.line(format!("  {} {word}", HumanCount(reasons.total())))?;
                reasons.print(context, "    ", "")?;
            }
        }
        for (name, verdict) in surroundings {
            match verdict {
                Verdict::Allowed => {}
                Verdict::Depends(reason, _) => context.screen.line(format!("  the {name}: {reason}"))?,
                Verdict::Refused(reason, _) => {
                    context.screen.line(format!("  the {name} is refused: {reason}"))?
                }
            }
        }
        Ok(())
    }
}
