//! Single pictures of who looks into the lens, and who does not.

use nalgebra::Vector3;

use super::stills::{EYE_LIMIT, expression};
use super::{Shot, angles, between, eye_in_head};
use crate::maths::{M3, Rng, V3, sin_cos};
use crate::truth::{Pose, to64};

/// Looking into the lens, near it, or away; the head turned with the eyes or not.
pub(super) fn contact(shot: &mut Shot, within: usize, mut r: Rng) {
    // As many near as far ones: the distances are spread by their ratio.
    let distance = 500.0 * libm::pow(6.0, f64::from(r.unit()));
    let place = shot.setup.place(&mut r, distance);
    let off = match r.unit() {
        u if u < 0.4 => between(&mut r, 0.0, 0.7),
        u if u < 0.7 => between(&mut r, 2.5, 10.0),
        _ => between(&mut r, 10.0, 35.0),
    };
    let (sin, cos) = sin_cos(between(&mut r, 0.0, 360.0));
    let direction = beside_the_lens(place, [off * cos, off * sin]);
    let [yaw, pitch] = angles(-place);
    let mut head = [yaw, pitch, 0.0];
    for _ in 0..40 {
        // Half face the lens whatever the eyes do, half turn elsewhere.
        let spread = if r.unit() < 0.5 { 5.0 } else { 18.0 };
        let tried = [
            yaw + f64::from(r.normal()) * spread,
            pitch + f64::from(r.normal()) * spread * 0.5,
            f64::from(r.normal()) * 4.0,
        ];
        let eye = eye_in_head(direction, tried);
        if eye[0].abs() < EYE_LIMIT[0] && eye[1].abs() < EYE_LIMIT[1] {
            head = tried;
            break;
        }
    }
    look(shot, within, place, direction, head, &mut r);
}

/// Head turns of the Columbia Gaze Data Set, degrees beside the lens.
const LOCKING_TURNS: [f64; 5] = [0.0, -15.0, 15.0, -30.0, 30.0];
/// Directions of the eyes there, to the sides and up and down, degrees beside the lens.
const LOCKING_ACROSS: [f64; 7] = [0.0, -5.0, 5.0, -10.0, 10.0, -15.0, 15.0];
const LOCKING_UP: [f64; 3] = [0.0, -10.0, 10.0];
/// About what heads turn, from the middle between their eyes in their own frame, mm (the mean of sixty
/// is 0, 79, 93; of the 19 mm up and down turns to the sides take no notice).
const PIVOT_MM: V3 = V3 {
    x: 0.0,
    y: 60.0,
    z: 90.0,
};

/// The looks that Smith, Yin, Feiner and Nayar 2013 (*Gaze Locking*) let people take: "locked" is
/// the direction into the lens, whatever the head does. Two in five are (there it is 1 in 21), so
/// that few pictures are enough for both kinds; every other look is as frequent as the next. Eyes
/// turn by up to 45° in their heads, as theirs did, which is more than [`EYE_LIMIT`].
pub(super) fn gaze_locking(shot: &mut Shot, within: usize, mut r: Rng) {
    let distance = 500.0 * libm::pow(4.0, f64::from(r.unit()));
    // Where the eyes are when the head is turned: all angles are theirs.
    let eyes = shot.setup.place(&mut r, distance);
    let cells = LOCKING_ACROSS.len() * LOCKING_UP.len();
    let cell = match r.unit() {
        u if u < 0.4 => 0,
        _ => 1 + (between(&mut r, 0.0, (cells - 1) as f64) as usize).min(cells - 2),
    };
    let off = [
        LOCKING_ACROSS[cell % LOCKING_ACROSS.len()],
        LOCKING_UP[cell / LOCKING_ACROSS.len()],
    ];
    // Nobody is quite still, also with the chin on a rest.
    let small = |r: &mut Rng| f64::from(r.normal()) * 0.3;
    let off = off.map(|angle| angle + small(&mut r));
    let turn = LOCKING_TURNS[(between(&mut r, 0.0, 5.0) as usize).min(4)];
    let [yaw, pitch] = angles(-eyes);
    let head = [
        yaw + turn + small(&mut r),
        pitch + small(&mut r),
        small(&mut r),
    ];
    let direction = beside_the_lens(eyes, off);
    look(shot, within, eyes, direction, head, &mut r);
    shot.moment.poses[0].place = eyes - moved(head);
}

/// How far turning an average head by these angles moves the middle between its eyes, mm.
pub(super) fn moved(head: [f64; 3]) -> Vector3<f64> {
    let turn = M3::from_head_angles(head[0], head[1], head[2]);
    to64(turn.apply(V3::ZERO - PIVOT_MM) + PIVOT_MM)
}

/// The direction from `place` so many degrees to the side of the lens, and above it.
fn beside_the_lens(place: Vector3<f64>, [across, up]: [f64; 2]) -> Vector3<f64> {
    let [yaw, pitch] = angles(-place);
    let (sy, cy) = sin_cos(yaw + across);
    let (sp, cp) = sin_cos((pitch + up).clamp(-60.0, 60.0));
    Vector3::new(cp * sy, -sp, -cp * cy)
}

/// Takes the picture of who sits there and looks there.
fn look(
    shot: &mut Shot,
    within: usize,
    place: Vector3<f64>,
    direction: Vector3<f64>,
    head: [f64; 3],
    r: &mut Rng,
) {
    // Where that line of sight meets the screen's plane, also far beside it.
    let ray = gaze::ray::Ray {
        origin: place,
        direction,
    };
    let mut target = place + direction * place.norm();
    if let Some(p) = shot.setup.screen.intersect(&ray) {
        shot.target = p;
        target = shot.target_mm();
    }
    shot.timestamp_ms += 1000 * within as u64;
    shot.moment.poses = vec![Pose {
        target,
        head,
        place,
        shut: 0.0,
        units: expression(r),
    }];
}
