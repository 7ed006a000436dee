//! The whole way of a frame: find the faces, follow them, measure them.
//!
//! The primary face is measured in every frame, from where it was in the one before. The other
//! faces are measured in turns, and newcomers are looked for now and then: that is an
//! [`Errand`], done here after the primary face, or by someone else on another thread
//! ([`Perceiver::errand`], [`Perceiver::absorb`]), so that the primary face never waits for it.

use std::time::Instant;

use gaze::camera::{DEFAULT_HFOV_DEG, Intrinsics};

use crate::detector::{Detection, MAX_DETECTIONS};
use crate::errand::{ERRAND_FACES, Errand, Findings, Measured, Wanted};
use crate::estimator::GazeKind;
use crate::frame::Frame;
use crate::frozen::{FrozenDetector, MOST_BUFFERS};
use crate::glances::{glance, part};
use crate::looker::{Looker, nanos};
use crate::models::{ModelError, ModelStore};
use crate::perception::{Face, MAX_FACES, Perception, StageTimes};
use crate::region::Region;
use crate::runtime::{Provider, Runtime};
use crate::tracks::{Choice, Tracks};

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
    /// While a face is followed, newcomers are looked for this often, nanoseconds …
    pub detect_every_ns: u64,
    /// … and this often where it has been the only one for two seconds.
    pub detect_alone_ns: u64,
    /// Where nobody has been for a second, somebody is looked for this often, nanoseconds; 0: in
    /// every frame.
    pub search_every_ns: u64,
    /// Each face beside the primary one is measured this often, nanoseconds, as far as there
    /// is time for it.
    pub measure_every_ns: u64,
    /// How many of them [`Perceiver::perceive`] itself measures in one frame after the primary
    /// one. 0: it leaves them and the looks for newcomers to whoever asks for its errands.
    pub others_per_frame: usize,
    /// 1: the landmark network sees the primary face in every frame. More: while it is steady, in
    /// one of so many; in the frames between, what it said is moved to where the face is.
    pub landmarks_every: u32,
    /// Who is the primary face.
    pub choice: Choice,
    /// Old frames in a row that make a frozen picture, if they also last …
    pub frozen_frames: u32,
    /// … this long, nanoseconds of capture time.
    pub frozen_ns: u64,
    /// Old is what was among so many pictures before it: a camera's buffers may go round. 1
    /// for a file, which may have few pictures.
    pub frozen_buffers: usize,
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
            detect_every_ns: 100_000_000,
            detect_alone_ns: 230_000_000,
            search_every_ns: 0,
            measure_every_ns: 125_000_000,
            others_per_frame: 1,
            landmarks_every: 1,
            choice: Choice::Nearest,
            frozen_frames: 15,
            frozen_ns: 700_000_000,
            frozen_buffers: MOST_BUFFERS,
        }
    }
}

/// A face of the frame before.
#[derive(Clone, Copy)]
struct Kept {
    id: u32,
    /// So many frames ago, from that one, the landmark network saw it.
    unseen: u32,
}

/// Frames in, measurements out. After its first frames of a size it allocates nothing.
pub struct Perceiver {
    config: PerceiverConfig,
    looker: Looker,
    frozen: FrozenDetector,
    tracks: Tracks,
    detections: Vec<Detection>,
    /// What errands done here bring back.
    findings: Option<Findings>,
    detected_ns: Option<u64>,
    /// Since when there is nobody.
    alone_ns: Option<u64>,
    searched_ns: Option<u64>,
    /// Whose face was steady in the frame before, so that it may be moved to the next.
    kept: Option<Kept>,
    /// How far apart the lids were when the network saw them last, and whose.
    lids_mm: (u32, f64),
    /// Whether the landmark network sees every frame for now.
    sees_all: bool,
    /// Which part of the picture gets the next look.
    glance: usize,
    camera: Intrinsics,
    perception: Perception,
}

fn still(config: &PerceiverConfig) -> FrozenDetector {
    FrozenDetector::new(
        config.frozen_frames,
        config.frozen_ns,
        config.frozen_buffers,
    )
}

/// Lids that moved by more than this since the network saw them last are on their way, and it sees
/// them in the next frame too, millimetres.
const LIDS_STILL_MM: f64 = 0.2;
/// Who has been the only one for so long is not expected to be joined just now.
const ONLY_ONE_NS: u64 = 2_000_000_000;
/// For so long after somebody left every frame is searched.
const ALONE_NS: u64 = 1_000_000_000;
/// A picture that stands alone is looked at as often in search of a face.
const STILL_LOOKS: usize = 4;

impl Perceiver {
    /// Loads the networks and makes every buffer.
    ///
    /// # Errors
    /// When a network is missing, damaged, or does not run.
    pub fn new(
        runtime: &Runtime,
        store: &ModelStore,
        config: PerceiverConfig,
    ) -> Result<Perceiver, ModelError> {
        Ok(Perceiver {
            looker: Looker::new(runtime, store, &config)?,
            frozen: still(&config),
            tracks: Tracks::new(),
            detections: Vec::with_capacity(2 * MAX_DETECTIONS),
            findings: Some(Findings::default()),
            detected_ns: None,
            alone_ns: None,
            searched_ns: None,
            kept: None,
            lids_mm: (0, 0.0),
            sees_all: false,
            glance: 0,
            camera: Intrinsics::from_fov(1280, 720, config.hfov_deg),
            perception: Perception {
                others: Vec::with_capacity(MAX_FACES),
                ..Perception::default()
            },
            config,
        })
    }

    /// SHA-256 of the network that the gaze is told from; of the landmarks' where it is
    /// told by geometry.
    pub fn network_hash(&self) -> &[u8; 32] {
        self.looker.hash()
    }

    /// What that network is called.
    pub fn network_name(&self) -> &str {
        match self.looker.gaze() {
            GazeKind::Geometric => gaze::geometric::NAME,
            GazeKind::Network(net) => net.name(),
        }
    }

    /// Lets something else tell the gaze from the next frame on; what did so until now is
    /// handed back, to be dropped where time is no matter. Allocates nothing.
    pub fn swap_gaze(&mut self, next: GazeKind) -> GazeKind {
        self.looker.swap_gaze(next)
    }

    /// Whether the landmark network sees every frame from the next one on, however steady the face
    /// is: for those who need to know of the lids in each.
    pub fn see_all(&mut self, all: bool) {
        self.sees_all = all;
    }

    /// Who is the primary face from the next frame on.
    pub fn choose(&mut self, choice: Choice) {
        self.config.choice = choice;
    }

    /// From the next frame on the camera has this horizontal field of view, degrees; faces that
    /// are followed are forgotten if it is another.
    pub fn set_hfov(&mut self, hfov_deg: f64) {
        if self.config.hfov_deg != hfov_deg {
            self.config.hfov_deg = hfov_deg;
            self.looker.set_hfov(hfov_deg);
            self.camera = Intrinsics::from_fov(self.camera.width, self.camera.height, hfov_deg);
            self.forget();
        }
    }

    /// Forgets the faces that are followed, as when the source changes.
    pub fn reset(&mut self) {
        self.forget();
        self.glance = 0;
        self.frozen = still(&self.config);
    }

    fn forget(&mut self) {
        self.looker.let_go();
        self.detected_ns = None;
        (self.alone_ns, self.searched_ns) = (None, None);
        self.tracks.clear();
        self.perception.others.clear();
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
            self.perception.primary = None;
            self.perception.fault = Some(fault);
        }
        self.list();
        self.perception.times.total_ns = nanos(begun);
        &self.perception
    }

    /// Measures a picture that stands alone, whatever came before it: a face is found anew,
    /// then looked at again in the region that its own landmarks give, as it is while it is
    /// followed. The stages' times are those of the last look. Other faces are left out.
    pub fn perceive_still(&mut self, frame: &Frame) -> &Perception {
        let others = std::mem::take(&mut self.config.others_per_frame);
        let every = std::mem::replace(&mut self.config.landmarks_every, 1);
        self.reset();
        for _ in 0..STILL_LOOKS {
            if self.perceive(frame).primary().is_some() {
                break;
            }
        }
        self.perceive(frame);
        (self.config.others_per_frame, self.config.landmarks_every) = (others, every);
        self.perception.repeated = false; // it is ours that looked twice
        &self.perception
    }

    /// Whether nobody has been there for a second, so that only some frames are searched.
    pub fn is_resting(&self) -> bool {
        let now = self.perception.captured_ns;
        let alone = self.alone_ns.is_some_and(|t| now.abs_diff(t) >= ALONE_NS);
        alone && self.searched_ns.is_some() && self.config.search_every_ns > 0
    }

    /// What the frame perceived last said.
    pub fn perception(&self) -> &Perception {
        &self.perception
    }

    /// Lists who is there, and drops the measurements of those who are not.
    fn list(&mut self) {
        let p = &mut self.perception;
        for (to, from) in p.faces.iter_mut().zip(self.tracks.faces()) {
            *to = Some(*from);
        }
        let (faces, primary) = (&p.faces, p.primary.as_ref().map(|f| f.id));
        let listed = |id: u32| faces.iter().flatten().any(|f| f.id == id);
        p.others.retain(|f| Some(f.id) != primary && listed(f.id));
    }

    fn measure(&mut self, frame: &Frame) -> Result<(), ModelError> {
        if (self.camera.width, self.camera.height) != (frame.width, frame.height) {
            self.forget();
            self.camera = self.looker.camera(frame);
        }
        let now = frame.captured_ns;
        self.tracks.forget(now);
        self.choose_primary(frame);
        // Where the primary face is lost, the next one in its place; each costs a look.
        for _ in 0..2 {
            let Some(id) = self.tracks.primary() else {
                break;
            };
            if self.follow(frame, id)? {
                break;
            }
            self.choose_primary(frame);
        }
        if self.perception.primary.is_none() && self.may_search(now) {
            self.searched_ns = Some(now);
            self.search(frame)?;
        }
        self.alone_ns = match self.perception.primary {
            Some(_) => None,
            None => self.alone_ns.or(Some(now)),
        };
        if self.config.others_per_frame > 0 {
            let mut errand = self.plan(frame, self.config.others_per_frame);
            // The search has looked already.
            if self.perception.times.detect_ns > 0 {
                errand.detect = None;
            }
            if let Some(mut findings) = self.findings.take_if(|_| !errand.is_empty()) {
                self.looker.run(frame, &errand, &mut findings);
                self.perception.times.others_ns = findings.spent_ns;
                self.absorb(&mut findings);
                let fault = findings.fault.take();
                self.findings = Some(findings);
                if let Some(fault) = fault {
                    return Err(fault);
                }
            }
        }
        Ok(())
    }

    /// Whether it is time to look for somebody where nobody is.
    fn may_search(&self, now: u64) -> bool {
        let since = |t: Option<u64>| t.map_or(0, |t| now.abs_diff(t));
        let rests = since(self.alone_ns) >= ALONE_NS && self.searched_ns.is_some();
        !rests || since(self.searched_ns) >= self.config.search_every_ns
    }

    fn choose_primary(&mut self, frame: &Frame) {
        let size = [frame.width as f32, frame.height as f32];
        let choice = self.config.choice;
        self.tracks.choose(choice, frame.captured_ns, size);
    }

    /// Measures a known face as the primary one; false when it is not there any more.
    fn follow(&mut self, frame: &Frame, id: u32) -> Result<bool, ModelError> {
        let Some(region) = self.tracks.region(id, frame.captured_ns) else {
            return Ok(false);
        };
        let times = &mut self.perception.times;
        let kept = self.kept.take().filter(|kept| kept.id == id);
        let moved = kept.and_then(|_| self.looker.moved(frame, times));
        let due =
            self.sees_all || kept.is_none_or(|kept| kept.unseen + 1 >= self.config.landmarks_every);
        let unseen = match &moved {
            Some(moved) if !due => self.looker.measure_moved(frame, moved, &self.camera, times),
            _ => None,
        };
        let measured = match unseen {
            None => {
                // What was to stand for the network and was refused steadies nothing: a lid sets out.
                let steadies = moved.as_ref().filter(|_| due);
                let known = (true, steadies);
                self.looker
                    .look(frame, &region, known, &self.camera, times)?
            }
            unseen => unseen,
        };
        let Some(mut measured) = measured else {
            self.tracks.missed(id);
            return Ok(false);
        };
        let times = &mut self.perception.times;
        self.looker.tell(frame, &mut measured, times)?;
        let Some(id) = self.tracks.measured(id, &measured.sighted()) else {
            return Ok(false);
        };
        let (seen, eyes) = (measured.face.seen, &measured.face.eyes);
        let mut steady = self.tracks.is_settled(id) && eyes.open == [true; 2];
        if seen {
            let gap_mm = eyes.gap_mm[0].max(eyes.gap_mm[1]);
            let (whose, before_mm) = std::mem::replace(&mut self.lids_mm, (id, gap_mm));
            steady &= whose == id && (gap_mm - before_mm).abs() < LIDS_STILL_MM;
        }
        if self.config.landmarks_every > 1 && steady && !self.sees_all {
            let times = &mut self.perception.times;
            let unseen = match seen {
                true => {
                    self.looker.remember(frame, &measured, times);
                    0
                }
                false => kept.map_or(0, |kept| kept.unseen + 1),
            };
            self.kept = Some(Kept { id, unseen });
        }
        self.show(id, measured);
        Ok(true)
    }

    /// The primary face of this frame.
    fn show(&mut self, id: u32, measured: Measured) {
        let face = measured.face;
        self.perception.primary = Some(Face { id, ..face });
    }

    /// Nobody is followed: looks at the whole picture and, where that shows nothing, closer at
    /// a part of it, and starts to follow the largest face that the landmark network confirms.
    fn search(&mut self, frame: &Frame) -> Result<(), ModelError> {
        let begun = Instant::now();
        self.detections.clear();
        let whole = Region::around_picture(frame.width, frame.height);
        self.looker.detect(frame, &whole, &mut self.detections)?;
        if self.detections.is_empty() {
            let part = part(self.glance, frame.width, frame.height);
            self.glance += 1;
            self.looker.detect(frame, &part, &mut self.detections)?;
        }
        self.perception.times.detect_ns += nanos(begun);
        self.detections
            .sort_unstable_by(|a, b| b.bbox.area().total_cmp(&a.bbox.area()));
        // A second and third try cost as much again; more would be late.
        for i in 0..self.detections.len().min(3) {
            let region = self.detections[i].landmark_region();
            let times = &mut self.perception.times;
            let measured = self
                .looker
                .measure(frame, &region, false, &self.camera, times)?;
            let Some(mut measured) = measured else {
                continue;
            };
            let times = &mut self.perception.times;
            self.looker.tell(frame, &mut measured, times)?;
            let Some(id) = self.tracks.found(&measured.sighted()) else {
                continue;
            };
            self.choose_primary(frame);
            if self.tracks.primary() != Some(id) {
                continue;
            }
            self.show(id, measured);
            break;
        }
        // Whoever else there is is for the next errand.
        self.detected_ns = None;
        Ok(())
    }

    /// What there is to know of a frame that was perceived just now, beside its primary face:
    /// to be done by a [`Looker`], whose findings then go to [`Perceiver::absorb`]. Ask for one
    /// at a time. Empty when nothing is due. Allocates nothing.
    pub fn errand(&mut self, frame: &Frame) -> Errand {
        if self.perception.frozen || self.perception.unsound || self.perception.fault.is_some() {
            return Errand::default();
        }
        self.plan(frame, ERRAND_FACES - 1)
    }

    fn plan(&mut self, frame: &Frame, most: usize) -> Errand {
        let now = frame.captured_ns;
        let mut errand = Errand {
            at_ns: now,
            ..Errand::default()
        };
        for (to, known) in errand.known.iter_mut().zip(self.tracks.boxes(now)) {
            *to = Some(known);
        }
        for to in errand.wanted.iter_mut().take(most) {
            let due = self.tracks.due(now, self.config.measure_every_ns);
            *to = due.map(|(id, region)| Wanted { id, region });
        }
        let every_ns = match self.tracks.is_alone(now, ONLY_ONE_NS) {
            true => self.config.detect_alone_ns,
            false => self.config.detect_every_ns,
        };
        let due = self.detected_ns.is_none_or(|t| now.abs_diff(t) >= every_ns);
        if due && self.tracks.primary().is_some() {
            self.detected_ns = Some(now);
            let turn = self.glance;
            self.glance += 1;
            // Who was lost just now is looked for first, every second time.
            let lost = self.tracks.lost_place(turn / 2, now);
            let lost = lost.filter(|r| turn % 2 == 1 && r.touches(frame.width, frame.height));
            errand.detect = lost.or(Some(glance(turn, frame.width, frame.height)));
        }
        errand
    }

    /// Takes in what an errand brought back, perhaps some frames later. Allocates nothing.
    pub fn absorb(&mut self, findings: &mut Findings) {
        for (wanted, face) in findings.errand.wanted.iter().zip(&mut findings.faces) {
            // Who became the primary one meanwhile is measured by every frame.
            let primary = self.tracks.primary();
            let Some(Wanted { id, .. }) = wanted.filter(|w| Some(w.id) != primary) else {
                continue;
            };
            match face.take() {
                Some(measured) => {
                    let seen = measured.sighted();
                    // It may be another one's face.
                    let whose = self.tracks.measured(id, &seen);
                    let whose = whose.or_else(|| self.tracks.found(&seen));
                    self.keep(whose, measured);
                }
                None if findings.fault.is_none() => self.tracks.missed(id),
                None => {}
            }
        }
        for newcomer in &mut findings.newcomers {
            if let Some(measured) = newcomer.take() {
                let id = self.tracks.found(&measured.sighted());
                self.keep(id, measured);
            }
        }
    }

    fn keep(&mut self, id: Option<u32>, measured: Measured) {
        let Some(id) = id else { return };
        let (face, others) = (measured.face, &mut self.perception.others);
        let face = Face { id, ..face };
        if let Some(known) = others.iter_mut().find(|f| f.id == id) {
            // An errand may be late.
            if known.measured_ns <= face.measured_ns {
                *known = face;
            }
        } else if others.len() < MAX_FACES {
            others.push(face);
        }
    }
}
