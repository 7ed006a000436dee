//! The training of a contact network.
//!
//! Both kinds count alike whatever their numbers, so 0.5 is where the two are equally likely
//! before anything is known of them. Order, augmentation and rates are functions of seed, epoch
//! and step: the same seed is the same run, bit for bit on a processor.

use std::time::Instant;

use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use gaze::contact::metrics::{self, Scored};
use gaze::contact::of_log_odds;
use serde::Serialize;

use super::Error;
use super::examples::{Batch, Examples};
use crate::net::FaceNet;
use crate::train::run::optimizer;
use crate::train::schedule;
use crate::train::settings::{Augment, Settings};

/// Faces in one forward pass that nothing is learned from.
const BATCH: usize = 64;

/// How a contact network is trained unless told otherwise.
pub fn usual() -> Settings {
    Settings {
        epochs: 40,
        batch: 32,
        head_rate: 2e-3,
        backbone_rate: 2e-3,
        warm_up: 0.1,
        decay: 1e-3,
        patience: 10,
        augment: Augment {
            shift: 0.04,
            scale: 0.06,
            turn_deg: 6.0,
            ..Augment::USUAL
        },
        ..Settings::default()
    }
}

/// One epoch's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Mean loss while learning, on augmented faces.
    pub loss: f64,
    /// Mean loss on what is not learned from, both kinds alike.
    pub check_loss: f64,
    /// Area under the ROC curve there.
    pub auc: f64,
    /// How long it took.
    pub seconds: f64,
}

/// A trained network.
#[derive(Debug)]
pub struct Trained {
    /// As it was after its best epoch, in use.
    pub best: FaceNet,
    /// That epoch.
    pub epoch: Epoch,
    /// All epochs.
    pub epochs: Vec<Epoch>,
}

/// Mean of −log of the probability that is given to what is true, weighted; [1].
fn loss(logits: Tensor<2>, batch: &Batch) -> Tensor<1> {
    // max(x, 0) − x·y + log(1 + e^−|x|), which does not overflow.
    let towards = relu(logits.clone()) - logits.clone() * batch.contact.clone();
    let each = towards + (-logits.abs()).exp().log1p();
    (each * batch.weight.clone()).mean()
}

/// How much one of either kind counts, so that both count alike and the mean is 1.
fn weights(examples: &Examples, of: &[usize]) -> [f32; 2] {
    let contacts = of.iter().filter(|i| examples.faces[**i].contact).count();
    let both = [contacts, of.len() - contacts];
    both.map(|n| of.len() as f32 / (2 * n.max(1)) as f32)
}

/// Logits of faces as the daemon would cut them; `device` without differentiation.
pub fn predict(net: &FaceNet, examples: &Examples, of: &[usize], device: &Device) -> Vec<f64> {
    let mut logits = Vec::with_capacity(of.len());
    for part in of.chunks(BATCH) {
        let looks = Examples::exact(part);
        let batch = examples.batch(&looks, &Settings::default(), [1.0; 2], device);
        let out = net.forward(batch.faces).into_data().convert::<f32>();
        logits.extend(out.iter::<f32>().map(f64::from));
    }
    logits
}

/// The same as probabilities, with what is true.
pub fn scored(net: &FaceNet, examples: &Examples, of: &[usize], device: &Device) -> Vec<Scored> {
    let logits = predict(net, examples, of, device).into_iter();
    let truth = of.iter().map(|i| examples.faces[*i].contact);
    logits.map(of_log_odds).zip(truth).collect()
}

/// Trains `start` on `learn` and checks it on `check`; the network of the epoch with the lowest
/// loss there. `stop` is asked before each batch; `None` when it said so.
///
/// # Errors
/// [`Error::Diverged`].
pub fn train(
    start: FaceNet,
    examples: &Examples,
    [learn, check]: [&[usize]; 2],
    settings: &Settings,
    device: &Device,
    stop: &dyn Fn() -> bool,
    mut tell: impl FnMut(&Epoch, bool),
) -> Result<Option<Trained>, Error> {
    let differentiating = device.clone().autodiff();
    let (mut net, mut optimizer) = (start, optimizer(settings));
    let (counted, checked) = (weights(examples, learn), weights(examples, check));
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut best: Option<(Epoch, FaceNet)> = None;
    for epoch in 0..settings.epochs {
        let began = Instant::now();
        let batches = examples.epoch(learn, settings, epoch);
        let steps = batches.len();
        let mut sum = 0.0;
        for (step, looks) in batches.iter().enumerate() {
            if stop() {
                return Ok(None);
            }
            let batch = examples.batch(looks, settings, counted, &differentiating);
            let whole = loss(net.forward(batch.faces.clone()), &batch);
            sum += value(whole.clone().inner());
            let gradients = GradientsParams::from_grads(whole.backward(), &net);
            let at = epoch * steps + step;
            let rates = schedule::rates(settings, at, settings.epochs * steps);
            net = optimizer.step(rates, net, gradients);
        }
        let valid = net.valid();
        let mut check_loss = 0.0;
        let mut said = Vec::new();
        for part in check.chunks(BATCH) {
            let batch = examples.batch(&Examples::exact(part), settings, checked, device);
            let logits = valid.forward(batch.faces.clone());
            check_loss += value(loss(logits.clone(), &batch)) * part.len() as f64;
            let logits = logits.into_data().convert::<f32>();
            said.extend(logits.iter::<f32>().map(f64::from));
        }
        let truth = check.iter().map(|i| examples.faces[*i].contact);
        let scored: Vec<Scored> = said.into_iter().zip(truth).collect();
        let outcome = Epoch {
            epoch: epoch + 1,
            loss: sum / steps as f64,
            check_loss: check_loss / check.len() as f64,
            auc: metrics::auc(&scored),
            seconds: began.elapsed().as_secs_f64(),
        };
        if !outcome.loss.is_finite() || !outcome.check_loss.is_finite() {
            return Err(Error::Diverged(epoch + 1));
        }
        epochs.push(outcome);
        let better = best
            .as_ref()
            .is_none_or(|(b, _)| outcome.check_loss < b.check_loss);
        if better {
            best = Some((outcome, valid));
        }
        tell(&outcome, better);
        let waited = best.as_ref().map_or(0, |(b, _)| outcome.epoch - b.epoch);
        if settings.patience > 0 && waited >= settings.patience {
            break;
        }
    }
    Ok(best.map(|(epoch, best)| Trained {
        best,
        epoch,
        epochs,
    }))
}

/// The one number of a tensor.
fn value(tensor: Tensor<1>) -> f64 {
    let data = tensor.into_data().convert::<f32>();
    data.iter::<f32>().next().map_or(f64::NAN, f64::from)
}
