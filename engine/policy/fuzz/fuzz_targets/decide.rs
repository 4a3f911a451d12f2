//! Any bytes as a case: it is malformed, or its policies do not load, or it is decided and explained alike.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_policy::case::Case;

fuzz_target!(|text: &str| {
    let Ok(case) = serde_json::from_str::<Case>(text) else { return };
    let Ok(policies) = case.policies() else { return };
    let context = case.request.context();
    let request = case.request.with(&context);
    let (decision, explanation) = (policies.decide(&request), policies.explain(&request));
    assert_eq!((decision.effect, decision.reason()), (explanation.effect, explanation.reason.clone()));
    assert!(!decision.allowed() || policies.could_allow(&request).allowed());
    let _ = explanation.to_string();
});
