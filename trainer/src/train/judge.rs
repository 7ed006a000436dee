//! How far off a network is, always on the crops that the daemon would cut.

use burn::tensor::Device;
use gaze::ray::Ray;
use nalgebra::{Point2, Vector3};
use serde::{Deserialize, Serialize};

use super::examples::{Examples, Look};
use super::loss;
use super::settings::Augment;
use crate::baseline::metrics::{DISTANCE_MM, View};
use crate::net::{GazeNet, Head};

/// Samples in one forward pass.
const BATCH: usize = 64;

/// Errors of many answers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Judged {
    /// How many answers.
    pub points: usize,
    /// Mean angle between answer and truth, degrees; of places, seen from 600 mm.
    pub mean_deg: f64,
    /// Median of it.
    pub median_deg: f64,
    /// Mean distance on the screen, pixels; of rays, where they meet the screen.
    pub mean_px: f64,
    /// Median of it.
    pub median_px: f64,
    /// Rays that meet no screen; they have no pixels.
    pub lost: usize,
}

/// One answer against the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Miss {
    /// Number of the sample.
    pub sample: usize,
    /// Degrees.
    pub deg: f64,
    /// Where the answer lies on the screen, normalised.
    pub place: Option<[f64; 2]>,
    /// Pixels.
    pub px: Option<f64>,
}

/// The network's answers to `of`, as the daemon would get them: rays, or x, y and 0.
/// `device` without differentiation, `net` in use ([`burn::module::Module::valid`]).
pub fn predict(net: &GazeNet, examples: &Examples, of: &[usize], device: &Device) -> Vec<[f32; 3]> {
    let mut answers = Vec::with_capacity(of.len());
    for part in of.chunks(BATCH) {
        let looks: Vec<Look> = part.iter().map(|i| Look::exact(*i)).collect();
        let batch = examples.batch(&looks, &Augment::NONE, device);
        let out = loss::answers(net, &batch).into_data().convert::<f32>();
        let values: Vec<f32> = out.iter::<f32>().collect();
        let width = examples.config.head.outputs();
        answers.extend(values.chunks_exact(width).map(|row| {
            let mut answer = [0.0; 3];
            answer[..width].copy_from_slice(row);
            answer
        }));
    }
    answers
}

/// Each answer against the truth.
pub fn misses(examples: &Examples, of: &[usize], answers: &[[f32; 3]]) -> Vec<Miss> {
    let ray = examples.config.head == Head::Ray;
    (of.iter().zip(answers))
        .map(|(&i, answer)| {
            let sample = &examples.cache.samples[i];
            let view = View::of(examples.cache, i, DISTANCE_MM);
            let target = sample.target_norm.map(f64::from);
            let place = if ray {
                let hit = examples.cache.screen(i).intersect(&Ray {
                    origin: Vector3::from(sample.origin_mm.map(f64::from)),
                    direction: Vector3::from(answer.map(f64::from)),
                });
                hit.map(|p| [p.x, p.y])
            } else {
                Some([0, 1].map(|k| f64::from(answer[k])))
            };
            let off = place.map(|p| view.miss(target, p));
            let deg = match (sample.ray, off) {
                (Some(truth), _) if ray => {
                    let [a, b] = [truth, *answer].map(|r| Vector3::from(r.map(f64::from)));
                    a.angle(&b).to_degrees()
                }
                (_, Some(off)) => off.deg,
                _ => f64::NAN,
            };
            Miss {
                sample: i,
                deg,
                place,
                px: off.map(|o| o.length()),
            }
        })
        .collect()
}

impl Judged {
    /// Of these.
    pub fn of(misses: &[Miss]) -> Judged {
        let deg = misses.iter().map(|m| m.deg).collect();
        let px: Vec<f64> = misses.iter().filter_map(|m| m.px).collect();
        let lost = misses.len() - px.len();
        let ([mean_deg, median_deg], [mean_px, median_px]) = (middle(deg), middle(px));
        Judged {
            points: misses.len(),
            mean_deg,
            median_deg,
            mean_px,
            median_px,
            lost,
        }
    }
}

/// Mean and median; 0 of nothing.
fn middle(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 {
        return [0.0; 2];
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    [mean, (values[(n - 1) / 2] + values[n / 2]) / 2.0]
}

/// A network's errors on `of`.
pub fn judge(net: &GazeNet, examples: &Examples, of: &[usize], device: &Device) -> Judged {
    Judged::of(&misses(examples, of, &predict(net, examples, of, device)))
}

/// What anyone can say who has not looked at the eyes: everybody looks at the screen's middle.
pub fn centre_guess(examples: &Examples, of: &[usize]) -> Judged {
    let answers: Vec<[f32; 3]> = (of.iter())
        .map(|&i| match examples.config.head {
            Head::Screen => [0.5, 0.5, 0.0],
            Head::Ray => {
                let eyes = Vector3::from(examples.cache.samples[i].origin_mm.map(f64::from));
                let middle = examples.cache.screen(i).point_mm(Point2::new(0.5, 0.5));
                <[f64; 3]>::from((middle - eyes).normalize()).map(|v| v as f32)
            }
        })
        .collect();
    Judged::of(&misses(examples, of, &answers))
}
