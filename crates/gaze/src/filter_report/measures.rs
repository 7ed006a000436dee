//! A filter's points against the truth, in numbers.

use serde::Serialize;

use super::chain::Published;
use crate::eye_movements::{Kind, Movement, SCREEN_DEG, Segment, degrees_between};

/// A fixation is judged from this long after it began, seconds.
const SETTLED_S: f64 = 0.15;
/// Saccades shorter than this drown in the noise: their end cannot be timed.
const TIMED_SACCADE_DEG: f64 = 5.0;
/// A saccade that has not arrived by then counts as this late, seconds.
const LATEST_S: f64 = 0.5;
/// Published points after a saccade in which it may overshoot: 120 ms, as the shortest rest.
const AFTER: usize = 7;
/// So long after a blink what it did is still its doing, seconds.
const AFTER_BLINK_S: f64 = 0.2;

/// What a person would notice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measures {
    /// Root mean square of the steps from one published point to the next in fixations, degrees.
    pub jitter_deg: f64,
    /// Standard deviation about each fixation's own mean, degrees.
    pub sd_deg: f64,
    /// From a saccade's start until nine tenths of its way are shown, mean, ms.
    pub saccade_ms: f64,
    /// Furthest beyond the target of the mean course after a saccade, % of the way.
    pub overshoot_percent: f64,
    /// How far behind an evenly moving target, ms.
    pub pursuit_ms: f64,
    /// Furthest from the truth during and just after a blink, mean over blinks, degrees.
    pub blink_deg: f64,
    /// Without a valid point during and just after a blink, mean, ms.
    pub blind_ms: f64,
}

/// Sums over people.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    steps: Mean,
    spread: Mean,
    saccade: Mean,
    after: [Mean; AFTER],
    pursuit: Mean,
    blink: Mean,
    blind: Mean,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mean(f64, f64);

impl Mean {
    fn add(&mut self, value: f64) {
        self.0 += value;
        self.1 += 1.0;
    }

    fn value(&self) -> f64 {
        self.0 / self.1.max(1.0)
    }
}

impl Tally {
    /// Adds what was published of one movement.
    pub fn add(&mut self, movement: &Movement, output: &[Published]) {
        for (i, segment) in movement.segments.iter().enumerate() {
            match segment.kind {
                Kind::Fixation => {
                    self.fixation(within(output, segment.start_s + SETTLED_S, segment.end_s))
                }
                Kind::Saccade => {
                    let rest_ends = movement.segments.get(i + 1).map_or(0.0, |next| next.end_s);
                    self.saccade(segment, rest_ends, output);
                }
                Kind::Pursuit => self.pursuit(segment, movement, output),
                Kind::Blink => self.blink(segment, movement, output),
            }
        }
    }

    fn fixation(&mut self, points: &[Published]) {
        let known: Vec<[f64; 2]> = points.iter().filter_map(|p| p.point).collect();
        if known.len() < 4 {
            return;
        }
        let mean = [0, 1].map(|k| known.iter().map(|p| p[k]).sum::<f64>() / known.len() as f64);
        known
            .iter()
            .for_each(|p| self.spread.add(degrees_between(*p, mean).powi(2)));
        for pair in points.windows(2) {
            if let (Some(a), Some(b)) = (pair[0].point, pair[1].point) {
                self.steps.add(degrees_between(a, b).powi(2));
            }
        }
    }

    fn saccade(&mut self, segment: &Segment, rest_ends: f64, output: &[Published]) {
        if segment.degrees() < TIMED_SACCADE_DEG {
            return;
        }
        let until = rest_ends.min(segment.start_s + LATEST_S);
        let points = within(output, segment.start_s, until);
        let arrived = points.iter().find(|p| along(segment, p.point) >= 0.9);
        self.saccade
            .add(arrived.map_or(LATEST_S, |p| p.t_s - segment.start_s));
        let after = within(points, segment.end_s, until);
        for (sum, p) in self.after.iter_mut().zip(after) {
            if p.point.is_some() {
                // Over all saccades noise cancels, a habit does not.
                sum.add(along(segment, p.point) - 1.0);
            }
        }
    }

    fn pursuit(&mut self, segment: &Segment, movement: &Movement, output: &[Published]) {
        let length = segment.end_s - segment.start_s;
        let points = within(output, segment.start_s + 0.4 * length, segment.end_s);
        let speed = along(segment, Some(movement.at(segment.end_s - 0.01)))
            - along(segment, Some(movement.at(segment.end_s - 0.11)));
        for p in points.iter().filter(|p| p.point.is_some()) {
            let behind = along(segment, Some(movement.at(p.t_s))) - along(segment, p.point);
            self.pursuit.add(0.1 * behind / speed);
        }
    }

    fn blink(&mut self, segment: &Segment, movement: &Movement, output: &[Published]) {
        let points = within(output, segment.start_s, segment.end_s + AFTER_BLINK_S);
        let blind = points.iter().filter(|p| p.point.is_none()).count();
        self.blind.add(blind as f64 / super::chain::PUBLISH_HZ);
        let worst = points.iter().filter_map(|p| {
            // Where the eye went behind the lids nobody can know.
            let places = [movement.at(p.t_s), segment.from, segment.to];
            let near = places.map(|place| Some(degrees_between(p.point?, place)));
            near.into_iter().flatten().reduce(f64::min)
        });
        self.blink.add(worst.fold(0.0, f64::max));
    }

    /// The numbers.
    pub fn measures(&self) -> Measures {
        let after = self.after.iter().map(Mean::value);
        Measures {
            jitter_deg: self.steps.value().sqrt(),
            sd_deg: self.spread.value().sqrt(),
            saccade_ms: 1e3 * self.saccade.value(),
            overshoot_percent: 100.0 * after.fold(0.0, f64::max),
            pursuit_ms: 1e3 * self.pursuit.value(),
            blink_deg: self.blink.value(),
            blind_ms: 1e3 * self.blind.value(),
        }
    }
}

/// The points published from one time to another.
pub(super) fn within(output: &[Published], from_s: f64, to_s: f64) -> &[Published] {
    let start = output.partition_point(|p| p.t_s < from_s);
    let end = output.partition_point(|p| p.t_s < to_s);
    &output[start..end.max(start)]
}

/// Share of the segment's way that is shown.
fn along(segment: &Segment, point: Option<[f64; 2]>) -> f64 {
    let Some(point) = point else { return 0.0 };
    let [mut done, mut whole] = [0.0; 2];
    for (axis, degrees) in SCREEN_DEG.iter().enumerate() {
        let way = degrees * (segment.to[axis] - segment.from[axis]);
        done += way * degrees * (point[axis] - segment.from[axis]);
        whole += way * way;
    }
    done / whole
}
