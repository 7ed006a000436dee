//! Looks at pictures: `look PICTURE… [--out FOLDER]` prints what is measured and,
//! with a folder, writes each picture with its landmarks and lines of sight.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use vision::{Face, Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("look: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut pictures: Vec<PathBuf> = Vec::new();
    let mut out = None;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--out" {
            out = Some(PathBuf::from(
                arguments.next().ok_or("--out needs a folder")?,
            ));
        } else {
            pictures.push(argument.into());
        }
    }
    let runtime = Runtime::load(None)?;
    let store = ModelStore::open(None)?;
    let mut perceiver = Perceiver::new(&runtime, &store, PerceiverConfig::default())?;
    let mut frame = Frame::default();
    for path in &pictures {
        let mut picture = image::open(path)
            .map_err(|e| format!("{}: {e}", path.display()))?
            .into_rgb8();
        frame.reset(picture.width(), picture.height(), PixelFormat::Rgb8);
        frame.data.copy_from_slice(&picture);
        perceiver.reset();
        let seen = perceiver.perceive(&frame);
        println!(
            "{}: {} face(s) in {:.1} ms",
            path.display(),
            seen.faces().count(),
            seen.times.total_ns as f64 / 1e6
        );
        if let Some(fault) = &seen.fault {
            println!("  {fault}");
        }
        let Some(face) = seen.primary() else { continue };
        describe(face);
        if let Some(folder) = &out {
            draw(&mut picture, face);
            let name = path.file_name().map_or(Path::new("picture"), Path::new);
            picture.save(folder.join(name).with_extension("png"))?;
        }
    }
    Ok(())
}

fn describe(face: &Face) {
    let h = &face.head;
    println!(
        "  presence {:.3}; head yaw {:+.1} pitch {:+.1} roll {:+.1}, at {:.0} {:.0} {:.0} mm",
        face.presence, h.yaw, h.pitch, h.roll, h.translation.x, h.translation.y, h.translation.z
    );
    for (side, eye) in ["left", "right"].iter().zip(0..) {
        let look = &face.look[eye];
        println!(
            "  image-{side} eye: openness {:.2}, {}; iris contrast {:.2}, texture {:.2}, brightness {:.0}",
            face.eyes.openness[eye],
            if face.eyes.open[eye] {
                "open"
            } else {
                "not open"
            },
            look.iris_contrast,
            look.texture,
            look.brightness
        );
        if let Some(iris) = &face.irises[eye] {
            let at = face.landmarks[gaze::landmarks::IRIS_CENTRE[eye]];
            println!(
                "    iris at {:.2} {:.2}, radius {:.2} px, {:+.2} {:+.2} from the network's; known to {:.2} {:.2} radii, sides {:.2} {:.2}",
                at[0],
                at[1],
                iris.radius_px,
                iris.shift_px[0],
                iris.shift_px[1],
                iris.sigma[0],
                iris.sigma[1],
                iris.sides[0],
                iris.sides[1]
            );
        }
    }
    match &face.gaze {
        Some(g) => println!(
            "  gaze yaw {:+.1} pitch {:+.1} (left {:+.1} {:+.1}, right {:+.1} {:+.1}), confidence {:.2}",
            g.combined.yaw_deg(),
            g.combined.pitch_deg(),
            g.left.yaw_deg(),
            g.left.pitch_deg(),
            g.right.yaw_deg(),
            g.right.pitch_deg(),
            g.confidence
        ),
        None => println!("  no gaze"),
    }
}

fn draw(picture: &mut image::RgbImage, face: &Face) {
    for (i, p) in face.landmarks.iter().enumerate() {
        let colour = if i >= gaze::landmarks::FACE_COUNT {
            [255, 60, 60]
        } else {
            [60, 255, 60]
        };
        dot(picture, f64::from(p[0]), f64::from(p[1]), colour);
    }
    if let Some(gaze) = &face.gaze {
        for ray in [&gaze.left, &gaze.right] {
            for step in 0..200 {
                let p = face
                    .camera
                    .project(ray.origin + ray.direction * f64::from(step));
                dot(picture, p.x, p.y, [255, 255, 0]);
            }
        }
    }
}

fn dot(picture: &mut image::RgbImage, x: f64, y: f64, colour: [u8; 3]) {
    let (w, h) = (f64::from(picture.width()), f64::from(picture.height()));
    if (0.0..w).contains(&x) && (0.0..h).contains(&y) {
        picture.put_pixel(x as u32, y as u32, image::Rgb(colour));
    }
}
