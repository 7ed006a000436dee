//! All faces of one picture, guarded together.

use super::{ContactSource, FaceState};
use crate::words::Record;
use std::mem::offset_of;

/// Rows of a [`FaceTable`].
pub const FACE_ROWS: usize = 8;

/// Bits of [`FaceRow::flags`].
pub mod row_flags {
    /// The face whose gaze the samples carry.
    pub const PRIMARY: u16 = 1 << 0;
    /// Both eyes are open.
    pub const EYES_OPEN: u16 = 1 << 1;
    /// Box and pose come from this picture, not from an earlier one.
    pub const FRESH: u16 = 1 << 2;
}

/// One face: 64 bytes. What is not known is NaN.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceRow {
    /// Stays with the face while it is tracked; from 1.
    pub id: u32,
    /// [`FaceState`], as its number.
    pub state: u8,
    /// [`ContactSource`], as its number.
    pub contact_source: u8,
    /// [`row_flags`].
    pub flags: u16,
    /// Box: left edge, pixels of the picture.
    pub x: f32,
    /// Box: top edge, pixels.
    pub y: f32,
    /// Box: width, pixels.
    pub w: f32,
    /// Box: height, pixels.
    pub h: f32,
    /// Probability that this face looks at the camera.
    pub contact: f32,
    /// Head yaw, degrees.
    pub yaw: f32,
    /// Head pitch, degrees.
    pub pitch: f32,
    /// Head roll, degrees.
    pub roll: f32,
    /// From the camera, mm.
    pub distance_mm: f32,
    /// Of the face's presence, 0 to 1.
    pub confidence: f32,
    /// Since when the state holds.
    pub since_ns: u64,
    /// When the picture behind `contact` was taken.
    pub measured_ns: u64,
}

impl Default for FaceRow {
    fn default() -> Self {
        const N: f32 = f32::NAN;
        Self {
            id: 0,
            state: FaceState::Unknown.raw(),
            contact_source: ContactSource::None.raw(),
            flags: 0,
            x: N,
            y: N,
            w: N,
            h: N,
            contact: N,
            yaw: N,
            pitch: N,
            roll: N,
            distance_mm: N,
            confidence: 0.0,
            since_ns: 0,
            measured_ns: 0,
        }
    }
}

impl FaceRow {
    /// Whether the face looks at the camera.
    pub const fn state(&self) -> FaceState {
        FaceState::from_raw(self.state)
    }

    /// What `contact` was made from.
    pub const fn contact_source(&self) -> ContactSource {
        ContactSource::from_raw(self.contact_source)
    }
}

/// All faces of one picture: 568 bytes, the payload of a face slot.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceTable {
    /// Absolute index of the table, from 1. Filled in by the writer.
    pub index: u64,
    /// The picture: the same number as in its samples.
    pub frame_index: u64,
    /// When the picture was taken.
    pub captured_ns: u64,
    /// When its measurement was ready.
    pub perceived_ns: u64,
    /// When this table was stored. Filled in by the writer.
    pub published_ns: u64,
    /// The newest sample when this table was stored. Filled in by the writer.
    pub sample_index: u64,
    /// Faces found; may be more than there are rows.
    pub count: u32,
    /// The picture's width, pixels.
    pub image_width: u16,
    /// The picture's height, pixels.
    pub image_height: u16,
    /// The faces, the primary one first.
    pub rows: [FaceRow; FACE_ROWS],
}

impl Default for FaceTable {
    fn default() -> Self {
        Self {
            index: 0,
            frame_index: 0,
            captured_ns: 0,
            perceived_ns: 0,
            published_ns: 0,
            sample_index: 0,
            count: 0,
            image_width: 0,
            image_height: 0,
            rows: [FaceRow::default(); FACE_ROWS],
        }
    }
}

impl FaceTable {
    /// The rows in use.
    pub fn faces(&self) -> &[FaceRow] {
        &self.rows[..(self.count as usize).min(FACE_ROWS)]
    }
}

// SAFETY: `repr(C)`, only numbers; the assertions below pin every offset, and
// together with the sizes they leave no room for padding.
#[allow(unsafe_code)]
unsafe impl Record<{ super::FACE_WORDS }> for FaceTable {}

const _: () = {
    assert!(size_of::<FaceRow>() == 64);
    assert!(offset_of!(FaceRow, id) == 0);
    assert!(offset_of!(FaceRow, state) == 4);
    assert!(offset_of!(FaceRow, contact_source) == 5);
    assert!(offset_of!(FaceRow, flags) == 6);
    assert!(offset_of!(FaceRow, x) == 8);
    assert!(offset_of!(FaceRow, y) == 12);
    assert!(offset_of!(FaceRow, w) == 16);
    assert!(offset_of!(FaceRow, h) == 20);
    assert!(offset_of!(FaceRow, contact) == 24);
    assert!(offset_of!(FaceRow, yaw) == 28);
    assert!(offset_of!(FaceRow, pitch) == 32);
    assert!(offset_of!(FaceRow, roll) == 36);
    assert!(offset_of!(FaceRow, distance_mm) == 40);
    assert!(offset_of!(FaceRow, confidence) == 44);
    assert!(offset_of!(FaceRow, since_ns) == 48);
    assert!(offset_of!(FaceRow, measured_ns) == 56);
    assert!(size_of::<FaceTable>() == 568);
    assert!(offset_of!(FaceTable, index) == 0);
    assert!(offset_of!(FaceTable, frame_index) == 8);
    assert!(offset_of!(FaceTable, captured_ns) == 16);
    assert!(offset_of!(FaceTable, perceived_ns) == 24);
    assert!(offset_of!(FaceTable, published_ns) == 32);
    assert!(offset_of!(FaceTable, sample_index) == 40);
    assert!(offset_of!(FaceTable, count) == 48);
    assert!(offset_of!(FaceTable, image_width) == 52);
    assert!(offset_of!(FaceTable, image_height) == 54);
    assert!(offset_of!(FaceTable, rows) == 56);
};
