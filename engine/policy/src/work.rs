//! How much work a decision takes, counted where it is done: tests compare counts, because times depend on the machine.

/// Counts steps; in a build that is no test, nothing.
#[inline]
pub(crate) fn spend(steps: usize) {
    #[cfg(test)]
    STEPS.with(|spent| spent.set(spent.get() + steps));
    let _ = steps;
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Document, PolicyKind, PolicySet, Request};

    /// Steps of deciding one request that no statement grants.
    fn steps(statements: usize, pattern: &str, resource: &str) -> usize {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":["s3:Put*","s3:*Object"],"Resource":["arn:aws:s3:::{pattern}","arn:aws:s3:::x*y"],
                "Condition":{{"StringLike":{{"k:t":"a*b*c"}}}}}}"#
        );
        let document = |count| {
            let text =
                format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, vec![&*statement; count].join(","));
            Document::load("counted", &text, PolicyKind::Identity).unwrap().document
        };
        let set =
            (0..statements).step_by(10).fold(PolicySet::new(), |set, _| set.with_identity(document(10)));
        let mut context = Context::new();
        context.set("k:t", "aaaaabbbbbaaaaabbbbb");
        let request = Request {
            principal: "arn:aws:iam::111122223333:user/alice",
            action: "s3:GetObject",
            resource,
            resource_account: "111122223333",
            context: &context,
        };
        STEPS.with(|spent| spent.set(0));
        assert!(!set.decide(&request).allowed());
        STEPS.with(std::cell::Cell::get)
    }

    #[test]
    fn work_is_linear_in_the_policy() {
        for pattern in ["data/*", "data/a*b*c*d", "*?", "data/none"] {
            let (small, large) = (
                steps(10, pattern, "arn:aws:s3:::data/abcabc"),
                steps(100, pattern, "arn:aws:s3:::data/abcabc"),
            );
            assert!(small > 10, "{pattern}: nothing was counted");
            assert!(large <= 10 * small, "{pattern}: {small} steps for 10 statements, {large} for 100");
        }
    }

    #[test]
    fn work_is_linear_in_the_key_even_for_pathological_patterns() {
        let pattern = "a*".repeat(300) + "b";
        let key = |length: usize| format!("arn:aws:s3:::{}", "a".repeat(length));
        let (small, large) = (steps(10, &pattern, &key(400)), steps(10, &pattern, &key(4_000)));
        assert!(large <= 15 * small, "{small} steps for 400 characters, {large} for 4,000");
    }

    #[test]
    fn work_is_at_most_the_product_of_both_lengths() {
        let pattern = format!("*{}b", "?".repeat(100));
        let steps = steps(10, &pattern, &format!("arn:aws:s3:::{}", "a".repeat(1_000)));
        assert!(steps <= 10 * 102 * 1_001 + 10_000, "{steps}");
    }
}
