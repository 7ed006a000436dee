//! Eye movements with known truth, and what a webcam would measure of them.

/// Degrees that the screen's width and height span at arm's length.
pub const SCREEN_DEG: [f64; 2] = [30.0, 19.0];

/// From capture to when the filter gets the measurement.
const PIPELINE_S: f64 = 0.025;

/// SplitMix64, and normal numbers by Box and Muller.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(0.0, 1.0)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform(0.0, 1.0)).cos()
    }
}

/// A stretch of time in which the eye does one thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Fixation,
    Saccade,
    Pursuit,
    Blink,
}

#[derive(Debug, Clone, Copy)]
pub struct Segment {
    pub kind: Kind,
    pub start_s: f64,
    pub end_s: f64,
    pub from: [f64; 2],
    pub to: [f64; 2],
}

impl Segment {
    /// Length in degrees.
    pub fn degrees(&self) -> f64 {
        ((self.to[0] - self.from[0]) * SCREEN_DEG[0])
            .hypot((self.to[1] - self.from[1]) * SCREEN_DEG[1])
    }
}

/// The truth, once a millisecond.
pub struct Movement {
    pub segments: Vec<Segment>,
    pub truth: Vec<[f64; 2]>,
}

impl Movement {
    /// Where the eye looks.
    pub fn at(&self, t_s: f64) -> [f64; 2] {
        self.truth[((t_s * 1000.0).round().max(0.0) as usize).min(self.truth.len() - 1)]
    }

    /// Fixations with drift and tremor, main-sequence saccades, pursuits, blinks.
    pub fn generate(seconds: f64, rng: &mut Random) -> Self {
        let mut movement = Self {
            segments: Vec::new(),
            truth: Vec::new(),
        };
        let mut p = [0.5, 0.5];
        let (mut next_blink, mut next_pursuit) = (2.0, 5.0);
        while movement.now() < seconds {
            // Log-normal about 300 ms, as in looking at pictures and pages.
            let length = (0.3 * (0.5 * rng.normal()).exp()).clamp(0.12, 1.5);
            movement.rest(Kind::Fixation, length, &mut p, rng);
            if movement.now() > next_blink {
                movement.rest(Kind::Blink, BLINK_S, &mut p, rng);
                movement.rest(Kind::Fixation, length.max(0.3), &mut p, rng);
                next_blink = movement.now() + rng.uniform(2.0, 6.0);
            }
            let pursuit = movement.now() > next_pursuit;
            // Exponential with a mean of 6°, or the way of a pursuit.
            let speed = rng.uniform(5.0, 25.0);
            let length = if pursuit {
                speed * rng.uniform(0.6, 1.2)
            } else {
                (-6.0 * (1.0 - rng.uniform(0.0, 1.0)).ln()).clamp(0.5, 25.0)
            };
            let Some(to) = target(p, length, rng) else {
                continue;
            };
            if pursuit {
                movement.travel(Kind::Pursuit, length / speed, p, to, |u| u);
                next_pursuit = movement.now() + rng.uniform(3.0, 8.0);
            } else {
                // Main sequence: 21 ms and 2.2 ms for each degree; minimum-jerk course.
                let course = |u: f64| u.powi(3) * (10.0 - 15.0 * u + 6.0 * u * u);
                movement.travel(Kind::Saccade, 0.021 + 0.0022 * length, p, to, course);
            }
            p = to;
        }
        movement
    }

    fn now(&self) -> f64 {
        self.truth.len() as f64 / 1000.0
    }

    /// Drift as a random walk of 0.25° a square-root second, tremor of 0.005°.
    fn rest(&mut self, kind: Kind, length: f64, p: &mut [f64; 2], rng: &mut Random) {
        let (start_s, from) = (self.now(), *p);
        for _ in 0..(length * 1000.0) as usize {
            let mut seen = *p;
            for axis in 0..2 {
                p[axis] += 0.25 * 0.001f64.sqrt() * rng.normal() / SCREEN_DEG[axis];
                seen[axis] = p[axis] + 0.005 * rng.normal() / SCREEN_DEG[axis];
            }
            self.truth.push(seen);
        }
        self.segments.push(Segment {
            kind,
            start_s,
            end_s: self.now(),
            from,
            to: *p,
        });
    }

    fn travel(
        &mut self,
        kind: Kind,
        length: f64,
        from: [f64; 2],
        to: [f64; 2],
        course: impl Fn(f64) -> f64,
    ) {
        let start_s = self.now();
        let steps = (length * 1000.0) as usize;
        for i in 1..=steps {
            let u = course(i as f64 / steps as f64);
            self.truth.push([
                from[0] + u * (to[0] - from[0]),
                from[1] + u * (to[1] - from[1]),
            ]);
        }
        self.segments.push(Segment {
            kind,
            start_s,
            end_s: self.now(),
            from,
            to,
        });
    }
}

/// A place `length` degrees away that is still on the screen.
fn target(from: [f64; 2], length: f64, rng: &mut Random) -> Option<[f64; 2]> {
    (0..50).find_map(|_| {
        let angle = rng.uniform(0.0, std::f64::consts::TAU);
        let to = [
            from[0] + length * angle.cos() / SCREEN_DEG[0],
            from[1] + length * angle.sin() / SCREEN_DEG[1],
        ];
        to.iter().all(|c| (0.03..0.97).contains(c)).then_some(to)
    })
}

const BLINK_S: f64 = 0.29;
/// Lids close, stay closed (nothing is measured), and open.
const BLINK_PHASES_S: [f64; 2] = [0.07, 0.19];
/// How far nearly closed lids drag the measured point down, in screens.
const LID_DRAG: f64 = 0.15;

/// What the filter gets.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    pub captured_s: f64,
    pub arrived_s: f64,
    pub point: [f64; 2],
    /// Stated standard deviation.
    pub noise: f64,
}

/// How the camera and the network err.
#[derive(Debug, Clone, Copy)]
pub struct Sensor {
    pub fps: f64,
    /// Standard deviation on each axis, in screens.
    pub noise: f64,
    /// The noise's correlation from one frame to the next at 30 frames a second.
    pub correlation: f64,
}

impl Sensor {
    /// Frames with 2 ms of jitter and one in a hundred lost; AR(1) noise.
    pub fn measure(&self, movement: &Movement, rng: &mut Random) -> Vec<Measurement> {
        let mut noise = [rng.normal(), rng.normal()];
        let mut measurements = Vec::new();
        let mut last = 0.0;
        for frame in 1.. {
            let captured_s = frame as f64 / self.fps + 0.002 * rng.normal().clamp(-3.0, 3.0);
            if captured_s >= movement.now() - 0.1 {
                break;
            }
            let rho = self.correlation.powf((captured_s - last) * 30.0);
            last = captured_s;
            for n in &mut noise {
                *n = rho * *n + (1.0 - rho * rho).sqrt() * rng.normal();
            }
            let lid = movement.lid(captured_s);
            if rng.uniform(0.0, 1.0) < 0.01 || lid >= 1.0 {
                continue;
            }
            let mut point = movement.at(captured_s);
            // The lids' own noise comes on top.
            let wide = self.noise * (1.0 + 2.0 * lid);
            for (p, n) in point.iter_mut().zip(noise) {
                *p += wide * n;
            }
            point[1] += LID_DRAG * lid;
            measurements.push(Measurement {
                captured_s,
                arrived_s: captured_s + PIPELINE_S,
                point,
                // Half-closed lids are seen, and stated as doubt.
                noise: self.noise * (1.0 + 6.0 * lid),
            });
        }
        measurements
    }
}

impl Movement {
    /// 0 open … 1 closed.
    fn lid(&self, t_s: f64) -> f64 {
        let i = self.segments.partition_point(|s| s.end_s <= t_s);
        let Some(blink) = self.segments.get(i).filter(|s| s.kind == Kind::Blink) else {
            return 0.0;
        };
        let t = t_s - blink.start_s;
        let [closed, opening] = BLINK_PHASES_S;
        if t < closed {
            t / closed
        } else if t < opening {
            1.0
        } else {
            (1.0 - (t - opening) / (BLINK_S - opening)).clamp(0.0, 0.99)
        }
    }
}
