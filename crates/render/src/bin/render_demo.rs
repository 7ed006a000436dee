//! Renders the daemon's demo: `cargo run --release -p gaze-render --bin render-demo -- daemon/assets`
//! writes `demo.mp4` and `demo.json` (what is true in each of its pictures).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use gaze::camera::DEFAULT_HFOV_DEG;
use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};
use rayon::prelude::*;
use render::camera::Camera;
use render::encode::ClipWriter;
use render::identity::Identity;
use render::path;
use render::person::Person;
use render::room::Room;
use render::scene::{Moment, Picture, Scene};
use render::sensor::Sensor;
use render::truth::{Pose, Truth};
use serde_json::{Value, json};

const SIZE: (u32, u32) = (640, 480);
const BITS: u32 = 1_000_000;
/// Lids shut further than this hide the iris.
const SHUT: f64 = 0.3;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("render-demo: give the folder to write demo.mp4 and demo.json into");
        return ExitCode::from(2);
    };
    match make(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("render-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let screen = Screen::default();
    let camera = Camera::from_fov(SIZE.0, SIZE.1, DEFAULT_HFOV_DEG, 0.0);
    let person = Arc::new(Person::new(Identity::demo()));
    let temporary = folder.join("demo.mp4.part");
    let mut clip = ClipWriter::new(
        BufWriter::new(File::create(&temporary)?),
        SIZE,
        path::FPS,
        BITS,
    )?;
    let mut frames = Vec::new();
    let all: Vec<usize> = (0..path::length()).collect();
    // Pictures are drawn side by side, each on one core, and encoded in their order.
    let mut scenes: Vec<Scene> = (0..rayon::current_num_threads())
        .map(|_| {
            let room = Room::demo(&screen, SIZE.0 as usize, SIZE.1 as usize);
            Scene::new(camera, room, Sensor::default(), vec![person.clone()])
        })
        .collect();
    for few in all.chunks(scenes.len()) {
        let drawn: Vec<_> = (scenes.par_iter_mut().zip(few))
            .map(|(scene, &frame)| {
                let step = path::step(frame);
                let mut picture = Picture::default();
                let truth = scene.render(&moment(&screen, &step, frame), &mut picture);
                (picture, line(&step, &truth[0]))
            })
            .collect();
        for (picture, line) in drawn {
            clip.add(&picture)?;
            frames.push(line);
        }
        if frames.len() % 30 < few.len() {
            eprint!("\r{} of {}", frames.len(), all.len());
        }
    }
    clip.finish()?.flush()?;
    std::fs::rename(temporary, folder.join("demo.mp4"))?;
    let text: Vec<String> = frames.iter().map(Value::to_string).collect();
    let head = json!({
        "about": "a rendered person; made by render-demo of the crate gaze-render",
        "fps": path::FPS, "camera": camera.intrinsics, "screen": screen,
    });
    let head = head.to_string();
    let json = format!(
        "{},\n\"frames\": [\n{}\n]}}\n",
        &head[..head.len() - 1],
        text.join(",\n")
    );
    std::fs::write(folder.join("demo.json"), json)?;
    eprintln!("\r{} pictures", path::length());
    Ok(())
}

/// What the person does in one picture.
fn moment(screen: &Screen, step: &path::Step, frame: usize) -> Moment {
    Moment {
        poses: vec![Pose {
            target: screen.point_mm(Point2::from(step.screen)),
            head: step.head_deg,
            place: Vector3::new(0.0, 25.0, 560.0) + Vector3::from(step.sway_mm),
            shut: step.shut,
            units: Vec::new(),
        }],
        frame: frame as u64,
        ..Moment::default()
    }
}

/// The truth of one picture; eyes in the image's order.
fn line(step: &path::Step, truth: &Truth) -> Value {
    let round = |v: f64, digits: i32| {
        let unit = 10f64.powi(digits);
        (v * unit).round() / unit
    };
    let px = |p: &Point2<f64>| [round(p.x, 2), round(p.y, 2)];
    let mm = |v: &Vector3<f64>| [round(v.x, 2), round(v.y, 2), round(v.z, 2)];
    let unit = |v: &Vector3<f64>| [round(v.x, 5), round(v.y, 5), round(v.z, 5)];
    json!({
        "screen": step.screen.map(|v| round(v, 5)),
        "open": step.shut <= SHUT,
        "doing": step.doing.name(),
        "iris_px": [px(&truth.iris_px[0]), px(&truth.iris_px[1])],
        "eye_mm": [mm(&truth.gaze[0].origin), mm(&truth.gaze[1].origin)],
        "gaze": [unit(&truth.gaze[0].direction), unit(&truth.gaze[1].direction)],
        "head_deg": truth.head.map(|v| round(v, 3)),
        "head_mm": mm(&truth.head_mm),
        "openness": truth.openness.map(|v| round(v, 3)),
    })
}
