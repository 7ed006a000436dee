//! What looks at faces: the detector, the landmark network and the geometry after it.
//!
//! A [`Looker`] remembers no faces. The one of a [`Perceiver`](crate::Perceiver) measures the
//! primary face; another one, on another thread, may run the perceiver's [`Errand`]s: the other
//! faces, and looks for newcomers. After its first frames of a size it allocates nothing.

use std::time::Instant;

use gaze::camera::Intrinsics;
use gaze::contact::Derived;
use gaze::landmarks::{FACE_COUNT, Landmarks};

use crate::between::Between;
use crate::colours::Colours;
use crate::detector::{Detection, FaceDetector};
use crate::errand::{Errand, Findings, Measured};
use crate::estimator::{GazeKind, by_one_eye, eyes_of, geometric};
use crate::eye_pixels::EyeInspector;
use crate::frame::Frame;
use crate::iris::{IrisFinder, moved};
use crate::landmarker::{Landmarker, Look, next_region};
use crate::models::{ModelError, ModelStore};
use crate::perceiver::PerceiverConfig;
use crate::perception::{Face, StageTimes};
use crate::region::{BBox, Region};
use crate::runtime::Runtime;
use crate::session::SessionOptions;

/// A detection belongs to a face whose box it overlaps by more than this.
const SAME_FACE: f32 = 0.2;
/// A look whose region was off by more than this share of its size is taken again.
const OFF_CENTRE: f32 = 0.04;

/// What of a steady face's landmarks comes from the frame before, moved to this one, where the
/// network looks again: its own answers tremble more than they are off by being moved.
const OF_BEFORE: f32 = 0.35;

/// Detector, landmark network and geometry with their buffers, and what tells the gaze from them.
pub struct Looker {
    detector: FaceDetector,
    landmarker: Landmarker,
    gaze: GazeKind,
    inspector: EyeInspector,
    irises: IrisFinder,
    /// Moves the primary face from one frame to the next, where that is asked for.
    between: Between,
    /// How sure the network was of the face that is to be moved, and how it is coloured.
    word: (f32, Colours),
    hfov_deg: f64,
    take_presence: f32,
    keep_presence: f32,
}

impl Looker {
    /// Loads the networks and makes every buffer.
    ///
    /// # Errors
    /// When a network is missing, damaged, or does not run.
    pub fn new(
        runtime: &Runtime,
        store: &ModelStore,
        config: &PerceiverConfig,
    ) -> Result<Looker, ModelError> {
        let options = SessionOptions {
            threads: config.threads,
            provider: config.provider.clone(),
        };
        gaze::landmarks::canonical_face(); // parsed once, now and not at the first face
        Ok(Looker {
            detector: FaceDetector::new(runtime, store, &options, config.least_score)?,
            landmarker: Landmarker::new(runtime, store, &options)?,
            gaze: GazeKind::Geometric,
            inspector: EyeInspector::new(),
            irises: IrisFinder::new(),
            between: Between::new(),
            word: (0.0, Colours::default()),
            hfov_deg: config.hfov_deg,
            take_presence: config.take_presence,
            keep_presence: config.keep_presence,
        })
    }

    /// SHA-256 of the network that the gaze is told from; of the landmarks' where it is told by
    /// geometry.
    pub(crate) fn hash(&self) -> &[u8; 32] {
        match &self.gaze {
            GazeKind::Geometric => self.landmarker.hash(),
            GazeKind::Network(net) => net.hash(),
        }
    }

    /// What tells the gaze.
    pub(crate) fn gaze(&self) -> &GazeKind {
        &self.gaze
    }

    /// Lets something else tell the gaze from the next frame on; what did so until now is
    /// handed back, to be dropped where time is no matter. Allocates nothing.
    pub fn swap_gaze(&mut self, next: GazeKind) -> GazeKind {
        std::mem::replace(&mut self.gaze, next)
    }

    /// From now on the camera has this horizontal field of view, degrees.
    pub(crate) fn set_hfov(&mut self, hfov_deg: f64) {
        self.hfov_deg = hfov_deg;
    }

    /// The camera that a frame of this size is from.
    pub(crate) fn camera(&self, frame: &Frame) -> Intrinsics {
        Intrinsics::from_fov(frame.width, frame.height, self.hfov_deg)
    }

    /// Does an errand in its frame. A fault of a network is in the findings.
    pub fn run(&mut self, frame: &Frame, errand: &Errand, findings: &mut Findings) {
        let begun = Instant::now();
        findings.errand = *errand;
        findings.faces.fill_with(|| None);
        findings.newcomers.fill_with(|| None);
        findings.detections.clear();
        findings.fault = None;
        if frame.is_sound()
            && let Err(fault) = self.try_run(frame, errand, findings)
        {
            findings.fault = Some(fault);
        }
        findings.spent_ns = nanos(begun);
    }

    fn try_run(
        &mut self,
        frame: &Frame,
        errand: &Errand,
        findings: &mut Findings,
    ) -> Result<(), ModelError> {
        let camera = self.camera(frame);
        let mut times = StageTimes::default();
        for (wanted, to) in errand.wanted.iter().zip(&mut findings.faces) {
            if let Some(wanted) = wanted {
                *to = self.measure(frame, &wanted.region, true, &camera, &mut times)?;
            }
            if let Some(measured) = to {
                self.tell(frame, measured, &mut times)?;
            }
        }
        let Some(region) = &errand.detect else {
            return Ok(());
        };
        let found = self.detector.detect(frame, region)?;
        findings.detections.extend_from_slice(found);
        let mut rooms = findings.newcomers.iter_mut();
        for d in &findings.detections {
            let asked = findings.faces.iter().flatten().map(|m| &m.face.bbox);
            let known = errand.known.iter().flatten().map(|(_, bbox)| bbox);
            let known = known.chain(asked);
            if known.into_iter().any(|b| is_of(d, b)) {
                continue;
            }
            let region = d.landmark_region();
            if let Some(mut measured) = self.take_up(frame, &region, &camera, &mut times)? {
                let Some(room) = rooms.next() else { break };
                self.tell(frame, &mut measured, &mut times)?;
                *room = Some(measured);
            }
        }
        Ok(())
    }

    /// Measures a face that was detected, from where its landmarks are: a detector's box says
    /// it less well.
    pub(crate) fn take_up(
        &mut self,
        frame: &Frame,
        region: &Region,
        camera: &Intrinsics,
        times: &mut StageTimes,
    ) -> Result<Option<Measured>, ModelError> {
        let Some(first) = self.measure(frame, region, false, camera, times)? else {
            return Ok(None);
        };
        let off = (first.next.x - region.x).hypot(first.next.y - region.y) / region.size;
        let grown = (first.next.size / region.size).ln().abs();
        if off < OFF_CENTRE && grown < 2.0 * OFF_CENTRE {
            return Ok(Some(first));
        }
        self.measure(frame, &first.next, false, camera, times)
    }

    /// Lets the gaze network, if there is one, say where a face that was measured in this frame
    /// looks, and with it whether at the camera.
    pub(crate) fn tell(
        &mut self,
        frame: &Frame,
        measured: &mut Measured,
        times: &mut StageTimes,
    ) -> Result<(), ModelError> {
        let begun = Instant::now();
        let face = &mut measured.face;
        let told = self
            .gaze
            .tell(frame, &face.landmarks, &face.camera, &face.head, face.gaze)?;
        (face.gaze, face.gaze_point) = (told.gaze, told.point);
        face.spread_deg = told.spread_deg;
        if let Some(model) = self.gaze.contact() {
            let width = f64::from(face.bbox.width);
            let (gaze, told) = (face.gaze.as_ref(), face.spread_deg);
            face.contact = model.evidence(gaze, &face.head, face.eyes.open, width, told);
        }
        times.network_ns += told.network_ns;
        times.geometry_ns += nanos(begun).saturating_sub(told.network_ns);
        Ok(())
    }

    /// Adds the faces in a square of the picture to `found`.
    pub(crate) fn detect(
        &mut self,
        frame: &Frame,
        region: &Region,
        found: &mut Vec<Detection>,
    ) -> Result<(), ModelError> {
        found.extend_from_slice(self.detector.detect(frame, region)?);
        Ok(())
    }

    /// Measures the face in `region`; none when there is none. A `known` face is kept at a
    /// lower presence than a new one is taken up at.
    pub(crate) fn measure(
        &mut self,
        frame: &Frame,
        region: &Region,
        known: bool,
        camera: &Intrinsics,
        times: &mut StageTimes,
    ) -> Result<Option<Measured>, ModelError> {
        self.look(frame, region, (known, None), camera, times)
    }

    /// The same; where the landmarks were `moved` from the frame before, they steady what the
    /// network says.
    pub(crate) fn look(
        &mut self,
        frame: &Frame,
        region: &Region,
        (known, moved): (bool, Option<&Landmarks>),
        camera: &Intrinsics,
        times: &mut StageTimes,
    ) -> Result<Option<Measured>, ModelError> {
        let begun = Instant::now();
        let Look {
            landmarks,
            presence,
            sample_ns,
            colours,
        } = self.landmarker.look(frame, region)?;
        times.sample_ns += sample_ns;
        times.landmark_ns += nanos(begun).saturating_sub(sample_ns);
        let least = if known {
            self.keep_presence
        } else {
            self.take_presence
        };
        if presence < least {
            return Ok(None);
        }
        let mut landmarks = *landmarks;
        if let Some(moved) = moved {
            steadied(&mut landmarks, moved);
        }
        let measured = self.reckon(frame, &landmarks, (presence, colours), camera, times);
        Ok(measured)
    }

    /// Keeps where a face is in this frame, for the next one.
    pub(crate) fn remember(&mut self, frame: &Frame, measured: &Measured, times: &mut StageTimes) {
        let begun = Instant::now();
        let face = &measured.face;
        self.word = (face.presence, measured.colours);
        self.between.remember(frame, &face.landmarks, &face.irises);
        times.moving_ns += nanos(begun);
    }

    /// Nothing is kept for the next frame.
    pub(crate) fn let_go(&mut self) {
        self.between.forget();
    }

    /// Where the landmarks of the frame before have moved to: none where the face is not steady,
    /// or its eyes are not.
    pub(crate) fn moved(&mut self, frame: &Frame, times: &mut StageTimes) -> Option<Landmarks> {
        let begun = Instant::now();
        let followed = self.between.follow(frame);
        times.moving_ns += nanos(begun);
        let (moved, landmarks) = followed?;
        moved.is_steady().then_some(landmarks)
    }

    /// Measures a face whose landmarks were moved, without the network: none where its eyes are
    /// not open, or the pixels do not show an iris.
    pub(crate) fn measure_moved(
        &mut self,
        frame: &Frame,
        moved: &Landmarks,
        camera: &Intrinsics,
        times: &mut StageTimes,
    ) -> Option<Measured> {
        let mut measured = self.reckon(frame, moved, self.word, camera, times)?;
        let face = &mut measured.face;
        face.seen = false;
        // An iris that the pixels do not show would be the frame before's.
        let shown = face.irises.iter().all(Option::is_some);
        (shown && face.eyes.open == [true; 2]).then_some(measured)
    }

    /// All that follows from a face's landmarks: where the network put them, or they were moved.
    fn reckon(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        (presence, colours): (f32, Colours),
        camera: &Intrinsics,
        times: &mut StageTimes,
    ) -> Option<Measured> {
        let next = next_region(landmarks);
        if !next.touches(frame.width, frame.height) {
            return None;
        }
        let begun = Instant::now();
        let head = gaze::head::estimate(landmarks, camera)?;
        let misfit_mm = gaze::head::misfit_mm(landmarks, camera, &head) as f32;
        let bbox = BBox::around(landmarks[..FACE_COUNT].iter().map(|p| [p[0], p[1]]));
        let irises = self.irises.find(frame, landmarks);
        let mut landmarks = *landmarks;
        for (eye, fit) in irises.iter().enumerate() {
            if let Some(fit) = fit {
                moved(&mut landmarks, eye, fit);
            }
        }
        let look = self.inspector.inspect(frame, &landmarks);
        let mut eyes = eyes_of(&landmarks, camera, &head);
        for (open, look) in eyes.open.iter_mut().zip(&look) {
            *open &= look.is_eye();
        }
        let seen = || geometric(&landmarks, camera, &head, &irises);
        let gaze = match eyes.open {
            [true, true] => seen(),
            [true, false] => seen().map(|gaze| by_one_eye(gaze, 0)),
            [false, true] => seen().map(|gaze| by_one_eye(gaze, 1)),
            [false, false] => None,
        };
        let width = f64::from(bbox.width);
        let contact = Derived::RENDERED.evidence(gaze.as_ref(), &head, eyes.open, width, None);
        times.geometry_ns += nanos(begun);
        Some(Measured {
            face: Face {
                id: 0,
                measured_ns: frame.captured_ns,
                bbox,
                presence,
                seen: true,
                landmarks,
                camera: *camera,
                head,
                eyes,
                look,
                irises,
                gaze,
                gaze_point: None,
                spread_deg: None,
                contact,
            },
            next,
            colours,
            misfit_mm,
        })
    }
}

/// Draws what the network says of a face towards what was moved from the frame before.
fn steadied(landmarks: &mut Landmarks, moved: &Landmarks) {
    for (own, before) in landmarks.iter_mut().zip(moved) {
        for (own, before) in own.iter_mut().zip(before) {
            *own += (before - *own) * OF_BEFORE;
        }
    }
}

/// Whether a detection is of the face with this box. Landmarks reach farther than the detector's
/// box, so that one of a known face can fail to match by overlap; its middle is inside.
fn is_of(d: &Detection, face: &BBox) -> bool {
    let inside =
        |v: f32, from: f32, length: f32| (from + length * 0.25..from + length * 0.75).contains(&v);
    let (x, y) = (
        d.bbox.x + d.bbox.width / 2.0,
        d.bbox.y + d.bbox.height / 2.0,
    );
    face.overlap(&d.bbox) > SAME_FACE
        || inside(x, face.x, face.width) && inside(y, face.y, face.height)
}

pub(crate) fn nanos(since: Instant) -> u64 {
    since.elapsed().as_nanos() as u64
}
