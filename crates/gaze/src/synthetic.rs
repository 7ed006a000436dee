//! Landmarks of a face that was put together by projection: the canonical face
//! in a known pose, eyeballs turned by known angles, lids a known gap apart.

use nalgebra::{Rotation3, Vector3};

use crate::camera::Intrinsics;
use crate::geometric::EyeModel;
use crate::head::HeadPose;
use crate::landmarks::{
    COUNT, INNER_CORNER, IRIS_CENTRE, LOWER_LID_RIM, Landmarks, OUTER_CORNER, UPPER_LID_RIM,
    canonical_face,
};

pub(crate) const WIDTH_PX: u32 = 1280;

pub(crate) fn camera() -> Intrinsics {
    Intrinsics::webcam(WIDTH_PX, 720)
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Face {
    pub pose: HeadPose,
    /// Of both eyes against the head, degrees.
    pub eye_yaw: f64,
    pub eye_pitch: f64,
    /// Between the lids, image-left first.
    pub gaps_mm: [f64; 2],
}

impl Face {
    pub fn in_pose(pose: HeadPose) -> Self {
        Self {
            pose,
            eye_yaw: 0.0,
            eye_pitch: 0.0,
            gaps_mm: [8.0; 2],
        }
    }

    /// Both eyes parallel to this direction of the camera frame.
    pub fn looking(pose: HeadPose, gaze: Vector3<f64>) -> Self {
        let d = pose.rotation.inverse() * gaze;
        Self {
            eye_yaw: d.x.atan2(-d.z).to_degrees(),
            eye_pitch: (-d.y).asin().to_degrees(),
            ..Self::in_pose(pose)
        }
    }

    /// Where the eyes look, in the camera frame.
    pub fn gaze(&self) -> Vector3<f64> {
        self.pose.rotation * (self.eye_turn() * -Vector3::z())
    }

    /// Centre of an eyeball, in the camera frame.
    pub fn eyeball(&self, eye: usize) -> Vector3<f64> {
        self.pose.to_camera(eyeball_in_head(eye))
    }

    fn eye_turn(&self) -> Rotation3<f64> {
        Rotation3::from_axis_angle(&Vector3::y_axis(), -self.eye_yaw.to_radians())
            * Rotation3::from_axis_angle(&Vector3::x_axis(), -self.eye_pitch.to_radians())
    }

    pub fn landmarks(&self) -> Landmarks {
        let face = canonical_face();
        let mut head: [Vector3<f64>; COUNT] =
            std::array::from_fn(|i| *face.vertices.get(i).unwrap_or(&Vector3::zeros()));
        for eye in [0, 1] {
            let middle = corners_middle(eye);
            for (upper, lower) in UPPER_LID_RIM[eye].into_iter().zip(LOWER_LID_RIM[eye]) {
                let half = self.gaps_mm[eye] / 2.0;
                head[upper] = Vector3::new(head[upper].x, middle.y - half, middle.z);
                head[lower] = Vector3::new(head[lower].x, middle.y + half, middle.z);
            }
            let forward = -EyeModel::EYEBALL.iris_radius_mm;
            let rim = crate::eyes::IRIS_DIAMETER_MM / 2.0;
            let disc = [(0.0, 0.0), (rim, 0.0), (0.0, -rim), (-rim, 0.0), (0.0, rim)];
            for (k, (x, y)) in disc.into_iter().enumerate() {
                head[IRIS_CENTRE[eye] + k] =
                    eyeball_in_head(eye) + self.eye_turn() * Vector3::new(x, y, forward);
            }
        }
        head.map(|v| {
            let p = camera().project(self.pose.to_camera(v));
            [p.x as f32, p.y as f32, 0.0]
        })
    }
}

fn corners_middle(eye: usize) -> Vector3<f64> {
    let v = &canonical_face().vertices;
    (v[OUTER_CORNER[eye]] + v[INNER_CORNER[eye]]) / 2.0
}

fn eyeball_in_head(eye: usize) -> Vector3<f64> {
    let model = EyeModel::EYEBALL;
    let behind = model.iris_radius_mm - model.iris_forward_mm;
    corners_middle(eye) + Vector3::new(0.0, 0.0, behind)
}
