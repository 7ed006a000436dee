//! What lies where in the shared memory. `include/gaze.h` is the other half:
//! the two are held together by assertions on every offset on both sides, and
//! by a test that prints both and compares them.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 128 | the prefix: the part whose place and meaning never change |
//! | 128 | 128 | heads, wake word, status, generations: what changes often |
//! | 256 | 2 × 128 | [`Stats`]: rates, counters, latencies |
//! | 512 | 2 × 192 | [`Device`]: display, network, camera |
//! | 896 | 2 × 192 | [`Why`]: the state in words |
//! | 1280 | 2 × 192 | [`CalibrationNote`]: whose calibration, how good, what was refused |
//! | 1664 | 2 × 192 | [`ClipsNote`]: whether clips are recorded, and why not |
//! | 2048 | 512 × 192 | [`Sample`]s |
//! | 100352 | 16 × 576 | [`FaceTable`]s |
//! | 109568 | 2 × 272 | [`EngineNote`]: what computes the networks, and how urgent |
//! | 110112 | 2 × 208 | [`AssistantNote`]: what the assistant says, and the coarse region |
//! | 110528 | 4160 | reserved, zero |
//! | 114688 | | end: whole pages of 4 and of 16 KiB |
//!
//! Everything is little-endian. Each guarded record is an 8-byte sequence and
//! its payload; [`Stats`], [`Device`], [`Why`] and the notes are rings of two, so
//! that a writer that dies while writing one leaves the one before it
//! readable.
//!
//! Version 2 put the calibration's note where version 1 had zeros: readers of
//! either version read both, and see a note of zeros ("unknown") in version 1.
//! Version 3 did the same with the note on clips, and made bits of the word that
//! says whether pictures are stored ([`recording`]). Version 4 did the same with the note
//! on what computes, which lies behind the face tables; version 5 with the assistant's, behind
//! that.

mod codes;
mod face;
mod header;
mod sample;

pub use codes::{
    AssistantStatus, CalibrationStatus, ClipsStatus, ContactSource, FaceState, Grade, Provider,
    Reason, Region, SourceKind, State, engine, flags, recording,
};
pub use face::{FACE_ROWS, FaceRow, FaceTable, row_flags};
pub use header::{
    AssistantNote, CalibrationNote, ClipsNote, Device, EngineNote, Stats, Why, network_hash,
    put_text, text_of,
};
pub(crate) use header::{Header, Prefix, Shared, Status};
pub use sample::Sample;

/// `"GAZESHM\0"`, read as a little-endian number.
pub const MAGIC: u64 = u64::from_le_bytes(*b"GAZESHM\0");
/// The layout's version. Stored last, so 0 means "not ready yet".
pub const VERSION: u32 = 5;
/// The oldest version whose readers understand this layout.
pub const COMPATIBLE_SINCE: u32 = 1;
/// The oldest version that readers of this one understand.
pub const READS_SINCE: u32 = 1;
/// Bytes before the first sample.
pub const HEADER_SIZE: usize = 2048;
/// Slots in the sample ring: 8.5 s at 60 Hz.
pub const SAMPLE_SLOTS: usize = 512;
/// Bytes of a sample slot: the sequence and the payload.
pub const SAMPLE_SLOT_SIZE: usize = 192;
/// Words of a sample's payload.
pub const SAMPLE_WORDS: usize = 23;
/// Where the samples begin.
pub const SAMPLES_OFFSET: usize = HEADER_SIZE;
/// Slots in the ring of face tables.
pub const FACE_SLOTS: usize = 16;
/// Bytes of a face table's slot.
pub const FACE_SLOT_SIZE: usize = 576;
/// Words of a face table's payload.
pub const FACE_WORDS: usize = 71;
/// Where the face tables begin.
pub const FACES_OFFSET: usize = SAMPLES_OFFSET + SAMPLE_SLOTS * SAMPLE_SLOT_SIZE;
/// Where the note on what computes begins.
pub const ENGINE_OFFSET: usize = FACES_OFFSET + FACE_SLOTS * FACE_SLOT_SIZE;
/// Where the assistant's note begins.
pub const ASSISTANT_OFFSET: usize = ENGINE_OFFSET + 2 * 272;
/// Bytes of the whole object.
pub const TOTAL_SIZE: usize = 114_688;

#[cfg(target_endian = "big")]
compile_error!("the shared memory is little-endian");
