//! Any bytes as a policy document of any kind: it loads, or every finding has a place in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_policy::{Document, PolicyKind};

const KINDS: [PolicyKind; 6] = [
    PolicyKind::Identity,
    PolicyKind::Resource,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::ServiceControl,
    PolicyKind::ResourceControl,
];

fuzz_target!(|text: &str| {
    for kind in KINDS {
        match Document::load("fuzz", text, kind) {
            Ok(loaded) => assert!(loaded.warnings.iter().all(|warning| !warning.code.is_error())),
            Err(findings) => {
                assert!(!findings.is_empty());
                for finding in findings {
                    assert!(finding.code.is_error() && text.is_char_boundary(finding.offset), "{finding}");
                    assert!(finding.line >= 1 && finding.column >= 1, "{finding}");
                }
            }
        }
    }
});
