//! What the daemon sees, in a window and in a file.
//!
//! The window needs Xvfb. Where there is none the test says so and passes, unless
//! `GAZE_NEED_XVFB` is 1.

use std::time::Duration;

use gaze_tests::daemon::{Running, WATCHDOG, command, finish, fresh_name};
use gaze_tests::screen::{Shot, XScreen};
use gaze_tests::xvfb::Xvfb;
use gazed::sources::{self, Next, OpenOptions, SourceSpec};
use ring::layout::Sample;
use rustix::process::Signal;
use vision::Frame;

/// Pixels of about this colour.
fn count(rgb: &[u8], colour: [u8; 3]) -> usize {
    let near = |p: &[u8]| p.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 12);
    rgb.chunks_exact(3).filter(|p| near(p)).count()
}

const RED: [u8; 3] = [235, 77, 75];
const GREEN: [u8; 3] = [46, 204, 113];
const YELLOW: [u8; 3] = [255, 211, 42];

/// The box around the face, the line of sight, the eyes' white frames.
fn drawn(shot: &Shot) -> bool {
    let rgb = shot.rgb();
    count(&rgb, RED) + count(&rgb, GREEN) > 800
        && count(&rgb, YELLOW) > 60
        && count(&rgb, [245, 246, 250]) > 400
}

#[test]
fn the_window_shows_the_face_its_box_and_its_line_of_sight_and_closes_with_the_daemon() {
    let server = match Xvfb::start([800, 600], 96) {
        Ok(server) => server,
        Err(why) => {
            assert!(
                std::env::var_os("GAZE_NEED_XVFB").is_none_or(|v| v != "1"),
                "{why}"
            );
            eprintln!("not tested: {why}");
            return;
        }
    };
    let mut daemon = Running::start_with(|c| {
        c.args(["--source", "demo", "--window"])
            .env("DISPLAY", &server.display)
    });
    daemon.until("a valid sample", Sample::is_valid);
    let screen = XScreen::open(Some(&server.display)).unwrap();
    let shot = screen.until(WATCHDOG, drawn).unwrap();
    if let Some(path) = std::env::var_os("GAZE_KEEP_SHOT") {
        std::fs::write(path, shot.rgb()).unwrap();
    }
    // It moves with the picture: the next ones differ.
    let first = shot.rgb();
    screen
        .until(WATCHDOG, |s| drawn(s) && s.rgb() != first)
        .unwrap();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.errors());
}

#[test]
fn without_a_desktop_there_is_one_line_and_nothing_stays() {
    let shm = fresh_name();
    let mut c = command(&shm);
    c.args(["run", "--source", "demo", "--window"]);
    c.env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET");
    let output = finish(c);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("gazed: no window can be opened: "),
        "{said}"
    );
    assert!(
        ring::Reader::open(&shm).is_err(),
        "its shared memory is gone"
    );
}

#[test]
fn a_clip_is_rendered_picture_by_picture_with_the_overlay_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("seen.mp4");
    let mut c = command("/gaze-unused");
    c.args(["render", "demo", "--frames", "12", "--out"])
        .arg(&out);
    let output = finish(c);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && said.contains("12 pictures, 0.4 s"),
        "{said}"
    );
    let fast = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&SourceSpec::Path(out), &fast).unwrap();
    let mut demo = sources::open(&SourceSpec::Demo, &fast).unwrap();
    let (mut frame, mut plain, mut times) = (Frame::default(), Frame::default(), Vec::new());
    while source.next(&mut frame, Duration::ZERO).unwrap() == Next::Frame {
        assert_eq!(demo.next(&mut plain, Duration::ZERO).unwrap(), Next::Frame);
        times.push((frame.captured_ns, plain.captured_ns));
        let (y, before) = (&frame.data[..640 * 480], &plain.data[..640 * 480]);
        let changed = y
            .iter()
            .zip(before)
            .filter(|(a, b)| a.abs_diff(**b) > 60)
            .count();
        // Lines, letters and crops; the rest is as it was.
        assert!((2_000..60_000).contains(&changed), "{changed}");
    }
    assert_eq!(times.len(), 12);
    for t in &times {
        let (ours, demos) = (t.0 - times[0].0, t.1 - times[0].1);
        assert!(ours.abs_diff(demos) < 10_000, "{ours} for {demos}");
    }
    // What cannot be done is said in a line, and nothing half-written stays.
    for (args, code) in [
        (vec!["render", "/no/such.mp4", "--out", "x.mp4"], 7),
        (
            vec!["render", "demo", "--frames", "2", "--out", "/no/such/x.mp4"],
            1,
        ),
        (vec!["render", "camera", "--out", "x.mp4"], 2),
    ] {
        let mut c = command("/gaze-unused");
        c.args(&args).current_dir(dir.path());
        let output = finish(c);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(
            said.starts_with("gazed: ") && said.lines().count() == 1,
            "{said}"
        );
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
