//! A whole calibration in a real window, by pixels alone: somebody rendered looks at the dot that
//! the X screen shows, `gazed` sees them through a pipe, `gaze-calib run` asks them to look, and
//! the keys are pressed as a keyboard presses them.
//!
//! Needs Xvfb. Where there is none the test says so and passes, unless `GAZE_NEED_XVFB` is 1.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use gaze::calibration::{Calibration, Grade, load};
use gaze_tests::daemon::{self, Running, program};
use gaze_tests::screen::XScreen;
use gaze_tests::xvfb::Xvfb;
use ring::Next;
use ring::layout::{Sample, flags};

/// What hangs is ended. The whole took 183 s on two cores that others had most of (87 s of its
/// own processor time).
const WATCHDOG: Duration = Duration::from_secs(400);
/// A dot that is gone for so long gave way to another page.
const GONE: Duration = Duration::from_millis(2500);
/// A dot that has not moved for so long has come to its target, where it stays for 1.6 s at
/// least: on a busy machine one that travels is drawn late.
const RESTS: Duration = Duration::from_millis(700);
/// A dot that stays for so long could not be measured; the window says so after 10 s.
const STUCK: Duration = Duration::from_secs(15);
const SPACE: u32 = 0x20;
const ESCAPE: u32 = 0xff1b;
const R: u32 = 0x72;

/// What a calibration must come to at held-out targets, share of the diagonal. The goal is 3 %;
/// this sitting gave 2.3 and 2.9 % on a machine so busy that few pictures counted, and
/// `examples/sittings.rs` gives 2.1 to 2.8 %, with glasses 3.4.
const ERROR: f64 = 0.04;
/// The same while they look around afterwards, a few pictures at each place.
const AROUND: f64 = 0.05;

/// The screen, 1280 by 800 pixels at 108 to an inch, as `Screen::laptop` has it.
const SIZE_MM: [f64; 2] = [301.0, 188.0];

/// Where they look after the calibration.
const PLACES: [[f64; 2]; 6] = [
    [0.3, 0.3],
    [0.7, 0.25],
    [0.5, 0.45],
    [0.25, 0.65],
    [0.75, 0.7],
    [0.45, 0.8],
];

/// How far beside the dot they look once the calibration has drifted, normalised.
const DRIFT: [f64; 2] = [0.1, -0.08];

/// The desktop, the person before it and the daemon.
struct Stage {
    folder: tempfile::TempDir,
    screen: XScreen,
    daemon: Running,
    looker: Child,
    xvfb: Xvfb,
}

impl Stage {
    /// `None` where there is no Xvfb.
    fn start() -> Option<Stage> {
        // 14 inches, as a laptop's.
        let xvfb = match Xvfb::start([1280, 800], 108) {
            Ok(xvfb) => xvfb,
            Err(why) => {
                assert!(
                    std::env::var_os("GAZE_NEED_XVFB").is_none_or(|v| v != "1"),
                    "{why}; scripts/fetch-xvfb.sh installs it"
                );
                eprintln!("calibration_window: not run (no Xvfb)");
                return None;
            }
        };
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("camera");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|s| s.success()), "mkfifo");
        let daemon = Running::start_with(|command| {
            command
                .arg("--source")
                .arg(&pipe)
                .env("XDG_CONFIG_HOME", folder.path())
                .env("DISPLAY", &xvfb.display)
                .stderr(Stdio::inherit())
        });
        let mut looker = Command::new(program("gaze_looker"));
        looker
            .args([
                "--display",
                &xvfb.display,
                "--fps",
                "12",
                "--distance",
                "520",
            ])
            .arg("--out")
            .arg(&pipe)
            .stdin(Stdio::piped());
        if let Some(folder) = std::env::var_os("GAZE_SCREENSHOTS") {
            looker.arg("--screenshots").arg(folder);
        }
        Some(Stage {
            screen: XScreen::open(Some(&xvfb.display)).expect("an X server"),
            looker: looker.spawn().expect("gaze_looker starts"),
            daemon,
            folder,
            xvfb,
        })
    }

    fn tell(&mut self, order: &str) {
        let orders = self.looker.stdin.as_mut().expect("piped");
        writeln!(orders, "{order}").expect("the looker hears");
    }

    /// Opens a window of gaze-calib, and stays until it shows something and has the keys.
    fn calib(&self, args: &[&str]) -> Calib {
        let child = Command::new(program("gaze-calib"))
            .args(args)
            .args(["--user", "t", "--size-mm"])
            .arg(format!("{}x{}", SIZE_MM[0], SIZE_MM[1]))
            .env("GAZE_SHM", &self.daemon.shm)
            .env("XDG_CONFIG_HOME", self.folder.path())
            .env("DISPLAY", &self.xvfb.display)
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gaze-calib starts");
        let calib = Calib(Some(child));
        let page = |shot: &gaze_tests::screen::Shot| {
            let lit = shot.thumbnail().iter().filter(|v| **v > 40).count();
            lit > 3
        };
        let shown = self.screen.until(Duration::from_secs(30), page);
        assert!(shown.is_ok(), "no page: {:?}", calib.end());
        calib
    }

    /// Presses a key until a dot is there: a window may not have had the keyboard yet.
    fn begin(&self, key: u32) {
        for _ in 0..20 {
            self.screen.press(key).expect("a key");
            let dot = self
                .screen
                .until(Duration::from_secs(3), |s| s.dot().is_some());
            if dot.is_ok() {
                return;
            }
        }
        panic!("no dot came");
    }

    /// Watches the dot until another page follows or `enough` targets were come to; the places.
    fn watch(&self, enough: usize) -> Vec<[f64; 2]> {
        let until = Instant::now() + WATCHDOG;
        let mut places: Vec<[f64; 2]> = Vec::new();
        let mut still: Option<([f64; 2], Instant)> = None;
        let (mut seen, mut moved) = (Instant::now(), Instant::now());
        while Instant::now() < until {
            let dot = self.screen.shot().expect("a picture").dot();
            let before = still.filter(|(place, _)| dot.is_some_and(|at| near(at, *place, 0.002)));
            still = before.or(dot.map(|at| (at, Instant::now())));
            if let Some((at, _)) = still.filter(|(_, since)| since.elapsed() >= RESTS)
                && !places.last().is_some_and(|p| near(*p, at, 0.02))
            {
                places.push(at);
                moved = Instant::now();
                if places.len() >= enough {
                    return places;
                }
            }
            if dot.is_some() {
                seen = Instant::now();
            } else if seen.elapsed() > GONE {
                return places;
            }
            // A busy machine: nothing could be measured at this dot for a while. Again.
            if moved.elapsed() > STUCK {
                self.screen.press(R).expect("a key");
                moved = Instant::now();
            }
            std::thread::sleep(Duration::from_millis(80));
        }
        panic!("the sitting did not end; the dot was at {places:?}");
    }

    /// Errors (share of the diagonal) of the daemon's filtered points while they look at places
    /// that no calibration has shown.
    fn look_around(&mut self) -> Vec<f64> {
        let mut reader = self.daemon.reader();
        let mut errors = Vec::new();
        for place in PLACES {
            self.screen.show_dot(place).expect("a dot");
            let began = Instant::now();
            let mut here = Vec::new();
            // So many new measurements, the first second of them on the way there.
            while here.len() < 8 {
                assert!(began.elapsed() < WATCHDOG, "no valid samples");
                match reader.next() {
                    Next::Sample { sample, .. }
                        if began.elapsed() > Duration::from_millis(1500) && counts(&sample) =>
                    {
                        let [x, y] = [sample.x, sample.y].map(f64::from);
                        here.push(diagonal(x - place[0], y - place[1]));
                    }
                    Next::Sample { .. } => {}
                    Next::Empty => {
                        let _ = reader.wait(Duration::from_millis(100));
                    }
                }
            }
            errors.extend(here);
        }
        self.screen.hide_dot().expect("gone");
        errors
    }

    fn files(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("gaze/calibration");
        std::fs::read_dir(folder).map_or(Vec::new(), |entries| {
            entries.filter_map(|e| Some(e.ok()?.path())).collect()
        })
    }

    /// The daemon's own word on itself.
    fn status(&self) -> serde_json::Value {
        let mut command = daemon::command(&self.daemon.shm);
        command.args(["status", "--json"]);
        serde_json::from_slice(&daemon::finish(command).stdout).expect("JSON")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.looker.kill();
        let _ = self.looker.wait();
    }
}

/// A running gaze-calib; killed when dropped.
struct Calib(Option<Child>);

impl Calib {
    fn ends_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let child = self.0.as_mut().expect("still ours");
        while child.try_wait().expect("ours").is_none() {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        true
    }

    /// What it says until it ends.
    fn end(mut self) -> Output {
        let mut child = self.0.take().expect("still ours");
        let until = Instant::now() + Duration::from_secs(30);
        while child.try_wait().expect("ours").is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(30));
        }
        let _ = child.kill();
        child.wait_with_output().expect("its words")
    }
}

impl Drop for Calib {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn near(a: [f64; 2], b: [f64; 2], limit: f64) -> bool {
    (a[0] - b[0]).hypot(a[1] - b[1]) < limit
}

/// The length of a normalised difference, share of the diagonal.
fn diagonal(dx: f64, dy: f64) -> f64 {
    let [w, h] = SIZE_MM;
    (dx * w).hypot(dy * h) / w.hypot(h)
}

fn counts(sample: &Sample) -> bool {
    sample.is_valid() && sample.has(flags::MEASURED)
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn stored(files: &[PathBuf]) -> (PathBuf, Calibration) {
    let json = |p: &&PathBuf| p.extension().is_some_and(|e| e == "json");
    let path: &Path = files.iter().find(json).expect("a calibration is stored");
    (path.into(), load(path).expect("a sound one"))
}

#[test]
fn a_person_who_looks_at_the_dots_is_calibrated() {
    let Some(mut stage) = Stage::start() else {
        return;
    };
    stage.daemon.until("the person, seen", Sample::is_valid);

    // Escape half way: nothing is left behind.
    let calib = stage.calib(&["run", "--targets", "9", "--seed", "1"]);
    stage.begin(SPACE);
    stage.watch(3);
    stage.screen.press(ESCAPE).unwrap();
    let output = calib.end();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(stage.files(), Vec::<PathBuf>::new());
    assert_eq!(stage.status()["calibration"]["in_force"], false);

    // Somebody who does not look at the fourth dot.
    let calib = stage.calib(&["run", "--targets", "9", "--seed", "5"]);
    stage.tell("ignore 4");
    stage.begin(SPACE);
    let first = stage.watch(usize::MAX);
    assert_eq!(first.len(), 13, "nine and four held out: {first:?}");
    // It is named bad: shown again, they look at it now.
    stage.begin(R);
    let again = stage.watch(usize::MAX);
    let ignored = first[3];
    assert!(
        again.iter().any(|p| near(*p, ignored, 0.02)),
        "{ignored:?} was not looked at; shown again were {again:?}"
    );
    stage.screen.press(SPACE).unwrap();
    let output = calib.end();
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    // Stored, held against places that the fit has not seen, and good; the daemon has it.
    let (path, calibration) = stored(&stage.files());
    let validation = calibration.validation.as_ref().expect("held-out targets");
    assert_eq!(
        (calibration.targets.len(), validation.targets.len()),
        (9, 4)
    );
    eprintln!(
        "error at held-out targets {:.1} %, cross-validated {:.1} %",
        100.0 * validation.error,
        100.0 * calibration.cross_validated
    );
    assert!(validation.error <= ERROR, "{validation:?}");
    assert!(calibration.grade >= Grade::Good, "{:?}", calibration.grade);
    let status = stage.status();
    assert_eq!(status["calibration"]["in_force"], true, "{status}");
    assert_eq!(status["calibration"]["user"], "t", "{status}");

    // The daemon's own points at other places.
    let right = median(stage.look_around());
    eprintln!(
        "the daemon's points at {} other places: {:.1} %",
        PLACES.len(),
        100.0 * right
    );
    assert!(right <= AROUND, "{right}");

    // The map drifts, by a known offset: one point finds it.
    let [dx, dy] = DRIFT;
    stage.tell(&format!("beside {dx} {dy}"));
    let drifted = median(stage.look_around());
    eprintln!("drifted {:.1} %", 100.0 * drifted);
    let mut calib = stage.calib(&["repair"]);
    stage.begin(SPACE);
    for _ in 0..3 {
        stage.watch(usize::MAX);
        stage.screen.press(SPACE).unwrap();
        if calib.ends_within(Duration::from_secs(5)) {
            break;
        }
        // Looks that lie too far apart are refused; the page asks to try again.
        stage.screen.press(R).unwrap();
    }
    let output = calib.end();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let repair = load(&path).unwrap().repair.expect("an offset");
    eprintln!("repaired by {:.3}, {:.3}", repair.dx, repair.dy);
    // The one point errs as much as any other.
    let left = diagonal(repair.dx + dx, repair.dy + dy);
    assert!(
        left < 0.75 * diagonal(dx, dy),
        "{repair:?} against {DRIFT:?}"
    );
    let repaired = median(stage.look_around());
    eprintln!("and after the repair {:.1} %", 100.0 * repaired);
    assert!(repaired < 0.7 * drifted, "{repaired} after {drifted}");
}
