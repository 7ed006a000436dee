//! Clips beside the running threads: the stream does not notice them, whatever becomes of
//! them; and without being asked for they do not exist.

mod running;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clips::{Limits, Rules};
use gazed::pipeline::Side;
use gazed::side::{clips::Plan, hooks};
use gazed::sources::{self, Next, OpenOptions, SourceSpec};
use ring::layout::{ClipsStatus, recording, text_of};
use running::{Running, WATCHDOG};
use vision::Frame;

const MS: u64 = 1_000_000;

/// Records whenever a face is there, clips of this length at most.
fn always(folder: &Path, longest_ms: u64) -> Option<Plan> {
    Some(Plan {
        settings: clips::Settings {
            folder: folder.to_owned(),
            rules: Rules {
                hold_ns: 100 * MS,
                pre_ns: 300 * MS,
                post_ns: 200 * MS,
                longest_ns: longest_ms * MS,
                debounce_ns: 0,
            },
            limits: Limits {
                clips: 50,
                bytes: 1 << 30,
                keep_ns: u64::MAX,
            },
            fps: 60.0,
            longest_side: 1280,
            preroll_bytes: 40 << 20,
        },
        always: true,
    })
}

fn mp4s(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|e| e.unwrap().path());
    let mut all: Vec<_> = all
        .filter(|p| p.extension().is_some_and(|e| e == "mp4"))
        .collect();
    all.sort();
    all
}

/// Pictures of a clip that is whole.
fn decode(path: &Path) -> usize {
    let fast = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&SourceSpec::Path(path.to_owned()), &fast).unwrap();
    let (mut frame, mut n) = (Frame::default(), 0);
    loop {
        match source.next(&mut frame, WATCHDOG).unwrap() {
            Next::Frame => n += 1,
            _ => return n,
        }
    }
}

#[test]
fn the_hot_path_stays_quiet_while_clips_are_recorded_and_hooks_hang() {
    let dir = tempfile::tempdir().unwrap();
    let side = Side {
        clips: always(dir.path(), 100_000),
        hooks: Some(hooks::Plan {
            command: ["sh", "-c", "sleep 600"].map(str::to_owned).to_vec(),
            line_to: None,
            snapshots: Some(dir.path().join("shots")),
            timeout: Duration::from_millis(200),
        }),
        ..Side::default()
    };
    let running = Running::start(side, None);
    let header = running.until("a clip", |h| h.clips.status() == ClipsStatus::Recording);
    assert_eq!(header.recording_for, recording::CLIP);
    assert!(header.recording && header.clips.face > 0);
    running.frames(60);
    let before = running.reader.header();
    running.frames(30);
    let after = running.reader.header();
    assert!(after.sample_index > before.sample_index);
    running.assert_quiet();
    let missed = after.clips.missed;
    drop(running);
    let clip = mp4s(dir.path()).pop().unwrap();
    let name = clip.file_name().unwrap();
    let pictures = decode(&clip);
    assert!(pictures as u64 + missed >= 60, "{pictures}, {missed}");
    let line = std::fs::read_to_string(dir.path().join(name).with_extension("json")).unwrap();
    let line: clips::folder::Line = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (line.complete, line.ended.as_deref()),
        (true, Some("stopped"))
    );
    assert_eq!(line.pictures, Some(pictures as u64));
}

#[test]
fn without_being_asked_nothing_is_recorded_and_no_picture_is_kept() {
    let running = Running::start(Side::default(), None);
    let header = running.until("frames", |h| h.stats.frames_in > 60);
    assert_eq!(header.clips.status(), ClipsStatus::Off);
    assert_eq!(
        (header.recording, header.clips.memory, header.clips.missed),
        (false, 0, 0)
    );
}

#[test]
fn a_folder_that_goes_is_told_in_the_header_and_samples_keep_coming() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("clips");
    let side = Side {
        clips: always(&folder, 100_000),
        ..Side::default()
    };
    let running = Running::start(side, None);
    running.until("a clip", |h| h.clips.status() == ClipsStatus::Recording);
    std::fs::remove_dir_all(&folder).unwrap();
    let stopped = running.until("the trouble", |h| h.clips.status() == ClipsStatus::Stopped);
    let why = text_of(&stopped.clips.text);
    assert!(why.contains("is gone; make it again"), "{why}");
    assert!(!stopped.recording);
    running.frames(30);
    let later = running.reader.header();
    assert!(later.sample_index > stopped.sample_index);
    assert!(!folder.exists(), "it is not made again");
}

/// The test below starts this once more as a process of its own, to be killed.
const VICTIM: &str = "GAZE_TEST_CLIPS_FOLDER";

#[test]
fn after_kill_9_the_clip_plays() {
    if let Some(folder) = std::env::var_os(VICTIM) {
        let side = Side {
            clips: always(Path::new(&folder), 100_000),
            ..Side::default()
        };
        let running = Running::start(side, None);
        println!("shm {}", running.name);
        std::thread::sleep(WATCHDOG);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "after_kill_9_the_clip_plays", "--nocapture"])
        .env(VICTIM, dir.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + WATCHDOG;
    let mut seen: Vec<PathBuf> = Vec::new();
    // Once while it grows, then at the very end.
    while seen.is_empty() || decode(&seen[0]) < 15 {
        assert!(Instant::now() < until, "a clip comes and grows");
        std::thread::sleep(Duration::from_millis(50));
        seen = mp4s(dir.path());
    }
    victim.kill().unwrap(); // SIGKILL
    let _ = victim.wait();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut victim.stdout.take().unwrap(), &mut text).unwrap();
    if let Some(name) = text.lines().find_map(|l| l.split("shm ").nth(1)) {
        let _ = rustix::shm::unlink(name.trim());
    }
    assert_eq!(mp4s(dir.path()), seen);
    assert!(decode(&seen[0]) >= 15);
    let line = std::fs::read_to_string(seen[0].with_extension("json")).unwrap();
    let line: clips::folder::Line = serde_json::from_str(&line).unwrap();
    assert!(!line.complete);
}
