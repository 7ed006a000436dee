//! The scripted camera does its faults as told, and names read back as they were written.

use std::fs;
use std::time::{Duration, Instant};

use gazed::sources::{ErrorKind, FrameSource, Next, OpenOptions, SourceSpec, open};
use vision::Frame;

fn script(folder: &tempfile::TempDir, steps: &str) -> SourceSpec {
    let path = folder.path().join("script.json");
    fs::write(
        &path,
        format!(r#"{{"fps": 50, "width": 32, "height": 24, "steps": {steps}}}"#),
    )
    .unwrap();
    SourceSpec::Scripted(path)
}

fn fast() -> OpenOptions {
    OpenOptions {
        fast: true,
        ..OpenOptions::default()
    }
}

fn frame(source: &mut dyn FrameSource) -> Frame {
    let mut frame = Frame::default();
    assert_eq!(
        source.next(&mut frame, Duration::from_secs(30)),
        Ok(Next::Frame)
    );
    frame
}

#[test]
fn faults_come_in_the_order_of_the_script() {
    let folder = tempfile::tempdir().unwrap();
    let spec = script(
        &folder,
        r#"[{"frames": 2}, {"frozen": 2}, {"black": 1}, {"corrupt": 2}, {"drop": 3}, {"stall_ms": 1000},
            {"frames": 1}, {"size": [0, 24]}, {"frames": 1}, {"size": [7680, 4320]}, {"black": 1}]"#,
    );
    let mut source = open(&spec, &fast()).unwrap();
    let good = [frame(&mut *source), frame(&mut *source)];
    assert_ne!(good[0].data, good[1].data, "a sensor has noise");
    let frozen = [frame(&mut *source), frame(&mut *source)];
    assert_eq!(frozen[0].data, frozen[1].data);
    assert_eq!(frozen[1].captured_ns - frozen[0].captured_ns, 20_000_000);
    assert!(frame(&mut *source).data.iter().all(|&b| b == 0));
    let after = frame(&mut *source);
    assert_eq!(after.index, 10, "corrupt and dropped frames are numbered");
    assert_eq!(
        after.captured_ns - frozen[1].captured_ns,
        7 * 20_000_000 + 1_000_000_000
    );
    let losses = source.losses();
    assert_eq!((losses.damaged, losses.dropped), (2, 3));
    let empty = frame(&mut *source);
    assert_eq!((empty.width, empty.is_sound()), (0, false));
    let large = frame(&mut *source);
    assert_eq!(
        (large.width, large.height, large.is_sound()),
        (7680, 4320, true)
    );
    assert_eq!(
        source.next(&mut Frame::default(), Duration::ZERO),
        Ok(Next::End)
    );
}

#[test]
fn a_lost_device_refuses_and_comes_back_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let spec = script(
        &folder,
        r#"[{"frames": 1}, {"lose": "device_lost", "refused": 2}, {"black": 1}]"#,
    );
    let mut source = open(&spec, &fast()).unwrap();
    frame(&mut *source);
    let e = source
        .next(&mut Frame::default(), Duration::ZERO)
        .unwrap_err();
    assert_eq!(
        (e.kind(), e.is_recoverable()),
        (ErrorKind::DeviceLost, true)
    );
    drop(source);
    for _ in 0..2 {
        assert_eq!(open(&spec, &fast()).err(), Some(e.clone()));
    }
    let mut source = open(&spec, &fast()).unwrap();
    assert!(frame(&mut *source).data.iter().all(|&b| b == 0));
}

#[test]
fn a_stall_is_nothing_and_then_frames_again() {
    let folder = tempfile::tempdir().unwrap();
    let spec = script(
        &folder,
        r#"[{"frames": 1}, {"stall_ms": 60}, {"frames": 1}]"#,
    );
    let mut source = open(&spec, &OpenOptions::default()).unwrap();
    let first = frame(&mut *source);
    assert_eq!(
        source.next(&mut Frame::default(), Duration::from_millis(5)),
        Ok(Next::Nothing)
    );
    assert!(frame(&mut *source).captured_ns - first.captured_ns >= 60_000_000);
}

#[test]
fn a_wrong_script_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for steps in [r#"[{"frams": 1}]"#, "[", r#"[{"lose": "patience"}]"#] {
        let e = open(&script(&folder, steps), &fast()).err().unwrap();
        assert_eq!(e.kind(), ErrorKind::Unreadable, "{e}");
        assert!(!e.to_string().contains('\n'));
    }
}

#[test]
fn the_null_source_waits_and_gives_nothing() {
    let mut source = open(&SourceSpec::Null, &OpenOptions::default()).unwrap();
    let started = Instant::now();
    assert_eq!(
        source.next(&mut Frame::default(), Duration::from_millis(20)),
        Ok(Next::Nothing)
    );
    assert!(
        started.elapsed() >= Duration::from_millis(20),
        "a caller's loop would spin"
    );
}

#[test]
fn names_of_sources() {
    for (text, spec) in [
        ("camera", SourceSpec::Camera(None)),
        ("demo", SourceSpec::Demo),
        ("null", SourceSpec::Null),
        ("./demo", SourceSpec::Path("./demo".into())),
        ("scripted:a.json", SourceSpec::Scripted("a.json".into())),
    ] {
        assert_eq!(text.parse::<SourceSpec>(), Ok(spec.clone()));
        assert_eq!(spec.to_string(), text);
    }
}
