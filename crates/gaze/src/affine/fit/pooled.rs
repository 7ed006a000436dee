//! The map of a sitting's targets and, with falling weight, of earlier sittings'.
//!
//! **Slopes** come from all sittings, each about its own mean: how the head is held and how
//! the mesh lies on the face shift a whole sitting, but how the shown eye turns with the
//! true one is the person's. **The offset** comes from the newest sitting and a little from
//! the earlier ones, which tell where a sitting of this person lies on average.
//!
//! [`Form::Held`]: least squares believes its sixteen looks; the next sitting does not. So
//! the linear part gets a normal prior about the usual stretch, of deviation [`SPREAD`],
//! and the looks a noise whose variance is that of the residuals (ridge regression with the
//! evidence's own strength: A. E. Hoerl, R. W. Kennard, K. F. Baldwin 1975). The noise does
//! not average out over targets, as most of it belongs to the sitting; so the prior counts
//! once for each target of the newest sitting.

use nalgebra::{Matrix2, RowVector2, Vector2};

use super::{Affine, FitOptions, Form, Look, flat};

/// The usual stretch of maps of the geometric gaze ([`crate::geometric::EyeModel::FACE_MESH`]):
/// what least squares leaves of its slope with its noise. Two people, 23 sittings.
pub const GEOMETRIC_STRETCH: [f64; 2] = [1.0, 0.75];

/// The usual stretch of maps of a network's rays: its own slope. Our network's needs 1.0 across and 1.06 up
/// on rendered people (`models/GAZE_BASE.md`); real people's is not known.
pub const NETWORK_STRETCH: [f64; 2] = [1.0, 1.0];

/// The usual stretch of the network with this id ([`crate::calibration::network_id`]).
pub fn usual_stretch(network: &str) -> [f64; 2] {
    match network.starts_with("geometric") {
        true => GEOMETRIC_STRETCH,
        false => NETWORK_STRETCH,
    }
}

/// How far a person's stretch lies from the usual one (standard deviation). Of 0.1 to 0.6
/// this predicts the next sitting of the same recordings as well as any (275 px, 265 to
/// 288) and left-out targets better than most (200 px, 197 to 228).
const SPREAD: f64 = 0.43;

/// A sitting's targets count so much for the slopes, for each sitting since. Of 0 to 1 any
/// from 0.5 on does as well at the next sitting (medians 255 to 258 px; without history 275).
const SLOPE_FADES: f64 = 0.5;
/// The same for the offset: 0.5 is a little better at the next sitting (249 px) and worse
/// at left-out targets of the same (215 px against 205).
const OFFSET_FADES: f64 = 0.3;

/// Rounds in which noise and map settle.
const ROUNDS: usize = 8;

/// An earlier sitting.
#[derive(Debug, Clone)]
pub(super) struct Past {
    /// Without its wild targets.
    pub looks: Vec<Look>,
    /// How many sittings ago: 1 is the last one.
    pub ago: i32,
}

/// The looks of one sitting with what they weigh. Distances across and down are made the
/// same length.
struct Group<'a> {
    looks: &'a [Look],
    wide: Vector2<f64>,
    raw_mean: Vector2<f64>,
    mean: Vector2<f64>,
    slope_weight: f64,
    offset_weight: f64,
}

impl<'a> Group<'a> {
    fn of(looks: &'a [Look], ago: i32, aspect: f64) -> Self {
        let n = looks.len() as f64;
        let wide = Vector2::new(aspect, 1.0);
        let mean = |of: fn(&Look) -> [f64; 2]| {
            let sum: Vector2<f64> = looks.iter().map(|l| Vector2::from(of(l))).sum();
            (sum / n).component_mul(&wide)
        };
        Self {
            looks,
            wide,
            raw_mean: mean(|l| l.raw),
            mean: mean(|l| l.target),
            slope_weight: SLOPE_FADES.powi(ago),
            offset_weight: OFFSET_FADES.powi(ago) * n,
        }
    }

    /// Raw points and targets less their means.
    fn about(&self) -> impl Iterator<Item = (Vector2<f64>, Vector2<f64>)> + '_ {
        self.looks.iter().map(|l| {
            (
                Vector2::from(l.raw).component_mul(&self.wide) - self.raw_mean,
                Vector2::from(l.target).component_mul(&self.wide) - self.mean,
            )
        })
    }
}

/// Sums over all sittings.
struct Moments {
    /// How many targets, by weight.
    count: f64,
    spread: Matrix2<f64>,
    cross: Matrix2<f64>,
}

impl Moments {
    fn of(groups: &[Group<'_>]) -> Self {
        let mut sums = Self {
            count: 0.0,
            spread: Matrix2::zeros(),
            cross: Matrix2::zeros(),
        };
        for group in groups {
            for (raw, target) in group.about() {
                sums.count += group.slope_weight;
                sums.spread += group.slope_weight * raw * raw.transpose();
                sums.cross += group.slope_weight * target * raw.transpose();
            }
        }
        sums
    }
}

/// The map of the newest sitting's looks, with earlier ones. `None` when its raw points do
/// not span what the form needs.
pub(super) fn pooled(
    newest: &[Look],
    past: &[Past],
    form: Form,
    options: &FitOptions,
) -> Option<Affine> {
    let mut groups = vec![Group::of(newest, 0, options.aspect)];
    groups.extend((past.iter()).map(|p| Group::of(&p.looks, p.ago, options.aspect)));
    solve(&groups, form, options)
}

/// Plain least squares of one sitting. `None` as of [`pooled`].
pub(super) fn least_squares(looks: &[Look], form: Form, options: &FitOptions) -> Option<Affine> {
    let form = match form {
        Form::Held => Form::Affine,
        other => other,
    };
    solve(&[Group::of(looks, 0, options.aspect)], form, options)
}

/// The first group is the newest sitting.
fn solve(groups: &[Group<'_>], form: Form, options: &FitOptions) -> Option<Affine> {
    let newest = groups[0].looks;
    let own = Moments::of(&groups[..1]);
    let all = Moments::of(groups);
    let linear = match form {
        Form::ScaleOffset => {
            if own.spread[(0, 0)].min(own.spread[(1, 1)]) <= 1e-12 {
                return None;
            }
            Matrix2::from_diagonal(&all.cross.diagonal().component_div(&all.spread.diagonal()))
        }
        Form::Affine | Form::Held => {
            if flat(newest.iter().map(|l| l.raw)) {
                return None;
            }
            let free = all.cross * all.spread.try_inverse()?;
            match form {
                Form::Held => held(free, groups, &all, &options.usual),
                _ => free,
            }
        }
    };
    let (mut offset, mut weight) = (Vector2::zeros(), 0.0);
    for group in groups {
        offset += group.offset_weight * (group.mean - linear * group.raw_mean);
        weight += group.offset_weight;
    }
    let offset = (offset / weight).component_div(&groups[0].wide);
    Some(Affine {
        a: linear[(0, 0)],
        b: linear[(0, 1)] / options.aspect,
        c: offset.x,
        d: linear[(1, 0)] * options.aspect,
        e: linear[(1, 1)],
        f: offset.y,
    })
}

/// Draws the least-squares slopes to the usual stretch.
fn held(
    free: Matrix2<f64>,
    groups: &[Group<'_>],
    sums: &Moments,
    usual: &[f64; 2],
) -> Matrix2<f64> {
    let usual = Matrix2::from_diagonal(&Vector2::from(*usual));
    let once_each = groups[0].looks.len() as f64;
    let cross = sums.cross - usual * sums.spread;
    let mut linear = free;
    for _ in 0..ROUNDS {
        let mut noise = Vector2::zeros();
        for group in groups {
            for (raw, target) in group.about() {
                let miss = linear * raw - target;
                noise += group.slope_weight * miss.component_mul(&miss);
            }
        }
        noise /= (sums.count - 2.0).max(1.0);
        for axis in 0..2 {
            let hold = once_each * noise[axis] / (SPREAD * SPREAD);
            let held = sums.spread + Matrix2::identity() * hold;
            let Some(inverse) = held.try_inverse() else {
                continue;
            };
            let row: RowVector2<f64> = usual.row(axis) + cross.row(axis) * inverse;
            linear.set_row(axis, &row);
        }
    }
    linear
}
