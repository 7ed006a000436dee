//! What tells the gaze from a face. The geometric way needs no network; networks
//! of our own become further kinds here, fed by [`crate::EyeCropper`].

use gaze::camera::Intrinsics;
use gaze::eyes::EyeState;
use gaze::geometric::EyeGaze;
use gaze::head::HeadPose;
use gaze::landmarks::Landmarks;

/// The kinds of gaze estimators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GazeKind {
    /// The eyeball turned against the head, from irises, lids and head pose.
    #[default]
    Geometric,
}

impl GazeKind {
    /// The lines of sight, or none where this kind cannot tell.
    pub(crate) fn estimate(
        self,
        landmarks: &Landmarks,
        camera: &Intrinsics,
        head: &HeadPose,
    ) -> Option<EyeGaze> {
        match self {
            GazeKind::Geometric => {
                let _ = (landmarks, camera, head);
                None // until `gaze::geometric` can
            }
        }
    }
}

/// Lids and irises, until `gaze::eyes` measures them.
pub(crate) fn eyes_of(lm: &Landmarks) -> EyeState {
    use gaze::landmarks::{INNER_CORNER, IRIS_CENTRE, LOWER_LID, OUTER_CORNER, UPPER_LID};
    use nalgebra::Point2;
    let at = |i: usize| Point2::new(f64::from(lm[i][0]), f64::from(lm[i][1]));
    let openness = [0, 1].map(|e| {
        let lids = (at(UPPER_LID[e]) - at(LOWER_LID[e])).norm();
        let corners = (at(OUTER_CORNER[e]) - at(INNER_CORNER[e])).norm();
        (lids / corners / 0.3).min(1.0)
    });
    EyeState {
        openness,
        open: openness.map(|o| o > 0.35),
        iris_px: IRIS_CENTRE.map(at),
        centre_px: [0, 1].map(|e| nalgebra::center(&at(OUTER_CORNER[e]), &at(INNER_CORNER[e]))),
    }
}
