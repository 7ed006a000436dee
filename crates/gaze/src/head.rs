//! Head pose from landmarks: the canonical face is moved and turned until its
//! projection lies on the measured landmarks.
//!
//! Weighted least squares on the reprojection (perspective-n-point) by
//! Gauss–Newton with Huber weights, started from the scaled-orthographic
//! solution. The points and weights are those of the canonical face's own
//! Procrustes fit: forehead, temples, nose and eye corners, little of what
//! speech and smiles move. Only x and y are used: the networks' z is relative
//! to a face seen straight on and turns the pose of a face that is off the
//! image's middle by up to its viewing angle.

use nalgebra::{Matrix2x3, Matrix3, Matrix3x2, Matrix6, Rotation3, Vector2, Vector3, Vector6};

use crate::camera::Intrinsics;
use crate::landmarks::{Landmarks, POSE_POINTS, canonical_face};

/// Gauss–Newton steps at most; three or four are usual.
const MAX_STEPS: usize = 12;

/// A step that turns by less than this (radians) ends the search.
const SMALL_TURN: f64 = 1e-7;

/// Residuals beyond so many times the typical one pull only linearly (Huber).
const HUBER: f64 = 2.0;

/// Faces are real only between these distances, in millimetres.
const DISTANCE_MM: std::ops::Range<f64> = 60.0..10_000.0;

/// Weighted RMS residual at which the landmarks are no face, as a fraction of
/// the fitted face's scale: 12 mm on a face of average size.
const MAX_RMS_MM: f64 = 12.0;

/// Where the head is and how it is turned, in the camera frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadPose {
    /// Head frame → camera frame. Identity: level, straight into the camera's plane.
    pub rotation: Rotation3<f64>,
    /// Origin of the head frame (midway between the eyes), in millimetres of
    /// the camera frame, for a face of average size: the true distance of a
    /// face s times as large is s times this.
    pub translation: Vector3<f64>,
    /// Degrees; positive: the face points to the image's right.
    pub yaw: f64,
    /// Degrees; positive: the face points up.
    pub pitch: f64,
    /// Degrees; positive: clockwise in the image.
    pub roll: f64,
}

impl HeadPose {
    /// The pose with this rotation (head → camera) and place; the angles follow.
    ///
    /// Yaw and pitch are those of the axis out of the face, measured like a
    /// gaze direction's; roll is what is left, about that axis.
    pub fn new(rotation: Rotation3<f64>, translation: Vector3<f64>) -> Self {
        let forward = rotation * -Vector3::z();
        let (yaw, pitch) = (
            forward.x.atan2(-forward.z),
            (-forward.y).clamp(-1.0, 1.0).asin(),
        );
        let unrolled = turn(yaw, pitch, 0.0);
        let x = unrolled.inverse() * (rotation * Vector3::x());
        Self {
            rotation,
            translation,
            yaw: yaw.to_degrees(),
            pitch: pitch.to_degrees(),
            roll: x.y.atan2(x.x).to_degrees(),
        }
    }

    /// The pose with these angles, in degrees, and place.
    pub fn from_angles(yaw: f64, pitch: f64, roll: f64, translation: Vector3<f64>) -> Self {
        let rotation = turn(yaw.to_radians(), pitch.to_radians(), roll.to_radians());
        Self {
            rotation,
            translation,
            yaw,
            pitch,
            roll,
        }
    }

    /// From the head frame (mm) to the camera frame (mm).
    pub fn to_camera(&self, p: Vector3<f64>) -> Vector3<f64> {
        self.rotation * p + self.translation
    }
}

/// Yaw · pitch · roll, in radians, with the signs of the conventions.
fn turn(yaw: f64, pitch: f64, roll: f64) -> Rotation3<f64> {
    Rotation3::from_axis_angle(&Vector3::y_axis(), -yaw)
        * Rotation3::from_axis_angle(&Vector3::x_axis(), -pitch)
        * Rotation3::from_axis_angle(&Vector3::z_axis(), roll)
}

/// One landmark that tells the pose: where it is in the head, and where it is seen.
#[derive(Clone, Copy)]
struct Seen {
    head: Vector3<f64>,
    /// On the plane z = 1 of the camera frame.
    image: Vector2<f64>,
    weight: f64,
}

/// Where the head is that shows these landmarks through this camera.
///
/// `None` when the landmarks are not finite, or no pose before the camera
/// explains them.
pub fn estimate(lm: &Landmarks, camera: &Intrinsics) -> Option<HeadPose> {
    let seen = pose_points(lm, camera);
    if !seen
        .iter()
        .all(|s| s.image.x.is_finite() && s.image.y.is_finite())
    {
        return None;
    }
    let (mut rotation, mut translation) = scaled_orthographic(&seen)?;
    for _ in 0..MAX_STEPS {
        let step = gauss_newton(&seen, &rotation, &translation)?;
        let by = step.fixed_rows::<3>(0).into_owned();
        rotation = Rotation3::new(by) * rotation;
        translation += step.fixed_rows::<3>(3);
        if by.norm() < SMALL_TURN {
            break;
        }
    }
    rotation.renormalize();
    let rms_mm = rms(&seen, &rotation, &translation) * translation.z;
    let plausible = DISTANCE_MM.contains(&translation.z)
        && rms_mm < MAX_RMS_MM
        && (rotation * -Vector3::z()).z < 0.0;
    plausible.then(|| HeadPose::new(rotation, translation))
}

/// How far the landmarks are from a head of average shape in this pose: weighted root mean square
/// over the points that tell the pose, in millimetres at the head. People have 2 to 6; a face that
/// a network laid over the halves of two people has more.
pub fn misfit_mm(lm: &Landmarks, camera: &Intrinsics, head: &HeadPose) -> f64 {
    rms(&pose_points(lm, camera), &head.rotation, &head.translation) * head.translation.z
}

fn pose_points(lm: &Landmarks, camera: &Intrinsics) -> [Seen; POSE_POINTS] {
    let face = canonical_face();
    face.pose_points.map(|(i, weight)| Seen {
        head: face.vertices[i],
        image: Vector2::new(
            (f64::from(lm[i][0]) - camera.cx) / camera.fx,
            (f64::from(lm[i][1]) - camera.cy) / camera.fy,
        ),
        weight,
    })
}

/// The pose that fits best when all points are taken to be equally far away.
fn scaled_orthographic(seen: &[Seen]) -> Option<(Rotation3<f64>, Vector3<f64>)> {
    let total: f64 = seen.iter().map(|s| s.weight).sum();
    let mean_head = seen.iter().map(|s| s.head * s.weight).sum::<Vector3<f64>>() / total;
    let mean_image = seen
        .iter()
        .map(|s| s.image * s.weight)
        .sum::<Vector2<f64>>()
        / total;
    let (mut spread, mut cross) = (Matrix3::zeros(), Matrix3x2::zeros());
    for s in seen {
        let h = s.head - mean_head;
        spread += h * h.transpose() * s.weight;
        cross += h * (s.image - mean_image).transpose() * s.weight;
    }
    // Rows: the camera's x and y axes in the head frame, times the scale 1/z.
    let axes = (spread.try_inverse()? * cross).transpose();
    let (x, y) = (axes.row(0).transpose(), axes.row(1).transpose());
    let scale = (x.norm() + y.norm()) / 2.0;
    if !(scale.is_finite() && scale > 1.0 / DISTANCE_MM.end) {
        return None;
    }
    // The nearest orthonormal pair turns x and y by the same angle to 90° apart.
    let (x, y) = (x.normalize(), y.normalize());
    let (sum, difference) = (x + y, x - y);
    if sum.norm() < 1e-3 || difference.norm() < 1e-3 {
        return None;
    }
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let (sum, difference) = (sum.normalize() * half, difference.normalize() * half);
    let (x, y) = (sum + difference, sum - difference);
    let rotation = Rotation3::from_matrix_unchecked(Matrix3::from_rows(&[
        x.transpose(),
        y.transpose(),
        x.cross(&y).transpose(),
    ]));
    let z = 1.0 / scale;
    let centre = Vector3::new(mean_image.x * z, mean_image.y * z, z);
    Some((rotation, centre - rotation * mean_head))
}

/// One robust Gauss–Newton step: a small turn (rotation vector, camera frame,
/// applied from the left), then a shift in millimetres.
fn gauss_newton(
    seen: &[Seen],
    rotation: &Rotation3<f64>,
    shift: &Vector3<f64>,
) -> Option<Vector6<f64>> {
    let limit = HUBER * rms(seen, rotation, shift);
    let (mut normal, mut gradient) = (Matrix6::zeros(), Vector6::zeros());
    for s in seen {
        let turned = rotation * s.head;
        let p = turned + shift;
        if p.z < 1.0 {
            return None;
        }
        let projected = p.xy() / p.z;
        let residual = s.image - projected;
        let size = residual.norm();
        let weight = if size > limit {
            s.weight * limit / size
        } else {
            s.weight
        };
        let by_place = Matrix2x3::new(
            1.0 / p.z,
            0.0,
            -projected.x / p.z, //
            0.0,
            1.0 / p.z,
            -projected.y / p.z,
        );
        let by_turn = -by_place * turned.cross_matrix();
        let mut jacobian = nalgebra::Matrix2x6::zeros();
        jacobian.fixed_columns_mut::<3>(0).copy_from(&by_turn);
        jacobian.fixed_columns_mut::<3>(3).copy_from(&by_place);
        normal += jacobian.transpose() * jacobian * weight;
        gradient += jacobian.transpose() * residual * weight;
    }
    normal
        .cholesky()
        .map(|c| c.solve(&gradient))
        .filter(|s| s.iter().all(|v| v.is_finite()))
}

/// Weighted RMS of the residuals, on the plane z = 1.
fn rms(seen: &[Seen], rotation: &Rotation3<f64>, shift: &Vector3<f64>) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for s in seen {
        let p = rotation * s.head + shift;
        sum += (s.image - p.xy() / p.z).norm_squared() * s.weight;
        total += s.weight;
    }
    (sum / total).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landmarks::{COUNT, mirrored};
    use nalgebra::Point2;
    use proptest::prelude::*;

    const WIDTH: u32 = 1280;

    fn camera() -> Intrinsics {
        Intrinsics::webcam(WIDTH, 720)
    }

    /// The canonical face as this camera sees it in this pose; irises are left out.
    fn shown(pose: &HeadPose) -> Landmarks {
        let mut lm = [[0.0; 3]; COUNT];
        for (point, v) in lm.iter_mut().zip(&canonical_face().vertices) {
            let p: Point2<f64> = camera().project(pose.to_camera(*v));
            *point = [p.x as f32, p.y as f32, 0.0];
        }
        lm
    }

    fn close(a: &HeadPose, b: &HeadPose, degrees: f64) -> bool {
        (a.yaw - b.yaw).abs() < degrees
            && (a.pitch - b.pitch).abs() < degrees
            && (a.roll - b.roll).abs() < degrees
    }

    #[test]
    fn angles_have_the_signs_of_the_conventions() {
        let at = Vector3::new(0.0, 0.0, 500.0);
        let nose = Vector3::new(0.0, 0.0, -50.0);
        assert!(HeadPose::from_angles(20.0, 0.0, 0.0, at).to_camera(nose).x > 15.0);
        assert!(HeadPose::from_angles(0.0, 20.0, 0.0, at).to_camera(nose).y < -15.0);
        let image_right = Vector3::new(50.0, 0.0, 0.0);
        let rolled = HeadPose::from_angles(0.0, 0.0, 20.0, at);
        assert!(
            rolled.to_camera(image_right).y > 15.0,
            "clockwise: its right side sinks"
        );
    }

    #[test]
    fn what_is_no_face_has_no_pose() {
        let lm = [[100.0f32, 100.0, 0.0]; COUNT];
        assert_eq!(estimate(&lm, &camera()), None);
        let mut lm = shown(&HeadPose::from_angles(
            0.0,
            0.0,
            0.0,
            Vector3::new(0.0, 0.0, 500.0),
        ));
        lm[33][0] = f32::NAN;
        assert_eq!(estimate(&lm, &camera()), None);
        let scrambled: Landmarks =
            std::array::from_fn(|i| [((i * 7919) % 640) as f32, ((i * 104_729) % 480) as f32, 0.0]);
        assert_eq!(estimate(&scrambled, &camera()), None);
    }

    #[test]
    fn a_few_wild_points_hardly_matter() {
        let pose = HeadPose::from_angles(12.0, -8.0, 5.0, Vector3::new(60.0, -20.0, 620.0));
        let mut lm = shown(&pose);
        lm[54][0] += 15.0;
        lm[361][1] -= 12.0;
        let found = estimate(&lm, &camera()).unwrap();
        assert!(close(&found, &pose, 1.0), "{found:?}");
    }

    prop_compose! {
        fn poses()(yaw in -40.0..40.0f64, pitch in -30.0..30.0f64, roll in -40.0..40.0f64,
                   x in -0.25..0.25f64, y in -0.15..0.15f64, z in 300.0..1500.0f64) -> HeadPose {
            HeadPose::from_angles(yaw, pitch, roll, Vector3::new(x * z, y * z, z))
        }
    }

    proptest! {
        #[test]
        fn angles_and_rotation_say_the_same(pose in poses()) {
            prop_assert!(close(&HeadPose::new(pose.rotation, pose.translation), &pose, 1e-6));
        }

        #[test]
        fn a_shown_pose_is_found(pose in poses()) {
            let found = estimate(&shown(&pose), &camera()).unwrap();
            prop_assert!(close(&found, &pose, 0.05), "{found:?}");
            prop_assert!((found.translation - pose.translation).norm() < 0.002 * pose.translation.z);
        }

        #[test]
        fn a_mirrored_image_negates_yaw_and_roll(pose in poses()) {
            let found = estimate(&mirrored(&shown(&pose), WIDTH as f32), &camera()).unwrap();
            let expected = HeadPose::from_angles(-pose.yaw, pose.pitch, -pose.roll, pose.translation);
            prop_assert!(close(&found, &expected, 0.05), "{found:?}");
            prop_assert!((found.translation.x + pose.translation.x).abs() < 0.002 * pose.translation.z);
        }

        #[test]
        fn an_image_turned_by_20_degrees_adds_20_of_roll(yaw in -12.0..12.0f64, z in 400.0..900.0f64, roll in -20.0..20.0f64) {
            let pose = HeadPose::from_angles(yaw, 0.0, roll, Vector3::new(0.0, 0.0, z));
            let (sin, cos) = 20f64.to_radians().sin_cos();
            let turned = shown(&pose).map(|[x, y, _]| {
                let (x, y) = (f64::from(x) - camera().cx, f64::from(y) - camera().cy);
                [(x * cos - y * sin + camera().cx) as f32, (x * sin + y * cos + camera().cy) as f32, 0.0]
            });
            let found = estimate(&turned, &camera()).unwrap();
            // Exactly about the axis to the camera; a turned head's forward axis moves a little.
            let expected = HeadPose::new(
                Rotation3::from_axis_angle(&Vector3::z_axis(), 20f64.to_radians()) * pose.rotation,
                pose.translation,
            );
            prop_assert!(close(&found, &expected, 0.05), "{found:?}");
            prop_assert!((found.roll - pose.roll - 20.0).abs() < 1.0);
        }
    }
}
