//! Eye crops on the portrait, by the expected landmarks, without a network.

mod common;

use common::portrait;
use gaze::landmarks::{COUNT, Landmarks};
use vision::{CropColour, EyeCropSpec, EyeCropper, Frame, eye_regions};

fn landmarks() -> Landmarks {
    let text = include_str!("data/astronaut_landmarks.json");
    let all: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let rows = all["landmarks"].as_array().expect("a list");
    assert_eq!(rows.len(), COUNT);
    std::array::from_fn(|i| [0, 1, 2].map(|k| rows[i][k].as_f64().expect("a number") as f32))
}

fn cut(frame: &Frame, lm: &Landmarks, spec: EyeCropSpec) -> [Vec<f32>; 2] {
    let [mut left, mut right] = [(); 2].map(|()| vec![0.0; spec.len()]);
    assert!(EyeCropper::new(spec).cut(frame, lm, &mut left, &mut right));
    [left, right]
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

#[test]
fn a_crop_is_square_about_the_eye_and_level() {
    let lm = landmarks();
    let [left, right] = eye_regions(&lm, 1.8);
    // The eyes of the portrait by its detector: (205, 100) and (249, 108), a few pixels off.
    assert!((left.x - 205.0).hypot(left.y - 100.5) < 6.0, "{left:?}");
    assert!((right.x - 249.0).hypot(right.y - 108.4) < 6.0, "{right:?}");
    let slope = (right.y - left.y).atan2(right.x - left.x);
    assert!(left.roll == right.roll && (left.roll - slope).abs() < 1e-6 && slope > 0.03);
    for (region, corners) in [(left, [33, 133]), (right, [263, 362])] {
        let [a, b] = corners.map(|i: usize| lm[i]);
        let width = (a[0] - b[0]).hypot(a[1] - b[1]);
        assert!((region.size / width - 1.8).abs() < 1e-4);
        // Both corners on the middle line or near it, either side alike.
        let [p, q] = [a, b].map(|c| region.from_image([c[0], c[1]]));
        assert!((p[0] + q[0] - 1.0).abs() < 1e-3 && (p[1] + q[1] - 1.0).abs() < 1e-3);
        assert!((p[1] - 0.5).abs() < 0.1, "{p:?}");
    }
}

/// The eye is the same whichever way the camera was held: picture and landmarks
/// turned by a quarter give the same crop.
#[test]
fn turning_the_picture_does_not_turn_the_crop() {
    let (frame, lm) = (portrait(), landmarks());
    let side = frame.width as usize;
    let mut turned = frame.clone();
    for (i, pixel) in turned.data.chunks_exact_mut(3).enumerate() {
        // Clockwise: what was at (x, y) is now at (side - 1 - y, x).
        let (x, y) = (i % side, i / side);
        let from = ((side - 1 - x) * side + y) * 3;
        pixel.copy_from_slice(&frame.data[from..from + 3]);
    }
    let turned_lm = lm.map(|[x, y, z]| [side as f32 - y, x, z]);
    let spec = EyeCropSpec::default();
    let (plain, turned) = (cut(&frame, &lm, spec), cut(&turned, &turned_lm, spec));
    for eye in 0..2 {
        assert!(difference(&plain[eye], &turned[eye]) < 0.1);
    }
    assert!(
        difference(&plain[0], &plain[1]) > 10.0,
        "two eyes are not one picture"
    );
}

#[test]
fn colours_bytes_and_sizes_of_a_crop_agree() {
    let (frame, lm) = (portrait(), landmarks());
    for size in [48, 96] {
        let of = |colour| EyeCropSpec {
            size,
            scale: 1.8,
            colour,
        };
        let area = size * size;
        let rgb = &cut(&frame, &lm, of(CropColour::Rgb))[0];
        let bgr = &cut(&frame, &lm, of(CropColour::Bgr))[0];
        let gray = &cut(&frame, &lm, of(CropColour::Gray))[0];
        assert_eq!((rgb.len(), gray.len()), (3 * area, area));
        assert_eq!(
            (&rgb[..area], &rgb[2 * area..]),
            (&bgr[2 * area..], &bgr[..area])
        );
        for i in 0..area {
            let luma = 0.299 * rgb[i] + 0.587 * rgb[area + i] + 0.114 * rgb[2 * area + i];
            assert!((gray[i] - luma).abs() < 1e-3);
        }
        // In the middle the dark iris, at the sides the bright white or skin.
        let mean = |from: usize, to: usize| {
            let rows = size * 9 / 20..size * 11 / 20;
            let values =
                rows.flat_map(|r| &gray[r * size + size * from / 20..r * size + size * to / 20]);
            let (sum, count) = values.fold((0.0, 0), |(s, n), v| (s + v, n + 1));
            sum / count as f32
        };
        assert!(
            mean(9, 11) + 40.0 < mean(0, 3),
            "{} {}",
            mean(9, 11),
            mean(0, 3)
        );

        let spec = of(CropColour::Gray);
        let [mut left, mut right] = [(); 2].map(|()| vec![0u8; spec.len()]);
        assert!(EyeCropper::new(spec).cut_bytes(&frame, &lm, &mut left, &mut right));
        assert!(
            left.iter()
                .zip(gray)
                .all(|(b, v)| f32::from(*b) == v.round())
        );
    }
}

#[test]
fn an_eye_outside_the_picture_is_not_cut() {
    let (frame, lm) = (portrait(), landmarks());
    let away = lm.map(|[x, y, z]| [x + 2000.0, y, z]);
    let spec = EyeCropSpec::default();
    let mut out = [(); 2].map(|()| vec![7.0; spec.len()]);
    let [left, right] = &mut out;
    assert!(!EyeCropper::new(spec).cut(&frame, &away, left, right));
    assert_eq!(left[0], 7.0);
}
