//! A map held to the stretch that is usual, as strongly as the noise asks for.
//!
//! Least squares believes its sixteen looks; the next sitting does not. So the linear part
//! gets a normal prior about the usual stretch, of deviation [`SPREAD`], and the looks a
//! noise whose variance is that of the residuals (ridge regression with the evidence's own
//! strength: A. E. Hoerl, R. W. Kennard, K. F. Baldwin 1975). The noise does not average
//! out over targets: most of it belongs to the sitting (how the head is held, how the mesh
//! lies on the face), so the prior counts once for each target.

use nalgebra::{Matrix2, RowVector2, Vector2};

use super::{Affine, FitOptions, Look};

/// The usual stretch of maps of the geometric gaze ([`crate::geometric::EyeModel::FACE_MESH`]):
/// what least squares leaves of its slope with its noise. Two people, 23 sittings.
pub const GEOMETRIC_STRETCH: [f64; 2] = [1.0, 0.75];

/// How far a person's stretch lies from the usual one (standard deviation). Of 0.1 to 0.6
/// this predicts the next sitting of the same recordings as well as any (275 px, 265 to
/// 288) and left-out targets better than most (200 px, 197 to 228).
const SPREAD: f64 = 0.43;

/// Rounds in which noise and map settle.
const ROUNDS: usize = 8;

/// Draws `free`, the least-squares map of the same looks, to the usual stretch.
pub(super) fn held(looks: &[Look], free: Affine, options: &FitOptions) -> Affine {
    let n = looks.len() as f64;
    // Distances across and down are the same length.
    let wide = Vector2::new(options.aspect, 1.0);
    let raw = |l: &Look| Vector2::from(l.raw).component_mul(&wide);
    let target = |l: &Look| Vector2::from(l.target).component_mul(&wide);
    let raw_mean: Vector2<f64> = looks.iter().map(raw).sum::<Vector2<f64>>() / n;
    let mean: Vector2<f64> = looks.iter().map(target).sum::<Vector2<f64>>() / n;
    let usual = Matrix2::from_diagonal(&Vector2::from(options.usual));
    let (mut spread, mut cross) = (Matrix2::zeros(), Matrix2::zeros());
    for look in looks {
        let d = raw(look) - raw_mean;
        spread += d * d.transpose();
        cross += (target(look) - mean - usual * d) * d.transpose();
    }
    let mut linear = Matrix2::new(
        free.a,
        free.b * options.aspect,
        free.d / options.aspect,
        free.e,
    );
    for _ in 0..ROUNDS {
        let mut noise = Vector2::zeros();
        for look in looks {
            let miss = linear * (raw(look) - raw_mean) + mean - target(look);
            noise += miss.component_mul(&miss) / (n - 2.0).max(1.0);
        }
        for axis in 0..2 {
            let hold = n * noise[axis] / (SPREAD * SPREAD);
            let held = spread + Matrix2::identity() * hold;
            let Some(inverse) = held.try_inverse() else {
                continue;
            };
            let row: RowVector2<f64> = usual.row(axis) + cross.row(axis) * inverse;
            linear.set_row(axis, &row);
        }
    }
    let offset = (mean - linear * raw_mean).component_div(&wide);
    Affine {
        a: linear[(0, 0)],
        b: linear[(0, 1)] / options.aspect,
        c: offset.x,
        d: linear[(1, 0)] * options.aspect,
        e: linear[(1, 1)],
        f: offset.y,
    }
}
