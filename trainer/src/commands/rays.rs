//! `gaze-trainer rays`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use vision::gaze_net::NetGaze;

use super::train::{Failure, end, open_all};
use crate::baseline::network;
use crate::baseline::rays::{Told, compare};

/// What `rays --help` says at its end.
pub const AFTER_HELP: &str = "\
Compares lines of sight with the true ones: the geometric gaze and each --network, on open eyes whose true
line is known and of which all of them say something. Medians by size, distance, head, light, glasses and skin
(of people that `eyes` drew); what is left when each person's own median is taken away, which a calibration
does; and how far a degree of the eyes' and of the head's turn moves each answer. The table is Markdown.

Exit codes:
  0    done
  2    the command line is wrong
  3    nothing in SOURCE has a true line of sight
  5    SOURCE or a network cannot be used
  70   a fault of gaze-trainer

Examples:
  gaze-trainer rays unseen.cache --network models/gaze_base.onnx
  gaze-trainer rays unseen.cache other.cache --network old.onnx --network new.onnx --json";

/// Arguments of `rays`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A cache that `eyes` or `prepare` made, or its folder of pictures; several are taken together
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// A network's ONNX file that tells lines of sight; several times for several
    #[arg(long, value_name = "FILE")]
    network: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Measures and prints.
    pub fn run(self) -> ExitCode {
        end(|| self.measure().map(|()| false))
    }

    fn measure(&self) -> Result<(), Failure> {
        let cache = open_all(&self.sources)?;
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut ways = vec![Told::geometric(&cache)];
        for file in &self.network {
            let told = network::answers(file, &cache, jobs);
            let (_, answers) = told.map_err(|e| (5, e.to_string()))?;
            let ray = |answer: Option<NetGaze>| {
                let direction = answer?.ray()?.direction;
                Some(<[f64; 3]>::from(direction).map(|v| v as f32))
            };
            let rays: Vec<_> = answers.into_iter().map(ray).collect();
            if rays.iter().all(Option::is_none) && !rays.is_empty() {
                let line = format!("{}: tells no lines of sight", file.display());
                return Err((5, line));
            }
            let name = file.file_stem().unwrap_or_default();
            ways.push(Told {
                name: name.to_string_lossy().into_owned(),
                rays,
            });
        }
        let report = compare(&cache, &ways).ok_or_else(|| {
            let line = "no look has a true line of sight; `gaze-trainer eyes` draws such";
            (3, line.to_owned())
        })?;
        let text = match self.json {
            true => serde_json::to_string(&report).map_err(|e| (70, e.to_string()))? + "\n",
            false => report.markdown(),
        };
        // Whoever reads no further has what it wanted.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}
