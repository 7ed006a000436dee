//! The truth about eyes against what the pictures show.

use std::sync::Arc;

use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};

use crate::camera::Camera;
use crate::identity::Identity;
use crate::maths::{V3, v3};
use crate::person::Person;
use crate::room::Room;
use crate::room::surroundings::Fill;
use crate::scene::{Moment, Picture, Scene};
use crate::sensor::Sensor;
use crate::truth::{Pose, Truth};

/// A bright room without anything to mirror, a camera without noise, irises of one colour.
fn scene(iris: V3) -> Scene {
    let mut room = Room::demo(&Screen::default(), 200, 150);
    let lights = &mut room.lights;
    lights.key_colour = V3::ZERO;
    lights.rim_colour = V3::ZERO;
    lights.screen_colour = V3::ZERO;
    lights.screen_cells.fill(V3::ZERO);
    lights.lamps.clear();
    for shell in [
        &mut lights.shell.above,
        &mut lights.shell.beside,
        &mut lights.shell.below,
    ] {
        *shell = V3::ZERO;
    }
    lights.fill = Fill::default();
    for side in [v3(1.0, 0.0, 0.0), v3(0.0, 1.0, 0.0), v3(0.0, 0.0, 1.0)] {
        lights.fill.add(side, V3::splat(0.5));
        lights.fill.add(-side, V3::splat(0.5));
    }
    let who = Identity {
        iris: [iris; 2],
        ..Identity::demo()
    };
    let mut sensor = Sensor::default();
    (sensor.shot, sensor.read, sensor.sharpen) = (0.0, 0.0, 0.0);
    let person = Arc::new(Person::new(who));
    let camera = Camera::from_fov(200, 150, 60.0, 0.0);
    Scene::new(camera, room, sensor, vec![person])
}

/// Yaw and pitch of the gaze against the camera's axis; lids. The picture is one eye, large.
fn look(scene: &mut Scene, eye: usize, yaw: f64, pitch: f64, shut: f64) -> (Picture, Truth) {
    let place = Vector3::new(0.0, 0.0, 600.0);
    let (y, p) = (yaw.to_radians(), pitch.to_radians());
    let way = Vector3::new(p.cos() * y.sin(), -p.sin(), -p.cos() * y.cos());
    let pose = Pose {
        target: place + way * 600.0,
        head: [0.0; 3],
        place,
        shut,
        units: Vec::new(),
    };
    let moment = Moment {
        poses: vec![pose],
        ..Moment::default()
    };
    scene.camera = Camera::from_fov(200, 150, 60.0, 0.0);
    let i = &mut scene.camera.intrinsics;
    (i.fx, i.fy) = (i.fx * 21.0, i.fy * 21.0);
    let at = scene.truth(&moment).remove(0).centre_px[eye];
    let i = &mut scene.camera.intrinsics;
    (i.cx, i.cy) = (i.cx + 100.0 - at.x, i.cy + 75.0 - at.y);
    let mut picture = Picture::default();
    let truth = scene.render(&moment, &mut picture).remove(0);
    (picture, truth)
}

fn rgb(p: &Picture, x: usize, y: usize) -> [f64; 3] {
    let i = 3 * (y * p.width as usize + x);
    [0, 1, 2].map(|k| f64::from(p.rgb[i + k]))
}

#[test]
fn pupil_and_iris_are_where_the_truth_says() {
    let mut scene = scene(v3(0.30, 0.32, 0.34));
    for (yaw, pitch) in [
        (0.0, 0.0),
        (-22.0, 0.0),
        (22.0, -6.0),
        (6.0, 14.0),
        (-8.0, -16.0),
    ] {
        for eye in if yaw == 0.0 { 0..2 } else { 0..1 } {
            let (picture, truth) = look(&mut scene, eye, yaw, pitch, 0.0);
            let (iris, pupil) = (truth.iris_px[eye], truth.pupil_px[eye]);
            let radius = truth.iris_radius_px[eye];
            let grey = |x: usize, y: usize| rgb(&picture, x, y).iter().sum::<f64>() / 3.0;
            let iris_grey = grey(iris.x as usize, (iris.y + 0.55 * radius) as usize);
            // The middle of what is dark within the inner part of the iris.
            let (mut n, mut sum) = (0.0, Vector3::zeros());
            for y in 0..picture.height as usize {
                for x in 0..picture.width as usize {
                    let p = Point2::new(x as f64 + 0.5, y as f64 + 0.5);
                    if (p - iris).norm() < 0.5 * radius && grey(x, y) < 0.5 * iris_grey {
                        n += 1.0;
                        sum += Vector3::new(p.x, p.y, 0.0);
                    }
                }
            }
            let dark = Point2::new(sum.x / n, sum.y / n);
            let off = (dark - pupil).norm() / radius;
            assert!(
                n > 100.0 && off < 0.02,
                "{yaw} {pitch}: off by {off}, {n} dark"
            );
            // Left and right, halfway from white to iris, is the limbus.
            let row = iris.y as usize;
            let light = |x: f64| rgb(&picture, x as usize, row)[0];
            let edge = |side: f64| {
                let (inside, outside) = (0.80 * radius, 1.12 * radius);
                let (lo, hi) = (
                    light(iris.x + side * inside),
                    light(iris.x + side * outside),
                );
                let mut r = inside;
                while light(iris.x + side * r) < (lo + hi) / 2.0 && r < outside {
                    r += 0.25;
                }
                r
            };
            if yaw == 0.0 {
                let (l, r) = (edge(-1.0), edge(1.0));
                assert!((r - l).abs() / 2.0 < 0.05 * radius, "{l} {r} of {radius}");
                assert!(
                    ((l + r) / 2.0 - radius).abs() < 0.05 * radius,
                    "{l} {r} of {radius}"
                );
            }
        }
    }
}

#[test]
fn the_share_that_lids_leave_is_the_share_that_is_seen() {
    let mut scene = scene(v3(0.02, 0.75, 0.02));
    let mut shares = Vec::new();
    for (pitch, shut) in [
        (0.0, 0.0),
        (-20.0, 0.0),
        (18.0, 0.0),
        (0.0, 0.4),
        (0.0, 0.7),
        (0.0, 1.0),
    ] {
        let (picture, truth) = look(&mut scene, 0, 0.0, pitch, shut);
        let mut seen = 0.0;
        for y in 0..picture.height as usize {
            for x in 0..picture.width as usize {
                let p = Point2::new(x as f64 + 0.5, y as f64 + 0.5);
                let [r, g, _] = rgb(&picture, x, y);
                // The black pupil counts as iris.
                let pupil = (p - truth.pupil_px[0]).norm() < 0.4 * truth.iris_radius_px[0];
                seen += f64::from(g > 1.3 * r || pupil && g < 60.0);
            }
        }
        let radius = truth.iris_radius_px[0];
        let facing = -truth.optical[0].dot(&truth.gaze[0].origin.normalize());
        let share = seen / (std::f64::consts::PI * radius * radius * facing);
        assert!(
            (share - truth.visible[0]).abs() < 0.08,
            "pitch {pitch}, shut {shut}: seen {share}, said {}",
            truth.visible[0]
        );
        shares.push(truth.visible[0]);
    }
    assert!(shares[0] > 0.8 && shares[5] == 0.0, "{shares:?}");
}
