//! `gaze-trainer baseline`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::prepare::{How, default_cache, with_progress};
use crate::baseline::metrics::DISTANCE_MM;
use crate::baseline::{Baseline, measure, methods, network};
use crate::data::cache::{Cache, CacheError};
use crate::data::prepare::{self, Order};
use crate::report::{self, page};

/// What a stopped run exits with: 128 and the signal's number.
const STOPPED: u8 = 130;

/// What `baseline --help` says at its end.
pub const AFTER_HELP: &str = "\
Methods: guesses; the recorded angles, eyes and irises through the best affine map; our head
pose and our geometric gaze; --network files. A map is fitted for each sitting on its other targets, or on
the same person's sitting before; never on what it is tested on.

A folder is prepared first (see `gaze-trainer prepare --help`); its options are for that.

Exit codes:
  0    done
  2    the command line is wrong
  3    another gaze-trainer prepares the same cache
  4    a file cannot be written
  5    SOURCE or a network cannot be used, or there is too little to compare
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM

Examples:
  gaze-trainer baseline recordings
  gaze-trainer baseline recordings.cache --distance-mm 550 --html report.html
  gaze-trainer baseline recordings.cache --network gaze-estimation-adas-0002.onnx
  gaze-trainer baseline recordings.cache --json > baseline.json";

/// Arguments of `baseline`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A folder of labelled pictures, or a cache that `prepare` made
    source: PathBuf,
    /// Where the page goes [default: CACHE.baseline.html]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// A network's ONNX file of any kind that gazed takes; several times for several
    #[arg(long, value_name = "FILE")]
    network: Vec<PathBuf>,
    /// From where screens are looked at, for degrees
    #[arg(long, value_name = "MM", default_value_t = DISTANCE_MM, value_parser = distance)]
    distance_mm: f64,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    how: How,
}

/// Why there is no baseline. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Prepare(#[from] prepare::Error),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error(transparent)]
    Network(#[from] network::Error),
    #[error("{}: stopped; the same command goes on", .0.display())]
    Stopped(PathBuf),
    #[error("{}: all {pictures} pictures are of one target: nothing can be fitted or told apart; record five targets or more", path.display())]
    OneTarget { path: PathBuf, pictures: usize },
    #[error("{}: cannot be written: {source}; give another --html", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl Error {
    fn exit_code(&self) -> u8 {
        match self {
            Error::Prepare(e) => e.exit_code(),
            Error::Network(network::Error::Run { .. }) => 70,
            Error::Cache(_) | Error::Network(_) | Error::OneTarget { .. } => 5,
            Error::Stopped(_) => STOPPED,
            Error::Write { .. } => 4,
        }
    }
}

fn distance(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(v) if (100.0..=10_000.0).contains(&v) => Ok(v),
        _ => Err("millimetres from 100 to 10000".into()),
    }
}

impl Arguments {
    /// Measures every method and reports.
    pub fn run(self) -> ExitCode {
        match self.report() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "gaze-trainer: {error}");
                ExitCode::from(error.exit_code())
            }
        }
    }

    fn report(&self) -> Result<(), Error> {
        let (path, cache) = open(&self.source, &self.how)?;
        if cache.header.targets.len() < 2 {
            return Err(Error::OneTarget {
                path: self.source.clone(),
                pictures: cache.len(),
            });
        }
        let mut all = methods::known(&cache);
        for file in &self.network {
            all.push(network::method(file, &cache, cores())?);
        }
        let measured = measure(&cache, &all, self.distance_mm);
        let html = self.html.clone().unwrap_or_else(|| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(".baseline.html");
            path.with_file_name(name)
        });
        let screen = cache.screen(0);
        let aspect = f64::from(screen.width_px) / f64::from(screen.height_px);
        let text = report::baseline::page(&measured, aspect);
        page::write(&html, &text).map_err(|source| Error::Write {
            path: html.clone(),
            source,
        })?;
        let words = match self.json {
            true => serde_json::to_string(&measured).unwrap_or_default() + "\n",
            false => table(&measured),
        };
        let _ = std::io::stdout().write_all(words.as_bytes());
        let _ = writeln!(std::io::stderr(), "{}", html.display());
        Ok(())
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Opens a cache, or prepares a folder and opens what came of it.
fn open(source: &Path, how: &How) -> Result<(PathBuf, Cache), Error> {
    if !source.is_dir() {
        return Ok((source.to_owned(), Cache::open(source)?));
    }
    let out = default_cache(source);
    let order = Order {
        folder: source.to_owned(),
        out: out.clone(),
        settings: how.settings(),
        jobs: cores(),
    };
    if with_progress(&order)?.stopped {
        return Err(Error::Stopped(source.to_owned()));
    }
    let cache = Cache::open(&out)?;
    Ok((out, cache))
}

/// For a person at a terminal.
fn table(b: &Baseline) -> String {
    let mut text = format!(
        "{:<28} {:<28} {:>7} {:>8} {:>8} {:>6} {:>6} {:>6} {:>7} {:>7}\n",
        "method", "map", "points", "mean px", "median", "x px", "y px", "mean °", "SD px", "S2S px"
    );
    for o in &b.results {
        let name = format!(
            "{:<28} {:<28} {:>7}",
            o.method,
            o.fitted.words(),
            o.predicted
        );
        let Some(e) = &o.evaluation else {
            text += &format!("{name}        –  too few targets or sittings\n");
            continue;
        };
        let a = &e.all;
        let jitter = e.jitter.map_or_else(
            || format!("{:>7} {:>7}", "–", "–"),
            |j| format!("{:>7.0} {:>7.0}", j.sd_px, j.rms_s2s_px),
        );
        text += &format!(
            "{name} {:>8.0} {:>8.0} {:>6.0} {:>6.0} {:>6.1} {jitter}\n",
            a.mean_px, a.median_px, a.x_px, a.y_px, a.mean_deg
        );
    }
    text
}
