//! Probabilities of contact made to mean what they say where they are used.

use serde::Serialize;

use super::metrics::{Scored, counts};

/// Odds are taken to be no larger than this either way, as their logarithm: what is said with
/// certainty can be wrong too.
const MOST_ODDS: f64 = 30.0;
/// Steps of the fit at most.
const STEPS: usize = 100;

/// A straight line through logarithms of odds (Platt 1999): log odds become slope · log odds +
/// offset. It changes what probabilities mean, and never who is given more than whom.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Recalibration {
    /// Factor, above 0.
    pub slope: f64,
    /// Summand.
    pub offset: f64,
}

impl Default for Recalibration {
    fn default() -> Self {
        Recalibration::NONE
    }
}

/// Logarithm of the odds.
pub fn log_odds(p: f64) -> f64 {
    (p / (1.0 - p)).ln().clamp(-MOST_ODDS, MOST_ODDS)
}

/// The probability of such odds.
pub fn of_log_odds(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

impl Recalibration {
    /// Changes nothing.
    pub const NONE: Recalibration = Recalibration {
        slope: 1.0,
        offset: 0.0,
    };

    /// What `p`, 0..1, means. Without change bit for bit `p`.
    pub fn apply(&self, p: f64) -> f64 {
        if *self == Recalibration::NONE {
            return p;
        }
        of_log_odds(self.slope * log_odds(p) + self.offset)
    }

    /// The line under which what is true is likeliest, by Newton's method with halved steps (Lin,
    /// Lin and Weng 2007) towards Platt's targets, which keep it finite where both kinds are
    /// told apart without a mistake. `None` when there are none of either kind, or what was
    /// said does not rise with what is true.
    pub fn fit(scored: &[Scored]) -> Option<Recalibration> {
        let [contacts, others] = counts(scored).map(|n| n as f64);
        if contacts == 0.0 || others == 0.0 {
            return None;
        }
        let (yes, no) = ((contacts + 1.0) / (contacts + 2.0), 1.0 / (others + 2.0));
        let looks: Vec<(f64, f64)> = (scored.iter())
            .map(|(p, y)| (log_odds(*p), if *y { yes } else { no }))
            .collect();
        let loss = |[a, b]: [f64; 2]| -> f64 {
            let of = |(x, t): &(f64, f64)| {
                let z = a * x + b;
                // −t·log p − (1 − t)·log(1 − p), which does not overflow.
                z.max(0.0) - t * z + (-z.abs()).exp().ln_1p()
            };
            looks.iter().map(of).sum()
        };
        let mut at = [0.0, ((contacts + 1.0) / (others + 1.0)).ln()];
        let mut now = loss(at);
        for _ in 0..STEPS {
            // Gradient and second derivatives; a little more than them keeps them regular.
            let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
            for (x, t) in &looks {
                let p = of_log_odds(at[0] * x + at[1]);
                let (d, w) = (p - t, p * (1.0 - p));
                g = [g[0] + d * x, g[1] + d];
                h = [h[0] + w * x * x, h[1] + w * x, h[2] + w];
            }
            let det = h[0] * h[2] - h[1] * h[1];
            if g[0].hypot(g[1]) < 1e-9 * looks.len() as f64 || det <= 0.0 {
                break;
            }
            let step = [
                (h[2] * g[0] - h[1] * g[1]) / det,
                (h[0] * g[1] - h[1] * g[0]) / det,
            ];
            let tried = (0..40).map(|k| 0.5f64.powi(k)).find_map(|part| {
                let to = [at[0] - part * step[0], at[1] - part * step[1]];
                let then = loss(to);
                (then < now).then_some((to, then))
            });
            let Some((to, then)) = tried else { break };
            (at, now) = (to, then);
        }
        let [slope, offset] = at;
        let sound = slope > 0.0 && slope.is_finite() && offset.is_finite();
        sound.then_some(Recalibration { slope, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::metrics::{auc, calibration_error};

    /// Looks that were given `said` where `p` was right.
    fn looks(said: impl Fn(f64) -> f64) -> Vec<Scored> {
        let mut state = 99u64;
        let mut unit = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as f64 / (1u64 << 31) as f64
        };
        (0..4000)
            .map(|_| {
                let p = 0.02 + 0.96 * unit();
                (said(p), unit() < p)
            })
            .collect()
    }

    #[test]
    fn a_line_that_was_drawn_is_found_and_takes_back_what_it_did() {
        // Too sure of itself, and too often yes: odds are doubled and raised.
        let wrong = looks(|p| of_log_odds(2.0 * log_odds(p) + 1.0));
        let fit = Recalibration::fit(&wrong).unwrap();
        assert!(
            (fit.slope - 0.5).abs() < 0.04 && (fit.offset + 0.5).abs() < 0.1,
            "{fit:?}"
        );
        let right: Vec<Scored> = wrong.iter().map(|(p, y)| (fit.apply(*p), *y)).collect();
        let [before, after] = [&wrong, &right].map(|s| calibration_error(s));
        assert!(before > 0.1 && after < 0.03, "{before} {after}");
        assert!((auc(&wrong) - auc(&right)).abs() < 1e-12);
    }

    #[test]
    fn what_needs_none_gets_none_and_what_is_certain_stays_finite() {
        let fit = Recalibration::fit(&looks(|p| p)).unwrap();
        assert!(
            (fit.slope - 1.0).abs() < 0.1 && fit.offset.abs() < 0.1,
            "{fit:?}"
        );
        for p in [0.0, 1e-300, 0.3, 1.0] {
            assert_eq!(Recalibration::NONE.apply(p).to_bits(), p.to_bits());
            assert!((0.0..=1.0).contains(&fit.apply(p)));
        }
        let apart = [(0.0, false), (0.1, false), (0.9, true), (1.0, true)];
        let fit = Recalibration::fit(&apart).unwrap();
        assert!(
            fit.slope.is_finite() && fit.apply(0.9) > 0.5 && fit.apply(0.1) < 0.5,
            "{fit:?}"
        );
        assert_eq!(Recalibration::fit(&[(0.5, true)]), None);
        // Who is given more is in contact less: no line helps.
        assert_eq!(Recalibration::fit(&looks(|p| 1.0 - p)), None);
    }
}
