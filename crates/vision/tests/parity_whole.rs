//! The portrait through our own picture code: detector, region, sampling, landmarks; against
//! what the original networks say (see `parity.rs`, where the crop is the original's too).

mod common;

use common::portrait;
use serde_json::Value;
use vision::{
    FaceDetector, Landmarker, ModelStore, Perceiver, PerceiverConfig, Region, Runtime,
    SessionOptions,
};

fn expected() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/astronaut_landmarks.json"
    );
    let text = std::fs::read_to_string(path).expect(path);
    serde_json::from_str(&text).expect(path)
}

fn number(v: &Value) -> f64 {
    v.as_f64().expect("a number")
}

fn region(v: &Value) -> Region {
    Region {
        x: number(&v["centre"][0]) as f32,
        y: number(&v["centre"][1]) as f32,
        size: number(&v["size"]) as f32,
        roll: number(&v["roll"]).to_radians() as f32,
    }
}

fn networks() -> (Runtime, ModelStore) {
    let runtime = Runtime::load(None).expect("ONNX Runtime");
    (runtime, ModelStore::open(None).expect("the networks"))
}

/// How far each of the 478 points is from where it should be, pixels.
fn distances(landmarks: &[[f32; 3]; 478]) -> Vec<f64> {
    let expected = expected();
    let off = |(got, want): (&[f32; 3], &Value)| {
        let [dx, dy] = [0, 1].map(|axis| f64::from(got[axis]) - number(&want[axis]));
        dx.hypot(dy)
    };
    let listed = expected["landmarks"].as_array().expect("a list");
    assert_eq!(listed.len(), landmarks.len());
    landmarks.iter().zip(listed).map(off).collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn our_sampling_moves_no_landmark() {
    let (runtime, store) = networks();
    let options = SessionOptions::default();
    let mut landmarker = Landmarker::new(&runtime, &store, &options).expect("a landmarker");
    let region = region(&expected()["region"]);
    let look = landmarker.look(&portrait(), &region).expect("it runs");
    let off = distances(look.landmarks);
    assert!(look.presence > 0.999, "presence {}", look.presence);
    assert!(largest(&off) < 0.1, "{} px off", largest(&off));
}

#[test]
fn the_detector_finds_the_same_face() {
    let (runtime, store) = networks();
    let options = SessionOptions::default();
    let mut detector = FaceDetector::new(&runtime, &store, &options, 0.5).expect("a detector");
    let expected = expected();
    let want = &expected["detector"];
    let found = detector
        .detect(&portrait(), &region(&want["region"]))
        .expect("it runs");
    assert_eq!(found.len(), 1, "one person, one face");
    let (face, size) = (&found[0], number(&want["box"]["width"]));
    let b = &face.bbox;
    for (got, name) in [
        (b.x, "left"),
        (b.y, "top"),
        (b.width, "width"),
        (b.height, "height"),
    ] {
        let off = (f64::from(got) - number(&want["box"][name])).abs() / size;
        assert!(off < 0.03, "{name} of the box off by {off} of its width");
    }
    for (i, got) in face.points.iter().enumerate() {
        let [dx, dy] = [0, 1].map(|axis| f64::from(got[axis]) - number(&want["points"][i][axis]));
        assert!(
            dx.hypot(dy) / size < 0.03,
            "point {i} off by {}",
            dx.hypot(dy) / size
        );
    }
}

/// Region after region: the first from the detector, the others from the landmarks before.
#[test]
fn the_whole_way_stays_at_the_same_landmarks() {
    let (runtime, store) = networks();
    let config = PerceiverConfig::default();
    let mut perceiver = Perceiver::new(&runtime, &store, config).expect("a perceiver");
    let mut frame = portrait();
    for number in 0..4 {
        frame.index = number;
        frame.captured_ns = number * 33_000_000;
        let found = perceiver.perceive(&frame);
        let face = found.primary().expect("a face");
        // The irises are moved from the network's place to where the pixels show them.
        let mut landmarks = face.landmarks;
        for (first, iris) in gaze::landmarks::IRIS_CENTRE.into_iter().zip(&face.irises) {
            let shift = iris.expect("an iris to be seen").shift_px;
            for point in &mut landmarks[first..first + 5] {
                point[0] -= shift[0];
                point[1] -= shift[1];
            }
        }
        let off = distances(&landmarks);
        // The first region is the original recipe's. The later ones are around landmarks and
        // larger: there the original network itself moves its points by half a pixel.
        let (largest, mean) = (largest(&off), mean(&off));
        let allowed = if number == 0 { (0.5, 0.2) } else { (4.0, 1.0) };
        assert!(
            largest < allowed.0 && mean < allowed.1,
            "frame {number}: {largest} px off, {mean} on average"
        );
    }
}
