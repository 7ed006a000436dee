//! The daemon on its demo, as an app and a service manager see it.

use gaze_tests::daemon::{Running, command, finish};
use ring::layout::{Reason, Sample, State, flags};
use ring::{Health, Next};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Where the demo truly looks, frame by frame: x, y, eyes open.
fn truth() -> Vec<([f64; 2], bool)> {
    let mut ask = command("/gaze-unused");
    ask.arg("demo-truth");
    let output = finish(ask);
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| {
            let f: Vec<f64> = line.split(',').map(|f| f.parse().unwrap()).collect();
            ([f[1], f[2]], f[3] == 1.0)
        })
        .collect()
}

/// Samples of `seconds`, none of them twice, and how many were lost.
fn collect(daemon: &mut Running, seconds: f64) -> (Vec<Sample>, u64) {
    let mut reader = daemon.reader();
    while let Next::Sample { .. } = reader.next() {}
    let (mut samples, mut lost_in_all) = (Vec::new(), 0);
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < until {
        match reader.next() {
            Next::Sample { sample, lost } => {
                lost_in_all += lost;
                samples.push(sample);
            }
            Next::Empty => {
                let _ = reader.wait(Duration::from_millis(100));
            }
        }
    }
    (samples, lost_in_all)
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (ma, mb) = (
        pairs.iter().map(|p| p.0).sum::<f64>() / n,
        pairs.iter().map(|p| p.1).sum::<f64>() / n,
    );
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        aa += (a - ma).powi(2);
        bb += (b - mb).powi(2);
        ab += (a - ma) * (b - mb);
    }
    ab / (aa * bb).sqrt()
}

#[test]
fn the_demo_is_followed_by_its_pixels() {
    let truth = truth();
    let mut daemon = Running::start(&["--source", "demo"]);
    daemon.until("a valid sample", Sample::is_valid);
    let (samples, lost) = collect(&mut daemon, 12.0);
    assert_eq!(lost, 0);

    // Every sample stands alone: indices without a hole, times that go on.
    for pair in samples.windows(2) {
        assert_eq!(pair[1].index, pair[0].index + 1);
        assert!(pair[1].published_ns > pair[0].published_ns);
        assert!(pair[1].frame_index >= pair[0].frame_index);
        assert!(pair[1].captured_ns <= pair[1].perceived_ns);
        assert!(pair[1].perceived_ns <= pair[1].published_ns);
        // A frame is measured once; whatever comes of it later is a prediction.
        if pair[1].frame_index == pair[0].frame_index && pair[1].has(flags::VALID) {
            assert!(
                pair[1].has(flags::PREDICTED) && !pair[1].has(flags::MEASURED),
                "{pair:?}"
            );
        }
    }
    assert!(
        samples
            .iter()
            .all(|s| s.has(flags::DEMO) && !s.has(flags::CALIBRATED))
    );
    // A machine that is too slow for every frame is said, and is no fault of ours.
    let valid = samples.iter().filter(|s| s.is_valid()).count();
    let in_time = samples.iter().filter(|s| s.reason() != Reason::NoFrames);
    let in_time = in_time.count();
    assert!(valid * 10 >= in_time * 9, "{valid} of {in_time} valid");

    // The point follows the eyes' known path: right direction on both axes.
    let seen: Vec<_> = samples
        .iter()
        .filter(|s| s.is_valid() && s.has(flags::MEASURED))
        .map(|s| (s, truth[s.frame_index as usize % truth.len()]))
        .filter(|(_, (_, open))| *open)
        .collect();
    assert!(seen.len() > 60, "{} measured samples", seen.len());
    let on_axis = |axis: usize| -> Vec<(f64, f64)> {
        seen.iter()
            .map(|(s, (t, _))| ([f64::from(s.raw_x), f64::from(s.raw_y)][axis], t[axis]))
            .collect()
    };
    let (x, y) = (correlation(&on_axis(0)), correlation(&on_axis(1)));
    assert!(
        x > 0.85 && y > 0.5,
        "correlation with the truth: x {x:.3}, y {y:.3}"
    );
}

#[test]
fn one_writer_only_and_the_second_names_the_first() {
    let mut first = Running::start(&["--source", "null"]);
    let before = first.until("a running daemon", |s| s.state() == State::Running);
    let mut second = command(&first.shm);
    second.args(["run", "--source", "null"]);
    let refused = finish(second);
    assert_eq!(refused.status.code(), Some(4));
    let line = String::from_utf8(refused.stderr).unwrap();
    assert!(
        line.contains(&first.pid().to_string()) && line.lines().count() == 1,
        "{line}"
    );
    first.until("more samples of the undisturbed first one", |s| {
        s.index > before.index + 5 && s.state() == State::Running
    });
}

#[test]
fn signals_pause_reload_and_end_it() {
    let config = tempfile::tempdir().unwrap();
    let file = config.path().join("settings.json");
    std::fs::write(&file, r#"{"source": "demo"}"#).unwrap();
    let mut daemon = Running::start(&["--config", file.to_str().unwrap()]);
    daemon.until("a valid sample", Sample::is_valid);

    daemon.signal(Signal::USR1);
    let paused = daemon.until("a paused sample", |s| s.reason() == Reason::Paused);
    assert!(paused.has(flags::PAUSED) && !paused.is_valid());
    assert_eq!(daemon.reader().header().state, State::Paused);
    let frames = daemon.reader().header().stats.frames_in;
    let first = daemon.reader().latest().expect("a sample");
    std::thread::sleep(Duration::from_millis(700));
    // Every second tick says so, however busy the machine is: 30 a second, not 60.
    let last = daemon.reader().latest().expect("a sample");
    let seconds = (last.published_ns - first.published_ns) as f64 / 1e9;
    let rate = (last.index - first.index) as f64 / seconds;
    assert!((1.0..40.0).contains(&rate), "{rate} samples a second");
    let later = daemon.reader().header().stats.frames_in;
    assert!(
        later <= frames + 40,
        "the source is closed in a pause: {frames} then {later} frames"
    );
    daemon.signal(Signal::USR1);
    daemon.until("valid again", Sample::is_valid);

    let generation = daemon.reader().header().display_generation;
    std::fs::write(&file, r#"{"source": "demo", "display_px": [2560, 1440]}"#).unwrap();
    daemon.signal(Signal::HUP);
    let changed = daemon.until("another display", |s| s.display_generation != generation);
    assert_eq!(daemon.reader().header().display_px, (2560, 1440));
    // A broken file changes nothing.
    std::fs::write(&file, r#"{"display_px": [800"#).unwrap();
    daemon.signal(Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    let still = daemon.until("a valid sample", Sample::is_valid);
    assert_eq!(still.display_generation, changed.display_generation);

    let reader = daemon.reader();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert_eq!(reader.health(), Health::Stopped);
    assert_eq!(reader.header().state, State::Stopped);
    let errors = daemon.errors();
    assert!(
        errors.contains("nothing changed") && errors.contains("paused"),
        "{errors}"
    );
}

#[test]
fn a_clip_without_loop_ends_with_its_last_frame() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../daemon/assets/demo.mp4");
    let mut daemon = Running::start(&["--source", demo, "--fast"]);
    let reader = daemon.reader();
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.errors());
    let header = reader.header();
    assert_eq!(reader.health(), Health::Stopped);
    assert_eq!(
        (header.state, header.reason),
        (State::Stopped, Reason::SourceEnded),
        "why it ended stays in the header"
    );
    assert!(daemon.errors().contains("the clip ended"));
    assert_eq!(
        header.stats.frames_in,
        truth().len() as u64,
        "every frame, none twice"
    );
    assert_eq!(header.stats.frames_dropped, 0);
}

#[test]
fn a_signal_while_it_starts_ends_it_cleanly() {
    for wait_ms in [30, 80, 200] {
        let mut daemon = Running::start(&["--source", "demo"]);
        let reader = daemon.reader();
        // Nobody may take an earlier run's sample for the present.
        assert!(reader.latest().is_none_or(|s| !s.is_valid()));
        std::thread::sleep(Duration::from_millis(wait_ms));
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.wait().code(), Some(0), "after {wait_ms} ms");
        assert_eq!(reader.health(), Health::Stopped, "after {wait_ms} ms");
        let last = reader.latest().expect("the last sample");
        assert_eq!((last.state(), last.is_valid()), (State::Stopped, false));
    }
}
