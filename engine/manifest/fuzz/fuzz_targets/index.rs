//! Any bytes as a `manifest.json` of an inventory and of a report: what is read can be written and read again, and its columns
//! are told apart.

#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_job::spec::{DeleteMarkers, Field, Meaning, ReportRows};
use longshore_manifest::{Inventory, InventoryOptions, ReportIndex};

fuzz_target!(|text: &[u8]| {
    if let Ok(report) = ReportIndex::parse(text) {
        let files = |rows| report.files(rows).count();
        assert!(files(ReportRows::Failed) + files(ReportRows::Succeeded) <= files(ReportRows::All));
    }
    let Ok(inventory) = Inventory::parse(text) else { return };
    assert!(!inventory.files.is_empty() && inventory.files.iter().all(|file| file.md5.len() == 32));
    let _ = inventory.bucket();
    let names: Vec<String> = inventory.file_schema.split(',').map(str::to_owned).collect();
    for columns in [vec![], vec![Field::extra("Size"), Field::extra("is_delete_marker")]] {
        let options = InventoryOptions { columns, markers: DeleteMarkers::Skip, filter: None };
        assert!(options.named_fields(&names).is_ok_and(|fields| fields.len() >= 2));
        let Ok(fields) = inventory.csv_fields(&options) else { continue };
        assert_eq!(fields.len(), inventory.file_schema.split(',').count());
        let has = |meaning| fields.iter().any(|field| field.meaning == meaning);
        assert!(has(Meaning::Bucket) && has(Meaning::Key));
    }
});
