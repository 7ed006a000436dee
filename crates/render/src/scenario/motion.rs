//! Films: session and crowd.

use nalgebra::{Point2, Vector3};

use super::track::Track;
use super::{Plan, Shot, angles, between, eye_in_head};
use crate::maths::{Rng, mix_seed, sin_cos};
use crate::path::Doing;
use crate::truth::Pose;

/// How long a crowd crosses.
pub(super) const CROWD_SECONDS: f64 = 10.0;
/// How long a picture is exposed, s.
const EXPOSURE: f64 = 1.0 / 50.0;

/// A person before the screen, second `t`.
pub(super) fn session(shot: &mut Shot, seed: u64, t: f64) {
    let mut r = Rng::new(seed ^ 0x5e5);
    let distance = between(&mut r, 450.0, 750.0);
    let mut place = shot.setup.place(&mut r, distance);
    place.x *= 0.4;
    let [yaw, pitch] = angles(shot.setup.towards(place, Point2::new(0.5, 0.4)));
    let rest = [
        yaw + f64::from(r.normal()) * 3.0,
        pitch + f64::from(r.normal()) * 3.0,
        f64::from(r.normal()) * 2.0,
    ];
    let track = Track::new(seed);
    let seat = |t: f64| {
        let (turn, sway) = track.head(t);
        (
            [0, 1, 2].map(|i| rest[i] + turn[i]),
            place + Vector3::from(sway),
        )
    };
    let (target, doing) = track.eyes(t);
    let (head, at) = seat(t);
    shot.target = target;
    shot.doing = doing;
    shot.timestamp_ms += (1000.0 * t) as u64;
    // What the middle between the eyes moves by while the picture is exposed.
    let camera = shot.camera();
    let eyes = |t: f64| {
        let (head, at) = seat(t);
        // The neck is some 100 mm behind the eyes and 80 below.
        let turn = crate::maths::M3::from_head_angles(head[0], head[1], head[2]);
        let lever = turn.apply(crate::maths::v3(0.0, -80.0, -100.0));
        camera.project(at + crate::truth::to64(lever))
    };
    let moved = eyes(t + EXPOSURE / 2.0) - eyes(t - EXPOSURE / 2.0);
    shot.moment.smear = [moved.x as f32, moved.y as f32];
    shot.moment.poses = vec![Pose {
        target: shot.target_mm(),
        head,
        place: at,
        shut: track.shut(t),
        units: Vec::new(),
    }];
}

/// Two to four people who walk and lean past each other.
pub(super) fn crowd(plan: &Plan, shot: &mut Shot, seed: u64, t: f64) {
    let mut r = Rng::new(seed ^ 0xc0d);
    let n = 2 + (r.unit() * 3.0) as usize;
    let n = n.min(plan.persons.unwrap_or(n).max(1));
    shot.timestamp_ms += (1000.0 * t) as u64;
    let (mut people, mut poses) = (Vec::new(), Vec::new());
    for k in 0..n {
        // Ever new people, or the plan's few.
        let number = match plan.persons {
            Some(all) => (shot.person + k) % all,
            None => shot.sitting * 4 + k,
        };
        people.push(plan.person_seed(number));
        // Each at a depth of its own, so that nobody walks through anybody.
        let depth = 600.0 + 330.0 * k as f64 + between(&mut r, -40.0, 40.0);
        let i = shot.camera().intrinsics;
        let reach = 0.8 * depth * i.cx / i.fx;
        let (hz, phase) = (between(&mut r, 0.06, 0.16), between(&mut r, 0.0, 360.0));
        let wave = |f: f64, shift: f64| sin_cos(phase + shift + 360.0 * f * t).0;
        // Taller than the camera's height, or lower, and never out of the picture.
        let most = (depth * i.cy / i.fy - 130.0).clamp(0.0, 120.0);
        let height = between(&mut r, -0.7, 0.7) * most + 15.0 * wave(0.21, 0.0);
        let place = Vector3::new(
            reach * wave(hz, 0.0),
            height,
            depth + 40.0 * wave(0.07, 30.0),
        );
        // Every second or two the eyes go to the lens or anywhere: so far beside the lens, degrees.
        let pace = between(&mut r, 0.9, 1.9);
        let glance = |n: u64| {
            let mut look = Rng::new(mix_seed(seed, k as u64, n));
            let (side, up) = (
                between(&mut look, -35.0, 35.0),
                between(&mut look, -15.0, 12.0),
            );
            if look.unit() < 0.4 {
                [0.0, 0.0]
            } else {
                [side, up]
            }
        };
        let now = (t / pace) as u64;
        let (from, to) = (glance(now.saturating_sub(1)), glance(now));
        // Heads go with far glances, and heads take their time.
        let far = (to[0] - from[0]).abs().max((to[1] - from[1]).abs());
        let u = ((t - now as f64 * pace) / (0.12 + far / 120.0)).clamp(0.0, 1.0);
        let way = u * u * (3.0 - 2.0 * u);
        let away = [0, 1].map(|i| from[i] + way * (to[i] - from[i]));
        if k == 0 && u < 1.0 && far > 0.0 {
            shot.doing = Doing::Saccade;
        }
        let [yaw, pitch] = angles(-place);
        let ((sy, cy), (sp, cp)) = (sin_cos(yaw + away[0]), sin_cos(pitch + away[1]));
        let direction = Vector3::new(cp * sy, -sp, -cp * cy);
        let mut head = [
            yaw + 16.0 * wave(0.19, 80.0),
            pitch + 6.0 * wave(0.23, 20.0),
            3.0 * wave(0.11, 0.0),
        ];
        // Eyes cannot turn further than this: the head goes with them.
        let eye = eye_in_head(direction, head);
        head[0] += eye[0] - eye[0].clamp(-30.0, 30.0);
        head[1] += eye[1] - eye[1].clamp(-20.0, 20.0);
        poses.push(Pose {
            target: place + direction * place.norm(),
            head,
            place,
            shut: Track::new(mix_seed(seed, 0xb11, k as u64)).shut(t),
            units: Vec::new(),
        });
    }
    // The label is about the nearest.
    let ray = gaze::ray::Ray {
        origin: poses[0].place,
        direction: (poses[0].target - poses[0].place).normalize(),
    };
    if let Some(p) = shot.setup.screen.intersect(&ray) {
        shot.target = p;
        poses[0].target = shot.target_mm();
    }
    if plan.persons.is_none() {
        shot.person = shot.sitting * 4;
    }
    shot.people = people;
    shot.moment.poses = poses;
}
