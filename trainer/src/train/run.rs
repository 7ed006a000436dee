//! The training itself.
//!
//! The loop is our own and not Burn's `SupervisedTraining`: that one shuffles and augments from
//! generators whose state no checkpoint holds, goes on only from an epoch's end, and hands back
//! the last network. Here order, augmentation and rates are functions of seed, epoch and step,
//! so an interrupted training goes on after any batch, to the same weights bit for bit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::grad_clipping::GradientClippingConfig;
use burn::module::Module as _;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::examples::{Batch, Examples, Unfit};
use super::folds::Fold;
use super::judge::{self, Judged};
use super::settings::{Settings, SettingsError};
use super::state::{self, Progress, StateError};
use super::{loss, schedule};
use crate::net::checkpoint::{self, CheckpointError};
use crate::net::{GazeNet, NetConfig};

/// The best network's folder in a run's folder.
pub const BEST: &str = "best";
/// Learning curves in a run's folder.
pub const CURVES: &str = "epochs.json";

/// Why there is no trained network. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Cache and network.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The network's folder.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What it goes on from.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file beside them.
    #[error("{}: cannot be written: {why}; give another --out", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What was said.
        why: String,
    },
    /// It goes on with something else than it began with.
    #[error("{}: began with other {what}; go on as it began, or train anew in another --out", path.display())]
    Other {
        /// The run's folder.
        path: PathBuf,
        /// What is other, then and now where that is short.
        what: String,
    },
    /// Weights ran away.
    #[error("the loss is no number any more in epoch {epoch}; use a lower --head-rate, or --clip")]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
    },
}

/// One epoch's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Mean loss of the answers while learning, on augmented pictures.
    pub loss: f32,
    /// Mean consistency loss, unweighted; 0 without pairs.
    pub consistency: f32,
    /// On what is not learned from.
    pub check: Judged,
    /// The head's rate at its last step.
    pub rate: f64,
    /// How long it took.
    pub seconds: f64,
    /// Samples a second, learning alone.
    pub per_second: f64,
}

/// What to train, on what.
#[derive(Debug)]
pub struct Order<'a> {
    /// Cache and plan.
    pub examples: Examples<'a>,
    /// What to learn from, and what to check on.
    pub fold: Fold,
    /// How.
    pub settings: Settings,
    /// Where; without differentiation.
    pub device: Device,
    /// The run's folder; nothing is kept on the disk if left out.
    pub out: Option<PathBuf>,
    /// Whether to go on with what is there.
    pub resume: bool,
}

/// A finished, or interrupted, training.
#[derive(Debug)]
pub struct Trained {
    /// The network as it was when it ended.
    pub last: GazeNet,
    /// The best network, in use; none if it was stopped before the first epoch's end.
    pub best: Option<GazeNet>,
    /// Its epoch.
    pub best_epoch: Option<Epoch>,
    /// All epochs.
    pub epochs: Vec<Epoch>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// AdamW with every part's gradient clipped.
pub(crate) fn optimizer(settings: &Settings) -> ModuleOptimizer {
    let config = AdamWConfig::new().with_weight_decay(settings.decay);
    let optimizer = config.init();
    if settings.clip > 0.0 {
        optimizer.with_grad_clipping(GradientClippingConfig::Norm(settings.clip).init())
    } else {
        optimizer
    }
}

/// The network, the optimizer and where they are.
struct Runner<'a> {
    order: &'a Order<'a>,
    train: Device,
    net: GazeNet,
    optimizer: ModuleOptimizer,
    progress: Progress,
    best: Option<GazeNet>,
}

/// Trains `start` (see [`begin`]; perhaps with pretrained weights). `stop` is asked before each
/// batch; when it says so, the state is written and it ends. `tell` hears of each epoch.
///
/// # Errors
/// [`TrainError`].
pub fn train(
    order: &Order,
    start: GazeNet,
    stop: &dyn Fn() -> bool,
    mut tell: impl FnMut(&Epoch, &Progress),
) -> Result<Trained, TrainError> {
    let mut runner = Runner::new(order, start)?;
    while !runner.progress.done {
        let stopped = runner.epoch(stop)?;
        if stopped {
            break;
        }
        if let Some(epoch) = runner.progress.epochs.last() {
            tell(epoch, &runner.progress);
        }
    }
    let Progress {
        epochs, best, done, ..
    } = runner.progress;
    Ok(Trained {
        last: runner.net.valid(),
        best: runner.best,
        best_epoch: best.map(|b| epochs[b]),
        epochs,
        stopped: !done,
    })
}

impl<'a> Runner<'a> {
    fn new(order: &'a Order, start: GazeNet) -> Result<Runner<'a>, TrainError> {
        order.settings.check()?;
        let device = order.device.clone().autodiff();
        let data = state::fingerprint(&order.examples.cache.header);
        let mut runner = Runner {
            order,
            net: start,
            train: device,
            optimizer: optimizer(&order.settings),
            progress: Progress {
                settings: order.settings.clone(),
                network: order.examples.config.clone(),
                fold: order.fold.clone(),
                data,
                at: [0, 0],
                sums: [0, 0],
                paired: 0,
                epochs: vec![],
                best: None,
                done: false,
            },
            best: None,
        };
        let Some(out) = &order.out else {
            return Ok(runner);
        };
        if order.resume {
            let state = state::load(out)?;
            let (was, is) = (&state.progress, &runner.progress);
            for (same, what) in [
                (was.data == is.data, "data".to_owned()),
                (
                    was.network == is.network,
                    other("network", &was.network, &is.network),
                ),
                (
                    was.settings == is.settings,
                    other("settings", &was.settings, &is.settings),
                ),
                (was.fold == is.fold, "folds".to_owned()),
            ] {
                if !same {
                    let path = out.clone();
                    return Err(TrainError::Other { path, what });
                }
            }
            runner.progress = was.clone();
            if runner.progress.best.is_some() {
                runner.best = Some(checkpoint::load(&out.join(BEST), &order.device)?.1);
            }
            (runner.net, runner.optimizer) = state.restore(runner.net, runner.optimizer)?;
        }
        Ok(runner)
    }

    /// Learns the rest of the epoch in hand and judges; true when it was stopped before.
    fn epoch(&mut self, stop: &dyn Fn() -> bool) -> Result<bool, TrainError> {
        let Order {
            examples,
            settings,
            fold,
            ..
        } = self.order;
        let [epoch, first] = self.progress.at;
        let batches = examples.epoch(&fold.train, settings, epoch);
        let steps = batches.len();
        self.net = schedule::phase(self.net.clone(), settings, epoch);
        // Sums stay on the device: reading them at each step would make it wait.
        let values = self.progress.sums.map(f32::from_bits);
        let mut sums = values.map(|v| Tensor::<1>::from_floats([v], &self.order.device));
        let began = Instant::now();
        let mut learned = 0;
        for (step, looks) in batches.iter().enumerate().skip(first) {
            if stop() {
                self.progress.at = [epoch, step];
                self.progress.sums = sums.map(|s| value(s).to_bits());
                self.save()?;
                return Ok(true);
            }
            let batch = examples.batch(looks, &settings.augment, &self.train);
            let at = epoch * steps + step;
            self.step(&batch, at, settings.epochs * steps, &mut sums);
            learned += looks.len();
        }
        let [loss, consistency] = sums.map(value);
        let took = began.elapsed().as_secs_f64();
        if !loss.is_finite() || !consistency.is_finite() {
            return Err(TrainError::Diverged { epoch: epoch + 1 });
        }
        let net = self.net.valid();
        let check = judge::judge(&net, examples, &fold.test, &self.order.device);
        if !check.mean_deg.is_finite() {
            return Err(TrainError::Diverged { epoch: epoch + 1 });
        }
        let last = (epoch + 1) * steps - 1;
        let rate = settings.head_rate * schedule::factor(settings, last, settings.epochs * steps);
        self.progress.epochs.push(Epoch {
            epoch: epoch + 1,
            loss: loss / steps as f32,
            consistency: consistency / self.progress.paired.max(1) as f32,
            check,
            rate,
            seconds: began.elapsed().as_secs_f64(),
            per_second: learned as f64 / took.max(1e-9),
        });
        self.progress.at = [epoch + 1, 0];
        self.progress.sums = [0, 0];
        self.progress.paired = 0;
        let error = |n: usize| self.progress.epochs[n].check.mean_deg;
        let better = self.progress.best.is_none_or(|b| error(epoch) < error(b));
        if better {
            self.progress.best = Some(epoch);
            if let Some(out) = &self.order.out {
                make(out)?;
                checkpoint::save(&out.join(BEST), examples.config, &net)?;
            }
            self.best = Some(net);
        }
        let waited = epoch - self.progress.best.unwrap_or(epoch);
        let enough = settings.patience > 0
            && waited >= settings.patience
            // What has just been set free has not had its chance.
            && epoch >= settings.frozen_epochs + settings.patience;
        self.progress.done = enough || epoch + 1 >= settings.epochs;
        self.save()?;
        Ok(false)
    }

    fn step(&mut self, batch: &Batch, at: usize, steps: usize, sums: &mut [Tensor<1>; 2]) {
        let settings = &self.order.settings;
        let parts = loss::losses(&self.net, batch, settings.loss);
        let mut whole = parts.answer.clone();
        let mut add = |k: usize, part: Tensor<1>| sums[k] = sums[k].clone() + part.inner();
        add(0, parts.answer);
        if let Some(consistency) = parts.consistency {
            whole = whole + consistency.clone() * settings.consistency;
            add(1, consistency);
            self.progress.paired += 1;
        }
        let gradients = GradientsParams::from_grads(whole.backward(), &self.net);
        let rates = schedule::rates(settings, at, steps);
        self.net = self.optimizer.step(rates, self.net.clone(), gradients);
    }

    /// State and curves; nothing without a folder.
    fn save(&self) -> Result<(), TrainError> {
        let Some(out) = &self.order.out else {
            return Ok(());
        };
        make(out)?;
        state::save(out, &self.progress, &self.net, &self.optimizer)?;
        let json = serde_json::to_string_pretty(&self.progress.epochs).expect("epochs are JSON");
        write_whole(&out.join(CURVES), (json + "\n").as_bytes())
    }
}

fn make(folder: &Path) -> Result<(), TrainError> {
    fs::create_dir_all(folder).map_err(|e| TrainError::Write {
        path: folder.to_owned(),
        why: e.to_string(),
    })
}

/// Writes a file beside its place and renames it.
///
/// # Errors
/// [`TrainError::Write`]; what was there stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".new");
    let part = PathBuf::from(part);
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .map_err(|e| {
            let _ = fs::remove_file(&part);
            TrainError::Write {
                path: path.to_owned(),
                why: e.to_string(),
            }
        })
}

/// The one number of a tensor.
fn value(tensor: Tensor<1>) -> f32 {
    tensor
        .into_data()
        .convert::<f32>()
        .iter::<f32>()
        .next()
        .unwrap_or(f32::NAN)
}

/// A new network for `config`, of the settings' seed, on `device` with differentiation.
///
/// # Errors
/// When the plan cannot be built.
pub fn begin(
    config: &NetConfig,
    settings: &Settings,
    device: &Device,
) -> Result<GazeNet, crate::net::ConfigError> {
    config.init(settings.seed, &device.clone().autodiff())
}

/// `settings (epochs was 14, is 20)`: the first value that differs.
fn other(what: &str, was: &impl Serialize, is: &impl Serialize) -> String {
    fn first(name: &str, was: &Value, is: &Value) -> Option<String> {
        if let (Value::Object(a), Value::Object(b)) = (was, is) {
            return a.iter().find_map(|(key, v)| first(key, v, b.get(key)?));
        }
        (was != is).then(|| format!("{name} was {was}, is {is}"))
    }
    let was = serde_json::to_value(was).unwrap_or_default();
    let is = serde_json::to_value(is).unwrap_or_default();
    match first(what, &was, &is) {
        Some(words) => format!("{what} ({words})"),
        None => what.to_owned(),
    }
}
