//! From samples to one look for each target.

use super::{FitError, Look, MAX_TARGETS, MIN_TARGETS, Sample, diagonal_fraction, median, rms};
use crate::affine::SittingTarget;

/// Targets nearer than this are one target written twice.
const DISTINCT: f64 = 0.02;
/// Targets or raw points whose spread across is less than this share of their
/// spread along lie on a line.
const FLAT: f64 = 0.02;
/// Samples further than this from their median, in standard deviations, are strays.
const STRAY_SIGMA: f64 = 3.0;
/// Median length of a two-dimensional unit normal variable: √(2 ln 2).
pub(super) const MEDIAN_LENGTH: f64 = 1.177_410_022_515_474_7;

/// The looks at each target as one point, in the order of first appearance, as the
/// fit sees them.
///
/// # Errors
/// Samples that are not finite, targets on top of each other.
pub(crate) fn looks_at(samples: &[Sample], aspect: f64) -> Result<Vec<SittingTarget>, FitError> {
    let looks = grouped(samples, aspect)?;
    Ok(looks.iter().map(SittingTarget::from).collect())
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
pub(super) fn gather(samples: &[Sample], aspect: f64) -> Result<Vec<Look>, FitError> {
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

/// Whether points lie on a line (or on one spot).
pub(super) fn flat(points: impl Iterator<Item = [f64; 2]> + Clone) -> bool {
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
