//! Records as arrays of 64-bit words, and back.
#![allow(unsafe_code)]

/// A record that travels through a slot as `W` words.
///
/// # Safety
/// The type is `repr(C)`, has exactly `W × 8` bytes, no padding, and is valid
/// for every bit pattern.
pub(crate) unsafe trait Record<const W: usize>: Copy {
    /// The record's words, in memory order.
    #[inline]
    fn to_words(&self) -> [u64; W] {
        const { assert!(size_of::<Self>() == W * 8) };
        // SAFETY: the sizes are equal (asserted), a record has no padding (the
        // trait's contract), and any bytes make valid integers.
        unsafe { std::mem::transmute_copy(self) }
    }

    /// The record that these words are.
    #[inline]
    fn from_words(words: &[u64; W]) -> Self {
        const { assert!(size_of::<Self>() == W * 8) };
        // SAFETY: the sizes are equal (asserted) and every bit pattern is a
        // valid record (the trait's contract).
        unsafe { std::mem::transmute_copy(words) }
    }

    /// The record's own memory as words, to be filled in place.
    #[inline]
    fn as_words_mut(&mut self) -> &mut [u64; W] {
        const { assert!(size_of::<Self>() == W * 8 && align_of::<Self>() == 8) };
        // SAFETY: size and alignment are equal (asserted), and every bit
        // pattern is valid on both sides (the trait's contract).
        unsafe { &mut *std::ptr::from_mut(self).cast() }
    }
}
