//! Which face is the primary one while people come and go, with portraits pasted
//! into a picture.

#[path = "common/linear.rs"]
mod linear;

use std::path::Path;

use linear::{Linear, constant};
use vision::gaze_net::{Contract, GazeNet, Kind};
use vision::{
    CropColour, EyeCropSpec, Face, Findings, Frame, GazeKind, Looker, ModelStore, Perceiver,
    PerceiverConfig, PixelFormat, Runtime, SessionOptions,
};

const FRAME_NS: u64 = 33_000_000;

struct Scene {
    portrait: image::RgbImage,
    frame: Frame,
}

impl Scene {
    fn new() -> Scene {
        let path = vision::cache_folder().join("portrait/astronaut.png");
        let portrait = image::open(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; run scripts/fetch-portrait.sh", path.display()))
            .into_rgb8();
        Scene {
            portrait,
            frame: Frame::default(),
        }
    }

    /// The next frame: the portrait's upper middle, 220 pixels of it, at each
    /// place (left edge) in a size of so many pixels.
    fn show(&mut self, people: &[(usize, usize)]) -> &Frame {
        let (index, captured) = (self.frame.index + 1, self.frame.captured_ns + FRAME_NS);
        self.frame.reset(800, 450, PixelFormat::Rgb8);
        (self.frame.index, self.frame.captured_ns) = (index, captured);
        self.frame.data.fill(120);
        self.frame.data[1] = index as u8; // not frozen
        for &(left, size) in people {
            for (y, x) in (0..size).flat_map(|y| (0..size).map(move |x| (y, x))) {
                let at = |v: usize| (v * 220 / size) as u32;
                let from = self.portrait.get_pixel(at(x) + 115, at(y) + 10).0;
                let to = ((y + 10) * 800 + x + left) * 3;
                self.frame.data[to..to + 3].copy_from_slice(&from);
            }
        }
        &self.frame
    }
}

fn perceiver() -> Perceiver {
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    let store = ModelStore::open(None).expect("the networks");
    Perceiver::new(&runtime, &store, PerceiverConfig::default()).expect("they load")
}

/// Shows the same people for a number of frames; the primary face's id in each.
fn ids(
    perceiver: &mut Perceiver,
    scene: &mut Scene,
    people: &[(usize, usize)],
    frames: usize,
) -> Vec<u32> {
    (0..frames)
        .map(|_| {
            perceiver
                .perceive(scene.show(people))
                .primary()
                .map_or(0, |f| f.id)
        })
        .collect()
}

#[test]
fn before_an_empty_chair_it_looks_seldom_and_whoever_comes_is_found_and_measured_alike() {
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    let store = ModelStore::open(None).expect("the networks");
    let config = PerceiverConfig {
        search_every_ns: 90_000_000,
        ..PerceiverConfig::default()
    };
    let mut seldom = Perceiver::new(&runtime, &store, config).expect("they load");
    let (mut always, mut scene) = (perceiver(), Scene::new());
    let mut searches = |p: &mut Perceiver, people: &[(usize, usize)], frames: usize| {
        let mut looked = |_| p.perceive(scene.show(people)).times.detect_ns > 0;
        (0..frames).map(&mut looked).filter(|l| *l).count()
    };
    assert_eq!(searches(&mut always, &[], 60), 60);
    // A second of every frame, then every third.
    assert_eq!(searches(&mut seldom, &[], 31), 31);
    assert!(!always.is_resting());
    assert_eq!(searches(&mut seldom, &[], 30), 10);
    assert!(seldom.is_resting());
    let person = [(260, 280)];
    let mut found = None;
    for n in 0..12 {
        let frame = scene.show(&person);
        let often = always.perceive(frame).primary().map(|f| f.landmarks);
        let now = seldom.perceive(frame).primary().map(|f| f.landmarks);
        assert!(often.is_some(), "frame {n}");
        if let (Some(often), Some(now)) = (often, now) {
            found.get_or_insert(n);
            let apart = |(a, b): (&[f32; 3], &[f32; 3])| (a[0] - b[0]).hypot(a[1] - b[1]);
            let mean = often.iter().zip(&now).map(apart).sum::<f32>() / often.len() as f32;
            // What is followed depends a little on where it was before, for either.
            assert!(n < 6 || mean < 0.6, "{mean} pixels apart in frame {n}");
        }
    }
    assert!(found.is_some_and(|n| n < 3), "{found:?}");
    assert!(!seldom.is_resting());
    // Who has left is looked for in every frame at first.
    seldom.perceive(scene.show(&[]));
    let mut looked = |_| seldom.perceive(scene.show(&[])).times.detect_ns > 0;
    assert!((0..20).all(&mut looked));
}

#[test]
fn a_steady_face_is_seen_by_the_network_in_every_second_or_third_frame_and_measured_alike() {
    measured_alike_with(2);
    measured_alike_with(3);
}

fn measured_alike_with(landmarks_every: u32) {
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    let store = ModelStore::open(None).expect("the networks");
    let config = PerceiverConfig {
        landmarks_every,
        ..PerceiverConfig::default()
    };
    let mut some = Perceiver::new(&runtime, &store, config).expect("they load");
    let (mut all, mut scene) = (perceiver(), Scene::new());
    // Where the network saw it, in frames of a person who slides to the right.
    let mut looks = |left: &dyn Fn(usize) -> usize, frames: usize| {
        let mut seen = Vec::new();
        for n in 0..frames {
            let frame = scene.show(&[(left(n), 280)]);
            let every = all.perceive(frame).primary().expect("a face").landmarks;
            let found = some.perceive(frame);
            let now = found.primary().expect("a face");
            assert_eq!(now.measured_ns, frame.captured_ns);
            let apart = |(a, b): (&[f32; 3], &[f32; 3])| (a[0] - b[0]).hypot(a[1] - b[1]);
            let pairs = every.iter().zip(&now.landmarks);
            let mean = pairs.map(apart).sum::<f32>() / every.len() as f32;
            assert!(mean < 0.7, "{mean} pixels apart in frame {n}");
            assert!(now.eyes.open == [true; 2] && now.gaze.is_some());
            seen.push(found.times.landmark_ns > 0);
        }
        seen
    };
    let in_turn = |seen: &[bool]| {
        let turns = seen.windows(landmarks_every as usize);
        turns
            .into_iter()
            .all(|w| w.iter().filter(|s| **s).count() == 1)
    };
    looks(&|_| 260, 10);
    let still = looks(&|_| 260, 20);
    assert!(in_turn(&still), "{still:?}");
    let slowly = looks(&|n| 260 + n, 20);
    assert!(in_turn(&slowly), "{slowly:?}");
    // A head that moves by a tenth of its width from frame to frame is none to be moved.
    let fast = looks(&|n| 280 + 12 * n, 10);
    assert!(fast[1..].iter().all(|seen| *seen), "{fast:?}");
}

#[test]
fn the_followed_face_stays_until_a_much_nearer_one_stays() {
    let (mut p, mut scene) = (perceiver(), Scene::new());
    let far = (20, 260);
    assert!(
        ids(&mut p, &mut scene, &[far], 20)
            .iter()
            .all(|id| *id == 1)
    );
    // Another like it: seen, listed under an id of its own, not followed.
    let alike = (480, 290);
    assert!(
        ids(&mut p, &mut scene, &[far, alike], 60)
            .iter()
            .all(|id| *id == 1)
    );
    let listed: Vec<_> = p
        .perceive(scene.show(&[far, alike]))
        .faces()
        .map(|f| f.id)
        .collect();
    assert_eq!(listed, [1, 2]);
    // Someone near: a second or two later that is the one, and stays it.
    let near = (340, 430);
    let seen = ids(&mut p, &mut scene, &[far, near], 90);
    let change = seen
        .iter()
        .position(|id| *id != 1)
        .expect("the nearer face takes over");
    assert!((20..75).contains(&change), "after {change} frames");
    let newest = seen[change];
    assert!(
        newest > 1 && seen[change..].iter().all(|id| *id == newest),
        "{seen:?}"
    );
    let last = p.perceive(scene.show(&[far, near]));
    let primary = last.primary().expect("followed");
    assert!(primary.bbox.x > 340.0 && last.faces().count() == 2);
}

#[test]
fn beside_somebody_alone_newcomers_are_looked_for_less_often_and_found_soon_all_the_same() {
    let (mut p, mut scene) = (perceiver(), Scene::new());
    let one = (20, 260);
    let looks = |p: &mut Perceiver, scene: &mut Scene, frames: usize| {
        let mut looked = |_| p.perceive(scene.show(&[one])).times.others_ns > 0;
        (0..frames).map(&mut looked).filter(|l| *l).count()
    };
    // In frames of 33 ms every fourth; after two seconds every seventh.
    assert_eq!(looks(&mut p, &mut scene, 60), 14);
    looks(&mut p, &mut scene, 7);
    assert_eq!(looks(&mut p, &mut scene, 56), 8);
    // Whenever somebody comes, the whole picture is looked at within half a second, and who is
    // beside another face is listed when a few looks more have shown the same.
    for wait in [0, 5, 10] {
        looks(&mut p, &mut scene, wait);
        let shown = |p: &mut Perceiver, scene: &mut Scene| {
            let found = p.perceive(scene.show(&[one, (480, 290)]));
            found.faces().count() == 2
        };
        let found = (0..40).position(|_| shown(&mut p, &mut scene));
        assert!(found.is_some_and(|n| n < 22), "{found:?} after {wait}");
        // They are gone and forgotten.
        looks(&mut p, &mut scene, 110);
    }
}

#[test]
fn a_face_that_walks_keeps_its_id_and_one_that_goes_is_gone() {
    let (mut p, mut scene) = (perceiver(), Scene::new());
    for step in 0..30 {
        let found = p.perceive(scene.show(&[(10 + 15 * step, 300)]));
        assert_eq!(found.primary().map(|f| f.id), Some(1), "step {step}");
        // The search for it; looks for newcomers, every 100 ms, are another thing.
        assert_eq!(found.times.detect_ns > 0, step == 0, "step {step}");
        assert_eq!(found.times.others_ns > 0, step % 4 == 0 && step > 0);
    }
    let found = p.perceive(scene.show(&[]));
    assert!(found.primary().is_none() && found.faces().count() == 0);
}

#[test]
fn the_gaze_network_tells_where_the_others_look_too() {
    // It sees everybody look to one side, 30° from straight ahead.
    let spec = EyeCropSpec {
        size: 16,
        scale: 1.8,
        colour: CropColour::Gray,
    };
    let contract = Contract::ours(Kind::EyesPoseRay, &spec, &[0.0], &[1.0]);
    let aside = [0.5, 0.0, -0.866_025_4];
    let net = Linear::eyes(&contract, aside.map(constant).to_vec());
    let network = || {
        let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
        let bytes = net.onnx(&contract.to_metadata());
        let (name, options) = (Path::new("aside.onnx"), SessionOptions::default());
        let net = GazeNet::from_bytes(name, bytes, None, &runtime, &options).expect("sound");
        GazeKind::Network(Box::new(net))
    };
    let looks_aside = |face: &Face| {
        let way = face.gaze.expect("eyes are open").combined.direction;
        (way - nalgebra::Vector3::from(aside.map(f64::from))).norm() < 1e-3
    };
    let people = [(20, 260), (480, 290)];
    // Measured by the perceiver itself, and by a looker of its own on an errand.
    let (mut p, mut scene) = (perceiver(), Scene::new());
    ids(&mut p, &mut scene, &people, 20);
    let told = |p: &Perceiver| p.perception().others().iter().all(looks_aside);
    assert!(p.perception().others().len() == 1 && !told(&p));
    p.swap_gaze(network());
    ids(&mut p, &mut scene, &people, 10);
    assert!(told(&p));

    let config = PerceiverConfig {
        others_per_frame: 0,
        ..PerceiverConfig::default()
    };
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    let store = ModelStore::open(None).expect("the networks");
    let mut looker = Looker::new(&runtime, &store, &config).expect("they load");
    let mut p = Perceiver::new(&runtime, &store, config).expect("they load");
    looker.swap_gaze(network());
    let mut findings = Findings::default();
    for k in 0..20 {
        let frame = scene.show(&people);
        p.perceive(frame);
        looker.run(frame, &p.errand(frame), &mut findings);
        p.absorb(&mut findings);
        assert!(k < 10 || told(&p) && p.perception().others().len() == 1);
    }
    // Its primary face is told by geometry still.
    let primary = p.perception().primary().expect("followed");
    assert!(!looks_aside(primary));
}
