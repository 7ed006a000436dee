//! `gaze-trainer export`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use gaze::screen::Screen;
use vision::Runtime;

use crate::data::cache::Cache;
use crate::device;
use crate::export::measure::Example;
use crate::export::{Precision, Report, Terms, Wanted, export};
use crate::net::{Colour, Head, NetConfig, POSE_DIVISOR, checkpoint};
use crate::train::guard;

/// What `export --help` says at its end.
pub const AFTER_HELP: &str = "\
Each file is loaded in ONNX Runtime and compared with the network itself on crops
of the cache. One that moves the median error by more than 1 % (fp16) or 5 %
(int8) is refused and not written; an older file of its name is removed. So is one
whose spread (`gaze-trainer spread`) lies further than that from the network's.

Exit codes:
  0  every file asked for is there
  1  a file was refused; the others are there
  2  the command line is wrong
  3  the checkpoint or the cache cannot be used
  4  a file cannot be written
  5  ONNX Runtime cannot be used
  6  memory was not enough
  70 a fault of gaze-trainer

Examples:
  gaze-trainer export runs/best --cache faces.cache --out exported
  gaze-trainer export runs/best --cache faces.cache --out exported --only fp32,int8 --json";

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Folder of a network that `train` stored
    checkpoint: PathBuf,
    /// Prepared pictures to compare on, best those that it was not trained on
    #[arg(long, value_name = "FILE")]
    cache: PathBuf,
    /// Folder for gaze.onnx, gaze-fp16.onnx, gaze-int8.onnx
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Which files
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values = ["fp32", "fp16", "int8"])]
    only: Vec<Precision>,
    /// How many samples of the cache at most, spread evenly
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(150..))]
    samples: u32,
    /// What computes the network itself: cpu, cuda, vulkan, wgpu, metal, tch, tch-cuda
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    device: String,
    /// The file asks whoever runs it to take the mean with the mirrored picture's answer: steadier,
    /// for twice the time
    #[arg(long)]
    mirror_average: bool,
    /// JSON of what its ray says of eye contact, as gaze-vision's example `contact` fits it
    #[arg(long, value_name = "FILE")]
    contact: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Export {
    /// Exports, compares, prints.
    pub fn run(self) -> ExitCode {
        match guard::whole(|| self.export()).and_then(|done| done) {
            Ok(report) => self.print(&report),
            Err((code, line)) => {
                let _ = writeln!(std::io::stderr(), "gaze-trainer: {line}");
                ExitCode::from(code)
            }
        }
    }

    fn export(&self) -> Result<Report, (u8, String)> {
        let device = device::open(&self.device).map_err(|e| (2, e.to_string()))?;
        let (config, net) =
            checkpoint::load(&self.checkpoint, &device).map_err(|e| (3, e.to_string()))?;
        let cache = Cache::open(&self.cache).map_err(|e| (3, e.to_string()))?;
        let examples = self.examples(&cache, &config).map_err(|line| (3, line))?;
        let runtime = Runtime::load(None).map_err(|e| (5, e.to_string()))?;
        let terms = self.terms(&config)?;
        let files = &self.only;
        let wanted = Wanted { files, terms };
        let made = export(
            &net, &config, &examples, &self.out, &wanted, &runtime, &device,
        );
        made.map_err(|e| {
            use crate::export::ExportError::{NoAnswers, Runtime, TooFew, Write};
            let code = match e {
                TooFew { .. } | NoAnswers { .. } => 3,
                Write { .. } => 4,
                Runtime(_) => 5,
            };
            (code, e.to_string())
        })
    }

    fn terms(&self, config: &NetConfig) -> Result<Terms, (u8, String)> {
        if config.head != Head::Ray && (self.mirror_average || self.contact.is_some()) {
            let line = "--mirror-average and --contact are for networks that answer with a ray";
            return Err((2, line.into()));
        }
        if let Some(spread) = &config.spread
            && spread.mirror_average != self.mirror_average
        {
            let line = match spread.mirror_average {
                true => {
                    "its spread was fitted to the mean with the mirrored picture's answer: give --mirror-average, or fit another one"
                }
                false => {
                    "its spread was fitted to the plain answer: leave --mirror-average out, or fit it with --mirror-average"
                }
            };
            return Err((2, line.into()));
        }
        let contact = self.contact.as_ref().map(|file| {
            let unusable = |why: String| (3, format!("{}: {why}", file.display()));
            let text = std::fs::read_to_string(file).map_err(|e| unusable(e.to_string()))?;
            serde_json::from_str(&text).map_err(|e| unusable(format!("not eye contact: {e}")))
        });
        Ok(Terms {
            mirror_average: self.mirror_average,
            contact: contact.transpose()?,
        })
    }

    /// Up to `--samples` of the cache, as this network takes them.
    fn examples(&self, cache: &Cache, config: &NetConfig) -> Result<Vec<Example>, String> {
        let crop = cache.header.crop.exact();
        let eyes = &config.eyes;
        let fits = crop.size == eyes.size
            && (crop.scale - eyes.scale).abs() < 1e-4
            && crop.colour.channels() == eyes.channels()
            && eyes.colour != Colour::Bgr;
        if !fits {
            return Err(format!(
                "{} holds crops of {}×{}², {} eye widths, the network takes {}×{}², {}: prepare the pictures anew with the network's size and colour",
                self.cache.display(),
                crop.colour.channels(),
                crop.size,
                crop.scale,
                eyes.channels(),
                eyes.size,
                eyes.scale,
            ));
        }
        // What the network takes and geometry could not tell cannot be compared.
        let known = |i: &usize| !config.geometric || cache.samples[*i].geometric.is_some();
        let of: Vec<usize> = (0..cache.len()).filter(known).collect();
        let wanted = (self.samples as usize).min(of.len());
        let picked = (0..wanted).map(|i| of[i * of.len() / wanted.max(1)]);
        Ok(picked.map(|i| example(cache, i)).collect())
    }

    fn print(&self, report: &Report) -> ExitCode {
        let refused = report.files.iter().any(|f| f.refused.is_some());
        let text = if self.json {
            serde_json::to_string(report).expect("a report is JSON") + "\n"
        } else {
            table(report)
        };
        let _ = std::io::stdout().write_all(text.as_bytes());
        let colour = std::io::stderr().is_terminal();
        let (on, off) = if colour {
            ("\x1b[31m", "\x1b[0m")
        } else {
            ("", "")
        };
        for line in report.files.iter().filter_map(|f| f.refused.as_ref()) {
            let _ = writeln!(std::io::stderr(), "{on}gaze-trainer: refused: {line}{off}");
        }
        ExitCode::from(u8::from(refused))
    }
}

/// One sample of a cache, as networks take it.
pub fn example(cache: &Cache, index: usize) -> Example {
    let sample = &cache.samples[index];
    let len = cache.header.crop.exact_len();
    let mut eyes = [vec![0; len], vec![0; len]];
    let [left, right] = &mut eyes;
    cache.crops_into(index, left, right);
    let screen: Screen = cache.header.screens[usize::from(sample.screen)].screen;
    Example {
        eyes,
        pose: sample.head_deg.map(|v| v / POSE_DIVISOR),
        position: sample.eye_position,
        geometric: sample.geometric,
        origin_mm: sample.origin_mm,
        target: sample.target_norm,
        screen,
    }
}

/// What a person reads.
fn table(report: &Report) -> String {
    let mut text = format!(
        "file            KiB  largest difference  median px  moved     ms a look   ({} examples; 8-bit ranges of {} others)\n{:14} {:>4} {:>19} {:>10.1}\n",
        report.examples, report.calibrated_on, "the network", "", "", report.burn_median_px
    );
    for file in &report.files {
        let spread = file.spread.map_or(String::new(), |off| {
            format!(
                "   spread off by {:.3} % (at worst {:.3} %)",
                off.mean_percent, off.worst_percent
            )
        });
        text += &format!(
            "{:14} {:>4} {:>19.1e} {:>10.1} {:>+6.2} % {:>9.2}{spread}{}\n",
            file.precision.file_name(),
            file.bytes.div_ceil(1024),
            file.max_difference,
            file.median_px,
            file.moved_percent,
            file.one_ms,
            if file.refused.is_some() {
                "   refused"
            } else {
                ""
            },
        );
    }
    text
}
