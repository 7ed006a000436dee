//! `gaze-trainer train`.

use std::cell::RefCell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::dashboard::{self, Dashboard};
use super::how::How;
use super::prepare::default_cache;
use crate::data::cache::Cache;
use crate::data::join::join;
use crate::device;
use crate::net::Head;
use crate::synth::progress::duration;
use crate::train::examples::Examples;
use crate::train::folds::By;
use crate::train::judge::{self, Judged};
use crate::train::pupils::Pupils;
use crate::train::run::{CURVES, Epoch, TrainError};
use crate::train::state::{self, Progress};
use crate::train::{curves, guard, teacher};

/// What a stopped run exits with: 128 and the signal's number.
pub const STOPPED: u8 = 130;

/// What `train --help` says at its end.
pub const AFTER_HELP: &str = "\
Learns from all folds but one and is checked on that one; the best epoch's network is kept as
OUT/best, for `gaze-trainer export`. Learning curves: OUT/epochs.json and OUT/train.html.
By person nobody who is checked on has been learned from; by target no place and no sitting.
The best epoch is chosen on what is checked on, so its error is a little too good.
Ctrl-C (with --dashboard: q, then s) ends after the batch in hand; the same command with --resume goes on, also after a
kill, to the same network bit for bit (on a CPU; graphics processors add in any order).

Exit codes:
  0    trained
  2    the command line is wrong
  3    the data cannot be trained on as told (one person, one target, another network's crops,
       gaze and head that --balance cannot bring apart)
  4    a file cannot be written; what is there is whole
  5    the cache, the weights, the teacher or the state to go on from cannot be read or used
  6    the training ran away, or memory was not enough
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM; --resume goes on

Examples:
  gaze-trainer train recordings.cache --out runs/1
  gaze-trainer train recordings.cache --out runs/2 --weights mobilenet_v2.pth --frozen-epochs 3 --unfrozen-blocks 6
  gaze-trainer train usual.cache wide.cache --out runs/all --encoder compact --standardise --augment strong
  gaze-trainer train usual.cache wide.cache --out runs/student --encoder compact --teacher all/gaze.onnx --balance
  gaze-trainer train mine.cache --out runs/mine --head screen --by target --consistency 0.5
  gaze-trainer train recordings.cache --out runs/1 --resume --json
  gaze-trainer train recordings.cache --out runs/3 --dashboard";

/// Arguments of `train`.
#[derive(Debug, Args)]
pub struct Train {
    /// A cache that `prepare` made, or its folder of pictures; several are learned from
    /// together, and who has the same name in two of them is one person
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    how: How,
    /// Learn what this network's ONNX file says of each look, not the labels: a student of a committee. Degrees that
    /// are told are from its answers then, pixels from the targets
    #[arg(long, value_name = "FILE", conflicts_with = "cross_validate")]
    teacher: Option<PathBuf>,
    /// Go on with the run in OUT; other options as they were
    #[arg(long)]
    resume: bool,
    /// Train every fold, each in OUT/fold-N, for an error over all samples
    #[arg(long)]
    cross_validate: bool,
    /// Curves and progress on the terminal; q, then s, stops it as Ctrl-C does without
    #[arg(long, conflicts_with = "json")]
    dashboard: bool,
    /// Print one JSON object for each epoch, and one at the end
    #[arg(long)]
    json: bool,
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

/// Opens all of them as one.
pub fn open_all(sources: &[PathBuf]) -> Result<Cache, Failure> {
    let each: Vec<Cache> = sources.iter().map(|s| open(s)).collect::<Result<_, _>>()?;
    let joined = join(each).map_err(|e| (3, e.to_string()))?;
    joined.ok_or_else(|| (2, "no cache is named".into()))
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
    /// Of the best; none where heads and gazes did not move on their own.
    pupils: Option<Pupils>,
}

impl Train {
    /// Trains.
    pub fn run(self) -> ExitCode {
        end(|| self.train())
    }

    /// Whether it was stopped.
    fn train(&self) -> Result<bool, Failure> {
        // What is wrong on the command line is told before a large cache is read.
        let mut settings = self.how.settings()?;
        if self.dashboard {
            dashboard::possible()?;
        }
        device::open(self.how.device()).map_err(|e| (2, e.to_string()))?;
        if !self.resume && self.out.join(crate::train::state::FILE).exists() {
            let line = format!(
                "{}: there is a run already; go on with --resume, or give another --out",
                self.out.display()
            );
            return Err((2, line));
        }
        let mut cache = open_all(&self.sources)?;
        let plan = self.how.plan(&cache)?;
        if self.teacher.is_some() && plan.head != Head::Ray {
            let line = "--teacher is about lines of sight: leave it out, or --head screen";
            return Err((2, line.into()));
        }
        if let Some(file) = &self.teacher {
            let jobs = std::thread::available_parallelism().map_or(1, usize::from);
            let learned = teacher::teach(&mut cache, file, jobs);
            settings.teacher = Some(learned.map_err(|e| (5, e.to_string()))?);
        }
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
            let board = self.dashboard.then(|| {
                let label = format!("fold {} of {count}", n + 1);
                let batches = examples.epoch(&fold.train, &settings, 0).len();
                RefCell::new(Dashboard::new(label, settings.epochs, batches))
            });
            let done = if resume { epochs_done(&out) } else { 0 };
            let stopped = || {
                let asked = (board.as_ref()).is_some_and(|b| b.borrow_mut().batch(done));
                asked || stop.load(Ordering::Relaxed)
            };
            let trained = self.how.train(
                settings.clone(),
                examples,
                fold,
                (&out, resume),
                &stopped,
                |e, p| match &board {
                    Some(board) => board.borrow_mut().epoch(e),
                    None => self.epoch(e, p),
                },
            )?;
            drop(board);
            curves::write(&out.join("train.html"), &trained.epochs, &centre_guess)
                .map_err(failure)?;
            let told = trained
                .best
                .as_ref()
                .filter(|_| !trained.stopped && plan.head == Head::Ray);
            let pupils = told.and_then(|net| {
                let device = device::open(self.how.device()).ok()?;
                let answers = judge::predict(net, &examples, &tested, &device);
                Pupils::of(&cache.samples, &tested, &answers)
            });
            let outcome = Outcome {
                out: &out,
                by,
                stopped: trained.stopped,
                learned_from,
                best: trained.best_epoch,
                centre_guess,
                pupils,
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
            if best.check.mean_deg >= o.centre_guess.mean_deg {
                tell(&format!(
                    "that is no better than to say the screen's middle ({}): give it more people, more epochs, --weights, or --encoder compact",
                    error(&o.centre_guess)
                ));
            }
            if let Some(p) = &o.pupils {
                tell(&format!(
                    "{}: a degree of gaze moves it {:.2}° across and {:.2}° up, a degree of head turn {:+.2}° and {:+.2}°",
                    p.verdict(),
                    p.gaze[0],
                    p.gaze[1],
                    p.head[0],
                    p.head[1]
                ));
            }
        }
    }
}

/// How many epochs a run has behind it, by the state in its folder.
fn epochs_done(out: &Path) -> usize {
    state::load(out).map_or(0, |s| s.progress.at[0])
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
