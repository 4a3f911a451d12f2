//! Texts of a policy that hold wildcards and policy variables.

use crate::context::Context;
use crate::error::EvaluationError;
use crate::glob::{self, Token};
use crate::value;

/// A piece of a policy text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Fixed(Token<Box<str>>),
    Variable(Variable),
}

/// `${name}` or `${name, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Folded.
    pub(crate) key: Box<str>,
    default: Option<Box<str>>,
}

/// What is special in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// `${…}` is a variable or an escape.
    pub(crate) variables: bool,
}

/// Splits a text into its parts.
///
/// # Errors
/// What is wrong with a variable.
pub(crate) fn parse(text: &str, syntax: Syntax) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if syntax.variables
            && let Some(inside) = rest.strip_prefix("${")
        {
            let (variable, after) = parse_variable(inside)?;
            match variable {
                Inside::Character(c) => literal.push(c),
                Inside::Variable(variable) => {
                    flush(&mut literal, &mut parts);
                    parts.push(Part::Variable(variable));
                }
            }
            rest = after;
            continue;
        }
        match c {
            '*' | '?' if syntax.wildcards => {
                flush(&mut literal, &mut parts);
                parts.push(Part::Fixed(if c == '*' { Token::Run } else { Token::One }));
            }
            c => literal.push(c),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    flush(&mut literal, &mut parts);
    Ok(parts)
}

fn flush(literal: &mut String, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Fixed(Token::Text(std::mem::take(literal).into_boxed_str())));
    }
}

enum Inside {
    /// `${*}`, `${?}` or `${$}`.
    Character(char),
    Variable(Variable),
}

/// Reads a variable from after its `${`; returns what follows its `}`.
fn parse_variable(inside: &str) -> Result<(Inside, &str), String> {
    let end = inside.find(['}', ',']).ok_or("a policy variable is not closed: there is no `}` after `${`")?;
    let (name, rest) = inside.split_at_checked(end).unwrap_or((inside, ""));
    if let (Some(c @ ('*' | '?' | '$')), 1, true) = (name.chars().next(), name.len(), rest.starts_with('}')) {
        return Ok((Inside::Character(c), rest.strip_prefix('}').unwrap_or_default()));
    }
    if name.is_empty() {
        return Err("a policy variable has no name: `${}`".to_owned());
    }
    if let Some(c) = name.chars().find(|c| c.is_whitespace() || matches!(c, '$' | '{' | '\'' | '*' | '?')) {
        return Err(format!(
            "the name of policy variable `${{{name}` holds {c:?}, which no condition key does"
        ));
    }
    let (default, after) = match rest.strip_prefix('}') {
        Some(after) => (None, after),
        None => {
            let (default, after) = rest
                .strip_prefix(", '")
                .and_then(|quoted| quoted.split_once('\''))
                .and_then(|(default, after)| Some((default, after.strip_prefix('}')?)))
                .ok_or_else(|| {
                    format!("the default of policy variable `${{{name}` is not written `, 'text'}}`")
                })?;
            (Some(default.into()), after)
        }
    };
    Ok((Inside::Variable(Variable { key: value::fold_key(name).into(), default }), after))
}

/// Whether a text of the request matches one of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matched {
    Yes,
    No,
    /// A variable has neither value nor default: the pattern matches nothing, and is not the same as any pattern.
    Unresolved,
}

impl From<bool> for Matched {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// A compiled text.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// `*`
    Anything,
    Exact(Box<str>),
    Wildcards(Box<[Token<Box<str>>]>),
    Variables(Box<[Part]>),
}

impl Pattern {
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        match parts.as_slice() {
            [] => return Self::Exact("".into()),
            [Part::Fixed(Token::Run)] => return Self::Anything,
            [Part::Fixed(Token::Text(text))] => return Self::Exact(text.clone()),
            _ => {}
        }
        let fixed: Option<Box<[_]>> = parts
            .iter()
            .map(|part| match part {
                Part::Fixed(token) => Some(token.clone()),
                Part::Variable(_) => None,
            })
            .collect();
        fixed.map_or_else(|| Self::Variables(parts.into()), Self::Wildcards)
    }

    /// The whole of `text` against the pattern. What a variable stands for is literal text.
    pub(crate) fn test(&self, text: &str, context: &Context) -> Result<Matched, EvaluationError> {
        Ok(match self {
            Self::Anything => Matched::Yes,
            Self::Exact(literal) => (**literal == *text).into(),
            Self::Wildcards(tokens) => glob::matches(tokens, text).into(),
            Self::Variables(parts) => match resolve(parts, context)? {
                Some(tokens) => glob::matches(&tokens, text).into(),
                None => Matched::Unresolved,
            },
        })
    }

    /// Like [`Self::test`], without regard to case; for texts without wildcards.
    pub(crate) fn test_ignoring_case(
        &self,
        text: &str,
        context: &Context,
    ) -> Result<Matched, EvaluationError> {
        let text = text.chars().map(value::fold);
        Ok(match self {
            Self::Exact(literal) => literal.chars().map(value::fold).eq(text).into(),
            Self::Variables(parts) => match resolve(parts, context)? {
                Some(tokens) => tokens
                    .iter()
                    .flat_map(|token| if let Token::Text(text) = token { text } else { "" }.chars())
                    .map(value::fold)
                    .eq(text)
                    .into(),
                None => Matched::Unresolved,
            },
            Self::Anything | Self::Wildcards(_) => Matched::No,
        })
    }

    /// The condition keys without which the pattern matches nothing, folded: those of variables without a default.
    pub(crate) fn needed_variables(&self) -> impl Iterator<Item = &str> {
        let parts: &[Part] = if let Self::Variables(parts) = self { parts } else { &[] };
        parts.iter().filter_map(|part| match part {
            Part::Variable(Variable { key, default: None }) => Some(&**key),
            _ => None,
        })
    }

    /// The condition keys that the pattern's variables read, folded.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let parts: &[Part] = if let Self::Variables(parts) = self { parts } else { &[] };
        parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(&*variable.key),
            Part::Fixed(_) => None,
        })
    }
}

/// Puts values in the place of variables. `None` if one of them has neither a value nor a default; an error of any of
/// them wins over that.
fn resolve<'a>(
    parts: &'a [Part],
    context: &'a Context,
) -> Result<Option<Vec<Token<&'a str>>>, EvaluationError> {
    let mut tokens = Vec::with_capacity(parts.len());
    let mut missing = false;
    for part in parts {
        tokens.push(match part {
            Part::Fixed(Token::Text(text)) => Token::Text(&**text),
            Part::Fixed(Token::One) => Token::One,
            Part::Fixed(Token::Run) => Token::Run,
            Part::Variable(variable) => {
                let value = context.single(&variable.key)?.or(variable.default.as_deref());
                missing |= value.is_none();
                Token::Text(value.unwrap_or_default())
            }
        });
    }
    Ok((!missing).then_some(tokens))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Syntax = Syntax { wildcards: true, variables: true };

    #[test]
    fn malformed_variables_are_refused() {
        for text in [
            "${",
            "${}",
            "a${b",
            "${a b}",
            "${ a}",
            "${a,'b'}",
            "${a, b}",
            "${a, 'b}",
            "${a, 'b' }",
            "${a, }",
        ] {
            assert!(parse(text, ALL).is_err(), "{text}");
        }
        for text in ["$", "$a", "{a}", "$$${a:b}", "${a:b, ''}", "${a:b, 'x}y'}", "${*}${?}${$}"] {
            assert!(parse(text, ALL).is_ok(), "{text}");
        }
    }

    #[test]
    fn one_pass_from_left_to_right() {
        let mut context = Context::new();
        context.set("a:b", "${c:d}");
        context.set("c:d", "no");
        let pattern = Pattern::new(parse("${a:b}${$}{c:d}", ALL).unwrap());
        assert_eq!(pattern.test("${c:d}${c:d}", &context), Ok(Matched::Yes));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in r"[\$\{\}',:a*? ]{0,24}|\PC*") {
            let _ = parse(&text, ALL).map(Pattern::new);
        }

        #[test]
        fn a_value_matches_only_itself(value in r"[a*?\$\{\}]{0,6}|\PC{0,8}", other in r"[a*?\$\{\}]{0,6}|\PC{0,8}") {
            let mut context = Context::new();
            context.set("k:v", value.clone());
            let pattern = Pattern::new(parse("<${K:V}>", ALL).unwrap());
            let tested = pattern.test(&format!("<{other}>"), &context);
            prop_assert_eq!(tested, Ok(Matched::from(value == other)));
        }
    }
}
