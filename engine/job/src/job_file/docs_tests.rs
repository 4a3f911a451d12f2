//! What the documentation shows is what job files and configurations may say.

use super::tests::parse_with;

/// The `toml` blocks of a documentation page.
fn examples(page: &str) -> impl Iterator<Item = &str> {
    page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

#[test]
fn the_examples_of_the_documentation() {
    let configs: Vec<&str> = examples(include_str!("../../../../docs/configuration.md")).collect();
    let jobs: Vec<&str> = examples(include_str!("../../../../docs/job-file.md")).collect();
    assert_eq!((configs.len(), jobs.len()), (2, 6));
    for config in configs {
        for job in &jobs {
            parse_with(config, job).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}
