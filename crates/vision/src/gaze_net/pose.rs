//! The head pose as a network wants it told.

use gaze::head::HeadPose;
use nalgebra::{Rotation3, Vector3};
use serde::{Deserialize, Serialize};

use super::contract::{Across, AngleUnit, Frame, Upright};

/// One of the three angles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Angle {
    /// Left–right.
    Yaw,
    /// Up–down.
    Pitch,
    /// In the image.
    Roll,
}

/// Where a positive roll turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// Clockwise in the image.
    #[default]
    Clockwise,
    /// The other way.
    Anticlockwise,
}

/// What happens to the roll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Roll {
    /// Told as it is.
    Given,
    /// 0 is told, and yaw and pitch are those of the head in the levelled picture.
    Zeroed,
}

/// How the three numbers of the input `head_pose` are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pose {
    /// Their unit, before the division.
    pub unit: AngleUnit,
    /// They are divided by this.
    pub divide_by: f32,
    /// Which comes first.
    pub order: [Angle; 3],
    /// Where a positive yaw points the face.
    pub yaw: Across,
    /// Where a positive pitch points the face.
    pub pitch: Upright,
    /// Where a positive roll turns the face.
    pub roll_turns: Turn,
    /// Whether it is told.
    pub roll: Roll,
    /// What the angles are relative to.
    #[serde(default, skip_serializing_if = "is_camera")]
    pub frame: Frame,
}

fn is_camera(frame: &Frame) -> bool {
    *frame == Frame::Camera
}

impl Pose {
    /// Our own networks': yaw, pitch, roll with the signs of the conventions, ÷ 45°.
    pub const OURS: Pose = Pose {
        unit: AngleUnit::Degrees,
        divide_by: 45.0,
        order: [Angle::Yaw, Angle::Pitch, Angle::Roll],
        yaw: Across::ImageRight,
        pitch: Upright::Up,
        roll_turns: Turn::Clockwise,
        roll: Roll::Given,
        frame: Frame::Camera,
    };

    /// The three numbers for a head turned by `head_deg` (yaw, pitch, roll by the
    /// conventions) at `origin_mm` (between the eyes, camera frame), whose eyes' line is
    /// turned by `level_rad` in the image, clockwise.
    pub fn values(&self, head_deg: [f32; 3], origin_mm: [f32; 3], level_rad: f32) -> [f32; 3] {
        let [yaw, pitch, roll] = if self.roll == Roll::Given && self.frame == Frame::Camera {
            head_deg
        } else {
            let [y, p, r] = head_deg.map(f64::from);
            let origin = Vector3::from(origin_mm).cast::<f64>();
            let level = match self.roll {
                Roll::Given => 0.0,
                Roll::Zeroed => f64::from(level_rad),
            };
            let there = HeadPose::from_angles(y, p, r, origin).rotation;
            let seen = HeadPose::new(into_frame(self.frame, origin, level) * there, origin);
            let roll = match self.roll {
                Roll::Given => seen.roll,
                Roll::Zeroed => 0.0,
            };
            [seen.yaw, seen.pitch, roll].map(|v| v as f32)
        };
        let sign = |minus: bool| if minus { -1.0 } else { 1.0 };
        let unit = match self.unit {
            AngleUnit::Degrees => 1.0,
            AngleUnit::Radians => 1f32.to_radians(),
        } / self.divide_by;
        self.order.map(|angle| {
            unit * match angle {
                Angle::Yaw => yaw * sign(self.yaw == Across::ImageLeft),
                Angle::Pitch => pitch * sign(self.pitch == Upright::Down),
                Angle::Roll => roll * sign(self.roll_turns == Turn::Anticlockwise),
            }
        })
    }
}

/// From the camera frame to a network's: the picture turned back by `level_rad`, then
/// the eyes brought before the camera. Its inverse brings answers back.
pub(crate) fn into_frame(frame: Frame, origin: Vector3<f64>, level_rad: f64) -> Rotation3<f64> {
    let level = Rotation3::from_axis_angle(&Vector3::z_axis(), -level_rad);
    let ahead = match frame {
        Frame::Camera => Rotation3::identity(),
        Frame::LineOfSight => {
            let eyes = level * origin;
            // Upright stays upright: about y first, then about x.
            let (across, down) = (eyes.x.atan2(eyes.z), eyes.y.atan2(eyes.x.hypot(eyes.z)));
            Rotation3::from_axis_angle(&Vector3::x_axis(), down)
                * Rotation3::from_axis_angle(&Vector3::y_axis(), -across)
        }
    };
    ahead * level
}
