//! "Did you mean …?"

/// The candidate that `written` was probably meant to be, if one is close: other capitals or `_` for `-` are no distance, and
/// a third of the letters may be wrong.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let written = plain(written);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&written, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Help for a name that is not among `known`: the nearest one, or else the list. `what` names the list ("known keys").
pub(crate) fn help<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
) -> Option<String> {
    if let Some(near) = nearest(written, known.clone()) {
        return Some(format!("did you mean {near:?}?"));
    }
    self::known(known, what)
}

/// Help that lists what is known; `None` if nothing is. `what` names the list ("known keys").
pub(crate) fn known<'a>(known: impl IntoIterator<Item = &'a str>, what: &str) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    (!known.is_empty()).then(|| format!("{what}: {}", list(&known)))
}

/// Most names that a list in a message shows.
const MAX_LISTED: usize = 20;

fn list(names: &[&str]) -> String {
    let mut text = names.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
