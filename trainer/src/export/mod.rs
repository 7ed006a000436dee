//! From a trained network to ONNX files, each of which is shown to answer as the
//! network did before it is written.
//!
//! - `fold`: batch norms and branches become plain convolutions
//! - `graph`: the folded network as an ONNX graph; `onnx`: the file's messages
//! - `quantise`: 8-bit ranges and steps
//! - [`face`]: a network of eye contact, all of it
//! - [`measure`]: Burn and ONNX Runtime on the same crops, in pixels
//! - here: what is written, what is refused

pub mod face;
mod fold;
mod graph;
pub mod measure;
mod onnx;
mod quantise;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use gaze::contact::Derived;
use serde::Serialize;
use vision::gaze_net::{Contract, Kind};
use vision::{EyeCropSpec, ModelError, Runtime};

use crate::net::{GazeNet, Head, NetConfig};
use graph::Numbers;
use measure::{Answers, Example, Loaded, by_burn, median_error_px};

/// Fewer examples show nothing: two thirds of them are compared, a third measures 8-bit ranges.
pub const LEAST_EXAMPLES: usize = 150;
/// How far a 32-bit file may answer from Burn's forward: rounding, no more.
pub const LARGEST_DIFFERENCE: f64 = 1e-4;

/// How numbers are kept in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats: the reference.
    Fp32,
    /// Weights in half precision: half the size.
    Fp16,
    /// 8-bit integers: about a third of the size.
    Int8,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 3] = [Precision::Fp32, Precision::Fp16, Precision::Int8];

    /// Name of the file.
    pub fn file_name(self) -> &'static str {
        match self {
            Precision::Fp32 => "gaze.onnx",
            Precision::Fp16 => "gaze-fp16.onnx",
            Precision::Int8 => "gaze-int8.onnx",
        }
    }

    /// By how many per cent the median error may move.
    pub fn may_move_percent(self) -> f64 {
        match self {
            Precision::Fp32 => 0.1,
            Precision::Fp16 => 1.0,
            Precision::Int8 => 5.0,
        }
    }
}

/// Why nothing could be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Too little to show anything.
    #[error(
        "{found} examples are too few to show that an exported file answers alike: prepare at least {LEAST_EXAMPLES}"
    )]
    TooFew {
        /// How many there are.
        found: usize,
    },
    /// The network's own answers are no answers.
    #[error(
        "the network's own median error is {error_px} px, nothing can be compared with it: train it first, or see whether the cache fits it"
    )]
    NoAnswers {
        /// Infinite, or not a number.
        error_px: f64,
    },
    /// ONNX Runtime refuses what was made.
    #[error(transparent)]
    Runtime(#[from] ModelError),
    /// The system refuses.
    #[error("{path} cannot be written ({reason}): see to space and permissions")]
    Write {
        /// File or folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

/// What became of one file.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// How it keeps its numbers.
    pub precision: Precision,
    /// Where it is; none when refused.
    pub path: Option<PathBuf>,
    /// Its size, bytes.
    pub bytes: usize,
    /// Largest difference from Burn's answers: of a ray's coordinates, or of
    /// normalised screen places.
    pub max_difference: f64,
    /// Median error, pixels.
    pub median_px: f64,
    /// By how many per cent that moved from Burn's.
    pub moved_percent: f64,
    /// How far its spread is from Burn's, where the network tells one.
    pub spread: Option<SpreadOff>,
    /// Median time of one look on one thread of this processor, ms.
    pub one_ms: f64,
    /// Why it was not written.
    pub refused: Option<String>,
}

/// How far a file's spread lies from the network's own, per cent of that.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SpreadOff {
    /// The mean over all looks.
    pub mean_percent: f64,
    /// The worst of them.
    pub worst_percent: f64,
}

/// What was exported.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// On how many examples files were compared with Burn.
    pub examples: usize,
    /// On how many others 8-bit ranges were measured.
    pub calibrated_on: usize,
    /// Burn's own median error, pixels.
    pub burn_median_px: f64,
    /// One for each file asked for.
    pub files: Vec<Outcome>,
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// A file of each.
    pub files: &'a [Precision],
    /// What their contract says.
    pub terms: Terms,
}

impl<'a> Wanted<'a> {
    /// Files whose contract asks nothing more.
    pub fn plain(files: &'a [Precision]) -> Wanted<'a> {
        Wanted {
            files,
            terms: Terms::default(),
        }
    }
}

/// What a file's contract asks of its users beyond what the network is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// They also ask it about the mirrored picture and take the mean; for a ray.
    pub mirror_average: bool,
    /// What its ray says of eye contact.
    pub contact: Option<Derived>,
}

/// Kind of the network contract.
fn kind(head: Head) -> Kind {
    match head {
        Head::Ray => Kind::EyesPoseRay,
        Head::Screen => Kind::EyesPoseScreen,
    }
}

/// Makes the files `wanted` of `net` in the folder `out`, each compared with Burn's
/// forward on `examples` first. A refused one is not written, and one of its
/// name that is there goes: it was another network's.
///
/// Every third example serves to measure the 8-bit ranges, the others to compare.
pub fn export(
    net: &GazeNet,
    config: &NetConfig,
    examples: &[Example],
    out: &Path,
    wanted: &Wanted,
    runtime: &Runtime,
    device: &Device,
) -> Result<Report, ExportError> {
    let (ranging, judging) = split(examples)?;
    let burn = by_burn(net, config, &judging, device);
    let before = median_error_px(config.head, &judging, &burn.gaze);
    let all = || burn.gaze.iter().chain(&burn.spread);
    if !before.is_finite() || all().any(|v| !v.is_finite()) {
        return Err(ExportError::NoAnswers { error_px: before });
    }
    let folded = fold::fold(net, config);
    let metadata = metadata(config, &wanted.terms);
    let mut made = Vec::new();
    for &precision in wanted.files {
        let ranges;
        let numbers = match precision {
            Precision::Fp32 => Numbers::Full,
            Precision::Fp16 => Numbers::Half,
            Precision::Int8 => {
                let (bytes, probes) = graph::write_probed(&folded, config);
                ranges = measure::ranges(runtime, &bytes, &probes, config, &ranging)?;
                Numbers::Int8(&ranges)
            }
        };
        let bytes = graph::write(&folded, config, numbers, &metadata);
        let outcome = judge(precision, &bytes, config, &judging, &burn, before, runtime)?;
        made.push((outcome, bytes));
    }
    store(made, out).map(|files| Report {
        examples: judging.len(),
        calibrated_on: ranging.len(),
        burn_median_px: before,
        files,
    })
}

/// Examples to measure ranges on, and the others.
fn split(examples: &[Example]) -> Result<(Vec<Example>, Vec<Example>), ExportError> {
    let of = |third: bool| -> Vec<Example> {
        let each = examples.iter().enumerate();
        let mine = each.filter(|(i, _)| (i % 3 == 2) == third);
        mine.map(|(_, e)| e.clone()).collect()
    };
    let judging = of(false);
    if examples.len() < LEAST_EXAMPLES {
        let found = examples.len();
        return Err(ExportError::TooFew { found });
    }
    Ok((of(true), judging))
}

/// Runs a file beside what Burn answered.
fn judge(
    precision: Precision,
    bytes: &[u8],
    config: &NetConfig,
    examples: &[Example],
    burn: &Answers,
    before: f64,
    runtime: &Runtime,
) -> Result<Outcome, ExportError> {
    let answers = Loaded::new(runtime, bytes, config, 8, 1)?.answers(examples)?;
    let median_px = median_error_px(config.head, examples, &answers.gaze);
    let mut outcome = Outcome {
        precision,
        path: None,
        bytes: bytes.len(),
        max_difference: largest_difference(&answers.gaze, &burn.gaze),
        median_px,
        moved_percent: moved_percent(before, median_px),
        spread: spread_off(&answers.spread, &burn.spread),
        one_ms: 0.0,
        refused: None,
    };
    outcome.refused = refusal(&outcome, before);
    let mut one = Loaded::new(runtime, bytes, config, 1, 1)?;
    one.answers(&examples[..20])?;
    outcome.one_ms = one.time(100)?;
    Ok(outcome)
}

fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let each = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    each.fold(
        0.0,
        |worst, d| if d > worst || d.is_nan() { d } else { worst },
    )
}

/// None of none. What is no number is infinitely far.
fn spread_off(a: &[f32], b: &[f32]) -> Option<SpreadOff> {
    assert_eq!(a.len(), b.len());
    let each = a.iter().zip(b).map(|(a, b)| {
        let off = f64::from((a - b).abs() / b) * 100.0;
        if off.is_nan() { f64::INFINITY } else { off }
    });
    (!a.is_empty()).then(|| SpreadOff {
        mean_percent: each.clone().sum::<f64>() / a.len() as f64,
        worst_percent: each.fold(0.0, f64::max),
    })
}

/// (after − before) ÷ before, per cent; infinite where that is no number.
fn moved_percent(before: f64, after: f64) -> f64 {
    let moved = (after - before) / before * 100.0;
    match () {
        () if after == before => 0.0,
        () if moved.is_nan() => f64::INFINITY,
        () => moved,
    }
}

/// Why a file with this outcome is not to be used.
fn refusal(outcome: &Outcome, before: f64) -> Option<String> {
    let limit = outcome.precision.may_move_percent();
    let name = outcome.precision.file_name();
    let far = outcome.max_difference.is_nan() || outcome.max_difference > LARGEST_DIFFERENCE;
    if outcome.precision == Precision::Fp32 && far {
        return Some(format!(
            "{name} answers up to {:.1e} beside the network, more than rounding explains: this is a fault of gaze-trainer, report it",
            outcome.max_difference
        ));
    }
    let spread = outcome.spread.filter(|off| match outcome.precision {
        Precision::Fp32 => off.worst_percent > limit,
        _ => off.mean_percent > limit,
    });
    if let Some(off) = spread {
        return Some(format!(
            "{name} tells another spread than the network (by {:.2} % in the mean, {:.2} % at worst), over {limit} %: use {}",
            off.mean_percent,
            off.worst_percent,
            Precision::Fp32.file_name()
        ));
    }
    // Also one that became better: then it is not this network any more.
    if outcome.moved_percent.abs() <= limit {
        return None;
    }
    Some(format!(
        "{name} moves the median error from {before:.1} to {:.1} px ({:+.1} %), over {limit} %: use {}",
        outcome.median_px,
        outcome.moved_percent,
        Precision::Fp32.file_name()
    ))
}

/// Writes what was not refused: all to temporary names, then all renamed.
fn store(made: Vec<(Outcome, Vec<u8>)>, out: &Path) -> Result<Vec<Outcome>, ExportError> {
    let fail = |path: &Path, e: std::io::Error| ExportError::Write {
        path: path.to_owned(),
        reason: e.to_string(),
    };
    fs::create_dir_all(out).map_err(|e| fail(out, e))?;
    let part = |p: Precision| out.join(format!(".{}.part-{}", p.file_name(), std::process::id()));
    let good = || made.iter().filter(|(o, _)| o.refused.is_none());
    let write_all = || -> Result<(), ExportError> {
        for (outcome, bytes) in good() {
            let path = part(outcome.precision);
            let write = || {
                fs::write(&path, bytes)?;
                fs::File::open(&path)?.sync_all()
            };
            write().map_err(|e| fail(&path, e))?;
        }
        for (outcome, _) in good() {
            let path = out.join(outcome.precision.file_name());
            fs::rename(part(outcome.precision), &path).map_err(|e| fail(&path, e))?;
        }
        Ok(())
    };
    let written = write_all();
    if written.is_err() {
        for (outcome, _) in good() {
            let _ = fs::remove_file(part(outcome.precision));
        }
    }
    written?;
    let outcomes = made.into_iter().map(|(mut outcome, _)| {
        let path = out.join(outcome.precision.file_name());
        if outcome.refused.is_none() {
            outcome.path = Some(path);
        } else if let Err(e) = fs::remove_file(&path)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            return Err(fail(&path, e));
        }
        Ok(outcome)
    });
    outcomes.collect()
}

/// What the file says of itself: the network contract.
fn metadata(config: &NetConfig, terms: &Terms) -> Vec<(String, String)> {
    let eyes = &config.eyes;
    let crop = EyeCropSpec {
        size: eyes.size,
        scale: eyes.scale,
        colour: eyes.colour.into(),
    };
    let mut contract = Contract::ours(kind(config.head), &crop, &eyes.mean, &eyes.std);
    if config.geometric {
        contract = contract.with_geometric();
    }
    if config.spread.is_some() {
        contract = contract.with_spread();
    }
    (contract.mirror_average, contract.contact) = (terms.mirror_average, terms.contact);
    contract
        .to_metadata()
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}
