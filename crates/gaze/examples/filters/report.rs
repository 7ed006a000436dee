//! A filter's output against the truth, in numbers.

use gaze::filter::{FilterConfig, GazeFilter, GazeState};

use crate::movement::{Kind, Measurement, Movement, Segment};

const PUBLISH_HZ: f64 = 60.0;
/// A fixation is judged from this long after it began.
const SETTLED_S: f64 = 0.15;
/// Saccades shorter than this drown in the noise: their end cannot be timed.
const TIMED_SACCADE_DEG: f64 = 5.0;
/// A saccade that has not arrived by then counts as this late.
const LATEST_S: f64 = 0.5;

/// What a person would notice.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// RMS of the steps between published points in fixations, % of the screen.
    pub rms_s2s: f64,
    /// Standard deviation about the fixation's own mean, % of the screen.
    pub sd: f64,
    /// RMS distance from the truth in fixations, % of the screen.
    pub error: f64,
    /// From a saccade's start until 90 % of its way is shown, ms.
    pub saccade_ms: f64,
    /// Furthest beyond the target within 150 ms after the end, % of the way.
    pub overshoot: f64,
    /// Distance behind a moving target divided by its speed, ms.
    pub pursuit_ms: f64,
    /// Furthest from the truth during and just after a blink, % of the screen.
    pub blink: f64,
    /// Points of fixations that are called pursuit, %.
    pub false_pursuit: f64,
}

/// Feeds the measurements as they arrive and publishes at 60 Hz.
pub fn publish(config: FilterConfig, input: &[Measurement], until_s: f64) -> Vec<Published> {
    let mut filter = GazeFilter::new(config);
    let mut waiting = input.iter().peekable();
    let mut output = Vec::new();
    for tick in 1..(until_s * PUBLISH_HZ) as usize {
        let t_s = tick as f64 / PUBLISH_HZ;
        while let Some(m) = waiting.next_if(|m| m.arrived_s <= t_s) {
            // Jitter can bring frames out of order at 60 fps: those are dropped.
            let _ = filter.update(nanoseconds(m.captured_s), m.point, m.noise);
        }
        output.push(Published {
            t_s,
            point: filter.predict(nanoseconds(t_s)),
            state: filter.state(),
        });
    }
    output
}

/// A published point.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    t_s: f64,
    point: Option<[f64; 2]>,
    state: GazeState,
}

fn nanoseconds(t_s: f64) -> u64 {
    (t_s * 1e9) as u64
}

/// Judges what was published.
pub fn judge(movement: &Movement, output: &[Published]) -> Report {
    let (mut s2s, mut sd, mut error) = (Mean::default(), Mean::default(), Mean::default());
    let (mut saccade, mut overshoot) = (Mean::default(), Mean::default());
    let (mut pursuit, mut blink) = (Mean::default(), Mean::default());
    let mut moving = Mean::default();
    for (i, segment) in movement.segments.iter().enumerate() {
        match segment.kind {
            Kind::Fixation => {
                let points = within(output, segment.start_s + SETTLED_S, segment.end_s);
                let Some(mean) = middle(points) else { continue };
                for p in points {
                    let Some(point) = p.point else { continue };
                    moving.add(f64::from(u8::from(p.state == GazeState::Pursuit)));
                    sd.add(square(point, mean));
                    error.add(square(point, movement.at(p.t_s)));
                }
                for pair in points.windows(2) {
                    if let (Some(a), Some(b)) = (pair[0].point, pair[1].point) {
                        s2s.add(square(a, b));
                    }
                }
            }
            Kind::Saccade if segment.degrees() >= TIMED_SACCADE_DEG => {
                let rest_ends = movement.segments.get(i + 1).map_or(0.0, |next| next.end_s);
                let points = within(
                    output,
                    segment.start_s,
                    rest_ends.min(segment.start_s + LATEST_S),
                );
                let arrived = points.iter().find(|p| along(segment, p) >= 0.9);
                saccade.add(arrived.map_or(LATEST_S, |p| p.t_s - segment.start_s));
                // Averaged over all saccades noise cancels, a habit does not.
                for p in within(points, segment.end_s, segment.end_s + 0.15) {
                    overshoot.add((along(segment, p) - 1.0).max(0.0));
                }
            }
            Kind::Pursuit => {
                let length = segment.end_s - segment.start_s;
                for p in within(output, segment.start_s + 0.4 * length, segment.end_s) {
                    let share = (p.t_s - segment.start_s) / length;
                    pursuit.add((share - along(segment, p)) * length);
                }
            }
            Kind::Blink => {
                let worst = within(output, segment.start_s, segment.end_s + 0.1)
                    .iter()
                    .filter_map(|p| Some(square(p.point?, movement.at(p.t_s)).sqrt()))
                    .fold(0.0, f64::max);
                blink.add(worst);
            }
            Kind::Saccade => {}
        }
    }
    Report {
        rms_s2s: 100.0 * s2s.value().sqrt(),
        sd: 100.0 * sd.value().sqrt(),
        error: 100.0 * error.value().sqrt(),
        saccade_ms: 1e3 * saccade.value(),
        overshoot: 100.0 * overshoot.value(),
        pursuit_ms: 1e3 * pursuit.value(),
        blink: 100.0 * blink.value(),
        false_pursuit: 100.0 * moving.value(),
    }
}

#[derive(Default)]
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

fn within(output: &[Published], from_s: f64, to_s: f64) -> &[Published] {
    let start = output.partition_point(|p| p.t_s < from_s);
    let end = output.partition_point(|p| p.t_s < to_s);
    &output[start..end.max(start)]
}

fn middle(points: &[Published]) -> Option<[f64; 2]> {
    let (mut x, mut y) = (Mean::default(), Mean::default());
    for [px, py] in points.iter().filter_map(|p| p.point) {
        x.add(px);
        y.add(py);
    }
    (x.1 >= 4.0).then(|| [x.value(), y.value()])
}

fn square(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

/// Share of the segment's way that is shown.
fn along(segment: &Segment, p: &Published) -> f64 {
    let Some(point) = p.point else { return 0.0 };
    let way = [
        segment.to[0] - segment.from[0],
        segment.to[1] - segment.from[1],
    ];
    let done = [point[0] - segment.from[0], point[1] - segment.from[1]];
    (done[0] * way[0] + done[1] * way[1]) / (way[0] * way[0] + way[1] * way[1])
}
