//! Calibrations come, go and change under a running daemon.
//!
//! Every sample is held against the maps that were ever stored: its raw point must be
//! its own line of sight on the screen of exactly one of them, its calibrated point
//! that raw point through the map of the same one.

use std::collections::BTreeMap;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gaze::affine::Affine;
use gaze::calibration::selection::{self, Selection};
use gaze::calibration::{self, Calibration};
use gaze::ray::Ray;
use gaze::screen::{CameraPlace, Screen};
use gaze_tests::calibrations::{made, setup};
use gaze_tests::daemon::{Running, WATCHDOG, command, finish};
use nalgebra::Vector3;
use ring::layout::{CalibrationStatus, Sample, flags, text_of};
use ring::{Next, Reader};
use rustix::process::Signal;
use tempfile::TempDir;

/// The demo under a daemon with a config folder of its own.
struct Setting {
    config: TempDir,
    daemon: Running,
}

impl Setting {
    fn start(args: &[&str]) -> Setting {
        Self::start_with(args, &[])
    }

    fn start_with(args: &[&str], environment: &[(&str, &str)]) -> Setting {
        let config = tempfile::tempdir().unwrap();
        let home = config.path();
        let mut daemon = Running::start_with(|command| {
            command
                .args(["--source", "demo"])
                .args(args)
                .envs(environment.iter().copied())
                .env("XDG_CONFIG_HOME", home)
                .env("USER", "ada")
        });
        daemon.until("a valid sample", Sample::is_valid);
        Setting { config, daemon }
    }

    fn folder(&self) -> PathBuf {
        self.config.path().join("gaze/calibration")
    }

    /// A calibration that shifts and scales, on a screen of this width.
    fn make(&mut self, user: &str, display: &str, width_mm: f64, map: &Affine) -> Calibration {
        let screen = Screen {
            width_mm,
            height_mm: width_mm * 0.6,
            camera: CameraPlace {
                x_norm: 0.45,
                above_mm: 8.0,
                ..CameraPlace::default()
            },
            ..Screen::laptop(1920, 1080)
        };
        let header = self.daemon.reader().header();
        made(&setup(&header, user, display, &screen), map)
    }

    /// Two that no sample can be taken for both of.
    fn two(&mut self) -> [Calibration; 2] {
        let [left, right] = [(-0.3, 300.0), (0.3, 420.0)].map(|(shift, width_mm)| {
            let map = Affine {
                a: 1.1,
                b: 0.05,
                c: shift,
                d: -0.04,
                e: 0.95,
                f: 0.5 * shift,
            };
            self.make("ada", "default", width_mm, &map)
        });
        [left, right]
    }

    /// Waits until samples are made with this calibration.
    fn until_in_force(&mut self, what: &str, c: &Calibration) -> Sample {
        self.daemon.until(what, |s| s.is_valid() && is_of(s, c))
    }

    fn status(&self) -> serde_json::Value {
        let mut ask = command(&self.daemon.shm);
        ask.args(["status", "--json"]);
        serde_json::from_slice(&finish(ask).stdout).unwrap()
    }

    /// What the doctor finds of the calibration: verdict and line.
    fn doctor(&self) -> (String, String) {
        let mut ask = command(&self.daemon.shm);
        ask.args(["doctor", "--json"])
            .env("XDG_CONFIG_HOME", self.config.path())
            .env("USER", "ada");
        let report: serde_json::Value = serde_json::from_slice(&finish(ask).stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().clone();
        let found = findings.into_iter().find(|f| f["what"] == "calibration");
        let found = found.expect("the doctor looks at the calibration");
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        (text("verdict"), text("line"))
    }
}

fn point(x: f32, y: f32) -> [f64; 2] {
    [f64::from(x), f64::from(y)]
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Where a sample's own line of sight meets a screen.
fn seen_on(s: &Sample, screen: &Screen) -> Option<[f64; 2]> {
    let vector = |v: [f32; 3]| Vector3::from(v.map(f64::from));
    let ray = Ray {
        origin: vector(s.eye_origin_mm),
        direction: vector(s.gaze_dir),
    };
    screen.intersect(&ray).map(|p| [p.x, p.y])
}

/// Whether both points of a sample are of this calibration, to the precision of f32.
fn is_of(s: &Sample, c: &Calibration) -> bool {
    let (raw, cal) = (point(s.raw_x, s.raw_y), point(s.cal_x, s.cal_y));
    let through = c.effective_map().apply(raw);
    let on_screen = seen_on(s, &c.display.screen()).is_some_and(|p| apart(p, raw) < 2e-5);
    on_screen && apart(through, cal) < 2e-6
}

/// Renames a text over the file, as `gaze-calib` does but without its syncing.
/// When the new file was there, on the clock of the samples.
fn rename_over(file: &Path, text: &[u8]) -> u64 {
    let temporary = file.with_extension("part");
    std::fs::write(&temporary, text).unwrap();
    std::fs::rename(&temporary, file).unwrap();
    ring::clock::now_ns()
}

fn text(c: &Calibration) -> Vec<u8> {
    serde_json::to_vec_pretty(c).unwrap()
}

/// Samples as they come, none left out.
fn follow(reader: &mut Reader, mut each: impl FnMut(&Sample) -> bool) {
    let until = Instant::now() + WATCHDOG;
    while Instant::now() < until {
        match reader.next() {
            Next::Sample { sample, lost } => {
                assert_eq!(lost, 0, "a sample was not looked at");
                if !each(&sample) {
                    return;
                }
            }
            Next::Empty => {
                let _ = reader.wait(Duration::from_millis(50));
            }
        }
    }
    panic!("it never came to an end");
}

#[test]
fn a_new_map_is_in_force_at_once_and_the_point_jumps() {
    const SWAPS: usize = 12;
    let mut setting = Setting::start(&[]);
    let both = setting.two();
    let file = calibration::write(&both[0], &setting.folder())
        .unwrap()
        .path;
    let first = setting.until_in_force("the first calibration", &both[0]);
    assert_eq!(first.calibration_generation, 1);
    assert!(first.has(flags::CALIBRATED) && !first.has(flags::COARSE));

    let (mut waits_ms, mut judged) = (Vec::new(), 0);
    let mut reader = setting.daemon.reader();
    let mut newest: Option<Sample> = None;
    for swap in 0..SWAPS {
        let (old, new) = (&both[swap % 2], &both[(swap + 1) % 2]);
        let generation = 1 + swap as u32;
        let renamed_ns = rename_over(&file, &text(new));
        let (mut before, mut after) = (newest, Vec::<Sample>::new());
        follow(&mut reader, |s| {
            if s.calibration_generation == generation {
                before = Some(*s);
            } else {
                assert_eq!(s.calibration_generation, generation + 1);
                after.push(*s);
            }
            after.len() < 12
        });
        newest = after.last().copied();
        waits_ms.push(after[0].published_ns.saturating_sub(renamed_ns) / 1_000_000);
        let Some(before) = before.filter(|b| b.is_valid() && after[0].is_valid()) else {
            continue; // a blink
        };
        // The filtered place of before, as the new map has it.
        let old_raw = old
            .effective_map()
            .inverse()
            .unwrap()
            .apply(point(before.x, before.y));
        let shift = {
            let (a, b) = (old.display.screen(), new.display.screen());
            let (a, b) = (
                seen_on(&after[0], &a).unwrap(),
                seen_on(&after[0], &b).unwrap(),
            );
            [b[0] - a[0], b[1] - a[1]]
        };
        let there = new
            .effective_map()
            .apply([old_raw[0] + shift[0], old_raw[1] + shift[1]]);
        let jump = apart(there, point(before.x, before.y));
        assert!(jump > 0.3, "the two maps are far apart: {jump}");
        // Seen on one screen, the looks around the swap lie together.
        let screen = new.display.screen();
        let here = seen_on(&after[0], &screen).unwrap();
        let eyes_rest = after
            .iter()
            .chain([&before])
            .all(|s| s.is_valid() && seen_on(s, &screen).is_some_and(|p| apart(p, here) < 0.08));
        if !eyes_rest {
            continue;
        }
        judged += 1;
        for s in &after {
            assert!(is_of(s, new), "{s:?}");
            let off = apart(point(s.x, s.y), there);
            assert!(
                off < 0.5 * jump,
                "swap {swap}: {off} off after a jump of {jump}: {s:?}"
            );
        }
        let speed = after[0].velocity;
        assert!(
            speed[0].is_nan() || speed[0].abs() <= 1.0,
            "the jump is no movement: {speed:?}"
        );
    }
    assert!(
        judged >= 3,
        "the demo's eyes rest more often than {judged} times of {SWAPS}"
    );
    waits_ms.sort_unstable();
    println!("from rename to sample, ms: {waits_ms:?}; {judged} jumps judged");
    // The promise itself, of most swaps: one may meet a busy machine.
    assert!(waits_ms[SWAPS / 2] <= 100, "{waits_ms:?}");
}

/// Good, broken and half-written files, about a thousand a second, until told to stop.
/// How many.
fn storm(file: &Path, good: &[Calibration; 2], bad: &Calibration, stop: &AtomicBool) -> u64 {
    let edit = |c: &Calibration, from: &str, to: &str| {
        let text = String::from_utf8(text(c)).unwrap();
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        edited.into_bytes()
    };
    let wrong_map = Calibration {
        map: Affine { c: 0.1, ..bad.map },
        ..bad.clone()
    };
    let half = |c: &Calibration| text(c)[..text(c).len() / 2].to_vec();
    let renamed = [
        text(&good[0]),
        b"{".to_vec(),
        text(&good[1]),
        half(&good[0]),
        edit(bad, "\"schema\": 2", "\"schema\": 3"),
        text(&good[0]),
        edit(bad, "\"excellent\"", "\"failed\""),
        text(&wrong_map),
        edit(bad, "\"ada\"", "\"bob\""),
        text(&good[1]),
        Vec::new(),
        edit(bad, &bad.network, "another"),
    ];
    let mut count = 0;
    let begin = Instant::now();
    while !stop.load(Relaxed) {
        match count % 13 {
            // Written in place, as nobody should: it is seen half-written.
            12 => std::fs::write(file, text(&good[(count / 13) as usize % 2])).unwrap(),
            i => drop(rename_over(file, &renamed[i as usize])),
        }
        count += 1;
        let due = begin + Duration::from_micros(1000 * count);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    count
}

/// Ends the storm also when a check fails: its thread is waited for.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn no_sample_mixes_two_maps_in_a_storm_of_files() {
    let mut setting = Setting::start(&[]);
    let both = setting.two();
    let file = calibration::write(&both[0], &setting.folder())
        .unwrap()
        .path;
    setting.until_in_force("the first calibration", &both[0]);
    // Nothing of it may ever be in a sample: it is stored with one fault or another.
    let bad = setting.make("ada", "default", 360.0, &Affine::IDENTITY);
    let mut reader = setting.daemon.reader();
    let mut maps: BTreeMap<u32, usize> = BTreeMap::new();
    let (mut checked, mut swaps) = (0, 0);
    let mut check = |s: &Sample| {
        let generation = s.calibration_generation;
        assert!(
            s.has(flags::CALIBRATED) && generation > 0,
            "the map was lost: {s:?}"
        );
        if !s.raw_x.is_finite() {
            return; // closed eyes
        }
        let of: Vec<usize> = (0..2).filter(|i| is_of(s, &both[*i])).collect();
        let [one] = of[..] else {
            panic!("of the maps {of:?} at once: {s:?}");
        };
        let (&newest, _) = maps.last_key_value().unwrap_or((&generation, &one));
        assert!(generation >= newest, "generations only rise: {s:?}");
        swaps += u64::from(generation > newest);
        assert_eq!(
            *maps.entry(generation).or_insert(one),
            one,
            "a generation is one map: {s:?}"
        );
        checked += 1;
    };
    let mut during = Duration::ZERO;
    let mut files = 0;
    let mut before = (0, 0, 0);
    // The first second is warm-up, for the belongings.
    for seconds in [1, 5] {
        before = setting.daemon.belongings();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let storm = scope.spawn(|| storm(&file, &both, &bad, &stop));
            let ended = End(&stop);
            let end = Instant::now() + Duration::from_secs(seconds);
            follow(&mut reader, |s| {
                check(s);
                Instant::now() < end && !storm.is_finished()
            });
            drop(ended);
            files = storm.join().expect("the writer of the storm");
        });
        during = Duration::from_secs(seconds);
    }
    let mut after = setting.daemon.belongings();
    // It may just be reading the last file.
    let until = Instant::now() + WATCHDOG;
    while (before.1, before.2) != (after.1, after.2) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
        after = setting.daemon.belongings();
    }
    println!(
        "{files} files in {during:?}, {checked} samples, {swaps} swaps; \
         KiB, threads, files: {before:?} then {after:?}"
    );
    assert!(
        files > 1000 && swaps > 10 && checked > 100,
        "it was no storm"
    );
    assert_eq!(
        (before.1, before.2),
        (after.1, after.2),
        "threads and open files"
    );
    assert!(
        after.0 < before.0 + 4096,
        "memory grows: {before:?} then {after:?}"
    );

    // What is there last is in force, if it is good.
    rename_over(&file, b"{");
    rename_over(&file, &text(&both[1]));
    setting.until_in_force("the last good file", &both[1]);
    rename_over(&file, b"{");
    let until = Instant::now() + WATCHDOG;
    let status = loop {
        let status = setting.status();
        if !status["calibration"]["refused"].is_null() {
            break status;
        }
        assert!(Instant::now() < until, "{status}");
    };
    let said = status["calibration"]["refused"].as_str().unwrap();
    assert!(said.starts_with("ada__demo__default.json: "), "{said}");
    assert_eq!(status["calibration"]["user"], "ada");
    assert_eq!(status["calibration"]["grade"], "excellent");
    setting.until_in_force("the map of before", &both[1]);
}

#[test]
fn people_folders_and_resolutions_change_under_it() {
    let config = tempfile::tempdir().unwrap();
    let settings = config.path().join("settings.json");
    let write_settings = |px: [u32; 2]| {
        let text = serde_json::json!({"display_px": px}).to_string();
        std::fs::write(&settings, text).unwrap();
    };
    write_settings([1920, 1080]);
    let mut setting = Setting::start(&["--config", settings.to_str().unwrap()]);
    // Nobody has calibrated: said so, and where it would be looked for.
    let s = setting.daemon.until("a valid sample", Sample::is_valid);
    assert!(s.has(flags::COARSE) && !s.has(flags::CALIBRATED) && s.calibration_generation == 0);
    let status = setting.status();
    assert_eq!(status["calibration"]["status"], "none");
    let wanted = status["calibration"]["wanted"].as_str().unwrap();
    assert!(wanted.contains("ada__demo__default.json"), "{wanted}");

    let (verdict, line) = setting.doctor();
    assert!(
        verdict == "note" && line.contains("run gaze-calib run"),
        "{verdict}: {line}"
    );

    // The folder does not exist yet.
    let map = |shift: f64| Affine {
        c: shift,
        ..Affine::IDENTITY
    };
    let ada = setting.make("ada", "default", 344.0, &map(0.2));
    let bob = setting.make("bob", "default", 344.0, &map(-0.2));
    let folder = setting.folder();
    calibration::write(&bob, &folder).unwrap();
    calibration::write(&ada, &folder).unwrap();
    setting.until_in_force("ada's", &ada);
    let (verdict, line) = setting.doctor();
    assert!(
        verdict == "good" && line.starts_with("ada's, excellent"),
        "{verdict}: {line}"
    );

    // Another person sits down, and goes.
    selection::write(&Selection::new("bob", None), &folder).unwrap();
    setting.until_in_force("bob's", &bob);
    selection::write(&Selection::new("eve", None), &folder).unwrap();
    let s = setting
        .daemon
        .until("nobody's", |s| s.calibration_generation == 0);
    assert!(!s.has(flags::CALIBRATED));
    selection::write(&Selection::new("bob", None), &folder).unwrap();
    let s = setting.until_in_force("bob's again", &bob);

    // Another resolution: the same map, other pixels.
    write_settings([1280, 720]);
    setting.daemon.signal(Signal::HUP);
    let later = setting.daemon.until("another display generation", |later| {
        later.display_generation != s.display_generation && later.is_valid()
    });
    assert!(is_of(&later, &bob), "{later:?}");
    assert_eq!(later.calibration_generation, s.calibration_generation);
    let header = setting.daemon.reader().header();
    assert_eq!(
        (header.display_px, header.display_mm.0),
        ((1280, 720), 344.0)
    );

    // The folder is removed: ada, who is logged in, has nothing any more.
    std::fs::remove_dir_all(&folder).unwrap();
    let gone = setting
        .daemon
        .until("no calibration", |s| s.calibration_generation == 0);
    assert!(gone.index > later.index && !gone.has(flags::CALIBRATED));
    let note = setting.daemon.reader().header().calibration;
    assert_eq!(
        (note.status(), note.generation),
        (CalibrationStatus::None, 0)
    );
    // And made again, all at once, elsewhere first.
    let elsewhere = setting.config.path().join("elsewhere");
    calibration::write(&ada, &elsewhere).unwrap();
    std::fs::rename(&elsewhere, &folder).unwrap();
    let s = setting.until_in_force("ada's after the folder was made again", &ada);
    assert!(s.calibration_generation > later.calibration_generation);
    let note = setting.daemon.reader().header().calibration;
    assert_eq!(text_of(&note.user), "ada");
    assert_eq!(note.generation, s.calibration_generation);
    // The file alone is broken, then removed.
    let file = folder.join("ada__demo__default.json");
    std::fs::write(&file, "{").unwrap();
    let (verdict, line) = setting.doctor();
    assert!(
        verdict == "bad" && line.contains("EOF"),
        "{verdict}: {line}"
    );
    setting.until_in_force("ada's, whatever became of the file", &ada);
    std::fs::remove_file(&file).unwrap();
    setting
        .daemon
        .until("no calibration", |s| s.calibration_generation == 0);
}

#[test]
#[cfg(not(target_os = "macos"))]
fn an_x_server_that_hangs_holds_nothing_up() {
    // It takes the connection and says nothing.
    let number = 10_000 + std::process::id() % 50_000;
    let folder = Path::new("/tmp/.X11-unix");
    std::fs::create_dir_all(folder).unwrap();
    let socket = folder.join(format!("X{number}"));
    let _ = std::fs::remove_file(&socket);
    let server = UnixListener::bind(&socket).unwrap();
    server.set_nonblocking(true).unwrap();
    let display = format!(":{number}");
    let mut setting = Setting::start_with(&[], &[("DISPLAY", &display)]);
    let asked = server.accept().expect("the daemon asks");
    // Longer than it is asked once: the files are looked at all the same, the server is asked
    // no more.
    for both in [setting.two(), setting.two()] {
        for c in both {
            calibration::write(&c, &setting.folder()).unwrap();
            setting.until_in_force("the stored one", &c);
        }
        std::thread::sleep(Duration::from_millis(1500));
    }
    assert!(server.accept().is_err(), "it is asked while it hangs");
    drop(asked);
    std::fs::remove_file(&socket).unwrap();
}
