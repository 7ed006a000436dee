//! Gaze networks come and go under a running daemon, by SIGHUP.
//!
//! The networks are the test's own: each always looks in its own direction, so that every
//! sample tells by its line of sight which network made it.

#[path = "../../crates/vision/tests/common/linear.rs"]
mod linear;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gaze::affine::Affine;
use gaze::screen::Screen;
use gaze_tests::calibrations::{made, setup};
use gaze_tests::daemon::{Running, WATCHDOG, command, finish};
use linear::{Linear, constant};
use ring::layout::{Sample, flags};
use ring::{Next, Reader};
use rustix::process::Signal;
use tempfile::TempDir;
use vision::gaze_net::{Contract, Kind};
use vision::{CropColour, EyeCropSpec};

/// Where the networks look: x, y, z in the camera frame.
const LEFT: [f32; 3] = [-0.1, 0.2, -1.0];
const RIGHT: [f32; 3] = [0.1, 0.2, -1.0];

fn write_network(path: &Path, kind: Kind, answer: &[f32]) {
    let crop = EyeCropSpec {
        size: 16,
        scale: 1.8,
        colour: CropColour::Gray,
    };
    let contract = Contract::ours(kind, &crop, &[0.5], &[0.5]);
    let rows = answer.iter().copied().map(constant).collect();
    let bytes = Linear::eyes(&contract, rows).onnx(&contract.to_metadata());
    std::fs::write(path, bytes).unwrap();
}

/// Whether a sample's line of sight is this one.
fn looks(s: &Sample, at: [f32; 3]) -> bool {
    let norm = at.iter().map(|v| v * v).sum::<f32>().sqrt();
    s.gaze_dir
        .iter()
        .zip(at)
        .all(|(d, v)| (d - v / norm).abs() < 1e-5)
}

/// Writes settings that name a network in `folder`.
fn name(folder: &Path, network: &str) {
    let network = match network {
        "geometric" => network.to_owned(),
        file => folder.join(file).display().to_string(),
    };
    let text = serde_json::json!({ "network": network }).to_string();
    let file = folder.join("gaze/settings.json");
    let part = file.with_extension("part");
    std::fs::write(&part, text).unwrap();
    std::fs::rename(part, file).unwrap();
}

/// A daemon on the demo whose settings file names a network.
struct Setting {
    config: TempDir,
    daemon: Running,
}

impl Setting {
    fn start(network: &str) -> Setting {
        let config = tempfile::tempdir().unwrap();
        let home = config.path();
        write_network(&home.join("left.onnx"), Kind::EyesPoseRay, &LEFT);
        write_network(&home.join("right.onnx"), Kind::EyesPoseRay, &RIGHT);
        std::fs::create_dir_all(home.join("gaze")).unwrap();
        name(home, network);
        let daemon = Running::start_with(|command| {
            command
                .args(["--source", "demo"])
                .env("XDG_CONFIG_HOME", home)
                .env("USER", "ada")
        });
        Setting { config, daemon }
    }

    fn path(&self, network: &str) -> PathBuf {
        self.config.path().join(network)
    }

    /// Names a network and tells the daemon.
    fn switch(&self, network: &str) {
        name(self.config.path(), network);
        self.daemon.signal(Signal::HUP);
    }

    fn status(&self) -> serde_json::Value {
        let mut ask = command(&self.daemon.shm);
        ask.args(["status", "--json"]);
        serde_json::from_slice(&finish(ask).stdout).unwrap()
    }

    fn until_status(&self, what: &str, wanted: impl Fn(&serde_json::Value) -> bool) {
        let until = Instant::now() + WATCHDOG;
        loop {
            let status = self.status();
            if wanted(&status) {
                return;
            }
            assert!(Instant::now() < until, "{what}: {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Every sample that comes within this time, none left out.
fn follow(reader: &mut Reader, time: Duration, mut each: impl FnMut(&Sample)) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        match reader.next() {
            Next::Sample { sample, lost } => {
                assert_eq!(lost, 0, "the test is too slow");
                each(&sample);
            }
            _ => std::thread::sleep(Duration::from_millis(3)),
        }
    }
}

#[test]
fn our_own_network_looks_unless_the_settings_say_otherwise() {
    let config = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(config.path().join("gaze")).unwrap();
    let daemon = Running::start_with(|command| {
        command
            .args(["--source", "demo"])
            .env("XDG_CONFIG_HOME", config.path())
    });
    let mut setting = Setting { config, daemon };
    setting.daemon.until("a look", |s| s.is_valid());
    let reader = setting.daemon.reader();
    let name_now = || reader.header().network_name.clone();
    assert_eq!(name_now(), "gaze_base");
    name(setting.config.path(), "geometric");
    setting.daemon.signal(Signal::HUP);
    let until = Instant::now() + WATCHDOG;
    while !name_now().starts_with("geometric") {
        assert!(Instant::now() < until, "{}", name_now());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_network_takes_over_between_two_samples_and_never_with_anothers_calibration() {
    let mut setting = Setting::start("left.onnx");
    let first = setting
        .daemon
        .until("a look to the left", |s| s.is_valid() && looks(s, LEFT));
    let header = setting.daemon.reader().header();
    assert_eq!(
        (header.network_name.as_str(), header.network_generation),
        ("left", first.network_generation)
    );

    // Calibrated with that network only.
    let map = Affine {
        c: 0.25,
        ..Affine::IDENTITY
    };
    let screen = Screen::laptop(1920, 1080);
    let calibration = made(&setup(&header, "ada", "default", &screen), &map);
    let folder = setting.config.path().join("gaze/calibration");
    gaze::calibration::write(&calibration, &folder).unwrap();
    setting.daemon.until("its calibration", |s| {
        s.is_valid() && s.has(flags::CALIBRATED)
    });

    // Every 150 ms another one, a broken file among them, under the load of loading them.
    std::fs::write(setting.path("broken.onnx"), b"\x08\x08 no network").unwrap();
    let turns = [
        "right.onnx",
        "broken.onnx",
        "left.onnx",
        "geometric",
        "right.onnx",
        "left.onnx",
    ];
    let mut reader = setting.daemon.reader();
    let mut of_generation: BTreeMap<u32, &str> = BTreeMap::new();
    let (mut calibrated, mut seen) = (0, BTreeMap::<&str, u64>::new());
    let ended = std::sync::atomic::AtomicBool::new(false);
    let mut look = |s: &Sample| {
        if !s.gaze_dir[0].is_finite() {
            return; // closed eyes
        }
        let which = if looks(s, LEFT) {
            "left"
        } else if looks(s, RIGHT) {
            "right"
        } else {
            "geometric"
        };
        let (&newest, _) = of_generation
            .last_key_value()
            .unwrap_or((&s.network_generation, &""));
        assert!(
            s.network_generation >= newest,
            "generations only rise: {s:?}"
        );
        assert_eq!(
            *of_generation.entry(s.network_generation).or_insert(which),
            which,
            "a generation is one network: {s:?}"
        );
        if s.has(flags::CALIBRATED) {
            assert_eq!(which, "left", "a calibration is for its own network: {s:?}");
            assert!((s.cal_x - s.raw_x - 0.25).abs() < 0.05, "{s:?}");
            calibrated += 1;
        } else {
            assert!((s.cal_x - s.raw_x).abs() < 1e-6, "{s:?}");
        }
        *seen.entry(which).or_default() += 1;
    };
    std::thread::scope(|scope| {
        let storm = scope.spawn(|| {
            for turn in 0..48 {
                setting.switch(turns[turn % turns.len()]);
                std::thread::sleep(Duration::from_millis(150));
            }
            setting.switch("right.onnx");
            ended.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !ended.load(std::sync::atomic::Ordering::Relaxed) {
            follow(&mut reader, Duration::from_millis(100), &mut look);
        }
        follow(&mut reader, Duration::from_millis(500), &mut look);
        storm.join().expect("the storm");
    });
    println!(
        "{seen:?}, {calibrated} calibrated, {} networks",
        of_generation.len()
    );
    assert!(
        of_generation.len() > 8 && calibrated > 20,
        "it was no storm"
    );
    assert!(
        ["left", "right", "geometric"]
            .iter()
            .all(|n| seen.contains_key(n)),
        "{seen:?}"
    );
    let last = setting
        .daemon
        .until("the last one", |s| s.is_valid() && looks(s, RIGHT));
    setting.until_status("its name", |s| s["network"]["name"] == "right");
    let header = setting.daemon.reader().header();
    assert_eq!(header.network_generation, last.network_generation);
    setting.until_status("why it is not calibrated", |s| {
        s["calibration"]["refused"]
            .as_str()
            .is_some_and(|why| why.contains("left"))
    });
    setting.switch("left.onnx");
    let back = setting.daemon.until("the first one's calibration", |s| {
        s.is_valid() && s.has(flags::CALIBRATED) && looks(s, LEFT)
    });
    assert!(back.network_generation > last.network_generation);
}

#[test]
fn what_is_no_gaze_network_changes_nothing_and_is_said() {
    let mut setting = Setting::start("left.onnx");
    let before = setting
        .daemon
        .until("a look", |s| s.is_valid() && looks(s, LEFT));
    std::fs::write(setting.path("broken.onnx"), b"\x08\x08 no network").unwrap();
    // The landmark network runs, but is none of gaze.
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    std::fs::copy(
        models.join("face_landmarks.onnx"),
        setting.path("other.onnx"),
    )
    .unwrap();
    for (file, why) in [
        ("broken.onnx", "does not load"),
        ("missing.onnx", "cannot be read"),
        ("other.onnx", "face-landmarks"),
    ] {
        setting.switch(file);
        setting.until_status(file, |s| {
            let said = s["why"].as_str().unwrap_or_default();
            said.contains(why) && said.contains(file) && s["state"] == "running"
        });
        let now = setting
            .daemon
            .until("a look", |s| s.is_valid() && s.index > before.index);
        assert!(looks(&now, LEFT), "{now:?}");
        assert_eq!(now.network_generation, before.network_generation);
    }
    setting.switch("left.onnx");
    setting.until_status("all is well", |s| s["why"] == "");
    setting.daemon.signal(Signal::TERM);
    assert!(setting.daemon.wait().success());
    let said = setting.daemon.errors();
    assert!(
        said.contains("left stays in force: the gaze network"),
        "{said}"
    );

    // At the start it is an error: nobody would notice later.
    let mut start = command("/gaze-t-never");
    start
        .args(["run", "--source", "demo", "--network"])
        .arg(setting.path("broken.onnx"));
    let refused = finish(start);
    assert_eq!(refused.status.code(), Some(5));
    let line = String::from_utf8_lossy(&refused.stderr);
    assert!(
        line.contains("broken.onnx does not load") && line.lines().count() == 1,
        "{line}"
    );
}

#[test]
fn a_network_of_screen_points_gives_its_points_and_lines_of_sight_to_them() {
    let mut setting = Setting::start("left.onnx");
    setting.daemon.until("a look", Sample::is_valid);
    write_network(
        &setting.path("point.onnx"),
        Kind::EyesPoseScreen,
        &[0.25, 0.75],
    );
    setting.switch("point.onnx");
    let s = setting.daemon.until("its point", |s| {
        s.is_valid() && (s.raw_x, s.raw_y) == (0.25, 0.75)
    });
    let ray = gaze::ray::Ray {
        origin: nalgebra::Vector3::from(s.eye_origin_mm).cast(),
        direction: nalgebra::Vector3::from(s.gaze_dir).cast(),
    };
    let header = setting.daemon.reader().header();
    let screen = Screen::laptop(header.display_px.0, header.display_px.1);
    let hit = screen.intersect(&ray).expect("the screen");
    assert!(
        (hit.x - 0.25).abs() < 1e-3 && (hit.y - 0.75).abs() < 1e-3,
        "{hit}"
    );
}
