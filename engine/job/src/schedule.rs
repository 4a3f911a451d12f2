//! The moments of a recurring job: a cron expression by the local time of a zone.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::spec::ScheduleSpec;

/// The moments at which a schedule has an occurrence.
#[derive(Debug, Clone)]
pub struct Calendar {
    cron: Cron,
    zone: TimeZone,
}

impl Calendar {
    /// The moments of this schedule.
    ///
    /// # Errors
    /// What is wrong with its expression or its zone.
    pub fn new(schedule: &ScheduleSpec) -> Result<Self, String> {
        Ok(Self { cron: cron(&schedule.cron)?, zone: zone(&schedule.time_zone)? })
    }

    /// The first moment after `moment`; `None` if there is none.
    pub fn next(&self, moment: Timestamp) -> Option<Timestamp> {
        let from = moment.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&from, false).ok().map(|found| found.timestamp())
    }

    /// The last moment that is not after `moment`; `None` if there is none.
    pub fn last(&self, moment: Timestamp) -> Option<Timestamp> {
        let from = moment.to_zoned(self.zone.clone());
        self.cron.find_previous_occurrence(&from, true).ok().map(|found| found.timestamp())
    }
}

/// Reads a cron expression of five fields.
pub(crate) fn cron(text: &str) -> Result<Cron, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).map_err(|error| error.to_string())
}

/// Finds a time zone of the IANA database.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("there is no time zone {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Overlap;

    fn calendar(cron: &str, zone: &str) -> Calendar {
        let (cron, time_zone) = (cron.to_owned(), zone.to_owned());
        Calendar::new(&ScheduleSpec { cron, time_zone, overlap: Overlap::Skip }).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_are_by_the_local_time_of_the_zone() {
        let berlin = calendar("30 22 * * *", "Europe/Berlin");
        assert_eq!(berlin.next(at("2026-12-01T00:00:00Z")), Some(at("2026-12-01T21:30:00Z")));
        assert_eq!(
            berlin.next(at("2026-12-01T21:30:00Z")),
            Some(at("2026-12-02T21:30:00Z")),
            "strictly after"
        );
        assert_eq!(berlin.next(at("2026-07-01T00:00:00Z")), Some(at("2026-07-01T20:30:00Z")));
        assert_eq!(berlin.last(at("2026-12-01T21:30:00Z")), Some(at("2026-12-01T21:30:00Z")), "not after");
        assert_eq!(berlin.last(at("2026-12-01T21:29:59Z")), Some(at("2026-11-30T21:30:00Z")));
    }

    #[test]
    fn a_change_of_the_clock_neither_loses_nor_repeats_a_day() {
        let berlin = calendar("30 2 * * *", "Europe/Berlin");
        for (begin, days) in [("2026-03-27T12:00:00Z", 4), ("2026-10-23T12:00:00Z", 4)] {
            let mut moment = at(begin);
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..days {
                moment = berlin.next(moment).unwrap();
                assert_eq!(berlin.last(moment), Some(moment));
                seen.insert(moment.to_zoned(TimeZone::get("Europe/Berlin").unwrap()).date());
            }
            assert_eq!(seen.len(), days);
        }
    }

    #[test]
    fn what_is_no_expression_or_zone_is_refused() {
        for wrong in ["", "* * * *", "* * * * * *", "61 * * * *", "* * * * * * *", "tomorrow"] {
            assert!(cron(wrong).is_err(), "{wrong:?}");
        }
        assert!(cron("@daily").is_ok() && cron("*/15 8-17 * * MON-FRI").is_ok());
        assert!(zone("Europe/Nowhere").is_err() && zone("UTC").is_ok());
        assert_eq!(calendar("0 0 30 2 *", "UTC").next(at("2026-01-01T00:00:00Z")), None);
    }
}
