//! `${NAME}` in strings.
//!
//! ```text
//! ${NAME}            the variable; it must be set
//! ${NAME:-default}   the variable, or `default` if it is not set or empty
//! $${                a literal `${`
//! ```
//! A name is a letter or `_` followed by letters, digits and `_` (all ASCII). A default ends at the first `}`. Every
//! other `$` stands for itself, and what a variable holds is not looked at again.

/// Where variables come from, and which of them a file may use.
#[derive(Clone, Copy)]
pub(crate) struct Variables<'a> {
    /// The value of a variable, if it is set.
    pub(crate) lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Why a variable of that name may not be used in this file, if so.
    pub(crate) refuse: fn(&str) -> Option<Refusal>,
}

/// Why a variable may not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) help: String,
}

/// What is wrong with one reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadReference {
    /// The reference as far as it was read, to find it in the file.
    pub(crate) text: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// A string with its references replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpolated {
    pub(crate) text: String,
    /// Whether a part of it came from the environment.
    pub(crate) from_environment: bool,
}

/// Replaces the references in `text`.
///
/// # Errors
/// Every reference that is wrong.
pub(crate) fn interpolate(text: &str, variables: Variables<'_>) -> Result<Interpolated, Vec<BadReference>> {
    let mut done = Interpolated { text: String::with_capacity(text.len()), from_environment: false };
    let mut bad = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            done.text.push_str(before);
            done.text.push_str("${");
            rest = after;
            continue;
        }
        done.text.push_str(before);
        let Some((reference, behind)) = after.split_once('}') else {
            bad.push(BadReference {
                text: format!("${{{after}"),
                message: "\"${\" without a closing \"}\"".to_owned(),
                help: "write ${NAME} or ${NAME:-default}; a literal \"${\" is written \"$${\"".to_owned(),
            });
            break;
        };
        match resolve(reference, variables) {
            Ok(value) => {
                done.text.push_str(&value);
                done.from_environment = true;
            }
            Err((message, help)) => {
                bad.push(BadReference { text: format!("${{{reference}}}"), message, help })
            }
        }
        rest = behind;
    }
    if !bad.is_empty() {
        return Err(bad);
    }
    done.text.push_str(rest);
    Ok(done)
}

/// The value of one reference, given without its braces; or message and help.
fn resolve(reference: &str, variables: Variables<'_>) -> Result<String, (String, String)> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        let message = format!("{name:?} is not the name of an environment variable");
        let help =
            "letters, digits and \"_\" are allowed, and no digit first; a literal \"${\" is written \"$${\"";
        return Err((message, help.to_owned()));
    }
    if let Some(refusal) = (variables.refuse)(name) {
        return Err((refusal.message, refusal.help));
    }
    match ((variables.lookup)(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err((
            format!("the environment variable {name} is not set"),
            format!("set {name}, or give a default: ${{{name}:-default}}"),
        )),
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
