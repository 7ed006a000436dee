//! What one frame said: plain numbers on their way from perception to the publisher.

use gaze::ray::Ray;
use ring::layout::{FaceRow, FaceTable};
use vision::{Frame, Perception};

/// Everything the publisher needs of one frame. No heap: it travels by value.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    /// The source's frame counter.
    pub frame_index: u64,
    /// When the light fell in, monotonic nanoseconds.
    pub captured_ns: u64,
    /// When perception was done with the frame.
    pub perceived_ns: u64,
    /// The picture has been the same, byte for byte, for too long.
    pub frozen: bool,
    /// A network failed on this frame.
    pub fault: bool,
    /// The primary face, if there is one.
    pub face: Option<FaceMeasurement>,
    /// All faces, ready to publish; `sample_index` is filled in then.
    pub table: FaceTable,
}

/// The primary face in numbers.
#[derive(Debug, Clone, Copy)]
pub struct FaceMeasurement {
    /// Id that stays with this face.
    pub id: u32,
    /// Lid openness, image-left first, 0..1.
    pub openness: [f64; 2],
    /// Whether each eye is open and visible, image-left first.
    pub open: [bool; 2],
    /// Head yaw, pitch, roll in degrees.
    pub head_deg: [f64; 3],
    /// Head position, millimetres in the camera frame.
    pub head_mm: [f64; 3],
    /// Lines of sight, if they could be told.
    pub gaze: Option<GazeMeasurement>,
}

/// The lines of sight of the primary face.
#[derive(Debug, Clone, Copy)]
pub struct GazeMeasurement {
    /// Both eyes as one, from between them.
    pub combined: Ray,
    /// Yaw and pitch of the image-left eye, degrees.
    pub left_deg: [f64; 2],
    /// Yaw and pitch of the image-right eye, degrees.
    pub right_deg: [f64; 2],
    /// 0 no trust … 1 full trust.
    pub confidence: f64,
}

impl Measurement {
    /// Takes the numbers out of what perception found in `frame`.
    pub fn of(found: &Perception, frame: &Frame, perceived_ns: u64) -> Self {
        let mut table = FaceTable {
            frame_index: frame.index,
            captured_ns: frame.captured_ns,
            ..FaceTable::default()
        };
        for (row, seen) in table.rows.iter_mut().zip(found.faces()) {
            *row = FaceRow {
                id: seen.id,
                x: seen.bbox.x,
                y: seen.bbox.y,
                w: seen.bbox.width,
                h: seen.bbox.height,
                since_ns: seen.since_ns,
                measured_ns: seen.measured_ns,
                yaw: seen.head.map_or(f32::NAN, |h| h.yaw as f32),
                pitch: seen.head.map_or(f32::NAN, |h| h.pitch as f32),
                distance_mm: seen.head.map_or(f32::NAN, |h| h.translation.norm() as f32),
                ..FaceRow::default()
            };
            table.count += 1;
        }
        let face = found.primary().map(|face| FaceMeasurement {
            id: face.id,
            openness: face.eyes.openness,
            open: face.eyes.open,
            head_deg: [face.head.yaw, face.head.pitch, face.head.roll],
            head_mm: face.head.translation.into(),
            gaze: face.gaze.as_ref().map(|g| GazeMeasurement {
                combined: g.combined,
                left_deg: [g.left.yaw_deg(), g.left.pitch_deg()],
                right_deg: [g.right.yaw_deg(), g.right.pitch_deg()],
                confidence: g.confidence,
            }),
        });
        Measurement {
            frame_index: frame.index,
            captured_ns: frame.captured_ns,
            perceived_ns,
            frozen: found.frozen,
            fault: found.fault.is_some(),
            face,
            table,
        }
    }
}
