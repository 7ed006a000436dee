//! What our own chain measures in one labelled picture, and its crops.

use gaze::camera::Intrinsics;
use gaze::dataset::Labelled;
use gaze::geometric;
use gaze::head::HeadPose;
use gaze::landmarks::{COUNT, INNER_CORNER, IRIS_CENTRE, Landmarks, OUTER_CORNER, canonical_face};
use gaze::ray::Ray;
use gaze::screen::{CameraPlace, Screen};
use nalgebra::{Point2, Vector2, Vector3};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vision::gaze_net::EyeView;
use vision::{
    BBox, EyeCropper, Frame, ModelError, ModelStore, Perceiver, PerceiverConfig, Perception,
    Region, Runtime, eye_regions,
};

use super::cache::{CropSpec, ShownOn};
use super::pairs::Bytes;
use super::sample::Sample;
use super::skip::Reason;

/// Number of this way of measuring; it is raised when the same picture gives another sample.
const VERSION: u32 = 2;
/// Targets further outside the screen than this, in screens, are mistakes.
const FAR: f64 = 0.5;
/// Between the eyes' centres, millimetres, when only the recorded eyes are known.
const EYES_APART_MM: f64 = 63.0;

/// Everything that a sample depends on beside its two files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Pixels of the screen, whatever labels say.
    pub screen_px: Option<[u32; 2]>,
    /// Width and height of the screen's visible area, millimetres.
    pub screen_mm: Option<[f64; 2]>,
    /// The camera from the middle of the screen's upper edge: to the person's right, up, and
    /// towards the person, millimetres.
    pub camera_mm: Option<[f64; 3]>,
    /// The camera's field of view, left to right, degrees.
    pub hfov_deg: f64,
    /// Crops and head pose follow the recorded eyes and angles.
    pub json_eyes: bool,
    /// What the crops are like.
    pub crop: CropSpec,
}

impl Settings {
    /// Names the settings, the networks and this way of measuring.
    pub fn hash(&self, store: Option<&ModelStore>) -> String {
        let mut hash = Sha256::new();
        hash.update(serde_json::to_vec(self).expect("settings are JSON"));
        hash.update(format!("{VERSION} {}", geometric::NAME));
        for network in store.iter().flat_map(|s| s.networks()) {
            hash.update(&network.sha256);
        }
        hash.finalize()[..16]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }

    /// The screen of a label: what it says, then what was told, then a laptop's.
    fn screen(&self, label: &Labelled) -> ShownOn {
        let px = self.screen_px.unwrap_or(label.screen_px);
        let mut shown = match label.screen {
            Some(screen) if self.screen_mm.is_none() => ShownOn {
                screen,
                measured: true,
                px_known: true,
            },
            _ => ShownOn {
                screen: Screen::laptop(px[0], px[1]),
                measured: self.screen_mm.is_some(),
                px_known: self.screen_px.is_some() || label.screen.is_some(),
            },
        };
        let screen = &mut shown.screen;
        [screen.width_px, screen.height_px] = px;
        if let Some([w, h]) = self.screen_mm {
            (screen.width_mm, screen.height_mm) = (w, h);
        }
        if let Some([right, above_mm, forward_mm]) = self.camera_mm {
            screen.camera = CameraPlace {
                x_norm: 0.5 + right / screen.width_mm,
                above_mm,
                forward_mm,
                tilt_deg: screen.camera.tilt_deg,
            };
        }
        shown
    }
}

/// A picture measured: person, session, target, screen and file are not numbered yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What was measured.
    pub sample: Sample,
    /// Where it was looked at.
    pub screen: ShownOn,
    /// Both crops with their margins, one after the other.
    pub crops: Vec<u8>,
}

/// Why a picture has no sample: a reason of its own, or a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Of the picture or its label.
    #[error("{}", .0.words())]
    Skip(Reason, String),
    /// A network does not run.
    #[error("{0}")]
    Fault(String),
}

impl From<(Reason, String)> for Refused {
    fn from((reason, detail): (Reason, String)) -> Self {
        Refused::Skip(reason, detail)
    }
}

fn skip<T>(reason: Reason) -> Result<T, Refused> {
    Err(Refused::Skip(reason, String::new()))
}

/// What one worker measures with. The answer for a picture does not depend on the pictures
/// before it.
pub struct Eyes {
    settings: Settings,
    perceiver: Option<Perceiver>,
    frame: Frame,
    exact: EyeCropper,
    wide: EyeCropper,
    crop: [Vec<u8>; 2],
}

/// What is told of a face, from wherever.
struct Told {
    landmarks: Landmarks,
    head: HeadPose,
    open: [bool; 2],
    gaze: Option<Ray>,
}

impl Eyes {
    /// Loads the networks, one thread each; recorded eyes need none.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn new(
        settings: &Settings,
        networks: Option<(&Runtime, &ModelStore)>,
    ) -> Result<Eyes, ModelError> {
        let config = PerceiverConfig {
            hfov_deg: settings.hfov_deg,
            threads: 1,
            ..PerceiverConfig::default()
        };
        let perceiver = networks.map(|(runtime, store)| Perceiver::new(runtime, store, config));
        let spec = settings.crop;
        Ok(Eyes {
            perceiver: perceiver.transpose()?,
            frame: Frame::default(),
            exact: EyeCropper::new(spec.exact()),
            wide: EyeCropper::new(spec.with_margin()),
            crop: [(); 2].map(|()| vec![0; spec.exact_len()]),
            settings: settings.clone(),
        })
    }

    /// Measures a pair's picture.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn measure(&mut self, bytes: &Bytes) -> Result<Measured, Refused> {
        let label = bytes.label()?;
        let screen = self.settings.screen(&label);
        let px = [screen.screen.width_px, screen.screen.height_px].map(f64::from);
        let target = [0, 1].map(|i| label.target_px[i] / px[i]);
        if target.iter().any(|v| !(-FAR..=1.0 + FAR).contains(v)) {
            let [x, y] = label.target_px;
            let why = format!("{x:.0}, {y:.0} on {}×{}", px[0], px[1]);
            return Err(Refused::Skip(Reason::TargetFar, why));
        }
        if self.settings.json_eyes && (label.eyes_px.is_none() || label.head_deg.is_none()) {
            return skip(Reason::Zeros);
        }
        let mut frame = std::mem::take(&mut self.frame);
        let answer = (bytes.decode(&label, &mut frame).map_err(Refused::from))
            .and_then(|()| self.tell(&frame, &label))
            .and_then(|told| {
                let truth = truth_ray(bytes.label_bytes());
                self.sample(&frame, &label, &told, screen, target, truth)
            });
        self.frame = frame;
        answer
    }

    /// Measures a frame in which somebody looks along `truth` (unit, camera frame, from between the
    /// eyes) at `target`, normalised to `screen`.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn measure_frame(
        &mut self,
        frame: &Frame,
        screen: ShownOn,
        target: [f64; 2],
        truth: Vector3<f64>,
    ) -> Result<Measured, Refused> {
        let [width, height] = [screen.screen.width_px, screen.screen.height_px];
        let label = Labelled {
            timestamp_ms: None,
            target_px: [target[0] * f64::from(width), target[1] * f64::from(height)],
            screen_px: [width, height],
            screen: Some(screen.screen),
            eyes_px: None,
            head_deg: None,
            vector: None,
            landmarks: None,
            prompt: None,
            jpeg_bytes: None,
        };
        let told = self.tell(frame, &label)?;
        self.sample(frame, &label, &told, screen, target, Some(truth))
    }

    fn tell(&mut self, frame: &Frame, label: &Labelled) -> Result<Told, Refused> {
        let Some(perceiver) = &mut self.perceiver else {
            let camera = Intrinsics::from_fov(frame.width, frame.height, self.settings.hfov_deg);
            return recorded(label, &camera).ok_or(Refused::Skip(Reason::Zeros, String::new()));
        };
        let seen = look(perceiver, frame)?;
        let Some(face) = seen.primary() else {
            return skip(Reason::NoFace);
        };
        if face.eyes.open == [false; 2] {
            return skip(Reason::EyesShut);
        }
        let centres_px = face.eyes.centre_px.map(|p| [p.x, p.y]);
        if let Some(eyes) = label.eyes_px
            && is_another(seen, &eyes, &centres_px)
        {
            return skip(Reason::OtherFace);
        }
        Ok(Told {
            landmarks: face.landmarks,
            head: face.head,
            open: face.eyes.open,
            gaze: face.gaze.map(|gaze| gaze.combined),
        })
    }

    fn sample(
        &mut self,
        frame: &Frame,
        label: &Labelled,
        told: &Told,
        screen: ShownOn,
        target: [f64; 2],
        truth: Option<Vector3<f64>>,
    ) -> Result<Measured, Refused> {
        let spec = self.settings.crop;
        let [left, right] = &mut self.crop;
        let mut crops = vec![0; 2 * spec.wide_len()];
        let (wide_left, wide_right) = crops.split_at_mut(spec.wide_len());
        let cut = self.exact.cut_bytes(frame, &told.landmarks, left, right)
            && (self.wide).cut_bytes(frame, &told.landmarks, wide_left, wide_right);
        let (w, h) = (frame.width as f32, frame.height as f32);
        let camera = Intrinsics::from_fov(frame.width, frame.height, self.settings.hfov_deg);
        let view = EyeView::of(&told.landmarks, &told.head, &camera);
        let [l, r] = eye_regions(&told.landmarks, 1.0);
        let inside = |eye: &Region| (0.0..w).contains(&eye.x) && (0.0..h).contains(&eye.y);
        if !cut || ![l, r].iter().all(inside) {
            return skip(Reason::EyeOutside);
        }
        // The two grids are one; rounding apart, these bytes are the same already.
        spec.set_middle(wide_left, left);
        spec.set_middle(wide_right, right);
        let sum: u64 = left.iter().chain(&*right).map(|v| u64::from(*v)).sum();
        let place = Point2::from(target);
        let by_geometry = || {
            let known = screen.measured;
            known.then(|| (screen.screen.point_mm(place) - told.head.translation).normalize())
        };
        let small = |v: Vector3<f64>| <[f64; 3]>::from(v).map(|v| v as f32);
        let sample = Sample {
            timestamp_ms: label.timestamp_ms.unwrap_or(0),
            target_norm: target.map(|v| v as f32),
            ray: truth.or_else(by_geometry).map(small),
            origin_mm: view.origin_mm,
            head_deg: view.head_deg,
            eye_position: view.eye_position,
            open: told.open,
            geometric: told.gaze.map(|ray| small(ray.direction)),
            geometric_mm: told.gaze.map_or([0.0; 3], |ray| small(ray.origin)),
            json_head_deg: label.head_deg.map(|a| a.map(|v| v as f32)),
            json_eyes: label
                .eyes_px
                .map(|[a, b]| [a[0], a[1], b[0], b[1]].map(|v| v as f32))
                .map(|[ax, ay, bx, by]| [ax / w, ay / h, bx / w, by / h]),
            json_iris: label.landmarks.as_deref().and_then(iris_offset),
            image_px: [frame.width as u16, frame.height as u16],
            brightness: sum as f32 / (2 * spec.exact_len()) as f32 / 255.0,
            ..Sample::default()
        };
        Ok(Measured {
            sample,
            screen,
            crops,
        })
    }
}

/// What the daemon perceives of a still, as `gazed run --stills` does.
///
/// # Errors
/// When a network does not run.
pub fn look<'a>(perceiver: &'a mut Perceiver, frame: &Frame) -> Result<&'a Perception, Refused> {
    let seen = perceiver.perceive_still(frame);
    match &seen.fault {
        Some(fault) => Err(Refused::Fault(fault.to_string())),
        None => Ok(seen),
    }
}

/// Whether the recorded eyes are those of somebody else in the picture.
fn is_another(seen: &Perception, recorded: &[[f64; 2]; 2], own: &[[f64; 2]; 2]) -> bool {
    let far = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let apart = far(own[0], own[1]);
    let away = [0, 1].map(|i| far(recorded[i], own[i]));
    let holds = |b: &BBox| {
        recorded.iter().all(|[x, y]| {
            let (x, y) = (*x as f32 - b.x, *y as f32 - b.y);
            (0.0..b.width).contains(&x) && (0.0..b.height).contains(&y)
        })
    };
    away.iter().all(|d| *d > apart) && seen.faces().skip(1).any(|f| holds(&f.bbox))
}

/// The face that the recorded eyes and angles tell: its eyes' corners lie on the line
/// between the eyes, as far apart as an average face's.
fn recorded(label: &Labelled, camera: &Intrinsics) -> Option<Told> {
    let ([a, b], [yaw, pitch, roll]) = (label.eyes_px?, label.head_deg?);
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let apart = dx.hypot(dy);
    if apart < 4.0 {
        return None;
    }
    let face = &canonical_face().vertices;
    let width = (face[OUTER_CORNER[0]] - face[INNER_CORNER[0]]).norm();
    let middle = |eye: usize| (face[OUTER_CORNER[eye]] + face[INNER_CORNER[eye]]) / 2.0;
    let half = width / (middle(1) - middle(0)).norm() / 2.0;
    let mut landmarks = [[0.0; 3]; COUNT];
    for (eye, at) in [a, b].into_iter().enumerate() {
        for (corner, way) in [(OUTER_CORNER[eye], -half), (INNER_CORNER[eye], half)] {
            let way = if eye == 0 { way } else { -way };
            landmarks[corner] = [(at[0] + dx * way) as f32, (at[1] + dy * way) as f32, 0.0];
        }
    }
    let turned = libm::cos(yaw.to_radians()).max(0.3);
    let distance = camera.fx * EYES_APART_MM * turned / apart;
    let between = Point2::new((a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0);
    let origin = camera.ray(between) * distance;
    Some(Told {
        landmarks,
        head: HeadPose::from_angles(yaw, pitch, roll, origin),
        open: [true; 2],
        gaze: None,
    })
}

/// The recorded irises' offset from the middle of the eyes' corners, over the eyes' width.
fn iris_offset(landmarks: &[[f64; 3]]) -> Option<[f32; 2]> {
    if landmarks.len() != COUNT {
        return None;
    }
    let at = |i: usize| Vector2::new(landmarks[i][0], landmarks[i][1]);
    let mut sum = Vector2::zeros();
    for eye in [0, 1] {
        let (outer, inner) = (at(OUTER_CORNER[eye]), at(INNER_CORNER[eye]));
        let first = IRIS_CENTRE[eye];
        let iris = (first..first + 5).map(at).sum::<Vector2<f64>>() / 5.0;
        sum += (iris - (outer + inner) / 2.0) / (outer - inner).norm() / 2.0;
    }
    let offset: [f64; 2] = sum.into();
    let offset = offset.map(|v| v as f32);
    offset.iter().all(|v| v.is_finite()).then_some(offset)
}

/// The true line from between the eyes of the one whom a rendered label is about.
fn truth_ray(label: &[u8]) -> Option<Vector3<f64>> {
    #[derive(Deserialize)]
    struct Rendered {
        truth: Truth,
    }
    #[derive(Deserialize)]
    struct Truth {
        faces: Vec<Seen>,
    }
    #[derive(Deserialize)]
    struct Seen {
        followed: bool,
        target_mm: [f64; 3],
        eyes: [Eye; 2],
    }
    #[derive(Deserialize)]
    struct Eye {
        centre_mm: [f64; 3],
    }
    let rendered: Rendered = serde_json::from_slice(label).ok()?;
    let face = rendered.truth.faces.into_iter().find(|f| f.followed)?;
    let [l, r] = face.eyes.map(|e| Vector3::from(e.centre_mm));
    let ray = (Vector3::from(face.target_mm) - (l + r) / 2.0).normalize();
    ray.iter().all(|v| v.is_finite()).then_some(ray)
}
