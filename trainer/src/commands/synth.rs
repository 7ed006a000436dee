//! `gaze-trainer synth`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use render::scenario::{Kind, Plan};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::synth::make::{Order, Report, make};
use crate::synth::progress::{Display, duration};
use crate::synth::{Error, preview};

/// What a stopped run exits with: 128 and the signal's number.
const STOPPED: u8 = 130;

/// What `synth --help` says at its end.
pub const AFTER_HELP: &str = "\
Running the same command again draws only what is missing; a larger --count adds to a set.
Picture n is the same whatever the count, the jobs and the machine.

Scenarios:
  random        anyone, anywhere, looking anywhere on the screen and a little around it
  calibration   a still head, sixteen targets one after the other
  head-turns    the same target while the head turns
  session       a film: fixations, saccades, pursuit, blinks, a head that follows a little
  crowd         a film of two to four people who cross
  contact       looking into the lens, near it, and away, from 0.5 to 3 m
  gaze-locking  looks of the Columbia Gaze Data Set: five turns of the head, 7 x 3
                directions of the eyes, one of them into the lens; 0.5 to 2 m deep

Exit codes:
  0    all pictures are there
  2    the command line is wrong
  3    OUT holds something else, or another gaze-trainer writes there
  4    a file cannot be written (disk full, not allowed); what is there is whole
  5    OUT cannot be read, or holds no picture to show
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM; the same command goes on

Examples:
  gaze-trainer synth faces --count 1000 --seed 7 --preview
  gaze-trainer synth faces --preview                         (of the files that are there)
  gaze-trainer synth film --count 900 --scenario session --persons 1 --size 640x480 --json";

/// Arguments of `synth`.
#[derive(Debug, Args)]
pub struct Synth {
    /// Folder of the set: OUT/person-0001/img_1.jpg and img_1.json
    out: PathBuf,
    /// How many pictures the set shall have
    #[arg(long, value_name = "N", required_unless_present = "preview")]
    count: Option<usize>,
    /// Where all chance comes from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// What the pictures are for: random, calibration, head-turns, session, crowd, contact,
    /// gaze-locking
    #[arg(long, value_name = "NAME", default_value = "random", value_parser = |s: &str| s.parse::<Kind>())]
    scenario: Kind,
    /// Size of every picture, e.g. 640x480 [default: 640x480 to 1920x1080 by chance; contact and gaze-locking 1280x720]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<(u32, u32)>,
    /// How many different people; a crowd is no larger [default: ever new ones]
    #[arg(long, value_name = "P", value_parser = at_least_one)]
    persons: Option<usize>,
    /// Pictures a second in session and crowd
    #[arg(long, value_name = "F", default_value_t = 30.0, value_parser = rate)]
    fps: f64,
    /// Quality of the JPEGs, 1 to 100 [default: 70 to 95 by chance, the same within a sitting]
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// How many pictures are drawn at once, at most 1024 [default: one for each core]
    #[arg(long, value_name = "J", value_parser = jobs)]
    jobs: Option<usize>,
    /// Write OUT/preview.png: pictures from all over the set with their labels drawn in
    #[arg(long)]
    preview: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// A line on standard output; who reads it may have left.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}
/// The same on standard error.
macro_rules! tell {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stderr(), $($words)*);
    }};
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once(['x', 'X', '×']);
    let parsed = sides.and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    match parsed {
        Some((w, h)) if !(48..=4096).contains(&w) || !(48..=4096).contains(&h) => {
            Err("sizes go from 48x48 to 4096x4096".into())
        }
        Some((w, h)) if w > 3 * h || h > 3 * w => {
            Err("no camera is that long: one side is at most three times the other".into())
        }
        Some(s) => Ok(s),
        None => Err("write it like 640x480".into()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..) => Ok(n),
        _ => Err("a whole number from 1 on".into()),
    }
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=1024) => Ok(n),
        _ => Err("a whole number from 1 to 1024".into()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(f) if (1.0..=1000.0).contains(&f) => Ok(f),
        _ => Err("pictures a second, 1 to 1000".into()),
    }
}

impl Synth {
    /// Makes what is missing of the set, then shows it.
    pub fn run(self) -> ExitCode {
        match self.make_and_show() {
            Ok(true) => ExitCode::from(STOPPED),
            Ok(false) => ExitCode::SUCCESS,
            Err(error) => {
                tell!("gaze-trainer: {error}");
                ExitCode::from(error.exit_code())
            }
        }
    }

    /// Whether it was stopped before its end.
    fn make_and_show(&self) -> Result<bool, Error> {
        let report = match self.count {
            Some(count) => Some(self.make(count)?),
            None => None,
        };
        let stopped = report.as_ref().is_some_and(|r| r.stopped);
        let preview = if self.preview && !stopped {
            let (path, shown) = preview::write(&self.out)?;
            tell!("{}: {shown} pictures", path.display());
            Some(path)
        } else {
            None
        };
        if self.json {
            let mut object = match &report {
                Some(report) => serde_json::to_value(report).unwrap_or_default(),
                None => serde_json::json!({}),
            };
            object["out"] = self.out.to_string_lossy().into();
            object["preview"] = preview.map(|p| p.to_string_lossy().into_owned()).into();
            say!("{object}");
        }
        Ok(stopped)
    }

    fn make(&self, count: usize) -> Result<Report, Error> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let order = Order {
            out: self.out.clone(),
            plan: Plan {
                size: self.size,
                persons: self.persons,
                fps: self.fps,
                ..Plan::new(self.scenario, self.seed)
            },
            count,
            quality: self.quality,
            jobs: self.jobs.unwrap_or_else(cores),
        };
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The second one ends it at once. Where signals cannot be had, they end it anyway.
            let _ = flag::register_conditional_shutdown(signal, i32::from(STOPPED), stop.clone());
            let _ = flag::register(signal, stop.clone());
        }
        let mut display = Display::default();
        let made = make(&order, &stop, |p| display.tell(p));
        display.end();
        let report = made?;
        let there = report.made + report.kept;
        let out = self.out.display();
        if report.stopped {
            tell!(
                "gaze-trainer: stopped; {there} of {count} pictures are there and whole; the same command goes on"
            );
        } else if report.made == 0 {
            tell!("{out}: all {count} pictures were there");
        } else {
            let (time, rate) = (duration(report.seconds), report.per_second);
            tell!(
                "{out}: {count} pictures, {} there before, {} drawn in {time}, {rate:.1} a second",
                report.kept,
                report.made
            );
        }
        Ok(report)
    }
}
