//! Gaze by geometry: the eyeball turned against the head, no network.
//!
//! The eyeball is a sphere behind the middle of the eye's corners, fixed in the
//! head. Where the line of sight through the iris meets it tells how far the
//! eye is turned in the head, and the head pose turns that into the camera
//! frame: a head that turns while the eyes stay on the target moves the irises
//! back in their sockets, and the two cancel.
//!
//! Two things of the face mesh are answered by constants of [`EyeModel`]: its
//! irises move less than real ones do, above all up and down, and its upper
//! lids follow the vertical gaze, which the irises tell poorly.

use nalgebra::Vector3;

use crate::camera::Intrinsics;
use crate::eyes::{EyeInHead, OPEN_FROM, iris_diameter_px};
use crate::head::HeadPose;
use crate::landmarks::Landmarks;
use crate::ray::Ray;

/// What calibrations and the shared memory call this gaze. The number is raised when
/// constants of [`EyeModel`] change: maps of the old ones do not fit the new ones.
pub const NAME: &str = "geometric-3";

/// The lines of sight of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeGaze {
    /// Of the image-left eye.
    pub left: Ray,
    /// Of the image-right eye.
    pub right: Ray,
    /// One line for both, from between the eyes.
    pub combined: Ray,
    /// 0 no trust … 1 full trust.
    pub confidence: f64,
}

/// The eye of an average person and how the landmarks show it. Constants of the
/// population: nothing here is fitted to who sits before the camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeModel {
    /// From the eyeball's centre to the plane of the iris, in millimetres.
    pub iris_radius_mm: f64,
    /// How far that plane lies before the middle of the eye's corners when the
    /// eye looks straight ahead, in millimetres.
    pub iris_forward_mm: f64,
    /// True turn of the eye over the shown one, left–right.
    pub yaw_gain: f64,
    /// True turn of the eye over the shown one, up–down.
    pub pitch_gain: f64,
    /// How far up an eye looks for each millimetre more between its lids, in degrees.
    pub lid_deg_per_mm: f64,
    /// The gap between the lids that adds nothing, in millimetres.
    pub lid_rest_mm: f64,
    /// Pitch of an eye in the head whose iris is shown straight ahead and whose
    /// lids are at rest, in degrees.
    pub rest_pitch_deg: f64,
}

impl EyeModel {
    /// The eye through the face mesh (MediaPipe's 478 landmarks).
    ///
    /// The radius is anatomy's (10–11 mm). The others are a compromise between 368 frames of two
    /// people at known targets in 23 sittings, one frame of a third, and rendered people whose
    /// truth is exact (`gaze-vision`, example `synthetic_truth`). A gain of the yaw that makes the
    /// measured angle the true one would be 1.65 for one of the two, 2.2 for the other, 1.7
    /// for the third and 1.5 for the median of twelve rendered ones. What camera the two sat before
    /// is not known: if it saw 50° and not 60°, theirs fall by a fifth. A larger gain than the eyes
    /// need turns the gaze against the head; and the two people's own points are best with a
    /// *lower* gain than their slopes ask for. The same holds up and down.
    pub const FACE_MESH: Self = Self {
        iris_radius_mm: 10.5,
        iris_forward_mm: 2.0,
        yaw_gain: 1.4,
        pitch_gain: 2.0,
        lid_deg_per_mm: 7.0,
        lid_rest_mm: 8.0,
        rest_pitch_deg: -23.0,
    };

    /// The same eye where the irises are seen as they are and lids say nothing:
    /// for landmarks that were computed or marked by hand.
    pub const EYEBALL: Self = Self {
        yaw_gain: 1.0,
        pitch_gain: 1.0,
        lid_deg_per_mm: 0.0,
        rest_pitch_deg: 0.0,
        ..Self::FACE_MESH
    };

    /// The eye whose iris was found by the pixels (`gaze-vision`, `iris`), where the mesh
    /// only gives the corners and the lids.
    ///
    /// Fitted to rendered people alone, whose truth is exact (`gaze-tests`, example
    /// `sittings`): of real people there are landmarks at known targets, but no pictures.
    /// The lids still have a word, as they are told from many more pixels than the iris.
    pub const PIXELS: Self = Self {
        yaw_gain: 1.2,
        pitch_gain: 1.1,
        lid_deg_per_mm: 3.0,
        rest_pitch_deg: -10.0,
        ..Self::FACE_MESH
    };

    /// Between this model (0) and another (1), for what is told across and up and down.
    pub fn towards(&self, other: &Self, [across, down]: [f64; 2]) -> Self {
        let mix = |a: f64, b: f64, share: f64| a + (b - a) * share;
        Self {
            iris_radius_mm: self.iris_radius_mm,
            iris_forward_mm: mix(self.iris_forward_mm, other.iris_forward_mm, across),
            yaw_gain: mix(self.yaw_gain, other.yaw_gain, across),
            pitch_gain: mix(self.pitch_gain, other.pitch_gain, down),
            lid_deg_per_mm: mix(self.lid_deg_per_mm, other.lid_deg_per_mm, down),
            lid_rest_mm: mix(self.lid_rest_mm, other.lid_rest_mm, down),
            rest_pitch_deg: mix(self.rest_pitch_deg, other.rest_pitch_deg, down),
        }
    }

    /// The lines of sight of a face whose pose is known.
    ///
    /// `None` when an eye cannot be measured at all: landmarks that are not
    /// finite, an eye seen edge-on, or an iris beside the eyeball. A closed eye
    /// takes no part in `combined`; with both closed the confidence is 0.
    pub fn gaze(&self, lm: &Landmarks, camera: &Intrinsics, pose: &HeadPose) -> Option<EyeGaze> {
        Self::gaze_by([self, self], lm, camera, pose)
    }

    /// As [`gaze`](Self::gaze), each eye by a model of its own, image-left first.
    pub fn gaze_by(
        models: [&Self; 2],
        lm: &Landmarks,
        camera: &Intrinsics,
        pose: &HeadPose,
    ) -> Option<EyeGaze> {
        let left = models[0].eye(&EyeInHead::measure(0, lm, camera, pose)?)?;
        let right = models[1].eye(&EyeInHead::measure(1, lm, camera, pose)?)?;
        let (wl, wr) = (trust_in_lids(left.openness), trust_in_lids(right.openness));
        let share = if wl + wr > 0.0 { wr / (wl + wr) } else { 0.5 };
        let both = Turned {
            yaw: left.yaw + (right.yaw - left.yaw) * share,
            pitch: left.pitch + (right.pitch - left.pitch) * share,
            centre: (left.centre + right.centre) / 2.0,
            openness: left.openness.max(right.openness),
        };
        let rays = [left, right, both].map(|e| e.ray(pose));
        let apart = rays[0].direction.angle(&rays[1].direction).to_degrees();
        let off_axis = (pose.rotation * -Vector3::z())
            .angle(&-pose.translation)
            .to_degrees();
        let iris_px = (iris_diameter_px(lm, 0) + iris_diameter_px(lm, 1)) / 2.0;
        let confidence = wl.max(wr)
            // One eye alone, or two that disagree, are half as good at best.
            * (0.5 + 0.5 * wl.min(wr) * falling(apart, 15.0, 45.0))
            * falling(off_axis, 30.0, 60.0)
            * (1.0 - falling(iris_px, 4.0, 9.0));
        Some(EyeGaze {
            left: rays[0],
            right: rays[1],
            combined: rays[2],
            confidence: if confidence.is_finite() {
                confidence
            } else {
                0.0
            },
        })
    }

    /// How one eye is turned in the head.
    fn eye(&self, eye: &EyeInHead) -> Option<Turned> {
        let centre = Vector3::new(0.0, 0.0, self.iris_radius_mm - self.iris_forward_mm);
        let from_centre = eye.camera - centre;
        let along = from_centre.dot(&eye.to_iris);
        let beside = from_centre.norm_squared() - along * along;
        let depth = self.iris_radius_mm * self.iris_radius_mm - beside;
        if depth.is_nan() || depth < 0.0 {
            return None;
        }
        let shown = (from_centre + eye.to_iris * (-along - depth.sqrt())) / self.iris_radius_mm;
        let shown_yaw = shown.x.atan2(-shown.z).to_degrees();
        let shown_pitch = (-shown.y).clamp(-1.0, 1.0).asin().to_degrees();
        // Lids further apart than any look upwards are surprise, closed ones a blink.
        let lids_mm = (eye.gap_mm - self.lid_rest_mm).clamp(-4.0, 4.0);
        Some(Turned {
            yaw: self.yaw_gain * shown_yaw,
            pitch: self.pitch_gain * shown_pitch
                + self.lid_deg_per_mm * lids_mm
                + self.rest_pitch_deg,
            centre: eye.middle + centre,
            openness: eye.openness(),
        })
    }
}

impl Default for EyeModel {
    fn default() -> Self {
        Self::FACE_MESH
    }
}

/// [`EyeModel::gaze`] of the average eye through the face mesh.
pub fn estimate(lm: &Landmarks, camera: &Intrinsics, pose: &HeadPose) -> Option<EyeGaze> {
    EyeModel::FACE_MESH.gaze(lm, camera, pose)
}

/// An eye's turn in the head, in degrees, and the eyeball's centre in the head frame.
#[derive(Clone, Copy)]
struct Turned {
    yaw: f64,
    pitch: f64,
    centre: Vector3<f64>,
    openness: f64,
}

impl Turned {
    fn ray(self, pose: &HeadPose) -> Ray {
        let in_head = Ray::from_yaw_pitch(self.centre, self.yaw, self.pitch);
        Ray {
            origin: pose.to_camera(in_head.origin),
            direction: pose.rotation * in_head.direction,
        }
    }
}

/// 0 for a closed eye, 1 well above the limit for open ones.
pub(crate) fn trust_in_lids(openness: f64) -> f64 {
    1.0 - falling(openness, OPEN_FROM - 0.15, OPEN_FROM + 0.1)
}

/// 1 below `from`, 0 above `to`, straight in between.
fn falling(v: f64, from: f64, to: f64) -> f64 {
    ((to - v) / (to - from)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landmarks::mirrored;
    use crate::synthetic::{Face, WIDTH_PX, camera};
    use crate::{eyes::EyeState, head};
    use proptest::prelude::*;

    fn seen(face: &Face, model: &EyeModel) -> EyeGaze {
        let lm = face.landmarks();
        let pose = head::estimate(&lm, &camera()).unwrap();
        model.gaze(&lm, &camera(), &pose).unwrap()
    }

    prop_compose! {
        /// Faces whose eyes look up to 25° to the side and 20° up or down in their heads.
        fn faces()(yaw in -25.0..25.0f64, pitch in -20.0..20.0f64, roll in -25.0..25.0f64,
                   x in -0.2..0.2f64, y in -0.1..0.1f64, z in 350.0..1000.0f64,
                   eye_yaw in -25.0..25.0f64, eye_pitch in -20.0..20.0f64) -> Face {
            let pose = HeadPose::from_angles(yaw, pitch, roll, Vector3::new(x * z, y * z, z));
            Face { eye_yaw, eye_pitch, ..Face::in_pose(pose) }
        }
    }

    proptest! {
        #[test]
        fn a_shown_gaze_is_found(face in faces()) {
            let gaze = seen(&face, &EyeModel::EYEBALL);
            let truth = face.gaze();
            for ray in [gaze.left, gaze.right, gaze.combined] {
                prop_assert!(ray.direction.angle(&truth).to_degrees() < 1.5, "{ray:?} {truth:?}");
            }
            let eyes = face.eyeball(0) * 0.5 + face.eyeball(1) * 0.5;
            prop_assert!((gaze.combined.origin - eyes).norm() < 0.004 * eyes.norm());
            prop_assert!(gaze.left.origin.x < gaze.right.origin.x);
        }

        #[test]
        fn a_head_that_turns_under_a_still_gaze_leaves_the_gaze_alone(
            yaw in -20.0..20.0f64, pitch in -15.0..15.0f64, tx in -10.0..10.0f64, ty in -10.0..5.0f64,
        ) {
            let at = Vector3::new(0.0, 30.0, 600.0);
            let target = Ray::from_yaw_pitch(at, tx, ty).direction;
            let face = Face::looking(HeadPose::from_angles(yaw, pitch, 0.0, at), target);
            let gaze = seen(&face, &EyeModel::EYEBALL).combined;
            prop_assert!(gaze.direction.angle(&target).to_degrees() < 1.0);
        }

        #[test]
        fn a_mirrored_image_negates_the_yaw_alone(face in faces(), gap in 5.0..9.0f64) {
            let lm = Face { gaps_mm: [gap, 7.0], ..face }.landmarks();
            let other = mirrored(&lm, WIDTH_PX as f32);
            let [a, b] = [lm, other].map(|lm| {
                let pose = head::estimate(&lm, &camera()).unwrap();
                estimate(&lm, &camera(), &pose).unwrap()
            });
            prop_assert!((a.combined.yaw_deg() + b.combined.yaw_deg()).abs() < 0.1);
            prop_assert!((a.combined.pitch_deg() - b.combined.pitch_deg()).abs() < 0.1);
            prop_assert!((a.left.yaw_deg() + b.right.yaw_deg()).abs() < 0.1);
            prop_assert!((a.confidence - b.confidence).abs() < 0.01);
        }

        #[test]
        fn any_landmarks_give_numbers_or_none(seed in prop::collection::vec(-2000.0..3000.0f32, 64)) {
            let pose = HeadPose::from_angles(5.0, 5.0, 0.0, Vector3::new(0.0, 0.0, 500.0));
            let lm: Landmarks = std::array::from_fn(|i| [seed[i % 64], seed[(i * 7 + 3) % 64], 0.0]);
            if let Some(gaze) = estimate(&lm, &camera(), &pose) {
                prop_assert!((gaze.combined.direction.norm() - 1.0).abs() < 1e-9);
                prop_assert!((0.0..=1.0).contains(&gaze.confidence));
            }
        }
    }

    fn frontal() -> HeadPose {
        HeadPose::from_angles(0.0, 0.0, 0.0, Vector3::new(0.0, 0.0, 550.0))
    }

    #[test]
    fn a_blink_drags_nothing_and_is_not_trusted() {
        let open = seen(&Face::in_pose(frontal()), &EyeModel::FACE_MESH);
        let wink = Face {
            gaps_mm: [1.0, 8.0],
            ..Face::in_pose(frontal())
        };
        let winking = seen(&wink, &EyeModel::FACE_MESH);
        assert!((winking.combined.pitch_deg() - open.combined.pitch_deg()).abs() < 0.5);
        assert!(winking.confidence < 0.6 * open.confidence);
        let shut = Face {
            gaps_mm: [1.0; 2],
            ..wink
        };
        let lm = shut.landmarks();
        assert_eq!(
            EyeState::estimate(&lm, &camera(), &frontal()).unwrap().open,
            [false; 2]
        );
        assert_eq!(seen(&shut, &EyeModel::FACE_MESH).confidence, 0.0);
    }

    #[test]
    fn trust_falls_with_distance_and_with_the_head_turned_away() {
        let near = seen(&Face::in_pose(frontal()), &EyeModel::FACE_MESH).confidence;
        let far = HeadPose::from_angles(0.0, 0.0, 0.0, Vector3::new(0.0, 0.0, 2200.0));
        let away = HeadPose::from_angles(48.0, 0.0, 0.0, Vector3::new(0.0, 0.0, 550.0));
        assert!(near > 0.95, "{near}");
        for pose in [far, away] {
            let face = Face::in_pose(pose);
            let gaze = EyeModel::FACE_MESH
                .gaze(&face.landmarks(), &camera(), &pose)
                .unwrap();
            assert!(
                gaze.confidence < 0.6 * near,
                "{pose:?}: {}",
                gaze.confidence
            );
        }
    }

    #[test]
    fn lids_that_open_look_up() {
        let [wide, narrow] = [9.0, 6.0].map(|gap| {
            let face = Face {
                gaps_mm: [gap; 2],
                ..Face::in_pose(frontal())
            };
            seen(&face, &EyeModel::FACE_MESH).combined.pitch_deg()
        });
        assert!((wide - narrow - 3.0 * EyeModel::FACE_MESH.lid_deg_per_mm).abs() < 0.5);
    }
}
