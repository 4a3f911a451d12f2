//! What is not an operation is refused when it is loaded, with the reason.

use longshore_plugin::{EngineLimits, Isolation, PluginError, PluginLimits, Plugins};

use crate::guest::Guest;

fn load(bytes: &[u8]) -> PluginError {
    match crate::engine().load(bytes, &crate::terms(Isolation::Fresh)) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error,
    }
}

#[test]
fn what_is_not_wasm() {
    for bytes in [b"".as_slice(), b"\0asm", b"#!/bin/sh\n", b"\0asm\x0d\0\x01\0garbage"] {
        assert!(matches!(load(bytes), PluginError::NotWasm { .. }), "{bytes:?}");
    }
}

#[test]
fn a_truncated_plugin() {
    let mut bytes = Guest::default().bytes();
    bytes.truncate(bytes.len() / 2);
    assert!(matches!(load(&bytes), PluginError::Contract { .. } | PluginError::NotWasm { .. }));
}

#[test]
fn a_plugin_that_is_too_large() {
    let limits = EngineLimits { plugin_bytes: 10, instances: 1, ..EngineLimits::default() };
    let error = Plugins::new(limits).unwrap().inspect(&[0; 11], &PluginLimits::default()).unwrap_err();
    assert_eq!(error, PluginError::TooLarge { bytes: 11, limit: 10 });
}

#[test]
fn a_module_without_a_component_type() {
    let error = load(&wat::parse_str("(module)").unwrap());
    assert!(matches!(error, PluginError::Contract { .. }), "{error}");
}

#[test]
fn a_component_that_is_no_operation() {
    let error = load(&wat::parse_str("(component)").unwrap());
    let PluginError::Contract { reason } = &error else { panic!("{error}") };
    assert!(reason.contains("no export"), "{reason}");
}

#[test]
fn a_component_that_imports_wasi() {
    let component = r#"(component
        (import "wasi:cli/environment@0.2.6" (instance
            (export "get-arguments" (func (result (list string)))))))"#;
    let error = load(&wat::parse_str(component).unwrap());
    assert_eq!(error, PluginError::NotGranted { import: "wasi:cli/environment@0.2.6".to_owned() });
    assert!(error.to_string().contains("grant it the word \"wasi\""), "{error}");
}

#[test]
fn a_component_that_imports_what_nobody_is_granted() {
    for import in ["wasi:http/types@0.2.6", "wasi:cli/environment@0.3.0", "evil:corp/exec"] {
        let component = format!(r#"(component (import "{import}" (instance (export "f" (func)))))"#);
        let error = load(&wat::parse_str(component).unwrap());
        assert_eq!(error, PluginError::ForbiddenImport { import: import.to_owned() });
        assert!(error.to_string().contains("wasm32-unknown-unknown"), "{error}");
    }
}

#[test]
fn a_module_that_imports_wasi() {
    let imports = r#"(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))"#;
    let error = load(&Guest { imports, ..Guest::default() }.bytes());
    let PluginError::Contract { reason } = &error else { panic!("{error}") };
    assert!(reason.contains("wasi_snapshot_preview1"), "{reason}");
}

#[test]
fn a_function_that_this_contract_does_not_have() {
    let component = r#"(component
        (import "longshore:operation/host@0.1.0" (instance (export "sign" (func (result string))))))"#;
    let error = load(&wat::parse_str(component).unwrap());
    let PluginError::Contract { reason } = &error else { panic!("{error}") };
    assert!(reason.contains("sign"), "{reason}");
}

#[test]
fn a_name_that_is_none() {
    for name in ["", "Upper", "two words", "ключ"] {
        let error = load(&Guest { name, ..Guest::default() }.bytes());
        assert!(matches!(error, PluginError::Description { .. }), "{name}: {error}");
    }
}

#[test]
fn more_memory_than_allowed_from_the_start() {
    let error = load(&Guest { extra: "(memory 1000)", ..Guest::default() }.bytes());
    assert!(error.to_string().contains("memory"), "{error}");
}

#[tokio::test]
async fn too_many_instances() {
    let engine = Plugins::new(EngineLimits { instances: 2, ..EngineLimits::default() }).unwrap();
    let plugin = engine.load(&Guest::default().bytes(), &crate::terms(Isolation::Reuse)).unwrap();
    let parameters = serde_json::json!({});
    let mut lanes = Vec::new();
    let error = loop {
        match plugin.lane(&parameters, "job-1").await {
            Ok(lane) => lanes.push(lane),
            Err(error) => break error,
        }
    };
    assert_eq!(lanes.len(), 2);
    let PluginError::Start { code, .. } = &error else { panic!("{error}") };
    assert_eq!(code, longshore_plugin::codes::INSTANCE_LIMIT);
}
