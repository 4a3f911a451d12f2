//! Which grants a plugin gets.

use longshore_plugin::Grants;

use crate::record::{Record, common};

/// What the operator wants to grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing was said: an upgrade inherits, and what declares nothing needs nothing.
    Unsaid,
    /// Whatever the plugin declares.
    Declared,
    /// These. Unless `partial`, they must cover what the plugin declares.
    These {
        /// The grants.
        grants: Grants,
        /// Whether less than what is declared will do.
        partial: bool,
    },
}

/// The grants of a plugin that declares `needs`, after `before` of the same name; or what is missing for an approval.
///
/// # Errors
/// What the plugin declares and nobody granted.
pub(crate) fn decide(needs: &Grants, wanted: &Wanted, before: Option<&Record>) -> Result<Grants, Grants> {
    let granted = match (wanted, before) {
        (Wanted::Declared, _) => return Ok(needs.clone()),
        (Wanted::These { grants, partial: true }, _) => return Ok(grants.clone()),
        (Wanted::These { grants, .. }, _) => grants.clone(),
        (Wanted::Unsaid, None) => Grants::default(),
        (Wanted::Unsaid, Some(before)) => {
            // What was declared before and not granted was left out on purpose.
            let known = before.grants.iter().chain(before.declared.iter()).cloned().collect::<Grants>();
            let widened = known.beyond(needs);
            return if widened.is_empty() { Ok(common(&before.grants, needs)) } else { Err(widened) };
        }
    };
    let missing = granted.beyond(needs);
    if missing.is_empty() { Ok(granted) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::tests::record;

    fn grants(texts: &[&str]) -> Grants {
        Grants::parse(texts).unwrap()
    }

    fn decided(needs: &[&str], wanted: &Wanted, before: Option<(&[&str], &[&str])>) -> String {
        let before = before.map(|(declared, granted)| Record {
            declared: grants(declared),
            grants: grants(granted),
            ..record("redact", "1.0.0")
        });
        match decide(&grants(needs), wanted, before.as_ref()) {
            Ok(grants) => format!("grants {grants}"),
            Err(missing) => format!("lacks {missing}"),
        }
    }

    #[test]
    fn a_first_installation() {
        let (a, ab): (&[&str], &[&str]) = (&["s3:GetObject"], &["s3:GetObject", "s3:PutObject"]);
        let these = |texts, partial| Wanted::These { grants: grants(texts), partial };
        assert_eq!(decided(&[], &Wanted::Unsaid, None), "grants nothing");
        assert_eq!(decided(a, &Wanted::Unsaid, None), "lacks s3:GetObject");
        assert_eq!(decided(ab, &Wanted::Declared, None), "grants s3:GetObject, s3:PutObject");
        assert_eq!(decided(ab, &these(a, false), None), "lacks s3:PutObject");
        assert_eq!(decided(ab, &these(a, true), None), "grants s3:GetObject");
        assert_eq!(decided(ab, &these(&["s3:*"], false), None), "grants s3:*");
    }

    #[test]
    fn an_upgrade() {
        let (a, ab): (&[&str], &[&str]) = (&["s3:GetObject"], &["s3:GetObject", "s3:PutObject"]);
        let unsaid = Wanted::Unsaid;
        assert_eq!(decided(ab, &unsaid, Some((a, a))), "lacks s3:PutObject");
        assert_eq!(decided(ab, &unsaid, Some((ab, ab))), "grants s3:GetObject, s3:PutObject");
        assert_eq!(
            decided(a, &unsaid, Some((ab, ab))),
            "grants s3:GetObject",
            "what it needs no more, it loses"
        );
        assert_eq!(decided(ab, &unsaid, Some((ab, a))), "grants s3:GetObject", "what was left out stays so");
        assert_eq!(decided(ab, &unsaid, Some((a, &["s3:*"]))), "grants s3:GetObject, s3:PutObject");
        assert_eq!(decided(&["wasi"], &unsaid, Some((ab, &["s3:*"]))), "lacks wasi");
        assert_eq!(decided(ab, &Wanted::Declared, Some((a, a))), "grants s3:GetObject, s3:PutObject");
    }
}
