//! Holds a gaze network against people whose gaze is known: rendered ones, and one labelled
//! photograph.
//!
//! `cargo run --release -p gaze-vision --example network_truth -- NET.onnx [--pictures N] [--seed S]
//! [--mirror] [--photo FILE.png]`
//!
//! For each angle of the line of sight: how the network's follows the true one (correlation,
//! slope, offset), beside the geometric gaze on the same pictures. `--photo` looks at a photograph
//! and prints both; its camera is taken to see as wide as `--hfov` says.

#[path = "synthetic_truth/stage.rs"]
#[allow(dead_code)]
mod stage;
#[path = "synthetic_truth/stats.rs"]
#[allow(dead_code)]
mod stats;

use std::process::ExitCode;

use gaze::ray::Ray;
use render::scenario::{Kind, Plan};
use stage::{HFOV_DEG, SIZE, Stage, on_every_core, on_the_face};
use stats::{Products, median};
use vision::gaze_net::{EyeView, GazeNet, NetGaze};
use vision::{
    Face, Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime, SessionOptions,
};

struct Options {
    network: String,
    pictures: usize,
    seed: u64,
    mirror: bool,
    photo: Option<String>,
    hfov: f64,
}

fn options() -> Result<Options, String> {
    let mut o = Options {
        network: String::new(),
        pictures: 400,
        seed: 1000,
        mirror: false,
        photo: None,
        hfov: HFOV_DEG,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--pictures" => o.pictures = value()?.parse().map_err(|e| format!("{arg}: {e}"))?,
            "--seed" => o.seed = value()?.parse().map_err(|e| format!("{arg}: {e}"))?,
            "--hfov" => o.hfov = value()?.parse().map_err(|e| format!("{arg}: {e}"))?,
            "--mirror" => o.mirror = true,
            "--photo" => o.photo = Some(value()?),
            _ if arg.starts_with('-') => return Err(format!("{arg}: not known")),
            _ => o.network = arg,
        }
    }
    if o.network.is_empty() {
        return Err("name an ONNX file".into());
    }
    Ok(o)
}

fn main() -> ExitCode {
    let done = options().and_then(|o| measure(&o).map_err(|e| e.to_string()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("network_truth: {why}");
            ExitCode::from(2)
        }
    }
}

fn open(o: &Options) -> Result<GazeNet, Box<dyn std::error::Error>> {
    let runtime = Runtime::load(None)?;
    let path = o.network.as_ref();
    let net = GazeNet::open(path, None, &runtime, &SessionOptions::default())?;
    let mut contract = net.contract().clone();
    if !o.mirror || contract.mirror_average {
        return Ok(net);
    }
    contract.mirror_average = true;
    let options = SessionOptions::default();
    Ok(GazeNet::open(path, Some(contract), &runtime, &options)?)
}

fn angles(ray: &Ray) -> [f64; 2] {
    [ray.yaw_deg(), ray.pitch_deg()]
}

/// True, geometric and the network's yaw and pitch of one picture.
type Looked = ([f64; 2], [f64; 2], [f64; 2]);

fn measure(o: &Options) -> Result<(), Box<dyn std::error::Error>> {
    if let Some(photo) = &o.photo {
        look_at(photo, o)?;
    }
    let plan = Plan {
        size: Some(SIZE),
        ..Plan::new(Kind::Random, o.seed)
    };
    open(o)?; // says what is wrong with it once
    const EACH: usize = 20;
    let looked: Vec<Looked> = on_every_core(o.pictures.div_ceil(EACH), |stage, job| {
        let mut net = open(o).expect("it was opened before");
        (job * EACH..(job + 1) * EACH)
            .filter_map(|n| one(stage, &mut net, &plan, n as u64))
            .collect::<Vec<_>>()
    })
    .into_iter()
    .flatten()
    .collect();
    println!(
        "{} of {} rendered pictures were measured",
        looked.len(),
        o.pictures
    );
    let value = |which: usize, l: &Looked, axis: usize| [l.1, l.2][which][axis];
    for (which, name) in ["geometric", &o.network].into_iter().enumerate() {
        for (axis, angle) in ["yaw", "pitch"].into_iter().enumerate() {
            let pairs: Vec<(f64, f64)> = looked
                .iter()
                .map(|l| (l.0[axis], value(which, l, axis)))
                .collect();
            let p = Products::of(&pairs);
            let off = median(pairs.iter().map(|(t, m)| m - t));
            let error = median(pairs.iter().map(|(t, m)| (m - t - off).abs()));
            println!(
                "{angle:>6} of {name}: r {:.3}, slope {:.2}, median offset {off:+.1}°, median error after it {error:.1}°",
                p.r(),
                p.slope(),
            );
        }
    }
    Ok(())
}

fn one(stage: &mut Stage, net: &mut GazeNet, plan: &Plan, n: u64) -> Option<Looked> {
    let shot = plan.shot(n as _);
    if shot.moment.poses[shot.followed].shut > 0.3 {
        return None;
    }
    let truth = stage.paint(&shot);
    let face = stage.perceive().filter(|f| on_the_face(f, &truth))?;
    let geometric = angles(&face.gaze?.combined);
    let frame = stage.frame();
    let told = net.estimate(frame, &face.landmarks, &view(&face));
    let NetGaze::Ray(ray) = told.expect("it runs")? else {
        return None;
    };
    let target = shot.moment.poses[shot.followed].target;
    let truth = Ray {
        origin: truth.head_mm,
        direction: (target - truth.head_mm).normalize(),
    };
    Some((angles(&truth), geometric, angles(&ray)))
}

/// What a network is told of a face beside its pictures.
fn view(face: &Face) -> EyeView {
    let sight = face.gaze.as_ref().map(|gaze| &gaze.combined);
    EyeView::of(&face.landmarks, &face.head, &face.camera).with_geometric(sight)
}

fn look_at(photo: &str, o: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let picture = image::open(photo)?.into_rgb8();
    let mut frame = Frame::default();
    frame.reset(picture.width(), picture.height(), PixelFormat::Rgb8);
    frame.data.copy_from_slice(picture.as_raw());
    let runtime = Runtime::load(None)?;
    let config = PerceiverConfig {
        hfov_deg: o.hfov,
        ..PerceiverConfig::default()
    };
    let mut perceiver = Perceiver::new(&runtime, &ModelStore::open(None)?, config)?;
    let face = perceiver
        .perceive(&frame)
        .primary()
        .cloned()
        .ok_or("no face in the photograph")?;
    let mut net = open(o)?;
    let told = net.estimate(&frame, &face.landmarks, &view(&face))?;
    println!(
        "{photo}: head yaw, pitch, roll {:.1} {:.1} {:.1}",
        face.head.yaw, face.head.pitch, face.head.roll
    );
    if let Some(gaze) = face.gaze {
        println!("  geometric: yaw, pitch {:.1?}", angles(&gaze.combined));
    }
    match told {
        Some(NetGaze::Ray(ray)) => println!("  {}: yaw, pitch {:.1?}", o.network, angles(&ray)),
        other => println!("  {}: {other:?}", o.network),
    }
    Ok(())
}
