//! From looks to a map, and its errors.

use nalgebra::{Matrix2x3, Matrix3, Matrix3x2, Vector3};

use super::radius::Radius;
use super::{ONE_TARGET, WIDTH_PX};
use crate::affine::{
    Affine, FitOptions, GEOMETRIC_STRETCH, MAX_TARGETS, Sample, Sitting, diagonal_fraction,
    fit_with_history, looks_at,
};
use crate::calibration::{HeadSample, MAX_HISTORY};

/// One look: a raw point, its target, and where the head was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// What a method made of the face.
    pub raw: [f64; 2],
    /// What was looked at, normalised.
    pub target: [f64; 2],
    /// Width of the screen divided by its height.
    pub aspect: f64,
    /// Where the head was, where the method knows.
    pub head: Option<HeadSample>,
}

impl Look {
    /// Of a head that nothing is known of.
    pub fn new(raw: [f64; 2], target: [f64; 2], aspect: f64) -> Self {
        Self {
            raw,
            target,
            aspect,
            head: None,
        }
    }

    /// How far from the target the map puts it, px.
    pub(super) fn error_px(&self, map: &Affine) -> f64 {
        let [x, y] = map.apply(self.raw);
        let (dx, dy) = (x - self.target[0], y - self.target[1]);
        WIDTH_PX * dx.hypot(dy / self.aspect)
    }
}

/// How a map is fitted to looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitting {
    /// All six coefficients by plain least squares.
    Affine,
    /// An offset after the usual stretch.
    Offset,
    /// As the product fits a first calibration.
    Product,
    /// As the product fits with the same person's earlier sittings.
    ProductWithHistory,
}

impl Fitting {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Affine => "affine",
            Self::Offset => "offset alone",
            Self::Product => "our fit",
            Self::ProductWithHistory => "our fit with history",
        }
    }

    /// The map of a sitting's looks; `earlier` sittings newest last.
    fn map(self, looks: &[Look], earlier: &[Vec<Look>]) -> Option<Fitted> {
        let plain = |map| Fitted {
            map,
            radius: None,
            history_used: false,
        };
        match self {
            Self::Affine => affine(looks).map(plain),
            Self::Offset => offset(looks).map(plain),
            Self::Product => product(looks, &[]),
            Self::ProductWithHistory => product(looks, &history(earlier)),
        }
    }
}

/// A map and, of the product's, what it expects to err by.
struct Fitted {
    map: Affine,
    radius: Option<Radius>,
    history_used: bool,
}

/// Errors in px, how many of them were expected, and how many sittings no map could be
/// fitted to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Errors {
    /// At left-out targets of the same sitting.
    pub same: Vec<f64>,
    /// At the next sitting.
    pub next: Vec<f64>,
    /// How many of `same` lie within the expected error, of the product's maps.
    pub same_within: usize,
    /// How many of `next`.
    pub next_within: usize,
    /// Sittings whose map is made with history.
    pub history_used: usize,
    /// Sittings without a map.
    pub refused: usize,
}

impl Errors {
    /// Those of another person added.
    pub(super) fn add(&mut self, other: &Self) {
        self.same.extend(&other.same);
        self.next.extend(&other.next);
        self.same_within += other.same_within;
        self.next_within += other.next_within;
        self.history_used += other.history_used;
        self.refused += other.refused;
    }
}

/// One person's sittings, in order.
pub fn errors(sittings: &[Vec<Look>], fitting: Fitting) -> Errors {
    let mut out = Errors::default();
    for (i, looks) in sittings.iter().enumerate() {
        let earlier = &sittings[..i];
        for (others, tested) in left_out(looks) {
            let Some(fitted) = fitting.map(&others, earlier) else {
                continue;
            };
            for look in &tested {
                out.same.push(look.error_px(&fitted.map));
                out.same_within += usize::from(fitted.expected(look, false));
            }
        }
        let Some(fitted) = fitting.map(looks, earlier) else {
            out.refused += 1;
            continue;
        };
        out.history_used += usize::from(fitted.history_used);
        for look in sittings.get(i + 1).into_iter().flatten() {
            out.next.push(look.error_px(&fitted.map));
            out.next_within += usize::from(fitted.expected(look, true));
        }
    }
    out
}

impl Fitted {
    /// Whether the look lies within the expected error.
    fn expected(&self, look: &Look, was_away: bool) -> bool {
        self.radius.as_ref().is_some_and(|radius| {
            let [x, y] = self.map.apply(look.raw);
            let error = [x - look.target[0], y - look.target[1]];
            diagonal_fraction(error, look.aspect) <= radius.at(look, was_away)
        })
    }
}

/// All looks but those at one target, and those, for each target.
pub(super) fn left_out(looks: &[Look]) -> impl Iterator<Item = (Vec<Look>, Vec<Look>)> + '_ {
    let mut targets: Vec<[f64; 2]> = Vec::new();
    for look in looks {
        if !targets.contains(&look.target) {
            targets.push(look.target);
        }
    }
    targets
        .into_iter()
        .map(|t| looks.iter().partition(|l| l.target != t))
}

/// Targets that are nearly the same place made one.
pub(super) fn snapped(mut looks: Vec<Look>) -> Vec<Look> {
    let mut targets: Vec<[f64; 2]> = Vec::new();
    for look in &mut looks {
        let near =
            |t: &&[f64; 2]| (t[0] - look.target[0]).hypot(t[1] - look.target[1]) < ONE_TARGET;
        match targets.iter().find(near) {
            Some(known) => look.target = *known,
            None => targets.push(look.target),
        }
    }
    looks
}

/// The product's own fit.
fn product(looks: &[Look], history: &[Sitting]) -> Option<Fitted> {
    let options = FitOptions {
        aspect: looks.first()?.aspect,
        ..FitOptions::default()
    };
    let fit = fit_with_history(&samples(looks), history, options).ok()?;
    Some(Fitted {
        map: fit.map,
        history_used: fit.history_used,
        radius: Some(Radius::of(&fit, looks)),
    })
}

/// Earlier sittings, newest last, as a calibration would have kept them: newest first.
fn history(earlier: &[Vec<Look>]) -> Vec<Sitting> {
    let kept = earlier.iter().enumerate().rev().take(MAX_HISTORY);
    kept.filter_map(|(i, looks)| {
        let aspect = looks.first()?.aspect;
        Some(Sitting {
            created_unix_s: i as u64,
            targets: looks_at(&samples(looks), aspect).ok()?,
        })
    })
    .collect()
}

/// Of more targets than a calibration has so many as it may have, evenly taken from the
/// order of the recording.
fn samples(looks: &[Look]) -> Vec<Sample> {
    let mut targets: Vec<[f64; 2]> = Vec::new();
    for look in looks {
        if !targets.contains(&look.target) {
            targets.push(look.target);
        }
    }
    let n = targets.len();
    let kept: Vec<[f64; 2]> = if n <= MAX_TARGETS {
        targets
    } else {
        (0..MAX_TARGETS)
            .map(|i| targets[i * n / MAX_TARGETS])
            .collect()
    };
    looks
        .iter()
        .filter(|l| kept.contains(&l.target))
        .map(|l| (l.raw, l.target))
        .collect()
}

fn affine(looks: &[Look]) -> Option<Affine> {
    let (mut normal, mut right) = (Matrix3::zeros(), Matrix3x2::zeros());
    for look in looks {
        let row = Vector3::new(look.raw[0], look.raw[1], 1.0);
        normal += row * row.transpose();
        right += row * nalgebra::RowVector2::from(look.target);
    }
    let m: Matrix2x3<f64> = (normal.try_inverse()? * right).transpose();
    Some(Affine {
        a: m[(0, 0)],
        b: m[(0, 1)],
        c: m[(0, 2)],
        d: m[(1, 0)],
        e: m[(1, 1)],
        f: m[(1, 2)],
    })
}

fn offset(looks: &[Look]) -> Option<Affine> {
    let n = looks.len() as f64;
    let [a, e] = GEOMETRIC_STRETCH;
    let mean = |of: &dyn Fn(&Look) -> f64| looks.iter().map(of).sum::<f64>() / n;
    (n > 0.0).then(|| Affine {
        a,
        e,
        c: mean(&|l| l.target[0] - a * l.raw[0]),
        f: mean(&|l| l.target[1] - e * l.raw[1]),
        ..Affine::IDENTITY
    })
}
