//! Manifests of crates that leave this workspace: what they inherit, and which versions it was tried with.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item, TableLike};

/// A manifest with what `workspace` says in the place of each `….workspace = true`, and without its lints.
pub(crate) fn standalone(manifest: &str, workspace: &str) -> Result<String, String> {
    let mut manifest: DocumentMut = manifest.parse().map_err(|error| format!("{error}"))?;
    let workspace: DocumentMut = workspace.parse().map_err(|error| format!("{error}"))?;
    let of_workspace = |section: &str| workspace.get("workspace").and_then(|it| it.get(section));
    manifest.remove("lints");
    inherit(manifest.get_mut("package"), of_workspace("package"))?;
    for section in ["dependencies", "dev-dependencies"] {
        inherit(manifest.get_mut(section), of_workspace("dependencies"))?;
    }
    let targets = manifest.get_mut("target").and_then(Item::as_table_like_mut);
    for (_, target) in targets.into_iter().flat_map(TableLike::iter_mut) {
        inherit(target.get_mut("dependencies"), of_workspace("dependencies"))?;
    }
    Ok(manifest.to_string())
}

/// Fills in what a table inherits.
fn inherit(table: Option<&mut Item>, from: Option<&Item>) -> Result<(), String> {
    let Some(table) = table.and_then(Item::as_table_like_mut) else { return Ok(()) };
    for (key, item) in table.iter_mut() {
        if item.get("workspace").is_some() {
            let inherited = from.and_then(|from| from.get(key.get()));
            let mut inherited =
                inherited.ok_or_else(|| format!("the workspace has no {}", key.get()))?.clone();
            if let Some(value) = inherited.as_value_mut() {
                *value.decor_mut() = toml_edit::Decor::new(" ", "");
            }
            *item = inherited;
        }
    }
    Ok(())
}

/// The part of a lock file that `sdk` needs, with a package `name` that needs it too: what a new project is built with is what this
/// workspace was tried with. Cargo leaves out what is not needed on its part.
pub(crate) fn lock(lock: &str, sdk: &str, name: &str) -> Result<String, String> {
    let mut lock: toml::Table = lock.parse().map_err(|error| format!("{error}"))?;
    let Some(toml::Value::Array(packages)) = lock.remove("package") else {
        return Err("the lock file has no packages".to_owned());
    };
    let mut wanted = BTreeSet::from([sdk.to_owned()]);
    let mut found = BTreeSet::new();
    while let Some(next) = wanted.pop_first() {
        for (place, package) in packages.iter().enumerate().filter(|(_, package)| is_named(package, &next)) {
            if found.insert(place) {
                wanted.extend(dependencies(package).map(str::to_owned));
            }
        }
    }
    let own =
        [("name", name), ("version", "0.1.0")].map(|(key, text)| (key.to_owned(), text.to_owned().into()));
    let mut own: toml::Table = own.into_iter().collect();
    own.insert("dependencies".to_owned(), vec![sdk].into());
    let kept = packages.iter().enumerate().filter(|(place, _)| found.contains(place));
    let kept = kept.map(|(_, package)| package.clone()).chain([own.into()]);
    lock.insert("package".to_owned(), toml::Value::Array(kept.collect()));
    toml::to_string(&lock).map_err(|error| error.to_string())
}

/// Whether a package is the one that a dependency names: `name`, `name version` or `name version (source)`.
fn is_named(package: &toml::Value, dependency: &str) -> bool {
    let mut words = dependency.split(' ');
    let field = |key| package.get(key).and_then(toml::Value::as_str);
    field("name") == words.next() && words.next().is_none_or(|version| field("version") == Some(version))
}

fn dependencies(package: &toml::Value) -> impl Iterator<Item = &str> {
    let listed = package.get("dependencies").and_then(toml::Value::as_array);
    listed.into_iter().flatten().filter_map(toml::Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::{lock, standalone};

    #[test]
    fn inherited_values_come_from_the_workspace() {
        let manifest = "[package]\nname = \"x\" # its name\nedition.workspace = true\n\n[lints]\nworkspace = true\n\n\
                        [dependencies]\nserde.workspace = true\njiff = \"0.2\"\n\n\
                        [target.'cfg(unix)'.dependencies]\nlibc.workspace = true\n";
        let workspace = "[workspace.package]\nedition = \"2024\"\n[workspace.dependencies]\n\
                         serde = { version = \"1\", features = [\"derive\"] }\n# Why.\nlibc = \"0.2\"\n";
        assert_eq!(
            standalone(manifest, workspace).unwrap(),
            "[package]\nname = \"x\" # its name\nedition = \"2024\"\n\n\
             [dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\njiff = \"0.2\"\n\n\
             [target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n"
        );
        assert_eq!(
            standalone("[dependencies]\nother.workspace = true\n", workspace).unwrap_err(),
            "the workspace has no other"
        );
    }

    #[test]
    fn a_lock_is_what_the_sdk_needs() {
        let package = |name: &str, version: &str, needs: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndependencies = [{needs}]\n")
        };
        let whole = format!(
            "version = 4\n{}{}{}{}{}",
            package("sdk", "1.0.0", "\"a\", \"b 2.0.0\""),
            package("a", "1.0.0", "\"b 1.0.0 (registry)\""),
            package("b", "1.0.0", ""),
            package("b", "2.0.0", "\"a\""),
            package("unused", "1.0.0", "\"a\"")
        );
        let pruned: toml::Table = lock(&whole, "sdk", "mine").unwrap().parse().unwrap();
        let field = |package: &toml::Value, key: &str| package[key].as_str().unwrap().to_owned();
        let names: Vec<String> = pruned["package"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| format!("{} {}", field(package, "name"), field(package, "version")))
            .collect();
        assert_eq!(names, ["sdk 1.0.0", "a 1.0.0", "b 1.0.0", "b 2.0.0", "mine 0.1.0"]);
    }
}
