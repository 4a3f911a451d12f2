//! Condition keys of time.

use jiff::Timestamp;

pub(super) fn time_keys(now: Timestamp) -> [(&'static str, String); 2] {
    [("aws:CurrentTime", time_text(now)), ("aws:EpochTime", now.as_second().to_string())]
}

/// Days from now, begun ones included; 0 for a time that has passed.
pub(super) fn days_between(now: Timestamp, until: Timestamp) -> i64 {
    const DAY: i64 = 24 * 60 * 60;
    let seconds = until.as_second().saturating_sub(now.as_second()).max(0);
    seconds.saturating_add(DAY - 1) / DAY
}

pub(super) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
