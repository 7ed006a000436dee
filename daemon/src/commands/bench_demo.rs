//! `gazed bench --demo`: how far off is the gaze on the bundled demo, whose truth is known?
//!
//! Every picture once, in its order, at the times the clip gives it, as fast as it goes:
//! no camera's clock, so the same build gives the same numbers. The way is the daemon's own,
//! [`Perceiver`], [`Measurement`] and [`Composer`], told the demo's screen and field of view.
//!
//! An error is the angle at the middle between the true eyes, from the point on the screen that
//! is looked at to the one that was measured; or their distance as a share of the screen's
//! diagonal. Pictures count while the eyes are truly open and the sample is valid.

use std::path::Path;
use std::time::Duration;

use gaze::affine::{Affine, diagonal_fraction};
use gaze::eye_movements::{Picture, Residuals};
use gaze::filter::{FilterConfig, FilterKind};
use gaze::ray::Ray;
use nalgebra::{Matrix3, Matrix3x2, Point2, Vector3};
use ring::layout::{Reason, State, flags};
use serde_json::json;
use vision::{Frame, Perceiver, PerceiverConfig};

use super::bench::{BenchArgs, Report, perceiver};
use crate::exit::{Exit, Failure};
use crate::pipeline::compose::Composer;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::measurement::{Measurement, NetworkTag};
use crate::sources::demo::{self, Doing, Truth, TruthFrame};
use crate::sources::{self, Next, OpenOptions, SourceSpec};

/// Capture time of the first picture: any but 0, which would mean "never".
const FIRST_NS: u64 = 1_000_000_000;
/// Pictures at a fixation's beginning that its jitter leaves out: the eyes still settle.
const SETTLE: usize = 3;
/// A fixation with fewer pictures than this has no jitter worth telling.
const SHORT: usize = 6;

/// What was measured in one picture, beside its truth.
struct Seen {
    truth: TruthFrame,
    /// The published point, by this picture or by what was there before; `None` where the sample
    /// is not valid.
    shown: Option<[f64; 2]>,
    /// The uncalibrated point and the filtered one, fractions of the screen; `None` where the
    /// sample is not valid, or not measured since lids are on their way.
    points: Option<[[f64; 2]; 2]>,
    /// Distance of each iris from where it is, pixels.
    iris_px: Option<[f64; 2]>,
    /// Measured minus true yaw and pitch of the head, degrees.
    head_deg: Option<[f64; 2]>,
    /// What the chain made of the face before any of it was held back.
    lids: Option<Lids>,
}

/// Lids, and where the eyes behind them seem to look.
#[derive(Clone, Copy)]
struct Lids {
    /// The wider eye's.
    gap_mm: f64,
    /// On the screen, if anything was told.
    measured: Option<[f64; 2]>,
}

/// Measures the demo and reports.
pub fn bench_demo(args: &BenchArgs, report: &mut Report) -> Result<(), Failure> {
    let truth = demo::truth().map_err(|e| Failure::new(e.exit(), e.to_string()))?;
    let config = PerceiverConfig {
        threads: args.threads,
        hfov_deg: truth.camera.hfov_deg(),
        landmarks_every: args.landmarks_every,
        ..PerceiverConfig::default()
    };
    let perceiver = perceiver(config, args.network.as_deref())?;
    let seen = look(&truth, perceiver)?;
    if let Some(file) = &args.residuals {
        write_residuals(file, &seen, &truth)?;
    }
    let open: Vec<&Seen> = seen.iter().filter(|s| s.truth.open).collect();
    let looks: Vec<Look> = open.iter().filter_map(|s| Look::of(s, &truth)).collect();
    if looks.len() < 20 {
        let why = format!("{} of {} pictures gave a gaze", looks.len(), open.len());
        return Err(Failure::new(Exit::NotGood, format!("bench --demo: {why}")));
    }
    report.say(&format!(
        "{} pictures at {} a second; a screen of {:.0} × {:.0} mm, the eyes {:.0} mm away",
        seen.len(),
        truth.fps,
        truth.screen.width_mm,
        truth.screen.height_mm,
        median(open.iter().map(|s| s.truth.eyes().norm())),
    ));
    let share = |all: &[&Seen]| {
        let valid = all.iter().filter(|s| s.shown.is_some()).count();
        100.0 * valid as f64 / all.len().max(1) as f64
    };
    report.put("valid while the eyes are open", share(&open), "%");
    let shut: Vec<&Seen> = seen.iter().filter(|s| !s.truth.open).collect();
    report.put("valid while they are shut", share(&shut), "%");
    let off = seen.iter().filter_map(|s| {
        let should = s.truth.eyes();
        let look = |p| (truth.screen.point_mm(Point2::from(p)) - should).normalize();
        let shown = s.shown.filter(|_| !s.truth.open)?;
        Some(look(shown).angle(&look(s.truth.screen)).to_degrees())
    });
    report.put(
        "furthest off while they are shut",
        off.fold(0.0, f64::max),
        "°",
    );
    let irises = || open.iter().filter_map(|s| s.iris_px).flatten();
    report.put("iris error, median", median(irises()), "px");
    report.put("iris error, p95", quantile(irises(), 0.95), "px");
    for (axis, name) in ["yaw", "pitch"].into_iter().enumerate() {
        let off = || open.iter().filter_map(|s| Some(s.head_deg?[axis].abs()));
        report.put(&format!("head {name} error, median"), median(off()), "°");
    }

    // Halves in time: what the first half teaches is tried on the second, and the other way round.
    let whole = Affine::least_squares(&looks);
    let (first, second) = looks.split_at(looks.len() / 2);
    let halves = [Affine::least_squares(second), Affine::least_squares(first)];
    report.say(&format!(
        "{:34} {:>7} {:>7} {:>7} °   {:>7} {:>7} {:>7} % of the diagonal   {:>6} {:>6} ° yaw, pitch",
        "error", "median", "mean", "p95", "median", "mean", "p95", "median", "median",
    ));
    let error = |name: &str, report: &mut Report, map: &dyn Fn(usize) -> Affine| {
        let errors: Vec<Error> = looks
            .iter()
            .enumerate()
            .map(|(i, l)| l.error(map(i).apply(l.raw), &truth))
            .collect();
        let three = |of: fn(&Error) -> f64| {
            let all = || errors.iter().map(of);
            let mean = all().sum::<f64>() / errors.len() as f64;
            [median(all()), mean, quantile(all(), 0.95)]
        };
        let (deg, share) = (three(|e| e.deg), three(|e| 100.0 * e.diagonal));
        let axes = [0, 1].map(|a| median(errors.iter().map(|e| e.axes_deg[a].abs())));
        report.say(&format!(
            "{name:34} {:7.2} {:7.2} {:7.2}     {:7.2} {:7.2} {:7.2}                     {:6.2} {:6.2}",
            deg[0], deg[1], deg[2], share[0], share[1], share[2], axes[0], axes[1],
        ));
        report.insert(
            name,
            json!({
                "deg_median_mean_p95": deg.map(rounded),
                "percent_of_diagonal_median_mean_p95": share.map(rounded),
                "yaw_pitch_deg_median": axes.map(rounded),
            }),
        );
    };
    error("as it is", report, &|_| Affine::IDENTITY);
    error("best affine, fitted on the same", report, &|_| whole);
    error("affine of the other half", report, &|i| {
        halves[usize::from(i >= first.len())]
    });

    for (axis, name) in ["yaw", "pitch"].into_iter().enumerate() {
        let (t, m): (Vec<f64>, Vec<f64>) = looks
            .iter()
            .map(|l| {
                let [t, m] = [l.target, l.raw].map(|p| l.angles(p, &truth));
                (t[axis], m[axis])
            })
            .unzip();
        let (slope, r) = slope(&t, &m);
        report.put(&format!("{name} slope over the true one"), slope, "");
        report.put(&format!("{name} r with the true one"), r, "");
    }
    for (which, name) in ["as it is", "filtered"].into_iter().enumerate() {
        let jitter = jitter(&seen, &truth, which);
        report.say(&format!(
            "jitter in {} fixations, {name:9} {:10.3} ° SD   {:.3} ° RMS of steps, medians",
            jitter.len(),
            median(jitter.iter().map(|j| j[0])),
            median(jitter.iter().map(|j| j[1])),
        ));
        report.insert(
            &format!("jitter {name} deg SD RMS-S2S"),
            json!([0, 1].map(|k| rounded(median(jitter.iter().map(|j| j[k]))))),
        );
    }
    Ok(())
}

/// Fits the filter report's noise to what was measured, and writes it.
fn write_residuals(file: &Path, seen: &[Seen], truth: &Truth) -> Result<(), Failure> {
    let shut = |i: usize| seen.get(i).is_some_and(|s| !s.truth.open);
    let pictures: Vec<Picture> = seen
        .iter()
        .enumerate()
        .map(|(i, s)| Picture {
            truth: s.truth.screen,
            measured: s.lids.and_then(|l| l.measured),
            gap_mm: s.lids.map_or(f64::NAN, |l| l.gap_mm),
            resting: s.truth.doing == Doing::Fixation,
            // Lids that open are the last to arrive.
            blinking: shut(i) || (i > 0 && shut(i - 1)),
        })
        .collect();
    let about = "Our gaze network and geometry on the bundled demo; \
                 made by: gazed bench --demo --residuals FILE";
    let fit = Residuals::fit(&pictures, truth.fps, about).ok_or_else(|| {
        Failure::new(Exit::NotGood, "the demo gave too few looks to fit noise to")
    })?;
    let cannot =
        |e: std::io::Error| Failure::new(Exit::NotGood, format!("{}: {e}", file.display()));
    let text = serde_json::to_string_pretty(&fit).map_err(|e| cannot(e.into()))? + "\n";
    let half = file.with_extension("part");
    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, file))
        .map_err(cannot)
}

/// Runs every picture of the demo through the chain.
fn look(truth: &Truth, mut perceiver: Perceiver) -> Result<Vec<Seen>, Failure> {
    let refuse = |e: sources::SourceError| Failure::new(e.exit(), e.to_string());
    let options = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&SourceSpec::Demo, &options).map_err(refuse)?;
    let mapping = Mapping::uncalibrated(truth.screen, FilterConfig::of(FilterKind::Kalman));
    let mut composer = Composer::new(true);
    let mut frame = Frame::default();
    let mut seen = Vec::with_capacity(truth.frames.len());
    for (i, &t) in truth.frames.iter().enumerate() {
        let next = source.next(&mut frame, Duration::from_secs(5));
        if next.map_err(refuse)? != Next::Frame {
            break;
        }
        frame.captured_ns = FIRST_NS + (i as f64 * 1e9 / truth.fps) as u64;
        let found = perceiver.perceive(&frame);
        let m = Measurement::of(found, &frame, &NetworkTag::default(), frame.captured_ns);
        let face = found.primary();
        composer.absorb(&m, &mapping);
        let s = composer.compose(frame.captured_ns, State::Running, Reason::None, &mapping);
        seen.push(Seen {
            truth: t,
            shown: s.is_valid().then(|| [s.x, s.y].map(f64::from)),
            points: (s.is_valid() && s.has(flags::MEASURED))
                .then(|| [[s.raw_x, s.raw_y], [s.x, s.y]].map(|p| p.map(f64::from))),
            iris_px: face.map(|f| {
                [0, 1].map(|eye| (f.eyes.iris_px[eye] - Point2::from(t.iris_px[eye])).norm())
            }),
            head_deg: face.map(|f| [f.head.yaw - t.head_deg[0], f.head.pitch - t.head_deg[1]]),
            lids: face.map(|f| Lids {
                gap_mm: f.eyes.gap_mm[0].max(f.eyes.gap_mm[1]),
                measured: f
                    .gaze
                    .filter(|g| g.confidence > 0.0 && f.eyes.open != [false; 2])
                    .and_then(|g| truth.screen.intersect(&g.combined))
                    .map(|p| [p.x, p.y]),
            }),
        });
    }
    Ok(seen)
}

/// One valid look with open eyes.
struct Look {
    /// Middle between the true eyes, camera frame, mm.
    eyes: Vector3<f64>,
    target: [f64; 2],
    raw: [f64; 2],
}

/// How far a point is from the target.
struct Error {
    deg: f64,
    /// Share of the screen's diagonal.
    diagonal: f64,
    /// Yaw and pitch, measured minus true.
    axes_deg: [f64; 2],
}

impl Look {
    fn of(seen: &Seen, truth: &Truth) -> Option<Look> {
        let look = Look {
            eyes: seen.truth.eyes(),
            target: seen.truth.screen,
            raw: seen.points?[0],
        };
        look.error(look.raw, truth).deg.is_finite().then_some(look)
    }

    fn ray(&self, point: [f64; 2], truth: &Truth) -> Ray {
        Ray {
            origin: self.eyes,
            direction: (truth.screen.point_mm(Point2::from(point)) - self.eyes).normalize(),
        }
    }

    /// Yaw and pitch from the true eyes to a point of the screen, degrees.
    fn angles(&self, point: [f64; 2], truth: &Truth) -> [f64; 2] {
        let ray = self.ray(point, truth);
        [ray.yaw_deg(), ray.pitch_deg()]
    }

    fn error(&self, point: [f64; 2], truth: &Truth) -> Error {
        let [is, should] = [point, self.target].map(|p| self.ray(p, truth));
        let aspect = truth.screen.width_mm / truth.screen.height_mm;
        Error {
            deg: is.direction.angle(&should.direction).to_degrees(),
            diagonal: diagonal_fraction([0, 1].map(|a| point[a] - self.target[a]), aspect),
            axes_deg: [
                is.yaw_deg() - should.yaw_deg(),
                is.pitch_deg() - should.pitch_deg(),
            ],
        }
    }
}

/// The best map that can be had from looks.
trait LeastSquares {
    fn least_squares(looks: &[Look]) -> Self;
}

impl LeastSquares for Affine {
    /// All six coefficients, every look as heavy as the other.
    fn least_squares(looks: &[Look]) -> Affine {
        let (mut normal, mut right) = (Matrix3::zeros(), Matrix3x2::zeros());
        for look in looks {
            let row = Vector3::new(look.raw[0], look.raw[1], 1.0);
            normal += row * row.transpose();
            right += row * nalgebra::RowVector2::from(look.target);
        }
        let solved = normal
            .cholesky()
            .map_or(Matrix3x2::zeros(), |c| c.solve(&right));
        let [[a, b, c], [d, e, f]] = [0, 1].map(|k| [0, 1, 2].map(|row| solved[(row, k)]));
        Affine { a, b, c, d, e, f }
    }
}

/// Standard deviation about the mean and root mean square of the steps from picture to picture,
/// degrees, of each fixation's `which` points: 0 as they are, 1 filtered.
fn jitter(seen: &[Seen], truth: &Truth, which: usize) -> Vec<[f64; 2]> {
    let rests = |s: &Seen| s.truth.doing == Doing::Fixation && s.truth.open && s.points.is_some();
    seen.chunk_by(|a, b| rests(a) && rests(b) && a.truth.screen == b.truth.screen)
        .filter(|run| run.len() >= SETTLE + SHORT)
        .map(|run| {
            let angles: Vec<[f64; 2]> = run[SETTLE..]
                .iter()
                .filter_map(|s| Some(Look::of(s, truth)?.angles(s.points?[which], truth)))
                .collect();
            let n = angles.len() as f64;
            let mean = [0, 1].map(|k| angles.iter().map(|a| a[k]).sum::<f64>() / n);
            let square = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
            let variance = angles.iter().map(|a| square(a, &mean)).sum::<f64>() / n;
            let steps = angles.windows(2).map(|w| square(&w[0], &w[1])).sum::<f64>() / (n - 1.0);
            [variance.sqrt(), steps.sqrt()]
        })
        .collect()
}

/// Slope of `y` over `x` by least squares, and their correlation.
fn slope(x: &[f64], y: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let [mx, my] = [x, y].map(|v| v.iter().sum::<f64>() / n);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        xx += (x - mx) * (x - mx);
        xy += (x - mx) * (y - my);
        yy += (y - my) * (y - my);
    }
    (xy / xx, xy / (xx * yy).sqrt())
}

/// As many digits as mean something.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The smallest value that a share `q` of all does not exceed; NaN of none.
fn quantile(values: impl Iterator<Item = f64>, q: f64) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() as f64 * q).ceil() as usize).max(1) - 1;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        demo::truth().unwrap()
    }

    /// Looks that see the targets through `map`'s inverse.
    fn looks(map: &Affine) -> Vec<Look> {
        let back = map.inverse().unwrap();
        let at = |k: u32| [f64::from(k % 5) / 4.0, f64::from(k / 5) / 4.0];
        (0..25)
            .map(|k| Look {
                eyes: Vector3::new(20.0, 30.0, 600.0),
                target: at(k),
                raw: back.apply(at(k)),
            })
            .collect()
    }

    #[test]
    fn an_affine_error_is_undone_and_a_known_shift_has_its_angle() {
        let truth = truth();
        let map = Affine {
            a: 1.3,
            b: 0.1,
            c: -0.2,
            d: -0.05,
            e: 0.7,
            f: 0.1,
        };
        let looks = looks(&map);
        let found = Affine::least_squares(&looks);
        for look in &looks {
            let error = look.error(found.apply(look.raw), &truth);
            assert!(error.deg < 1e-5 && error.diagonal < 1e-9);
        }
        // 10 mm beside the target, seen from straight before it at 600 mm.
        let mut look = Look {
            target: [0.5, 0.5],
            ..Look::of(&seen(0), &truth).unwrap()
        };
        let middle = truth.screen.point_mm(Point2::new(0.5, 0.5));
        look.eyes = middle + Vector3::new(0.0, 0.0, 600.0);
        let beside = [0.5 + 10.0 / truth.screen.width_mm, 0.5];
        let error = look.error(beside, &truth);
        assert!((error.deg - (10.0f64 / 600.0).atan().to_degrees()).abs() < 1e-6);
        assert!((error.diagonal - 10.0 / truth.screen.diagonal_mm()).abs() < 1e-9);
        // The screen's right is the image's left.
        assert!(error.axes_deg[0] < -0.9 && error.axes_deg[1].abs() < 1e-6);
    }

    /// A fixation's picture whose points lie to both sides of the target in turns.
    fn seen(i: usize) -> Seen {
        let at = if i.is_multiple_of(2) { 0.49 } else { 0.51 };
        Seen {
            truth: TruthFrame {
                doing: Doing::Fixation,
                open: true,
                screen: [0.5, 0.5],
                ..truth().frames[0]
            },
            shown: Some([0.5, 0.5]),
            points: Some([[at, 0.5], [0.5, 0.5]]),
            iris_px: None,
            head_deg: None,
            lids: None,
        }
    }

    #[test]
    fn a_point_that_hops_jitters_by_half_its_hops_and_a_blink_parts_fixations() {
        let truth = truth();
        let mut all: Vec<Seen> = (0..43).map(seen).collect();
        all[20].truth.open = false;
        let hops = jitter(&all, &truth, 0);
        assert_eq!(hops.len(), 2);
        for [sd, step] in hops {
            // 2 % of the screen's width, about 0.6°.
            assert!(
                (step / sd - 2.0).abs() < 0.02 && (0.4..0.8).contains(&step),
                "{sd} {step}"
            );
        }
        assert!(jitter(&all, &truth, 1).iter().flatten().all(|v| *v < 1e-9));
    }
}
