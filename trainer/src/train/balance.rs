//! Looks drawn so that where somebody looks does not go with where the head points.
//!
//! People turn their heads to what they look at. A network that learns from them says, of eyes that it
//! cannot see well, what the head says: it follows the face and not the pupils. Where the one tells
//! nothing of the other, nothing of the kind can be learned. So each look counts as much as brings
//! gaze and head apart and otherwise changes as little as can be (entropy balancing: Hainmueller 2012,
//! "Entropy Balancing for Causal Effects").

use nalgebra::{SMatrix, SVector};
use render::maths::Rng;

/// Means of gaze and head across and up, which stay; each of gaze with each of the head, none.
const RULES: usize = 8;
/// No look is drawn more often than this.
pub const MOST: f64 = 8.0;
/// Newton's steps at most; some ten are enough.
const STEPS: usize = 100;
/// Angles are told in parts of this, so that all rules weigh alike, degrees.
const UNIT_DEG: f64 = 15.0;

type Rules = SVector<f64, RULES>;

/// What each look weighs, 1 in the mean. `gaze` and `head`: yaw and pitch in degrees, in frames of
/// one kind. Ones, where gaze and head cannot be brought apart: too few, or all alike.
pub fn weights(gaze: &[[f64; 2]], head: &[[f64; 2]]) -> Vec<f64> {
    let n = gaze.len();
    assert_eq!(n, head.len(), "a head for each gaze");
    let mean = |of: &[[f64; 2]], k: usize| of.iter().map(|v| v[k]).sum::<f64>() / n.max(1) as f64;
    let means = [mean(gaze, 0), mean(gaze, 1), mean(head, 0), mean(head, 1)];
    let rules: Vec<Rules> = (gaze.iter().zip(head))
        .map(|(g, h)| {
            let [gx, gy, hx, hy] = [
                (g[0] - means[0]) / UNIT_DEG,
                (g[1] - means[1]) / UNIT_DEG,
                (h[0] - means[2]) / UNIT_DEG,
                (h[1] - means[3]) / UNIT_DEG,
            ];
            Rules::from([gx, gy, hx, hy, gx * hx, gy * hy, gx * hy, gy * hx])
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
    if now.slope.amax() > 1e-3 {
        return vec![1.0; n];
    }
    let kept: Vec<f64> = now
        .shares
        .iter()
        .map(|w| (w * n as f64).min(MOST))
        .collect();
    let sum: f64 = kept.iter().sum();
    kept.iter().map(|w| w * n as f64 / sum).collect()
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
        let weights = weights(&gaze, &head);
        let after = slopes(&gaze, &head, &weights);
        assert!(after.iter().all(|s| s.abs() < 0.03), "{after:?}");
        let sum: f64 = weights.iter().sum();
        assert!((sum - 4000.0).abs() < 1e-6, "{sum}");
        // As good as so many that all count alike.
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        assert!(sum * sum / squares > 1600.0, "{}", sum * sum / squares);
        assert!(weights.iter().all(|w| (0.0..=1.1 * MOST).contains(w)));
        // And so are those that are drawn.
        let mut times = vec![0.0; 4000];
        for i in draw(&weights, &mut Rng::new(5)) {
            times[i] += 1.0;
        }
        let drawn = slopes(&gaze, &head, &times);
        assert!(drawn.iter().all(|s| s.abs() < 0.06), "{drawn:?}");
        assert!(times.iter().zip(&weights).all(|(t, w)| (t - w).abs() < 1.0));
    }

    #[test]
    fn heads_that_cannot_be_told_from_gazes_are_left_as_they_are() {
        let gaze: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i) - 25.0, 1.0]).collect();
        assert_eq!(weights(&gaze, &gaze), vec![1.0; 50]);
        assert_eq!(weights(&[], &[]), Vec::<f64>::new());
    }
}
