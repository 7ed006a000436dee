//! Rendered people's eyes, drawn straight into a cache: no files, no networks.
//!
//! Heads are held however, whatever is looked at, so a network cannot take the head's way for the
//! eyes'. Crops follow the true corners of the eyes, off by about as much as landmarks are. Only what
//! crops show is kept, so small pictures of a narrow field do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gaze::landmarks::{COUNT, INNER_CORNER, Landmarks, OUTER_CORNER};
use gaze::screen::{CameraPlace, Screen};
use nalgebra::{Point2, Vector3};
use rayon::prelude::*;
use render::camera::Camera;
use render::identity::Identity;
use render::maths::{Rng, mix_seed};
use render::scenario::{Kind, Painter, People, Plan, Shot};
use render::scene::Picture;
use render::truth::{Pose, Truth};
use render::variety::Variety;
use vision::{EyeCropper, Frame, PixelFormat, eye_regions};

use crate::data::cache::{Cache, CacheHeader, CropSpec, Drawn, Session, ShownOn, SourceFile};
use crate::data::sample::Sample;

/// What the pictures span from side to side, so that a face fills them.
const HFOV_DEG: f64 = 34.0;
/// What a camera spans whose eyes are as wide in pixels, at [`Eyes::camera_px`].
const CAMERA_HFOV_DEG: f64 = 60.0;
/// Deviation of the corners that crops are cut by, pixels, each way.
const CORNER_NOISE: f32 = 0.3;
/// Looks of a person in one room.
const LOOKS_IN_A_ROOM: usize = 4;

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Eyes {
    /// Where all chance comes from.
    pub seed: u64,
    /// Number of the first person: the same number is the same person in every set of this seed.
    pub first: usize,
    /// How many people.
    pub persons: usize,
    /// Looks of each.
    pub looks: usize,
    /// What crops are like.
    pub crop: CropSpec,
    /// Eyes are as many pixels wide as a camera of 60° sees them whose pictures are so wide.
    pub camera_px: u32,
    /// How far the head turns at most each way: yaw, pitch, roll, degrees.
    pub turn_deg: [f64; 3],
    /// Diagonal of the 16:9 screen, inches; the camera is in its middle, 48 to 58 cm away.
    pub inches: f64,
}

impl Eyes {
    /// Heads turned as far as one still sees both eyes, a large screen, pictures of 640 pixels.
    pub fn new(seed: u64, persons: usize, looks: usize, crop: CropSpec) -> Eyes {
        Eyes {
            seed,
            first: 0,
            persons,
            looks,
            crop,
            camera_px: 640,
            turn_deg: [25.0, 15.0, 6.0],
            inches: 27.0,
        }
    }

    /// Width and height of the pictures that are drawn.
    fn size(&self) -> (u32, u32) {
        let tan = |deg: f64| libm::tan((deg / 2.0).to_radians());
        let width = f64::from(self.camera_px) * tan(HFOV_DEG) / tan(CAMERA_HFOV_DEG);
        let width = 4 * libm::round(width / 4.0) as u32;
        (width, width * 3 / 4)
    }

    fn screen(&self) -> Screen {
        let width_mm = self.inches * 25.4 * 16.0 / f64::hypot(16.0, 9.0);
        let height_mm = width_mm * 9.0 / 16.0;
        Screen {
            width_px: 1920,
            height_px: 1080,
            width_mm,
            height_mm,
            camera: CameraPlace {
                x_norm: 0.5,
                above_mm: -height_mm / 2.0,
                forward_mm: 0.0,
                tilt_deg: 0.0,
            },
        }
    }
}

/// Draws them on all cores. `done` is told how many people are ready, from any thread; where
/// `stop` turns true there is no cache.
pub fn draw(eyes: &Eyes, stop: &AtomicBool, done: &(dyn Fn(usize) + Sync)) -> Option<Cache> {
    let people = Arc::new(People::new(2));
    let ready = AtomicUsize::new(0);
    let each: Option<Vec<(Vec<Sample>, Vec<u8>)>> = (0..eyes.persons)
        .into_par_iter()
        .map(|person| {
            let drawn = (!stop.load(Ordering::Relaxed)).then(|| one_person(eyes, &people, person));
            if drawn.is_some() {
                done(ready.fetch_add(1, Ordering::Relaxed) + 1);
            }
            drawn
        })
        .collect();
    let (samples, crops): (Vec<_>, Vec<_>) = each?.into_iter().unzip();
    let (samples, crops) = (samples.concat(), crops.concat());
    Some(Cache::from_parts(header(eyes, &samples), samples, crops))
}

fn header(eyes: &Eyes, samples: &[Sample]) -> CacheHeader {
    let sitting = |person| Session {
        person,
        begins_ms: 0,
        ends_ms: 0,
    };
    let name = |person: usize| format!("person-{:04}", eyes.first + person);
    let plan = Plan::new(Kind::Random, eyes.seed);
    let drawn = |person| drawn(Variety::Usual, plan.person_seed(eyes.first + person));
    CacheHeader {
        schema: crate::data::cache::SCHEMA,
        crop: eyes.crop,
        settings: String::new(),
        json_eyes: false,
        hfov_deg: HFOV_DEG,
        folder: "rendered".into(),
        persons: (0..eyes.persons).map(name).collect(),
        drawn: (0..eyes.persons).map(|p| (name(p), drawn(p))).collect(),
        sessions: (0..eyes.persons as u16).map(sitting).collect(),
        targets: samples.iter().map(|s| s.target_norm).collect(),
        screens: vec![ShownOn {
            screen: eyes.screen(),
            measured: true,
            px_known: true,
        }],
        files: (0..samples.len())
            .map(|i| SourceFile {
                path: format!("{}/{}", name(i / eyes.looks), i % eyes.looks),
                hash: String::new(),
                picture: String::new(),
            })
            .collect(),
        skipped: vec![],
        samples: samples.len(),
    }
}

/// What the person of this seed looks like.
pub(super) fn drawn(variety: Variety, seed: u64) -> Drawn {
    let who = Identity::of(variety, seed);
    // Luminance of sRGB's primaries (IEC 61966-2-1), then CIE 1976 L*.
    let y = 0.2126 * who.skin.x + 0.7152 * who.skin.y + 0.0722 * who.skin.z;
    Drawn {
        glasses: who.glasses.is_some(),
        skin: 116.0 * libm::cbrtf(y) - 16.0,
    }
}

fn one_person(eyes: &Eyes, people: &Arc<People>, person: usize) -> (Vec<Sample>, Vec<u8>) {
    let number = eyes.first + person;
    let plan = Plan {
        size: Some(eyes.size()),
        ..Plan::new(Kind::Random, eyes.seed)
    };
    let mut rng = Rng::new(mix_seed(eyes.seed, 0xe7e5, number as u64));
    let mut painter = Painter::new(people.clone());
    let mut cutter = Cutter::new(&eyes.crop);
    let (mut picture, mut frame) = (Picture::default(), Frame::default());
    let (mut samples, mut crops) = (vec![], vec![]);
    for look in 0..eyes.looks {
        let shot = one_look(eyes, &plan, number, look, &mut rng);
        let truth = painter.paint(&shot, &mut picture).remove(0);
        frame.reset(picture.width, picture.height, PixelFormat::Rgb8);
        frame.data.copy_from_slice(&picture.rgb);
        let landmarks = corners(&truth, &mut rng);
        cutter.cut(&frame, &landmarks, &mut crops);
        let index = person * eyes.looks + look;
        samples.push(Sample {
            person: person as u16,
            session: person as u16,
            target: index as u16,
            file: index as u32,
            ..sample(&shot, &truth, &landmarks, eyes.size())
        });
    }
    (samples, crops)
}

/// Someone before the screen, the head held however, looking anywhere on it.
fn one_look(eyes: &Eyes, plan: &Plan, number: usize, look: usize, rng: &mut Rng) -> Shot {
    let room = look / LOOKS_IN_A_ROOM;
    let mut shot = plan.shot(20 * (100 * number + room));
    shot.people = vec![plan.person_seed(number)];
    let (width, height) = eyes.size();
    shot.setup.camera = Camera::from_fov(width, height, HFOV_DEG, 0.0);
    shot.setup.screen = eyes.screen();
    shot.moment.smear = [0.0; 2];
    let mut between = |lo: f64, hi: f64| f64::from(rng.range(lo as f32, hi as f32));
    shot.target = Point2::new(between(0.0, 1.0), between(0.0, 1.0));
    let head = eyes.turn_deg.map(|most| between(-most, most));
    let place = Vector3::new(
        between(-40.0, 40.0),
        between(-20.0, 20.0),
        between(480.0, 580.0),
    );
    shot.moment.frame = look as u64;
    shot.moment.poses = vec![Pose {
        target: shot.target_mm(),
        head,
        place,
        shut: 0.0,
        units: vec![],
    }];
    shot
}

/// Landmarks that hold only what crops are cut by.
fn corners(truth: &Truth, rng: &mut Rng) -> Box<Landmarks> {
    let mut landmarks: Box<Landmarks> = vec![[0.0; 3]; COUNT]
        .try_into()
        .expect("as many as there are");
    for (eye, seen) in truth.corners_px.iter().enumerate() {
        for (corner, at) in [OUTER_CORNER[eye], INNER_CORNER[eye]].into_iter().zip(seen) {
            let off = [(); 2].map(|()| CORNER_NOISE * rng.normal());
            landmarks[corner] = [at.x as f32 + off[0], at.y as f32 + off[1], 0.0];
        }
    }
    landmarks
}

fn sample(shot: &Shot, truth: &Truth, landmarks: &Landmarks, size: (u32, u32)) -> Sample {
    let small = |v: Vector3<f64>| <[f64; 3]>::from(v).map(|v| v as f32);
    let [l, r] = eye_regions(landmarks, 1.0);
    let [width, height] = [size.0, size.1].map(|v| v as f32);
    Sample {
        target_norm: [shot.target.x as f32, shot.target.y as f32],
        ray: Some(small((shot.target_mm() - truth.head_mm).normalize())),
        origin_mm: small(truth.head_mm),
        head_deg: truth.head.map(|v| v as f32),
        eye_position: [
            l.x / width,
            l.y / height,
            r.x / width,
            r.y / height,
            (r.x - l.x).hypot(r.y - l.y) / width,
        ],
        open: [true; 2],
        image_px: [size.0, size.1].map(|v| v as u16),
        ..Sample::default()
    }
}

/// Cuts crops as a cache keeps them: what the daemon would cut, in a margin.
struct Cutter {
    spec: CropSpec,
    exact: EyeCropper,
    wide: EyeCropper,
    cut: [Vec<u8>; 2],
    margin: [Vec<u8>; 2],
}

impl Cutter {
    fn new(spec: &CropSpec) -> Cutter {
        Cutter {
            spec: *spec,
            exact: EyeCropper::new(spec.exact()),
            wide: EyeCropper::new(spec.with_margin()),
            cut: [(); 2].map(|()| vec![0; spec.exact_len()]),
            margin: [(); 2].map(|()| vec![0; spec.wide_len()]),
        }
    }

    /// Both eyes' bytes behind those in `out`.
    fn cut(&mut self, frame: &Frame, landmarks: &Landmarks, out: &mut Vec<u8>) {
        let [l, r] = &mut self.cut;
        let exact = self.exact.cut_bytes(frame, landmarks, l, r);
        let [l, r] = &mut self.margin;
        let wide = self.wide.cut_bytes(frame, landmarks, l, r);
        assert!(exact && wide, "rendered eyes have a size");
        for (margin, cut) in self.margin.iter_mut().zip(&self.cut) {
            self.spec.set_middle(margin, cut);
            out.extend_from_slice(margin);
        }
    }
}
