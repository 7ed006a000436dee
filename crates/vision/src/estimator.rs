//! What tells the gaze from a face. The geometric way needs no network; networks
//! of our own become further kinds here, fed by [`crate::EyeCropper`].

use gaze::camera::Intrinsics;
use gaze::eyes::EyeState;
use gaze::geometric::{EyeGaze, EyeModel};
use gaze::head::HeadPose;
use gaze::landmarks::{INNER_CORNER, IRIS_CENTRE, Landmarks, OUTER_CORNER};
use nalgebra::Point2;

use crate::iris::IrisFit;

/// One eye is noisier than two by √2.
const ONE_EYE: f64 = std::f64::consts::FRAC_1_SQRT_2;

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
        irises: &[Option<IrisFit>; 2],
    ) -> Option<EyeGaze> {
        match self {
            GazeKind::Geometric => {
                let [left, right] = irises.map(|fit| {
                    let weight = fit.map_or([0.0; 2], |f| f.weight());
                    EyeModel::FACE_MESH.towards(&EyeModel::PIXELS, weight)
                });
                EyeModel::gaze_by([&left, &right], landmarks, camera, head)
            }
        }
    }
}

/// Lids and irises. Where an eye is seen edge-on neither counts as open.
pub(crate) fn eyes_of(landmarks: &Landmarks, camera: &Intrinsics, head: &HeadPose) -> EyeState {
    EyeState::estimate(landmarks, camera, head).unwrap_or_else(|| {
        let at = |i: usize| Point2::new(f64::from(landmarks[i][0]), f64::from(landmarks[i][1]));
        EyeState {
            openness: [0.0; 2],
            open: [false; 2],
            iris_px: IRIS_CENTRE.map(at),
            centre_px: [0, 1].map(|e| nalgebra::center(&at(OUTER_CORNER[e]), &at(INNER_CORNER[e]))),
        }
    })
}

/// The line of sight when only one eye (0: image-left) is to be seen: the other
/// one's is the network's guess and must not take part.
pub(crate) fn by_one_eye(mut gaze: EyeGaze, eye: usize) -> EyeGaze {
    gaze.combined.direction = [gaze.left, gaze.right][eye].direction;
    gaze.confidence *= ONE_EYE;
    gaze
}
