//! What must not fool the daemon, and what must not end it.

use std::path::{Path, PathBuf};

use gaze_tests::daemon::{Running, command, finish, fresh_name};
use gaze_tests::scripted::{folder_with_face, scripted};
use ring::layout::{Reason, Sample, State, flags};
use rustix::process::Signal;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../daemon/assets/demo.mp4");
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

fn reason(reason: Reason) -> impl Fn(&Sample) -> bool {
    move |s| s.reason() == reason && !s.is_valid()
}

#[test]
fn a_frozen_picture_is_stale_and_a_living_one_is_fresh_again() {
    let folder = folder_with_face();
    let mut daemon = scripted(
        &folder,
        r#"{"frames": 60}, {"frozen": 90}, {"frames": 100000}"#,
    );
    daemon.until("a valid sample", Sample::is_valid);
    let stale = daemon.until("stale", reason(Reason::Stale));
    assert!(
        stale.has(flags::STALE) && !stale.has(flags::MEASURED),
        "{stale:?}"
    );
    // Pictures 61 to 149 are picture 60 again: none of them is ever told as new.
    let thaw = loop {
        let s = daemon.until("a sample", |_| true);
        assert!(
            !(s.has(flags::MEASURED) && (61..150).contains(&s.frame_index)),
            "{s:?}"
        );
        if s.is_valid() {
            break s;
        }
        std::thread::sleep(std::time::Duration::from_millis(4));
    };
    assert!(thaw.frame_index >= 150, "{thaw:?}");
    daemon.until("valid again", Sample::is_valid);
}

#[test]
fn black_frames_have_no_face() {
    let folder = folder_with_face();
    let mut daemon = scripted(&folder, r#"{"frames": 60}, {"black": 100000}"#);
    daemon.until("a valid sample", Sample::is_valid);
    let dark = daemon.until("no face", reason(Reason::NoFace));
    assert!(!dark.has(flags::FACE), "{dark:?}");
}

#[test]
fn eyes_covered_in_the_pixels_are_not_valid() {
    let folder = folder_with_face();
    std::fs::write(
        folder.path().join("face.png"),
        gaze_tests::picture::demo_frame_with_covered_eyes_png(),
    )
    .unwrap();
    let mut daemon = scripted(&folder, r#"{"frames": 100000}"#);
    let seen = daemon.until("a face", |s| s.has(flags::FACE));
    assert!(!seen.is_valid());
    for _ in 0..20 {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let s = daemon.until("a sample", |_| true);
        assert!(!s.is_valid() && !s.has(flags::EYES_OPEN), "{s:?}");
    }
}

#[test]
fn a_camera_in_trouble_is_waited_for() {
    let folder = folder_with_face();
    let mut daemon = scripted(
        &folder,
        r#"{"frames": 45}, {"stall_ms": 1500}, {"frames": 30}, {"lose": "device_lost", "refused": 1},
           {"frames": 45}, {"lose": "device_busy"}, {"frames": 45},
           {"lose": "permission_denied"}, {"frames": 45}, {"corrupt": 90}, {"frames": 45},
           {"size": [0, 480]}, {"frames": 60}, {"size": [640, 480]}, {"frames": 100000}"#,
    );
    daemon.until("a valid sample", Sample::is_valid);
    daemon.until("stalled", reason(Reason::NoFrames));
    daemon.until("valid after a stall", Sample::is_valid);
    let lost = daemon.until("lost", reason(Reason::CameraLost));
    assert_eq!(lost.state(), State::NoCamera);
    daemon.until("valid after a loss", Sample::is_valid);
    let busy = daemon.until("busy", reason(Reason::CameraBusy));
    assert_eq!(busy.state(), State::CameraBusy);
    let header = daemon.reader().header();
    assert!(
        !header.why.is_empty() && !header.why.contains('\n'),
        "{:?}",
        header.why
    );
    let denied = daemon.until("denied", reason(Reason::PermissionDenied));
    assert_eq!(denied.state(), State::PermissionDenied);
    daemon.until("damaged pictures", reason(Reason::BadFrame));
    daemon.until("valid after damage", Sample::is_valid);
    daemon.until("a picture without size", reason(Reason::BadFrame));
    daemon.until("valid at last", Sample::is_valid);
    assert!(daemon.reader().header().stats.camera_reconnects >= 3);
    daemon.signal(Signal::INT);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn the_networks_survive_8k() {
    let folder = folder_with_face();
    let mut daemon = scripted(
        &folder,
        r#"{"size": [7680, 4320]}, {"frames": 4}, {"size": [640, 480]}, {"frames": 100000}"#,
    );
    daemon.until("a valid sample", Sample::is_valid);
}

/// Runs a start that must fail: its code, one line that contains `words`, and
/// no shared memory left behind.
fn refuses(code: i32, words: &[&str], args: &[&str], env: &[(&str, &Path)]) {
    let shm = fresh_name();
    let mut start = command(&shm);
    start.arg("run").args(args);
    for (name, value) in env {
        start.env(name, value);
    }
    let output = finish(start);
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {line}");
    assert_eq!(line.lines().count(), 1, "one line: {line}");
    for word in words {
        assert!(line.contains(word), "{word} in: {line}");
    }
    let left = ring::Reader::open(&shm);
    assert!(
        matches!(left, Err(ring::OpenError::NotThere { .. })),
        "left behind after {args:?}"
    );
}

#[test]
fn a_start_that_cannot_work_says_why_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let text = |path: &Path| path.to_str().unwrap().to_owned();

    refuses(7, &["nowhere.mp4"], &["--source", "/nowhere.mp4"], &[]);
    std::fs::write(at("empty.mp4"), b"").unwrap();
    refuses(
        7,
        &["empty.mp4"],
        &["--source", &text(&at("empty.mp4"))],
        &[],
    );
    std::fs::write(at("letter.mp4"), b"Dear Sir or Madam, this is not a film.").unwrap();
    refuses(
        7,
        &["letter.mp4"],
        &["--source", &text(&at("letter.mp4"))],
        &[],
    );
    let whole = std::fs::read(DEMO).unwrap();
    std::fs::write(at("half.mp4"), &whole[..whole.len() / 3]).unwrap();
    refuses(7, &["half.mp4"], &["--source", &text(&at("half.mp4"))], &[]);
    refuses(7, &[], &["--source", &text(folder.path())], &[]);

    refuses(
        5,
        &["models"],
        &["--source", "demo", "--models", "/nonexistent/models"],
        &[],
    );
    let models = at("models");
    std::fs::create_dir(&models).unwrap();
    for entry in std::fs::read_dir(MODELS).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), models.join(entry.file_name())).unwrap();
    }
    let network = models.join("face_landmarks.onnx");
    let mut bytes = std::fs::read(&network).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(&network, bytes).unwrap();
    refuses(
        5,
        &["face_landmarks.onnx"],
        &["--source", "demo", "--models", &text(&models)],
        &[],
    );
    std::fs::remove_file(&network).unwrap();
    refuses(
        5,
        &["face_landmarks.onnx"],
        &["--source", "demo", "--models", &text(&models)],
        &[],
    );

    refuses(
        6,
        &["libmissing.so"],
        &["--source", "demo", "--runtime", "/libmissing.so"],
        &[],
    );
    std::fs::write(at("fake.so"), b"not a library").unwrap();
    refuses(
        6,
        &["fake.so"],
        &["--source", "demo", "--runtime", &text(&at("fake.so"))],
        &[],
    );

    std::fs::write(at("settings.json"), r#"{"sorce": "demo"}"#).unwrap();
    refuses(
        3,
        &["sorce", "\"source\""],
        &["--config", &text(&at("settings.json"))],
        &[],
    );
    refuses(
        3,
        &["nothere.json"],
        &["--config", &text(&at("nothere.json"))],
        &[],
    );
    refuses(
        3,
        &["calibration"],
        &["--source", "demo", "--calibration", "/none.json"],
        &[],
    );
}

#[test]
fn without_a_camera_it_stays_and_says_so() {
    // No machine of ours has a tenth camera.
    let mut daemon = Running::start(&["--source", "camera", "--camera", "9"]);
    let s = daemon.until("no camera", reason(Reason::NoCamera));
    assert_eq!(s.state(), State::NoCamera);
    let why = daemon.reader().header().why;
    assert!(why.contains("camera"), "{why}");
}
