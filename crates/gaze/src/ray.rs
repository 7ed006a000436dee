//! A line of sight in the camera frame.

use nalgebra::Vector3;

/// From a point (the eye) along a unit direction (outwards).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ray {
    /// Where the ray starts: millimetres, camera frame.
    pub origin: Vector3<f64>,
    /// Unit vector, camera frame. Into the camera: (0, 0, −1).
    pub direction: Vector3<f64>,
}

impl Ray {
    /// Yaw and pitch in degrees, as [`yaw_deg`](Self::yaw_deg) and
    /// [`pitch_deg`](Self::pitch_deg) give them back.
    pub fn from_yaw_pitch(origin: Vector3<f64>, yaw_deg: f64, pitch_deg: f64) -> Self {
        let (sy, cy) = yaw_deg.to_radians().sin_cos();
        let (sp, cp) = pitch_deg.to_radians().sin_cos();
        Self {
            origin,
            direction: Vector3::new(cp * sy, -sp, -cp * cy),
        }
    }

    /// atan2(dx, −dz) in degrees: positive looks to the image's right.
    pub fn yaw_deg(&self) -> f64 {
        self.direction.x.atan2(-self.direction.z).to_degrees()
    }

    /// asin(−dy) in degrees: positive looks up.
    pub fn pitch_deg(&self) -> f64 {
        (-self.direction.y).clamp(-1.0, 1.0).asin().to_degrees()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn signs_are_those_of_the_conventions() {
        let camera = Ray::from_yaw_pitch(Vector3::zeros(), 0.0, 0.0).direction;
        assert!((camera - Vector3::new(0.0, 0.0, -1.0)).norm() < 1e-12);
        assert!(Ray::from_yaw_pitch(Vector3::zeros(), 20.0, 0.0).direction.x > 0.3);
        assert!(Ray::from_yaw_pitch(Vector3::zeros(), 0.0, 20.0).direction.y < -0.3);
    }

    proptest! {
        #[test]
        fn angles_come_back(yaw in -179.0..179.0f64, pitch in -89.0..89.0f64) {
            let ray = Ray::from_yaw_pitch(Vector3::zeros(), yaw, pitch);
            prop_assert!((ray.direction.norm() - 1.0).abs() < 1e-12);
            prop_assert!((ray.yaw_deg() - yaw).abs() < 1e-9);
            prop_assert!((ray.pitch_deg() - pitch).abs() < 1e-9);
        }
    }
}
