//! `gaze-trainer prepare`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use gaze::camera::DEFAULT_HFOV_DEG;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use vision::{CropColour, EyeCropSpec};

use crate::data::cache::CropSpec;
use crate::data::compare::{Angle, Compared};
use crate::data::measure::Settings;
use crate::data::prepare::{Error, Holds, Order, Report, prepare};
use crate::data::skip::count;
use crate::synth::progress::{Display, duration};

/// What a stopped run exits with: 128 and the signal's number.
const STOPPED: u8 = 130;

/// What `prepare --help` says at its end.
pub const AFTER_HELP: &str = "\
Person = first sub-folder. A pause of more than 60 s begins another sitting; targets within
2 % of the screen's diagonal are one. Pictures may lie in deeper folders; of the same picture
twice the first is taken. Running the same command again measures only what is new, also
after Ctrl-C or a kill.

Labels that do not say their screen's size have no line from the eyes to the target: give
--screen-mm (and --camera-mm) to train a network for everyone's screens on them.

Exit codes:
  0    the cache is there
  2    the command line is wrong
  3    another gaze-trainer prepares the same cache
  4    a file cannot be written (disk full, not allowed); an older cache stays as it was
  5    FOLDER cannot be read or holds no picture to learn from, or the networks are missing
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM; the same command goes on

Examples:
  gaze-trainer prepare recordings
  gaze-trainer prepare recordings --screen 2560x1440 --screen-mm 597x336 --camera-mm 0,8
  gaze-trainer prepare recordings --out small.cache --size 48 --grey --json";

/// Arguments of `prepare`.
#[derive(Debug, Args)]
pub struct Prepare {
    /// Folder of img_N.jpg and img_N.json, one sub-folder for each person
    folder: PathBuf,
    /// The cache's file [default: FOLDER.cache]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    /// How many pictures are measured at once [default: one for each core]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

/// How pictures are measured; `baseline` takes the same.
#[derive(Debug, Args)]
pub struct How {
    /// Pixels of the screen, whatever the labels say [default: the label's own, or 1920x1080]
    #[arg(long, value_name = "WxH", value_parser = pixels)]
    screen: Option<[u32; 2]>,
    /// Size of the screen's visible area in millimetres
    #[arg(long, value_name = "WxH", value_parser = millimetres)]
    screen_mm: Option<[f64; 2]>,
    /// The camera from the middle of the screen's upper edge: to the person's right, up,
    /// towards the person, in millimetres [default: the label's own, or 0,5,0]
    #[arg(long, value_name = "X,Y[,Z]", value_parser = place, allow_hyphen_values = true)]
    camera_mm: Option<[f64; 3]>,
    /// The camera's field of view from left to right in degrees, as told to gazed
    #[arg(long, value_name = "DEGREES", default_value_t = DEFAULT_HFOV_DEG, value_parser = degrees)]
    fov: f64,
    /// Cut at the eyes that the JSON records and take its angles; needs no network
    #[arg(long)]
    json_eyes: bool,
    /// Pixels on a side of an eye's crop
    #[arg(long, value_name = "PIXELS", default_value_t = 64, value_parser = clap::value_parser!(u16).range(16..=256))]
    size: u16,
    /// Side of the crop in distances between the eye's corners
    #[arg(long, value_name = "FACTOR", default_value_t = EyeCropSpec::default().scale, value_parser = scale)]
    scale: f32,
    /// One channel instead of red, green, blue
    #[arg(long)]
    grey: bool,
}

impl How {
    /// As the library takes it.
    pub fn settings(&self) -> Settings {
        Settings {
            screen_px: self.screen,
            screen_mm: self.screen_mm,
            camera_mm: self.camera_mm,
            hfov_deg: self.fov,
            json_eyes: self.json_eyes,
            crop: CropSpec::new(&EyeCropSpec {
                size: usize::from(self.size),
                scale: self.scale,
                colour: match self.grey {
                    true => CropColour::Gray,
                    false => CropColour::Rgb,
                },
            }),
        }
    }
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

fn two<T: std::str::FromStr>(text: &str) -> Option<[T; 2]> {
    let (a, b) = text.split_once(['x', 'X', '×'])?;
    Some([a.trim().parse().ok()?, b.trim().parse().ok()?])
}

fn pixels(text: &str) -> Result<[u32; 2], String> {
    two(text)
        .filter(|px: &[u32; 2]| px.iter().all(|v| (16..=100_000).contains(v)))
        .ok_or_else(|| "write it like 1920x1080".into())
}

fn millimetres(text: &str) -> Result<[f64; 2], String> {
    two(text)
        .filter(|mm: &[f64; 2]| mm.iter().all(|v| (10.0..=100_000.0).contains(v)))
        .ok_or_else(|| "write it like 597x336, in millimetres".into())
}

fn place(text: &str) -> Result<[f64; 3], String> {
    let parts: Option<Vec<f64>> = text.split(',').map(|p| p.trim().parse().ok()).collect();
    match parts.as_deref() {
        Some([x, y, rest @ ..])
            if rest.len() < 2 && parts.iter().flatten().all(|v| v.abs() < 10_000.0) =>
        {
            Ok([*x, *y, rest.first().copied().unwrap_or(0.0)])
        }
        _ => Err("write it like 0,8 or 0,8,-5, in millimetres".into()),
    }
}

fn degrees(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(v) if (10.0..=170.0).contains(&v) => Ok(v),
        _ => Err("degrees from 10 to 170".into()),
    }
}

fn scale(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(v) if (1.0..=6.0).contains(&v) => Ok(v),
        _ => Err("a factor from 1 to 6".into()),
    }
}

/// Where the cache of a folder is: beside it.
pub fn default_cache(folder: &Path) -> PathBuf {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut name = whole.file_name().unwrap_or("pictures".as_ref()).to_owned();
    name.push(".cache");
    whole.with_file_name(name)
}

/// Prepares with progress on standard error; Ctrl-C and TERM stop it.
///
/// # Errors
/// As [`prepare`].
pub fn with_progress(order: &Order) -> Result<Report, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second one ends it at once. Where signals cannot be had, they end it anyway.
        let _ = flag::register_conditional_shutdown(signal, i32::from(STOPPED), stop.clone());
        let _ = flag::register(signal, stop.clone());
    }
    let mut display = Display::default();
    let prepared = prepare(order, &stop, |p| display.tell(p));
    display.end();
    prepared
}

impl Prepare {
    /// Prepares the folder and says what came of it.
    pub fn run(self) -> ExitCode {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let order = Order {
            out: (self.out.clone()).unwrap_or_else(|| default_cache(&self.folder)),
            folder: self.folder.clone(),
            settings: self.how.settings(),
            jobs: self.jobs.map_or_else(cores, usize::from),
        };
        match with_progress(&order) {
            Ok(report) => {
                if self.json {
                    say!("{}", serde_json::to_string(&report).unwrap_or_default());
                } else if let Some(holds) = &report.holds {
                    say!("{}", table(holds).trim_end());
                }
                tell!("{}", last_words(&order, &report));
                match report.stopped {
                    true => ExitCode::from(STOPPED),
                    false => ExitCode::SUCCESS,
                }
            }
            Err(error) => {
                if let Error::NoneLeft { skipped, .. } = &error {
                    let counts = count(skipped);
                    if self.json {
                        let skipped: serde_json::Map<_, _> = (counts.iter())
                            .filter_map(|(r, (n, _))| {
                                let name = serde_json::to_value(r).ok()?;
                                Some((name.as_str()?.to_owned(), (*n).into()))
                            })
                            .collect();
                        let error = error.to_string();
                        say!(
                            "{}",
                            serde_json::json!({"error": error, "skipped": skipped})
                        );
                    } else {
                        for (reason, (n, one)) in counts {
                            say!("{n:>8}  {}, as {}", reason.words(), one.path);
                        }
                    }
                }
                tell!("gaze-trainer: {error}");
                ExitCode::from(error.exit_code())
            }
        }
    }
}

fn last_words(order: &Order, report: &Report) -> String {
    let (measured, kept, pairs) = (report.measured, report.kept, report.pairs);
    if report.stopped {
        let there = measured + kept;
        return format!(
            "gaze-trainer: stopped; {there} of {pairs} pictures are measured; the same command goes on"
        );
    }
    let out = order.out.display();
    let (time, rate) = (duration(report.seconds), report.per_second);
    match (measured, kept) {
        (0, _) => format!("{out}: all {pairs} pictures were measured before"),
        (_, 0) => format!("{out}: {measured} pictures measured in {time}, {rate:.1} a second"),
        _ => format!(
            "{out}: {measured} pictures measured in {time}, {rate:.1} a second; {kept} were measured before"
        ),
    }
}

/// What is in a cache, for a person.
pub fn table(holds: &Holds) -> String {
    let mut lines = vec![format!(
        "{} pictures to learn from (people: {}, sittings: {}, targets: {}); {} with a line to the target",
        holds.samples,
        holds.persons.len(),
        holds.sessions,
        holds.targets,
        holds.rays
    )];
    let left_out: usize = holds.skipped.values().sum();
    if left_out > 0 {
        lines.push(format!("{left_out} left out:"));
    }
    for (reason, n) in &holds.skipped {
        let example = holds.examples.get(reason).map_or("", String::as_str);
        lines.push(format!("{n:>8}  {}, as {example}", reason.words()));
    }
    let notes = [
        (
            holds.untracked,
            "without recorded eyes or angles (zeros, null or NaN)",
        ),
        (
            holds.untimed,
            "without a timestamp: one sitting for each person",
        ),
        (
            holds.screen_assumed,
            "on a screen of 1920x1080, by assumption (see --screen)",
        ),
        (holds.one_eye, "with one eye shut or covered"),
    ];
    if notes.iter().any(|(n, _)| *n > 0) {
        lines.push("of those to learn from:".into());
    }
    for (n, what) in notes.iter().filter(|(n, _)| *n > 0) {
        lines.push(format!("{n:>8}  {what}"));
    }
    if let Some(compared) = &holds.compared {
        lines.extend(differences(compared));
    }
    lines.join("\n") + "\n"
}

/// What was recorded against what we measure.
fn differences(compared: &Compared) -> Vec<String> {
    let mut lines = Vec::new();
    let angles = [
        ("yaw", &compared.yaw),
        ("pitch", &compared.pitch),
        ("roll", &compared.roll),
    ];
    let angles = || angles.iter().filter_map(|(n, a)| Some((*n, a.as_ref()?)));
    if angles().next().is_some() || compared.eyes.is_some() {
        lines.push("the JSON's own eyes and angles against ours:".into());
    }
    for (name, a) in angles() {
        lines.push(format!("{name:>8}  {}", angle_words(a)));
    }
    if let Some(eyes) = &compared.eyes {
        lines.push(format!(
            "    eyes  {:.1} % of their distance apart (median); more than half of it in {} of {}",
            100.0 * eyes.median,
            eyes.far,
            eyes.pictures
        ));
    }
    lines
}

fn angle_words(a: &Angle) -> String {
    let mut words = format!(
        "{:+.1}° (median), {:.1}° either way; the other sign in {} of {}",
        a.median_deg, a.median_abs_deg, a.opposite, a.signed
    );
    if a.is_mirrored() {
        words += ": recorded with the other sign";
    }
    words
}
