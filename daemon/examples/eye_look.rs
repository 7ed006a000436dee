//! What the pixels show where the landmarks put eyes, over a clip:
//! `cargo run --release -p gazed --example eye_look -- CLIP [skin | black]`.
//! With a second word the eyes are first painted over, from brow to cheek.
//! The thresholds of `vision`'s eye check were chosen from this.

use std::time::Duration;

use gazed::sources::{self, Next, OpenOptions, SourceSpec};
use vision::{Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let clip: SourceSpec = args.next().ok_or("give a clip")?.parse()?;
    let cover = args.next();
    let options = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&clip, &options)?;
    let (runtime, store) = (Runtime::load(None)?, ModelStore::open(None)?);
    let new = || Perceiver::new(&runtime, &store, PerceiverConfig::default());
    let (mut first, mut second) = (new()?, new()?);
    let mut frame = Frame::default();
    let mut numbers: [Vec<f32>; 3] = Default::default();
    let (mut frames, mut faces, mut shut) = (0, 0, 0);
    while source.next(&mut frame, Duration::from_secs(5))? == Next::Frame {
        frames += 1;
        let Some(face) = first.perceive(&frame).primary() else {
            continue;
        };
        let at = [33, 133, 362, 263].map(|i: usize| face.landmarks[i]);
        let mut looks = (face.look, face.eyes.openness, face.eyes.open);
        if let Some(with) = &cover {
            paint(&mut frame, at[0], at[3], with == "skin");
            let Some(face) = second.perceive(&frame).primary() else {
                continue;
            };
            looks = (face.look, face.eyes.openness, face.eyes.open);
        }
        faces += 1;
        for eye in 0..2 {
            if looks.1[eye] < 0.4 {
                shut += 1;
                continue;
            }
            numbers[0].push(looks.0[eye].iris_contrast);
            numbers[1].push(looks.0[eye].texture);
            numbers[2].push(looks.0[eye].brightness);
        }
    }
    println!("{frames} frames, {faces} with a face, {shut} eyes by their lids shut");
    for (name, values) in ["iris contrast", "texture", "brightness"]
        .iter()
        .zip(&mut numbers)
    {
        values.sort_by(f32::total_cmp);
        let at = |q: f32| {
            values
                .get(((values.len().max(1) - 1) as f32 * q) as usize)
                .copied()
        };
        println!(
            "{name:14} {:?}",
            [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0].map(|q| at(q).unwrap_or(f32::NAN))
        );
    }
    Ok(())
}

/// A band over both eyes in the luma plane; chroma takes the cheek's too.
fn paint(frame: &mut Frame, left: [f32; 3], right: [f32; 3], skin: bool) {
    assert_eq!(frame.format, PixelFormat::I420);
    let (w, h, stride) = (frame.width as usize, frame.height as usize, frame.stride);
    let wide = (right[0] - left[0]).hypot(right[1] - left[1]);
    let (cx, cy) = ((left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0);
    let cheek = |y: f32, x: f32| {
        (
            y.clamp(0.0, h as f32 - 1.0) as usize,
            x.clamp(0.0, w as f32 - 1.0) as usize,
        )
    };
    let (py, px) = cheek(cy + 0.5 * wide, left[0]);
    let value = if skin {
        frame.data[py * stride + px]
    } else {
        20
    };
    for y in 0..h {
        for x in 0..w {
            if (x as f32 - cx).abs() < 0.75 * wide && (y as f32 - cy).abs() < 0.28 * wide {
                frame.data[y * stride + x] = value;
            }
        }
    }
}
