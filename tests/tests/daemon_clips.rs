//! The real daemon before somebody who looks into the lens: clips and hooks of it, what holds
//! them, and what must not happen.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use gaze_tests::daemon::{Running, WATCHDOG, command, finish};
use gaze_tests::visitor;
use gazed::sources::{self, Next, OpenOptions, SourceSpec};
use ring::layout::{ClipsStatus, recording, text_of};
use rustix::process::Signal;
use vision::Frame;

/// Two seconds away, four into the lens, two away; drawn once for all tests.
fn visitor() -> &'static Path {
    static CLIP: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = CLIP.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("visitor.y4m");
        let fps = visitor::FPS;
        visitor::write_y4m(&path, [2 * fps, 4 * fps, 2 * fps]).unwrap();
        (dir, path)
    });
    path
}

fn settings(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("settings.json");
    std::fs::write(&path, text.replace("DIR", &dir.display().to_string())).unwrap();
    path
}

fn start(config: &Path) -> Running {
    Running::start_with(|c| {
        c.args(["--loop", "--source"])
            .arg(visitor())
            .arg("--config")
            .arg(config)
    })
}

const CLIPS: &str = r#""clips": {"on": true, "folder": "DIR/clips", "hold_s": 0.5,
    "pre_s": 1, "post_s": 0.5, "debounce_s": 0.5, "longest_s": 20}"#;

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|e| e.unwrap().path());
    let mut all: Vec<_> = all
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    all.sort();
    all
}

/// Times of a clip's pictures, nanoseconds from the first.
fn decode(path: &Path) -> Vec<u64> {
    let fast = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&SourceSpec::Path(path.to_owned()), &fast).unwrap();
    let (mut frame, mut times) = (Frame::default(), Vec::<u64>::new());
    while source.next(&mut frame, WATCHDOG).unwrap() == Next::Frame {
        times.push(frame.captured_ns);
    }
    let first = times[0];
    times.iter().map(|t| t - first).collect()
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + WATCHDOG;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn status(daemon: &Running, args: &[&str]) -> String {
    let mut ask = command(&daemon.shm);
    ask.arg("status").args(args);
    String::from_utf8(finish(ask).stdout).unwrap()
}

#[test]
fn a_look_into_the_lens_is_kept_and_told_of_and_kill_9_spoils_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let hooks = r#""hooks": {"command": ["sh", "-c", "cat >> DIR/told; sleep 600"],
        "line_to": "DIR/looks.jsonl", "snapshots": "DIR/shots", "timeout_s": 1}"#;
    let config = settings(dir.path(), &format!("{{{CLIPS}, {hooks}}}"));
    let mut daemon = start(&config);
    let reader = daemon.reader();
    let header = until("a clip", || {
        let h = reader.header();
        (h.clips.status() == ClipsStatus::Recording).then_some(h)
    });
    assert_eq!(header.recording_for, recording::CLIP);
    assert!(status(&daemon, &[]).contains("recording    yes: a clip of face "));
    let json: serde_json::Value = serde_json::from_str(&status(&daemon, &["--json"])).unwrap();
    assert_eq!(json["clips"]["status"], "recording");
    assert_eq!(json["clips"]["recording"], true);
    // A whole one, then the next one is cut off.
    let folder = dir.path().join("clips");
    until("a whole clip", || {
        (reader.header().clips.finished > 0).then_some(())
    });
    until("a second clip that can be seen", || {
        let recording = reader.header().clips.status() == ClipsStatus::Recording;
        let last = files(&folder, ".mp4").pop();
        (recording && last.is_some_and(|l| decode(&l).len() > 8)).then_some(())
    });
    daemon.signal(Signal::KILL);
    daemon.wait();

    let clips = files(&folder, ".mp4");
    assert!(clips.len() >= 2, "{clips:?}");
    let step = 1_000_000_000 / u64::from(visitor::FPS);
    for clip in &clips {
        let times = decode(clip);
        // The source's own times, whatever was dropped between them on a busy machine.
        for t in &times {
            let off = t % step;
            assert!(
                off.min(step - off) < 2_000_000,
                "{t} is no picture's time: {times:?}"
            );
        }
    }
    let line = std::fs::read_to_string(clips[0].with_extension("json")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["complete"], true);
    assert_eq!(line["ended"], "contact over");
    assert!(line["peak"].as_f64().unwrap() >= 0.5);
    // A second before the contact, four of it, half a second after.
    let seconds = line["seconds"].as_f64().unwrap();
    assert!((3.5..9.0).contains(&seconds), "{seconds}");

    // The hooks: a line for each start and end, the command's the same; pictures of both.
    let lines = std::fs::read_to_string(dir.path().join("looks.jsonl")).unwrap();
    let events: Vec<serde_json::Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert!(events.len() >= 3, "{lines}");
    for (i, event) in events.iter().enumerate() {
        let name = if i % 2 == 0 {
            "contact-start"
        } else {
            "contact-end"
        };
        assert_eq!(event["event"], name);
        let jpeg = std::fs::read(event["snapshot"].as_str().unwrap()).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    }
    assert_eq!(events[0]["face"], line["face"]);
    let lasted = events[1]["seconds"].as_f64().unwrap();
    assert!((2.0..7.0).contains(&lasted), "{lasted}");
    let told = std::fs::read_to_string(dir.path().join("told")).unwrap();
    assert!(told.starts_with(lines.lines().next().unwrap()), "{told}");
}

#[test]
fn without_a_word_of_it_in_the_settings_nothing_is_ever_written() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let mut daemon = Running::start_with(|c| {
        c.args(["--loop", "--source"]).arg(visitor());
        c.env("HOME", &home)
            .env("XDG_DATA_HOME", home.join("data"))
            .current_dir(&home)
    });
    let reader = daemon.reader();
    let mut contact = false;
    until("a whole visit", || {
        contact |= reader.faces().is_some_and(|t| {
            t.faces()
                .iter()
                .any(|f| f.state() == ring::layout::FaceState::Contact)
        });
        let header = reader.header();
        // Nothing is said of them in the first moments.
        let status = header.clips.status();
        assert!(
            matches!(status, ClipsStatus::Off | ClipsStatus::Unknown),
            "{status}"
        );
        assert_eq!((header.recording, header.clips.memory), (false, 0));
        (contact && header.stats.frames_in > 8 * u64::from(visitor::FPS)).then_some(())
    });
    assert!(!status(&daemon, &[]).contains("clips"));
    drop(daemon);
    // But where ONNX Runtime keeps what it likes.
    let all = std::fs::read_dir(&home)
        .unwrap()
        .map(|e| e.unwrap().file_name());
    let left: Vec<_> = all.filter(|n| n != ".cache").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Files may be of any size again.
#[cfg(target_os = "linux")]
fn make_room(pid: u32) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let any = Rlimit {
        current: None,
        maximum: None,
    };
    let pid = Pid::from_raw(pid as i32);
    prlimit(pid, Resource::Fsize, any).expect("the hard limit was never lowered");
}

/// Only Linux lets one process change another's limits: a second clip must not begin too soon there.
#[cfg(not(target_os = "linux"))]
fn make_room(_pid: u32) {}

#[test]
fn a_full_disk_and_a_folder_that_goes_stop_clips_only_and_hup_begins_again() {
    let dir = tempfile::tempdir().unwrap();
    let config = settings(dir.path(), &format!("{{{CLIPS}}}"));
    let mut daemon = Running::start_with(|c| {
        // No file may be larger than 480 blocks of 512 bytes: as on a full disk. The shared memory
        // needs half of that, and on a busy machine a clip's first part does not fit into it.
        let gazed = c.get_program().to_owned();
        let mut sh = Command::new("sh");
        sh.args(["-c", "ulimit -S -f 480; exec \"$0\" \"$@\""])
            .arg(gazed);
        sh.args(["run", "--loop", "--source"])
            .arg(visitor())
            .arg("--config")
            .arg(&config);
        for (key, value) in c.get_envs() {
            match value {
                Some(value) => sh.env(key, value),
                None => sh.env_remove(key),
            };
        }
        sh.stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        *c = sh;
        c
    });
    let reader = daemon.reader();
    let stopped = || {
        let h = reader.header();
        (h.clips.status() == ClipsStatus::Stopped).then_some(h)
    };
    let header = until("the trouble", stopped);
    let why = text_of(&header.clips.text);
    assert!(
        why.starts_with("clip 20") && why.contains("too large"),
        "{why}"
    );
    assert!(status(&daemon, &[]).contains(&format!("clips        stopped: {why}")));
    // What was written of it plays.
    let clips = files(&dir.path().join("clips"), ".mp4");
    assert!(clips.iter().all(|c| !decode(c).is_empty()) && !clips.is_empty());
    let goes_on = |from: u64| {
        until("samples", || {
            (reader.header().sample_index > from + 60).then_some(())
        });
    };
    goes_on(header.sample_index);
    // The person makes room and takes it up again; this time the folder goes. Whether a clip has
    // begun by then is all the same.
    make_room(daemon.pid());
    daemon.signal(Signal::HUP);
    until("clips again", || {
        let now = reader.header().clips.status();
        matches!(now, ClipsStatus::Watching | ClipsStatus::Recording).then_some(())
    });
    // A file that is begun meanwhile is in the way once.
    until("the folder gone", || {
        std::fs::remove_dir_all(dir.path().join("clips")).ok()
    });
    let header = until("the trouble", stopped);
    assert!(text_of(&header.clips.text).contains("is gone; make it again"));
    goes_on(header.sample_index);
    assert!(!dir.path().join("clips").exists());
    // Off by the settings.
    std::fs::write(&config, "{}").unwrap();
    daemon.signal(Signal::HUP);
    until("off", || {
        (reader.header().clips.status() == ClipsStatus::Off).then_some(())
    });
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.errors());
}
