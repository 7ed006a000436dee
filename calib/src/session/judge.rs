//! From the looks of a sitting to its result.

use gaze::affine::{Affine, Fit, FitOptions, Sample, diagonal_fraction, fit_with};
use gaze::calibration::{Calibration, DisplayRecord, Grade, HeadRange, HeadSample};
use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};

use super::view::{Flaw, PointResult, Span};
use super::{Kind, Plan, Point};

/// Fewer looks than this are too few to trust a target's mean.
pub const FEW: usize = 4;
/// A left-out target that is off by so much (share of the diagonal) is worth showing again.
const FAR_OFF: f64 = 0.13;
/// Looks that scatter so much (share of the diagonal, through the map) were not at one place.
const SCATTERED: f64 = 0.08;

/// What the result view borrows from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    pub calibration: Option<Calibration>,
    pub points: Vec<PointResult>,
    pub checks: Vec<PointResult>,
    pub bad: Vec<usize>,
    pub error: Option<Span>,
    pub grade: Option<Grade>,
    pub refused: Option<String>,
    pub warning: Option<String>,
}

/// Lengths on the display.
pub struct Ruler {
    screen: Screen,
    eyes_mm: Vector3<f64>,
}

impl Ruler {
    /// For eyes there (camera frame).
    pub fn new(display: &DisplayRecord, eyes_mm: [f64; 3]) -> Self {
        Self {
            screen: display.screen(),
            eyes_mm: Vector3::from(eyes_mm),
        }
    }

    /// From `a` to `b`, both normalised.
    pub fn span(&self, a: [f64; 2], b: [f64; 2]) -> Span {
        let d = [b[0] - a[0], b[1] - a[1]];
        let sight = |p: [f64; 2]| self.screen.point_mm(Point2::from(p)) - self.eyes_mm;
        Span {
            deg: sight(a).angle(&sight(b)).to_degrees(),
            ..self.at_middle(diagonal_fraction(d, self.aspect()), d)
        }
    }

    /// A length given as a share of the diagonal, as seen at the middle of the display.
    pub fn share(&self, share: f64) -> Span {
        let mm = share * self.screen.diagonal_mm();
        let distance = (self.screen.point_mm(Point2::new(0.5, 0.5)) - self.eyes_mm).norm();
        let pixels = f64::from(self.screen.width_px).hypot(f64::from(self.screen.height_px));
        Span {
            share,
            px: share * pixels,
            cm: mm / 10.0,
            deg: mm.atan2(distance).to_degrees(),
        }
    }

    fn at_middle(&self, share: f64, d: [f64; 2]) -> Span {
        let px =
            (d[0] * f64::from(self.screen.width_px)).hypot(d[1] * f64::from(self.screen.height_px));
        Span {
            px,
            ..self.share(share)
        }
    }

    fn aspect(&self) -> f64 {
        self.screen.width_mm / self.screen.height_mm
    }
}

/// Fits a map to the looks at the targets of the fit.
pub fn fit(points: &[Point], plan: &Plan) -> Result<Fit, String> {
    let looked = points.iter().filter(|p| !p.checking);
    let samples: Vec<Sample> = looked
        .flat_map(|p| p.looks.iter().map(|l| (l.point, p.target)))
        .collect();
    let options = FitOptions {
        aspect: plan.setup.display.aspect(),
        ..FitOptions::default()
    };
    fit_with(&samples, options).map_err(|e| e.to_string())
}

/// Judges a whole sitting.
pub fn judge(points: &[Point], plan: &Plan) -> Verdict {
    let (fitted, checks): (Vec<&Point>, Vec<&Point>) = points.iter().partition(|p| !p.checking);
    let ruler = Ruler::new(&plan.setup.display, middle_of_eyes(points));
    let result = |p: &Point, map: Affine| {
        let looks: Vec<[f64; 2]> = p.looks.iter().map(|l| map.apply(l.point)).collect();
        let n = looks.len() as f64;
        let mean = (n > 0.0).then(|| {
            let sum = looks
                .iter()
                .fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]]);
            [sum[0] / n, sum[1] / n]
        });
        let scatter = mean.map(|m| {
            let square = |p: &[f64; 2]| ruler.span(m, *p).share.powi(2);
            ruler.share((looks.iter().map(square).sum::<f64>() / n).sqrt())
        });
        let error = mean.map(|m| ruler.span(p.target, m));
        let flaw = if looks.len() < FEW {
            Some(Flaw::Few)
        } else if scatter.is_some_and(|s| s.share > SCATTERED) {
            Some(Flaw::Scattered)
        } else {
            None
        };
        PointResult {
            target: p.target,
            looks,
            mean,
            scatter,
            error,
            held_out: error,
            flaw,
        }
    };
    let mut verdict = Verdict::default();
    let map = match plan.kind {
        Kind::Calibrate { .. } => match fit(points, plan) {
            Ok(fit) => {
                let history = plan
                    .previous
                    .as_ref()
                    .map(|c| c.history_for_next(&plan.setup))
                    .unwrap_or_default();
                verdict.calibration = Some(Calibration::from_fit(
                    &fit,
                    &plan.setup,
                    head_range(points),
                    history,
                    plan.created_unix_s,
                ));
                verdict.points = fitted.iter().map(|p| result(p, fit.map)).collect();
                for shown in &mut verdict.points {
                    let Some(t) = fit.targets.iter().find(|t| t.target == shown.target) else {
                        continue;
                    };
                    shown.held_out = Some(ruler.share(t.held_out));
                    shown.flaw = if !t.used {
                        Some(Flaw::Wild)
                    } else if fit.suspicious {
                        Some(Flaw::Doubtful)
                    } else if t.held_out > FAR_OFF {
                        Some(Flaw::FarOff)
                    } else {
                        shown.flaw
                    };
                }
                if fit.suspicious {
                    verdict.refused = Some(
                        "the points contradict each other and it cannot be told which is wrong: \
                         show them again"
                            .to_owned(),
                    );
                }
                Some(fit.map)
            }
            Err(why) => {
                verdict.points = fitted.iter().map(|p| result(p, Affine::IDENTITY)).collect();
                verdict.refused = Some(why);
                None
            }
        },
        Kind::Validate { .. } | Kind::Repair => {
            verdict.calibration.clone_from(&plan.previous);
            plan.previous.as_ref().map(Calibration::effective_map)
        }
    };
    let map = map.unwrap_or(Affine::IDENTITY);
    verdict.checks = checks.iter().map(|p| result(p, map)).collect();
    let errors: Vec<f64> = verdict
        .checks
        .iter()
        .filter_map(|p| p.error.map(|e| e.share))
        .collect();
    if !errors.is_empty() {
        let square = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
        verdict.error = Some(ruler.share(square.sqrt()));
    }
    verdict.grade = verdict.error.map(|e| Grade::of(e.share, false));
    if verdict.refused.is_none() && verdict.grade == Some(Grade::Failed) {
        verdict.refused = Some("the error at the held-out points is too large".to_owned());
    }
    let flawed = |(i, p): (usize, &PointResult)| p.flaw.map(|_| i);
    verdict.bad = verdict
        .points
        .iter()
        .enumerate()
        .filter_map(flawed)
        .collect();
    verdict
}

/// Median place of the eyes over all looks; straight before the camera where unknown.
fn middle_of_eyes(points: &[Point]) -> [f64; 3] {
    let axis = |i: usize| {
        let looks = points.iter().flat_map(|p| &p.looks);
        let mut all: Vec<f64> = looks
            .map(|l| l.eyes_mm[i])
            .filter(|v| v.is_finite())
            .collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    match (axis(0), axis(1), axis(2)) {
        (Some(x), Some(y), Some(z)) => [x, y, z],
        _ => [0.0, 0.0, 600.0],
    }
}

/// Where the head was over all looks.
fn head_range(points: &[Point]) -> Option<HeadRange> {
    let looks = points.iter().flat_map(|p| &p.looks);
    HeadRange::of(looks.map(|l| HeadSample {
        eye_mm: l.eyes_mm,
        yaw_pitch_deg: [l.head_deg[0], l.head_deg[1]],
        openness: l.openness[0].max(l.openness[1]),
    }))
}
