//! Gaze networks take over from one another while the daemon runs: each sample is of one of
//! them, and the way from frame to sample allocates nothing.

#[path = "../../crates/vision/tests/common/linear.rs"]
mod linear;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gaze::filter::{FilterConfig, FilterKind};
use gaze::screen::Screen;
use gazed::alloc::{CountingAllocator, allocations_of_this_thread};
use gazed::pipeline::faces;
use gazed::pipeline::mapping::Mapping;
use gazed::pipeline::networks::Maker;
use gazed::pipeline::shared::Shared;
use gazed::pipeline::{Daemon, Parts, Side};
use gazed::settings::{FileSettings, GazeChoice};
use gazed::sources::{self, OpenOptions, SourceSpec};
use linear::{Linear, Row, constant};
use ring::{Reader, Writer, WriterConfig};
use vision::gaze_net::{Contract, Kind};
use vision::{
    CropColour, EyeCropSpec, Looker, ModelStore, Perceiver, PerceiverConfig, Runtime,
    SessionOptions,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const WATCHDOG: Duration = Duration::from_secs(60);

#[test]
fn the_hot_path_stays_quiet_with_networks_and_their_changes() {
    let counted = allocations_of_this_thread();
    drop(std::hint::black_box(Box::new(1)));
    assert!(
        allocations_of_this_thread() > counted,
        "allocations are counted"
    );

    // One with pixels, pose and position that averages over the mirrored picture, one of points.
    let folder = tempfile::tempdir().unwrap();
    let crop = EyeCropSpec {
        size: 32,
        scale: 1.8,
        colour: CropColour::Rgb,
    };
    let write = |name: &str, kind: Kind, mirror: bool| {
        let mut contract = Contract::ours(kind, &crop, &[0.5], &[0.25]);
        contract.mirror_average = mirror;
        let pixel = Row {
            weights: vec![(700, 0.01), (4000, -0.01)],
            bias: 0.1,
        };
        let mut rows = vec![pixel, constant(0.2)];
        if kind == Kind::EyesPoseRay {
            rows.push(constant(-1.0));
        }
        let path = folder.path().join(name);
        let bytes = Linear::eyes(&contract, rows).onnx(&contract.to_metadata());
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let ray = write("ray.onnx", Kind::EyesPoseRay, true);
    let point = write("point.onnx", Kind::EyesPoseScreen, false);

    let name = format!("/gaze-nets-{}", std::process::id());
    let mapping = Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman));
    let shared = Arc::new(Shared::new(mapping));
    let runtime = Runtime::load(None).unwrap();
    let store = ModelStore::open(None).unwrap();
    // The other faces, and looks for newcomers, by a thread of their own, as in the program.
    let config = PerceiverConfig {
        others_per_frame: 0,
        ..PerceiverConfig::default()
    };
    let looker = faces::Plan::new(Looker::new(&runtime, &store, &config).unwrap());
    let mut perceiver = Perceiver::new(&runtime, &store, config).unwrap();
    let maker = Maker {
        runtime,
        options: SessionOptions::default(),
        landmarks: *perceiver.network_hash(),
        store,
    };
    let first = maker.make(&GazeChoice::File(ray.clone()), 0).unwrap();
    perceiver.swap_gaze(first.gaze);
    let mut writer = Writer::create(&name, &WriterConfig::default()).unwrap();
    let generation = writer.set_network(&first.tag.sha256, first.tag.name());
    let options = OpenOptions {
        looped: true,
        ..OpenOptions::default()
    };
    let daemon = Daemon::start(Parts {
        shared: shared.clone(),
        perceiver: Some(perceiver),
        network: Some((first.tag, generation)),
        maker: Some(maker),
        writer,
        spec: SourceSpec::Demo,
        source: Some(sources::open(&SourceSpec::Demo, &options).unwrap()),
        options,
        lossless: false,
        stills: false,
        files: None,
        door: None,
        side: Side {
            looker: Some(looker),
            ..Side::default()
        },
    })
    .unwrap();
    let reader = Reader::open(&name).unwrap();
    let until = Instant::now() + WATCHDOG;
    let wait = |what: &str, wanted: &dyn Fn() -> bool| {
        while !wanted() {
            assert!(Instant::now() < until, "{what}; {:?}", reader.header());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let looked = || shared.frames_in.load(Relaxed) - shared.frames_dropped.load(Relaxed);
    // Buffers have their size and the counting has begun (after 120 ticks, 30 frames).
    wait("warm", &|| {
        looked() > 60 && reader.header().sample_index > 180
    });
    assert_eq!(reader.header().network_name, "ray");

    let order = |network: Option<PathBuf>| {
        daemon.reload(FileSettings {
            network: Some(network.map_or("geometric".into(), |p| p.display().to_string())),
            ..FileSettings::default()
        });
    };
    let mut last = generation;
    for round in 0..6 {
        let (next, called) = match round % 3 {
            0 => (Some(point.clone()), "point"),
            1 => (None, gaze::geometric::NAME),
            _ => (Some(ray.clone()), "ray"),
        };
        order(next);
        wait(called, &|| reader.header().network_name == called);
        let now = reader.header().network_generation;
        assert_eq!(now, last + 1, "{called}");
        last = now;
        let so_far = looked();
        wait("frames with it", &|| looked() > so_far + 5);
    }
    for (thread, made) in [
        ("perceive", &shared.perceive_allocations),
        ("publish", &shared.publish_allocations),
    ] {
        assert_eq!(made.load(Relaxed), 0, "{thread}");
    }
    daemon.stop();
    let _ = rustix::shm::unlink(name.as_str());
}
