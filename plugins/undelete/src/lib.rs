//! The built-in operation `undelete`: removes the delete markers that hide each object, so that its newest version is the
//! current one again.

use longshore_sdk::{Failure, NoParameters, Object, Operation, Outcome, Request, Task, Version, versions};

/// The operation.
#[derive(Debug)]
pub struct Undelete;

impl Operation for Undelete {
    type Parameters = NoParameters;
    const NAME: &'static str = "undelete";
    const SUMMARY: &'static str = "Brings deleted objects back by removing their newest delete markers.";
    const ACTIONS: &'static [&'static str] = &["s3:ListBucketVersions", "s3:DeleteObjectVersion"];

    fn new(_: NoParameters) -> Result<Self, String> {
        Ok(Self)
    }

    fn plan(&self, object: &Object, _: &Task) -> Vec<Request> {
        let some = object.open(&object.bucket(), &object.key(), Some("null"));
        vec![object.list_versions(None).planned(), some.delete().provisional()]
    }

    fn run(&self, object: &Object, _: &Task) -> Result<Outcome, Failure> {
        let mut all = versions::of(object)?;
        if !all.iter().any(|version| !version.is_delete_marker) {
            let message = "there is no version that could be brought back";
            return Err(Failure::new("NoSuchKey", message).with_status(404));
        }
        let mut removed = 0;
        // The listing says which marker is the current one, but not surely what comes after it: times are rounded. So it is
        // asked again after each removal.
        while let Some(marker) = current(&all).filter(|version| version.is_delete_marker) {
            if removed == versions::MAX_PAGES {
                let note = format!("{removed} delete markers removed, and more are there");
                return Ok(Outcome::AgainAfter { seconds: 1, note });
            }
            object.open(&object.bucket(), &object.key(), Some(&marker.version_id)).delete().send()?;
            removed += 1;
            all = object.list_versions(None).send()?.versions();
        }
        let Some(newest) = current(&all) else {
            let message = "the store does not say which version is the current one";
            return Err(Failure::new("InvalidResponse", message));
        };
        Ok(match removed {
            0 => Outcome::Skipped("it is not deleted".to_owned()),
            1 => Outcome::done_with(format!("version {} is the current one again", newest.version_id)),
            _ => Outcome::done_with(format!(
                "version {} is the current one again; {removed} delete markers removed",
                newest.version_id
            )),
        })
    }
}

fn current(all: &[Version]) -> Option<&Version> {
    all.iter().find(|version| version.is_latest)
}

longshore_sdk::export!(Undelete);

#[cfg(test)]
mod tests;
