//! Signs and honesty on a real face: the portrait mirrored, turned, its eyes painted over.

mod common;

use common::portrait;
use vision::{Face, Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime};

fn perceiver() -> Perceiver {
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    let store = ModelStore::open(None).expect("the networks");
    Perceiver::new(&runtime, &store, PerceiverConfig::default()).expect("they load")
}

fn face(frame: &Frame) -> Face {
    perceiver()
        .perceive(frame)
        .primary()
        .expect("a face")
        .clone()
}

/// Each pixel of a new picture from a place in the old one (nearest; grey outside).
fn resampled(frame: &Frame, from: impl Fn(f64, f64) -> (f64, f64)) -> Frame {
    let (w, h) = (frame.width as usize, frame.height as usize);
    let mut out = frame.clone();
    for y in 0..h {
        for x in 0..w {
            let (sx, sy) = from(x as f64, y as f64);
            let (sx, sy) = (sx.round(), sy.round());
            let inside = sx >= 0.0 && sy >= 0.0 && sx < w as f64 && sy < h as f64;
            for c in 0..3 {
                out.data[(y * w + x) * 3 + c] = if inside {
                    frame.data[(sy as usize * w + sx as usize) * 3 + c]
                } else {
                    90
                };
            }
        }
    }
    out
}

fn near(what: &str, got: f64, want: f64, within: f64) {
    assert!(
        (got - want).abs() < within,
        "{what}: {got:.2}, expected {want:.2} ± {within}"
    );
}

#[test]
fn mirroring_negates_yaw_and_roll_and_keeps_pitch() {
    let frame = portrait();
    let width = f64::from(frame.width);
    let (seen, mirrored) = (
        face(&frame),
        face(&resampled(&frame, |x, y| (width - 1.0 - x, y))),
    );
    near("yaw", mirrored.head.yaw, -seen.head.yaw, 2.5);
    near("roll", mirrored.head.roll, -seen.head.roll, 2.0);
    near("pitch", mirrored.head.pitch, seen.head.pitch, 2.5);
    // She turns and tilts her head enough for a lost sign to show.
    assert!(seen.head.roll.abs() > 2.0 || seen.head.yaw.abs() > 3.0);
    // The network does not mirror its irises exactly; she looks into the camera, so
    // this tells that the gaze stays there (its sign: gaze's labelled frame).
    let gaze = |f: &Face| f.gaze.expect("open eyes").combined;
    near(
        "gaze yaw",
        gaze(&mirrored).yaw_deg(),
        -gaze(&seen).yaw_deg(),
        6.0,
    );
    near(
        "gaze pitch",
        gaze(&mirrored).pitch_deg(),
        gaze(&seen).pitch_deg(),
        4.0,
    );
}

#[test]
fn turning_the_picture_clockwise_adds_roll() {
    let frame = portrait();
    let seen = face(&frame);
    let [cx, cy] = [
        seen.bbox.x + seen.bbox.width / 2.0,
        seen.bbox.y + seen.bbox.height / 2.0,
    ]
    .map(f64::from);
    for degrees in [20.0f64, -20.0] {
        let (s, c) = degrees.to_radians().sin_cos();
        // Where a pixel comes from when the picture is turned clockwise (y is down).
        let turned = resampled(&frame, |x, y| {
            let (dx, dy) = (x - cx, y - cy);
            (cx + c * dx + s * dy, cy - s * dx + c * dy)
        });
        let roll = face(&turned).head.roll;
        near("roll", roll - seen.head.roll, degrees, 2.5);
    }
}

#[test]
fn eyes_painted_over_are_not_open_though_the_network_draws_them() {
    let frame = portrait();
    let seen = face(&frame);
    assert_eq!(seen.eyes.open, [true; 2], "{:?}", seen.look);
    assert!(seen.gaze.is_some());
    let (left, right) = (seen.eyes.centre_px[0], seen.eyes.centre_px[1]);
    let between = (right - left).norm();
    let middle = nalgebra::center(&left, &right);
    let width = frame.width as usize;
    let cheek = ((left.y + 0.7 * between) as usize * width + left.x as usize) * 3;
    let skin: [u8; 3] = frame.data[cheek..cheek + 3].try_into().expect("three");
    for colour in [skin, [12, 12, 12]] {
        let mut covered = frame.clone();
        for (i, pixel) in covered.data.chunks_exact_mut(3).enumerate() {
            let (x, y) = ((i % width) as f64, (i / width) as f64);
            if (x - middle.x).abs() < 1.1 * between && (y - middle.y).abs() < 0.35 * between {
                pixel.copy_from_slice(&colour);
            }
        }
        let mut perceiver = perceiver();
        if let Some(face) = perceiver.perceive(&covered).primary() {
            assert_eq!(face.eyes.open, [false; 2], "{colour:?}: {:?}", face.look);
            assert!(face.gaze.is_none());
        }
    }
}

#[test]
fn darkness_ends_a_face_that_was_followed() {
    let mut frame = portrait();
    let mut perceiver = perceiver();
    for i in 0..5 {
        frame.index = i;
        frame.captured_ns = i * 33_000_000;
        frame.data[i as usize] ^= 1;
        assert!(perceiver.perceive(&frame).primary().is_some());
    }
    frame.data.fill(3);
    frame.captured_ns += 33_000_000;
    let found = perceiver.perceive(&frame);
    assert!(found.primary().is_none() && found.faces().count() == 0);
}

#[test]
fn senseless_frames_are_said_and_the_largest_is_measured() {
    let mut perceiver = perceiver();
    let mut frame = portrait();
    assert!(perceiver.perceive(&frame).primary().is_some());
    frame.data.pop();
    let found = perceiver.perceive(&frame);
    assert!(found.unsound && found.primary().is_none() && found.faces().count() == 0);
    for (width, height) in [(0, 0), (640, 0), (vision::MAX_SIDE + 1, 1)] {
        frame.reset(width, height, PixelFormat::Nv12);
        let found = perceiver.perceive(&frame);
        assert!(
            found.unsound && found.primary().is_none(),
            "{width} × {height}"
        );
    }
    // The portrait in the middle of 8K, six times as large and as smooth: in blocks its
    // irises' edges would lie a quarter of a radius apart.
    let small = portrait();
    frame.reset(7680, 4320, PixelFormat::Rgb8);
    frame.data.fill(90);
    // Two neighbours and twelfths of the second.
    let between = |at: usize| match (2 * at + 1).saturating_sub(6) {
        far if far / 12 < 511 => (far / 12, far / 12 + 1, far % 12),
        _ => (511, 511, 0),
    };
    for y in 0..3072 {
        let (above, below, down) = between(y);
        for x in 0..3072 {
            let (left, right, across) = between(x);
            let to = ((y + 600) * 7680 + x + 2300) * 3;
            for c in 0..3 {
                let v = |y: usize, x: usize| usize::from(small.data[(y * 512 + x) * 3 + c]);
                let row = |y: usize| v(y, left) * (12 - across) + v(y, right) * across;
                frame.data[to + c] = ((row(above) * (12 - down) + row(below) * down) / 144) as u8;
            }
        }
    }
    // It fills a fourteenth of the width: the closer looks in turns must reach it.
    let seen = (0..3).any(|_| perceiver.perceive(&frame).primary().is_some());
    assert!(seen);
    let face = perceiver
        .perceive(&frame)
        .primary()
        .expect("followed")
        .clone();
    let small = self::face(&small);
    for eye in 0..2 {
        let (seen, there) = (face.eyes.iris_px[eye], small.eyes.iris_px[eye]);
        near("x", (seen.x - 2300.0) / 6.0, there.x, 1.0);
        near("y", (seen.y - 600.0) / 6.0, there.y, 1.0);
    }
}
