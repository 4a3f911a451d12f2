//! Multipart uploads that operations begin.

use std::collections::BTreeMap;

use super::answers::{found, refused, written};
use super::raw::Response;
use super::{Fixture, Place, Sent, State};
use crate::StoreError;

/// An upload that was begun.
pub(crate) struct Begun {
    place: Place,
    /// The request that began it: what the object shall have.
    settings: Sent,
    parts: BTreeMap<u32, Vec<u8>>,
}

pub(super) fn answer(
    state: &mut State,
    sent: &Sent,
    place: Place,
    body: Vec<u8>,
) -> Result<Response, StoreError> {
    let missing = || refused("NoSuchUpload", 404, "there is no such upload".to_owned());
    if sent.call == "CreateMultipartUpload" {
        // Never an ID that an upload had before.
        let number = state.sent.iter().filter(|sent| sent.call == "CreateMultipartUpload").count();
        let upload_id = Some(format!("upload-{number}"));
        let begun = Begun { place, settings: sent.clone(), parts: BTreeMap::new() };
        state.begun.extend(upload_id.clone().map(|id| (id, begun)));
        return Ok(Response { upload_id, ..found(200, Fixture::default()) });
    }
    let id = sent.setting("upload-id").unwrap_or_default();
    if sent.call == "UploadPart" {
        let begun = state.begun.get_mut(id).filter(|begun| begun.place == place).ok_or_else(missing)?;
        let number = sent.setting("part-number").and_then(|number| number.parse().ok());
        let fixture = Fixture::of(body);
        begun.parts.extend(number.map(|number| (number, fixture.body.clone())));
        return Ok(found(200, fixture));
    }
    let Begun { place, settings, parts } = state.begun.remove(id).ok_or_else(missing)?;
    let fixture = written(parts.into_values().flatten().collect(), &settings);
    state.objects.insert(place, fixture.clone());
    Ok(found(200, fixture))
}
