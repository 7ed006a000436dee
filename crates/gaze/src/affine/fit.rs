//! Least squares over calibration targets, with wild targets set aside.
//!
//! 1. The samples of one target become one point: the mean of those near their
//!    median. Every target counts the same, however many samples it has.
//! 2. Where there are targets to spare, wild ones are set aside, a quarter of
//!    them at most (how: `robust.rs`), and the rest is fitted by plain least
//!    squares.
//! 3. Each target is left out in turn and predicted from the others; then each
//!    quarter of the sitting, in the order in which the targets were shown.
//!
//! With five or six targets a wild one cannot be located (of five in a cross,
//! a wild corner leaves the opposite corner just as large a residual): then
//! nothing is set aside and the fit is only called [`Fit::suspicious`].

mod held;
mod robust;

use super::{Affine, Form, SittingTarget};
pub use held::GEOMETRIC_STRETCH;
use robust::{Robust, locatable, parameters, robust};

/// Fewer targets than this are not fitted.
pub const MIN_TARGETS: usize = 5;
/// More targets than this are not fitted.
pub const MAX_TARGETS: usize = 20;

/// Targets nearer than this are one target written twice.
const DISTINCT: f64 = 0.02;
/// Targets or raw points whose spread across is less than this share of their
/// spread along lie on a line.
const FLAT: f64 = 0.02;
/// Where a wild target cannot be located, targets that deviate by more than
/// this (per axis, degrees of freedom counted, share of the diagonal) are
/// suspicious. Webcams give 0.02 to 0.04 with nothing wrong; a look a fifth of
/// the screen beside one target of five gives 0.05.
const SUSPICIOUS: f64 = 0.05;
/// Samples further than this from their median, in standard deviations, are strays.
const STRAY_SIGMA: f64 = 3.0;
/// Median length of a two-dimensional unit normal variable: √(2 ln 2).
const MEDIAN_LENGTH: f64 = 1.177_410_022_515_474_7;
/// Another form than [`Form::Held`] must be this much better on what was left out. Least
/// squares alone is often a little better within a sitting and clearly worse at the next
/// (two people, 23 sittings of 16 targets: medians 199 and 310 px against 200 and 275).
const WORTH_IT: f64 = 0.8;
/// Into so many blocks of time a sitting is cut to judge a form.
const BLOCKS: usize = 4;

/// One recorded look: the uncalibrated point, and the target that was looked at.
pub type Sample = ([f64; 2], [f64; 2]);

/// Which form to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormChoice {
    /// [`Form::Held`], unless another predicts left-out targets and times far better.
    #[default]
    Better,
    /// This one.
    Only(Form),
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions {
    /// Which form.
    pub form: FormChoice,
    /// Width of the screen divided by its height; only distances depend on it.
    pub aspect: f64,
    /// The stretch (x and y) that a map of this network's output usually has: what
    /// [`Form::Held`] is drawn to.
    pub usual: [f64; 2],
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            form: FormChoice::Better,
            aspect: 16.0 / 9.0,
            usual: GEOMETRIC_STRETCH,
        }
    }
}

/// One target after the fit. Distances are shares of the screen's diagonal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetFit {
    /// Where the target was.
    pub target: [f64; 2],
    /// Where the uncalibrated looks at it were, on average.
    pub raw: [f64; 2],
    /// How many samples there are of it.
    pub samples: usize,
    /// Root mean square distance of its samples from `raw`.
    pub scatter: f64,
    /// From the target to where the map takes `raw`.
    pub residual: f64,
    /// The same, with a map that was fitted without this target.
    pub held_out: f64,
    /// The same, without this target's whole block of time: it and its neighbours in the
    /// order in which the targets were shown.
    pub held_out_block: f64,
    /// False when it was set aside as wild.
    pub used: bool,
}

/// A fitted map and how far to trust it. Distances are shares of the screen's diagonal.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// From the uncalibrated point to the point on the screen.
    pub map: Affine,
    /// The form it has.
    pub form: Form,
    /// The targets in the order in which they first appear.
    pub targets: Vec<TargetFit>,
    /// Root mean square of the residuals of the used targets.
    pub residual: f64,
    /// Root mean square distance of the targets from where a map that was
    /// fitted without them puts them. One that was set aside counts as much as
    /// the worst that was not: it may have been right.
    pub cross_validated: f64,
    /// The targets contradict each other more than eyes do, and it cannot be
    /// told which is wrong: take them again.
    pub suspicious: bool,
    /// Whether earlier sittings had a part in it.
    pub history_used: bool,
}

/// Why there is no map.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Too few different targets.
    #[error("{found} targets are too few for a calibration: take at least {MIN_TARGETS}")]
    TooFewTargets {
        /// How many there are.
        found: usize,
    },
    /// Too many different targets.
    #[error("{found} targets are too many for a calibration: take at most {MAX_TARGETS}")]
    TooManyTargets {
        /// How many there are.
        found: usize,
    },
    /// A number is NaN or infinite.
    #[error("sample {index} is not finite: leave it out")]
    NotFinite {
        /// Its place among the samples, from 0.
        index: usize,
    },
    /// Two targets lie on top of each other.
    #[error("targets {first} and {second} are the same place: keep one of them")]
    Duplicate {
        /// Number of the one, from 0, in the order of first appearance.
        first: usize,
        /// Number of the other.
        second: usize,
    },
    /// The targets, or all of them but one, lie on a line.
    #[error("all targets, or all but one, lie on one line: spread them over the screen")]
    Collinear,
    /// The looks do not differ where the targets do.
    #[error("the recorded gaze hardly moves along one direction: check the camera, record again")]
    Singular,
    /// The fitted map flattens the screen or explodes.
    #[error(
        "the fitted map stretches {least:.3} to {greatest:.3}, no screen does that: record again"
    )]
    Unusable {
        /// Its least stretch.
        least: f64,
        /// Its greatest stretch.
        greatest: f64,
    },
    /// The aspect ratio is not a positive number.
    #[error("the screen's aspect ratio must be positive and finite")]
    Aspect,
}

/// [`fit_with`] the default options.
///
/// # Errors
/// As there.
pub fn fit(samples: &[Sample]) -> Result<Fit, FitError> {
    fit_with(samples, FitOptions::default())
}

/// Fits a map to samples of [`MIN_TARGETS`] to [`MAX_TARGETS`] targets.
///
/// # Errors
/// [`FitError`] says which samples or targets cannot be used and why.
pub fn fit_with(samples: &[Sample], options: FitOptions) -> Result<Fit, FitError> {
    if !(options.aspect.is_finite() && options.aspect > 0.0) {
        return Err(FitError::Aspect);
    }
    let looks = gather(samples, options.aspect)?;
    match options.form {
        FormChoice::Only(form) => fit_form(&looks, form, &options),
        FormChoice::Better => {
            let mut best = fit_form(&looks, Form::Held, &options);
            for form in [Form::ScaleOffset, Form::Affine] {
                if let Ok(other) = fit_form(&looks, form, &options)
                    && !best.as_ref().is_ok_and(|b| !clearly_better(&other, b))
                {
                    best = Ok(other);
                }
            }
            best
        }
    }
}

/// Length of an error in shares of the screen's diagonal; `aspect` is width ÷ height.
pub fn diagonal_fraction(error: [f64; 2], aspect: f64) -> f64 {
    (error[0] * aspect).hypot(error[1]) / aspect.hypot(1.0)
}

/// All samples of one target.
#[derive(Debug, Clone, Copy)]
struct Look {
    raw: [f64; 2],
    target: [f64; 2],
    samples: usize,
    scatter: f64,
}

/// Whether one form predicts what was left out so much better that it is worth the
/// risk at the next sitting. Both are judged on the same targets: a form does not win by
/// setting aside what it cannot explain.
fn clearly_better(other: &Fit, known: &Fit) -> bool {
    if other.suspicious != known.suspicious {
        return known.suspicious;
    }
    let judge = |of: &Fit, error: fn(&TargetFit) -> f64| {
        let common = other.targets.iter().zip(&known.targets).zip(&of.targets);
        rms(common
            .filter(|((s, f), _)| s.used || f.used)
            .map(|(_, t)| error(t)))
    };
    let wins = |error: fn(&TargetFit) -> f64| judge(other, error) < WORTH_IT * judge(known, error);
    wins(|t| t.held_out) && wins(|t| t.held_out_block)
}

/// The looks at each target as one point, in the order of first appearance, as the
/// fit sees them.
///
/// # Errors
/// Samples that are not finite, targets on top of each other.
pub(crate) fn looks_at(samples: &[Sample], aspect: f64) -> Result<Vec<SittingTarget>, FitError> {
    let looks = grouped(samples, aspect)?;
    Ok(looks
        .iter()
        .map(|look| SittingTarget {
            x: look.target[0],
            y: look.target[1],
            raw_x: look.raw[0],
            raw_y: look.raw[1],
            samples: look.samples,
            scatter: look.scatter,
        })
        .collect())
}

fn grouped(samples: &[Sample], aspect: f64) -> Result<Vec<Look>, FitError> {
    let finite = |(p, t): &Sample| p.iter().chain(t).all(|v| v.is_finite());
    if let Some(index) = samples.iter().position(|s| !finite(s)) {
        return Err(FitError::NotFinite { index });
    }
    let mut groups: Vec<([f64; 2], Vec<[f64; 2]>)> = Vec::new();
    for (raw, target) in samples {
        match groups.iter_mut().find(|(t, _)| t == target) {
            Some((_, points)) => points.push(*raw),
            None => groups.push((*target, vec![*raw])),
        }
    }
    for (second, (b, _)) in groups.iter().enumerate() {
        let near = |(a, _): &([f64; 2], _)| (a[0] - b[0]).hypot(a[1] - b[1]) < DISTINCT;
        if let Some(first) = groups[..second].iter().position(near) {
            return Err(FitError::Duplicate { first, second });
        }
    }
    Ok(groups
        .iter()
        .map(|(target, p)| average(*target, p, aspect))
        .collect())
}

/// The looks at targets that can be fitted.
fn gather(samples: &[Sample], aspect: f64) -> Result<Vec<Look>, FitError> {
    let looks = grouped(samples, aspect)?;
    let found = looks.len();
    if found < MIN_TARGETS {
        return Err(FitError::TooFewTargets { found });
    }
    if found > MAX_TARGETS {
        return Err(FitError::TooManyTargets { found });
    }
    // Each target must be predictable from the others.
    for left_out in 0..found {
        let rest = looks.iter().enumerate().filter(|(i, _)| *i != left_out);
        if flat(rest.map(|(_, look)| look.target)) {
            return Err(FitError::Collinear);
        }
    }
    Ok(looks)
}

/// The mean of the samples within three robust deviations of their median.
fn average(target: [f64; 2], points: &[[f64; 2]], aspect: f64) -> Look {
    let axis = |i: usize| median(points.iter().map(|p| p[i]));
    let middle = [axis(0), axis(1)];
    let distance =
        |p: &[f64; 2], q: [f64; 2]| diagonal_fraction([p[0] - q[0], p[1] - q[1]], aspect);
    let sigma = median(points.iter().map(|p| distance(p, middle))) / MEDIAN_LENGTH;
    let near = || {
        points
            .iter()
            .filter(|p| distance(p, middle) <= STRAY_SIGMA * sigma.max(1e-6))
    };
    let count = near().count() as f64;
    // With two or three samples none may be near: then the median itself.
    let raw = if count == 0.0 {
        middle
    } else {
        [
            near().map(|p| p[0]).sum::<f64>() / count,
            near().map(|p| p[1]).sum::<f64>() / count,
        ]
    };
    let scatter = rms(points.iter().map(|p| distance(p, raw)));
    Look {
        raw,
        target,
        samples: points.len(),
        scatter,
    }
}

fn fit_form(looks: &[Look], form: Form, options: &FitOptions) -> Result<Fit, FitError> {
    let aspect = options.aspect;
    let Robust {
        map,
        used,
        all_wild_set_aside,
    } = robust(looks, form, options)?;
    let (least, greatest) = map.stretches();
    if !map.is_usable() {
        return Err(FitError::Unusable { least, greatest });
    }
    let mut targets = Vec::with_capacity(looks.len());
    let without = |left_out: &dyn Fn(usize) -> bool| {
        let rest = looks.iter().enumerate().filter(|(i, _)| !left_out(*i));
        let rest: Vec<Look> = rest.map(|(_, look)| *look).collect();
        robust(&rest, form, options).map(|r| r.map)
    };
    let block = |i: usize| i * BLOCKS / looks.len();
    for (i, look) in looks.iter().enumerate() {
        let alone = without(&|j| j == i)?;
        // Without a block of few targets the rest may not span the screen.
        let blind = without(&|j| block(j) == block(i)).unwrap_or(alone);
        targets.push(TargetFit {
            target: look.target,
            raw: look.raw,
            samples: look.samples,
            scatter: look.scatter,
            residual: miss(&map, look, aspect),
            held_out: miss(&alone, look, aspect),
            held_out_block: miss(&blind, look, aspect),
            used: used[i],
        });
    }
    let counted = || targets.iter().filter(|t| t.used);
    let residual = rms(counted().map(|t| t.residual));
    let worst = counted().map(|t| t.held_out).fold(0.0, f64::max);
    let suspicious = if locatable(looks.len(), form) {
        !all_wild_set_aside
    } else {
        let free = looks.len() - parameters(form);
        residual * (looks.len() as f64 / (2 * free) as f64).sqrt() > SUSPICIOUS
    };
    Ok(Fit {
        map,
        form,
        residual,
        cross_validated: rms(targets.iter().map(|t| t.held_out.min(worst))),
        suspicious,
        history_used: false,
        targets,
    })
}

fn miss(map: &Affine, look: &Look, aspect: f64) -> f64 {
    let [x, y] = map.apply(look.raw);
    diagonal_fraction([x - look.target[0], y - look.target[1]], aspect)
}

/// Whether points lie on a line (or on one spot).
fn flat(points: impl Iterator<Item = [f64; 2]> + Clone) -> bool {
    let n = points.clone().count() as f64;
    let mx = points.clone().map(|p| p[0]).sum::<f64>() / n;
    let my = points.clone().map(|p| p[1]).sum::<f64>() / n;
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for [x, y] in points {
        xx += (x - mx) * (x - mx);
        yy += (y - my) * (y - my);
        xy += (x - mx) * (y - my);
    }
    // Eigenvalues of the 2×2 scatter matrix.
    let (half, root) = ((xx + yy) / 2.0, ((xx - yy) / 2.0).hypot(xy));
    half + root <= 1e-12 || half - root < FLAT * FLAT * (half + root)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(s, n), v| (s + v * v, n + 1));
    (sum / count.max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests;
