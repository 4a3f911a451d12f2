//! The example of a custom operation: compiled as its reader would, run by the real host.

use std::path::Path;

use longshore_job::{ObjectId, Outcome};
use longshore_plugin::{Execution, Isolation};
use longshore_store::{HeadObject, PutObjectTagging, Request, Response, Tag};

use crate::support::{ALLOW_ALL, World, load};
use crate::wasm;

#[tokio::test]
async fn a_custom_operation_runs() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../wasm");
    let components = wasm::components(
        workspace,
        &target,
        &["longshore-example-mark-large", "longshore-example-tag-columns", "longshore-example-await-restore"],
    )
    .unwrap();
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
