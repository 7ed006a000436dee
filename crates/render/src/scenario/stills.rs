//! Single pictures: random, calibration, head-turns.

use nalgebra::{Point2, Vector3};

use super::{Shot, angles, between, eye_in_head};
use crate::maths::{Rng, sin_cos};
use crate::truth::Pose;

/// How far eyes turn in the head without strain for a picture: to the sides, up and down, degrees.
pub const EYE_LIMIT: [f64; 2] = [40.0, 27.0];

/// Targets of a calibration, in the order they are shown: a grid of four by four.
pub(super) const TARGETS: [[f64; 2]; 16] = {
    let at = [0.08, 0.36, 0.64, 0.92];
    // Neighbours in time are far apart, as in a calibration that keeps its user awake.
    let order = [5, 0, 10, 3, 9, 12, 6, 15, 1, 11, 4, 14, 2, 8, 7, 13];
    let mut all = [[0.0; 2]; 16];
    let mut i = 0;
    while i < 16 {
        all[i] = [at[order[i] % 4], at[order[i] / 4]];
        i += 1;
    }
    all
};
/// Pictures at each target.
pub(super) const LOOKS: usize = 6;

/// Anyone, anywhere.
pub(super) fn random(shot: &mut Shot, within: usize, mut r: Rng) {
    let distance = between(&mut r, 350.0, 900.0);
    let place = shot.setup.place(&mut r, distance);
    // Most look at the screen, some a little beside it.
    let beside = if r.unit() < 0.15 { 0.3 } else { 0.0 };
    let target = Point2::new(
        between(&mut r, -beside, 1.0 + beside),
        between(&mut r, -beside, 1.0 + beside),
    );
    let gaze = shot.setup.towards(place, target);
    let ahead = angles(shot.setup.towards(place, Point2::new(0.5, 0.5)));
    let wide = r.unit() < 0.4;
    let mut head = [ahead[0], ahead[1], 0.0];
    for _ in 0..40 {
        let tried = if wide {
            [
                between(&mut r, -40.0, 40.0),
                between(&mut r, -25.0, 25.0),
                f64::from(r.normal()) * 6.0,
            ]
        } else {
            // The head follows the eyes for part of the way.
            let [yaw, pitch] = angles(gaze);
            let part = between(&mut r, 0.0, 0.7);
            [
                ahead[0] + part * (yaw - ahead[0]) + f64::from(r.normal()) * 6.0,
                ahead[1] + part * (pitch - ahead[1]) + f64::from(r.normal()) * 5.0,
                f64::from(r.normal()) * 4.0,
            ]
        };
        let eye = eye_in_head(gaze, tried);
        if eye[0].abs() < EYE_LIMIT[0] && eye[1].abs() < EYE_LIMIT[1] {
            head = tried;
            break;
        }
    }
    let shut = if r.unit() < 0.04 {
        between(&mut r, 0.15, 1.0)
    } else {
        0.0
    };
    shot.target = target;
    shot.timestamp_ms += 1000 * within as u64;
    shot.moment.poses = vec![Pose {
        target: shot.target_mm(),
        head,
        place,
        shut,
        units: expression(&mut r),
    }];
    // A few pictures are taken while something moves.
    if r.unit() < 0.15 {
        let (sin, cos) = sin_cos(between(&mut r, 0.0, 360.0));
        let px = between(&mut r, 0.5, 4.0) * f64::from(shot.camera().intrinsics.width) / 640.0;
        shot.moment.smear = [(px * cos) as f32, (px * sin) as f32];
    }
}

/// A resting face is not the template's: a little of this and that.
pub fn expression(r: &mut Rng) -> Vec<(&'static str, f32)> {
    let mut units = Vec::new();
    let mut some = |share: f32, most: f32, names: &[&'static str]| {
        let (u, w) = (r.unit(), r.range(0.05, most));
        if u < share {
            units.extend(names.iter().map(|n| (*n, w)));
        }
    };
    some(0.3, 0.6, &["mouthSmileLeft", "mouthSmileRight"]);
    some(0.15, 0.4, &["browInnerUp"]);
    some(0.15, 0.5, &["browDownLeft", "browDownRight"]);
    some(0.2, 0.3, &["jawOpen"]);
    some(0.15, 0.5, &["mouthPressLeft", "mouthPressRight"]);
    some(0.1, 0.5, &["mouthPucker"]);
    some(0.2, 0.5, &["cheekSquintLeft", "cheekSquintRight"]);
    units
}

/// Where a person sits, at what distance, and how the head is held, for a whole sitting.
fn seat(shot: &Shot, seed: u64) -> (Vector3<f64>, [f64; 3]) {
    let mut r = Rng::new(seed ^ 0x5ea7);
    let distance = between(&mut r, 450.0, 750.0);
    let mut place = shot.setup.place(&mut r, distance);
    // Someone who calibrates sits before the screen.
    place.x *= 0.4;
    let [yaw, pitch] = angles(shot.setup.towards(place, Point2::new(0.5, 0.4)));
    let head = [
        yaw + f64::from(r.normal()) * 3.0,
        pitch + f64::from(r.normal()) * 3.0,
        f64::from(r.normal()) * 2.0,
    ];
    (place, head)
}

/// A still head and sixteen targets.
pub(super) fn calibration(shot: &mut Shot, seed: u64, within: usize, mut r: Rng) {
    let (place, head) = seat(shot, seed);
    shot.target = TARGETS[within / LOOKS].into();
    // Nobody holds quite still, and fixations wander by a quarter of a degree.
    let mut small = |size: f64| f64::from(r.normal()) * size;
    let sway = Vector3::new(small(1.0), small(0.7), small(1.5));
    let head = head.map(|a| a + small(0.3));
    let drift = place.norm() * small(0.25).to_radians();
    let rise = place.norm() * small(0.25).to_radians();
    shot.timestamp_ms += (1500 * (within / LOOKS) + 100 * (within % LOOKS)) as u64;
    shot.moment.poses = vec![Pose {
        target: shot.target_mm() + Vector3::new(drift, rise, 0.0),
        head,
        place: place + sway,
        shut: 0.0,
        units: Vec::new(),
    }];
}

/// Targets of a sitting of head turns.
const TURN_TARGETS: [[f64; 2]; 5] = [[0.5, 0.5], [0.2, 0.3], [0.8, 0.3], [0.2, 0.8], [0.8, 0.8]];
/// Steps of the yaw −25…25° and of the pitch −15…15°.
const TURN_STEPS: [usize; 2] = [11, 7];

pub(super) fn turns_in_a_sitting() -> usize {
    TURN_TARGETS.len() * (TURN_STEPS[0] + TURN_STEPS[1])
}

/// The same target while the head turns about its neck.
pub(super) fn head_turns(shot: &mut Shot, seed: u64, within: usize) {
    let (place, at_rest) = seat(shot, seed);
    let each = TURN_STEPS[0] + TURN_STEPS[1];
    let (target, step) = (within / each, within % each);
    let part = |i: usize, n: usize, most: f64| most * (2.0 * i as f64 / (n - 1) as f64 - 1.0);
    // The turns are about the direction to the middle of the screen.
    let [yaw, pitch] = angles(shot.setup.towards(place, Point2::new(0.5, 0.5)));
    let head = if step < TURN_STEPS[0] {
        [
            yaw + part(step, TURN_STEPS[0], 25.0),
            at_rest[1],
            at_rest[2],
        ]
    } else {
        let i = step - TURN_STEPS[0];
        [yaw, pitch + part(i, TURN_STEPS[1], 15.0), at_rest[2]]
    };
    shot.target = TURN_TARGETS[target].into();
    shot.timestamp_ms += 500 * within as u64;
    shot.moment.poses = vec![Pose {
        target: shot.target_mm(),
        head,
        place,
        shut: 0.0,
        units: Vec::new(),
    }];
}
