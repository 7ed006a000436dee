//! One form's fit and what it is worth at targets and times that were left out.

use super::pooled::{Past, pooled};
use super::robust::{Robust, locatable, parameters, robust};
use super::{
    Fit, FitError, FitOptions, Form, Look, MIN_TARGETS, Sitting, TargetFit, flat, miss, rms,
};

/// Where a wild target cannot be located, targets that deviate by more than
/// this (per axis, degrees of freedom counted, share of the diagonal) are
/// suspicious. Webcams give 0.02 to 0.04 with nothing wrong; a look a fifth of
/// the screen beside one target of five gives 0.05.
const SUSPICIOUS: f64 = 0.05;
/// Another form than [`Form::Held`] must be this much better on what was left out. Least
/// squares alone is often a little better within a sitting and clearly worse at the next
/// (two people, 23 sittings of 16 targets: medians 199 and 310 px against 200 and 275).
const WORTH_IT: f64 = 0.8;
/// Earlier sittings are left out of a form that gets by more than this worse with them on
/// what was left out, targets or times. They make a map a little worse in its own sitting
/// by their nature, and the next one better. The same people, medians of left-out targets
/// and of the next sitting: without any 198 and 275 px, limits of 1.0: 197 and 270,
/// 1.1: 198 and 261, 1.2: 206 and 255.
const HISTORY_COSTS: f64 = 1.1;
/// Into so many blocks of time a sitting is cut to judge a form.
const BLOCKS: usize = 4;

/// Whether one form predicts what was left out so much better that it is worth the
/// risk at the next sitting.
pub(super) fn clearly_better(other: &Fit, known: &Fit) -> bool {
    if other.suspicious != known.suspicious {
        return known.suspicious;
    }
    let wins = |error: fn(&TargetFit) -> f64| {
        let [o, k] = judged(other, known, error);
        o < WORTH_IT * k
    };
    wins(|t| t.held_out) && wins(|t| t.held_out_block)
}

/// Whether the same fit is worse with earlier sittings than they are worth.
fn spoilt(with: &Fit, without: &Fit) -> bool {
    let loses = |error: fn(&TargetFit) -> f64| {
        let [w, wo] = judged(with, without, error);
        w > HISTORY_COSTS * wo
    };
    loses(|t| t.held_out) || loses(|t| t.held_out_block)
}

/// The errors of two fits at what was left out, judged on the same targets: neither wins
/// by setting aside what it cannot explain.
fn judged(one: &Fit, other: &Fit, error: fn(&TargetFit) -> f64) -> [f64; 2] {
    let common = || {
        one.targets
            .iter()
            .zip(&other.targets)
            .filter(|(a, b)| a.used || b.used)
    };
    [
        rms(common().map(|(a, _)| error(a))),
        rms(common().map(|(_, b)| error(b))),
    ]
}

/// The looks that a map is to be made of: all, and all but each target or block of time.
struct Splits {
    whole: Robust,
    alone: Vec<Robust>,
    blind: Vec<Robust>,
}

impl Splits {
    fn of(looks: &[Look], form: Form, options: &FitOptions) -> Result<Self, FitError> {
        let whole = robust(looks, form, options)?;
        let without = |left_out: &dyn Fn(usize) -> bool| {
            let rest = looks.iter().enumerate().filter(|(i, _)| !left_out(*i));
            let rest: Vec<Look> = rest.map(|(_, look)| *look).collect();
            robust(&rest, form, options)
        };
        let block = |i: usize| i * BLOCKS / looks.len();
        let (mut alone, mut blind) = (Vec::new(), Vec::new());
        for i in 0..looks.len() {
            let one = without(&|j| j == i)?;
            // Without a block of few targets the rest may not span the screen.
            blind.push(without(&|j| block(j) == block(i)).unwrap_or_else(|_| one.clone()));
            alone.push(one);
        }
        Ok(Self {
            whole,
            alone,
            blind,
        })
    }
}

pub(super) fn fit_form(
    looks: &[Look],
    history: &[Sitting],
    form: Form,
    options: &FitOptions,
) -> Result<Fit, FitError> {
    let splits = Splits::of(looks, form, options)?;
    let without = assemble(looks, &splits, &[], form, options);
    let past = past(history, form, options);
    if past.is_empty() {
        return without;
    }
    match (assemble(looks, &splits, &past, form, options), without) {
        (Ok(with), Ok(without)) if !spoilt(&with, &without) => Ok(with),
        (_, without) => without,
    }
}

/// The earlier sittings that are fit for use, each without its wild targets. One that
/// contradicts itself has no say.
pub(super) fn past(history: &[Sitting], form: Form, options: &FitOptions) -> Vec<Past> {
    let usable = |(place, sitting): (usize, &Sitting)| {
        let looks: Vec<Look> = sitting.targets.iter().map(Look::from).collect();
        let finite = |l: &Look| l.raw.iter().chain(&l.target).all(|v| v.is_finite());
        if looks.len() < MIN_TARGETS
            || !looks.iter().all(finite)
            || flat(looks.iter().map(|l| l.target))
        {
            return None;
        }
        let sound = robust(&looks, form, options).ok()?;
        sound.all_wild_set_aside.then_some(Past {
            looks: sound.kept,
            ago: i32::try_from(place).ok()? + 1,
        })
    };
    history.iter().enumerate().filter_map(usable).collect()
}

fn assemble(
    looks: &[Look],
    splits: &Splits,
    past: &[Past],
    form: Form,
    options: &FitOptions,
) -> Result<Fit, FitError> {
    let aspect = options.aspect;
    let fitted = |of: &Robust| pooled(&of.kept, past, form, options).ok_or(FitError::Singular);
    let map = fitted(&splits.whole)?;
    let (least, greatest) = map.stretches();
    if !map.is_usable() {
        return Err(FitError::Unusable { least, greatest });
    }
    let mut targets = Vec::with_capacity(looks.len());
    for (i, look) in looks.iter().enumerate() {
        let (alone, blind) = (fitted(&splits.alone[i])?, fitted(&splits.blind[i])?);
        targets.push(TargetFit {
            target: look.target,
            raw: look.raw,
            samples: look.samples,
            scatter: look.scatter,
            residual: miss(&map, look, aspect),
            held_out: miss(&alone, look, aspect),
            held_out_block: miss(&blind, look, aspect),
            used: splits.whole.used[i],
        });
    }
    let counted = || targets.iter().filter(|t| t.used);
    let residual = rms(counted().map(|t| t.residual));
    let worst = counted().map(|t| t.held_out).fold(0.0, f64::max);
    Ok(Fit {
        map,
        form,
        residual,
        cross_validated: rms(targets.iter().map(|t| t.held_out.min(worst))),
        suspicious: suspicious(looks, splits, form, options),
        history_used: !past.is_empty(),
        targets,
    })
}

/// Whether this sitting contradicts itself: judged without earlier ones.
fn suspicious(looks: &[Look], splits: &Splits, form: Form, options: &FitOptions) -> bool {
    if locatable(looks.len(), form) {
        return !splits.whole.all_wild_set_aside;
    }
    let Some(own) = pooled(&splits.whole.kept, &[], form, options) else {
        return true;
    };
    let free = looks.len() - parameters(form);
    let residual = rms(looks.iter().map(|look| miss(&own, look, options.aspect)));
    residual * (looks.len() as f64 / (2 * free) as f64).sqrt() > SUSPICIOUS
}
