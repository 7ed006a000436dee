//! Eye movements with known truth, and what a webcam and our networks make of them.
//!
//! What filters are judged on ([`crate::filter_report`]), since nobody can say where a real
//! eye looked within a tenth of a degree at every millisecond.
//!
//! | what | as in |
//! |---|---|
//! | how long a fixation is | log-normal about 300 ms: Rayner 1998, "Eye movements in reading and information processing" |
//! | drift in it | a random walk of 40 arcmin²/s: Kuang, Poletti, Victor, Rucci 2012, "Temporal encoding of spatial information during active visual fixation" |
//! | tremor | 0.005°: Martinez-Conde, Macknik, Hubel 2004, "The role of fixational eye movements in visual perception" |
//! | a saccade's duration | 2.2 ms a degree and 21 ms: Carpenter 1988, "Movements of the Eyes" |
//! | its peak velocity | 1.65 times its mean one: Becker 1989, "Metrics", in Wurtz and Goldberg; with the duration above that is the main sequence of Bahill, Clark, Stark 1975 |
//! | pursuit | 5 to 20° a second, evenly, after 100 ms of speeding up: Robinson 1965, "The mechanics of human smooth pursuit eye movement" |
//! | lids in a blink | down in 75 to 95 ms, up two to three times slower: VanderWerf and others 2003, "Eyelid movements: behavioral studies of blinking in humans"; one in five stops half-way |
//! | the measured point's noise, and what lids do to it | our own networks' residuals ([`Residuals`]) |

mod random;
mod residuals;
mod webcam;

pub use random::Random;
pub use residuals::{Colour, Picture, Residuals};
pub use webcam::{Measured, Webcam};

/// Degrees that the screen's width and height span: the demo's, 310 × 174 mm from 56 cm.
pub const SCREEN_DEG: [f64; 2] = [31.0, 17.7];

/// What the eye does in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It rests.
    Fixation,
    /// It flies to another place.
    Saccade,
    /// It follows something that moves evenly.
    Pursuit,
    /// The lids close and open again; the eye rests, or has moved when they open.
    Blink,
}

/// A stretch of time in which the eye does one thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// What it does.
    pub kind: Kind,
    /// Begin, seconds.
    pub start_s: f64,
    /// End, seconds.
    pub end_s: f64,
    /// Where it looks first, fractions of the screen.
    pub from: [f64; 2],
    /// Where it looks last.
    pub to: [f64; 2],
}

impl Segment {
    /// How far the eye turns, degrees.
    pub fn degrees(&self) -> f64 {
        degrees_between(self.from, self.to)
    }
}

/// Angle between two points of the screen, degrees, near enough for small ones.
pub fn degrees_between(a: [f64; 2], b: [f64; 2]) -> f64 {
    libm::hypot((a[0] - b[0]) * SCREEN_DEG[0], (a[1] - b[1]) * SCREEN_DEG[1])
}

/// The truth, once a millisecond.
#[derive(Debug, Clone)]
pub struct Movement {
    /// One after the other, without gaps.
    pub segments: Vec<Segment>,
    points: Vec<[f64; 2]>,
    shut: Vec<f64>,
}

/// Drift: standard deviation of a random walk on each axis, degrees per √second.
/// 40 arcmin²/s spread over 4·D·t of both axes: √(2·40) arcmin.
const DRIFT_DEG: f64 = 0.149;
const TREMOR_DEG: f64 = 0.005;
/// Saccades: ms for each degree, and ms besides.
const SACCADE_MS: [f64; 2] = [2.2, 21.0];
/// Shape of the velocity, (u·(1−u))^this: peak ÷ mean is 1.65.
const SACCADE_SHAPE: f64 = 1.38;
/// How long an eye takes to speed up to its target's speed, seconds.
const PURSUIT_ONSET_S: f64 = 0.1;

impl Movement {
    /// Fixations and saccades for so many seconds, now and then a pursuit, every 2 to 6 s a
    /// blink.
    pub fn generate(seconds: f64, rng: &mut Random) -> Self {
        let mut movement = Self {
            segments: Vec::new(),
            points: Vec::new(),
            shut: Vec::new(),
        };
        let flight = flight();
        let mut p = [0.5, 0.5];
        let (mut next_blink, mut next_pursuit) = (2.0, 5.0);
        while movement.seconds() < seconds {
            let length = (0.3 * libm::exp(0.5 * rng.normal())).clamp(0.12, 1.5);
            movement.rest(length, &mut p, rng);
            if movement.seconds() > next_blink {
                movement.blink(&mut p, rng);
                movement.rest(length.max(0.4), &mut p, rng);
                next_blink = movement.seconds() + rng.uniform(2.0, 6.0);
            }
            if movement.seconds() > next_pursuit {
                let speed = rng.uniform(5.0, 20.0);
                let way = speed * rng.uniform(0.6, 1.2);
                let Some(to) = target(p, way, rng) else {
                    continue;
                };
                let length = way / speed + PURSUIT_ONSET_S / 2.0;
                let onset = PURSUIT_ONSET_S / length;
                movement.travel(Kind::Pursuit, length, p, to, |u| {
                    let past = 1.0 - onset / 2.0;
                    match u < onset {
                        true => u * u / (2.0 * onset) / past,
                        false => (u - onset / 2.0) / past,
                    }
                });
                p = to;
                next_pursuit = movement.seconds() + rng.uniform(3.0, 8.0);
            } else {
                // Exponential with a mean of 6°.
                let way = (-6.0 * libm::log(1.0 - rng.uniform(0.0, 1.0))).clamp(0.5, 25.0);
                let Some(to) = target(p, way, rng) else {
                    continue;
                };
                let length = 1e-3 * (SACCADE_MS[0] * way + SACCADE_MS[1]);
                movement.travel(Kind::Saccade, length, p, to, |u| {
                    let at = u * (flight.len() - 1) as f64;
                    let i = (at as usize).min(flight.len() - 2);
                    flight[i] + (at - i as f64) * (flight[i + 1] - flight[i])
                });
                p = to;
            }
        }
        movement
    }

    /// How long it is.
    pub fn seconds(&self) -> f64 {
        self.points.len() as f64 / 1000.0
    }

    /// Where the eye looks.
    pub fn at(&self, t_s: f64) -> [f64; 2] {
        self.points[self.index(t_s)]
    }

    /// How far the lids are shut by a blink: 0 not at all … 1 wholly.
    pub fn shut(&self, t_s: f64) -> f64 {
        self.shut[self.index(t_s)]
    }

    fn index(&self, t_s: f64) -> usize {
        ((t_s * 1000.0).round().max(0.0) as usize).min(self.points.len() - 1)
    }

    fn push(&mut self, kind: Kind, from: [f64; 2], to: [f64; 2], start_s: f64) {
        self.segments.push(Segment {
            kind,
            start_s,
            end_s: self.seconds(),
            from,
            to,
        });
    }

    fn drift(p: &mut [f64; 2], rng: &mut Random) -> [f64; 2] {
        [0, 1].map(|axis| {
            p[axis] += DRIFT_DEG * libm::sqrt(0.001) * rng.normal() / SCREEN_DEG[axis];
            p[axis] + TREMOR_DEG * rng.normal() / SCREEN_DEG[axis]
        })
    }

    fn rest(&mut self, length: f64, p: &mut [f64; 2], rng: &mut Random) {
        let (start_s, from) = (self.seconds(), *p);
        for _ in 0..(length * 1000.0) as usize {
            let seen = Self::drift(p, rng);
            self.points.push(seen);
            self.shut.push(0.0);
        }
        self.push(Kind::Fixation, from, *p, start_s);
    }

    fn blink(&mut self, p: &mut [f64; 2], rng: &mut Random) {
        let (start_s, from) = (self.seconds(), *p);
        let down = rng.uniform(75.0, 95.0);
        let closed = rng.uniform(20.0, 80.0);
        let up = down * rng.uniform(2.0, 3.0);
        let whole = rng.uniform(0.0, 1.0) > 0.2;
        let depth = if whole { 1.0 } else { rng.uniform(0.4, 0.8) };
        // In three of ten the eye has gone elsewhere behind the lids.
        let elsewhere = (whole && rng.uniform(0.0, 1.0) < 0.3)
            .then(|| target(*p, rng.uniform(2.0, 10.0), rng))
            .flatten();
        for ms in 0..(down + closed + up) as usize {
            let t = ms as f64;
            if t >= down
                && let Some(to) = elsewhere
                && t < down + 1.0
            {
                *p = to;
            }
            let seen = Self::drift(p, rng);
            self.points.push(seen);
            let shut = if t < down {
                let u = t / down;
                u * u * (3.0 - 2.0 * u)
            } else if t < down + closed {
                1.0
            } else {
                // Fast first, then slower and slower.
                let u = (t - down - closed) / up;
                (1.0 - u) * (1.0 - u)
            };
            self.shut.push(depth * shut);
        }
        self.push(Kind::Blink, from, *p, start_s);
    }

    fn travel(
        &mut self,
        kind: Kind,
        length: f64,
        from: [f64; 2],
        to: [f64; 2],
        course: impl Fn(f64) -> f64,
    ) {
        let start_s = self.seconds();
        let steps = (length * 1000.0) as usize;
        for i in 1..=steps {
            let u = course(i as f64 / steps as f64);
            self.points
                .push([0, 1].map(|axis| from[axis] + u * (to[axis] - from[axis])));
            self.shut.push(0.0);
        }
        self.push(kind, from, to, start_s);
    }
}

/// A saccade's course from 0 to 1, as a table over its duration.
fn flight() -> Vec<f64> {
    let speed = |u: f64| libm::pow(u * (1.0 - u), SACCADE_SHAPE);
    let steps = 400;
    let mut way = vec![0.0];
    for i in 0..steps {
        let u = (i as f64 + 0.5) / f64::from(steps);
        way.push(way[i as usize] + speed(u));
    }
    let whole = way[steps as usize];
    way.into_iter().map(|w| w / whole).collect()
}

/// A place so many degrees away that is still on the screen.
fn target(from: [f64; 2], way: f64, rng: &mut Random) -> Option<[f64; 2]> {
    (0..50).find_map(|_| {
        let angle = rng.uniform(0.0, std::f64::consts::TAU);
        let to = [
            from[0] + way * libm::cos(angle) / SCREEN_DEG[0],
            from[1] + way * libm::sin(angle) / SCREEN_DEG[1],
        ];
        to.iter().all(|c| (0.03..0.97).contains(c)).then_some(to)
    })
}

#[cfg(test)]
mod tests;
