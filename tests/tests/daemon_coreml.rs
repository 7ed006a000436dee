//! The daemon with CoreML, and what becomes of it when that fails, is slow, or is no longer
//! needed: all of it but CoreML itself, which an ONNX Runtime stands for that only says it has it
//! (`tests/c/false_coreml.c`).
#![cfg(target_os = "linux")]

#[path = "../../crates/vision/tests/common/linear.rs"]
mod linear;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use gaze_tests::daemon::{Running, WATCHDOG, command, finish};
use gaze_tests::native::shared_library;
use linear::{Linear, constant};
use ort::sys::OrtApi;
use ring::layout::State;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use vision::gaze_net::{Contract, Kind};
use vision::{CropColour, EyeCropSpec, Runtime};

/// The place of a function in ONNX Runtime's table of them.
macro_rules! place {
    ($function:ident) => {
        std::mem::offset_of!(OrtApi, $function) / size_of::<usize>()
    };
}

/// A folder with the false library, the settings, the cache, and what it is told.
struct Scene(TempDir);

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let places = [
            ("AT_AVAILABLE", place!(GetAvailableProviders)),
            ("AT_RELEASE_AVAILABLE", place!(ReleaseAvailableProviders)),
            ("AT_APPEND", place!(SessionOptionsAppendExecutionProvider)),
            ("AT_CREATE", place!(CreateSessionFromArray)),
            ("AT_RUN", place!(RunWithBinding)),
            ("AT_RELEASE_SESSION", place!(ReleaseSession)),
            ("AT_RELEASE_OPTIONS", place!(ReleaseSessionOptions)),
            ("AT_END", size_of::<OrtApi>() / size_of::<usize>()),
        ];
        shared_library("false_coreml", &places, folder.path());
        fs::create_dir(folder.path().join("gaze")).unwrap();
        let scene = Scene(folder);
        scene.name("base");
        scene
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Tells the false CoreML to be so.
    fn tell(&self, what: &str) {
        fs::write(self.path().join(what), "").unwrap();
    }

    /// Names the network in the settings.
    fn name(&self, network: &str) {
        let text = serde_json::json!({ "network": network }).to_string();
        fs::write(self.path().join("gaze/settings.json"), text).unwrap();
    }

    /// A network that looks straight ahead.
    fn another(&self) -> String {
        let crop = EyeCropSpec {
            size: 16,
            scale: 1.8,
            colour: CropColour::Gray,
        };
        let contract = Contract::ours(Kind::EyesPoseRay, &crop, &[0.5], &[0.5]);
        let rows = [0.0, 0.1, -1.0].map(constant).to_vec();
        let bytes = Linear::eyes(&contract, rows).onnx(&contract.to_metadata());
        let file = self.path().join("ahead.onnx");
        fs::write(&file, bytes).unwrap();
        file.display().to_string()
    }

    fn start(&self) -> Running {
        let real = Runtime::load(None).expect("ONNX Runtime: make setup");
        let folder = self.path();
        Running::start_with(|command| {
            command
                .args(["--source", "demo", "--provider", "coreml"])
                .env("GAZE_ORT_LIB", folder.join("libfalse_coreml.so"))
                .env("FALSE_COREML_OF", real.path())
                .env("FALSE_COREML", folder)
                .env("GAZE_CACHE", folder)
                .env("XDG_CONFIG_HOME", folder)
        })
    }
}

fn provider(daemon: &Running) -> Value {
    let mut ask = command(&daemon.shm);
    ask.args(["status", "--json"]);
    let json: Value = serde_json::from_slice(&finish(ask).stdout).expect("JSON");
    json["provider"].clone()
}

/// What `status` says of the provider once it is as wanted.
fn until(daemon: &Running, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + WATCHDOG;
    loop {
        let said = provider(daemon);
        if wanted(&said) {
            return said;
        }
        assert!(Instant::now() < until, "never {what}: {said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Ends it; what it said.
fn end(mut daemon: Running) -> String {
    daemon.signal(Signal::TERM);
    let status = daemon.wait();
    let said = daemon.errors();
    assert_eq!(status.code(), Some(0), "{said}");
    said
}

#[test]
fn coreml_that_fails_later_gives_way_to_the_processor_and_that_is_said() {
    let scene = Scene::new();
    let mut daemon = scene.start();
    daemon.until("a valid sample", |s| s.is_valid());
    let said = provider(&daemon);
    assert_eq!(said["in_force"], "coreml", "{said}");
    assert_eq!(
        (&said["fell_back"], &said["text"]),
        (&false.into(), &"".into())
    );

    scene.tell("fail");
    let reason = "CoreML failed: E5RT: made to fail";
    // A detector that nobody needs now finds out when it is needed.
    // A detector that nobody needs now finds out when it is needed.
    let both = |s: &Value| {
        ["face_landmarks", "gaze_base"]
            .iter()
            .all(|n| s["text"].to_string().contains(n))
    };
    let said = until(&daemon, "the processor", |s| {
        s["in_force"] == "cpu" || both(s)
    });
    let text = said["text"].as_str().unwrap();
    assert!(said["fell_back"] == true && text.contains(reason), "{said}");
    let last = daemon.reader().latest().expect("samples").index;
    daemon.until("a valid sample", |s| s.index > last && s.is_valid());

    let log = end(daemon);
    for network in ["face_detector", "face_landmarks", "gaze_base"] {
        let compiled = format!("{network} is compiled for CoreML, in ");
        assert_eq!(log.matches(&compiled).count(), 1, "{log}");
        if network == "face_detector" {
            continue;
        }
        let line = format!("{network} is computed by the processor, not by CoreML: {reason}\n");
        assert_eq!(log.matches(&line).count(), 1, "{log}");
    }

    // The next start compiles nothing, and CoreML is trusted again.
    fs::remove_file(scene.path().join("fail")).unwrap();
    let mut daemon = scene.start();
    daemon.until("a valid sample", |s| s.is_valid());
    assert_eq!(provider(&daemon)["in_force"], "coreml");
    let log = end(daemon);
    assert!(!log.contains("compil"), "{log}");
}

#[test]
fn a_network_that_is_no_longer_used_is_no_longer_spoken_of() {
    let scene = Scene::new();
    // Its compilation fails where the others' does not.
    let network = scene.another();
    fs::write(scene.path().join("coreml"), "no folder").unwrap();
    scene.name(&network);
    let mut daemon = scene.start();
    daemon.until("a valid sample", |s| s.is_valid());
    let said = provider(&daemon);
    assert!(
        said["text"].as_str().unwrap().contains("cannot be written"),
        "{said}"
    );
    fs::remove_file(scene.path().join("coreml")).unwrap();
    scene.name("base");
    daemon.signal(Signal::HUP);
    // The detector and the landmarks stay as they were loaded, the gaze is CoreML's.
    until(&daemon, "both", |s| s["in_force"] == "coreml and cpu");
    scene.name("geometric");
    daemon.signal(Signal::HUP);
    until(&daemon, "the processor alone", |s| s["in_force"] == "cpu");
    end(daemon);
}

#[test]
fn it_ends_while_its_networks_load() {
    let scene = Scene::new();
    scene.tell("slow");
    let mut daemon = scene.start();
    let reader = daemon.reader();
    until(&daemon, "compiling", |s| s["compiling"] == true);
    assert_eq!(
        reader.latest().expect("a sample").state,
        State::Starting.raw()
    );
    let begun = Instant::now();
    let log = end(daemon);
    assert!(log.contains("compiling face_detector"), "{log}");
    assert_eq!(
        reader.latest().expect("a sample").state,
        State::Stopped.raw()
    );
    assert!(begun.elapsed() < WATCHDOG / 2, "it ended by the watchdog");
}

#[test]
fn it_ends_while_another_network_loads() {
    let scene = Scene::new();
    let mut daemon = scene.start();
    daemon.until("a valid sample", |s| s.is_valid());
    let reader = daemon.reader();
    scene.tell("slow");
    scene.name(&scene.another());
    daemon.signal(Signal::HUP);
    until(&daemon, "compiling", |s| s["compiling"] == true);
    let log = end(daemon);
    assert!(
        log.contains("gaze-networks") && log.contains("still busy"),
        "{log}"
    );
    assert_eq!(
        reader.latest().expect("a sample").state,
        State::Stopped.raw()
    );
}
