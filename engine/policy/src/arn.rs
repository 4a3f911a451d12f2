//! ARNs and patterns of ARNs, compared field by field.

use crate::context::Context;
use crate::error::EvaluationError;
use crate::glob::Token;
use crate::pattern::{Matched, Part, Pattern};

/// `arn:partition:service:region:account:resource`; the last field may hold colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    fields: [&'a str; 6],
}

impl<'a> Arn<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(6, ':');
        let mut next = || fields.next();
        let arn = Self { fields: [next()?, next()?, next()?, next()?, next()?, next()?] };
        (arn.fields[0] == "arn").then_some(arn)
    }

    pub(crate) fn partition(&self) -> &'a str {
        self.fields[1]
    }

    pub(crate) fn service(&self) -> &'a str {
        self.fields[2]
    }

    pub(crate) fn region(&self) -> &'a str {
        self.fields[3]
    }

    pub(crate) fn account(&self) -> &'a str {
        self.fields[4]
    }

    pub(crate) fn resource(&self) -> &'a str {
        self.fields[5]
    }
}

/// A 12-digit account id.
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A pattern of ARNs: a wildcard never crosses one of the first five colons, and a variable's value never shifts the
/// fields.
#[derive(Debug, Clone)]
pub(crate) struct ArnPattern {
    fields: Box<[Pattern; 6]>,
}

impl ArnPattern {
    /// `None` if there are fewer than six fields or the first is not `arn`.
    pub(crate) fn new(parts: Vec<Part>) -> Option<Self> {
        let fields = split_fields(parts);
        if !matches!(fields.first().map(Vec::as_slice), Some([Part::Fixed(Token::Text(arn))]) if **arn == *"arn")
        {
            return None;
        }
        let fields: Vec<Pattern> = fields.into_iter().map(Pattern::new).collect();
        Some(Self { fields: Box::new(fields.try_into().ok()?) })
    }

    pub(crate) fn test(&self, arn: &Arn<'_>, context: &Context) -> Result<Matched, EvaluationError> {
        let mut result = Ok(Matched::Yes);
        // From the end: the first fields of most ARNs are alike.
        for (pattern, field) in self.fields.iter().zip(arn.fields).rev() {
            match pattern.test(field, context) {
                Ok(Matched::Yes) => {}
                Ok(Matched::No) => return Ok(Matched::No),
                Ok(Matched::Unresolved) => result = result.and(Ok(Matched::Unresolved)),
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// All six fields.
    pub(crate) fn fields(&self) -> &[Pattern; 6] {
        &self.fields
    }

    /// The last field.
    pub(crate) fn resource(&self) -> &Pattern {
        let [.., resource] = &*self.fields;
        resource
    }

    /// The condition keys that the pattern's variables read, folded.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().flat_map(Pattern::variables)
    }
}

/// Splits at the first five colons of the literal text.
fn split_fields(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut fields = vec![Vec::new()];
    for part in parts {
        let Part::Fixed(Token::Text(text)) = part else {
            push(&mut fields, part);
            continue;
        };
        // Six fields in all: the last keeps its colons.
        let room = 7_usize.saturating_sub(fields.len());
        for (index, piece) in text.splitn(room, ':').enumerate() {
            if index > 0 {
                fields.push(Vec::new());
            }
            if !piece.is_empty() {
                push(&mut fields, Part::Fixed(Token::Text(piece.into())));
            }
        }
    }
    fields
}

fn push(fields: &mut [Vec<Part>], part: Part) {
    if let Some(field) = fields.last_mut() {
        field.push(part);
    }
}
