//! `gaze-trainer train`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::prepare::default_cache;
use crate::data::cache::Cache;
use crate::device;
use crate::net::{Colour, EncoderKind, EyeInput, Head, NetConfig, Pool, weights};
use crate::synth::progress::duration;
use crate::train::examples::Examples;
use crate::train::folds::{By, Fold, folds};
use crate::train::judge::{self, Judged};
use crate::train::run::{self, CURVES, Epoch, Order, TrainError, Trained};
use crate::train::settings::{Augment, Loss, Settings};
use crate::train::state::Progress;
use crate::train::{curves, guard};

/// What a stopped run exits with: 128 and the signal's number.
pub const STOPPED: u8 = 130;

/// What `train --help` says at its end.
pub const AFTER_HELP: &str = "\
Learns from all folds but one and is checked on that one; the best epoch's network is kept as
OUT/best, for `gaze-trainer export`. Learning curves: OUT/epochs.json and OUT/train.html.
By person nobody who is checked on has been learned from; by target no place and no sitting.
Ctrl-C ends after the batch in hand; the same command with --resume goes on, also after a
kill, to the same network bit for bit (on a CPU; graphics processors add in any order).

Exit codes:
  0    trained
  2    the command line is wrong
  3    the data cannot be trained on as told (one person, one target, another network's crops)
  4    a file cannot be written; what is there is whole
  5    the cache, the weights or the state to go on from cannot be read
  6    the training ran away, or memory was not enough
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM; --resume goes on

Examples:
  gaze-trainer train recordings.cache --out runs/1
  gaze-trainer train recordings.cache --out runs/2 --weights mobilenet_v2.pth --frozen-epochs 3 --unfrozen-blocks 6
  gaze-trainer train mine.cache --out runs/mine --head screen --by target --consistency 0.5
  gaze-trainer train recordings.cache --out runs/1 --resume --json";

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct Train {
    /// A cache that `prepare` made, or its folder of pictures
    source: PathBuf,
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    how: How,
    /// Go on with the run in OUT; other options as they were
    #[arg(long)]
    resume: bool,
    /// Train every fold, each in OUT/fold-N, for an error over all samples
    #[arg(long)]
    cross_validate: bool,
    /// Print one JSON object for each epoch, and one at the end
    #[arg(long)]
    json: bool,
}

/// The network and how it learns: options of `train` and `study`.
#[derive(Debug, Args)]
pub struct How {
    /// What the network answers: a line of sight for everyone's screens, or a place on one screen
    #[arg(long, value_enum, default_value = "ray")]
    head: HeadName,
    /// What sees the eyes
    #[arg(long, value_enum, default_value = "mobilenet-v2")]
    encoder: EncoderName,
    /// Multiplies the encoder's channels, 0.25 to 1
    #[arg(long, value_name = "W", default_value_t = 0.5)]
    width: f64,
    /// Stride of the first convolution; 1 sees more of small pictures, at four times the work
    #[arg(long, value_name = "S", default_value_t = 2)]
    stem_stride: usize,
    /// Keep the places of the last map apart instead of their mean
    #[arg(long)]
    grid: bool,
    /// The network also takes the geometric line of sight, and corrects it
    #[arg(long)]
    geometric: bool,
    /// Pretrained weights: torchvision's MobileNetV2 (.pth, .safetensors) or our own
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// What is checked on is never learned from: people, targets (and sittings), or targets only
    #[arg(long, value_enum, value_name = "BY")]
    by: Option<ByName>,
    /// How many folds
    #[arg(long, value_name = "K", default_value_t = 5)]
    folds: usize,
    /// Which of them is checked on, from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    fold: usize,
    /// Times that every sample is seen
    #[arg(long, value_name = "N", default_value_t = 30)]
    epochs: usize,
    /// Samples in a step
    #[arg(long, value_name = "B", default_value_t = 32)]
    batch: usize,
    /// Where all chance comes from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Highest learning rate behind the encoder, usually 1e-4 to 1e-3
    #[arg(long, value_name = "R", default_value_t = 1e-3)]
    head_rate: f64,
    /// Highest learning rate of the encoder [default: 1e-4 with --weights, else as --head-rate]
    #[arg(long, value_name = "R")]
    backbone_rate: Option<f64>,
    /// Share of the steps in which rates rise
    #[arg(long, value_name = "P", default_value_t = 0.05)]
    warm_up: f64,
    /// AdamW's weight decay
    #[arg(long, value_name = "D", default_value_t = 1e-4)]
    decay: f32,
    /// Longest gradient of one tensor, 0 for any
    #[arg(long, value_name = "G", default_value_t = 1.0)]
    clip: f32,
    /// Epochs in which the encoder stands still [default: 3 with --weights, else 0]
    #[arg(long, value_name = "N")]
    frozen_epochs: Option<usize>,
    /// How many of the encoder's last blocks learn after that [default: all]
    #[arg(long, value_name = "N")]
    unfrozen_blocks: Option<usize>,
    /// What is made small
    #[arg(long, value_enum, default_value = "smooth-l1")]
    loss: LossName,
    /// Weight of: the same person at the same target with the head held otherwise shall give the same place
    #[arg(long, value_name = "C", default_value_t = 0.0)]
    consistency: f32,
    /// Epochs without a better one after which it ends, 0 for never
    #[arg(long, value_name = "N", default_value_t = 8)]
    patience: usize,
    /// Learn from the pictures as they are
    #[arg(long)]
    no_augment: bool,
    /// What computes: cpu, cuda, vulkan, wgpu, metal, tch
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    device: String,
}

macro_rules! names {
    ($(#[$doc:meta] $name:ident of $kind:ty { $($(#[$of:meta])* $case:ident => $value:expr),+ $(,)? })+) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, ValueEnum)]
        enum $name { $($(#[$of])* $case),+ }
        impl From<$name> for $kind {
            fn from(name: $name) -> $kind {
                match name { $($name::$case => $value),+ }
            }
        }
    )+};
}
names! {
    /// As on the command line.
    HeadName of Head { Ray => Head::Ray, Screen => Head::Screen }
    /// As on the command line.
    EncoderName of EncoderKind {
        MobilenetV2 => EncoderKind::MobilenetV2,
        MobileoneS0 => EncoderKind::MobileoneS0,
    }
    /// As on the command line.
    ByName of By {
        Person => By::Person,
        Target => By::Target,
        TargetSameSitting => By::TargetSameSitting,
    }
    /// As on the command line.
    LossName of Loss { #[value(name = "smooth-l1")] SmoothL1 => Loss::SmoothL1, Mse => Loss::Mse }
}

/// A line and the exit code.
pub type Failure = (u8, String);

/// The exit code of what training can say.
pub fn failure(error: TrainError) -> Failure {
    let code = match &error {
        TrainError::Settings(_) => 2,
        TrainError::Unfit(_) | TrainError::Other { .. } => 3,
        TrainError::Write { .. }
        | TrainError::State(crate::train::state::StateError::Write { .. }) => 4,
        TrainError::Checkpoint(crate::net::checkpoint::CheckpointError::Write { .. }) => 4,
        TrainError::State(_) | TrainError::Checkpoint(_) => 5,
        TrainError::Diverged { .. } => 6,
    };
    (code, error.to_string())
}

impl How {
    /// The plan for crops as the cache has them.
    pub fn plan(&self, cache: &Cache) -> Result<NetConfig, Failure> {
        let crop = &cache.header.crop;
        let colour = if crop.channels == 1 {
            Colour::Gray
        } else {
            Colour::Rgb
        };
        let mut plan = NetConfig::new(self.width, crop.size, colour);
        plan.eyes = EyeInput {
            scale: crop.scale,
            ..EyeInput::new(crop.size, colour)
        };
        plan.encoder = self.encoder.into();
        plan.stem_stride = self.stem_stride;
        plan.pool = if self.grid { Pool::Grid } else { Pool::Average };
        plan.head = self.head.into();
        plan.geometric = self.geometric;
        plan.check().map_err(|e| (2, e.to_string()))?;
        Ok(plan)
    }

    /// How it learns.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let pretrained = self.weights.is_some();
        let rate = if pretrained { 1e-4 } else { self.head_rate };
        let settings = Settings {
            epochs: self.epochs,
            batch: self.batch,
            seed: self.seed,
            head_rate: self.head_rate,
            backbone_rate: self.backbone_rate.unwrap_or(rate),
            warm_up: self.warm_up,
            decay: self.decay,
            clip: self.clip,
            frozen_epochs: self.frozen_epochs.unwrap_or(if pretrained { 3 } else { 0 }),
            unfrozen_blocks: self.unfrozen_blocks,
            output_only: false,
            loss: self.loss.into(),
            consistency: self.consistency,
            patience: self.patience,
            augment: if self.no_augment {
                Augment::NONE
            } else {
                Augment::USUAL
            },
        };
        settings.check().map_err(|e| (2, e.to_string()))?;
        Ok(settings)
    }

    /// All folds; by person if there are two or more and nothing else is told.
    pub fn parted(&self, examples: &Examples) -> Result<(By, Vec<Fold>), Failure> {
        let usable = examples.usable().map_err(|e| (3, e.to_string()))?;
        let persons = examples.cache.header.persons.len();
        let by = self
            .by
            .map_or(if persons > 1 { By::Person } else { By::Target }, By::from);
        let all = folds(&examples.cache.samples, &usable, by, self.folds, self.seed);
        let all = all.map_err(|e| (3, e.to_string()))?;
        Ok((by, all))
    }

    /// How many folds.
    pub fn folds(&self) -> usize {
        self.folds
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Trains one fold; `tell` hears of each epoch.
    pub fn train(
        &self,
        examples: Examples,
        fold: Fold,
        place: (&Path, bool),
        stop: &dyn Fn() -> bool,
        tell: impl FnMut(&Epoch, &Progress),
    ) -> Result<Trained, Failure> {
        let device = device::open(&self.device).map_err(|e| (2, e.to_string()))?;
        let order = Order {
            examples,
            fold,
            settings: self.settings()?,
            device,
            out: Some(place.0.to_owned()),
            resume: place.1,
        };
        let start = run::begin(examples.config, &order.settings, &order.device);
        let mut start = start.map_err(|e| (2, e.to_string()))?;
        if let Some(path) = &self.weights {
            let found = weights::load_pretrained(&mut start, examples.config, path);
            let found = found.map_err(|e| (5, e.to_string()))?;
            let mut out = std::io::stderr().lock();
            let (n, of) = (found.encoder, found.encoder_of);
            let _ = writeln!(
                out,
                "{}: {n} of the encoder's {of} tensors, {} in all",
                path.display(),
                found.matched.len()
            );
            for name in &found.missing {
                let _ = writeln!(out, "  missing: {name}");
            }
            for name in &found.unused {
                let _ = writeln!(out, "  not used: {name}");
            }
        }
        run::train(&order, start, stop, tell).map_err(failure)
    }
}

/// Opens a cache, or the one beside a folder of pictures.
pub fn open(source: &Path) -> Result<Cache, Failure> {
    let path = if source.is_dir() {
        default_cache(source)
    } else {
        source.to_owned()
    };
    if source.is_dir() && !path.is_file() {
        let line = format!(
            "{}: is not prepared; run `gaze-trainer prepare {}` first",
            source.display(),
            source.display()
        );
        return Err((5, line));
    }
    guard::room_for(&path).map_err(|line| (6, line))?;
    Cache::open(&path).map_err(|e| (5, e.to_string()))
}

/// Set by Ctrl-C and TERM; the second one ends the program at once.
pub fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let _ = flag::register_conditional_shutdown(signal, i32::from(STOPPED), stop.clone());
        let _ = flag::register(signal, stop.clone());
    }
    stop
}

/// Runs a command's work; its failure is one line, a panic too.
pub fn end(command: impl FnOnce() -> Result<bool, Failure>) -> ExitCode {
    let (code, line) = match guard::whole(command) {
        Ok(Ok(false)) => return ExitCode::SUCCESS,
        Ok(Ok(true)) => return ExitCode::from(STOPPED),
        Ok(Err(failure)) => failure,
        Err(fault) => fault,
    };
    let _ = writeln!(std::io::stderr(), "gaze-trainer: {line}");
    ExitCode::from(code)
}

/// What `--json` prints at the end.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    out: &'a Path,
    by: By,
    stopped: bool,
    learned_from: usize,
    best: Option<Epoch>,
    centre_guess: Judged,
}

impl Train {
    /// Trains.
    pub fn run(self) -> ExitCode {
        end(|| self.train())
    }

    /// Whether it was stopped.
    fn train(&self) -> Result<bool, Failure> {
        // What is wrong on the command line is told before a large cache is read.
        self.how.settings()?;
        device::open(&self.how.device).map_err(|e| (2, e.to_string()))?;
        if !self.resume && self.out.join(crate::train::state::FILE).exists() {
            let line = format!(
                "{}: there is a run already; go on with --resume, or give another --out",
                self.out.display()
            );
            return Err((2, line));
        }
        let cache = open(&self.source)?;
        let plan = self.how.plan(&cache)?;
        let examples = Examples::new(&cache, &plan).map_err(|e| (3, e.to_string()))?;
        let (by, all) = self.how.parted(&examples)?;
        let count = all.len();
        if !(1..=count).contains(&self.how.fold) {
            return Err((2, format!("fold is {}: there are {count}", self.how.fold)));
        }
        let stop = stop_flag();
        let mut checks = Vec::new();
        for (n, fold) in all.into_iter().enumerate() {
            if !self.cross_validate && n + 1 != self.how.fold {
                continue;
            }
            let out = if self.cross_validate {
                self.out.join(format!("fold-{}", n + 1))
            } else {
                self.out.clone()
            };
            let resume = self.resume
                && (!self.cross_validate || out.join(crate::train::state::FILE).exists());
            let tested = fold.test.clone();
            let learned_from = fold.train.len();
            let centre_guess = judge::centre_guess(&examples, &tested);
            if !self.json {
                tell(&format!(
                    "fold {} of {count}: {learned_from} samples to learn from, {} to check on; who says the screen's middle errs {}",
                    n + 1,
                    tested.len(),
                    error(&centre_guess)
                ));
            }
            let stopped = || stop.load(Ordering::Relaxed);
            let trained = self
                .how
                .train(examples, fold, (&out, resume), &stopped, |e, p| {
                    self.epoch(e, p)
                })?;
            curves::write(&out.join("train.html"), &trained.epochs, &centre_guess)
                .map_err(failure)?;
            let outcome = Outcome {
                out: &out,
                by,
                stopped: trained.stopped,
                learned_from,
                best: trained.best_epoch,
                centre_guess,
            };
            self.outcome(&outcome);
            if trained.stopped {
                return Ok(true);
            }
            checks.extend(trained.best_epoch.map(|b| b.check));
        }
        if self.cross_validate {
            let points: usize = checks.iter().map(|c| c.points).sum();
            let mean = |f: &dyn Fn(&Judged) -> f64| {
                checks.iter().map(|c| f(c) * c.points as f64).sum::<f64>() / points.max(1) as f64
            };
            let (deg, px) = (mean(&|c| c.mean_deg), mean(&|c| c.mean_px));
            if self.json {
                say(&serde_json::json!({"folds": count, "points": points, "mean_deg": deg, "mean_px": px}).to_string());
            } else {
                tell(&format!(
                    "over all {count} folds, each checked at its best epoch: {deg:.2}°, {px:.0} px"
                ));
            }
        }
        Ok(false)
    }

    fn epoch(&self, e: &Epoch, p: &Progress) {
        if self.json {
            say(&serde_json::to_string(e).unwrap_or_default());
            return;
        }
        let mean = p.epochs.iter().map(|e| e.seconds).sum::<f64>() / p.epochs.len() as f64;
        let left = mean * p.settings.epochs.saturating_sub(e.epoch) as f64;
        let pairs = if e.consistency > 0.0 {
            format!(" pairs {:.5}", e.consistency)
        } else {
            String::new()
        };
        let best = if p.best == Some(e.epoch - 1) {
            ", the best so far"
        } else {
            ""
        };
        tell(&format!(
            "epoch {:>3} of {}: loss {:.5}{pairs}, errs {}{best}; {:.0} samples a second, {} left at most",
            e.epoch,
            p.settings.epochs,
            e.loss,
            error(&e.check),
            e.per_second,
            duration(left)
        ));
    }

    fn outcome(&self, o: &Outcome) {
        if self.json {
            say(&serde_json::to_string(o).unwrap_or_default());
            return;
        }
        let out = o.out.display();
        if o.stopped {
            tell(&format!(
                "gaze-trainer: stopped; the same command with --resume goes on ({out})"
            ));
        } else if let Some(best) = &o.best {
            tell(&format!(
                "{out}/best: of epoch {}, errs {}; curves in {out}/{CURVES} and train.html",
                best.epoch,
                error(&best.check)
            ));
        }
    }
}

/// `3.21° (median 2.80°), 120 px`
pub fn error(j: &Judged) -> String {
    format!(
        "{:.2}° (median {:.2}°), {:.0} px",
        j.mean_deg, j.median_deg, j.mean_px
    )
}

/// On standard output; who reads it may have left.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// On standard error.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
