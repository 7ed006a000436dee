//! From the looks of a sitting to its result.

use gaze::affine::{
    Affine, Fit, FitOptions, MIN_TARGETS, Sample, diagonal_fraction, fit_with_history,
    usual_stretch,
};
use gaze::calibration::{Calibration, Grade, HeadRange, HeadSample, TargetRecord};

use super::ruler::Ruler;
use super::view::{Flaw, PointResult, Span};
use super::{Kind, Plan, Point};

/// Fewer looks than this are too few to trust a target's mean.
pub const FEW: usize = 4;
/// Errors up to here are never called far off (share of the diagonal): what `Good` allows.
const FAR_OFF: f64 = 0.08;
/// Above it they are where they are so many times the median of the others.
const FARTHER: f64 = 2.5;
/// Looks that scatter by more (share of the diagonal, through the map) …
const SCATTERED: f64 = 0.06;
/// … and by so many times the median of the targets were not all at the dot.
const MORE_SCATTERED: f64 = 2.5;
/// Of contradictory targets those with nearly the largest residual may be the wrong one.
/// A wild corner of five in a cross leaves exactly the same at the opposite corner, and
/// two thirds of it at the other two.
const DOUBTFUL: f64 = 0.8;
/// A repair moves points by at most this share of the diagonal; more is no drift.
pub const MAX_DRIFT: f64 = 0.15;
/// A repair from looks that scatter more (share of the diagonal) is a guess.
const MAX_SCATTER: f64 = 0.08;
/// An error so many times the stored calibration's, and larger by this share of the
/// diagonal, is worth a word.
const WORSE: f64 = 1.3;
const CLEARLY: f64 = 0.01;

/// What the result view borrows from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    pub calibration: Option<Calibration>,
    pub points: Vec<PointResult>,
    pub checks: Vec<PointResult>,
    /// Places in `points`.
    pub bad: Vec<usize>,
    /// The held-out targets are to be shown again, at other places.
    pub check_again: bool,
    pub error: Option<Span>,
    pub grade: Option<Grade>,
    pub offset: Option<[f64; 2]>,
    pub before_today: Option<f64>,
    pub refused: Option<String>,
    pub warning: Option<String>,
}

/// The map from the looks at the targets of the fit, as a record without validation.
///
/// # Errors
/// Why there is none, a line for the person.
pub fn fitted(points: &[Point], plan: &Plan) -> Result<(Calibration, Fit), String> {
    let looked = || points.iter().filter(|p| !p.checking);
    let options = FitOptions {
        aspect: plan.setup.display.aspect(),
        usual: usual_stretch(&plan.setup.network),
        ..FitOptions::default()
    };
    let previous = plan.previous.as_ref();
    let history = previous.map_or_else(Vec::new, |c| c.history_for_next(&plan.setup));
    let fit = fit_with_history(&samples(looked()), &history, options).map_err(|e| e.to_string())?;
    let head = HeadRange::of(looked().flat_map(|p| &p.looks).map(|l| HeadSample {
        eye_mm: l.eyes_mm,
        yaw_pitch_deg: [l.head_deg[0], l.head_deg[1]],
        openness: l.openness[0].max(l.openness[1]).clamp(0.0, 1.0),
        spread_deg: l.spread_deg,
    }));
    let record = Calibration::from_fit(&fit, &plan.setup, head, history, plan.created_unix_s);
    Ok((record, fit))
}

/// Judges a whole sitting.
pub fn judge(points: &[Point], plan: &Plan) -> Verdict {
    match plan.kind {
        Kind::Calibrate { .. } => calibrate(points, plan),
        Kind::Validate { .. } => validate(points, plan),
        Kind::Repair => repair(points, plan),
    }
}

fn calibrate(points: &[Point], plan: &Plan) -> Verdict {
    let ruler = Ruler::new(&plan.setup.display, points);
    let mut verdict = Verdict::default();
    let (record, fit) = match fitted(points, plan) {
        Ok(fitted) => fitted,
        Err(why) => {
            verdict.points = results(points, false, Affine::IDENTITY, &ruler);
            verdict.refused = Some(why);
            let few = |(i, p): (usize, &PointResult)| (p.flaw == Some(Flaw::Few)).then_some(i);
            verdict.bad = verdict.points.iter().enumerate().filter_map(few).collect();
            return verdict;
        }
    };
    verdict.points = results(points, false, record.map, &ruler);
    verdict.checks = results(points, true, record.map, &ruler);
    find_flaws(&mut verdict.points, &record.targets, &fit, &ruler);
    let flawed = |(i, p): (usize, &PointResult)| p.flaw.map(|_| i);
    verdict.bad = verdict
        .points
        .iter()
        .enumerate()
        .filter_map(flawed)
        .collect();

    let checks = samples(points.iter().filter(|p| p.checking));
    let record = match record.clone().with_validation(&checks, plan.created_unix_s) {
        Ok(judged) => judged,
        // Nothing was measured at any of them: the fit's own left-out targets judge.
        Err(_) => record,
    };
    let error = record
        .validation
        .as_ref()
        .map_or(record.cross_validated, |v| v.error);
    verdict.error = Some(ruler.share(error));
    verdict.grade = Some(record.grade);
    verdict.check_again = checks_are_bad(&mut verdict.checks);
    verdict.before_today = plan
        .previous
        .as_ref()
        .filter(|c| c.display.same_geometry(&plan.setup.display))
        .and_then(|c| c.clone().with_validation(&checks, plan.created_unix_s).ok())
        .and_then(|c| Some(c.validation?.error));
    if fit.suspicious {
        verdict.refused = Some(
            "the points contradict each other and it cannot be told which is wrong: \
             look at the marked ones again"
                .to_owned(),
        );
    } else if let Some(share) = failure(&record, error) {
        verdict.check_again = true;
        verdict.refused = Some(format!(
            "the error at points that the map has not seen is {share:.0} % of the diagonal, \
             too much to be of use: sit still, with light on your face, and try again",
            share = 100.0 * share
        ));
    } else if let Err(reason) = record.validate() {
        verdict.refused = Some(reason.to_string());
    }
    verdict.warning = warning(plan, error, record.grade, verdict.before_today);
    verdict.calibration = Some(record);
    verdict
}

/// The error that is too large: at the held-out targets, or at those of the fit when they
/// were left out. Four lucky targets do not make up for nine that contradict the map.
fn failure(record: &Calibration, error: f64) -> Option<f64> {
    let errors = [error, record.cross_validated];
    let failed = |e: &f64| Grade::of(*e, false) == Grade::Failed;
    errors.into_iter().find(failed)
}

fn validate(points: &[Point], plan: &Plan) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(stored) = &plan.previous else {
        return verdict;
    };
    let ruler = Ruler::new(&stored.display, points);
    verdict.checks = results(points, true, stored.effective_map(), &ruler);
    verdict.check_again = checks_are_bad(&mut verdict.checks);
    let looks = samples(points.iter().filter(|p| p.checking));
    match stored.clone().with_validation(&looks, plan.created_unix_s) {
        Ok(judged) => {
            let error = judged.validation.as_ref().map_or(f64::NAN, |v| v.error);
            verdict.error = Some(ruler.share(error));
            verdict.grade = Some(judged.grade);
            let promised = stored.expected_error();
            if error > WORSE * promised && error > promised + CLEARLY {
                verdict.warning = Some(format!(
                    "{:.1} % of the diagonal, {:.1} % when it was made: repair it \
                     (gaze-calib repair) or calibrate again (gaze-calib run)",
                    100.0 * error,
                    100.0 * promised
                ));
            }
            verdict.calibration = Some(judged);
        }
        Err(why) => verdict.refused = Some(why.to_string()),
    }
    verdict
}

fn repair(points: &[Point], plan: &Plan) -> Verdict {
    let mut verdict = Verdict::default();
    let Some((stored, point)) = plan.previous.as_ref().zip(points.first()) else {
        return verdict;
    };
    let ruler = Ruler::new(&stored.display, points);
    verdict.points = results(points, false, stored.effective_map(), &ruler);
    let axis = |i: usize| median(point.looks.iter().map(|l| l.point[i]));
    let (Some(x), Some(y)) = (axis(0), axis(1)) else {
        verdict.refused = Some("nothing was measured at the point: try again".to_owned());
        return verdict;
    };
    let offset = stored.repair_for([x, y], point.target);
    let drift = diagonal_fraction(offset, stored.display.aspect());
    let scatter = verdict.points[0].scatter.map_or(0.0, |s| s.share);
    let record = stored.clone().repaired(offset, plan.created_unix_s);
    if drift.is_nan() || drift > MAX_DRIFT {
        verdict.refused = Some(format!(
            "the map is off by {:.0} % of the diagonal, more than drift: calibrate again \
             (gaze-calib run)",
            100.0 * drift
        ));
    } else if scatter > MAX_SCATTER {
        verdict.points[0].flaw = Some(Flaw::Scattered);
        verdict.refused = Some("the looks lie too far apart: try again".to_owned());
    } else if let Err(reason) = record.validate() {
        verdict.refused = Some(reason.to_string());
    }
    verdict.error = verdict.points[0].error;
    verdict.offset = Some(offset);
    verdict.calibration = Some(record);
    verdict
}

/// The targets of the fit, or the held-out ones, through a map.
fn results(points: &[Point], checking: bool, map: Affine, ruler: &Ruler) -> Vec<PointResult> {
    let of_kind = points.iter().filter(|p| p.checking == checking);
    of_kind.map(|p| result(p, map, ruler)).collect()
}

fn result(p: &Point, map: Affine, ruler: &Ruler) -> PointResult {
    let looks: Vec<[f64; 2]> = p.looks.iter().map(|l| map.apply(l.point)).collect();
    let axis = |i: usize| median(looks.iter().map(|p| p[i]));
    let mean = axis(0).zip(axis(1)).map(|(x, y)| [x, y]);
    let scatter = mean.map(|m| {
        let squares: f64 = looks.iter().map(|p| ruler.share_of(m, *p).powi(2)).sum();
        ruler.share((squares / looks.len() as f64).sqrt())
    });
    let error = mean.map(|m| ruler.span(p.target, m));
    PointResult {
        target: p.target,
        flaw: (looks.len() < FEW).then_some(Flaw::Few),
        looks,
        mean,
        scatter,
        error,
        held_out: error,
    }
}

/// What the fit says about its targets.
fn find_flaws(points: &mut [PointResult], targets: &[TargetRecord], fit: &Fit, ruler: &Ruler) {
    let of = |p: &PointResult| targets.iter().find(|t| [t.x, t.y] == p.target);
    let held_out = median(targets.iter().map(|t| t.held_out)).unwrap_or(0.0);
    let worst = targets.iter().map(|t| t.residual).fold(0.0, f64::max);
    let scatters = points.iter().filter_map(|p| p.scatter.map(|s| s.share));
    let scatter = median(scatters).unwrap_or(0.0);
    for p in points {
        let Some(t) = of(p) else { continue };
        // The fit's own mean, without strays.
        let mean = fit.map.apply([t.raw_x, t.raw_y]);
        p.mean = Some(mean);
        p.error = Some(ruler.span(p.target, mean));
        p.held_out = Some(ruler.share(t.held_out));
        p.flaw = if !t.used {
            Some(Flaw::Wild)
        } else if fit.suspicious && t.residual >= DOUBTFUL * worst {
            Some(Flaw::Doubtful)
        } else if t.held_out > FAR_OFF && t.held_out > FARTHER * held_out {
            Some(Flaw::FarOff)
        } else if is_scattered(p, scatter) {
            Some(Flaw::Scattered)
        } else {
            p.flaw
        };
    }
}

fn is_scattered(p: &PointResult, usual: f64) -> bool {
    p.scatter
        .is_some_and(|s| s.share > SCATTERED && s.share > MORE_SCATTERED * usual)
}

/// Marks held-out targets at which the person cannot have looked. One is enough to show
/// all of them again, at other places: who may repeat only the worst chooses the grade.
fn checks_are_bad(checks: &mut [PointResult]) -> bool {
    let usual = |of: fn(&PointResult) -> Option<Span>| {
        median(checks.iter().filter_map(of).map(|s| s.share)).unwrap_or(0.0)
    };
    let (error, scatter) = (usual(|p| p.error), usual(|p| p.scatter));
    for p in checks.iter_mut() {
        let share = p.error.map_or(0.0, |e| e.share);
        if share > FAR_OFF && share > FARTHER * error {
            p.flaw = Some(Flaw::FarOff);
        } else if is_scattered(p, scatter) {
            p.flaw = Some(Flaw::Scattered);
        }
    }
    checks.iter().any(|p| p.flaw.is_some())
}

/// What to think about before a new map takes the old one's place.
fn warning(plan: &Plan, error: f64, grade: Grade, today: Option<f64>) -> Option<String> {
    let previous = plan.previous.as_ref()?;
    let (before, when) = match today {
        Some(error) => (error, "gives at the same points now"),
        None => (previous.expected_error(), "gave when it was made"),
    };
    let worse = error > WORSE * before && error > before + CLEARLY;
    (worse && grade != Grade::Failed).then(|| {
        format!(
            "{:.1} % of the diagonal, worse than the {:.1} % that the stored calibration {when}: \
             space stores this one all the same, escape keeps the old one",
            100.0 * error,
            100.0 * before
        )
    })
}

/// What the fit takes; targets with hardly a look are left out.
fn samples<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Sample> {
    let seen = points.filter(|p| p.looks.len() >= FEW);
    seen.flat_map(|p| p.looks.iter().map(|l| (l.point, p.target)))
        .collect()
}

/// Whether a fit is possible without one more of the targets that are to be fitted.
pub fn can_do_without(left: usize, checking: bool) -> bool {
    left > if checking { 3 } else { MIN_TARGETS }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}
