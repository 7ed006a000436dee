//! A network's answer, brought into the frames of this program.

use gaze::ray::Ray;
use nalgebra::Vector3;

use super::contract::{
    Across, AngleOrder, AngleUnit, Angles, Contract, Depth, Kind, Output, Upright,
};
use super::pose::into_frame;
use super::view::EyeView;

/// Where a face looks by a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NetGaze {
    /// From between the eyes, camera frame.
    Ray(Ray),
    /// A point on the screen, normalised.
    Point([f64; 2]),
}

impl NetGaze {
    /// The line of sight, if that is what the network tells.
    pub fn ray(&self) -> Option<&Ray> {
        match self {
            NetGaze::Ray(ray) => Some(ray),
            NetGaze::Point(_) => None,
        }
    }
}

/// The unit vector in the camera frame that a direction of the network's frame is;
/// `None` for no direction.
pub(crate) fn to_camera(
    direction: Vector3<f64>,
    output: &Output,
    view: &EyeView,
) -> Option<Vector3<f64>> {
    let level = if output.levelled {
        f64::from(view.level_rad)
    } else {
        0.0
    };
    let origin = Vector3::from(view.origin_mm).cast();
    let turned = into_frame(output.frame, origin, level).inverse() * direction;
    turned
        .try_normalize(1e-6)
        .filter(|v| v.iter().all(|c| c.is_finite()))
}

/// The direction or point that the output `gaze` tells.
pub(crate) fn of_gaze(out: &[f32], contract: &Contract, view: &EyeView) -> Option<NetGaze> {
    if contract.kind == Kind::EyesPoseScreen {
        let point = [out[0], out[1]].map(f64::from);
        return point
            .iter()
            .all(|v| v.is_finite())
            .then_some(NetGaze::Point(point));
    }
    let axes = contract.output.axes?;
    let sign = |minus: bool| if minus { -1.0 } else { 1.0 };
    let direction = Vector3::new(
        f64::from(out[0]) * sign(axes.x == Across::ImageLeft),
        f64::from(out[1]) * sign(axes.y == Upright::Up),
        f64::from(out[2]) * sign(axes.z == Depth::Towards),
    );
    ray(to_camera(direction, &contract.output, view)?, view)
}

/// The direction that two angles tell.
pub(crate) fn of_angles(
    yaw_deg: f64,
    pitch_deg: f64,
    angles: &Angles,
    output: &Output,
    view: &EyeView,
) -> Option<NetGaze> {
    let yaw = if angles.yaw == Across::ImageLeft {
        -yaw_deg
    } else {
        yaw_deg
    };
    let pitch = if angles.pitch == Upright::Down {
        -pitch_deg
    } else {
        pitch_deg
    };
    let direction = Ray::from_yaw_pitch(Vector3::zeros(), yaw, pitch).direction;
    ray(to_camera(direction, output, view)?, view)
}

fn ray(direction: Vector3<f64>, view: &EyeView) -> Option<NetGaze> {
    let origin = Vector3::from(view.origin_mm).cast();
    Some(NetGaze::Ray(Ray { origin, direction }))
}

/// An angle in degrees out of the logits of classes, or plain.
pub(crate) fn angle_deg(out: &[f32], angles: &Angles) -> f64 {
    let Some(bins) = angles.bins else {
        return plain_deg(out[0], angles.unit);
    };
    let most = out.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (class, logit) in out.iter().enumerate() {
        let weight = f64::from(logit - most).exp();
        sum += weight;
        weighted += weight * class as f64;
    }
    weighted / sum * f64::from(bins.degrees_per_bin) + f64::from(bins.offset_deg)
}

/// Yaw and pitch in degrees out of one output of two.
pub(crate) fn both_deg(out: &[f32], angles: &Angles) -> [f64; 2] {
    let [a, b] = [out[0], out[1]].map(|v| plain_deg(v, angles.unit));
    match angles.order {
        AngleOrder::YawPitch => [a, b],
        AngleOrder::PitchYaw => [b, a],
    }
}

fn plain_deg(value: f32, unit: AngleUnit) -> f64 {
    match unit {
        AngleUnit::Degrees => f64::from(value),
        AngleUnit::Radians => f64::from(value).to_degrees(),
    }
}

/// Degrees across and up that the output `spread` tells; `None` where these are no deviations.
pub(crate) fn of_spread(out: &[f32]) -> Option<[f64; 2]> {
    let told = [out[0], out[1]].map(f64::from);
    told.iter()
        .all(|v| v.is_finite() && *v > 0.0)
        .then_some(told)
}

/// How far the mean of two answers is expected to be off, degrees: the deviation of one
/// distribution that is either answer's with equal chance, so that answers that contradict each
/// other are never sure. σ² = (σ₁² + σ₂²) ÷ 2 + ((a₁ − a₂) ÷ 2)², for each axis. The trainer fits
/// spreads through the same formula.
pub(crate) fn spread_of_mean([plain, mirrored]: [(NetGaze, [f64; 2]); 2]) -> Option<[f64; 2]> {
    let (NetGaze::Ray(a), NetGaze::Ray(b)) = (plain.0, mirrored.0) else {
        return None;
    };
    let back = Ray {
        direction: Vector3::new(-b.direction.x, b.direction.y, b.direction.z),
        ..a
    };
    let (yaw, pitch) = (
        a.yaw_deg() - back.yaw_deg(),
        a.pitch_deg() - back.pitch_deg(),
    );
    // Yaws half a circle apart are near each other too.
    let yaw = (yaw + 180.0).rem_euclid(360.0) - 180.0;
    let apart = [yaw * back.pitch_deg().to_radians().cos(), pitch];
    Some([0, 1].map(|k| {
        let each = (plain.1[k].powi(2) + mirrored.1[k].powi(2)) / 2.0;
        (each + (apart[k] / 2.0).powi(2)).sqrt()
    }))
}

/// The mean of an answer and of the mirrored picture's.
pub(crate) fn mean_of(plain: NetGaze, mirrored: NetGaze) -> Option<NetGaze> {
    let (NetGaze::Ray(a), NetGaze::Ray(b)) = (plain, mirrored) else {
        return None;
    };
    let back = Vector3::new(-b.direction.x, b.direction.y, b.direction.z);
    let direction = (a.direction + back).try_normalize(1e-6)?;
    Some(NetGaze::Ray(Ray {
        origin: a.origin,
        direction,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_contradict_each_other_are_not_sure() {
        let look = |yaw: f64, pitch: f64| {
            NetGaze::Ray(Ray::from_yaw_pitch(
                Vector3::new(0.0, 0.0, 600.0),
                yaw,
                pitch,
            ))
        };
        let near = |is: Option<[f64; 2]>, wanted: [f64; 2]| {
            let is = is.unwrap();
            assert!((is[0] - wanted[0]).abs() < 1e-9, "{is:?}");
            assert!((is[1] - wanted[1]).abs() < 1e-9, "{is:?}");
        };
        // The mirrored picture's answer to the same: the other way across.
        near(
            spread_of_mean([
                (look(10.0, -5.0), [2.0, 3.0]),
                (look(-10.0, -5.0), [2.0, 3.0]),
            ]),
            [2.0, 3.0],
        );
        near(
            spread_of_mean([
                (look(10.0, 0.0), [1.0, 2.0]),
                (look(-10.0, 0.0), [7.0, 14.0]),
            ]),
            [5.0, 10.0],
        );
        // 6° apart across, seen 60° up half of that; 8° apart up.
        near(
            spread_of_mean([(look(3.0, 68.0), [2.0, 3.0]), (look(3.0, 60.0), [2.0, 3.0])]),
            [(4.0f64 + 1.5 * 1.5).sqrt(), 5.0],
        );
        let point = NetGaze::Point([0.5; 2]);
        assert_eq!(spread_of_mean([(point, [1.0; 2]), (point, [1.0; 2])]), None);
    }

    #[test]
    fn what_is_no_deviation_is_none() {
        assert_eq!(of_spread(&[1.5, 2.0]), Some([1.5, 2.0]));
        for bad in [
            [0.0, 1.0],
            [1.0, -1.0],
            [f32::NAN, 1.0],
            [1.0, f32::INFINITY],
        ] {
            assert_eq!(of_spread(&bad), None, "{bad:?}");
        }
    }
}
