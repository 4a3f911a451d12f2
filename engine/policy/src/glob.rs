//! Matching of wildcards, without regular expressions: every character but the wildcards is literal.

use crate::work;

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<S> {
    /// Exactly this text.
    Text(S),
    /// `?`: one Unicode scalar value.
    One,
    /// `*`: any run of characters, none included.
    Run,
}

/// Whether the whole of `text` matches.
///
/// The texts between two `*` are looked for from left to right, and the first place found is kept, so nothing is
/// ever tried twice for an earlier `*`: time is linear in `text` where no `?` is involved, and never more than the
/// product of both lengths.
pub(crate) fn matches<S: AsRef<str>>(tokens: &[Token<S>], text: &str) -> bool {
    let mut segments = tokens.split(|token| matches!(token, Token::Run));
    let Some(first) = segments.next() else { return text.is_empty() };
    let Some(rest) = strip_front(first, text) else { return false };
    let Some(last) = segments.next_back() else { return rest.is_empty() };
    let Some(mut rest) = strip_back(last, rest) else { return false };
    for segment in segments {
        match find(segment, rest) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// What follows `segment` at the beginning of `text`.
fn strip_front<'t, S: AsRef<str>>(segment: &[Token<S>], text: &'t str) -> Option<&'t str> {
    segment.iter().try_fold(text, |text, token| {
        work::spend(1);
        match token {
            Token::Text(literal) => text.strip_prefix(literal.as_ref()),
            Token::One => skip_front(text),
            Token::Run => None,
        }
    })
}

/// What precedes `segment` at the end of `text`.
fn strip_back<'t, S: AsRef<str>>(segment: &[Token<S>], text: &'t str) -> Option<&'t str> {
    segment.iter().rev().try_fold(text, |text, token| match token {
        Token::Text(literal) => text.strip_suffix(literal.as_ref()),
        Token::One => {
            let mut chars = text.chars();
            chars.next_back().map(|_| chars.as_str())
        }
        Token::Run => None,
    })
}

/// What follows the leftmost place in `text` where `segment` stands.
fn find<'t, S: AsRef<str>>(segment: &[Token<S>], mut text: &'t str) -> Option<&'t str> {
    loop {
        if let Some(Token::Text(literal)) = segment.first() {
            let at = text.find(literal.as_ref());
            work::spend(at.unwrap_or(text.len()));
            text = text.get(at?..)?;
        }
        match strip_front(segment, text) {
            Some(after) => return Some(after),
            None => text = skip_front(text)?,
        }
    }
}

fn skip_front(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next().map(|_| chars.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// With neighbouring literals in one token, as the loader makes them.
    fn tokens(pattern: &str) -> Vec<Token<String>> {
        let mut tokens = Vec::new();
        for c in pattern.chars() {
            match (c, tokens.last_mut()) {
                ('*', _) => tokens.push(Token::Run),
                ('?', _) => tokens.push(Token::One),
                (c, Some(Token::Text(text))) => String::push(text, c),
                (c, _) => tokens.push(Token::Text(c.to_string())),
            }
        }
        tokens
    }

    /// The definition, as slow as it is plain.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
            ['?', rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
            [c, rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?é🚢]{0,10}|[ab]{0,2}([*?][ab]{1,3}){0,4}", text in "[abé\n🚢]{0,12}") {
            let plain: Vec<char> = pattern.chars().collect();
            let expected = naive(&plain, &text.chars().collect::<Vec<_>>());
            prop_assert_eq!(matches(&tokens(&pattern), &text), expected);
        }
    }

    #[test]
    fn pathological_patterns_end() {
        // Exponential in a backtracking matcher: 2^200 ways to place the stars.
        let pattern = tokens(&("a*".repeat(200) + "b"));
        assert!(!matches(&pattern, &"a".repeat(8_000)));
        assert!(matches(&pattern, &("a".repeat(8_000) + "b")));
    }
}
