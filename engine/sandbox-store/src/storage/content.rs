//! What an object or a part holds: runs of stored bytes, and runs of zeros, which cost nothing.
//!
//! Copies and completed uploads share the bytes of what they were made of, so an object of many gigabytes costs no more
//! than the different bytes in it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Consecutive bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// Row id of the body that has them; none stands for zeros.
    pub(super) body: Option<i64>,
    /// Offset of the first of them in that body.
    pub(super) start: u64,
    /// Bytes.
    pub(super) length: u64,
}

impl Extent {
    /// Whether `next` goes on where this one ends.
    fn goes_on_in(&self, next: &Self) -> bool {
        self.body == next.body && (self.body.is_none() || self.start + self.length == next.start)
    }

    fn slice(&self, range: Range<u64>) -> Self {
        let start = if self.body.is_some() { self.start + range.start } else { 0 };
        Self { body: self.body, start, length: range.end - range.start }
    }
}

/// Extents, in order; none is empty, and none goes on where the one before ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content(Vec<Extent>);

impl Content {
    /// Adds an extent at the end.
    pub(super) fn push(&mut self, extent: Extent) {
        match self.0.last_mut() {
            _ if extent.length == 0 => {}
            Some(last) if last.goes_on_in(&extent) => last.length += extent.length,
            _ => self.0.push(extent),
        }
    }

    pub(super) fn extents(&self) -> &[Extent] {
        &self.0
    }

    /// The row ids of the bodies, each once.
    pub(super) fn bodies(&self) -> Vec<i64> {
        let mut bodies: Vec<i64> = self.0.iter().filter_map(|extent| extent.body).collect();
        bodies.sort_unstable();
        bodies.dedup();
        bodies
    }

    /// These bytes of it.
    pub(crate) fn slice(&self, range: &Range<u64>) -> Self {
        let mut slice = Self::default();
        let mut at = 0;
        for extent in &self.0 {
            let end = at + extent.length;
            let (from, to) = (range.start.max(at), range.end.min(end));
            if from < to {
                slice.push(extent.slice(from - at..to - at));
            }
            at = end;
        }
        slice
    }

    /// The contents one behind the other.
    pub(crate) fn join<'a>(contents: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut joined = Self::default();
        contents.into_iter().flat_map(|content| &content.0).for_each(|extent| joined.push(extent.clone()));
        joined
    }

    /// The number of bytes, if they are all zero.
    pub(crate) fn all_zeros(&self) -> Option<u64> {
        match self.0.as_slice() {
            [] => Some(0),
            [only] if only.body.is_none() => Some(only.length),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two bodies, whose bytes are told apart by row id and offset; zeros are all alike.
    fn contents() -> impl Strategy<Value = Content> {
        let extent = (prop::option::of(1_i64..3), 0_u64..20, 0_u64..10).prop_map(|(body, start, length)| {
            Extent { body, start: if body.is_some() { start } else { 0 }, length }
        });
        prop::collection::vec(extent, 0..6).prop_map(|extents| {
            let mut content = Content::default();
            extents.into_iter().for_each(|extent| content.push(extent));
            content
        })
    }

    fn bytes(content: &Content) -> Vec<Option<(i64, u64)>> {
        let of = |extent: &Extent| {
            let (body, start) = (extent.body, extent.start);
            (0..extent.length).map(move |offset| body.map(|body| (body, start + offset))).collect::<Vec<_>>()
        };
        content.0.iter().flat_map(of).collect()
    }

    proptest! {
        #[test]
        fn contents_are_sliced_and_joined_as_bytes_are(
            one in contents(), two in contents(), from in 0_u64..80, length in 0_u64..80,
        ) {
            let joined = Content::join([&one, &two]);
            let all = [bytes(&one), bytes(&two)].concat();
            prop_assert_eq!(&bytes(&joined), &all);
            let size = all.len() as u64;
            let range = from.min(size)..(from + length).min(size);
            let expected: Vec<_> =
                all.into_iter().skip(range.start as usize).take((range.end - range.start) as usize).collect();
            prop_assert_eq!(bytes(&joined.slice(&range)), expected);
            prop_assert!(joined.0.iter().all(|extent| extent.length > 0));
            prop_assert!(joined.0.windows(2).all(|pair| !pair[0].goes_on_in(&pair[1])));
        }
    }
}
