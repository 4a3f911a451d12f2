//! What a guest says, made fit for a report.

use longshore_job::Failure;

use crate::bindings::longshore::operation::host;
use crate::codes;

/// Bytes of a failure code.
const MAX_CODE_BYTES: usize = 64;

/// `text`, at most `limit` bytes of it; what was cut ends in `…`.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit.saturating_sub(ELLIPSIS.len())));
        text.push_str(ELLIPSIS);
    }
    text
}

/// A guest's failure. A code that is none becomes [`codes::FAILURE`]: codes are counted and grouped by.
pub(crate) fn failure(failure: host::Failure, message_bytes: usize) -> Failure {
    let host::Failure { code, message, http_status } = failure;
    if is_code(&code) {
        return Failure { code, status: http_status, message: cut(message, message_bytes) };
    }
    let code = cut(code, MAX_CODE_BYTES);
    Failure {
        code: codes::FAILURE.to_owned(),
        status: http_status,
        message: cut(format!("{message} (the plugin's code {code:?} is none)"), message_bytes),
    }
}

/// `[A-Za-z0-9._-]{1,64}`, as the contract says.
fn is_code(text: &str) -> bool {
    (1..=MAX_CODE_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_character() {
        assert_eq!(cut("short".to_owned(), 5), "short");
        assert_eq!(cut("longer".to_owned(), 5), "lo…");
        assert_eq!(cut("ää".to_owned(), 3), "…");
        assert_eq!(cut("äää".to_owned(), 5), "ä…");
    }

    #[test]
    fn a_code_that_is_none_is_replaced() {
        let guest = |code: &str| {
            failure(
                host::Failure { code: code.to_owned(), message: "why".to_owned(), http_status: Some(418) },
                1024,
            )
        };
        assert_eq!(
            guest("My.Own-Code_1"),
            Failure { code: "My.Own-Code_1".to_owned(), status: Some(418), message: "why".to_owned() }
        );
        for code in ["", "two words", "emoji🦀", "a,b", &"x".repeat(65)] {
            let failure = guest(code);
            assert_eq!(failure.code, codes::FAILURE, "{code}");
            assert!(failure.message.starts_with("why (the plugin's code"), "{}", failure.message);
        }
    }
}
