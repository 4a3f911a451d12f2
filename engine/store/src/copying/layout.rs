//! How an object is cut into parts.

use crate::error::StoreError;
use crate::request::ByteRange;

/// Parts of one upload (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
pub(super) const MAX_PARTS: u64 = 10_000;
/// Bytes of each part but the last (likewise).
pub(super) const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
/// Bytes of a part (likewise).
pub(super) const MAX_PART_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// Part sizes that the engine chooses are multiples of this.
const UNIT: u64 = 1024 * 1024;

/// How an object is cut into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    size: u64,
    /// Bytes of each part but the last.
    pub(super) part_size: u64,
}

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartRange {
    /// From 1.
    pub(super) number: u32,
    /// Its bytes.
    pub(super) range: ByteRange,
    /// How many they are.
    pub(super) bytes: u64,
}

impl Layout {
    /// Parts of `wished` bytes; of more where there would be too many.
    ///
    /// # Errors
    /// `EntityTooLarge` if parts of `most` bytes are still too many.
    pub(super) fn new(size: u64, wished: u64, most: u64) -> Result<Self, StoreError> {
        let wished = wished.clamp(MIN_PART_BYTES, most);
        let needed = size.div_ceil(MAX_PARTS);
        let needed = if needed > wished { needed.next_multiple_of(UNIT) } else { 0 };
        // The unit must not make impossible what is just possible.
        let needed = if needed > most { size.div_ceil(MAX_PARTS) } else { needed };
        if needed > most {
            let largest = most.saturating_mul(MAX_PARTS);
            let message = format!(
                "the object has {size} bytes; in {MAX_PARTS} parts of {most} bytes {largest} can be copied"
            );
            return Err(StoreError::new("EntityTooLarge", message).with_status(400));
        }
        Ok(Self { size, part_size: wished.max(needed) })
    }

    /// The parts, in order.
    pub(super) fn parts(self) -> impl Iterator<Item = PartRange> {
        let Self { size, part_size } = self;
        (1_u32..).zip((0..size).step_by(usize::try_from(part_size).unwrap_or(usize::MAX))).map(
            move |(number, first)| {
                let last = first.saturating_add(part_size).min(size).saturating_sub(1);
                let bytes = last.saturating_sub(first).saturating_add(1);
                PartRange { number, range: ByteRange { first, last: Some(last) }, bytes }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_of_parts() {
        let size = |size, wished| Layout::new(size, wished, MAX_PART_BYTES).map(|layout| layout.part_size);
        let mib = 1024 * 1024;
        assert_eq!(size(6 * 1024 * mib, 128 * mib), Ok(128 * mib));
        // The largest object of Amazon S3: 50 TB.
        assert_eq!(size(50_000_000_000_000, 128 * mib), Ok(4769 * mib));
        assert_eq!(size(MAX_PARTS * MAX_PART_BYTES, 128 * mib), Ok(MAX_PART_BYTES));
        let error = size(MAX_PARTS * MAX_PART_BYTES + 1, 128 * mib).unwrap_err();
        assert_eq!((error.code.as_str(), error.status), ("EntityTooLarge", Some(400)));
        assert!(size(MAX_PARTS * MAX_PART_BYTES + 1, MAX_PART_BYTES + 1).is_err());
        assert_eq!(size(10, 1), Ok(MIN_PART_BYTES));
    }

    proptest! {
        #[test]
        fn parts_are_all_of_the_object(size in 1_u64..60_000_000_000_000, wished in 1_u64..6_000_000_000) {
            let Ok(layout) = Layout::new(size, wished, MAX_PART_BYTES) else {
                prop_assert!(size > MAX_PARTS * MAX_PART_BYTES);
                return Ok(());
            };
            let parts: Vec<_> = layout.parts().collect();
            prop_assert!(parts.len() as u64 <= MAX_PARTS);
            let mut next = 0;
            for (number, part) in (1..).zip(&parts) {
                prop_assert_eq!((part.number, part.range.first), (number, next));
                next = part.range.last.unwrap() + 1;
                prop_assert_eq!(part.bytes, next - part.range.first);
                prop_assert!(part.bytes <= MAX_PART_BYTES);
                prop_assert!(part.bytes >= MIN_PART_BYTES || number as usize == parts.len());
            }
            prop_assert_eq!(next, size);
        }
    }
}
