//! One gaze sample.

use super::{Reason, State, flags};
use crate::words::Record;
use std::mem::offset_of;

/// One gaze sample: 184 bytes, the payload of a sample slot.
///
/// Times are nanoseconds of [`clock`](crate::clock). Screen points are
/// normalised: (0, 0) top left, (1, 1) bottom right; values outside are real.
/// The camera frame has x to the image's right, y down, z away from the
/// camera. Angles are degrees: yaw to the image's right, pitch up, roll
/// clockwise in the image. Eyes are named by side in the image. What is not
/// known is NaN.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Absolute index, from 1. Filled in by the writer.
    pub index: u64,
    /// The picture's number since the daemon started.
    pub frame_index: u64,
    /// When the picture was taken.
    pub captured_ns: u64,
    /// When its measurement was ready.
    pub perceived_ns: u64,
    /// When this sample was stored. Filled in by the writer.
    pub published_ns: u64,
    /// [`flags`].
    pub flags: u32,
    /// [`Reason`], as its number.
    pub reason: u16,
    /// [`State`], as its number.
    pub state: u8,
    /// Faces in the picture.
    pub face_count: u8,
    /// Uncalibrated, unfiltered point: what a calibration is fitted to.
    pub raw_x: f32,
    /// See `raw_x`.
    pub raw_y: f32,
    /// Calibrated, unfiltered point.
    pub cal_x: f32,
    /// See `cal_x`.
    pub cal_y: f32,
    /// Calibrated, filtered point: what apps use.
    pub x: f32,
    /// See `x`.
    pub y: f32,
    /// Expected error, as a fraction of the screen's diagonal.
    pub error_radius: f32,
    /// 0 to 1.
    pub confidence: f32,
    /// Which calibration made `cal_x`; 0 for none.
    pub calibration_generation: u32,
    /// Which display the point is on.
    pub display_generation: u32,
    /// Middle between the eyes, camera frame, mm.
    pub eye_origin_mm: [f32; 3],
    /// Unit vector from the eyes outwards, camera frame.
    pub gaze_dir: [f32; 3],
    /// Head, degrees.
    pub head_yaw: f32,
    /// Head, degrees.
    pub head_pitch: f32,
    /// Head, degrees.
    pub head_roll: f32,
    /// Head's origin, camera frame, mm.
    pub head_mm: [f32; 3],
    /// 0 closed to 1 open: image-left eye, image-right eye.
    pub openness: [f32; 2],
    /// Whose gaze this is: the id in the face table.
    pub face_id: u32,
    /// Probability that this face looks at the camera.
    pub contact: f32,
    /// Of the filtered point, normalised units a second.
    pub velocity: [f32; 2],
    /// Ray of the image-left eye, degrees.
    pub left_yaw: f32,
    /// See `left_yaw`.
    pub left_pitch: f32,
    /// Ray of the image-right eye, degrees.
    pub right_yaw: f32,
    /// See `right_yaw`.
    pub right_pitch: f32,
    /// Which network the line of sight is from, as in the header; 0 where a daemon of
    /// before does not say.
    pub network_generation: u32,
    /// How far the network expects its line of sight to be off for somebody nobody calibrated,
    /// degrees: root of the sum of its variances across and up. 0: it does not tell.
    pub spread_deg: f32,
}

impl Default for Sample {
    /// Nothing known: numbers zero, measurements NaN, no flag.
    fn default() -> Self {
        const N: f32 = f32::NAN;
        Self {
            index: 0,
            frame_index: 0,
            captured_ns: 0,
            perceived_ns: 0,
            published_ns: 0,
            flags: 0,
            reason: Reason::None.raw(),
            state: State::Starting.raw(),
            face_count: 0,
            raw_x: N,
            raw_y: N,
            cal_x: N,
            cal_y: N,
            x: N,
            y: N,
            error_radius: N,
            confidence: 0.0,
            calibration_generation: 0,
            display_generation: 0,
            eye_origin_mm: [N; 3],
            gaze_dir: [N; 3],
            head_yaw: N,
            head_pitch: N,
            head_roll: N,
            head_mm: [N; 3],
            openness: [N; 2],
            face_id: 0,
            contact: N,
            velocity: [N; 2],
            left_yaw: N,
            left_pitch: N,
            right_yaw: N,
            right_pitch: N,
            network_generation: 0,
            spread_deg: 0.0,
        }
    }
}

impl Sample {
    /// Whether all of these flags are set.
    pub const fn has(&self, wanted: u32) -> bool {
        self.flags & wanted == wanted
    }

    /// Whether `x`, `y` may be used.
    pub const fn is_valid(&self) -> bool {
        self.has(flags::VALID)
    }

    /// Why it is not better.
    pub const fn reason(&self) -> Reason {
        Reason::from_raw(self.reason)
    }

    /// What the daemon was doing.
    pub const fn state(&self) -> State {
        State::from_raw(self.state)
    }
}

// SAFETY: `repr(C)`, only numbers; the assertions below pin every offset, and
// together with the size they leave no room for padding.
#[allow(unsafe_code)]
unsafe impl Record<{ super::SAMPLE_WORDS }> for Sample {}

const _: () = {
    assert!(size_of::<Sample>() == 184);
    assert!(offset_of!(Sample, index) == 0);
    assert!(offset_of!(Sample, frame_index) == 8);
    assert!(offset_of!(Sample, captured_ns) == 16);
    assert!(offset_of!(Sample, perceived_ns) == 24);
    assert!(offset_of!(Sample, published_ns) == 32);
    assert!(offset_of!(Sample, flags) == 40);
    assert!(offset_of!(Sample, reason) == 44);
    assert!(offset_of!(Sample, state) == 46);
    assert!(offset_of!(Sample, face_count) == 47);
    assert!(offset_of!(Sample, raw_x) == 48);
    assert!(offset_of!(Sample, raw_y) == 52);
    assert!(offset_of!(Sample, cal_x) == 56);
    assert!(offset_of!(Sample, cal_y) == 60);
    assert!(offset_of!(Sample, x) == 64);
    assert!(offset_of!(Sample, y) == 68);
    assert!(offset_of!(Sample, error_radius) == 72);
    assert!(offset_of!(Sample, confidence) == 76);
    assert!(offset_of!(Sample, calibration_generation) == 80);
    assert!(offset_of!(Sample, display_generation) == 84);
    assert!(offset_of!(Sample, eye_origin_mm) == 88);
    assert!(offset_of!(Sample, gaze_dir) == 100);
    assert!(offset_of!(Sample, head_yaw) == 112);
    assert!(offset_of!(Sample, head_pitch) == 116);
    assert!(offset_of!(Sample, head_roll) == 120);
    assert!(offset_of!(Sample, head_mm) == 124);
    assert!(offset_of!(Sample, openness) == 136);
    assert!(offset_of!(Sample, face_id) == 144);
    assert!(offset_of!(Sample, contact) == 148);
    assert!(offset_of!(Sample, velocity) == 152);
    assert!(offset_of!(Sample, left_yaw) == 160);
    assert!(offset_of!(Sample, left_pitch) == 164);
    assert!(offset_of!(Sample, right_yaw) == 168);
    assert!(offset_of!(Sample, right_pitch) == 172);
    assert!(offset_of!(Sample, network_generation) == 176);
    assert!(offset_of!(Sample, spread_deg) == 180);
};
