//! Rendered films of people who cross, and what became of their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use render::scenario::{Kind, Painter, People, Plan, Shot};
use render::scene::Picture;
use render::truth::Truth;
use vision::{Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime, SeenFace};

/// How long a face may be away and must have its id when it comes back.
const SHORT_NS: u64 = 1_000_000_000;

/// What one film came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// People in it.
    pub people: usize,
    /// Pictures.
    pub frames: usize,
    /// Times that someone was seen who had not been for a tenth of a second and more.
    pub returns: usize,
    /// Times that a person was seen under an id that had been someone else's.
    pub swaps: usize,
    /// Times that a person got a new id after being away for up to a second.
    pub renamed: usize,
    /// The same after being away for longer.
    pub renamed_later: usize,
    /// Faces listed where nobody's face is.
    pub nobody: usize,
    /// Of the pictures in which a person's eyes are free and the face at least 60 pixels
    /// wide: the share in which they are listed.
    pub listed: f64,
    /// The longest that such a face was not measured, ns.
    pub oldest_ns: u64,
    /// Which ids each person had.
    pub ids: Vec<Vec<u32>>,
}

/// Perceiver for films of `plan`.
pub fn perceiver(hfov_deg: f64) -> Perceiver {
    let runtime = Runtime::load(None).expect("ONNX Runtime; make setup fetches it");
    let store = ModelStore::open(None).expect("the networks of this repository");
    let config = PerceiverConfig {
        hfov_deg,
        ..PerceiverConfig::default()
    };
    Perceiver::new(&runtime, &store, config).expect("sound networks")
}

/// Draws these pictures of film number `film` of a plan and follows everybody.
pub fn run(seed: u64, film: usize, size: (u32, u32), frames: Range<usize>) -> Outcome {
    let plan = Plan {
        size: Some(size),
        ..Plan::new(Kind::Crowd, seed)
    };
    let (length, _) = plan.lengths();
    let shots = frames.map(|n| plan.shot(film * length + n.min(length - 1)));
    follow(shots.collect())
}

/// Draws shots of one sitting and follows everybody in them.
pub fn follow(shots: Vec<Shot>) -> Outcome {
    let mut painter = Painter::new(Arc::new(People::new(4)));
    let i = shots[0].camera().intrinsics;
    let hfov = 2.0 * (i.cx / i.fx).atan().to_degrees();
    let mut perceiver = perceiver(hfov);
    let (mut picture, mut frame) = (Picture::default(), Frame::default());
    let start = shots[0].timestamp_ms;
    let mut tally = Tally::new(shots[0].people.len());
    for shot in &shots {
        let truths = painter.paint(shot, &mut picture);
        frame.reset(picture.width, picture.height, PixelFormat::Rgb8);
        frame.data.copy_from_slice(&picture.rgb);
        frame.index += 1;
        frame.captured_ns = 1_000_000_000 + (shot.timestamp_ms - start) * 1_000_000;
        let found = perceiver.perceive(&frame);
        let faces: Vec<SeenFace> = found.faces().copied().collect();
        tally.take(frame.captured_ns, &faces, &truths, i.fx);
    }
    tally.outcome()
}

/// What is counted while a film runs.
struct Tally {
    /// For each person: ids, and when seen last.
    ids: Vec<Vec<u32>>,
    seen_ns: Vec<Option<u64>>,
    owner: BTreeMap<u32, usize>,
    strangers: BTreeSet<u32>,
    free: usize,
    listed: usize,
    free_since: Vec<Option<u64>>,
    out: Outcome,
}

impl Tally {
    fn new(people: usize) -> Tally {
        Tally {
            ids: vec![Vec::new(); people],
            seen_ns: vec![None; people],
            owner: BTreeMap::new(),
            strangers: BTreeSet::new(),
            free: 0,
            listed: 0,
            free_since: vec![None; people],
            out: Outcome {
                people,
                ..Outcome::default()
            },
        }
    }

    fn take(&mut self, now: u64, faces: &[SeenFace], truths: &[Truth], fx: f64) {
        self.out.frames += 1;
        for face in faces.iter().filter(|f| f.measured_ns == now) {
            match whose(face, truths, fx) {
                Some(person) => self.seen(person, face.id, now),
                // Once for each id: it may stay for many pictures.
                None => {
                    if self.strangers.insert(face.id) {
                        self.out.nobody += 1;
                    }
                }
            }
        }
        for (person, truth) in truths.iter().enumerate() {
            let width = 150.0 * fx / truth.head_mm.z;
            let free = truth.visible.iter().all(|v| *v > 0.3) && width >= 60.0;
            if !free {
                self.free_since[person] = None;
                continue;
            }
            let since = *self.free_since[person].get_or_insert(now);
            self.free += 1;
            let face = (faces.iter()).find(|f| self.ids[person].last() == Some(&f.id));
            self.listed += usize::from(face.is_some());
            let measured = face.map_or(0, |f| f.measured_ns).max(since);
            self.out.oldest_ns = self.out.oldest_ns.max(now - measured);
        }
    }

    fn seen(&mut self, person: usize, id: u32, now: u64) {
        let away = self.seen_ns[person].replace(now).map(|t| now - t);
        self.out.returns += usize::from(away.is_some_and(|a| a > 200_000_000));
        if self.ids[person].last() == Some(&id) {
            return;
        }
        if self.owner.get(&id).is_some_and(|o| *o != person) {
            self.out.swaps += 1;
        } else if let Some(away) = away {
            if away <= SHORT_NS {
                self.out.renamed += 1;
            } else {
                self.out.renamed_later += 1;
            }
        }
        self.owner.insert(id, person);
        self.ids[person].push(id);
    }

    fn outcome(mut self) -> Outcome {
        self.out.listed = self.listed as f64 / self.free.max(1) as f64;
        self.out.ids = self.ids;
        self.out
    }
}

/// Whose face it is: the one whose eyes are in the upper half of its box and whose depth
/// fits its size.
fn whose(face: &SeenFace, truths: &[Truth], fx: f64) -> Option<usize> {
    let b = &face.bbox;
    let fit = |t: &Truth| {
        let eyes = nalgebra::center(&t.centre_px[0], &t.centre_px[1]);
        let x = (eyes.x - f64::from(b.x)) / f64::from(b.width) - 0.5;
        let y = (eyes.y - f64::from(b.y)) / f64::from(b.height) - 0.35;
        let size = f64::from(b.height) / (170.0 * fx / t.head_mm.z);
        (x.hypot(y) < 0.4 && (0.6..1.6).contains(&size)).then(|| x.hypot(y) + size.ln().abs())
    };
    (0..truths.len())
        .filter_map(|i| Some((i, fit(&truths[i])?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(i, _)| i)
}
