//! How far a finished network errs, learned from people whom it has not learned from.
//!
//! Nothing of the network changes. Its hidden layers are computed once for each look, as it is and
//! made worse by chance ([`Augment::ROUGH`]); the small head of [`crate::net::spread`] then learns
//! from them by the Gaussian negative log-likelihood of the errors that the network really makes
//! (Nix and Weigend 1994; Kendall and Gal 2017): ln σ + e² ÷ 2σ² in the mean, for across and for up.
//! On looks that the network learned from errors are too small, and a spread learned there is too
//! sure; nobody can see that in a cache, so it is for the caller to give other people.
//!
//! Where the answer is the mean with the mirrored picture's, the errors are that mean's, and its
//! variance is said to be
//!
//! ```text
//! σ² = (σ₁² + σ₂²) ÷ 2 + ((a₁ − a₂) ÷ 2)²
//! ```
//!
//! of both answers a and spreads: that of one distribution that is either answer's with equal
//! chance. The head learns through that formula, so what it tells fits the mean, and answers that
//! contradict each other are never sure, however sure each of them is. `vision` reckons the same.

use burn::module::Module as _;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use nalgebra::{DMatrix, Vector3};
use render::maths::{Rng, mix_seed};
use serde::Serialize;

use super::examples::{Batch, Examples, Look};
use super::run::optimizer;
use super::schedule;
use super::settings::{Augment, Settings};
use crate::net::spread::{Spread, before_logistic};
use crate::net::{GazeNet, SpreadPlan};

/// Looks in one forward pass of the whole network.
const BATCH: usize = 64;
/// Each look as it is, and so often made worse.
pub const ROUGH_COPIES: usize = 4;
/// Bands of a reliability table.
pub const BANDS: usize = 5;

/// How the head is fitted: slowly, held back, and only until people left out say stop.
pub fn usual(seed: u64) -> Settings {
    Settings {
        epochs: 60,
        batch: 256,
        seed,
        head_rate: 1e-3,
        decay: 0.3,
        clip: 0.0,
        patience: 12,
        augment: Augment::ROUGH,
        ..Settings::default()
    }
}

/// What a frozen network gives for looks, and how it errs at them: one row for each.
#[derive(Debug, Clone)]
pub struct Rows {
    /// What all hidden layers give, and the same of the mirrored picture where that is asked too.
    sees: Vec<Tensor<2>>,
    /// Half of the difference of both answers, across and up, degrees; 0 where one is asked.
    apart: Vec<[f32; 2]>,
    /// Error across and up, degrees.
    off: Vec<[f32; 2]>,
    /// Whose look.
    person: Vec<u16>,
}

impl Rows {
    /// How many.
    pub fn len(&self) -> usize {
        self.off.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.off.is_empty()
    }

    /// Runs `net`, in use, on `of`; `device` without differentiation. `rough`: made worse by the
    /// chance of this seed.
    ///
    /// # Panics
    /// If the network answers with places, or `of` is empty or holds a look without a ray.
    pub fn of(
        net: &GazeNet,
        examples: &Examples,
        of: &[usize],
        mirror_average: bool,
        rough: Option<u64>,
        device: &Device,
    ) -> Rows {
        let asked = 1 + usize::from(mirror_average);
        let mut sees = vec![Vec::new(); asked];
        let (mut apart, mut off) = (Vec::new(), Vec::new());
        for part in of.chunks(BATCH) {
            let look = |i: &usize| Look {
                chance: rough.map(|seed| mix_seed(seed, 0x0ff5, *i as u64)),
                ..Look::exact(*i)
            };
            let looks: Vec<Look> = part.iter().map(look).collect();
            let plain = examples.batch(&looks, &Augment::ROUGH, device);
            let mut told = Vec::new();
            for (k, sees) in sees.iter_mut().enumerate() {
                let batch = if k == 1 {
                    plain.mirrored()
                } else {
                    plain.clone()
                };
                let (hidden, rays) = ask(net, batch);
                sees.push(hidden);
                told.push(rays);
            }
            let answers: Vec<Vec<Vector3<f64>>> = told.iter().map(rays).collect();
            for (row, i) in part.iter().enumerate() {
                let truth = examples.cache.samples[*i].ray.expect("a ray is known");
                let truth = Vector3::from(truth.map(f64::from));
                let first = answers[0][row];
                let second = answers.get(1).map_or(first, |twin| {
                    let v = twin[row];
                    Vector3::new(-v.x, v.y, v.z)
                });
                let half = between(&first, &second).map(|v| v / 2.0);
                apart.push(half.map(|v| v as f32));
                off.push(between(&(first + second), &truth).map(|v| v as f32));
            }
        }
        Rows {
            sees: sees
                .into_iter()
                .map(|parts| Tensor::cat(parts, 0))
                .collect(),
            apart,
            off,
            person: of
                .iter()
                .map(|i| examples.cache.samples[*i].person)
                .collect(),
        }
    }

    /// Those of `other` behind them.
    #[must_use]
    pub fn and(mut self, other: Rows) -> Rows {
        let both = self.sees.into_iter().zip(other.sees);
        self.sees = both.map(|(a, b)| Tensor::cat(vec![a, b], 0)).collect();
        self.apart.extend(other.apart);
        self.off.extend(other.off);
        self.person.extend(other.person);
        self
    }

    /// Root mean square of the errors, across and up: what one who cannot tell looks apart would
    /// best say of all of them.
    pub fn constant_deg(&self) -> [f64; 2] {
        [0, 1].map(|k| {
            let sum: f64 = self.off.iter().map(|e| f64::from(e[k]).powi(2)).sum();
            (sum / self.len().max(1) as f64).sqrt()
        })
    }

    /// What `spread` says of each look, degrees.
    pub fn told(&self, spread: &Spread) -> Vec<[f64; 2]> {
        let device = self.sees[0].device();
        let apart = pairs(&self.apart, &device);
        let all = variance(spread, &self.sees, &apart).sqrt();
        let all = all.into_data().convert::<f32>();
        let values: Vec<f32> = all.iter::<f32>().collect();
        values
            .chunks_exact(2)
            .map(|v| [f64::from(v[0]), f64::from(v[1])])
            .collect()
    }
}

/// What the hidden layers give, and the rays.
fn ask(net: &GazeNet, b: Batch) -> (Tensor<2>, Tensor<2>) {
    let (hidden, tangents) = net.hidden_layers(b.left, b.right, b.pose, b.position, b.geometric);
    let last = hidden[hidden.len() - 1].clone();
    (Tensor::cat(hidden, 1), net.answer(last, tangents))
}

fn rays(answers: &Tensor<2>) -> Vec<Vector3<f64>> {
    let data = answers.clone().into_data().convert::<f32>();
    let values: Vec<f32> = data.iter::<f32>().collect();
    let each = values.chunks_exact(3);
    each.map(|v| Vector3::new(v[0], v[1], v[2]).cast())
        .collect()
}

/// How far `is` lies from `from`, degrees: across (difference of the yaws × cosine of `from`'s
/// pitch) and up. Any lengths.
fn between(is: &Vector3<f64>, from: &Vector3<f64>) -> [f64; 2] {
    let angles = |v: &Vector3<f64>| (v.x.atan2(-v.z), (-v.y / v.norm()).clamp(-1.0, 1.0).asin());
    let ((yaw, pitch), (yaw_0, pitch_0)) = (angles(is), angles(from));
    [(yaw - yaw_0) * pitch_0.cos(), pitch - pitch_0].map(f64::to_degrees)
}

fn pairs(values: &[[f32; 2]], device: &Device) -> Tensor<2> {
    let flat: Vec<f32> = values.iter().flatten().copied().collect();
    Tensor::from_data(TensorData::new(flat, [values.len(), 2]), device)
}

/// Squared degrees, [B, 2]: the formula at the top of this file.
fn variance(spread: &Spread, sees: &[Tensor<2>], apart: &Tensor<2>) -> Tensor<2> {
    let each = sees.iter().map(|x| spread.degrees(x.clone()).square());
    let sum = each.reduce(|a, b| a + b).expect("it was asked");
    sum / sees.len() as f32 + apart.clone().square()
}

/// Mean of ln σ + e² ÷ 2σ² over looks and axes, without its constant.
fn loss(variance: Tensor<2>, off: Tensor<2>) -> Tensor<1> {
    (variance.clone().log() + off.square() / variance).mean() * 0.5
}

/// One epoch's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// On what it learns from: mean negative log-likelihood of an error, nats.
    pub loss: f64,
    /// On people left out.
    pub check: f64,
}

/// Fits a head to `learn`; it is the one of the epoch that is best on `check`. The same seed gives
/// the same one, bit for bit on a processor. None where it ran away.
pub fn fit(
    plan: &SpreadPlan,
    [learn, check]: [&Rows; 2],
    settings: &Settings,
    device: &Device,
) -> Option<(Spread, Vec<Epoch>)> {
    let differentiating = device.clone().autodiff();
    let (means, deviations) = scales(&learn.sees);
    let from = means.len();
    let standard = |rows: &Rows, device: &Device| -> Vec<Tensor<2>> {
        let row = |v: &[f32]| Tensor::<1>::from_floats(v, device).unsqueeze::<2>();
        let (middle, unit) = (row(&means), row(&deviations));
        let all = rows.sees.iter().map(|x| x.clone().into_data());
        let all = all.map(|x| Tensor::<2>::from_data(x, device));
        all.map(|x| (x - middle.clone()) / unit.clone()).collect()
    };
    let sees = standard(learn, &differentiating);
    let [apart, off] = [&learn.apart, &learn.off].map(|v| pairs(v, &differentiating));
    let checked = standard(check, device);
    let [check_apart, check_off] = [&check.apart, &check.off].map(|v| pairs(v, device));

    let mut head = begin(
        plan,
        from,
        learn.constant_deg(),
        settings.seed,
        &differentiating,
    );
    let mut optimizer = optimizer(settings);
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut best: Option<(f64, usize, Spread)> = None;
    let steps = learn.len().div_ceil(settings.batch);
    for epoch in 0..settings.epochs {
        let order = shuffled(learn.len(), mix_seed(settings.seed, 0x5b4e, epoch as u64));
        let mut sum = 0.0;
        for (step, rows) in order.chunks(settings.batch).enumerate() {
            let rows = Tensor::<1, Int>::from_ints(rows, &differentiating);
            let take = |x: &Tensor<2>| x.clone().select(0, rows.clone());
            let looks: Vec<Tensor<2>> = sees.iter().map(take).collect();
            let whole = loss(variance(&head, &looks, &take(&apart)), take(&off));
            sum += value(whole.clone().inner());
            let gradients = GradientsParams::from_grads(whole.backward(), &head);
            let rates = schedule::rates(settings, epoch * steps + step, settings.epochs * steps);
            head = optimizer.step(rates, head, gradients);
        }
        let now = head.valid();
        let said = variance(&now, &checked, &check_apart);
        let outcome = Epoch {
            epoch: epoch + 1,
            loss: sum / steps as f64 + HALF_LN_2_PI,
            check: value(loss(said, check_off.clone())) + HALF_LN_2_PI,
        };
        if !outcome.loss.is_finite() || !outcome.check.is_finite() {
            return None;
        }
        epochs.push(outcome);
        if best.as_ref().is_none_or(|b| outcome.check < b.0) {
            best = Some((outcome.check, epoch, now));
        }
        if epoch - best.as_ref().map_or(0, |b| b.1) >= settings.patience {
            break;
        }
    }
    let (_, _, best) = best?;
    Some((raw(best, &means, &deviations), epochs))
}

/// ½ ln 2π: what a Gaussian's negative log-likelihood has beside ln σ + e² ÷ 2σ².
const HALF_LN_2_PI: f64 = 0.918_938_533_204_672_7;

/// A head that says nearly the same of every look: what errors are in the mean.
fn begin(plan: &SpreadPlan, from: usize, deg: [f64; 2], seed: u64, device: &Device) -> Spread {
    let mut head = Spread::new(plan, from, seed, device);
    let last = head.layers.last_mut().expect("it has a layer");
    // A parameter is a leaf: what is differentiated begins with its value.
    last.weight = last.weight.clone().map(|w| {
        let device = w.device();
        Tensor::from_data((w * 0.1).into_data(), &device).require_grad()
    });
    let start = deg.map(|d| before_logistic(d as f32));
    last.bias = last
        .bias
        .clone()
        .map(|b| b.map(|old| Tensor::from_floats(start, &old.device()).require_grad()));
    head
}

/// Mean and deviation of each value; what never changes has deviation 1.
fn scales(sees: &[Tensor<2>]) -> (Vec<f32>, Vec<f32>) {
    let all = Tensor::cat(sees.to_vec(), 0);
    let mean = all.clone().mean_dim(0);
    let deviation = (all - mean.clone()).square().mean_dim(0).sqrt();
    let floats = |t: Tensor<2>| {
        t.into_data()
            .convert::<f32>()
            .iter::<f32>()
            .collect::<Vec<_>>()
    };
    let some = |d: f32| if d > 1e-4 { d } else { 1.0 };
    (
        floats(mean),
        floats(deviation).into_iter().map(some).collect(),
    )
}

/// The head for values as the network gives them: mean and deviation go into its first layer.
fn raw(mut head: Spread, means: &[f32], deviations: &[f32]) -> Spread {
    let first = &mut head.layers[0];
    let [from, to] = first.weight.dims();
    let floats = |data: TensorData| data.convert::<f64>().iter::<f64>().collect::<Vec<_>>();
    let weight = floats(first.weight.val().into_data());
    let mut weight = DMatrix::from_row_slice(from, to, &weight);
    let bias = first.bias.as_ref().expect("every layer here has a bias");
    let mut bias = floats(bias.val().into_data());
    for (i, mut row) in weight.row_iter_mut().enumerate() {
        row /= f64::from(deviations[i]);
        for (b, w) in bias.iter_mut().zip(row.iter()) {
            *b -= f64::from(means[i]) * w;
        }
    }
    // nalgebra keeps columns together; Burn rows.
    let rows: Vec<f32> = weight.transpose().iter().map(|v| *v as f32).collect();
    let bias: Vec<f32> = bias.into_iter().map(|v| v as f32).collect();
    first.weight = first
        .weight
        .clone()
        .map(|old| Tensor::from_data(TensorData::new(rows, [from, to]), &old.device()));
    first.bias = first
        .bias
        .clone()
        .map(|b| b.map(|old| Tensor::from_data(TensorData::new(bias, [to]), &old.device())));
    head
}

fn shuffled(n: usize, seed: u64) -> Vec<i32> {
    let mut rng = Rng::new(seed);
    let mut order: Vec<i32> = (0..n as i32).collect();
    for i in (1..n).rev() {
        order.swap(i, (rng.bits() % (i as u64 + 1)) as usize);
    }
    order
}

/// The one number of a tensor.
fn value(tensor: Tensor<1>) -> f64 {
    let data = tensor.into_data().convert::<f32>();
    data.iter::<f32>().next().map_or(f64::NAN, f64::from)
}

/// Looks of which about the same was expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band {
    /// How many.
    pub looks: usize,
    /// The least and the most that was told of one of them: √(σ across² + σ up²), degrees.
    pub told_deg: [f64; 2],
    /// Root mean square of what was told.
    pub expected_deg: f64,
    /// Root mean square of what they are off.
    pub off_deg: f64,
    /// Share of them that is off by less than was told; 0.63 of a round Gaussian.
    pub within: f64,
}

/// What is told of errors against the errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// How many looks.
    pub looks: usize,
    /// Of how many people.
    pub people: usize,
    /// Equally many looks each, the surest first.
    pub bands: Vec<Band>,
    /// Share of all looks that is off by less than was told.
    pub within: f64,
    /// Mean negative log-likelihood of an error, nats: across and up together, ÷ 2.
    pub nll: f64,
    /// The same of the best constant, found on these very looks.
    pub nll_constant: f64,
    /// That constant, across and up, degrees.
    pub constant_deg: [f64; 2],
    /// By how much `nll` is lower, and the standard error of that, from person to person.
    pub gain: [f64; 2],
}

impl Reliability {
    /// Of `spread` on `rows`.
    pub fn of(spread: &Spread, rows: &Rows) -> Reliability {
        let told = rows.told(spread);
        let constant_deg = rows.constant_deg();
        let nll = |sigma: [f64; 2], off: [f32; 2]| {
            let axis = |k: usize| sigma[k].ln() + (f64::from(off[k]) / sigma[k]).powi(2) / 2.0;
            (axis(0) + axis(1)) / 2.0 + HALF_LN_2_PI
        };
        let round = |v: [f64; 2]| v[0].hypot(v[1]);
        let mut looks: Vec<(f64, f64)> = (told.iter().zip(&rows.off))
            .map(|(told, off)| (round(*told), round(off.map(f64::from))))
            .collect();
        looks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let share = |of: &[(f64, f64)]| {
            of.iter().filter(|(told, off)| off < told).count() as f64 / of.len().max(1) as f64
        };
        let size = looks.len().div_ceil(BANDS).max(1);
        let bands = looks.chunks(size).map(|of| {
            let rms = |value: &dyn Fn(&(f64, f64)) -> f64| {
                (of.iter().map(|l| value(l).powi(2)).sum::<f64>() / of.len() as f64).sqrt()
            };
            Band {
                looks: of.len(),
                told_deg: [of[0].0, of[of.len() - 1].0],
                expected_deg: rms(&|l| l.0),
                off_deg: rms(&|l| l.1),
                within: share(of),
            }
        });
        let each: Vec<[f64; 2]> = (told.iter().zip(&rows.off))
            .map(|(told, off)| [nll(*told, *off), nll(constant_deg, *off)])
            .collect();
        let mean = |k: usize| each.iter().map(|v| v[k]).sum::<f64>() / each.len().max(1) as f64;
        let mut people: std::collections::BTreeMap<u16, (f64, f64)> = Default::default();
        for (person, [ours, constant]) in rows.person.iter().zip(&each) {
            let (sum, count) = people.entry(*person).or_default();
            (*sum, *count) = (*sum + constant - ours, *count + 1.0);
        }
        let n = people.len() as f64;
        let means = || people.values().map(|(sum, count)| sum / count);
        let middle = means().sum::<f64>() / n;
        let spread = means().map(|m| (m - middle).powi(2)).sum::<f64>();
        Reliability {
            looks: looks.len(),
            people: people.len(),
            bands: bands.collect(),
            within: share(&looks),
            nll: mean(0),
            nll_constant: mean(1),
            constant_deg,
            gain: [mean(1) - mean(0), (spread / (n - 1.0).max(1.0) / n).sqrt()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_is_a_degree_wherever_one_looks() {
        let ray = |yaw: f64, pitch: f64| {
            gaze::ray::Ray::from_yaw_pitch(Vector3::zeros(), yaw, pitch).direction
        };
        let near = |is: [f64; 2], wanted: [f64; 2]| {
            assert!(
                (is[0] - wanted[0]).abs() < 1e-9 && (is[1] - wanted[1]).abs() < 1e-9,
                "{is:?}"
            );
        };
        near(
            between(&(ray(12.0, -3.0) * 2.0), &ray(10.0, -5.0)),
            [2.0 * 5f64.to_radians().cos(), 2.0],
        );
        near(between(&ray(-30.0, 60.0), &ray(-26.0, 60.0)), [-2.0, 0.0]);
    }

    #[test]
    fn what_a_spread_starts_with_is_what_it_was_told() {
        for deg in [0.5, 2.5, 12.0] {
            let share = 1.0 / (1.0 + (-before_logistic(deg)).exp());
            let is = crate::net::spread::LEAST_DEG * (share * crate::net::spread::reach()).exp();
            assert!((is - deg).abs() < 1e-4 * deg, "{is} {deg}");
        }
    }
}
