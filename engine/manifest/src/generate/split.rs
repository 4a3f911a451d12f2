//! Where to divide what is left of a range of keys.
//!
//! The keys are not known, only where the listing stands and where the range ends, so every division is a guess: one half may turn
//! out to be empty, which costs one request and tells that the end was too far away. Texts are compared by character, which
//! for UTF-8 is the order of bytes.

use longshore_job::object::MAX_KEY_BYTES;

/// Where classes of characters end: keys that differ in a digit mostly differ in digits only, and so on.
const CLASS_ENDS: [u32; 4] = [b':' as u32, b'{' as u32, 0x7F, char::MAX as u32 + 1];

/// A text behind `after` and before `through` (if there is such an end). `first` is the first key of the range: what follows the place
/// where it differs from `after` is hardly worth a guess. `deep`: the last guess was too far away, so the keys left probably
/// begin as `after` does.
pub(super) fn between(first: &str, after: &str, through: Option<&str>, deep: bool) -> Option<String> {
    let differ = first.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let after: Vec<char> = after.chars().collect();
    let end: Option<Vec<char>> = through.map(|text| text.chars().collect());
    let common = end.as_ref().map_or(0, |end| after.iter().zip(end).take_while(|(a, b)| a == b).count());
    let by_character = || by_character(&after, end.as_deref(), common);
    let telling = after.get(..=differ).unwrap_or(&after);
    let by_level = || by_level(telling, end.is_some(), common);
    let guess = if deep { by_level().or_else(by_character) } else { by_character().or_else(by_level) }?;
    let text: String = guess.iter().collect();
    let fits = guess > after && end.is_none_or(|end| guess < end) && text.len() <= MAX_KEY_BYTES;
    fits.then_some(text)
}

/// Varies the first character that may differ.
fn by_character(after: &[char], end: Option<&[char]>, common: usize) -> Option<Vec<char>> {
    let at = |level: usize, below: Option<char>| {
        let mut guess = after.get(..level)?.to_vec();
        guess.push(middle(after.get(level).copied(), below)?);
        Some(guess)
    };
    let below = end.and_then(|end| end.get(common).copied());
    match end {
        None => at(common, None),
        Some(_) => at(common, below).or_else(|| at(common + 1, None)),
    }
}

/// Everything that begins as `after` does, up to some length, against the rest.
fn by_level(after: &[char], bounded: bool, common: usize) -> Option<Vec<char>> {
    let least = if bounded { common + 2 } else { 1 };
    let level = (least + after.len()) / 2;
    (least..=level).rev().find_map(|level| successor(after.get(..level)?))
}

/// The least text that is greater than all that begin with `prefix`, cut where its last character has no successor.
fn successor(prefix: &[char]) -> Option<Vec<char>> {
    let (last, rest) = prefix.split_last()?;
    let mut text = rest.to_vec();
    text.push(character(u32::from(*last) + 1)?);
    Some(text)
}

/// The character with this code or, inside the gap of the surrogates, the next one.
fn character(code: u32) -> Option<char> {
    char::from_u32(if (0xD800..0xE000).contains(&code) { 0xE000 } else { code })
}

/// A character between two, in the middle of the nearest class that has room.
fn middle(above: Option<char>, below: Option<char>) -> Option<char> {
    let low = above.map_or(0x1F, u32::from);
    CLASS_ENDS.iter().find_map(|class_end| {
        let high = below.map_or(*class_end, |below| u32::from(below).min(*class_end));
        let guess = low + high.checked_sub(low).filter(|room| *room >= 2)? / 2;
        character(guess).filter(|c| u32::from(*c) < high)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn guesses_that_people_would_make() {
        let shown = |after, through, deep| between("part-0001000", after, through, deep).unwrap();
        assert_eq!(shown("part-0001999", Some("part-1"), false), "part-05");
        assert_eq!(shown("part-0001999", None, true), "part.");
        assert_eq!(shown("a", None, false), "n");
        assert_eq!(shown("9", None, false), "Z");
        assert_eq!(shown("2020/x", Some("2020/x!"), false), "2020/x\u{20}");
        assert_eq!(between("a", "a", Some("a"), false), None);
    }

    proptest! {
        #[test]
        fn a_guess_lies_between(first in "[0-9a-c/]{0,12}", after in "\\PC{0,8}|[0-9a-c/]{0,12}", through in proptest::option::of("\\PC{1,8}|[0-9a-c/]{1,12}"), deep: bool) {
            if let Some(guess) = between(&first, &after, through.as_deref(), deep) {
                prop_assert!(guess > after);
                prop_assert!(through.is_none_or(|through| guess < through));
            }
        }
    }
}
