//! Which targets are wild, and the map of the others.
//!
//! Least trimmed squares over *every* minimal set of targets finds the
//! majority's map (P. J. Rousseeuw, A. M. Leroy, "Robust Regression and Outlier
//! Detection", 1987, ch. 3.4 and 5: trimmed objective, scale from the median
//! residual with their small-sample factor 1 + 5/(n − p)). At most 1140 sets:
//! nothing is random. It only names suspects: of targets with nothing but noise
//! it would set one aside in every third calibration. A suspect is taken back
//! unless the others contradict it: its distance from where they put it, in
//! units of their own spread, has an F distribution with 2 and m degrees of
//! freedom, whose tail is (1 + 2f/m)^(−m/2); it must lie beyond [`CHANCE`].

use super::pooled::least_squares;
use super::{Affine, FitError, FitOptions, Form, Look, MEDIAN_LENGTH, median, miss};

/// Nobody's eye is more exact, so no target's deviation is judged by a smaller
/// spread (per axis, share of the diagonal).
const FLOOR: f64 = 0.008;
/// What is further than this from the majority, in its standard deviations, is a suspect.
const SUSPECT_SIGMA: f64 = 3.0;
/// In so many calibrations without a wild target one may be set aside.
const CHANCE: f64 = 0.05;

#[derive(Clone)]
pub(super) struct Robust {
    /// The targets that are not wild.
    pub kept: Vec<Look>,
    /// Which of all they are.
    pub used: Vec<bool>,
    /// False when there were more wild targets than may be set aside.
    pub all_wild_set_aside: bool,
}

/// Whether there are targets enough to tell which one is wild. With fewer,
/// several sets agree equally well, and there is nothing to choose by.
pub(super) fn locatable(targets: usize, form: Form) -> bool {
    targets >= parameters(form) + 4
}

/// The targets without wild ones.
///
/// # Errors
/// [`FitError::Singular`] when the raw points do not span what the form needs.
pub(super) fn robust(looks: &[Look], form: Form, options: &FitOptions) -> Result<Robust, FitError> {
    let mut used = vec![true; looks.len()];
    let mut wild = 0;
    if locatable(looks.len(), form) {
        let mut suspects = suspects(looks, form, options);
        suspects.iter().for_each(|i| used[*i] = false);
        while let Some(place) = most_harmless(looks, &used, &suspects, form, options) {
            used[suspects.swap_remove(place)] = true;
        }
        // More than a quarter: no majority worth the name.
        wild = suspects.len();
        if wild > looks.len() / 4 {
            used.fill(true);
        }
    }
    let kept = kept(looks, &used);
    least_squares(&kept, form, options).ok_or(FitError::Singular)?;
    Ok(Robust {
        kept,
        all_wild_set_aside: wild <= used.len() / 4,
        used,
    })
}

fn kept(looks: &[Look], used: &[bool]) -> Vec<Look> {
    looks
        .iter()
        .zip(used)
        .filter(|(_, used)| **used)
        .map(|(look, _)| *look)
        .collect()
}

/// Targets far from the majority's map; never so many that the rest cannot be fitted.
fn suspects(looks: &[Look], form: Form, options: &FitOptions) -> Vec<usize> {
    let (n, p) = (looks.len(), parameters(form));
    let Some(majority) = least_trimmed(looks, form, options) else {
        return Vec::new();
    };
    let misses: Vec<f64> = looks
        .iter()
        .map(|look| miss(&majority, look, options.aspect))
        .collect();
    let scale = median(misses.iter().copied()) / MEDIAN_LENGTH * (1.0 + 5.0 / (n - p) as f64);
    let limit = SUSPECT_SIGMA * scale.max(FLOOR);
    let mut far: Vec<usize> = (0..n).filter(|i| misses[*i] > limit).collect();
    far.sort_by(|a, b| misses[*b].total_cmp(&misses[*a]));
    far.truncate(n - p - 2);
    far
}

/// The suspect that the targets in use contradict least, if that may be chance.
fn most_harmless(
    looks: &[Look],
    used: &[bool],
    suspects: &[usize],
    form: Form,
    options: &FitOptions,
) -> Option<usize> {
    let aspect = options.aspect;
    let others = kept(looks, used);
    let map = least_squares(&others, form, options)?;
    let free = (2 * (others.len() - parameters(form))) as f64;
    let squares: f64 = others
        .iter()
        .map(|look| miss(&map, look, aspect).powi(2))
        .sum();
    let variance = (squares / free).max(FLOOR * FLOOR);
    let (place, f) = suspects
        .iter()
        .map(|i| {
            let look = &looks[*i];
            let expected = variance * (1.0 + leverage(&others, look.raw, form));
            miss(&map, look, aspect).powi(2) / (2.0 * expected)
        })
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let chance = CHANCE / looks.len() as f64;
    (f < free / 2.0 * (chance.powf(-2.0 / free) - 1.0)).then_some(place)
}

/// Variance of the map's prediction at a point, in units of a target's own variance.
fn leverage(others: &[Look], [x, y]: [f64; 2], form: Form) -> f64 {
    let n = others.len() as f64;
    let mx = others.iter().map(|l| l.raw[0]).sum::<f64>() / n;
    let my = others.iter().map(|l| l.raw[1]).sum::<f64>() / n;
    let sum = |f: &dyn Fn(f64, f64) -> f64| {
        others
            .iter()
            .map(|l| f(l.raw[0] - mx, l.raw[1] - my))
            .sum::<f64>()
    };
    let (xx, yy, xy) = (sum(&|x, _| x * x), sum(&|_, y| y * y), sum(&|x, y| x * y));
    let (dx, dy) = (x - mx, y - my);
    1.0 / n
        + match form {
            Form::ScaleOffset => (dx * dx / xx + dy * dy / yy) / 2.0,
            Form::Affine | Form::Held => {
                (yy * dx * dx - 2.0 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy)
            }
        }
}

/// The minimal set of targets whose exact map has the least sum of the smaller squares.
fn least_trimmed(looks: &[Look], form: Form, options: &FitOptions) -> Option<Affine> {
    let (n, p) = (looks.len(), parameters(form));
    let majority = (n + p).div_ceil(2);
    let mut best: Option<(f64, Affine)> = None;
    let mut squares = Vec::with_capacity(n);
    let mut consider = |set: &[Look]| {
        let Some(map) = least_squares(set, form, options) else {
            return;
        };
        squares.clear();
        squares.extend(
            looks
                .iter()
                .map(|look| miss(&map, look, options.aspect).powi(2)),
        );
        squares.sort_by(f64::total_cmp);
        let sum = squares[..majority].iter().sum();
        if best.is_none_or(|(least, _)| sum < least) {
            best = Some((sum, map));
        }
    };
    for i in 0..n {
        for j in 0..i {
            match form {
                Form::ScaleOffset => consider(&[looks[i], looks[j]]),
                Form::Affine | Form::Held => {
                    (0..j).for_each(|k| consider(&[looks[i], looks[j], looks[k]]))
                }
            }
        }
    }
    best.map(|(_, map)| map)
}

/// Free coefficients on each axis.
pub(super) fn parameters(form: Form) -> usize {
    match form {
        Form::Affine | Form::Held => 3,
        Form::ScaleOffset => 2,
    }
}
