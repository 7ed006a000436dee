//! What a person does, and everything that is true of it in the picture.

use gaze::ray::Ray;
use nalgebra::{Point2, Vector3};

use crate::body::head::Expression;
use crate::camera::Camera;
use crate::eye::eyeball::{self, Eyeball};
use crate::eye::socket::Socket;
use crate::light::Lights;
use crate::maths::{M3, V3, sin_cos, v3};
use crate::person::Person;

/// What one person does in one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Pose {
    /// The point both visual axes meet in, camera frame, mm.
    pub target: Vector3<f64>,
    /// Yaw, pitch and roll of the head, degrees.
    pub head: [f64; 3],
    /// Where the middle between the eyes is while the head is not turned, camera frame, mm.
    pub place: Vector3<f64>,
    /// How far a blink has shut the lids, 0..1.
    pub shut: f64,
    /// Face units by ARKit name, with weights.
    pub units: Vec<(&'static str, f32)>,
}

/// What is true of a rendered person. Eyes in the image's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// From each eyeball's centre along the visual axis.
    pub gaze: [Ray; 2],
    /// Where each optical axis (the one through pupil and iris) points.
    pub optical: [Vector3<f64>; 2],
    /// Centre of each limbus — the iris as it is seen — in pixels.
    pub iris_px: [Point2<f64>; 2],
    /// Centre of each eyeball in pixels.
    pub centre_px: [Point2<f64>; 2],
    /// Corners of each eye as it rests, in pixels: at the temple, at the nose.
    pub corners_px: [[Point2<f64>; 2]; 2],
    /// Centre of each pupil as it is seen through the cornea, in pixels; of the limbus where the
    /// cornea shows no pupil because the eye looks far away from the camera.
    pub pupil_px: [Point2<f64>; 2],
    /// Radius of each limbus at its depth, in pixels: half the long axis of the ellipse it makes in
    /// the middle of the picture; perspective draws it longer towards the edge.
    pub iris_radius_px: [f64; 2],
    /// Share of each iris's disc that no lid hides, 0..1; once drawn, also that no hair and nobody
    /// else hides and that lies in the picture.
    pub visible: [f64; 2],
    /// Opening between the middles of the lids against the iris's width (0: shut).
    pub openness: [f64; 2],
    /// Yaw, pitch and roll of the head, degrees.
    pub head: [f64; 3],
    /// Middle between the eyeballs' centres, camera frame, mm.
    pub head_mm: Vector3<f64>,
    /// Whether glasses are worn.
    pub glasses: bool,
}

impl Person {
    /// What is true when this person does that before this camera; and what is needed to draw it.
    pub(crate) fn look(
        &self,
        pose: &Pose,
        camera: &Camera,
        lights: &Lights,
    ) -> (Truth, Expression, [Socket; 2]) {
        let place = from64(pose.place);
        let turn = M3::from_head_angles(pose.head[0], pose.head[1], pose.head[2]);
        let down = turn.apply(v3(0.0, 1.0, 0.0));
        let who = self.identity();
        let mut expression = Expression {
            shut: [pose.shut as f32; 2],
            units: pose.units.clone(),
            ..Expression::default()
        };
        let eyes = [0, 1].map(|eye| {
            let centre = self
                .head
                .skull_to_camera(self.head.eye_centres[eye], pose.head, place);
            let origin = to64(centre);
            let visual = (pose.target - origin).normalize();
            // The optical axis points further to the temple than the visual one, and lower.
            let nose = if eye == 0 { 1.0 } else { -1.0 };
            let [yaw, pitch] = angles(visual);
            let ((sy, cy), (sp, cp)) = (
                sin_cos(yaw - nose * who.kappa[0]),
                sin_cos(pitch - who.kappa[1]),
            );
            let optical = Vector3::new(cp * sy, -sp, -cp * cy);
            let in_head = to64(turn.apply_inverse(from64(optical)));
            expression.eyes[eye] = angles(in_head);
            let ball = Eyeball {
                centre,
                axes: Eyeball::axes(from64(optical), down),
                iris: who.iris,
                pupil: (who.pupil_mm * lights.pupils()).clamp(1.0, 3.1),
                nose: nose as f32,
                seed: (who.seed % 97) as f32 + 31.0 * eye as f32,
                style: who.eyes,
            };
            let gaze = Ray {
                origin,
                direction: visual,
            };
            (gaze, optical, ball)
        });
        let sockets = [0, 1].map(|eye| Socket {
            eye: eyes[eye].2,
            head: turn,
            opening: self.head.opening(eye, &expression),
        });
        let openness = sockets.map(|s| {
            let high = s.opening.lower - s.opening.upper;
            f64::from(high.max(0.0) / (2.0 * eyeball::LIMBUS))
        });
        let iris_px = eyes.map(|(ray, optical, _)| {
            camera.project(ray.origin + optical * f64::from(eyeball::LIMBUS_DEPTH))
        });
        let truth = Truth {
            gaze: eyes.map(|e| e.0),
            optical: eyes.map(|e| e.1),
            iris_px,
            pupil_px: [0, 1].map(|i| {
                let seen = sockets[i].eye.pupil_seen_at();
                seen.map_or(iris_px[i], |p| camera.project(to64(p)))
            }),
            iris_radius_px: eyes.map(|(ray, optical, _)| {
                let z = ray.origin.z + optical.z * f64::from(eyeball::LIMBUS_DEPTH);
                camera.intrinsics.fx * f64::from(eyeball::LIMBUS) / z
            }),
            visible: sockets.map(|s| f64::from(s.iris_shown())),
            corners_px: self.head.eye_corners.map(|corners| {
                corners.map(|c| {
                    let at = self.head.skull_to_camera(c, pose.head, place);
                    camera.project(to64(at))
                })
            }),
            centre_px: eyes.map(|e| camera.project(e.0.origin)),
            openness,
            head: pose.head,
            head_mm: (eyes[0].0.origin + eyes[1].0.origin) / 2.0,
            glasses: self.glasses.is_some(),
        };
        (truth, expression, sockets)
    }
}

/// Yaw and pitch of a direction, degrees: as [`Ray::yaw_deg`] and [`Ray::pitch_deg`], but
/// by libm, so that pictures are the same on any machine.
fn angles(d: Vector3<f64>) -> [f64; 2] {
    [
        libm::atan2(d.x, -d.z).to_degrees(),
        libm::asin((-d.y / d.norm()).clamp(-1.0, 1.0)).to_degrees(),
    ]
}

pub(crate) fn from64(v: Vector3<f64>) -> V3 {
    v3(v.x as f32, v.y as f32, v.z as f32)
}

pub(crate) fn to64(v: V3) -> Vector3<f64> {
    Vector3::new(f64::from(v.x), f64::from(v.y), f64::from(v.z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;
    use gaze::screen::Screen;

    #[test]
    fn the_truth_agrees_with_algebra_done_another_way() {
        let person = Person::new(Identity::demo());
        let lights = crate::room::lights::demo(&Screen::default());
        for k1 in [0.0, -0.05] {
            let camera = Camera::from_fov(640, 480, 60.0, k1);
            let m = Pose {
                target: Screen::default().point_mm(Point2::new(0.2, 0.7)),
                head: [8.0, -5.0, 3.0],
                place: Vector3::new(12.0, 20.0, 540.0),
                shut: 0.0,
                units: Vec::new(),
            };
            let (truth, _, _) = person.look(&m, &camera, &lights);
            let turn = |axis, degrees: f64| {
                nalgebra::Rotation3::from_axis_angle(&axis, degrees.to_radians())
            };
            let rotation = turn(Vector3::y_axis(), -m.head[0])
                * turn(Vector3::x_axis(), -m.head[1])
                * turn(Vector3::z_axis(), m.head[2]);
            let focal = 320.0 / 30f64.to_radians().tan();
            let px = |p: Vector3<f64>| {
                let (x, y) = (p.x / p.z, p.y / p.z);
                let bent = focal * (1.0 + k1 * (x.powi(2) + y.powi(2)));
                Point2::new(320.0 + bent * x, 240.0 + bent * y)
            };
            for eye in 0..2 {
                let pivot = to64(person.head.pivot);
                let centre =
                    rotation * (to64(person.head.eye_centres[eye]) - pivot) + pivot + m.place;
                assert!((px(centre) - truth.centre_px[eye]).norm() < 0.1);
                // The visual axis meets the target; the optical one leans to the temple by kappa.
                let ray = &truth.gaze[eye];
                let reach = (m.target - ray.origin).norm();
                assert!((ray.origin + ray.direction * reach - m.target).norm() < 1e-6);
                let kappa = ray.direction.angle(&truth.optical[eye]).to_degrees();
                let [across, up] = person.identity().kappa;
                assert!((kappa - across.hypot(up)).abs() < 0.2, "{kappa}");
                let temple = if eye == 0 { -1.0 } else { 1.0 };
                assert!((truth.optical[eye].x - ray.direction.x) * temple > 0.0);
                let limbus = centre + truth.optical[eye] * 10.45;
                assert!((px(limbus) - truth.iris_px[eye]).norm() < 0.1);
            }
            assert!(truth.iris_px[0].x < truth.iris_px[1].x);
        }
    }
}
