//! What `status` and `list` say about schedules.

use longshore_queue::{JobRecord, Queue};
use serde_json::{Map, Value, json};

use crate::failure::CliError;

/// How many occurrences `status` shows (count).
const SHOWN: usize = 5;

/// For people: when a template occurs next and what became of its last moments, or of which template the job is.
pub(super) fn lines(queue: &Queue, record: &JobRecord) -> Result<Vec<String>, CliError> {
    let occurrences = queue.occurrences(&record.id)?;
    let mut lines = Vec::new();
    if record.spec.timing.schedule.is_some() {
        let next = queue.next_occurrence(&record.id)?;
        lines.push(match next {
            Some(next) => format!("Next occurrence: {next:.0}"),
            None => "Next occurrence: none".to_owned(),
        });
    }
    let first = occurrences.len().saturating_sub(SHOWN);
    for occurrence in occurrences.iter().skip(first) {
        let at = format!("{:.0}", occurrence.at);
        lines.push(match &occurrence.job {
            Some(job) if *job == record.id => format!("Occurrence of: {} at {at}", occurrence.template),
            Some(job) => format!("Occurrence: {at} job {job}"),
            None => format!("Occurrence: {at} left out, the one before had not ended"),
        });
    }
    Ok(lines)
}

/// For the state of a template in the list.
pub(super) fn remark(queue: &Queue, record: &JobRecord) -> Result<String, CliError> {
    if record.spec.timing.schedule.is_none() || record.state.is_terminal() {
        return Ok(String::new());
    }
    let next = queue.next_occurrence(&record.id)?;
    Ok(next.map_or_else(|| " (no further occurrence)".to_owned(), |next| format!(" (next {next:.0})")))
}

/// For machines.
pub(super) fn fields(queue: &Queue, record: &JobRecord) -> Result<Map<String, Value>, CliError> {
    let mut fields = Map::new();
    let occurrences = queue.occurrences(&record.id)?;
    if record.spec.timing.schedule.is_some() {
        fields.insert("next_occurrence".to_owned(), json!(queue.next_occurrence(&record.id)?));
        fields.insert("occurrences".to_owned(), json!(occurrences));
    } else if let Some(occurrence) = occurrences.first() {
        fields.insert("occurrence_of".to_owned(), json!(occurrence.template));
    }
    Ok(fields)
}
