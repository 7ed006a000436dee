//! Looks drawn so that where somebody looks does not go with where the head points.
//!
//! People turn their heads to what they look at. A network that learns from them says, of eyes that it
//! cannot see well, what the head says: it follows the face and not the pupils. Where the one tells
//! nothing of the other, nothing of the kind can be learned. So each look counts as much as brings
//! gaze and head apart and otherwise changes as little as can be (entropy balancing: Hainmueller 2012,
//! "Entropy Balancing for Causal Effects").

use gaze::ray::Ray;
use nalgebra::{SMatrix, SVector, Vector3};
use render::maths::Rng;

use super::examples::Examples;
use super::settings::Augment;
use crate::data::cache::Cache;

/// Means of gaze and head across and up, which stay; each of gaze with each of the head, none.
const RULES: usize = 8;
/// No look counts for more than this many, but for what bringing their sum back adds: where few looks
/// speak against all others, a little of what goes together is left.
pub const MOST: f64 = 16.0;
/// Newton's steps at most; some ten are enough.
const STEPS: usize = 100;
/// Angles are told in parts of this, so that all rules weigh alike, degrees.
const UNIT_DEG: f64 = 15.0;

type Rules = SVector<f64, RULES>;

/// What each look weighs, 1 in the mean. `gaze` and `head`: yaw and pitch in degrees, in frames of
/// one kind; `mirrored`: each is seen in a mirror as often, so its yaws are as often the other way round.
/// `None`: gaze and head cannot be brought apart; they are too few, or all alike.
pub fn weights(gaze: &[[f64; 2]], head: &[[f64; 2]], mirrored: bool) -> Option<Vec<f64>> {
    let n = gaze.len();
    assert_eq!(n, head.len(), "a head for each gaze");
    let mean = |of: &[[f64; 2]], k: usize| of.iter().map(|v| v[k]).sum::<f64>() / n.max(1) as f64;
    let means = [mean(gaze, 0), mean(gaze, 1), mean(head, 0), mean(head, 1)];
    let rules: Vec<Rules> = (gaze.iter().zip(head))
        .map(|(g, h)| {
            let all = [g[0], g[1], h[0], h[1]];
            let [gx, gy, hx, hy]: [f64; 4] =
                std::array::from_fn(|k| (all[k] - means[k]) / UNIT_DEG);
            let across = match mirrored {
                true => all[0] * all[2] / (UNIT_DEG * UNIT_DEG),
                false => gx * hx,
            };
            Rules::from([gx, gy, hx, hy, across, gy * hy, gx * hy, gy * hx])
        })
        .collect();
    let mut at = Rules::zeros();
    let mut now = Dual::at(&rules, &at);
    for _ in 0..STEPS {
        if now.slope.amax() < 1e-8 {
            break;
        }
        // What is the same in all looks bends nothing.
        let bend = now.bend + SMatrix::identity() * 1e-9;
        let Some(step) = bend.cholesky().map(|c| c.solve(&now.slope)) else {
            break;
        };
        // The dual is convex: half the step until it goes down.
        let down = (0..20).find_map(|k| {
            let next = at - step / f64::from(1 << k);
            let there = Dual::at(&rules, &next);
            (there.value < now.value).then_some((next, there))
        });
        let Some((next, there)) = down else { break };
        (at, now) = (next, there);
    }
    if now.slope.amax() > 1e-3 || n == 0 {
        return None;
    }
    let kept: Vec<f64> = now
        .shares
        .iter()
        .map(|w| (w * n as f64).min(MOST))
        .collect();
    let sum: f64 = kept.iter().sum();
    Some(kept.iter().map(|w| w * n as f64 / sum).collect())
}

/// The dual of the balance at one place: log of the sum of the looks' exponentials.
struct Dual {
    value: f64,
    slope: Rules,
    bend: SMatrix<f64, RULES, RULES>,
    shares: Vec<f64>,
}

impl Dual {
    fn at(rules: &[Rules], at: &Rules) -> Dual {
        let powers: Vec<f64> = rules.iter().map(|r| r.dot(at)).collect();
        let most = powers.iter().copied().fold(f64::MIN, f64::max);
        let raw: Vec<f64> = powers.iter().map(|p| (p - most).exp()).collect();
        let sum: f64 = raw.iter().sum();
        let shares: Vec<f64> = raw.iter().map(|v| v / sum).collect();
        let slope: Rules = (rules.iter().zip(&shares)).map(|(r, w)| r * *w).sum();
        let second: SMatrix<f64, RULES, RULES> = (rules.iter().zip(&shares))
            .map(|(r, w)| r * r.transpose() * *w)
            .sum();
        Dual {
            value: most + sum.ln(),
            slope,
            bend: second - slope * slope.transpose(),
            shares,
        }
    }
}

/// What the looks `of` a cache weigh, that are changed like this while they are learned from.
fn of_looks(cache: &Cache, of: &[usize], augment: &Augment) -> Option<Vec<f64>> {
    let (gaze, head): (Vec<_>, Vec<_>) = (of.iter())
        .map(|i| {
            let sample = &cache.samples[*i];
            let ray = Ray {
                origin: Vector3::zeros(),
                direction: Vector3::from(sample.ray.unwrap_or_default().map(f64::from)),
            };
            let [yaw, pitch, _] = sample.head_deg.map(f64::from);
            ([ray.yaw_deg(), ray.pitch_deg()], [yaw, pitch])
        })
        .unzip();
    weights(&gaze, &head, augment.flip > 0.0)
}

impl Examples<'_> {
    /// Whether an epoch of these looks can be balanced.
    pub fn can_be_balanced(&self, of: &[usize], augment: &Augment) -> bool {
        of_looks(self.cache, of, augment).is_some()
    }

    /// As many of them, drawn so that where somebody looks does not go with where the head points; all of
    /// them where that cannot be.
    pub(super) fn balanced(&self, of: &[usize], augment: &Augment, rng: &mut Rng) -> Vec<usize> {
        match of_looks(self.cache, of, augment) {
            Some(weights) => draw(&weights, rng).into_iter().map(|n| of[n]).collect(),
            None => of.to_vec(),
        }
    }
}

/// As many looks as there are weights, each as often as its weight says, to the next whole number up
/// or down by chance; in their order.
pub fn draw(weights: &[f64], rng: &mut Rng) -> Vec<usize> {
    let mut left = f64::from(rng.unit());
    let mut drawn = Vec::with_capacity(weights.len());
    for (i, weight) in weights.iter().enumerate() {
        left += weight;
        while left >= 1.0 {
            drawn.push(i);
            left -= 1.0;
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People whose heads go most of the way to what they look at.
    fn people(n: usize) -> (Vec<[f64; 2]>, Vec<[f64; 2]>) {
        let mut r = Rng::new(3);
        (0..n)
            .map(|_| {
                let gaze = [18.0, 11.0].map(|d| f64::from(r.normal()) * d);
                let head = gaze.map(|g| 0.6 * g + 8.0 * f64::from(r.normal()));
                (gaze, head)
            })
            .unzip()
    }

    /// How far the gaze goes with a degree of the head, across and up, each look `times` over.
    fn slopes(gaze: &[[f64; 2]], head: &[[f64; 2]], times: &[f64]) -> [f64; 2] {
        let sum: f64 = times.iter().sum();
        [0, 1].map(|k| {
            let mean = |of: &dyn Fn(usize) -> f64| {
                (0..times.len()).map(|i| of(i) * times[i]).sum::<f64>() / sum
            };
            let (g, h) = (mean(&|i| gaze[i][k]), mean(&|i| head[i][k]));
            mean(&|i| (gaze[i][k] - g) * (head[i][k] - h)) / mean(&|i| (head[i][k] - h).powi(2))
        })
    }

    #[test]
    fn gaze_and_head_are_brought_apart_and_little_else_changes() {
        let (gaze, head) = people(4000);
        let before = slopes(&gaze, &head, &[1.0; 4000]);
        assert!(before.iter().all(|s| *s > 0.6), "{before:?}");
        let weights = weights(&gaze, &head, false).unwrap();
        let after = slopes(&gaze, &head, &weights);
        assert!(after.iter().all(|s| s.abs() < 0.06), "{after:?}");
        let sum: f64 = weights.iter().sum();
        assert!((sum - 4000.0).abs() < 1e-6, "{sum}");
        // As good as so many that all count alike.
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        assert!(sum * sum / squares > 1000.0, "{}", sum * sum / squares);
        assert!(weights.iter().all(|w| (0.0..=1.1 * MOST).contains(w)));
        // And so are those that are drawn.
        let mut times = vec![0.0; 4000];
        for i in draw(&weights, &mut Rng::new(5)) {
            times[i] += 1.0;
        }
        let drawn = slopes(&gaze, &head, &times);
        assert!(drawn.iter().all(|s| s.abs() < 0.1), "{drawn:?}");
        assert!(times.iter().zip(&weights).all(|(t, w)| (t - w).abs() < 1.0));
    }

    #[test]
    fn heads_that_cannot_be_told_from_gazes_are_left_as_they_are() {
        let gaze: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i) - 25.0, 1.0]).collect();
        assert_eq!(weights(&gaze, &gaze, false), None);
        assert_eq!(weights(&[], &[], false), None);
    }

    #[test]
    fn who_sits_to_one_side_is_balanced_about_the_mirror() {
        let mut r = Rng::new(8);
        let (gaze, head): (Vec<_>, Vec<_>) = (0..3000)
            .map(|_| {
                let gaze = [
                    8.0 + 15.0 * f64::from(r.normal()),
                    9.0 * f64::from(r.normal()),
                ];
                let head = gaze.map(|g| 0.5 * g + 9.0 * f64::from(r.normal()));
                (gaze, head)
            })
            .unzip();
        let weights = weights(&gaze, &head, true).unwrap();
        // Once as they are and once in the mirror.
        let both = |of: &[[f64; 2]]| -> Vec<[f64; 2]> {
            let mirror = of.iter().map(|[x, y]| [-x, *y]);
            of.iter().copied().chain(mirror).collect()
        };
        let twice = [weights.clone(), weights].concat();
        let before = slopes(&both(&gaze), &both(&head), &[1.0; 6000]);
        let after = slopes(&both(&gaze), &both(&head), &twice);
        let apart = |k: usize| after[k].abs() < 0.2 * before[k];
        assert!(
            before[0] > 0.6 && apart(0) && apart(1),
            "{before:?} {after:?}"
        );
    }
}
