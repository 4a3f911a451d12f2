//! Moves: what must hold before a source is deleted.

use longshore_sdk::{Failure, Object, Outcome, Task};

use crate::compare::{Content, unquoted};
use crate::{Copy, ETAG_COLUMN, Mode, Parameters};

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidRequest", message).with_status(400)
}

impl Copy {
    /// A move onto its source would delete the only copy.
    pub(crate) fn refuse_in_place(&self, object: &Object, key: &str) -> Result<(), Failure> {
        let Parameters { mode, target_store, target_bucket, .. } = &self.parameters;
        let same = object.bucket() == *target_bucket && object.key() == key;
        if *mode == Mode::Move && target_store.is_none() && same {
            return Err(invalid("the copy would replace its source, which a move then deletes"));
        }
        Ok(())
    }

    /// The same under another name: of the store, of the bucket, or of the key, where a store takes two keys for one.
    pub(crate) fn refuse_itself(&self, source: &Content, there: &Content) -> Result<(), Failure> {
        if self.parameters.mode == Mode::Move && source.may_be(there) {
            let message = "what is at the target has size, ETag, version and time of the source: the two may be one object under \
                           two names, and a move would delete the only copy; it stays";
            return Err(invalid(message));
        }
        Ok(())
    }

    /// In a bucket without versions, the copies of a key's versions replace each other: only the last would be left of them.
    /// `made` is the version that the copy is.
    pub(crate) fn refuse_lone_version(&self, object: &Object, made: Option<&str>) -> Result<(), Failure> {
        if object.version_id().is_none() || made.is_some() || !self.parameters.overwrites() {
            return Ok(());
        }
        let bucket = &self.parameters.target_bucket;
        Err(invalid(format!(
            "the row names a version, and bucket {bucket} keeps no versions: the copy of another one would replace this copy; \
             the source stays. Leave out overwrite = true, or switch versioning on"
        )))
    }

    /// Deletes the source of a verified copy, unless it is another one by now. Says what was done.
    pub(crate) fn delete(
        &self,
        object: &Object,
        source: &Content,
        verified: &str,
    ) -> Result<String, Failure> {
        if !Content::from(&self.head(object).send()?).may_be(source) {
            let message = "the source was written while it was copied; it stays, and so does the copy";
            return Err(Failure::new("PreconditionFailed", message).with_status(412));
        }
        // Stores that know the condition leave an object alone that was written in this instant.
        let etag =
            source.etag.as_ref().filter(|_| object.version_id().is_none()).map(|etag| format!("\"{etag}\""));
        object.delete().if_match(etag.as_deref()).send()?;
        Ok(format!("moved; {verified}"))
    }

    /// There is no source. A move may have been here before: then the copy has the ETag that the row says.
    pub(crate) fn moved_before(
        &self,
        object: &Object,
        task: &Task,
        key: &str,
        gone: Failure,
    ) -> Result<Outcome, Failure> {
        let said = task.column(ETAG_COLUMN).filter(|_| self.parameters.mode == Mode::Move);
        let Some(said) = said else { return Err(gone) };
        match self.present(object, key, None)? {
            Some(copy) if copy.etag.as_deref() == Some(unquoted(&said)) => {
                Ok(Outcome::Skipped("moved before: the copy is there, with the ETag of the row".to_owned()))
            }
            _ => Err(gone),
        }
    }
}
