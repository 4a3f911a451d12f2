//! What becomes of a task where something is at its target already.

use longshore_sdk::time::Timestamp;
use longshore_sdk::{Failure, Object, Outcome, Task};

use crate::compare::{Content, unquoted};
use crate::{Copy, ETAG_COLUMN, IfMatch, MetadataDirective, Mode};

impl Copy {
    /// The end of the task because of what is there, or none: then the copy is made. A move that finds its copy made goes on to
    /// delete.
    pub(crate) fn settled(
        &self,
        object: &Object,
        task: &Task,
        key: &str,
        source: Option<&Content>,
        there: &Content,
    ) -> Result<Option<Outcome>, Failure> {
        if let Some(source) = source {
            self.refuse_itself(source, there)?;
            if self.is_made(object, task, key, source, there)? {
                return self.ended(object, source, there).map(Some);
            }
        }
        match (self.parameters.mode, self.parameters.overwrite) {
            _ if self.parameters.overwrites() => Ok(None),
            (Mode::Move, None) => {
                let message = "there is another object with the target key, and the source stays: overwrite = true replaces \
                               such objects, overwrite = false skips them";
                Err(Failure::new("PreconditionFailed", message).with_status(412))
            }
            _ => {
                let kept = "there is an object with the target key, which stays (overwrite = false)";
                Ok(Some(Outcome::Skipped(kept.to_owned())))
            }
        }
    }

    fn ended(&self, object: &Object, source: &Content, there: &Content) -> Result<Outcome, Failure> {
        if self.parameters.mode == Mode::Copy {
            return Ok(Outcome::Skipped("the copy is there, with the same size and ETag".to_owned()));
        }
        self.refuse_lone_version(object, there.version_id.as_deref())?;
        Ok(Outcome::done_with(self.delete(object, source, "the copy was there already")?))
    }

    /// Whether what is there is the copy that the task would make, as far as stores tell.
    fn is_made(
        &self,
        object: &Object,
        task: &Task,
        key: &str,
        source: &Content,
        there: &Content,
    ) -> Result<bool, Failure> {
        let moves = self.parameters.mode == Mode::Move;
        let asked = self.parameters.skip_identical || (moves && !self.parameters.overwrites());
        if !asked || !source.is_identical(there) || !self.meets(task, source)? {
            return Ok(false);
        }
        // Nothing of the source may be lost with it.
        if moves && !self.is_described_alike(source, there) {
            return Ok(false);
        }
        Ok(!self.lacks(object, key)?)
    }

    fn is_described_alike(&self, source: &Content, there: &Content) -> bool {
        let replaced = self.parameters.metadata.as_ref().map(|metadata| metadata.directive);
        replaced == Some(MetadataDirective::Replace) || source.metadata == there.metadata
    }

    /// The conditions that the copy would be sent with.
    fn meets(&self, task: &Task, source: &Content) -> Result<bool, Failure> {
        let time = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
        let modified = time(&source.last_modified);
        let matched = self.parameters.if_match == Some(IfMatch::Column);
        let etag = if matched { self.wanted_etag(task, None)? } else { None };
        let same = etag.is_none_or(|etag| source.etag.as_deref() == Some(unquoted(&etag)));
        let since = time(&self.parameters.modified_since).is_none_or(|since| modified > Some(since));
        // An ETag that is met outweighs this one (API Reference, CopyObject).
        let unmodified =
            matched || time(&self.parameters.unmodified_since).is_none_or(|until| modified <= Some(until));
        Ok(same && since && unmodified)
    }

    /// The ETag that the source must have.
    pub(crate) fn wanted_etag(
        &self,
        task: &Task,
        source: Option<&Content>,
    ) -> Result<Option<String>, Failure> {
        match self.parameters.if_match {
            Some(IfMatch::Column) => match task.column(ETAG_COLUMN) {
                Some(etag) => Ok(Some(etag)),
                None => {
                    let message = "if-match = \"column\", and the row has no value in column ETag";
                    Err(Failure::new("InvalidRequest", message).with_status(400))
                }
            },
            // What was looked at is what is copied.
            _ => Ok(source.and_then(|source| source.etag.clone())),
        }
    }
}
