//! Which tasks of a chunk are finished.

/// A fixed number of bits. As bytes, bit `i` is bit `i % 8` of byte `i / 8`; bits after the last are zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    bits: Vec<u8>,
    len: u32,
}

impl Bitmap {
    /// `len` bits, none of them set.
    pub fn new(len: u32) -> Self {
        Self { bits: vec![0; bytes_for(len)], len }
    }

    /// `len` bits as they were stored, or nothing if these bytes are not `len` bits.
    pub fn from_bytes(len: u32, bytes: Vec<u8>) -> Option<Self> {
        let spare = bytes.len().checked_mul(8)?.checked_sub(len as usize)?;
        let last = bytes.last().copied().unwrap_or(0);
        let clean = spare < 8 && (spare == 0 || u32::from(last) >> (8 - spare) == 0);
        clean.then_some(Self { bits: bytes, len })
    }

    /// The bits as they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bits
    }

    /// How many bits there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no bit is set.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Whether every bit is set.
    pub fn is_full(&self) -> bool {
        self.count() == self.len
    }

    /// How many bits are set.
    pub fn count(&self) -> u32 {
        self.bits.iter().map(|byte| byte.count_ones()).sum()
    }

    /// Whether bit `index` is set.
    pub fn contains(&self, index: u32) -> bool {
        self.bits.get(index as usize / 8).is_some_and(|byte| byte & mask(index) != 0)
    }

    /// Sets bit `index`; true if it exists and was not set before.
    pub fn insert(&mut self, index: u32) -> bool {
        if index >= self.len || self.contains(index) {
            return false;
        }
        self.bits.get_mut(index as usize / 8).is_some_and(|byte| {
            *byte |= mask(index);
            true
        })
    }
}

fn bytes_for(len: u32) -> usize {
    (len as usize).div_ceil(8)
}

fn mask(index: u32) -> u8 {
    1 << (index % 8)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(len in 0_u32..100, indexes in prop::collection::vec(0_u32..120, 0..200)) {
            let mut bitmap = Bitmap::new(len);
            let mut set = BTreeSet::new();
            for index in indexes {
                prop_assert_eq!(bitmap.insert(index), index < len && set.insert(index));
            }
            prop_assert_eq!(bitmap.count() as usize, set.len());
            prop_assert_eq!(bitmap.is_empty(), set.is_empty());
            prop_assert_eq!(bitmap.is_full(), set.len() == len as usize);
            prop_assert!((0..130).all(|index| bitmap.contains(index) == set.contains(&index)));
            prop_assert_eq!(Bitmap::from_bytes(len, bitmap.as_bytes().to_vec()), Some(bitmap));
        }
    }

    #[test]
    fn bytes_of_another_length_are_refused() {
        assert_eq!(Bitmap::from_bytes(9, vec![0]), None);
        assert_eq!(Bitmap::from_bytes(8, vec![0, 0]), None);
        assert_eq!(Bitmap::from_bytes(0, vec![0]), None);
        assert_eq!(Bitmap::from_bytes(3, vec![0b1000]), None, "a bit after the last");
        assert!(Bitmap::from_bytes(3, vec![0b111]).is_some_and(|bitmap| bitmap.is_full()));
    }
}
