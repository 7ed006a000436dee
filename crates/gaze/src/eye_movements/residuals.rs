//! How our own chain errs: fitted to the bundled demo, whose truth is known.

use serde::{Deserialize, Serialize};

/// Noise of the measured point, and what lids do to it.
///
/// Within a fixation the error wanders: it is a part that hangs together, exp(−t/τ), and a
/// white one. How far off the whole fixation is does not matter to a filter and is left out.
///
/// ```
/// let ours = gaze::eye_movements::Residuals::ours();
/// // Up and down is told worse than across.
/// assert!(ours.axes[1].sd > 1.5 * ours.axes[0].sd);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// How it was made.
    pub about: String,
    /// Across and down.
    pub axes: [Colour; 2],
    /// Noise of the gap between the lids, millimetres.
    pub gap_sd_mm: f64,
    /// How far closing lids drag the point down, screens for each millimetre that they fell.
    pub drag_down: f64,
    /// Further than this they never drag it, screens.
    pub drag_most: f64,
    /// To the side, screens for each millimetre, either way.
    pub drag_aside: f64,
}

/// Noise of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Colour {
    /// Standard deviation, screens.
    pub sd: f64,
    /// Time constant of the part that hangs together, seconds.
    pub correlation_s: f64,
    /// Share of the variance that is white.
    pub white_share: f64,
}

/// One picture of a film whose truth is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    /// Where the eye looks, fractions of the screen.
    pub truth: [f64; 2],
    /// Where it was measured to look.
    pub measured: Option<[f64; 2]>,
    /// Gap between the lids, millimetres, the wider one.
    pub gap_mm: f64,
    /// The eye rests, lids open.
    pub resting: bool,
    /// The lids are on their way or shut.
    pub blinking: bool,
}

/// Pictures about a blink or a saccade that belong to it.
const SETTLE: usize = 3;
/// Shorter rests say too little.
const SHORT: usize = 12;
/// Pictures apart up to which the correlation is fitted.
const LAGS: usize = 6;

impl Residuals {
    /// Those of the networks that we ship.
    pub fn ours() -> Self {
        serde_json::from_str(include_str!("residuals.json")).expect("our own file, held by a test")
    }

    /// Fits them to a film. `None` where it has no rests or no blinks.
    pub fn fit(pictures: &[Picture], fps: f64, about: &str) -> Option<Self> {
        let rests = rests(pictures);
        let axes = [0, 1].map(|axis| {
            let runs: Vec<Vec<f64>> = rests
                .iter()
                .map(|run| {
                    run.iter()
                        .filter_map(|p| Some(p.measured?[axis] - p.truth[axis]))
                })
                .map(Iterator::collect)
                .filter(|run: &Vec<f64>| run.len() >= SHORT)
                .collect();
            colour(&runs, fps)
        });
        let [Some(across), Some(down)] = axes else {
            return None;
        };
        let steps = rests.iter().flat_map(|run| run.windows(2));
        let squares: Vec<f64> = steps.map(|w| (w[1].gap_mm - w[0].gap_mm).powi(2)).collect();
        let gap_sd_mm = libm::sqrt(squares.iter().sum::<f64>() / squares.len() as f64 / 2.0);
        let drags = drags(pictures);
        let most = drags.iter().map(|d| d[2]).fold(0.0, f64::max);
        // Until it no longer grows.
        let growing = || drags.iter().filter(|d| d[2] < 0.8 * most);
        let slope = |of: usize| {
            let (mut xy, mut xx) = (0.0, 0.0);
            growing().for_each(|d| {
                xy += d[0] * d[of].abs();
                xx += d[0] * d[0];
            });
            xy / xx
        };
        let found = Residuals {
            about: about.to_owned(),
            axes: [across, down],
            gap_sd_mm,
            drag_down: slope(2),
            drag_most: most,
            drag_aside: slope(1),
        };
        let finite = [found.gap_sd_mm, found.drag_down, found.drag_aside];
        finite.iter().all(|v| v.is_finite()).then_some(found)
    }
}

/// Stretches of rest, without their beginnings and the pictures about blinks.
fn rests(pictures: &[Picture]) -> Vec<&[Picture]> {
    let near_blink = |i: usize| {
        let (from, to) = (
            i.saturating_sub(2 * SETTLE),
            (i + SETTLE).min(pictures.len()),
        );
        pictures[from..to].iter().any(|p| p.blinking)
    };
    let good: Vec<bool> = (0..pictures.len())
        .map(|i| pictures[i].resting && pictures[i].measured.is_some() && !near_blink(i))
        .collect();
    let mut runs = Vec::new();
    let mut start = 0;
    for i in 0..=pictures.len() {
        let goes_on = i < pictures.len()
            && good[i]
            && (i == start || pictures[i].truth == pictures[i - 1].truth);
        if !goes_on {
            if i >= start + SETTLE + SHORT {
                runs.push(&pictures[start + SETTLE..i]);
            }
            start = if i < pictures.len() && good[i] {
                i
            } else {
                i + 1
            };
        }
    }
    runs
}

/// How far the lids fell, and the point went aside and down, in each picture of a blink.
fn drags(pictures: &[Picture]) -> Vec<[f64; 3]> {
    let mut all = Vec::new();
    for (i, p) in pictures.iter().enumerate() {
        let Some(measured) = p.measured.filter(|_| p.blinking) else {
            continue;
        };
        let before = pictures[..i].iter().rev().take(20);
        let open = before
            .filter(|b| !b.blinking)
            .take(2)
            .find_map(|b| Some((b.measured?, b)));
        if let Some((point, open)) = open
            && open.gap_mm - p.gap_mm > 0.5
        {
            let moved = [0, 1].map(|k| p.truth[k] - open.truth[k]);
            all.push([
                open.gap_mm - p.gap_mm,
                measured[0] - point[0] - moved[0],
                measured[1] - point[1] - moved[1],
            ]);
        }
    }
    all
}

/// Fits variance, time constant and white share to the autocovariance of runs whose means are
/// taken out: what that does to it is calculated, since runs are short.
fn colour(runs: &[Vec<f64>], fps: f64) -> Option<Colour> {
    let mut sums = [[0.0; 2]; LAGS];
    for run in runs {
        let mean = run.iter().sum::<f64>() / run.len() as f64;
        for (lag, [sum, count]) in sums.iter_mut().enumerate() {
            for (a, b) in run.iter().zip(&run[lag..]) {
                *sum += (a - mean) * (b - mean);
                *count += 1.0;
            }
        }
    }
    let seen = sums.map(|[sum, count]| sum / count);
    let mut best: Option<(f64, Colour)> = None;
    for step in 1..60 {
        let tau = 0.005 * libm::pow(1.08, f64::from(step));
        for white in 0..=18 {
            let white_share = 0.05 * f64::from(white);
            let mut model = [[0.0; 2]; LAGS];
            for run in runs {
                expect(
                    run.len(),
                    libm::exp(-1.0 / fps / tau),
                    white_share,
                    &mut model,
                );
            }
            let model = model.map(|[sum, count]| sum / count);
            let dot = |a: &[f64; LAGS], b: &[f64; LAGS]| -> f64 {
                a.iter().zip(b).map(|(a, b)| a * b).sum()
            };
            let variance = dot(&seen, &model) / dot(&model, &model);
            let left: f64 = (0..LAGS)
                .map(|k| (seen[k] - variance * model[k]).powi(2))
                .sum();
            if variance > 0.0 && best.is_none_or(|(least, _)| left < least) {
                let colour = Colour {
                    sd: libm::sqrt(variance),
                    correlation_s: tau,
                    white_share,
                };
                best = Some((left, colour));
            }
        }
    }
    best.map(|(_, colour)| colour)
}

/// Adds the expected products of a run of unit variance with its mean taken out, lag by lag.
fn expect(n: usize, rho: f64, white: f64, sums: &mut [[f64; 2]; LAGS]) {
    let mut r = vec![0.0; n];
    let mut power = 1.0 - white;
    for value in r.iter_mut() {
        *value = power;
        power *= rho;
    }
    r[0] += white;
    let with_mean: Vec<f64> = (0..n)
        .map(|i| (0..n).map(|j| r[i.abs_diff(j)]).sum::<f64>() / n as f64)
        .collect();
    let of_mean = with_mean.iter().sum::<f64>() / n as f64;
    for (lag, [sum, count]) in sums.iter_mut().enumerate() {
        for i in 0..n.saturating_sub(lag) {
            *sum += r[lag] - with_mean[i] - with_mean[i + lag] + of_mean;
            *count += 1.0;
        }
    }
}
