//! People who look into the lens for a while and elsewhere before or after: clips for the tests
//! of what happens at eye contact.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use gaze::screen::Screen;
use nalgebra::Vector3;
use render::camera::Camera;
use render::identity::Identity;
use render::person::Person;
use render::room::Room;
use render::scene::{Moment, Picture, Scene};
use render::sensor::Sensor;
use render::truth::Pose;

/// Pictures a second.
pub const FPS: u32 = 15;

/// Writes a YUV4MPEG2 clip of 640×480: `before` pictures of looking at the screen's lower
/// corner, `contact` pictures of looking into the lens, `after` pictures like those before.
///
/// # Errors
/// The disk's.
pub fn write_y4m(path: &Path, [before, contact, after]: [u32; 3]) -> std::io::Result<()> {
    let away = Vector3::new(-170.0, 240.0, 0.0);
    let people = vec![Identity::demo()];
    film(path, FPS, people, before + contact + after, |n| {
        let looks = (before..before + contact).contains(&n);
        // Nobody holds quite still.
        let sway = (f64::from(n) * 0.4).sin();
        vec![Pose {
            target: if looks { Vector3::zeros() } else { away },
            head: if looks {
                [0.5 * sway, 0.3, 0.2]
            } else {
                [-6.0 + 0.5 * sway, -8.0, 0.2]
            },
            place: Vector3::new(2.0 * sway, 25.0, 560.0),
            shut: 0.0,
            units: Vec::new(),
        }]
    })
}

/// Pictures a second of the couple's clip.
pub const COUPLE_FPS: u32 = 10;
/// Where the middles between their eyes are, mm, camera frame: the nearer one sits at the
/// picture's left.
pub const COUPLE: [[f64; 3]; 2] = [[-110.0, 20.0, 560.0], [130.0, 10.0, 680.0]];

/// Writes a YUV4MPEG2 clip of two people: for `half` pictures the nearer one looks into the lens
/// and the other far aside, for as many the other way round.
///
/// # Errors
/// The disk's.
pub fn write_couple_y4m(path: &Path, half: u32) -> std::io::Result<()> {
    let people = vec![Identity::demo(), Identity::random(5)];
    film(path, COUPLE_FPS, people, 2 * half, |n| {
        let poses = COUPLE.iter().enumerate().map(|(who, at)| {
            let looks = (n < half) == (who == 0);
            let sway = (f64::from(n) * 0.7 + who as f64).sin();
            let place = Vector3::new(at[0] + 2.0 * sway, at[1], at[2]);
            // Towards the lens, or past it on the side of the other one.
            let towards = (-place.x).atan2(place.z).to_degrees();
            let aside = if who == 0 { 1.0 } else { -1.0 };
            Pose {
                target: if looks {
                    Vector3::zeros()
                } else {
                    Vector3::new(aside * 420.0, 200.0, 0.0)
                },
                head: if looks {
                    [towards + 0.5 * sway, 1.0, 0.2]
                } else {
                    [towards + 15.0 * aside, -8.0, 0.2]
                },
                place,
                shut: 0.0,
                units: Vec::new(),
            }
        });
        poses.collect()
    })
}

/// The camera of these clips: 640×480.
pub fn camera() -> Camera {
    Camera::from_fov(640, 480, gaze::camera::DEFAULT_HFOV_DEG, 0.0)
}

fn film(
    path: &Path,
    fps: u32,
    people: Vec<Identity>,
    length: u32,
    poses: impl Fn(u32) -> Vec<Pose>,
) -> std::io::Result<()> {
    let camera = camera();
    let (w, h) = (camera.intrinsics.width, camera.intrinsics.height);
    let room = Room::demo(&Screen::default(), w as usize, h as usize);
    let people = people.into_iter().map(|who| Arc::new(Person::new(who)));
    let mut scene = Scene::new(camera, room, Sensor::default(), people.collect());
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(
        out,
        "YUV4MPEG2 W{w} H{h} F{fps}:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL"
    )?;
    let (mut picture, mut planes) = (Picture::default(), Vec::new());
    for n in 0..length {
        let moment = Moment {
            poses: poses(n),
            frame: u64::from(n),
            ..Moment::default()
        };
        scene.render(&moment, &mut picture);
        full_range_420(&picture, &mut planes);
        out.write_all(b"FRAME\n")?;
        out.write_all(&planes)?;
    }
    out.flush()
}

/// BT.601 in full range, chroma of two by two pixels.
fn full_range_420(picture: &Picture, out: &mut Vec<u8>) {
    let (w, h) = (picture.width as usize, picture.height as usize);
    out.clear();
    let at = |x: usize, y: usize| {
        let p = &picture.rgb[3 * (y * w + x)..][..3];
        [p[0], p[1], p[2]].map(f64::from)
    };
    let luma = |[r, g, b]: [f64; 3]| 0.299 * r + 0.587 * g + 0.114 * b;
    for y in 0..h {
        out.extend((0..w).map(|x| luma(at(x, y)).round() as u8));
    }
    for (channel, by) in [(2, 1.772), (0, 1.402)] {
        for y in 0..h / 2 {
            for x in 0..w / 2 {
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(i, j)| at(2 * x + i, 2 * y + j));
                let sum: f64 = four.iter().map(|p| p[channel] - luma(*p)).sum();
                out.push((128.0 + sum / 4.0 / by).round().clamp(0.0, 255.0) as u8);
            }
        }
    }
}
