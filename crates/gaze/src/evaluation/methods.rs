//! From a recorded face to a raw point.

use nalgebra::Vector2;

use super::{Frame, Look};
use crate::calibration::HeadSample;
use crate::eyes::{EyeState, iris_px};
use crate::geometric::EyeModel;
use crate::head;
use crate::landmarks::{INNER_CORNER, OUTER_CORNER};

/// Where a raw point comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No look at the face at all.
    Nothing,
    /// The irises' offset from the middle of the eyes' corners, over the eyes' width.
    IrisOffset,
    /// Yaw and pitch of the head as they were recorded.
    HeadAngles,
    /// The geometric gaze of a true eyeball, with nothing said of the face mesh.
    Eyeball,
    /// The geometric gaze without what the lids tell.
    GeometricWithoutLids,
    /// The geometric gaze.
    Geometric,
}

impl Method {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "the middle of the targets",
            Self::IrisOffset => "iris offset",
            Self::HeadAngles => "turn of the head",
            Self::Eyeball => "true eyeball",
            Self::GeometricWithoutLids => "geometric without lids",
            Self::Geometric => "geometric",
        }
    }

    /// The look of a frame; `None` where the method has no point.
    pub fn look(self, frame: &Frame) -> Option<Look> {
        let model = |model: &EyeModel| geometric(frame, model);
        let (raw, head) = match self {
            Self::Nothing => ([0.0; 2], None),
            Self::IrisOffset => (iris_offset(frame)?, None),
            // In parts of a right angle: of the order of a screen.
            Self::HeadAngles => (frame.head_deg?.map(|a| a / -45.0), None),
            Self::Eyeball => model(&EyeModel::EYEBALL)?,
            Self::GeometricWithoutLids => model(&EyeModel {
                lid_deg_per_mm: 0.0,
                ..EyeModel::FACE_MESH
            })?,
            Self::Geometric => model(&EyeModel::FACE_MESH)?,
        };
        let aspect = frame.screen.width_mm / frame.screen.height_mm;
        raw.iter().all(|v| v.is_finite()).then_some(Look {
            head,
            ..Look::new(raw, frame.target, aspect)
        })
    }
}

fn iris_offset(frame: &Frame) -> Option<[f64; 2]> {
    let landmarks = frame.landmarks.as_deref()?;
    let point = |i: usize| {
        let [x, y, _] = landmarks[i].map(f64::from);
        Vector2::new(x, y)
    };
    let mut sum = Vector2::zeros();
    for eye in [0, 1] {
        let (outer, inner) = (point(OUTER_CORNER[eye]), point(INNER_CORNER[eye]));
        let offset = iris_px(landmarks, eye).coords - (outer + inner) / 2.0;
        sum += offset / (outer - inner).norm() / 2.0;
    }
    Some(sum.into())
}

/// Where the line of sight meets the screen, and where the head is.
fn geometric(frame: &Frame, model: &EyeModel) -> Option<([f64; 2], Option<HeadSample>)> {
    let landmarks = frame.landmarks.as_deref()?;
    let pose = head::estimate(landmarks, &frame.camera)?;
    let gaze = model.gaze(landmarks, &frame.camera, &pose)?;
    let hit = frame.screen.intersect(&gaze.combined)?;
    let [left, right] = EyeState::estimate(landmarks, &frame.camera, &pose)?.openness;
    let head = HeadSample {
        eye_mm: gaze.combined.origin.into(),
        yaw_pitch_deg: [pose.yaw, pose.pitch],
        openness: left.max(right),
        spread_deg: None,
    };
    Some(([hit.x, hit.y], Some(head)))
}
