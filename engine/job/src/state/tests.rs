//! The table of transitions as a whole.

use super::*;

#[test]
fn names_come_back() {
    for state in JobState::ALL {
        assert_eq!(JobState::from_name(state.name()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.name());
    }
    assert_eq!(JobState::from_name("active"), None);
}

#[test]
fn nothing_leads_out_of_a_terminal_state_and_something_out_of_every_other() {
    for state in JobState::ALL {
        let leads_on = JobState::ALL.into_iter().any(|next| state.may_become(next));
        assert_eq!(leads_on, !state.is_terminal(), "{state}");
        assert!(!state.may_become(state), "{state}");
    }
}

/// The states that can follow on `state`, at any distance.
fn reachable(state: JobState) -> Vec<JobState> {
    let mut found = vec![state];
    let mut at = 0;
    while let Some(state) = found.get(at).copied() {
        at += 1;
        for next in JobState::ALL {
            if state.may_become(next) && !found.contains(&next) {
                found.push(next);
            }
        }
    }
    found
}

#[test]
fn every_state_is_reached_and_every_job_can_end() {
    assert_eq!(reachable(JobState::New).len(), JobState::ALL.len());
    for state in JobState::ALL {
        assert!(reachable(state).into_iter().any(JobState::is_terminal), "{state}");
        // Only a pause, or making way, leads back: a job never runs its tasks twice.
        let returns =
            JobState::ALL.into_iter().any(|next| state.may_become(next) && reachable(next).contains(&state));
        assert_eq!(returns, PAUSE.contains(&state), "{state}");
    }
}

/// The states that a job comes back to when it is paused and resumed.
const PAUSE: [JobState; 4] = [JobState::Ready, JobState::Active, JobState::Pausing, JobState::Paused];

#[test]
fn the_table() {
    let table: Vec<String> = JobState::ALL
        .into_iter()
        .map(|from| {
            let next: Vec<&str> =
                JobState::ALL.into_iter().filter(|to| from.may_become(*to)).map(JobState::name).collect();
            format!("{from:<10} -> {}", next.join(", "))
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}
