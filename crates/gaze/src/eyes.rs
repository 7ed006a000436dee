//! Lids and irises from landmarks.
//!
//! Heights are measured in the head, not in the image: the pixels are cast back
//! onto the plane through the eye's corners, parallel to the face. So neither
//! the head's pitch (which squeezes the image of the eye) nor its distance
//! changes the openness.

use nalgebra::{Point2, Vector3};

use crate::camera::Intrinsics;
use crate::head::HeadPose;
use crate::landmarks::{
    INNER_CORNER, IRIS_CENTRE, LOWER_LID_RIM, Landmarks, OUTER_CORNER, UPPER_LID_RIM,
    canonical_face,
};

/// Height of the gap between the lids, in millimetres of an average face, that
/// counts as closed. The mesh keeps the rims of closed lids 2–3 mm apart.
pub const CLOSED_MM: f64 = 2.5;

/// The gap that counts as fully open. Two people at a screen, 736 eyes: 5.4–11.5,
/// median 8.2, the lowest while they look at the lower edge.
pub const WIDE_MM: f64 = 7.5;

/// Openness from which the gaze can be told: a gap of 4.5 mm, under every one of
/// those 736 eyes, and less than the radius of an iris.
pub const OPEN_FROM: f64 = 0.4;

/// Horizontal diameter of the human iris in millimetres: 11.7 ± 0.5 in adults,
/// so a measure of distance that does not depend on the face's size.
pub const IRIS_DIAMETER_MM: f64 = 11.7;

/// What is seen of the two eyes; image-left first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeState {
    /// 0 closed … 1 open.
    pub openness: [f64; 2],
    /// Gap between the lids in millimetres of an average face: the openness before its limits.
    pub gap_mm: [f64; 2],
    /// Open enough to tell where the eye looks.
    pub open: [bool; 2],
    /// Centre of the iris, in image pixels.
    pub iris_px: [Point2<f64>; 2],
    /// Middle between the eye's corners, in image pixels.
    pub centre_px: [Point2<f64>; 2],
}

impl EyeState {
    /// Both eyes of a face whose pose is known; `None` when an eye's plane is
    /// seen edge-on or a landmark is not finite.
    pub fn estimate(lm: &Landmarks, camera: &Intrinsics, pose: &HeadPose) -> Option<Self> {
        let left = EyeInHead::measure(0, lm, camera, pose)?;
        let right = EyeInHead::measure(1, lm, camera, pose)?;
        let openness = [left.openness(), right.openness()];
        Some(Self {
            openness,
            gap_mm: [left.gap_mm, right.gap_mm],
            open: openness.map(|o| o >= OPEN_FROM),
            iris_px: [0, 1].map(|eye| iris_px(lm, eye)),
            centre_px: [0, 1].map(|eye| {
                let (outer, inner) = (lm[OUTER_CORNER[eye]], lm[INNER_CORNER[eye]]);
                Point2::new(
                    f64::from(outer[0] + inner[0]) / 2.0,
                    f64::from(outer[1] + inner[1]) / 2.0,
                )
            }),
        })
    }
}

/// Centre of one iris (0: image-left), in pixels: the mean of its centre and
/// its four rim points, a third less noisy than the centre alone.
pub fn iris_px(lm: &Landmarks, eye: usize) -> Point2<f64> {
    let first = IRIS_CENTRE[eye];
    let (mut x, mut y) = (0.0, 0.0);
    for p in &lm[first..first + 5] {
        x += f64::from(p[0]) / 5.0;
        y += f64::from(p[1]) / 5.0;
    }
    Point2::new(x, y)
}

/// Horizontal diameter of one iris (0: image-left), in pixels. Lids hide the
/// top and the bottom, so the vertical one says nothing.
pub fn iris_diameter_px(lm: &Landmarks, eye: usize) -> f64 {
    let (right, left) = (lm[IRIS_CENTRE[eye] + 1], lm[IRIS_CENTRE[eye] + 3]);
    f64::from(right[0] - left[0]).hypot(f64::from(right[1] - left[1]))
}

/// Distance of the eyes along the camera's axis by the size of their irises, in
/// millimetres. Free of the face's size (which spreads by 5–6 % between adults;
/// irises by 4 %), but three times as noisy from frame to frame as
/// [`HeadPose::translation`]: for slow averages. On the two people it was
/// measured on it is 0.94 of that, steadily from 40 to 90 cm.
pub fn iris_distance_mm(lm: &Landmarks, camera: &Intrinsics) -> f64 {
    let mean = (iris_diameter_px(lm, 0) + iris_diameter_px(lm, 1)) / 2.0;
    (camera.fx + camera.fy) / 2.0 * IRIS_DIAMETER_MM / mean
}

/// One eye as seen from the head: everything in the head's axes, in
/// millimetres, relative to the middle of the eye's corners.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EyeInHead {
    /// Where the camera is.
    pub camera: Vector3<f64>,
    /// Unit vector from the camera through the iris.
    pub to_iris: Vector3<f64>,
    /// Gap between the lids' rims, in the plane of the corners.
    pub gap_mm: f64,
    /// The middle of the corners, in the head frame.
    pub middle: Vector3<f64>,
}

impl EyeInHead {
    /// `eye`: 0 is the image-left one.
    pub fn measure(
        eye: usize,
        lm: &Landmarks,
        camera: &Intrinsics,
        pose: &HeadPose,
    ) -> Option<Self> {
        let face = canonical_face();
        let corners = [OUTER_CORNER[eye], INNER_CORNER[eye]];
        let depth = (face.vertices[corners[0]].z + face.vertices[corners[1]].z) / 2.0;
        let to_head = pose.rotation.inverse();
        let camera_at = to_head * -pose.translation;
        let towards = |px: Point2<f64>| to_head * camera.ray(px);
        let pixel = |i: usize| Point2::new(f64::from(lm[i][0]), f64::from(lm[i][1]));
        // Where the line of sight through a pixel meets the plane of the corners.
        let on_plane = |i: usize| {
            let d = towards(pixel(i));
            let far = (depth - camera_at.z) / d.z;
            (d.z > 0.1 && far > 0.0).then(|| camera_at + d * far)
        };
        let middle = (on_plane(corners[0])? + on_plane(corners[1])?) / 2.0;
        let mut gap_mm = 0.0;
        for (upper, lower) in UPPER_LID_RIM[eye].into_iter().zip(LOWER_LID_RIM[eye]) {
            gap_mm += (on_plane(lower)?.y - on_plane(upper)?.y) / 3.0;
        }
        let to_iris = towards(iris_px(lm, eye));
        let finite = gap_mm.is_finite() && to_iris.iter().chain(&middle).all(|v| v.is_finite());
        finite.then_some(Self {
            camera: camera_at - middle,
            to_iris,
            gap_mm,
            middle,
        })
    }

    /// 0 closed … 1 open.
    pub fn openness(&self) -> f64 {
        openness_of(self.gap_mm)
    }
}

/// 0 closed … 1 open, of a gap between the lids.
pub(crate) fn openness_of(gap_mm: f64) -> f64 {
    ((gap_mm - CLOSED_MM) / (WIDE_MM - CLOSED_MM)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{Face, camera};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn openness_is_of_the_lids_not_of_the_pose(
            yaw in -30.0..30.0f64, pitch in -25.0..25.0f64, roll in -30.0..30.0f64,
            x in -0.2..0.2f64, z in 350.0..1200.0f64, gap in 0.0..12.0f64,
        ) {
            let pose = HeadPose::from_angles(yaw, pitch, roll, Vector3::new(x * z, 0.0, z));
            let face = Face { gaps_mm: [gap, 8.0], ..Face::in_pose(pose) };
            let eyes = EyeState::estimate(&face.landmarks(), &camera(), &pose).unwrap();
            let expected = ((gap - CLOSED_MM) / (WIDE_MM - CLOSED_MM)).clamp(0.0, 1.0);
            prop_assert!((eyes.openness[0] - expected).abs() < 0.01, "{eyes:?}");
            prop_assert_eq!(eyes.openness[1], 1.0);
        }
    }

    #[test]
    fn a_wink_closes_the_eye_on_its_side_of_the_image() {
        let pose = HeadPose::from_angles(0.0, 0.0, 0.0, Vector3::new(0.0, 0.0, 600.0));
        let face = Face {
            gaps_mm: [8.0, 2.0],
            ..Face::in_pose(pose)
        };
        let eyes = EyeState::estimate(&face.landmarks(), &camera(), &pose).unwrap();
        assert_eq!(eyes.open, [true, false]);
        assert!(eyes.iris_px[0].x < 640.0 && eyes.centre_px[0].x < 640.0);
        assert!(eyes.iris_px[1].x > 640.0 && eyes.centre_px[1].x > 640.0);
    }

    #[test]
    fn irises_tell_the_distance() {
        for z in [400.0, 900.0] {
            let pose = HeadPose::from_angles(0.0, 0.0, 0.0, Vector3::new(0.0, 0.0, z));
            let lm = Face::in_pose(pose).landmarks();
            let found = iris_distance_mm(&lm, &camera());
            // The irises lie before the plane that the pose measures from.
            assert!((found - (z - 2.0)).abs() < 2.0, "{found} at {z}");
        }
    }
}
