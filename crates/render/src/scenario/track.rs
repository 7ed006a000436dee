//! Where eyes, lids and head are at any time of a session.

use nalgebra::Point2;

use super::between;
use crate::maths::{Rng, sin_cos};
use crate::path::Doing;

/// How long a session lasts.
pub(super) const SECONDS: f64 = 30.0;
/// Degrees the screen is taken to be wide and high where a saccade's length is needed.
const SPAN_DEG: [f64; 2] = [30.0, 17.0];

/// One thing the eyes do, from `start` to the next one's.
#[derive(Debug, Clone, Copy)]
struct Event {
    start: f64,
    from: Point2<f64>,
    to: Point2<f64>,
    doing: Doing,
    length: f64,
    phase: f64,
}

/// A session of one person.
#[derive(Debug)]
pub(super) struct Track {
    events: Vec<Event>,
    blinks: Vec<f64>,
    wander: f64,
}

impl Track {
    /// A session of this seed.
    pub fn new(seed: u64) -> Track {
        let mut r = Rng::new(seed ^ 0x7ac);
        let mut events: Vec<Event> = Vec::new();
        let (mut t, mut at) = (0.0, Point2::new(0.5, 0.5));
        while t < SECONDS {
            let (doing, to, length) = match (events.last(), r.unit()) {
                (Some(last), _) if last.doing != Doing::Fixation => {
                    // Fixations last 0.2 to 1.2 s, most about a third of a second.
                    let u = f64::from(r.unit());
                    (Doing::Fixation, at, 0.2 + 1.0 * u * u)
                }
                (_, u) if u < 0.08 => {
                    let to = Point2::new(between(&mut r, 0.1, 0.9), between(&mut r, 0.1, 0.9));
                    // Smooth pursuit, 5 to 15 degrees a second.
                    (
                        Doing::Pursuit,
                        to,
                        degrees(at, to) / between(&mut r, 5.0, 15.0),
                    )
                }
                _ => {
                    // Short saccades, as in reading, and long ones.
                    let reach = if r.unit() < 0.6 { 0.15 } else { 0.9 };
                    let mut near =
                        |v: f64| between(&mut r, (v - reach).max(0.02), (v + reach).min(0.98));
                    let to = Point2::new(near(at.x), near(at.y));
                    // 2.2 ms a degree and 21 ms more (Carpenter 1988).
                    (Doing::Saccade, to, 0.021 + 0.0022 * degrees(at, to))
                }
            };
            events.push(Event {
                start: t,
                from: at,
                to,
                doing,
                length,
                phase: between(&mut r, 0.0, 360.0),
            });
            t += length;
            at = to;
        }
        // A blink every two to six seconds.
        let mut blinks = Vec::new();
        let mut b = between(&mut r, 0.5, 4.0);
        while b < SECONDS - 0.5 {
            blinks.push(b);
            b += between(&mut r, 2.0, 6.0);
        }
        Track {
            events,
            blinks,
            wander: between(&mut r, 0.0, 360.0),
        }
    }

    fn event(&self, t: f64) -> &Event {
        let i = self.events.partition_point(|e| e.start <= t);
        &self.events[i.saturating_sub(1)]
    }

    /// Where on the screen the eyes are directed, and what they do.
    pub fn eyes(&self, t: f64) -> (Point2<f64>, Doing) {
        let e = self.event(t);
        let u = ((t - e.start) / e.length).clamp(0.0, 1.0);
        let way = match e.doing {
            // Half a cosine: the speed rises and falls as a saccade's does.
            Doing::Saccade => (1.0 - sin_cos(180.0 * u).1) / 2.0,
            _ => u,
        };
        let mut p = e.from + (e.to - e.from) * way;
        if e.doing == Doing::Fixation {
            // Drift and tremor: some tenths of a degree, slow and slower.
            let wave = |hz: f64| sin_cos(e.phase + 360.0 * hz * t).0;
            p.x += (0.12 * wave(0.9) + 0.05 * wave(4.1)) / SPAN_DEG[0];
            p.y += (0.12 * wave(0.7) + 0.05 * wave(3.3)) / SPAN_DEG[1];
        }
        (p, e.doing)
    }

    /// How far the lids are shut, 0..1: down in 70 ms, up in 160, as people's do.
    pub fn shut(&self, t: f64) -> f64 {
        let now = self
            .blinks
            .iter()
            .map(|b| t - b)
            .find(|d| (0.0..0.28).contains(d));
        let Some(d) = now else { return 0.0 };
        let smooth = |u: f64| {
            let u = u.clamp(0.0, 1.0);
            u * u * (3.0 - 2.0 * u)
        };
        smooth(d / 0.07) * (1.0 - smooth((d - 0.12) / 0.16))
    }

    /// Yaw, pitch and roll of the head beside its rest (degrees), and its sway (mm): it
    /// follows the eyes late and for a third of the way, and is never quite still.
    pub fn head(&self, t: f64) -> ([f64; 3], [f64; 3]) {
        // The mean of where the eyes have been, over the last second and a half.
        let past = (1..=12).map(|k| self.eyes((t - 0.12 * f64::from(k)).max(0.0)).0);
        let (mut x, mut y) = (0.0, 0.0);
        for p in past {
            x += (p.x - 0.5) / 12.0;
            y += (p.y - 0.5) / 12.0;
        }
        let wave = |hz: f64, phase: f64| sin_cos(self.wander + phase + 360.0 * hz * t).0;
        (
            [
                -0.35 * x * SPAN_DEG[0] + 0.8 * wave(0.21, 0.0) + 2.0 * wave(0.031, 50.0),
                -0.30 * y * SPAN_DEG[1] + 0.5 * wave(0.27, 40.0) + 1.5 * wave(0.043, 10.0),
                0.4 * wave(0.12, 90.0) + 1.0 * wave(0.027, 20.0),
            ],
            [
                2.0 * wave(0.16, 10.0) + 8.0 * wave(0.023, 0.0),
                1.2 * wave(0.25, 70.0) + 3.0 * wave(0.017, 0.0),
                4.0 * wave(0.08, 30.0) + 10.0 * wave(0.019, 60.0),
            ],
        )
    }
}

fn degrees(a: Point2<f64>, b: Point2<f64>) -> f64 {
    let (x, y) = ((b.x - a.x) * SPAN_DEG[0], (b.y - a.y) * SPAN_DEG[1]);
    (x * x + y * y).sqrt().max(0.2)
}
