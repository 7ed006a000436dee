//! `gaze-calib record` as a person sees it: a real window on an X screen, a real daemon.
//!
//! Needs Xvfb. Where there is none the tests say so and pass, unless `GAZE_NEED_XVFB` is 1.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gaze::dataset;
use gaze_tests::daemon::{Running, WATCHDOG, program, runtime_folder};
use gaze_tests::screen::XScreen;
use gaze_tests::xvfb::Xvfb;
use ring::clock;
use ring::layout::Sample;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const SPACE: u32 = 0x20;
const ESCAPE: u32 = 0xff1b;

/// A desktop, a daemon on its demo, a folder for all.
struct Room {
    x: Xvfb,
    screen: XScreen,
    daemon: Running,
    dir: tempfile::TempDir,
}

impl Room {
    fn new() -> Option<Room> {
        let x = match Xvfb::start([1280, 800], 96) {
            Ok(x) => x,
            Err(why) => {
                assert!(
                    std::env::var_os("GAZE_NEED_XVFB").is_none_or(|v| v != "1"),
                    "{why}; scripts/fetch-xvfb.sh installs it"
                );
                eprintln!("calib_record: not run (no Xvfb)");
                return None;
            }
        };
        let mut daemon = Running::start(&["--source", "demo"]);
        daemon.until("a valid sample", Sample::is_valid);
        Some(Room {
            screen: XScreen::open(Some(&x.display)).unwrap(),
            x,
            daemon,
            dir: tempfile::tempdir().unwrap(),
        })
    }

    fn record(&self, words: &str) -> Child {
        Command::new(program("gaze-calib"))
            .args(["record", "--seed", "4", "--json", "--out"])
            .arg(self.dir.path().join("faces"))
            .args(words.split_whitespace())
            .env("DISPLAY", &self.x.display)
            .env("GAZE_SHM", &self.daemon.shm)
            .env("XDG_CONFIG_HOME", self.dir.path())
            .env("XDG_RUNTIME_DIR", runtime_folder())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gaze-calib starts")
    }

    /// Waits until the page with the question is there, and answers.
    fn answer(&self, key: u32) {
        self.page();
        self.screen.press(key).unwrap();
    }

    fn page(&self) {
        let lit = |s: &gaze_tests::screen::Shot| s.thumbnail().iter().any(|v| *v > 40);
        self.screen.until(WATCHDOG, lit).expect("a page");
    }

    /// Watches the screen until the dot is gone, which is the summary: when the dot was where.
    fn dots(&self, child: &mut Child) -> Vec<(u64, [f64; 2])> {
        let mut seen: Vec<(u64, [f64; 2])> = Vec::new();
        let until = Instant::now() + WATCHDOG;
        let mut without = 0;
        while without < 20 {
            let dot = self.screen.shot().unwrap().dot();
            match dot {
                Some(dot) => seen.push((clock::now_ns(), dot)),
                None if seen.is_empty() => {}
                None => without += 1,
            }
            assert!(Instant::now() < until, "{} dots seen", seen.len());
            assert!(
                child.try_wait().unwrap().is_none(),
                "the summary waits to be read"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        seen
    }
}

/// Every picture was taken while the dot had rested where its label says.
fn dot_was_where_labels_say(labels: &[Value], seen: &[(u64, [f64; 2])]) {
    for label in labels {
        let at = label["recording"]["captured_ns"].as_u64().unwrap();
        let screen = &label["recording"]["screen"];
        assert_eq!(
            (&screen["width_px"], &screen["height_px"]),
            (&1280.into(), &800.into())
        );
        let target = [
            label["screen_x"].as_f64().unwrap() / 1280.0,
            label["screen_y"].as_f64().unwrap() / 800.0,
        ];
        // The eyes need a fifth of a second to follow, and time to rest.
        let before: Vec<_> = seen
            .iter()
            .filter(|(t, _)| (at - 400_000_000..at).contains(t))
            .collect();
        assert!(!before.is_empty(), "the screen was watched");
        for (t, dot) in before {
            let off = (dot[0] - target[0]).hypot(dot[1] - target[1]);
            assert!(
                off < 0.003,
                "{} ms before: {dot:?}, label {target:?}",
                (at - t) / 1_000_000
            );
        }
    }
}

/// Its exit code, its report, its last line; killed where it does not end.
fn ended(mut child: Child) -> (i32, Value, String) {
    let until = Instant::now() + WATCHDOG;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            let _ = child.kill();
            panic!("gaze-calib does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {:?} {said}", output.stdout));
    let line = said.lines().last().unwrap_or_default().to_owned();
    (output.status.code().expect("no signal"), report, line)
}

/// Every label of a folder, each with its picture beside it, and nothing else.
fn labels(folder: &Path) -> Vec<Value> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let partner = path.with_extension("jpg");
        let jpeg_bytes = std::fs::metadata(&partner).expect("a whole pair").len();
        if path.extension().is_some_and(|e| e == "json") {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(dataset::read(&bytes).unwrap().jpeg_bytes, Some(jpeg_bytes));
            all.push(serde_json::from_slice(&bytes).unwrap());
        } else {
            assert!(
                path == partner && path.with_extension("json").exists(),
                "{path:?}"
            );
        }
    }
    all
}

#[test]
fn pictures_are_taken_with_consent_while_the_dot_rests_where_the_label_says() {
    let Some(room) = Room::new() else {
        return;
    };
    let folder = room.dir.path().join("faces");
    let child = room.record("--places 4");
    room.answer(ESCAPE);
    let (code, report, line) = ended(child);
    assert_eq!((code, &report["stored"]), (1, &0.into()), "{line}");
    assert!(line.contains("did not agree") && !folder.exists(), "{line}");

    let mut child = room.record("--places 4");
    room.answer(SPACE);
    let seen = room.dots(&mut child);
    room.screen.press(SPACE).unwrap();
    let (code, report, line) = ended(child);
    assert_eq!(code, 0, "{line}");
    assert_eq!(
        (&report["stored"], &report["places"]),
        (&12.into(), &4.into())
    );
    let labels = labels(&folder);
    assert_eq!(labels.len(), 12);
    dot_was_where_labels_say(&labels, &seen);
}

#[test]
fn the_dot_is_where_the_label_says_when_the_window_does_not_fill_the_display() {
    let Some(room) = Room::new() else {
        return;
    };
    // As a desktop does it that keeps a bar on top and one at the side.
    let mut child = room.record("--places 2");
    room.page();
    room.screen.place_window([25, 20], [1240, 765]).unwrap();
    room.answer(SPACE);
    let seen = room.dots(&mut child);
    room.screen.press(SPACE).unwrap();
    let (code, _, line) = ended(child);
    assert_eq!(code, 0, "{line}");
    let labels = labels(&room.dir.path().join("faces"));
    assert!(!labels.is_empty());
    dot_was_where_labels_say(&labels, &seen);

    // Too little of it to show every place.
    let child = room.record("--places 2");
    room.page();
    room.screen.place_window([0, 0], [1280, 700]).unwrap();
    let (code, report, line) = ended(child);
    assert_eq!((code, &report["stored"]), (3, &0.into()), "{line}");
    assert!(line.contains("1280x700 of the 1280x800"), "{line}");
}

#[test]
fn whatever_ends_it_the_person_is_told_what_there_is() {
    let Some(mut room) = Room::new() else {
        return;
    };
    let folder = room.dir.path().join("faces");
    let wait_for = |pairs: usize| {
        let until = Instant::now() + WATCHDOG;
        let there = || std::fs::read_dir(&folder).map_or(0, Iterator::count) / 2;
        while there() < pairs {
            assert!(Instant::now() < until, "{} of {pairs} pairs", there());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // Ctrl-C.
    let child = room.record("--places 200 --yes");
    wait_for(2);
    let pid = Pid::from_raw(child.id() as i32).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let (code, report, line) = ended(child);
    assert_eq!(code, 0, "{line}");
    let first = labels(&folder).len();
    assert_eq!(report["stored"], first);
    assert_eq!(report["pairs"], first);

    // No room.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, prlimit};
        let daemon = Pid::from_raw(room.daemon.pid() as i32);
        let room_for = |bytes| Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(daemon, Resource::Fsize, room_for(Some(1000))).unwrap();
        let (code, report, line) = ended(room.record("--places 200 --yes"));
        assert_eq!((code, &report["stored"]), (4, &0.into()));
        assert!(line.contains("no room left"), "{line}");
        prlimit(daemon, Resource::Fsize, room_for(None)).unwrap();
    }

    // The daemon is killed.
    let child = room.record("--places 200 --yes");
    wait_for(first + 2);
    room.daemon.signal(Signal::KILL);
    room.daemon.wait();
    let (code, report, line) = ended(child);
    assert_eq!(code, 3);
    assert!(line.contains("gazed is gone"), "{line}");
    assert_eq!(
        report["pairs"],
        labels(&folder).len(),
        "what was half done is mended"
    );
}
