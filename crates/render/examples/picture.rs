//! Draws one picture: `cargo run --release -p gaze-render --example picture -- OUT.png [yaw pitch roll x y shut seed zoom down]`
//! (head angles; where on the default laptop's screen the person looks; lids; seed 0 is the demo's
//! person; how many times as near; how far down the eyes are, mm).

use std::sync::Arc;

use gaze::{camera::Intrinsics, screen::Screen};
use nalgebra::{Point2, Vector3};
use render::{
    identity::Identity,
    person::Person,
    room::Room,
    scene::{Moment, Picture, Scene},
    sensor::Sensor,
    truth::Pose,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("give the name of a PNG file")?;
    let n: Vec<f64> = args.map(|a| a.parse()).collect::<Result<_, _>>()?;
    let get = |i: usize, or: f64| n.get(i).copied().unwrap_or(or);
    let zoom = get(7, 1.0);
    let mut camera = Intrinsics::webcam(960, 720);
    camera.fx *= zoom;
    camera.fy *= zoom;
    let screen = Screen::default();
    let room = Room::demo(&screen, 960, 720);
    let who = match get(6, 0.0) as u64 {
        0 => Identity::demo(),
        seed => Identity::random(seed),
    };
    let start = std::time::Instant::now();
    let mut scene = Scene::new(
        camera.into(),
        room,
        Sensor::default(),
        vec![Arc::new(Person::new(who))],
    );
    let made = start.elapsed();
    let pose = Pose {
        target: screen.point_mm(Point2::new(get(3, 0.5), get(4, 0.5))),
        head: [get(0, 0.0), get(1, 0.0), get(2, 0.0)],
        place: Vector3::new(0.0, get(8, if zoom > 1.0 { 0.0 } else { 25.0 }), 560.0),
        shut: get(5, 0.0),
        units: Vec::new(),
    };
    let moment = Moment {
        poses: vec![pose],
        ..Moment::default()
    };
    let mut picture = Picture::default();
    let start = std::time::Instant::now();
    let truth = scene.render(&moment, &mut picture).remove(0);
    eprintln!(
        "scene {made:?}, picture {:?}; irises {:?}",
        start.elapsed(),
        truth.iris_px
    );
    image::save_buffer(
        out,
        &picture.rgb,
        picture.width,
        picture.height,
        image::ColorType::Rgb8,
    )?;
    Ok(())
}
