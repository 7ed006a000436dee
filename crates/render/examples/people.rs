//! Draws people side by side in one light: `cargo run --release -p gaze-render --example people -- OUT.png FIRST COUNT [yaw pitch zoom mm times variety]`
//! (variety: 0 usual, 1 wide, 2 skin-deep, 3 murky, 4 other)
//! Prints what making and drawing them cost, on one core.

use std::sync::Arc;
use std::time::Instant;

use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};
use render::{
    camera::Camera,
    identity::Identity,
    person::Person,
    room::Room,
    scene::{Moment, Picture, Scene},
    sensor::Sensor,
    truth::Pose,
    variety::Variety,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("give the name of a PNG file")?;
    let n: Vec<f64> = args.map(|a| a.parse()).collect::<Result<_, _>>()?;
    let get = |i: usize, or: f64| n.get(i).copied().unwrap_or(or);
    let (first, count) = (get(0, 1.0) as u64, get(1, 12.0) as usize);
    let zoom = get(4, 1.0);
    let variety = Variety::ALL[(get(7, 0.0) as usize).min(Variety::ALL.len() - 1)];
    let (w, h) = (640usize, 480usize);
    // The middle of each picture, wide enough for head and shoulders.
    let (cw, ch) = (320, 400);
    let columns = count.min(6);
    let rows = count.div_ceil(columns);
    let mut sheet = vec![0u8; 3 * columns * cw * rows * ch];
    let screen = Screen::default();
    let mut picture = Picture::default();
    for k in 0..count {
        let seed = first + k as u64;
        let who = if seed == 0 {
            Identity::demo()
        } else {
            Identity::of(variety, seed)
        };
        let start = Instant::now();
        let person = Arc::new(Person::new(who));
        let made = start.elapsed();
        let mut camera = Camera::from_fov(w as u32, h as u32, 60.0, 0.0);
        camera.intrinsics.fx *= zoom;
        camera.intrinsics.fy *= zoom;
        let room = Room::demo(&screen, w, h);
        let mut scene = Scene::new(camera, room, Sensor::default(), vec![person]);
        let moment = Moment {
            poses: vec![Pose {
                target: screen.point_mm(Point2::new(0.5, 0.5)),
                head: [get(2, 0.0), get(3, 0.0), 0.0],
                place: Vector3::new(0.0, if zoom > 1.5 { 0.0 } else { 10.0 }, get(5, 600.0)),
                shut: 0.0,
                units: Vec::new(),
            }],
            ..Moment::default()
        };
        scene.render(&moment, &mut picture);
        let start = Instant::now();
        let times = get(6, 1.0);
        for _ in 0..times as usize {
            scene.render(&moment, &mut picture);
        }
        let id = scene.people[0].identity();
        println!(
            "{seed}: made {made:.0?}, drawn {:.1?}; male {:.1} age {:.2} weight {:.1} {:?} {:?} grey {:.2}",
            start.elapsed().div_f64(times),
            id.male,
            id.age,
            id.weight,
            id.family,
            id.style.cut,
            id.style.grey,
        );
        let (x, y) = ((k % columns) * cw, (k / columns) * ch);
        for row in 0..ch {
            let from = 3 * ((row + 40) * w + (w - cw) / 2);
            let at = 3 * ((y + row) * columns * cw + x);
            sheet[at..at + 3 * cw].copy_from_slice(&picture.rgb[from..from + 3 * cw]);
        }
    }
    image::save_buffer(
        out,
        &sheet,
        (columns * cw) as u32,
        (rows * ch) as u32,
        image::ColorType::Rgb8,
    )?;
    Ok(())
}
