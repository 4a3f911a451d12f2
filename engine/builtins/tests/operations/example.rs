//! The example of a custom operation: compiled as its reader would, run by the real host.

use std::path::Path;

use longshore_job::{ObjectId, Outcome};
use longshore_plugin::{Execution, Isolation};
use longshore_store::{HeadObject, PutObjectTagging, Request, Response, Tag};

use crate::support::{ALLOW_ALL, World, load};
use crate::wasm;

/// All of examples/plugins: the end-to-end tests run them too.
const EXAMPLES: [&str; 8] = [
    "longshore-example-mark-large",
    "longshore-example-tag-columns",
    "longshore-example-await-restore",
    "longshore-example-fix-content-type",
    "longshore-example-recompress",
    "longshore-example-redact-csv",
    "longshore-example-scan",
    "longshore-example-thumbnail",
];

#[tokio::test]
async fn a_custom_operation_runs() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../wasm");
    let components = wasm::components(workspace, &target, &EXAMPLES).unwrap();
    for (component, name) in components.iter().zip(EXAMPLES) {
        let plugin = load(component, Isolation::Fresh);
        assert_eq!(format!("longshore-example-{}", plugin.description().name), name);
    }
    let plugin = load(&components[0], Isolation::Fresh);
    assert_eq!(plugin.description().name, "mark-large");

    let world = World::answering(ALLOW_ALL, |request| {
        let size = request.object().map(|object| object.key.len() as u64);
        Ok(Response { http_status: 200, size, ..Response::default() })
    });
    let parameters = serde_json::json!({"min-bytes": 3});
    let mut lane = plugin.lane(&parameters, "job-1").await.unwrap();
    let (small, large) = (ObjectId::new("b", "ab"), ObjectId::new("b", "abc"));
    let outcome = lane.execute(&small, 1, &world.gate).await;
    assert_eq!(outcome, Execution::Done(Outcome::Skipped("2 bytes".to_owned())));
    let outcome = lane.execute(&large, 1, &world.gate).await;
    assert_eq!(outcome, Execution::Done(Outcome::Succeeded(None)));
    let tags = vec![Tag::new("size", "large")];
    let expected: [Request; 3] = [
        HeadObject::new(small).into(),
        HeadObject::new(large.clone()).into(),
        PutObjectTagging { object: large, tags }.into(),
    ];
    assert_eq!(world.store.requests(), expected);
}
