//! The whole way of a frame: find the face, follow it, measure it.
//!
//! One face, the primary one, is followed by its landmarks: the region of the
//! next frame comes from the points of this one, so the detector rests. It runs
//! when there is no face to follow, and now and then to list newcomers.

use std::time::Instant;

use gaze::camera::{DEFAULT_HFOV_DEG, Intrinsics};
use gaze::landmarks::FACE_COUNT;

use crate::detector::{Detection, FaceDetector, MAX_DETECTIONS};
use crate::estimator::{GazeKind, by_one_eye, eyes_of, geometric};
use crate::eye_pixels::EyeInspector;
use crate::frame::Frame;
use crate::frozen::FrozenDetector;
use crate::iris::{IrisFinder, moved};
use crate::landmarker::{Landmarker, Look, next_region};
use crate::models::{ModelError, ModelStore};
use crate::perception::{Face, Perception, StageTimes};
use crate::region::{BBox, Region};
use crate::roster::Roster;
use crate::runtime::{Provider, Runtime};
use crate::session::SessionOptions;

/// How a [`Perceiver`] works.
#[derive(Debug, Clone, PartialEq)]
pub struct PerceiverConfig {
    /// The camera's horizontal field of view, degrees.
    pub hfov_deg: f64,
    /// Threads per network run, the caller's included.
    pub threads: usize,
    /// What runs the networks.
    pub provider: Provider,
    /// Detections below this probability are no faces.
    pub least_score: f32,
    /// A face is taken up at this probability of the landmark network …
    pub take_presence: f32,
    /// … and kept down to this one.
    pub keep_presence: f32,
    /// While a face is followed, newcomers are looked for this often, nanoseconds.
    pub detect_every_ns: u64,
    /// Equal frames in a row that make a frozen picture, if they also last …
    pub frozen_frames: u32,
    /// … this long, nanoseconds of capture time.
    pub frozen_ns: u64,
}

impl Default for PerceiverConfig {
    fn default() -> Self {
        PerceiverConfig {
            hfov_deg: DEFAULT_HFOV_DEG,
            threads: 1,
            provider: Provider::default(),
            least_score: 0.5,
            take_presence: 0.6,
            keep_presence: 0.4,
            detect_every_ns: 500_000_000,
            frozen_frames: 15,
            frozen_ns: 700_000_000,
        }
    }
}

/// Frames in, measurements out. After its first frames of a size it allocates nothing.
pub struct Perceiver {
    config: PerceiverConfig,
    detector: FaceDetector,
    landmarker: Landmarker,
    inspector: EyeInspector,
    irises: IrisFinder,
    gaze: GazeKind,
    frozen: FrozenDetector,
    roster: Roster,
    detections: Vec<Detection>,
    /// Where the followed face is looked for next.
    region: Option<Region>,
    detected_ns: Option<u64>,
    /// Which part of the picture gets the closer look next.
    glance: usize,
    /// Looks in a row that showed a much larger face than the followed one.
    rival_looks: u32,
    camera: Intrinsics,
    perception: Perception,
}

impl Perceiver {
    /// Loads the networks and makes every buffer.
    pub fn new(
        runtime: &Runtime,
        store: &ModelStore,
        config: PerceiverConfig,
    ) -> Result<Perceiver, ModelError> {
        let options = SessionOptions {
            threads: config.threads,
            provider: config.provider.clone(),
        };
        gaze::landmarks::canonical_face(); // parsed once, now and not at the first face
        Ok(Perceiver {
            detector: FaceDetector::new(runtime, store, &options, config.least_score)?,
            landmarker: Landmarker::new(runtime, store, &options)?,
            inspector: EyeInspector::new(),
            irises: IrisFinder::new(),
            gaze: GazeKind::Geometric,
            frozen: FrozenDetector::new(config.frozen_frames, config.frozen_ns),
            roster: Roster::new(),
            detections: Vec::with_capacity(2 * MAX_DETECTIONS),
            region: None,
            detected_ns: None,
            glance: 0,
            rival_looks: 0,
            camera: Intrinsics::from_fov(1280, 720, config.hfov_deg),
            perception: Perception::default(),
            config,
        })
    }

    /// SHA-256 of the network that the gaze is told from; of the landmarks' where it is
    /// told by geometry.
    pub fn network_hash(&self) -> &[u8; 32] {
        match &self.gaze {
            GazeKind::Geometric => self.landmarker.hash(),
            GazeKind::Network(net) => net.hash(),
        }
    }

    /// What that network is called.
    pub fn network_name(&self) -> &str {
        match &self.gaze {
            GazeKind::Geometric => gaze::geometric::NAME,
            GazeKind::Network(net) => net.name(),
        }
    }

    /// Lets something else tell the gaze from the next frame on; what did so until now is
    /// handed back, to be dropped where time is no matter. Allocates nothing.
    pub fn swap_gaze(&mut self, next: GazeKind) -> GazeKind {
        std::mem::replace(&mut self.gaze, next)
    }

    /// Forgets the face that is followed and all others, as when the source changes.
    pub fn reset(&mut self) {
        self.forget();
        self.glance = 0;
        self.frozen = FrozenDetector::new(self.config.frozen_frames, self.config.frozen_ns);
    }

    fn forget(&mut self) {
        self.region = None;
        self.detected_ns = None;
        self.rival_looks = 0;
        self.roster.clear();
    }

    /// Measures one frame. Troubles are in the answer: an unsound frame, a frozen
    /// picture, a network that failed.
    pub fn perceive(&mut self, frame: &Frame) -> &Perception {
        let begun = Instant::now();
        let p = &mut self.perception;
        p.frame_index = frame.index;
        p.captured_ns = frame.captured_ns;
        p.times = StageTimes::default();
        p.primary = None;
        p.faces = Default::default();
        p.fault = None;
        p.unsound = !frame.is_sound();
        p.frozen = self.frozen.look(frame);
        p.repeated = self.frozen.repeated();
        if p.unsound || p.frozen {
            self.forget();
        } else if let Err(fault) = self.measure(frame) {
            self.forget();
            self.perception.fault = Some(fault);
        }
        for (to, from) in self.perception.faces.iter_mut().zip(self.roster.faces()) {
            *to = Some(*from);
        }
        self.perception.times.total_ns = nanos(begun);
        &self.perception
    }

    /// Measures a picture that stands alone, whatever came before it: a face is found anew,
    /// then looked at again in the region that its own landmarks give, as it is while it is
    /// followed. The stages' times are those of the last look.
    pub fn perceive_still(&mut self, frame: &Frame) -> &Perception {
        self.reset();
        for _ in 0..GLANCES {
            if self.perceive(frame).primary().is_some() {
                break;
            }
        }
        self.perceive(frame);
        self.perception.repeated = false; // it is ours that looked twice
        &self.perception
    }

    fn measure(&mut self, frame: &Frame) -> Result<(), ModelError> {
        if (self.camera.width, self.camera.height) != (frame.width, frame.height) {
            self.forget();
            self.camera = Intrinsics::from_fov(frame.width, frame.height, self.config.hfov_deg);
        }
        if let Some(region) = self.region
            && !self.follow(frame, &region, self.config.keep_presence)?
        {
            self.region = None;
            self.roster.lost();
        }
        let now = frame.captured_ns;
        let due = self
            .detected_ns
            .is_none_or(|t| now.abs_diff(t) >= self.config.detect_every_ns);
        if self.region.is_some() && !due {
            return Ok(());
        }
        let begun = Instant::now();
        self.detect(frame)?;
        self.perception.times.detect_ns = nanos(begun);
        self.detected_ns = Some(now);
        self.roster.absorb(&self.detections, now);
        if self.outgrown() {
            self.region = None;
            self.roster.release();
        }
        if self.region.is_none() {
            self.take_up(frame)?;
        }
        Ok(())
    }

    /// Whether someone much nearer has been there for some looks: the person who
    /// came back to the desk, where a face in the background was followed meanwhile.
    fn outgrown(&mut self) -> bool {
        let followed = self
            .region
            .and(self.perception.primary.as_ref())
            .map(|f| f.bbox);
        let rival = followed.is_some_and(|own| {
            let larger = |d: &Detection| d.bbox.area() > MUCH_LARGER * own.area();
            self.detections
                .iter()
                .any(|d| larger(d) && d.bbox.overlap(&own) == 0.0)
        });
        self.rival_looks = if rival { self.rival_looks + 1 } else { 0 };
        let outgrown = self.rival_looks >= RIVAL_LOOKS;
        if outgrown {
            self.rival_looks = 0;
        }
        outgrown
    }

    /// Looks at the whole picture and, where that shows nothing, closer at a part of it.
    fn detect(&mut self, frame: &Frame) -> Result<(), ModelError> {
        let whole = Region::around_picture(frame.width, frame.height);
        self.detections.clear();
        self.detections
            .extend_from_slice(self.detector.detect(frame, &whole)?);
        if self.detections.is_empty() && self.region.is_none() {
            let part = glance(self.glance, frame.width, frame.height);
            self.glance = (self.glance + 1) % GLANCES;
            self.detections
                .extend_from_slice(self.detector.detect(frame, &part)?);
        }
        Ok(())
    }

    /// Starts to follow the largest face that the landmark network confirms.
    fn take_up(&mut self, frame: &Frame) -> Result<(), ModelError> {
        self.detections
            .sort_unstable_by(|a, b| b.bbox.area().total_cmp(&a.bbox.area()));
        // A second and third try cost as much again; more would be late.
        for i in 0..self.detections.len().min(3) {
            let region = self.detections[i].landmark_region();
            if self.follow(frame, &region, self.config.take_presence)? {
                break;
            }
        }
        Ok(())
    }

    /// Measures the face in `region`; false when there is none.
    fn follow(&mut self, frame: &Frame, region: &Region, least: f32) -> Result<bool, ModelError> {
        let begun = Instant::now();
        let Look {
            landmarks,
            presence,
            sample_ns,
        } = self.landmarker.look(frame, region)?;
        let times = &mut self.perception.times;
        times.sample_ns += sample_ns;
        times.landmark_ns += nanos(begun).saturating_sub(sample_ns);
        if presence < least {
            return Ok(false);
        }
        let next = next_region(landmarks);
        if !next.touches(frame.width, frame.height) {
            return Ok(false);
        }
        let begun = Instant::now();
        let Some(head) = gaze::head::estimate(landmarks, &self.camera) else {
            return Ok(false);
        };
        let bbox = BBox::around(landmarks[..FACE_COUNT].iter().map(|p| [p[0], p[1]]));
        let irises = self.irises.find(frame, landmarks);
        let mut landmarks = *landmarks;
        for (eye, fit) in irises.iter().enumerate() {
            if let Some(fit) = fit {
                moved(&mut landmarks, eye, fit);
            }
        }
        let landmarks = &landmarks;
        let look = self.inspector.inspect(frame, landmarks);
        let mut eyes = eyes_of(landmarks, &self.camera, &head);
        for (open, look) in eyes.open.iter_mut().zip(&look) {
            *open &= look.is_eye();
        }
        let seen = || geometric(landmarks, &self.camera, &head, &irises);
        let gaze = match eyes.open {
            [true, true] => seen(),
            [true, false] => seen().map(|gaze| by_one_eye(gaze, 0)),
            [false, true] => seen().map(|gaze| by_one_eye(gaze, 1)),
            [false, false] => None,
        };
        let told = self
            .gaze
            .tell(frame, landmarks, &self.camera, &head, gaze)?;
        let id = self
            .roster
            .measured(bbox, presence, frame.captured_ns, Some(head));
        self.perception.primary = Some(Face {
            id,
            bbox,
            presence,
            landmarks: *landmarks,
            camera: self.camera,
            head,
            eyes,
            look,
            irises,
            gaze: told.gaze,
            gaze_point: told.point,
        });
        let times = &mut self.perception.times;
        times.network_ns += told.network_ns;
        times.geometry_ns += nanos(begun).saturating_sub(told.network_ns);
        self.region = Some(next);
        Ok(true)
    }
}

/// A face of more than this many times the followed one's area takes its place …
const MUCH_LARGER: f32 = 2.0;

/// … when so many looks of the detector in a row show it.
const RIVAL_LOOKS: u32 = 3;

/// Parts that get a closer look in turns.
const GLANCES: usize = 3;

/// A square as high as the picture is short: its middle, then either end.
fn glance(turn: usize, width: u32, height: u32) -> Region {
    let (w, h) = (width as f32, height as f32);
    let size = w.min(h) * 0.75;
    let at = [0.5, 0.25, 0.75][turn % GLANCES];
    let (x, y) = if w >= h {
        (w * at, h / 2.0)
    } else {
        (w / 2.0, h * at)
    };
    Region {
        x,
        y,
        size,
        roll: 0.0,
    }
}

fn nanos(since: Instant) -> u64 {
    since.elapsed().as_nanos() as u64
}
