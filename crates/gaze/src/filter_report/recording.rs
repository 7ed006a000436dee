//! Filters on recorded samples, where nobody knows the truth.
//!
//! Fixations and saccades are found in the recorded points themselves, so that all filters are
//! asked about the same ones: how much they jitter in the first, and how much later than the
//! recorded points they are in the second.

use serde::Serialize;

use super::chain::{Candidate, publish_at};
use super::measures::within;
use crate::eye_movements::{Measured, SCREEN_DEG, degrees_between};

/// Recorded points, and the times at which samples were published.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// One for each frame that was measured.
    pub measured: Vec<Measured>,
    /// Seconds.
    pub published_s: Vec<f64>,
}

/// Where in a recording the eye rested and leapt.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Found {
    /// From and to, seconds.
    pub fixations: Vec<[f64; 2]>,
    /// About when, from where, to where.
    pub saccades: Vec<Leap>,
}

/// A saccade that was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Leap {
    /// When the first point lies nearer to where it goes, seconds.
    pub t_s: f64,
    /// Mean before it.
    pub from: [f64; 2],
    /// Mean after it.
    pub to: [f64; 2],
}

/// What one filter makes of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Heard {
    /// Root mean square of the steps between published points in fixations, degrees.
    pub jitter_deg: f64,
    /// Standard deviation about each fixation's mean, degrees.
    pub sd_deg: f64,
    /// When nine tenths of a saccade are shown, after the recorded point does, mean, ms.
    pub later_ms: f64,
}

/// Frames on each side whose means tell a leap.
const SIDE: usize = 4;
/// A leap of the mean is at least this long, degrees, and so many times the noise.
const LEAP_DEG: f64 = 3.0;
const LEAP_NOISE: f64 = 6.0;
/// The eye rests where that leap is shorter than this share of a saccade's.
const REST_SHARE: f64 = 0.4;
/// So long after its beginning a rest is published, at the latest, seconds.
const LATER_S: f64 = 0.08;
/// Shorter rests are none, seconds.
const REST_S: f64 = 0.15;
/// Frames further apart do not belong together, seconds.
const GAP_S: f64 = 0.12;
/// A leap that is not shown by then counts as this late, seconds.
const LATEST_S: f64 = 0.5;

impl Recording {
    /// Finds rests and leaps.
    pub fn find(&self) -> Found {
        let all = &self.measured;
        let mut steps: Vec<f64> = all
            .windows(2)
            .map(|w| degrees_between(w[0].point, w[1].point))
            .collect();
        steps.sort_by(f64::total_cmp);
        let noise = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
        let least = LEAP_DEG.max(LEAP_NOISE * noise / (SIDE as f64).sqrt());
        let mean = |run: &[Measured]| {
            [0, 1].map(|k| run.iter().map(|m| m.point[k]).sum::<f64>() / run.len() as f64)
        };
        let whole = |run: &[Measured]| {
            run.windows(2)
                .all(|w| w[1].captured_s - w[0].captured_s < GAP_S)
        };
        let change = |i: usize| {
            let around = i
                .checked_sub(SIDE)
                .and_then(|from| all.get(from..i + SIDE))?;
            let (before, after) = around.split_at(SIDE);
            whole(around).then(|| (mean(before), mean(after)))
        };
        let size = |i: usize| change(i).map_or(0.0, |(a, b)| degrees_between(a, b));
        let mut found = Found::default();
        for (i, look) in all.iter().enumerate() {
            let here = size(i);
            let greatest = (i.saturating_sub(SIDE)..i + SIDE + 1)
                .all(|k| size(k) < here || (size(k) == here && k >= i));
            if here >= least
                && greatest
                && let Some((from, to)) = change(i)
            {
                let t_s = look.captured_s;
                found.saccades.push(Leap { t_s, from, to });
            }
        }
        // Where the means on both sides are alike, it rests.
        let rests = |i: usize| change(i).is_some() && size(i) < REST_SHARE * least;
        let mut start = None;
        for (i, frame) in all.iter().enumerate() {
            if rests(i) {
                let from = *start.get_or_insert(frame.captured_s);
                if i + 1 < all.len() && rests(i + 1) {
                    continue;
                }
                if frame.captured_s - from >= REST_S {
                    found.fixations.push([from, frame.captured_s]);
                }
            }
            start = None;
        }
        found
    }

    /// What a filter makes of it; nothing is held back, since recorded points already went that
    /// way.
    pub fn judge(&self, candidate: Candidate, none: Candidate, found: &Found) -> Heard {
        let run = |c| publish_at(c, false, &self.measured, self.published_s.iter().copied());
        let (output, plain) = (run(candidate), run(none));
        let (mut steps, mut spread) = ([0.0; 2], [0.0; 2]);
        for [from, to] in &found.fixations {
            // What is captured at its beginning is published later.
            let points: Vec<[f64; 2]> = within(&output, from + LATER_S, *to)
                .iter()
                .filter_map(|p| p.point)
                .collect();
            let n = points.len().max(1) as f64;
            let mean = [0, 1].map(|k| points.iter().map(|p| p[k]).sum::<f64>() / n);
            for p in &points {
                spread[0] += degrees_between(*p, mean).powi(2);
                spread[1] += 1.0;
            }
            for w in points.windows(2) {
                steps[0] += degrees_between(w[0], w[1]).powi(2);
                steps[1] += 1.0;
            }
        }
        let shown = |output: &[super::Published], leap: &Leap| {
            let after = within(output, leap.t_s - 0.05, leap.t_s + LATEST_S);
            let there = after
                .iter()
                .find(|p| p.point.is_some_and(|p| along(leap, p) >= 0.9));
            there.map_or(leap.t_s + LATEST_S, |p| p.t_s)
        };
        let later = found
            .saccades
            .iter()
            .map(|leap| shown(&output, leap) - shown(&plain, leap));
        let root = |[sum, n]: [f64; 2]| (sum / f64::max(n, 1.0)).sqrt();
        Heard {
            jitter_deg: root(steps),
            sd_deg: root(spread),
            later_ms: 1e3 * later.sum::<f64>() / found.saccades.len().max(1) as f64,
        }
    }
}

fn along(leap: &Leap, point: [f64; 2]) -> f64 {
    let [mut done, mut whole] = [0.0; 2];
    for (axis, degrees) in SCREEN_DEG.iter().enumerate() {
        let way = degrees * (leap.to[axis] - leap.from[axis]);
        done += way * degrees * (point[axis] - leap.from[axis]);
        whole += way * way;
    }
    done / whole
}
