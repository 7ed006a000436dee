//! What a calibration can come to: rendered people sit through targets, without a window or a
//! daemon, and the map is held against places that it has not seen.
//!
//! `cargo run --release -p gaze-tests --example sittings -- [people] [width] [distance mm] [targets] [fps] [sway] [inches]`
//!
//! `NETWORK=FILE.onnx` lets that gaze network look instead of geometry alone. `WORSE=1` makes the
//! pictures in which the map is checked dimmer and noisier than those it was made of. How many of these
//! looks lie within the expected-error radius is told with and without what the network says of
//! its own errors; filter and age have no part in it.

use gaze::affine::{FitOptions, Form, FormChoice, Sample, fit_with};
use gaze::calibration::{HeadRange, HeadSample};
use gaze::error_radius::{Evidence, MapError};
use gaze::screen::Screen;
use gaze_tests::looker::{Looker, LookerOptions};
use nalgebra::Point2;
use vision::gaze_net::GazeNet;
use vision::{
    Frame, GazeKind, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime, SessionOptions,
};

const SETTLE: f64 = 0.8;
const COLLECT: f64 = 1.2;

fn grid(n: usize) -> Vec<[f64; 2]> {
    let (a, m, b) = (0.08, 0.5, 0.92);
    let (c, d) = (0.29, 0.71);
    let nine = [
        [m, m],
        [a, a],
        [b, a],
        [a, b],
        [b, b],
        [m, a],
        [a, m],
        [b, m],
        [m, b],
    ];
    let more = [[c, c], [d, c], [c, d], [d, d]];
    match n {
        5 => nine[..5].to_vec(),
        9 => nine.to_vec(),
        _ => nine.iter().chain(&more).copied().collect(),
    }
}

const CHECKS: [[f64; 2]; 12] = [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75],
    [0.5, 0.3],
    [0.3, 0.5],
    [0.7, 0.5],
    [0.5, 0.7],
    [0.12, 0.3],
    [0.88, 0.3],
    [0.15, 0.85],
    [0.85, 0.85],
];

/// One measured look.
#[derive(Clone, Copy)]
struct Seen {
    raw: [f64; 2],
    spread_deg: Option<f64>,
    distance_mm: f64,
}

/// A quarter of the light, and the noise of a sensor that makes up for it.
fn worsen(data: &mut [u8], chance: &mut u64) {
    for v in data {
        let mut sum = 0.0;
        for _ in 0..4 {
            *chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            sum += (*chance >> 40) as f64 / f64::from(1 << 24) - 0.5;
        }
        *v = (0.4 * f64::from(*v) + 14.0 * sum).clamp(0.0, 255.0) as u8;
    }
}

fn rms(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count().max(1) as f64;
    (values.map(|v| v * v).sum::<f64>() / n).sqrt()
}

fn main() {
    let n: Vec<f64> = std::env::args()
        .skip(1)
        .map(|a| a.parse().expect("a number"))
        .collect();
    let get = |i: usize, or: f64| n.get(i).copied().unwrap_or(or);
    let (people, width, distance) = (get(0, 8.0) as u64, get(1, 640.0) as u32, get(2, 560.0));
    let (targets, fps, sway) = (grid(get(3, 9.0) as usize), get(4, 12.0), get(5, 1.0));
    let size = (width, if width == 640 { 480 } else { width * 9 / 16 });
    let inches = get(6, 14.0);
    let mut screen = Screen::laptop(1280, 800);
    (screen.width_mm, screen.height_mm) = (
        screen.width_mm * inches / 14.0,
        screen.height_mm * inches / 14.0,
    );
    let runtime = Runtime::load(None).expect("ONNX Runtime");
    let store = ModelStore::open(None).expect("the networks");
    let worse = std::env::var_os("WORSE").is_some();
    let mut chance = 1;
    // Error and radius with and without the network's word, of each look that checks a map.
    let mut judged: Vec<[f64; 3]> = Vec::new();
    let mut all = Vec::new();
    let mut dump = std::env::var_os("DUMP")
        .map(|p| std::io::BufWriter::new(std::fs::File::create(p).expect("a file")));
    let mut shown = 0;
    for person in 0..people {
        let glasses = person % 4 == 3;
        let mut looker = Looker::new(LookerOptions {
            person,
            seed: person + 1,
            size,
            distance_mm: distance,
            sway,
            glasses,
            screen,
            ..LookerOptions::default()
        });
        let mut perceiver =
            Perceiver::new(&runtime, &store, PerceiverConfig::default()).expect("sound networks");
        if let Some(file) = std::env::var_os("NETWORK") {
            let options = SessionOptions::default();
            let net = GazeNet::open(file.as_ref(), None, &runtime, &options).expect("a network");
            perceiver.swap_gaze(GazeKind::Network(Box::new(net)));
        }
        let mut frame = Frame::default();
        let mut t = 0.0;
        let mut index = 0;
        let mut show = |at: [f64; 2], worse: bool| -> Vec<Seen> {
            let began = t;
            shown += 1;
            let mut looks = Vec::new();
            looker.eyes.see(t, Some(at));
            t += SETTLE - 0.1;
            while t < began + SETTLE + COLLECT {
                looker.eyes.see(t, Some(at));
                let picture = looker.film(t);
                frame.reset(picture.width, picture.height, PixelFormat::Rgb8);
                frame.data.copy_from_slice(&picture.rgb);
                if worse {
                    worsen(&mut frame.data, &mut chance);
                }
                frame.index = index;
                frame.captured_ns = 1_000_000_000 + (t * 1e9) as u64;
                index += 1;
                if let Some(out) = &mut dump {
                    use std::io::Write;
                    let truth = looker.truth.as_ref().expect("a person");
                    let look = looker.looking_at();
                    let mut row: Vec<f64> = vec![
                        person as f64,
                        shown as f64,
                        t - began,
                        at[0],
                        at[1],
                        look[0],
                        look[1],
                        looker.eyes.shut(),
                    ];
                    row.extend(truth.head);
                    row.extend(truth.head_mm.iter());
                    row.extend(truth.iris_px.iter().flat_map(|p| [p.x, p.y]));
                    if let Some(face) = perceiver.perceive(&frame).primary() {
                        row.extend([
                            1.0,
                            f64::from(u8::from(face.eyes.open[0])),
                            f64::from(u8::from(face.eyes.open[1])),
                        ]);
                        row.extend([face.head.yaw, face.head.pitch, face.head.roll]);
                        row.extend(face.head.translation.iter());
                        row.extend(face.head.rotation.matrix().iter());
                        match &face.gaze {
                            Some(g) => {
                                for r in [g.left, g.right, g.combined] {
                                    row.extend(r.origin.iter());
                                    row.extend(r.direction.iter());
                                }
                            }
                            None => row.extend([0.0; 18]),
                        }
                        row.extend(face.landmarks.iter().flatten().map(|v| f64::from(*v)));
                    } else {
                        row.resize(18 + 3 + 6 + 9 + 18 + 478 * 3, 0.0);
                    }
                    for v in row {
                        out.write_all(&(v as f32).to_le_bytes()).expect("room");
                    }
                    frame.captured_ns += 1;
                }
                if let Some(face) = {
                    if dump.is_some() {
                        None
                    } else {
                        perceiver.perceive(&frame).primary()
                    }
                } && t >= began + SETTLE
                    && face.eyes.open == [true; 2]
                    && let Some(gaze) = &face.gaze
                    && let Some(hit) = screen.intersect(&gaze.combined)
                {
                    looks.push(Seen {
                        raw: [hit.x, hit.y],
                        spread_deg: face.spread_deg.map(|[across, up]| across.hypot(up)),
                        distance_mm: gaze.combined.origin.norm(),
                    });
                }
                t += 1.0 / fps;
            }
            looks
        };
        show([0.5, 0.5], false);
        let shown: Vec<_> = targets.iter().map(|&at| (at, show(at, false))).collect();
        let samples: Vec<Sample> = (shown.iter())
            .flat_map(|(at, looks)| looks.iter().map(|l| (l.raw, *at)))
            .collect();
        let made_of = || shown.iter().flat_map(|(_, looks)| looks);
        // As a calibration keeps it.
        let kept = HeadRange::of(made_of().map(|l| HeadSample {
            eye_mm: [0.0, 0.0, l.distance_mm],
            yaw_pitch_deg: [0.0; 2],
            openness: 1.0,
            spread_deg: l.spread_deg,
        }));
        let spread_deg = kept.and_then(|k| k.spread_deg);
        let checks: Vec<_> = CHECKS.iter().map(|&at| (at, show(at, worse))).collect();
        let diagonal = |a: [f64; 2], b: [f64; 2]| {
            let d = Point2::new(
                (a[0] - b[0]) * screen.width_mm,
                (a[1] - b[1]) * screen.height_mm,
            );
            d.coords.norm() / screen.diagonal_mm()
        };
        let fit = |form| {
            fit_with(
                &samples,
                FitOptions {
                    form,
                    aspect: screen.width_mm / screen.height_mm,
                    ..FitOptions::default()
                },
            )
        };
        let mut line = format!("person {person:3}{}", if glasses { " g" } else { "  " });
        for form in [
            FormChoice::Better,
            FormChoice::Only(Form::Affine),
            FormChoice::Only(Form::Held),
        ] {
            match fit(form) {
                Ok(f) => {
                    let mut errors = Vec::new();
                    let mut means = Vec::new();
                    let (mut ex, mut ey) = (0.0, 0.0);
                    for (at, looks) in &checks {
                        let n = looks.len().max(1) as f64;
                        let mapped: Vec<_> = looks.iter().map(|l| f.map.apply(l.raw)).collect();
                        errors.extend(mapped.iter().map(|m| diagonal(*m, *at)));
                        let mean = [0, 1].map(|i| mapped.iter().map(|m| m[i]).sum::<f64>() / n);
                        means.push(diagonal(mean, *at));
                        ex += ((mean[0] - at[0]) * screen.width_mm / screen.diagonal_mm()).powi(2)
                            / 12.0;
                        ey += ((mean[1] - at[1]) * screen.height_mm / screen.diagonal_mm()).powi(2)
                            / 12.0;
                    }
                    errors.sort_by(f64::total_cmp);
                    let rms =
                        |m: &[f64]| (m.iter().map(|e| e * e).sum::<f64>() / m.len() as f64).sqrt();
                    let scatter =
                        f.targets.iter().map(|t| t.scatter).sum::<f64>() / f.targets.len() as f64;
                    line += &format!(
                        " | {:?} mid {:.2} {:.2} a {:.2} e {:.2} cv {:.2} val4 {:.2} rms12 {:.2} (x {:.2} y {:.2}) median {:.2} scatter {:.2}",
                        f.form,
                        f.map.inverse().unwrap().apply([0.5; 2])[0],
                        f.map.inverse().unwrap().apply([0.5; 2])[1],
                        f.map.a,
                        f.map.e,
                        100.0 * f.cross_validated,
                        100.0 * rms(&means[..4]),
                        100.0 * rms(&means),
                        100.0 * ex.sqrt(),
                        100.0 * ey.sqrt(),
                        100.0 * errors[errors.len() / 2],
                        100.0 * scatter
                    );
                    if form == FormChoice::Better {
                        let map = MapError::Calibrated {
                            held_out: f.cross_validated,
                            head_distance_mm: kept.map(|k| k.distance_mm()),
                            spread_deg,
                        };
                        for (at, look) in checks
                            .iter()
                            .flat_map(|(at, l)| l.iter().map(move |l| (at, l)))
                        {
                            let evidence = Evidence {
                                map,
                                head_distance_mm: Some(look.distance_mm),
                                spread_deg: look.spread_deg,
                                ..Evidence::default()
                            };
                            let silent = Evidence {
                                spread_deg: None,
                                ..evidence
                            };
                            judged.push([
                                diagonal(f.map.apply(look.raw), *at),
                                evidence.radius(&screen),
                                silent.radius(&screen),
                            ]);
                        }
                        let checked: Vec<f64> = (checks.iter().flat_map(|(_, l)| l))
                            .filter_map(|l| l.spread_deg)
                            .collect();
                        line += &format!(
                            " | spread up to {:.2}° then, {:.2}° at the checks",
                            spread_deg.unwrap_or(f64::NAN),
                            rms(&checked)
                        );
                        all.push([rms(&means[..4]), rms(&means), errors[errors.len() / 2]]);
                    }
                }
                Err(e) => line += &format!(" | {e}"),
            }
        }
        println!("{line}");
        if all.is_empty() {
            continue;
        }
    }
    let within = |k: usize| {
        let inside = judged.iter().filter(|j| j[0] <= j[k]).count();
        100.0 * inside as f64 / judged.len().max(1) as f64
    };
    let size = |k: usize| 100.0 * rms(judged.iter().map(|j| j[k]));
    println!(
        "{} looks are off by {:.2} % of the diagonal (rms); expected {:.2} %, {:.0} % within; without the network's word {:.2} %, {:.0} % within",
        judged.len(),
        size(0),
        size(1),
        within(1),
        size(2),
        within(2)
    );
    for (i, name) in ["val4", "rms12", "median of samples"].iter().enumerate() {
        if all.is_empty() {
            return;
        }
        let mut v: Vec<f64> = all.iter().map(|a| 100.0 * a[i]).collect();
        v.sort_by(f64::total_cmp);
        println!(
            "{name}: median {:.2} worst {:.2} %",
            v[v.len() / 2],
            v[v.len() - 1]
        );
    }
}
