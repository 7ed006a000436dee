//! Rendered people who look into the lens, near it, and away: what is measured of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use gaze::contact::ContactLook;
use render::scenario::{CONTACT_DEG, Kind, Painter, People, Plan, Shot, lens_angle_deg};
use render::scene::Picture;
use render::truth::Truth;
use vision::gaze_net::{EyeView, GazeNet, NetGaze};
use vision::{
    Errand, Findings, Frame, Looker, ModelStore, PerceiverConfig, PixelFormat, Region, Runtime,
    SessionOptions, Wanted, next_region,
};

/// One picture of one person.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    /// What was measured; `None`: no face, or its gaze cannot be told.
    pub look: Option<ContactLook>,
    /// The true angle between the line of sight and the line to the lens, degrees.
    pub lens_deg: f64,
    /// From the camera to the eyes.
    pub distance_mm: f64,
    /// Whether glasses are worn.
    pub glasses: bool,
    /// Mean of the eight-bit green about the eyes.
    pub brightness: f64,
}

impl Looked {
    /// Whether the person truly looks into the lens.
    pub fn contact(&self) -> bool {
        self.lens_deg <= CONTACT_DEG
    }
}

/// Draws these pictures of the scenario `kind` (1280 × 720) and measures them, on every core. The face is looked for where it is, as after a detector: this is about eyes. A
/// gaze network tells the lines of sight, if one is given.
///
/// # Panics
/// When ONNX Runtime or the networks are missing: `make setup`.
pub fn look(
    kind: Kind,
    seed: u64,
    pictures: std::ops::Range<usize>,
    network: Option<&Path>,
) -> Vec<Looked> {
    let plan = Plan::new(kind, seed);
    let (length, _) = plan.lengths();
    // Whole sittings, so that people and rooms are made once.
    let blocks: Vec<_> = pictures.clone().step_by(length).collect();
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(usize, Vec<Looked>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores.min(blocks.len()))
            .map(|_| {
                scope.spawn(|| {
                    let (mut mine, mut studio) = (Vec::new(), Studio::new(network));
                    while let Some(first) = blocks.get(next.fetch_add(1, Relaxed)) {
                        let last = (first + length).min(pictures.end);
                        let shots = (*first..last).map(|n| plan.shot(n));
                        mine.push((*first, shots.map(|s| studio.show(&s)).collect()));
                    }
                    mine
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().expect("no block panics"))
            .collect()
    });
    done.sort_by_key(|(first, _)| *first);
    done.into_iter().flat_map(|(_, looks)| looks).collect()
}

/// Draws and measures on one core.
struct Studio {
    people: Arc<People>,
    painter: Painter,
    picture: Picture,
    frame: Frame,
    runtime: Runtime,
    store: ModelStore,
    /// Of the camera with this field of view.
    looker: Option<(f64, Looker)>,
    findings: Findings,
    network: Option<GazeNet>,
}

impl Studio {
    fn new(network: Option<&Path>) -> Studio {
        let runtime = Runtime::load(None).expect("ONNX Runtime; make setup fetches it");
        let options = SessionOptions::default();
        let open = |file| GazeNet::open(file, None, &runtime, &options).expect("a gaze network");
        let network = network.map(open);
        let people = Arc::new(People::new(4));
        Studio {
            painter: Painter::new(people.clone()),
            people,
            picture: Picture::default(),
            frame: Frame::default(),
            runtime,
            network,
            store: ModelStore::open(None).expect("the networks of this repository"),
            looker: None,
            findings: Findings::default(),
        }
    }

    fn show(&mut self, shot: &Shot) -> Looked {
        let truth = self.painter.paint(shot, &mut self.picture).remove(0);
        let camera = shot.camera().intrinsics;
        let Picture { width, height, rgb } = &self.picture;
        self.frame.reset(*width, *height, PixelFormat::Rgb8);
        self.frame.data.copy_from_slice(rgb);
        self.frame.captured_ns = 1 + shot.index as u64;
        let hfov_deg = 2.0 * (camera.cx / camera.fx).atan().to_degrees();
        if self
            .looker
            .as_ref()
            .is_none_or(|(hfov, _)| *hfov != hfov_deg)
        {
            let config = PerceiverConfig {
                hfov_deg,
                ..PerceiverConfig::default()
            };
            let looker = Looker::new(&self.runtime, &self.store, &config).expect("sound networks");
            self.looker = Some((hfov_deg, looker));
        }
        Looked {
            look: self.measure(&truth, camera.fx),
            lens_deg: lens_angle_deg(&truth),
            distance_mm: truth.head_mm.norm(),
            glasses: self.people.get(shot.people[0]).glasses.is_some(),
            brightness: self.brightness(&truth),
        }
    }

    fn measure(&mut self, truth: &Truth, fx: f64) -> Option<ContactLook> {
        let [left, right] = truth.centre_px;
        let eyes = nalgebra::center(&left, &right);
        let size = (150.0 * fx / truth.head_mm.z) as f32;
        let mut region = Region {
            x: eyes.x as f32,
            y: eyes.y as f32 + 0.2 * size,
            size: 1.7 * size,
            roll: (right.y - left.y).atan2(right.x - left.x) as f32,
        };
        let (_, looker) = self.looker.as_mut()?;
        let mut look = None;
        // From where it was found once more, as a face that is followed.
        for _ in 0..2 {
            let mut errand = Errand::default();
            errand.wanted[0] = Some(Wanted { id: 1, region });
            looker.run(&self.frame, &errand, &mut self.findings);
            let face = self.findings.faces().next()?;
            region = next_region(&face.landmarks);
            let width = f64::from(face.bbox.width);
            let (mut gaze, mut told_deg) = (face.gaze, None);
            if let (Some(net), Some(gaze)) = (&mut self.network, &mut gaze) {
                let view = EyeView::of(&face.landmarks, &face.head, &face.camera);
                let view = view.with_geometric(Some(&gaze.combined));
                let told = net.estimate(&self.frame, &face.landmarks, &view);
                if let Ok(Some(NetGaze::Ray(ray))) = told {
                    gaze.combined = ray;
                    told_deg = net.spread_deg();
                }
            }
            look = ContactLook::of(gaze.as_ref(), &face.head, width, told_deg);
        }
        look
    }

    fn brightness(&self, truth: &Truth) -> f64 {
        let [l, r] = truth.iris_px;
        let apart = (r - l).norm();
        let range = |from: f64, to: f64, size: u32| {
            let end = (to.max(0.0) as usize).min(size as usize);
            (from.max(0.0) as usize).min(end)..end
        };
        let (mut sum, mut n) = (0.0, 0.0);
        for y in range(
            l.y.min(r.y) - apart,
            l.y.max(r.y) + apart,
            self.picture.height,
        ) {
            for x in range(l.x - apart, r.x + apart, self.picture.width) {
                let i = 3 * (y * self.picture.width as usize + x) + 1;
                sum += f64::from(self.picture.rgb[i]);
                n += 1.0;
            }
        }
        sum / f64::max(n, 1.0)
    }
}
