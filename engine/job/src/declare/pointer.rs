//! JSON Pointers (RFC 6901), the names by which the parts of a declaration are known here.

use std::borrow::Cow;

/// The pointer of `segment` inside `parent`.
pub(crate) fn join(parent: &str, segment: &str) -> String {
    format!("{parent}/{}", segment.replace('~', "~0").replace('/', "~1"))
}

/// The pointer of the parent and the last segment, unescaped; `None` for the root.
pub(crate) fn split(pointer: &str) -> Option<(&str, String)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

/// All segments, unescaped.
fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

/// How a message calls the value at `pointer`: `"priority"`, or `item 2 of "fields"`.
pub(crate) fn name(pointer: &str) -> String {
    match split(pointer) {
        None => "the file".to_owned(),
        Some((parent, last)) => match last.parse::<usize>() {
            Ok(index) if !parent.is_empty() => {
                format!("item {} of {}", index.saturating_add(1), name(parent))
            }
            _ => format!("{:?}", shortened(&last)),
        },
    }
}

/// Most characters of a user's text that a message repeats; the source line below it has more.
pub(crate) const MAX_SHOWN: usize = 60;

/// The first [`MAX_SHOWN`] characters.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// How a message calls the table at `pointer`: `[store.main]`, `item 2 of [[operation]]`, `"when" of item 2 of [[operation]]`;
/// `None` for the root.
pub(crate) fn table(pointer: &str) -> Option<String> {
    let (parent, last) = split(pointer)?;
    if let Ok(index) = last.parse::<usize>() {
        return table(parent).map(|array| format!("item {} of [{array}]", index.saturating_add(1)));
    }
    if let Some(parent) = table(parent).filter(|parent| !parent.starts_with('[')) {
        return Some(format!("{last:?} of {parent}"));
    }
    let keys: Vec<String> = segments(pointer).iter().map(|key| toml_key(key)).collect();
    (!keys.is_empty()).then(|| format!("[{}]", keys.join(".")))
}

/// A pointer as dotted keys: `.any.0.regex`.
pub(crate) fn dotted(pointer: &str) -> String {
    segments(pointer).iter().map(|key| format!(".{}", toml_key(key))).collect()
}

/// A key as TOML writes it: bare where it may be.
pub(crate) fn toml_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { key.to_owned() } else { format!("{key:?}") }
}
