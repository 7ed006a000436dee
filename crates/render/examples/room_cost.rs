//! What rooms and sensors cost at 640×480: `cargo run --release -p gaze-render --example room_cost`.
//! The least of several runs each, so that a busy machine does not count.

use std::time::Instant;

use gaze::screen::Screen;
use render::maths::{Rng, V3, v3};
use render::room::Room;
use render::scene::Picture;
use render::sensor::Sensor;

/// The shortest of seven runs, ms.
fn least(mut f: impl FnMut()) -> f64 {
    let run = |_| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..7).map(run).fold(f64::MAX, f64::min)
}

fn main() {
    let screen = Screen::default();
    let mut rooms: Vec<f64> = (0..60)
        .map(|seed| {
            least(|| {
                std::hint::black_box(Room::random(seed, &screen, 640, 480));
            })
        })
        .collect();
    rooms.sort_by(f64::total_cmp);
    let mean = rooms.iter().sum::<f64>() / rooms.len() as f64;
    println!(
        "room: mean {mean:.1} ms, most {:.1} ms",
        rooms[rooms.len() - 1]
    );

    let room = Room::random(4, &screen, 640, 480);
    for seed in [0, 1, 2] {
        let made = least(|| {
            std::hint::black_box(Sensor::random(seed));
        });
        let mut sensor = Sensor::random(seed);
        let (mut picture, mut light) = (Picture::default(), Vec::new());
        let mut cost = |smear| {
            least(|| {
                light.clone_from(&room.background.pixels);
                sensor.expose(&mut light, 640, 3, smear, &mut picture);
            })
        };
        let (still, moving) = (cost([0.0; 2]), cost([5.0, 3.0]));
        println!("sensor {seed}: made {made:.2} ms, exposes {still:.1} ms, smeared {moving:.1} ms");
    }

    let mut r = Rng::new(5);
    let directions: Vec<V3> = (0..4000)
        .map(|_| v3(r.normal(), r.normal(), r.normal()).unit())
        .collect();
    for seed in [0, 3, 5] {
        let lights = Room::random(seed, &screen, 64, 48).lights;
        let mut sum = V3::ZERO;
        let mirror = least(|| {
            for d in &directions {
                sum += lights.reflected(v3(0.0, 0.0, 550.0), *d);
            }
        });
        let fill = least(|| {
            for d in &directions {
                sum += lights.ambient(*d);
            }
        });
        std::hint::black_box(sum);
        println!(
            "lights {seed}: reflected {:.0} ns, ambient {:.0} ns",
            mirror * 1e6 / 4000.0,
            fill * 1e6 / 4000.0
        );
    }
}
