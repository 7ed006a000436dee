//! Pictures of the demo's rendered person, for the tests of faults.

use std::time::Duration;

use gazed::sources::{self, Next, OpenOptions, SourceSpec};
use vision::{Frame, PixelFormat};

/// Width and height of the demo, pixels.
pub fn demo_size() -> (u32, u32) {
    let frame = first_frame();
    (frame.width, frame.height)
}

/// The demo's first picture.
pub fn demo_frame_png() -> Vec<u8> {
    let frame = first_frame();
    png(&frame, &rgb(&frame))
}

/// The same with a band of skin colour over both eyes, from brow to cheek.
pub fn demo_frame_with_covered_eyes_png() -> Vec<u8> {
    let frame = first_frame();
    let mut pixels = rgb(&frame);
    let truth = sources::demo::truth().expect("the demo is bundled");
    let [left, right] = truth.frames[0].iris_px;
    let between = (right[0] - left[0]).hypot(right[1] - left[1]);
    let width = frame.width as usize;
    // The colour of the cheek, one eye distance below the image-left eye.
    let cheek = ((left[1] + 0.8 * between) as usize * width + left[0] as usize) * 3;
    let skin = [pixels[cheek], pixels[cheek + 1], pixels[cheek + 2]];
    let middle = [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0];
    for y in 0..frame.height as usize {
        for x in 0..width {
            let (dx, dy) = (x as f64 - middle[0], y as f64 - middle[1]);
            if dx.abs() < 1.1 * between && dy.abs() < 0.4 * between {
                pixels[(y * width + x) * 3..][..3].copy_from_slice(&skin);
            }
        }
    }
    png(&frame, &pixels)
}

fn first_frame() -> Frame {
    let options = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&SourceSpec::Demo, &options).expect("the demo is bundled");
    let mut frame = Frame::default();
    let next = source
        .next(&mut frame, Duration::from_secs(10))
        .expect("it can be read");
    assert_eq!((next, frame.format), (Next::Frame, PixelFormat::I420));
    frame
}

/// BT.601, video range: what the demo's encoder is given.
fn rgb(frame: &Frame) -> Vec<u8> {
    let (w, h, stride) = (frame.width as usize, frame.height as usize, frame.stride);
    let half = stride.div_ceil(2);
    let u_at = stride * h;
    let v_at = u_at + half * h.div_ceil(2);
    let mut out = Vec::with_capacity(w * h * 3);
    for y in 0..h {
        for x in 0..w {
            let c = (y / 2) * half + x / 2;
            let luma = 1.164 * (f32::from(frame.data[y * stride + x]) - 16.0);
            let u = f32::from(frame.data[u_at + c]) - 128.0;
            let v = f32::from(frame.data[v_at + c]) - 128.0;
            for value in [
                luma + 1.596 * v,
                luma - 0.392 * u - 0.813 * v,
                luma + 2.017 * u,
            ] {
                out.push(value.clamp(0.0, 255.0) as u8);
            }
        }
    }
    out
}

fn png(frame: &Frame, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, frame.width, frame.height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("memory takes everything");
    writer
        .write_image_data(pixels)
        .expect("memory takes everything");
    writer.finish().expect("memory takes everything");
    file
}
