//! What one frame said: plain numbers on their way from perception to the publisher.

use gaze::head::HeadPose;
use gaze::ray::Ray;
use ring::layout::{FaceRow, FaceTable, network_hash, put_text, row_flags};
use vision::{Frame, Perception};

/// Which network told a line of sight. No heap: it travels with each measurement, so that
/// a sample can never name another network than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkTag {
    /// Counts the networks of this run of the daemon, from 0; [`Mapping::network`] is the
    /// same number.
    ///
    /// [`Mapping::network`]: super::mapping::Mapping::network
    pub number: u32,
    /// SHA-256.
    pub sha256: [u8; 32],
    /// Its name as the header has it: UTF-8, cut at 63 bytes, ended by a zero.
    name: [u8; 64],
}

impl NetworkTag {
    /// Of the network with this name and hash.
    pub fn new(number: u32, name: &str, sha256: &[u8; 32]) -> Self {
        NetworkTag {
            number,
            sha256: *sha256,
            name: put_text(name),
        }
    }

    /// Its name, without allocating.
    pub fn name(&self) -> &str {
        let end = self.name.iter().position(|b| *b == 0).unwrap_or(0);
        std::str::from_utf8(&self.name[..end]).unwrap_or_default()
    }

    /// What calibrations call it.
    pub fn id(&self) -> String {
        gaze::calibration::network_id(self.name(), network_hash(&self.sha256))
    }
}

impl Default for NetworkTag {
    /// No network.
    fn default() -> Self {
        Self::new(0, "", &[0; 32])
    }
}

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
    /// Which network looked.
    pub network: NetworkTag,
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
    /// Whether the landmark network saw it in this frame; if not, its lids are the frame's before.
    pub seen: bool,
    /// Lid openness, image-left first, 0..1.
    pub openness: [f64; 2],
    /// Gap between the lids, image-left first, millimetres of an average face.
    pub gap_mm: [f64; 2],
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
    /// Where on the screen it is, normalised, if the network told that and no line of
    /// sight: the lines above are the geometric ones then.
    pub point: Option<[f64; 2]>,
    /// 0 no trust … 1 full trust: geometry's.
    pub confidence: f64,
    /// How far the network expects to be off, where it tells: degrees, root of the sum of its
    /// variances across and up.
    pub spread_deg: Option<f64>,
}

impl Measurement {
    /// Takes the numbers out of what perception found in `frame`. Whether the faces look at the
    /// camera is for [`Contacts`](super::contacts::Contacts) to say.
    pub fn of(found: &Perception, frame: &Frame, network: &NetworkTag, perceived_ns: u64) -> Self {
        let mut table = FaceTable {
            frame_index: frame.index,
            captured_ns: frame.captured_ns,
            perceived_ns,
            image_width: frame.width as u16,
            image_height: frame.height as u16,
            ..FaceTable::default()
        };
        let primary = found.primary().map(|face| face.id);
        for (row, seen) in table.rows.iter_mut().zip(found.faces()) {
            let flag = |bit: u16, on: bool| if on { bit } else { 0 };
            let angle = |of: fn(&HeadPose) -> f64| seen.head.map_or(f32::NAN, |h| of(&h) as f32);
            *row = FaceRow {
                id: seen.id,
                flags: flag(row_flags::PRIMARY, primary == Some(seen.id))
                    | flag(row_flags::EYES_OPEN, seen.eyes_open)
                    | flag(row_flags::FRESH, seen.measured_ns == frame.captured_ns),
                x: seen.bbox.x,
                y: seen.bbox.y,
                w: seen.bbox.width,
                h: seen.bbox.height,
                since_ns: seen.since_ns,
                measured_ns: seen.measured_ns,
                yaw: angle(|h| h.yaw),
                pitch: angle(|h| h.pitch),
                roll: angle(|h| h.roll),
                distance_mm: angle(|h| h.translation.norm()),
                confidence: seen.score,
                ..FaceRow::default()
            };
            table.count += 1;
        }
        let face = found.primary().map(|face| FaceMeasurement {
            id: face.id,
            seen: face.seen,
            openness: face.eyes.openness,
            gap_mm: face.eyes.gap_mm,
            open: face.eyes.open,
            head_deg: [face.head.yaw, face.head.pitch, face.head.roll],
            head_mm: face.head.translation.into(),
            gaze: face.gaze.as_ref().map(|g| GazeMeasurement {
                combined: g.combined,
                left_deg: [g.left.yaw_deg(), g.left.pitch_deg()],
                right_deg: [g.right.yaw_deg(), g.right.pitch_deg()],
                point: face.gaze_point,
                confidence: g.confidence,
                spread_deg: face.spread_deg.map(|[across, up]| across.hypot(up)),
            }),
        });
        Measurement {
            frame_index: frame.index,
            captured_ns: frame.captured_ns,
            perceived_ns,
            frozen: found.frozen,
            fault: found.fault.is_some(),
            network: *network,
            face,
            table,
        }
    }
}
