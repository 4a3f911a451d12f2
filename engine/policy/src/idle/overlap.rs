//! What can be proved about two patterns without knowing the requests: that nothing matches both, or that whatever
//! matches the one matches the other.

use crate::arn::ArnPattern;
use crate::glob::Token;
use crate::pattern::{Part, Pattern};
use crate::statement::ResourcePattern;

/// Steps that all comparisons of one analysis may take (each compares one symbol with one): seconds of work. What is
/// not compared any more counts as not proved.
const MAX_STEPS: u64 = 200_000_000;

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Char(char),
    /// `?`
    One,
    /// `*`
    Run,
    /// A variable: some text.
    Variable,
}

/// A resource of a statement, taken apart: the six fields of an ARN, or `None` for `*`.
pub(super) type Shape = Option<Vec<Vec<Symbol>>>;

/// Takes a resource apart.
pub(super) fn shape(pattern: &ResourcePattern) -> Shape {
    match pattern {
        ResourcePattern::Anything => None,
        ResourcePattern::Arn(arn) => Some(ArnPattern::fields(arn).iter().map(symbols).collect()),
    }
}

/// The ARN of S3 whose last field is `resource`, where `*` and `?` are wildcards.
pub(super) fn s3_arn(resource: impl Iterator<Item = Symbol>) -> Shape {
    let text = |text: &str| text.chars().map(Symbol::Char).collect::<Vec<_>>();
    Some(vec![text("arn"), text("aws"), text("s3"), Vec::new(), Vec::new(), resource.collect()])
}

fn symbols(pattern: &Pattern) -> Vec<Symbol> {
    let mut symbols = as_written(pattern);
    // `*?` and `?*` mean the same; in one order, one walk over two patterns sees it.
    for wildcards in symbols.chunk_by_mut(|a, b| is_wildcard(*a) && is_wildcard(*b)) {
        wildcards.sort_by_key(|symbol| *symbol == Symbol::Run);
    }
    symbols
}

fn is_wildcard(symbol: Symbol) -> bool {
    matches!(symbol, Symbol::One | Symbol::Run)
}

fn as_written(pattern: &Pattern) -> Vec<Symbol> {
    match pattern {
        Pattern::Anything => vec![Symbol::Run],
        Pattern::Exact(text) => text.chars().map(Symbol::Char).collect(),
        Pattern::Wildcards(tokens) => tokens.iter().flat_map(of_token).collect(),
        Pattern::Variables(parts) => parts
            .iter()
            .flat_map(|part| match part {
                Part::Fixed(token) => of_token(token),
                Part::Variable(_) => vec![Symbol::Variable],
            })
            .collect(),
    }
}

fn of_token(token: &Token<Box<str>>) -> Vec<Symbol> {
    match token {
        Token::Text(text) => text.chars().map(Symbol::Char).collect(),
        Token::One => vec![Symbol::One],
        Token::Run => vec![Symbol::Run],
    }
}

/// Compares patterns as long as its steps last.
pub(super) struct Prover {
    steps: u64,
}

impl Prover {
    pub(super) fn new() -> Self {
        Self { steps: MAX_STEPS }
    }

    /// Whether it is proved that no resource matches both.
    pub(super) fn disjoint(&mut self, a: &Shape, b: &Shape) -> bool {
        let (Some(a), Some(b)) = (a, b) else { return false };
        a.iter().zip(b).any(|(a, b)| self.spend(a, b) && !overlap(a, b))
    }

    /// Whether it is proved that `outer` matches every resource that `inner` matches.
    pub(super) fn includes(&mut self, outer: &Shape, inner: &Shape) -> bool {
        match (outer, inner) {
            (None, _) => true,
            (_, None) => false,
            (Some(outer), Some(inner)) => outer
                .iter()
                .zip(inner)
                .all(|(outer, inner)| self.spend(outer, inner) && includes(outer, inner)),
        }
    }

    fn spend(&mut self, a: &[Symbol], b: &[Symbol]) -> bool {
        let cost = u64::try_from(a.len().saturating_add(1).saturating_mul(b.len().saturating_add(1)));
        let left = cost.ok().and_then(|cost| self.steps.checked_sub(cost));
        self.steps = left.unwrap_or(0);
        left.is_some()
    }
}

/// Whether it is proved that `outer` matches every text that `inner` matches.
pub(crate) fn pattern_includes(outer: &Pattern, inner: &Pattern) -> bool {
    includes(&symbols(outer), &symbols(inner))
}

/// Whether some text may match both. Variables may be any text.
fn overlap(a: &[Symbol], b: &[Symbol]) -> bool {
    let endless = |symbol: Symbol| matches!(symbol, Symbol::Run | Symbol::Variable);
    // From the ends: `next[j]` says whether the rest of `a` after this symbol and `b[j..]` have a text in common.
    let mut next: Vec<bool> = trailing(b, endless);
    for &x in a.iter().rev() {
        let mut here = vec![endless(x) && next.last() == Some(&true)];
        for (&y, (below, diagonal)) in b.iter().zip(pairs(&next)).rev() {
            let right = here.last() == Some(&true);
            here.push(match (endless(x), endless(y)) {
                (false, false) => diagonal && (x == y || x == Symbol::One || y == Symbol::One),
                _ => below || right,
            });
        }
        here.reverse();
        next = here;
    }
    next.first() == Some(&true)
}

/// Whether every text that matches `inner` matches `outer`, as far as one walk over both shows.
fn includes(outer: &[Symbol], inner: &[Symbol]) -> bool {
    let mut next: Vec<bool> = trailing(inner, |_| false);
    for &x in outer.iter().rev() {
        let run = x == Symbol::Run;
        let mut here = vec![run && next.last() == Some(&true)];
        for (&y, (below, diagonal)) in inner.iter().zip(pairs(&next)).rev() {
            let right = here.last() == Some(&true);
            here.push(if run {
                below || right
            } else {
                let one = matches!(y, Symbol::Char(_) | Symbol::One);
                diagonal
                    && match x {
                        Symbol::Char(_) => x == y,
                        Symbol::One => one,
                        Symbol::Run | Symbol::Variable => false,
                    }
            });
        }
        here.reverse();
        next = here;
    }
    next.first() == Some(&true)
}

/// For each place in `symbols` and its end: whether everything from there on may be empty.
fn trailing(symbols: &[Symbol], may_be_empty: impl Fn(Symbol) -> bool) -> Vec<bool> {
    let mut all = vec![true];
    for &symbol in symbols.iter().rev() {
        all.push(all.last() == Some(&true) && may_be_empty(symbol));
    }
    all.reverse();
    all
}

/// Each value with the one after it.
fn pairs(values: &[bool]) -> impl DoubleEndedIterator<Item = (bool, bool)> + ExactSizeIterator {
    values.iter().copied().zip(values.iter().copied().skip(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::context::Context;
    use crate::pattern::{Matched, Syntax, parse};

    fn pattern(text: &str) -> Pattern {
        Pattern::new(parse(text, Syntax { wildcards: true, variables: false }).unwrap())
    }

    fn matches(pattern: &Pattern, text: &str) -> bool {
        pattern.test(text, &Context::new()) == Ok(Matched::Yes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn what_is_proved_is_so(a in "[ab*?]{0,6}", b in "[ab*?]{0,6}", text in "[ab]{0,8}") {
            let (a, b) = (pattern(&a), pattern(&b));
            if matches(&a, &text) && matches(&b, &text) {
                prop_assert!(overlap(&symbols(&a), &symbols(&b)));
            }
            if includes(&symbols(&a), &symbols(&b)) && matches(&b, &text) {
                prop_assert!(matches(&a, &text));
            }
        }
    }

    #[test]
    fn what_should_be_proved_is() {
        let proved = |a: &str, b: &str| {
            let (a, b) = (symbols(&pattern(a)), symbols(&pattern(b)));
            (overlap(&a, &b), includes(&a, &b))
        };
        for (a, b, overlaps, contains) in [
            ("logs/*", "logs/2026/*", true, true),
            ("logs/2026/*", "logs/*", true, false),
            ("logs/*", "data/*", false, false),
            ("*.gz", "*.csv", false, false),
            ("*.gz", "logs/*", true, false),
            ("a?", "ab", true, true),
            ("a?", "a*", true, false),
            ("*", "", true, true),
            ("", "?", false, false),
            ("a*b*c", "abbc", true, true),
            ("a**", "a*", true, true),
            ("?*", "*?", true, true),
        ] {
            assert_eq!(proved(a, b), (overlaps, contains), "{a} {b}");
        }
    }
}
