//! A sheet of rooms: `cargo run --release -p gaze-render --example rooms -- OUT.png FIRST_SEED [person|empty|sensors]`:
//! the same person in 24 rooms, the rooms alone, or one room through 24 sensors.

use std::sync::Arc;
use std::time::Instant;

use gaze::{camera::Intrinsics, screen::Screen};
use nalgebra::{Point2, Vector3};
use render::identity::Identity;
use render::person::Person;
use render::room::Room;
use render::scene::{Moment, Picture, Scene};
use render::sensor::Sensor;
use render::truth::Pose;

const COLUMNS: usize = 6;
const ROWS: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("give the name of a PNG file")?;
    let first: u64 = args.next().unwrap_or_default().parse().unwrap_or(0);
    let what = args.next().unwrap_or_default();
    let screen = Screen::default();
    let (w, h) = (640, 480);
    let person = Arc::new(Person::new(match std::env::var("WHO") {
        Ok(seed) => Identity::random(seed.parse()?),
        Err(_) => Identity::demo(),
    }));
    let mut sheet = vec![0u8; COLUMNS * ROWS * w * h / 4 * 3];
    for n in 0..COLUMNS * ROWS {
        let seed = first + n as u64;
        let start = Instant::now();
        let room = match what.as_str() {
            "sensors" => Room::random(first, &screen, w, h),
            _ => Room::random(seed, &screen, w, h),
        };
        let made = start.elapsed();
        let people = if what == "empty" {
            Vec::new()
        } else {
            vec![person.clone()]
        };
        let camera = Intrinsics::webcam(w as u32, h as u32);
        let sensor = match what.as_str() {
            "sensors" => Sensor::random(seed),
            _ => Sensor::default(),
        };
        let mut scene = Scene::new(camera.into(), room, sensor, people);
        let pose = Pose {
            target: screen.point_mm(Point2::new(0.3, 0.6)),
            head: [6.0, -3.0, 2.0],
            place: Vector3::new(0.0, 25.0, 560.0),
            shut: 0.0,
            units: Vec::new(),
        };
        let moment = Moment {
            poses: if what == "empty" {
                Vec::new()
            } else {
                vec![pose]
            },
            frame: seed,
            ..Moment::default()
        };
        let mut picture = Picture::default();
        scene.render(&moment, &mut picture);
        eprintln!("{seed}: room {made:?}");
        let (cx, cy) = (n % COLUMNS * w / 2, n / COLUMNS * h / 2);
        for y in 0..h / 2 {
            for x in 0..w / 2 {
                for c in 0..3 {
                    let at = |i: usize, j: usize| {
                        u32::from(picture.rgb[3 * ((2 * y + j) * w + 2 * x + i) + c])
                    };
                    let mean = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4;
                    sheet[3 * ((cy + y) * COLUMNS * w / 2 + cx + x) + c] = mean as u8;
                }
            }
        }
        if let Ok(folder) = std::env::var("SINGLE") {
            let name = format!("{folder}/{seed}.png");
            image::save_buffer(
                name,
                &picture.rgb,
                w as u32,
                h as u32,
                image::ColorType::Rgb8,
            )?;
        }
    }
    let (w, h) = ((COLUMNS * w / 2) as u32, (ROWS * h / 2) as u32);
    image::save_buffer(out, &sheet, w, h, image::ColorType::Rgb8)?;
    Ok(())
}
