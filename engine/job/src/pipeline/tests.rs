use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::spec::{OperationSource, OperationSpec};

fn step(name: &str, on_failure: OnFailure) -> StepSpec {
    let operation = OperationSpec { source: OperationSource::Builtin(name.into()), parameters: json!({}) };
    StepSpec { operation, label: None, when: Default::default(), on_failure }
}

fn failed(code: &str, message: &str) -> Outcome {
    Outcome::Failed(Failure { code: code.into(), status: Some(403), message: message.into() })
}

/// Runs `steps`, whose outcomes are `outcomes`: which of them ran, and what the task amounts to.
fn run(steps: &[StepSpec], outcomes: &[Outcome]) -> (usize, Outcome) {
    let mut progress = TaskProgress::default();
    while let Some(next) = progress.next(steps) {
        progress.add(outcomes[next].clone());
        // A task may wait at any step, and its progress is stored then.
        let stored = serde_json::to_string(&progress).unwrap();
        progress = serde_json::from_str(&stored).unwrap();
    }
    (progress.0.len(), progress.outcome(steps))
}

#[test]
fn the_only_step_speaks_for_itself() {
    let steps = [StepSpec { label: Some("mark".into()), ..step("tagging", OnFailure::Continue) }];
    for outcome in [
        Outcome::Succeeded(None),
        Outcome::Succeeded(Some("x".into())),
        Outcome::Skipped("y".into()),
        failed("A", "b"),
    ] {
        assert_eq!(run(&steps, std::slice::from_ref(&outcome)), (1, outcome));
    }
}

#[test]
fn what_several_steps_say() {
    let file = OperationSource::File { path: "/p/redact.wasm".into(), sha256: String::new() };
    let steps = [
        StepSpec { label: Some("mark".into()), ..step("tagging", OnFailure::Continue) },
        step("copy", OnFailure::Stop),
        StepSpec {
            operation: OperationSpec { source: file, parameters: json!({}) },
            ..step("", OnFailure::Stop)
        },
    ];
    let done = || Outcome::Succeeded(None);
    let skipped = || Outcome::Skipped(CONDITION_NOT_MET.into());
    let said = |outcomes: [Outcome; 3]| match run(&steps, &outcomes) {
        (ran, Outcome::Failed(Failure { code, status, message })) => {
            format!("{ran} ran: failed {code} {status:?}: {message}")
        }
        (ran, other) => format!("{ran} ran: {other:?}"),
    };
    insta::assert_snapshot!(
        [
            said([done(), done(), done()]),
            said([done(), skipped(), Outcome::Succeeded(Some("redacted 3 lines".into()))]),
            said([skipped(), skipped(), Outcome::Skipped("nothing to redact".into())]),
            said([done(), failed("AccessDenied", "may not"), done()]),
            said([failed("NoSuchTagSet", "no tags"), done(), failed("PluginTrap", "trapped")]),
            said([failed("NoSuchTagSet", "no tags"), skipped(), done()]),
        ]
        .join("\n")
    );
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Succeeded(None)),
        Just(Outcome::Succeeded(Some("said".into()))),
        Just(Outcome::Skipped("why".into())),
        "[AB]".prop_map(|code| failed(&code, "what")),
    ]
}

fn any_step() -> impl Strategy<Value = (StepSpec, Outcome)> {
    let on_failure = prop_oneof![Just(OnFailure::Stop), Just(OnFailure::Continue)];
    (on_failure, any_outcome()).prop_map(|(on_failure, outcome)| (step("tagging", on_failure), outcome))
}

proptest! {
    #[test]
    fn steps_run_in_order_up_to_the_first_failure_that_stops(plan in proptest::collection::vec(any_step(), 2..MAX_STEPS)) {
        let (steps, outcomes): (Vec<_>, Vec<_>) = plan.into_iter().unzip();
        let is_failure = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
        let end = steps.iter().zip(&outcomes).position(|(step, outcome)| step.on_failure == OnFailure::Stop && is_failure(outcome));
        let (ran, outcome) = run(&steps, &outcomes);
        prop_assert_eq!(ran, end.map_or(steps.len(), |end| end + 1));
        let first_failure = outcomes[..ran].iter().find_map(|outcome| match outcome {
            Outcome::Failed(failure) => Some(failure.code.clone()),
            _ => None,
        });
        let (code, message) = match outcome {
            Outcome::Failed(failure) => (Some(failure.code), Some(failure.message)),
            Outcome::Succeeded(message) => (None, message),
            Outcome::Skipped(reason) => {
                prop_assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Skipped(_))));
                (None, Some(reason))
            }
        };
        prop_assert_eq!(code, first_failure);
        // Every step is named but those that ran and have nothing to say.
        for (number, outcome) in outcomes.iter().enumerate() {
            let silent = number < ran && *outcome == Outcome::Succeeded(None);
            let name = format!("step {} (tagging)", number + 1);
            prop_assert_eq!(message.as_ref().is_some_and(|message| message.contains(&name)), !silent);
        }
    }
}
