//! Looks that are drawn in a millisecond: a dark disc that lies where the eye is turned to.

use burn::module::Module as _;
use burn::store::{ModuleSnapshot as _, bridge};
use burn::tensor::Device;
use gaze::screen::Screen;
use gaze_trainer::data::cache::{Cache, CacheHeader, CropSpec, Session, ShownOn, SourceFile};
use gaze_trainer::data::sample::Sample;
use gaze_trainer::device;
use gaze_trainer::net::{Colour, EyeInput, GazeNet, Head, NetConfig};
use gaze_trainer::train::examples::Examples;
use gaze_trainer::train::folds::Fold;
use gaze_trainer::train::run::{Order, Trained, begin, train};
use gaze_trainer::train::settings::{Augment, Settings};
use nalgebra::{Point2, Vector3};
use render::maths::Rng;

pub const SPEC: CropSpec = CropSpec {
    size: 32,
    pad: 4,
    scale: 1.8,
    channels: 1,
};

/// What computes: `GAZE_TEST_DEVICE` names another than the plain processor.
pub fn tested() -> Device {
    let name = std::env::var("GAZE_TEST_DEVICE");
    device::open(name.as_deref().unwrap_or("cpu")).unwrap()
}

/// Width 0.25, 32×32, one channel.
pub fn plan(head: Head) -> NetConfig {
    let mut plan = NetConfig::new(0.25, 32, Colour::Gray);
    plan.eyes = EyeInput::new(32, Colour::Gray);
    plan.head = head;
    plan
}

/// A head at 600 mm that looks at a point of a laptop's screen, and its drawing: a dark disc
/// that lies where the eyes turn in the head, so both eyes and pose are needed.
pub fn drawn(
    person: u16,
    session: u16,
    target: u16,
    at: [f32; 2],
    yaw: f32,
    rng: &mut Rng,
) -> (Sample, Vec<u8>) {
    let screen = Screen::laptop(1920, 1080);
    let origin = Vector3::new(f64::from(rng.range(-30.0, 30.0)), 20.0, 600.0);
    let to = screen.point_mm(Point2::from(at.map(f64::from))) - origin;
    let ray = to.normalize();
    let eye_yaw = ray.x.atan2(-ray.z).to_degrees() as f32 - yaw;
    let eye_pitch = (-ray.y).asin().to_degrees() as f32;
    let wide = SPEC.wide();
    let mut crops = Vec::new();
    for _ in 0..2 {
        let (cx, cy) = (19.5 + eye_yaw * 0.3, 19.5 - eye_pitch * 0.3);
        for y in 0..wide {
            for x in 0..wide {
                let d = (x as f32 - cx).hypot(y as f32 - cy);
                let dark = ((6.0 - d) / 1.5).clamp(0.0, 1.0);
                crops.push((200.0 - 150.0 * dark + 4.0 * rng.normal()).clamp(0.0, 255.0) as u8);
            }
        }
    }
    let f = 600.0;
    let px = |mm: f64| (0.5 + (origin.x + mm) * f / origin.z / 640.0) as f32;
    let sample = Sample {
        person,
        session,
        target,
        target_norm: at,
        ray: Some(<[f64; 3]>::from(ray).map(|v| v as f32)),
        origin_mm: <[f64; 3]>::from(origin).map(|v| v as f32),
        head_deg: [yaw, 0.0, rng.range(-3.0, 3.0)],
        eye_position: [px(-31.0), 0.54, px(31.0), 0.54, px(31.0) - px(-31.0)],
        open: [true; 2],
        image_px: [640, 480],
        brightness: 0.7,
        ..Sample::default()
    };
    (sample, crops)
}

/// `persons` × `sittings` × 9 targets × `looks`.
pub fn discs(persons: u16, sittings: u16, looks: usize) -> Cache {
    let mut rng = Rng::new(11);
    let (mut samples, mut crops) = (vec![], vec![]);
    for session in 0..persons * sittings {
        for target in 0..9u16 {
            let at = [
                0.1 + 0.4 * f32::from(target % 3),
                0.1 + 0.4 * f32::from(target / 3),
            ];
            for _ in 0..looks {
                let yaw = rng.range(-8.0, 8.0);
                let (sample, eyes) = drawn(session / sittings, session, target, at, yaw, &mut rng);
                samples.push(sample);
                crops.extend(eyes);
            }
        }
    }
    cache(samples, crops)
}

pub fn cache(mut samples: Vec<Sample>, crops: Vec<u8>) -> Cache {
    let most = |of: fn(&Sample) -> u16| samples.iter().map(of).max().map_or(0, |m| m + 1);
    let (persons, sessions, targets) =
        (most(|s| s.person), most(|s| s.session), most(|s| s.target));
    let header = CacheHeader {
        schema: 1,
        crop: SPEC,
        settings: String::new(),
        json_eyes: false,
        hfov_deg: 60.0,
        folder: "drawn".into(),
        persons: (0..persons).map(|p| p.to_string()).collect(),
        drawn: Default::default(),
        sessions: vec![
            Session {
                person: 0,
                begins_ms: 0,
                ends_ms: 0
            };
            usize::from(sessions)
        ],
        targets: vec![[0.5; 2]; usize::from(targets)],
        screens: vec![ShownOn {
            screen: Screen::laptop(1920, 1080),
            measured: true,
            px_known: true,
        }],
        files: (0..samples.len())
            .map(|i| SourceFile {
                path: i.to_string(),
                hash: String::new(),
                picture: String::new(),
            })
            .collect(),
        skipped: vec![],
        samples: samples.len(),
    };
    for (i, s) in samples.iter_mut().enumerate() {
        s.file = i as u32;
    }
    Cache::from_parts(header, samples, crops)
}

/// Every tensor's bits, statistics of batch norms too, by name.
pub fn bits(net: &GazeNet) -> Vec<(String, Vec<u32>)> {
    let values = |t: &burn::store::burn_pack::Tensor| -> Vec<f32> {
        bridge::to_data(t)
            .unwrap()
            .convert::<f32>()
            .try_to_vec()
            .unwrap()
    };
    (net.valid().collect(None, None, true).iter())
        .map(|t| {
            (
                t.name.clone(),
                values(t).iter().map(|v| v.to_bits()).collect(),
            )
        })
        .collect()
}

pub fn quick(epochs: usize) -> Settings {
    Settings {
        epochs,
        batch: 16,
        head_rate: 3e-3,
        backbone_rate: 3e-3,
        patience: 0,
        augment: Augment::NONE,
        ..Settings::default()
    }
}

pub fn run(order: &Order, stop: &dyn Fn() -> bool) -> Trained {
    let start = begin(order.examples.config, &order.settings, &order.device).unwrap();
    train(order, start, stop, |_, _| ()).unwrap()
}

pub fn go(cache: &Cache, plan: &NetConfig, fold: Fold, settings: Settings) -> Trained {
    let order = Order {
        examples: Examples::new(cache, plan).unwrap(),
        fold,
        settings,
        device: tested(),
        out: None,
        resume: false,
    };
    run(&order, &|| false)
}
