//! How far off points on the screen are, in pixels and in degrees, and how much they shake.

use serde::{Deserialize, Serialize};

use crate::data::cache::Cache;
use crate::data::sample::Sample;

/// From where a screen is looked at when nothing else is said, millimetres.
pub const DISTANCE_MM: f64 = 600.0;
/// Edges of the bands of head yaw, degrees.
pub const YAW_EDGES: [f32; 6] = [-25.0, -15.0, -5.0, 5.0, 15.0, 25.0];
/// Edges of the bands of the crops' brightness.
pub const BRIGHTNESS_EDGES: [f32; 4] = [0.15, 0.3, 0.45, 0.6];
/// A look is held still as long as the target is within this part of the screen of where it
/// was at first, …
const STILL_PLACE: f32 = 0.002;
/// … the head within so many degrees of where it was, …
const STILL_DEG: f32 = 2.0;
/// … and pictures are no further apart than this, milliseconds.
const STILL_MS: u64 = 2_000;
/// Fewer pictures say nothing of jitter.
const STILL_LEAST: usize = 3;

/// One point against its target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Miss {
    /// Pixels: right and down are positive.
    pub px: [f64; 2],
    /// Between the lines from the eyes to the point and to the target.
    pub deg: f64,
}

impl Miss {
    /// Length, pixels.
    pub fn length(&self) -> f64 {
        self.px[0].hypot(self.px[1])
    }
}

/// A screen before someone whose eyes are `distance_mm` before its middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Pixels of the screen.
    pub px: [f64; 2],
    /// Its visible area, millimetres.
    pub mm: [f64; 2],
    /// From the eyes to its middle, millimetres.
    pub distance_mm: f64,
}

impl View {
    /// Of the screen that a sample's target was on.
    pub fn of(cache: &Cache, sample: usize, distance_mm: f64) -> View {
        let screen = cache.screen(sample);
        View {
            px: [f64::from(screen.width_px), f64::from(screen.height_px)],
            mm: [screen.width_mm, screen.height_mm],
            distance_mm,
        }
    }

    /// A point against its target, both normalised.
    pub fn miss(&self, target: [f64; 2], point: [f64; 2]) -> Miss {
        let line = |p: [f64; 2]| {
            let [x, y] = [0, 1].map(|i| (p[i] - 0.5) * self.mm[i]);
            nalgebra::Vector3::new(x, y, self.distance_mm)
        };
        Miss {
            px: [0, 1].map(|i| (point[i] - target[i]) * self.px[i]),
            deg: line(target).angle(&line(point)).to_degrees(),
        }
    }
}

/// Errors of many points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// How many points.
    pub points: usize,
    /// Mean distance, pixels.
    pub mean_px: f64,
    /// Median distance, pixels.
    pub median_px: f64,
    /// Nineteen of twenty are nearer, pixels.
    pub p95_px: f64,
    /// Mean of the absolute error across, pixels.
    pub x_px: f64,
    /// Mean of the absolute error down, pixels.
    pub y_px: f64,
    /// Mean error with its sign, pixels: right and down are positive.
    pub bias_px: [f64; 2],
    /// Mean angle, degrees.
    pub mean_deg: f64,
    /// Median angle, degrees.
    pub median_deg: f64,
}

impl Errors {
    /// Of these; of none there are none.
    pub fn of(misses: &[Miss]) -> Option<Errors> {
        let mean =
            |f: &dyn Fn(&Miss) -> f64| misses.iter().map(f).sum::<f64>() / misses.len() as f64;
        let lengths = sorted(misses.iter().map(Miss::length));
        Some(Errors {
            points: misses.len(),
            mean_px: mean(&Miss::length),
            median_px: quantile(&lengths, 0.5)?,
            p95_px: quantile(&lengths, 0.95)?,
            x_px: mean(&|m| m.px[0].abs()),
            y_px: mean(&|m| m.px[1].abs()),
            bias_px: [mean(&|m| m.px[0]), mean(&|m| m.px[1])],
            mean_deg: mean(&|m| m.deg),
            median_deg: quantile(&sorted(misses.iter().map(|m| m.deg)), 0.5)?,
        })
    }
}

/// How much points shake while target and head are still.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Jitter {
    /// Looks that were held still.
    pub runs: usize,
    /// Their pictures.
    pub points: usize,
    /// Standard deviation of the points about their look's mean, both axes together, pixels.
    pub sd_px: f64,
    /// Root mean square of the steps from one picture to the next, pixels.
    pub rms_s2s_px: f64,
}

impl Jitter {
    /// Of looks, each its points in pixels in the order of time. Every picture weighs alike.
    pub fn of(runs: &[Vec<[f64; 2]>]) -> Option<Jitter> {
        let (mut points, mut used) = (0, 0);
        let (mut squares, mut free, mut steps, mut stepped) = (0.0, 0usize, 0.0, 0usize);
        for run in runs.iter().filter(|r| r.len() >= STILL_LEAST) {
            used += 1;
            points += run.len();
            let n = run.len() as f64;
            let mean = [0, 1].map(|i| run.iter().map(|p| p[i]).sum::<f64>() / n);
            let square = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
            squares += run.iter().map(|p| square(*p, mean)).sum::<f64>();
            free += run.len() - 1;
            steps += run.windows(2).map(|w| square(w[0], w[1])).sum::<f64>();
            stepped += run.len() - 1;
        }
        (used > 0).then(|| Jitter {
            runs: used,
            points,
            sd_px: (squares / free as f64).sqrt(),
            rms_s2s_px: (steps / stepped as f64).sqrt(),
        })
    }
}

/// Errors of those with something in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// What: a person's name, or from–to.
    pub name: String,
    /// How far off.
    pub errors: Errors,
}

/// Errors at one place on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtTarget {
    /// The place, normalised.
    pub target: [f64; 2],
    /// Mean of the points, normalised.
    pub point: [f64; 2],
    /// How many points.
    pub points: usize,
    /// Mean distance, pixels.
    pub mean_px: f64,
}

/// All that is told of a method's points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// All together.
    pub all: Errors,
    /// None where no look was held still.
    pub jitter: Option<Jitter>,
    /// By the head's yaw (ours), bands without pictures left out.
    pub by_yaw: Vec<Band>,
    /// By the crops' brightness.
    pub by_brightness: Vec<Band>,
    /// By person.
    pub by_person: Vec<Band>,
    /// By place on the screen.
    pub by_target: Vec<AtTarget>,
}

/// A predicted point: number of its sample, and where, normalised.
pub type Prediction = (usize, [f64; 2]);

/// Measures predictions against their samples' targets, seen from `distance_mm`. None of none.
/// What is not finite counts as an error of a whole screen, lest a method gain by it.
pub fn evaluate(cache: &Cache, predictions: &[Prediction], distance_mm: f64) -> Option<Evaluation> {
    let sample = |i: usize| &cache.samples[i];
    let target = |i: usize| sample(i).target_norm.map(f64::from);
    let predictions: Vec<Prediction> = (predictions.iter())
        .map(|(i, p)| match p.iter().all(|v| v.is_finite()) {
            true => (*i, *p),
            false => (*i, target(*i).map(|v| v + 1.0)),
        })
        .collect();
    let misses: Vec<(usize, Miss)> = (predictions.iter())
        .map(|(i, p)| (*i, View::of(cache, *i, distance_mm).miss(target(*i), *p)))
        .collect();
    let all: Vec<Miss> = misses.iter().map(|m| m.1).collect();
    let bands = |names: &[String], of: &dyn Fn(&Sample) -> usize| -> Vec<Band> {
        let mut groups = vec![Vec::new(); names.len()];
        for (i, miss) in &misses {
            groups[of(sample(*i))].push(*miss);
        }
        (names.iter().zip(groups))
            .filter_map(|(name, group)| {
                let name = name.clone();
                Errors::of(&group).map(|errors| Band { name, errors })
            })
            .collect()
    };
    let yaw = |s: &Sample| YAW_EDGES.partition_point(|e| s.head_deg[0] >= *e);
    let brightness = |s: &Sample| BRIGHTNESS_EDGES.partition_point(|e| s.brightness >= *e);
    Some(Evaluation {
        all: Errors::of(&all)?,
        jitter: Jitter::of(&still(cache, &predictions)),
        by_yaw: bands(&edges(&YAW_EDGES, "°"), &yaw),
        by_brightness: bands(&edges(&BRIGHTNESS_EDGES, ""), &brightness),
        by_person: bands(&cache.header.persons, &|s| usize::from(s.person)),
        by_target: at_targets(cache, &predictions, &misses),
    })
}

/// Names of the bands between edges.
fn edges(edges: &[f32], unit: &str) -> Vec<String> {
    let word = |v: &f32| format!("{v}{unit}").replace('-', "−");
    let mut names = vec![format!("under {}", word(&edges[0]))];
    names.extend((edges.windows(2)).map(|w| format!("{} to {}", word(&w[0]), word(&w[1]))));
    names.push(format!("over {}", word(&edges[edges.len() - 1])));
    names
}

fn at_targets(
    cache: &Cache,
    predictions: &[Prediction],
    misses: &[(usize, Miss)],
) -> Vec<AtTarget> {
    let mut sums = vec![([0.0; 2], 0usize, 0.0); cache.header.targets.len()];
    for ((i, point), (_, miss)) in predictions.iter().zip(misses) {
        let (sum, count, length) = &mut sums[usize::from(cache.samples[*i].target)];
        *sum = [0, 1].map(|k| sum[k] + point[k]);
        *count += 1;
        *length += miss.length();
    }
    (sums.into_iter().zip(&cache.header.targets))
        .filter(|((_, count, _), _)| *count > 0)
        .map(|((sum, points, length), target)| AtTarget {
            target: target.map(f64::from),
            point: sum.map(|v| v / points as f64),
            points,
            mean_px: length / points as f64,
        })
        .collect()
}

/// Points in pixels of looks that were held still, each in the order of time.
fn still(cache: &Cache, predictions: &[Prediction]) -> Vec<Vec<[f64; 2]>> {
    let mut order: Vec<&Prediction> = predictions.iter().collect();
    order.sort_by_key(|(i, _)| {
        let s = &cache.samples[*i];
        (s.session, s.timestamp_ms, s.file)
    });
    let mut runs: Vec<Vec<[f64; 2]>> = Vec::new();
    let mut first: Option<&Sample> = None;
    let mut last: Option<&Sample> = None;
    for (i, point) in order {
        let s = &cache.samples[*i];
        let goes_on = first.zip(last).is_some_and(|(first, last)| {
            let turned = |k: usize| (s.head_deg[k] - first.head_deg[k]).abs() > STILL_DEG;
            let moved = |k: usize| (s.target_norm[k] - first.target_norm[k]).abs() > STILL_PLACE;
            (first.session, first.screen) == (s.session, s.screen)
                && !(0..2).any(moved)
                && s.timestamp_ms > 0
                && s.timestamp_ms - last.timestamp_ms <= STILL_MS
                && !(0..3).any(turned)
        });
        if !goes_on {
            first = Some(s);
            runs.push(Vec::new());
        }
        last = Some(s);
        let px = View::of(cache, *i, DISTANCE_MM).px;
        if let Some(run) = runs.last_mut() {
            run.push([0, 1].map(|k| point[k] * px[k]));
        }
    }
    runs
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = values.collect();
    all.sort_by(f64::total_cmp);
    all
}

/// Between the two nearest values, in proportion (numpy's default).
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q * last as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (at - at.floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (a - b).abs() < 1e-9 * b.abs().max(1.0),
                "{found:?} {expected:?}"
            );
        }
    }

    /// Expected numbers: numpy 2 (mean, median, quantile; the angle by arctan2 of cross and dot).
    #[test]
    fn errors_are_those_of_numpy() {
        let targets = [
            [0.1, 0.2],
            [0.5, 0.5],
            [0.9, 0.8],
            [0.25, 0.75],
            [0.6, 0.1],
            [0.0, 1.0],
        ];
        let points = [
            [0.13, 0.18],
            [0.45, 0.56],
            [1.02, 0.7],
            [0.25, 0.75],
            [0.4, 0.22],
            [-0.1, 0.93],
        ];
        let view = View {
            px: [1920.0, 1080.0],
            mm: [344.0, 194.0],
            distance_mm: 600.0,
        };
        let misses: Vec<Miss> = (targets.iter().zip(&points))
            .map(|(t, p)| view.miss(*t, *p))
            .collect();
        let e = Errors::of(&misses).unwrap();
        assert_eq!(e.points, 6);
        close(
            &[e.mean_px, e.median_px, e.p95_px, e.x_px, e.y_px],
            &[
                173.90412555961575,
                161.0854907497915,
                367.57440992994856,
                160.0,
                66.6,
            ],
        );
        close(
            &[e.bias_px[0], e.bias_px[1], e.mean_deg, e.median_deg],
            &[-64.0, -1.8, 2.8726900827556, 2.615236116141528],
        );
        assert_eq!(Errors::of(&[]), None);
    }

    #[test]
    fn jitter_is_that_of_numpy() {
        let runs = [
            vec![[100.0, 100.0], [103.0, 98.0], [99.0, 101.0], [104.0, 97.0]],
            vec![[500.0, 300.0], [507.0, 301.0], [498.0, 305.0]],
            vec![[0.0, 0.0], [900.0, 0.0]],
        ];
        let j = Jitter::of(&runs).unwrap();
        assert_eq!((j.runs, j.points), (2, 7));
        close(
            &[j.sd_px, j.rms_s2s_px],
            &[4.139243087006769, 6.723094525588644],
        );
        assert_eq!(Jitter::of(&runs[2..]), None);
    }

    #[test]
    fn bands_have_names_and_edges() {
        assert_eq!(
            edges(&[-5.0, 5.0], "°"),
            ["under −5°", "−5° to 5°", "over 5°"]
        );
    }
}
