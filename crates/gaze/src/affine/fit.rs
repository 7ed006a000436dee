//! Least squares over calibration targets, with wild targets set aside.
//!
//! 1. The samples of one target become one point: the mean of those near their
//!    median. Every target counts the same, however many samples it has.
//! 2. Where there are targets to spare, wild ones are set aside, a quarter of
//!    them at most (how: `robust.rs`), and the rest is fitted by plain least
//!    squares.
//! 3. Earlier sittings of the same person, where there are such, are weighed in
//!    (`pooled.rs`), unless left-out targets of this sitting speak against it.
//! 4. Each target is left out in turn and predicted from the others; then each
//!    quarter of the sitting, in the order in which the targets were shown.
//!
//! With five or six targets a wild one cannot be located (of five in a cross,
//! a wild corner leaves the opposite corner just as large a residual): then
//! nothing is set aside and the fit is only called [`Fit::suspicious`].

mod gather;
mod judged;
mod pooled;
mod robust;

use super::{Affine, Form, Sitting, SittingTarget};
pub(crate) use gather::looks_at;
use gather::{MEDIAN_LENGTH, flat, gather};
use judged::{clearly_better, fit_form};
pub use pooled::{GEOMETRIC_STRETCH, NETWORK_STRETCH, usual_stretch};

/// Fewer targets than this are not fitted.
pub const MIN_TARGETS: usize = 5;
/// More targets than this are not fitted.
pub const MAX_TARGETS: usize = 20;

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
    fit_with_history(samples, &[], options)
}

/// [`fit_with`] the help of earlier sittings of the same person in the same setup, newest
/// first: their targets tell the slopes, and a little of the offset. Where they make the
/// map worse at left-out targets of this sitting it is fitted without them. An earlier
/// sitting that is not fit for use has no part; it is no reason for an error.
///
/// # Errors
/// As [`fit_with`]: of this sitting alone.
pub fn fit_with_history(
    samples: &[Sample],
    history: &[Sitting],
    options: FitOptions,
) -> Result<Fit, FitError> {
    if !(options.aspect.is_finite() && options.aspect > 0.0) {
        return Err(FitError::Aspect);
    }
    let looks = gather(samples, options.aspect)?;
    match options.form {
        FormChoice::Only(form) => fit_form(&looks, history, form, &options),
        FormChoice::Better => {
            let mut best = fit_form(&looks, history, Form::Held, &options);
            for form in [Form::ScaleOffset, Form::Affine] {
                if let Ok(other) = fit_form(&looks, history, form, &options)
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

impl From<&SittingTarget> for Look {
    fn from(t: &SittingTarget) -> Self {
        Self {
            raw: [t.raw_x, t.raw_y],
            target: [t.x, t.y],
            samples: t.samples,
            scatter: t.scatter,
        }
    }
}

impl From<&Look> for SittingTarget {
    fn from(look: &Look) -> Self {
        Self {
            x: look.target[0],
            y: look.target[1],
            raw_x: look.raw[0],
            raw_y: look.raw[1],
            samples: look.samples,
            scatter: look.scatter,
        }
    }
}

fn miss(map: &Affine, look: &Look, aspect: f64) -> f64 {
    let [x, y] = map.apply(look.raw);
    diagonal_fraction([x - look.target[0], y - look.target[1]], aspect)
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
mod history_tests;
#[cfg(test)]
mod tests;
