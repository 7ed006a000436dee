//! Rendered people anywhere before any camera, measured by our own chain, straight into a cache.
//!
//! What a network for everyone must know: near and far, in any place of the picture, looking at a
//! screen, into the lens or past both, the head following the eyes or not. Of each picture only the
//! window around the face is drawn, the rest of the frame is gray; landmarks, head pose, geometric
//! gaze and crops are then measured as `prepare` and the daemon measure them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gaze::camera::{DEFAULT_HFOV_DEG, Intrinsics};
use gaze::screen::{CameraPlace, Screen};
use nalgebra::Vector3;
use render::camera::Camera;
use render::maths::{Rng, mix_seed};
use render::scenario::{
    EYE_LIMIT, Kind, Painter, People, Plan, Shot, angles, expression, eye_in_head,
};
use render::scene::Picture;
use render::truth::{Pose, Truth};
use render::variety::Variety;
use vision::{Frame, ModelError, ModelStore, PixelFormat, Runtime};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::data::cache::{self, Cache, CacheHeader, CropSpec, Session, ShownOn, SourceFile};
use crate::data::measure::{self, Measured, Refused, Settings};
use crate::data::sample::Sample;
use crate::synth::eyes;

/// Looks of a person in one room, seated in one place.
const LOOKS_IN_A_ROOM: usize = 4;
/// Widths of cameras' pictures, and how often each.
const WIDTHS: [(u32, f32); 3] = [(640, 0.4), (1280, 0.45), (1920, 0.15)];
/// Width of an eye between its corners, mm; and in pixels, the smallest and the largest: beyond
/// that crops show no more.
const EYE_MM: f64 = 30.0;
const EYE_PX: [f64; 2] = [11.0, 62.0];
/// How near and how far people are, mm.
const DISTANCE_MM: [f64; 2] = [330.0, 2400.0];
/// What is drawn around the eyes: to the sides, above, below, mm.
const WINDOW_MM: [f64; 3] = [165.0, 165.0, 195.0];
/// What is not drawn.
const GRAY: u8 = 110;
/// A face is the rendered one if its eyes are found within this part of their distance.
const OTHER_FACE: f32 = 0.35;

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Anywhere {
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
    /// Likely people, or all kinds to learn from, or others to test with.
    pub variety: Variety,
}

/// A look at the wall behind the camera: rays meet it wherever people look, so that a sample has a
/// target. 4 by 2.4 m, the camera in its middle.
fn wall() -> ShownOn {
    ShownOn {
        screen: Screen {
            width_px: 4000,
            height_px: 2400,
            width_mm: 4000.0,
            height_mm: 2400.0,
            camera: CameraPlace {
                x_norm: 0.5,
                above_mm: -1200.0,
                forward_mm: 0.0,
                tilt_deg: 0.0,
            },
        },
        measured: true,
        px_known: true,
    }
}

type OnePerson = Vec<(Sample, Vec<u8>)>;

/// Why nothing can be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A network cannot be loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A network does not run.
    #[error("the networks that measure faces do not run: {0}")]
    Fault(String),
}

/// Draws them on all cores. `done` is told how many people are ready, from any thread; where
/// `stop` turns true there is no cache. Faces that are not found, and shut eyes, are left out.
///
/// # Errors
/// When a network does not load or run.
pub fn draw(
    order: &Anywhere,
    networks: (&Runtime, &ModelStore),
    stop: &AtomicBool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Option<Cache>, Error> {
    let people = Arc::new(People::of(order.variety, 2));
    let (next, ready) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let drawn: Mutex<Vec<Option<OnePerson>>> = Mutex::new(vec![None; order.persons]);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || -> Result<(), Error> {
        let mut artist = Artist::new(order, &people, networks)?;
        loop {
            let person = next.fetch_add(1, Ordering::Relaxed);
            if person >= order.persons || stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let looks = artist.person(person)?;
            drawn.lock().unwrap_or_else(PoisonError::into_inner)[person] = Some(looks);
            done(ready.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        all.into_iter().try_for_each(|worker| match worker.join() {
            Ok(answer) => answer,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let drawn = drawn.into_inner().unwrap_or_else(PoisonError::into_inner);
    let each: Option<Vec<OnePerson>> = drawn.into_iter().collect();
    Ok(each.map(|each| gather(order, each)))
}

fn gather(order: &Anywhere, each: Vec<OnePerson>) -> Cache {
    let name = |person: usize| format!("person-{:04}", order.first + person);
    let (mut samples, mut crops, mut files) = (vec![], vec![], vec![]);
    for (person, looks) in each.into_iter().enumerate() {
        for (look, (sample, pixels)) in looks.into_iter().enumerate() {
            let index = samples.len();
            samples.push(Sample {
                person: person as u16,
                session: person as u16,
                target: index as u16,
                file: index as u32,
                ..sample
            });
            crops.extend_from_slice(&pixels);
            files.push(SourceFile {
                path: format!("{}/{look}", name(person)),
                hash: String::new(),
                picture: String::new(),
            });
        }
    }
    let plan = Plan::new(Kind::Random, order.seed);
    let drawn = |person| eyes::drawn(order.variety, plan.person_seed(order.first + person));
    let header = CacheHeader {
        schema: cache::SCHEMA,
        crop: order.crop,
        settings: String::new(),
        json_eyes: false,
        hfov_deg: DEFAULT_HFOV_DEG,
        folder: "rendered".into(),
        persons: (0..order.persons).map(name).collect(),
        drawn: (0..order.persons).map(|p| (name(p), drawn(p))).collect(),
        sessions: (0..order.persons as u16)
            .map(|person| Session {
                person,
                begins_ms: 0,
                ends_ms: 0,
            })
            .collect(),
        targets: samples.iter().map(|s| s.target_norm).collect(),
        screens: vec![wall()],
        files,
        skipped: vec![],
        samples: samples.len(),
    };
    Cache::from_parts(header, samples, crops)
}

/// Where someone sits before which camera, for some looks.
struct Seat {
    shot: Shot,
    /// Of the whole frame.
    frame_px: [u32; 2],
    /// Where the window begins in it.
    window_px: [u32; 2],
    place: Vector3<f64>,
}

/// Draws and measures, on one core.
struct Artist<'a> {
    order: &'a Anywhere,
    plan: Plan,
    painter: Painter,
    eyes: measure::Eyes,
    picture: Picture,
    jpeg: Vec<u8>,
    frame: Frame,
}

impl<'a> Artist<'a> {
    fn new(
        order: &'a Anywhere,
        people: &Arc<People>,
        (runtime, store): (&Runtime, &ModelStore),
    ) -> Result<Artist<'a>, Error> {
        let settings = Settings {
            screen_px: None,
            screen_mm: None,
            camera_mm: None,
            hfov_deg: DEFAULT_HFOV_DEG,
            json_eyes: false,
            crop: order.crop,
        };
        Ok(Artist {
            order,
            plan: Plan::new(Kind::Random, order.seed),
            painter: Painter::new(people.clone()),
            eyes: measure::Eyes::new(&settings, Some((runtime, store)))?,
            picture: Picture::default(),
            jpeg: vec![],
            frame: Frame::default(),
        })
    }

    fn person(&mut self, person: usize) -> Result<OnePerson, Error> {
        let number = self.order.first + person;
        let mut rng = Rng::new(mix_seed(self.order.seed, 0xa97, number as u64));
        let mut found = vec![];
        let mut seat = None;
        for look in 0..self.order.looks {
            if look % LOOKS_IN_A_ROOM == 0 {
                seat = Some(self.sit(number, look / LOOKS_IN_A_ROOM, &mut rng));
            }
            let seat = seat.as_mut().expect("the first look takes one");
            let target = look_somewhere(seat, look, self.order.variety, &mut rng);
            if matches!(self.order.variety, Variety::Wide | Variety::Other) {
                narrow(seat, &mut rng);
            }
            let truth = self.painter.paint(&seat.shot, &mut self.picture).remove(0);
            if self.order.variety != Variety::Usual {
                self.compress(&mut rng);
            }
            self.put_into_frame(seat);
            if let Some(measured) = self.measured(seat, &truth, target)? {
                found.push((measured.sample, measured.crops));
            }
        }
        Ok(found)
    }

    /// Another room, camera and place.
    fn sit(&self, number: usize, room: usize, rng: &mut Rng) -> Seat {
        let mut shot = self.plan.shot(20 * (100 * number + room));
        shot.people = vec![self.plan.person_seed(number)];
        let mut u = rng.unit();
        let width = WIDTHS.iter().find(|(_, share)| {
            u -= share;
            u < 0.0
        });
        let width = width.unwrap_or(&WIDTHS[0]).0;
        let frame_px = match (width, rng.unit() < 0.5) {
            (640, true) => [640, 480],
            _ => [width, width * 9 / 16],
        };
        let whole = Intrinsics::from_fov(frame_px[0], frame_px[1], DEFAULT_HFOV_DEG);
        // As many small eyes as large ones: their widths are spread by their ratio.
        let least = (whole.fx * EYE_MM / DISTANCE_MM[1]).max(EYE_PX[0]);
        let most = (whole.fx * EYE_MM / DISTANCE_MM[0]).min(EYE_PX[1]);
        // Rather near than far: most people sit before their own screen.
        let part = f64::from(rng.unit().max(rng.unit()));
        let eye_px = least * libm::pow(most / least, part);
        let distance = whole.fx * EYE_MM / eye_px;
        let mut off = |half_px: f64, part: f64| {
            // Rather in the middle.
            let free = (half_px / whole.fx * distance - 110.0).max(0.0) * part;
            let u = f64::from(rng.unit() + rng.unit()) - 1.0;
            free * u
        };
        let place = Vector3::new(off(whole.cx, 1.0), off(whole.cy, 0.9), distance);
        // The window, inside the frame.
        let px = |mm: f64| mm * whole.fx / distance;
        let at = [px(place.x) + whole.cx, px(place.y) + whole.cy];
        let [side, above, below] = WINDOW_MM.map(px);
        let span = |from: f64, to: f64, size: u32| {
            let from = from.floor().max(0.0) as u32;
            let to = (to.ceil().max(8.0) as u32).min(size);
            (from.min(to - 8), to)
        };
        let (x0, x1) = span(at[0] - side, at[0] + side, frame_px[0]);
        let (y0, y1) = span(at[1] - above, at[1] + below, frame_px[1]);
        shot.setup.camera = Camera::from(Intrinsics {
            width: x1 - x0,
            height: y1 - y0,
            cx: whole.cx - f64::from(x0),
            cy: whole.cy - f64::from(y0),
            ..whole
        });
        Seat {
            shot,
            frame_px,
            window_px: [x0, y0],
            place,
        }
    }

    /// Most webcams and all files send JPEG.
    fn compress(&mut self, rng: &mut Rng) {
        let (worst, best) = match self.order.variety {
            Variety::Other => (18.0, 35.0),
            _ => (40.0, 100.0),
        };
        let quality = rng.range(worst, best) as u8;
        let picture = &mut self.picture;
        self.jpeg.clear();
        let encoder = jpeg_encoder::Encoder::new(&mut self.jpeg, quality);
        let (width, height) = (picture.width as u16, picture.height as u16);
        let done = encoder.encode(&picture.rgb, width, height, jpeg_encoder::ColorType::Rgb);
        debug_assert!(done.is_ok(), "into memory");
        let options = DecoderOptions::new_fast().jpeg_set_out_colorspace(ColorSpace::RGB);
        let decoded = JpegDecoder::new_with_options(ZCursor::new(&self.jpeg), options).decode();
        // As it was drawn, where it cannot be read back.
        if let Ok(rgb) = decoded
            && rgb.len() == picture.rgb.len()
        {
            picture.rgb = rgb;
        }
    }

    fn put_into_frame(&mut self, seat: &Seat) {
        let [width, height] = seat.frame_px;
        self.frame.reset(width, height, PixelFormat::Rgb8);
        self.frame.data.fill(GRAY);
        let [x0, y0] = seat.window_px.map(|v| v as usize);
        let row = 3 * self.picture.width as usize;
        for (y, from) in self.picture.rgb.chunks_exact(row).enumerate() {
            let to = (y0 + y) * self.frame.stride + 3 * x0;
            self.frame.data[to..to + row].copy_from_slice(from);
        }
    }

    /// None: no face, not this one, or shut eyes.
    fn measured(
        &mut self,
        seat: &Seat,
        truth: &Truth,
        target: Vector3<f64>,
    ) -> Result<Option<Measured>, Error> {
        let shown = wall();
        let ray = (target - truth.head_mm).normalize();
        let at = gaze::ray::Ray {
            origin: truth.head_mm,
            direction: ray,
        };
        let Some(place) = shown.screen.intersect(&at) else {
            return Ok(None);
        };
        match self
            .eyes
            .measure_frame(&self.frame, shown, place.into(), ray)
        {
            Ok(found) => Ok(self.is_this(&found, seat, truth).then_some(found)),
            Err(Refused::Skip(..)) => Ok(None),
            Err(Refused::Fault(fault)) => Err(Error::Fault(fault)),
        }
    }

    /// Whether the face found is the one drawn.
    fn is_this(&self, found: &Measured, seat: &Seat, truth: &Truth) -> bool {
        let [lx, ly, rx, ry, apart] = found.sample.eye_position;
        let size = [self.frame.width, self.frame.height].map(|v| v as f32);
        let most = OTHER_FACE * apart * size[0];
        [[lx, ly], [rx, ry]]
            .iter()
            .zip(&truth.corners_px)
            .all(|(at, [a, b])| {
                let middle = nalgebra::center(a, b);
                let off =
                    [0, 1].map(|i| at[i] * size[i] - seat.window_px[i] as f32 - middle[i] as f32);
                off[0].hypot(off[1]) < most
            })
    }
}

/// Lets the seated person look somewhere; tells where, camera frame, mm.
fn look_somewhere(seat: &mut Seat, look: usize, variety: Variety, rng: &mut Rng) -> Vector3<f64> {
    let mut normal = |deviation: f64| f64::from(rng.normal()) * deviation;
    let place = seat.place + Vector3::new(normal(8.0), normal(5.0), normal(8.0));
    // Beside the lens, as seen from the eyes: at a screen below it, into it, or anywhere.
    let off = match rng.unit() {
        u if u < 0.55 => [rng.normal() * 16.0, rng.normal() * 9.0 - 9.0],
        u if u < 0.7 => [rng.normal() * 1.5, rng.normal() * 1.5],
        _ => [rng.range(-48.0, 48.0), rng.range(-32.0, 28.0)],
    };
    let [yaw, pitch] = angles(-place);
    let direction =
        gaze::ray::Ray::from_yaw_pitch(place, yaw + f64::from(off[0]), pitch + f64::from(off[1]))
            .direction;
    let target = place + direction * place.norm() / -direction.z.min(-0.2) * 0.9;
    // The head turns towards the eyes' target, for some part of the way, or stays, or turns away. Measured:
    // a degree of the head goes with 0.76° of gaze across and 0.70° up, of 1800 skin-deep people with 0.38°
    // and 0.08°, since eyes reach only so far.
    let part = match variety {
        Variety::SkinDeep | Variety::Murky => rng.range(-1.2, 0.4),
        _ => rng.range(-0.3, 1.1),
    };
    let (wide, roll) = (if rng.unit() < 0.5 { 5.0 } else { 14.0 }, 6.0);
    let mut head = [yaw, pitch, 0.0];
    for _ in 0..40 {
        let tried = [
            yaw + f64::from(part * off[0] + rng.normal() * wide),
            pitch + f64::from(part * off[1] + rng.normal() * wide * 0.6),
            f64::from(rng.normal()) * roll,
        ];
        let eye = eye_in_head(direction, tried);
        let turned = [
            (tried[0] - yaw).abs() < 42.0,
            (tried[1] - pitch).abs() < 28.0,
        ];
        if eye[0].abs() < EYE_LIMIT[0] && eye[1].abs() < EYE_LIMIT[1] && turned == [true; 2] {
            head = tried;
            break;
        }
    }
    let moment = &mut seat.shot.moment;
    moment.frame = look as u64;
    moment.smear = match rng.unit() < 0.1 {
        true => [rng.range(-2.0, 2.0), rng.range(-2.0, 2.0)],
        false => [0.0; 2],
    };
    moment.poses = vec![Pose {
        target,
        head,
        place,
        shut: 0.0,
        units: expression(rng),
    }];
    target
}

/// People narrow their eyes: for strain, in light, when they smile; seldom, and seldom by much.
fn narrow(seat: &mut Seat, rng: &mut Rng) {
    let much = rng.unit() * rng.unit();
    if rng.unit() < 0.12 {
        for pose in &mut seat.shot.moment.poses {
            pose.shut = f64::from(0.4 * much);
        }
    }
}
