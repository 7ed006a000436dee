//! A network made one person's own, of 5 to 20 points.
//!
//! Only the last layer changes, and never by descent: what it sees of each look is computed
//! once, and the change is a ridge regression of what it said wrong: on its own two numbers (an
//! affine map on top, which is a change of the last layer too), or on all that it sees. Which
//! of these, and how strongly held back, is chosen by the error at targets left out; a network
//! that no change makes better stays as it was.

use std::collections::BTreeSet;

use burn::tensor::{Device, Tensor, TensorData};
use nalgebra::{DMatrix, RowDVector};
use serde::{Deserialize, Serialize};

use super::examples::{Examples, Look};
use super::judge::{self, Judged};
use super::settings::Augment;
use crate::net::{GazeNet, Head, LEAST_FORWARD};

/// Fewer targets are too few to leave one out.
pub const LEAST_TARGETS: usize = 5;
/// Groups of targets that are left out in turns, where there are more targets.
const GROUPS: usize = 20;
/// Samples in one forward pass.
const BATCH: usize = 64;

/// A way to change the last layer. Numbers are the ridge, in mean variances of what is
/// regressed on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// None.
    AsItWas,
    /// The same offset everywhere.
    Offset,
    /// An affine map of the two numbers that it gives.
    Affine(f64),
    /// All weights of the last layer.
    LastLayer(f64),
}

impl Change {
    /// All that are tried, the humblest first: it wins where errors are equal.
    pub const ALL: [Change; 8] = [
        Change::AsItWas,
        Change::Offset,
        Change::Affine(1.0),
        Change::Affine(0.1),
        Change::Affine(0.001),
        Change::LastLayer(30.0),
        Change::LastLayer(3.0),
        Change::LastLayer(0.3),
    ];

    /// For a person.
    pub fn words(self) -> String {
        match self {
            Change::AsItWas => "as it was".into(),
            Change::Offset => "an offset".into(),
            Change::Affine(r) => format!("an affine map, ridge {r}"),
            Change::LastLayer(r) => format!("the last layer, ridge {r}"),
        }
    }
}

/// What the last layer sees and says, one row for each sample.
#[derive(Debug)]
pub struct Seen<'a> {
    examples: Examples<'a>,
    of: Vec<usize>,
    /// [n, what it sees]
    sees: DMatrix<f64>,
    /// [n, 2]
    says: DMatrix<f64>,
    /// What is added to it: the geometric ray's tangents, or the screen's middle.
    added: DMatrix<f64>,
    /// What it should say.
    wanted: DMatrix<f64>,
    weight: DMatrix<f64>,
    bias: RowDVector<f64>,
}

/// A new last layer: [in, 2] and [2].
type Layer = (DMatrix<f64>, RowDVector<f64>);

/// One way's error at targets left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The way.
    pub change: Change,
    /// At targets that it was not fitted on.
    pub left_out: Judged,
}

impl<'a> Seen<'a> {
    /// Runs the network, in use, on `of`; `device` without differentiation.
    pub fn new(net: &GazeNet, examples: Examples<'a>, of: &[usize], device: &Device) -> Seen<'a> {
        let (mut sees, mut tangents) = (Vec::new(), Vec::new());
        for part in of.chunks(BATCH) {
            let looks: Vec<Look> = part.iter().map(|i| Look::exact(*i)).collect();
            let b = examples.batch(&looks, &Augment::NONE, device);
            let (x, t) = net.before_output(b.left, b.right, b.pose, b.position, b.geometric);
            sees.extend(numbers(x));
            tangents.extend(t.map(numbers).unwrap_or_else(|| vec![0.0; 2 * part.len()]));
        }
        let n = of.len();
        let weight = numbers(net.output.weight.val());
        let inputs = weight.len() / 2;
        let weight = DMatrix::from_row_slice(inputs, 2, &weight);
        let bias = net
            .output
            .bias
            .as_ref()
            .map_or(vec![0.0; 2], |b| numbers(b.val()));
        let bias = RowDVector::from_vec(bias);
        let sees = DMatrix::from_row_slice(n, inputs, &sees);
        let added = match examples.config.head {
            Head::Ray => DMatrix::from_row_slice(n, 2, &tangents),
            Head::Screen => DMatrix::from_element(n, 2, 0.5),
        };
        let truth = DMatrix::from_fn(n, 2, |row, k| {
            let sample = &examples.cache.samples[of[row]];
            match (examples.config.head, sample.ray) {
                (Head::Ray, Some(ray)) => f64::from(ray[k] / (-ray[2]).max(LEAST_FORWARD)),
                _ => f64::from(sample.target_norm[k]),
            }
        });
        let says = says(&sees, &(weight.clone(), bias.clone()));
        Seen {
            examples,
            of: of.to_vec(),
            wanted: truth - &added,
            sees,
            says,
            added,
            weight,
            bias,
        }
    }

    /// Rows whose sample is such.
    fn rows(&self, such: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.of.len())
            .filter(|row| such(self.of[*row]))
            .collect()
    }

    /// The last layer that fits `rows`; every target weighs alike.
    fn fit(&self, rows: &[usize], change: Change) -> Layer {
        let target = |row: &usize| self.examples.cache.samples[self.of[*row]].target;
        let mut pictures = std::collections::BTreeMap::new();
        for row in rows {
            *pictures.entry(target(row)).or_insert(0.0) += 1.0;
        }
        let total = pictures.len() as f64;
        let weights: Vec<f64> = rows
            .iter()
            .map(|r| 1.0 / pictures[&target(r)] / total)
            .collect();
        let wrong = (&self.wanted - &self.says).select_rows(rows);
        let mean = |m: &DMatrix<f64>| {
            let mut mean = RowDVector::zeros(m.ncols());
            for (row, w) in m.row_iter().zip(&weights) {
                mean += row * *w;
            }
            mean
        };
        // (change of what is multiplied, change of the offset), on `on`.
        let ridge = |on: &DMatrix<f64>, ridge: f64| -> Layer {
            let (middle, offset) = (mean(on), mean(&wrong));
            let k = on.ncols();
            let (mut normal, mut right) = (DMatrix::zeros(k, k), DMatrix::zeros(k, 2));
            for (r, w) in weights.iter().enumerate() {
                let phi = (on.row(r) - &middle).transpose();
                normal.ger(*w, &phi, &phi, 1.0);
                right += &phi * (wrong.row(r) - &offset) * *w;
            }
            let variance = normal.trace() / k as f64;
            for d in 0..k {
                normal[(d, d)] += (ridge * variance).max(1e-12);
            }
            let slope = normal
                .cholesky()
                .map_or(DMatrix::zeros(k, 2), |c| c.solve(&right));
            let offset = offset - middle * &slope;
            (slope, offset)
        };
        match change {
            Change::AsItWas => (self.weight.clone(), self.bias.clone()),
            Change::Offset => (self.weight.clone(), &self.bias + mean(&wrong)),
            Change::Affine(r) => {
                let (slope, offset) = ridge(&self.says.select_rows(rows), r);
                let map = DMatrix::identity(2, 2) + slope;
                (&self.weight * &map, &self.bias * map + offset)
            }
            Change::LastLayer(r) => {
                let (slope, offset) = ridge(&self.sees.select_rows(rows), r);
                (&self.weight + slope, &self.bias + offset)
            }
        }
    }

    /// Answers at `rows` with another last layer.
    fn answers(&self, rows: &[usize], layer: &Layer) -> Vec<[f32; 3]> {
        let out = says(&self.sees.select_rows(rows), layer) + self.added.select_rows(rows);
        (out.row_iter())
            .map(|r| match self.examples.config.head {
                Head::Screen => [r[0] as f32, r[1] as f32, 0.0],
                Head::Ray => {
                    let length = (r[0] * r[0] + r[1] * r[1] + 1.0).sqrt();
                    [r[0], r[1], -1.0].map(|v| (v / length) as f32)
                }
            })
            .collect()
    }

    /// Misses at `rows`.
    fn misses(&self, rows: &[usize], layer: &Layer) -> Vec<judge::Miss> {
        let of: Vec<usize> = rows.iter().map(|r| self.of[*r]).collect();
        judge::misses(&self.examples, &of, &self.answers(rows, layer))
    }

    /// Every way's error at targets left out, of samples that are `such`.
    pub fn try_all(&self, such: impl Fn(usize) -> bool) -> Vec<Tried> {
        self.try_rows(&self.rows(such))
    }

    fn try_rows(&self, rows: &[usize]) -> Vec<Tried> {
        let target = |row: &usize| self.examples.cache.samples[self.of[*row]].target;
        let targets: BTreeSet<u16> = rows.iter().map(target).collect();
        (Change::ALL.into_iter())
            .map(|change| {
                let mut misses = Vec::new();
                for left in &targets {
                    let (tested, rest): (Vec<usize>, Vec<usize>) =
                        rows.iter().partition(|r| target(r) == *left);
                    misses.extend(self.misses(&tested, &self.fit(&rest, change)));
                }
                let left_out = Judged::of(&misses);
                Tried { change, left_out }
            })
            .collect()
    }

    /// What the whole way of choosing is worth: for each group of targets left out, every way
    /// is tried at the others, the winner among those fitted on them and tested at the group. No
    /// target has a say in what is tested at it, so this is the error to expect where the
    /// winner's own ([`Tried::left_out`]) is the best of many and flatters. A target is a group
    /// of its own up to 20 of them.
    pub fn expected(&self, such: impl Fn(usize) -> bool) -> Judged {
        let rows = self.rows(such);
        let samples = &self.examples.cache.samples;
        let target = |row: &usize| samples[self.of[*row]].target;
        let targets: Vec<u16> = rows
            .iter()
            .map(target)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let group = |row: &usize| targets.partition_point(|t| *t < target(row)) % GROUPS;
        let mut misses = Vec::new();
        for left in 0..GROUPS.min(targets.len()) {
            let (tested, rest): (Vec<usize>, Vec<usize>) =
                rows.iter().partition(|row| group(row) == left);
            let tried = self.try_rows(&rest);
            let change = winner(&tried).map_or(Change::AsItWas, |best| best.change);
            misses.extend(self.misses(&tested, &self.fit(&rest, change)));
        }
        Judged::of(&misses)
    }

    /// Errors at samples that are `tested`, by the last layer that fits those that are `such`.
    pub fn apply(
        &self,
        such: impl Fn(usize) -> bool,
        change: Change,
        tested: impl Fn(usize) -> bool,
    ) -> Judged {
        let layer = self.fit(&self.rows(such), change);
        Judged::of(&self.misses(&self.rows(tested), &layer))
    }

    /// `net` with the last layer that fits samples that are `such`.
    pub fn tuned(&self, net: &GazeNet, such: impl Fn(usize) -> bool, change: Change) -> GazeNet {
        let (weight, bias) = self.fit(&self.rows(such), change);
        let mut net = net.clone();
        let inputs = weight.nrows();
        // nalgebra keeps columns together; Burn rows.
        let rows: Vec<f32> = weight.transpose().iter().map(|v| *v as f32).collect();
        net.output.weight = net
            .output
            .weight
            .map(|old| Tensor::from_data(TensorData::new(rows, [inputs, 2]), &old.device()));
        net.output.bias = net.output.bias.map(|b| {
            let values: Vec<f32> = bias.iter().map(|v| *v as f32).collect();
            b.map(|old| Tensor::from_data(TensorData::new(values, [2]), &old.device()))
        });
        net
    }
}

/// The way that errs least at targets left out; of equals the humblest.
pub fn winner(tried: &[Tried]) -> Option<&Tried> {
    tried
        .iter()
        .min_by(|a, b| a.left_out.mean_deg.total_cmp(&b.left_out.mean_deg))
}

fn says(sees: &DMatrix<f64>, (weight, bias): &Layer) -> DMatrix<f64> {
    let mut out = sees * weight;
    for mut row in out.row_iter_mut() {
        row += bias;
    }
    out
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().iter::<f64>().collect()
}
