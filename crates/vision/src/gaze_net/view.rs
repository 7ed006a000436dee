//! What a network is told of a face beside its pictures.

use gaze::camera::Intrinsics;
use gaze::head::HeadPose;
use gaze::landmarks::Landmarks;
use gaze::ray::Ray;

use crate::crop::eye_regions;

/// Where the eyes are and how the head is turned. The daemon makes it of a frame, the
/// trainer keeps its numbers: both feed a network the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeView {
    /// Head yaw, pitch, roll by the conventions, degrees.
    pub head_deg: [f32; 3],
    /// Between the eyes, camera frame, millimetres: where rays start.
    pub origin_mm: [f32; 3],
    /// How far the line from the image-left eye to the other is turned, radians,
    /// clockwise: as far as the crops are turned.
    pub level_rad: f32,
    /// Middle of the image-left eye x, y, of the image-right eye x, y (÷ image width,
    /// ÷ image height), distance between them ÷ image width.
    pub eye_position: [f32; 5],
    /// The line of sight that geometry alone gives, a unit vector in the camera frame; none
    /// where it gives none, or nobody asks for it.
    pub geometric: Option<[f32; 3]>,
}

impl EyeView {
    /// Of a measured face; `camera` tells the size of the picture.
    pub fn of(landmarks: &Landmarks, head: &HeadPose, camera: &Intrinsics) -> EyeView {
        let [left, right] = eye_regions(landmarks, 1.0);
        let (w, h) = (camera.width as f32, camera.height as f32);
        let apart = (right.x - left.x).hypot(right.y - left.y);
        EyeView {
            head_deg: [head.yaw, head.pitch, head.roll].map(|v| v as f32),
            origin_mm: head.translation.cast::<f32>().into(),
            level_rad: left.roll,
            eye_position: [left.x / w, left.y / h, right.x / w, right.y / h, apart / w],
            geometric: None,
        }
    }

    /// The same, knowing also where the eyes look by geometry.
    #[must_use]
    pub fn with_geometric(mut self, sight: Option<&Ray>) -> EyeView {
        self.geometric = sight.map(|ray| ray.direction.cast::<f32>().into());
        self
    }

    /// How far the eyes' line is turned, out of [`EyeView::eye_position`] alone: right to
    /// 0.03°. Radians, clockwise.
    pub fn level_of(eye_position: &[f32; 5]) -> f32 {
        let [lx, ly, rx, ry, apart] = eye_position.map(f64::from);
        let across = rx - lx;
        let down = (apart * apart - across * across).max(0.0).sqrt() * (ry - ly).signum();
        down.atan2(across) as f32
    }

    /// The same face in the mirrored picture: sides change places.
    pub fn mirrored(&self) -> EyeView {
        let [yaw, pitch, roll] = self.head_deg;
        let [x, y, z] = self.origin_mm;
        let [lx, ly, rx, ry, apart] = self.eye_position;
        EyeView {
            head_deg: [-yaw, pitch, -roll],
            origin_mm: [-x, y, z],
            level_rad: -self.level_rad,
            eye_position: [1.0 - rx, ry, 1.0 - lx, ly, apart],
            geometric: self.geometric.map(|[x, y, z]| [-x, y, z]),
        }
    }
}
