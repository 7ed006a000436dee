//! The way of a measurement to a published point, as in the daemon.

use serde::Serialize;

use crate::eye_movements::Measured;
use crate::filter::{
    ASSUMED_NOISE, FORGET_NS, FilterConfig, GazeFilter, LEAST_CONFIDENCE, LidGate, MAX_GAP_NS,
};

/// Samples a second.
pub const PUBLISH_HZ: f64 = 60.0;

/// A filter that takes part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Candidate {
    /// One of ours.
    Ours(FilterConfig),
    /// The Kalman filter of the textbooks.
    Textbook(Textbook),
}

/// Constant velocity pushed about by white noise, measured through white noise, each axis by
/// itself (Bar-Shalom, Li, Kirubarajan 2001, §6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Textbook {
    /// Screens/second per √second.
    pub agility: f64,
    /// Between measurements the point goes on with its velocity; else it stands.
    pub extrapolates: bool,
}

/// A published point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// When, seconds.
    pub t_s: f64,
    /// What; `None` while no point is valid.
    pub point: Option<[f64; 2]>,
}

/// Feeds measurements as they arrive, publishes at 60 Hz. Without `lids` nothing is held back
/// while lids move: what would happen without that part.
pub fn publish(
    candidate: Candidate,
    lids: bool,
    input: &[Measured],
    until_s: f64,
) -> Vec<Published> {
    let ticks = (1..(until_s * PUBLISH_HZ) as usize).map(|tick| tick as f64 / PUBLISH_HZ);
    publish_at(candidate, lids, input, ticks)
}

/// The same at other times than 60 Hz.
pub fn publish_at(
    candidate: Candidate,
    lids: bool,
    input: &[Measured],
    times_s: impl Iterator<Item = f64>,
) -> Vec<Published> {
    let mut chain = Chain::new(candidate, lids);
    let mut waiting = input.iter().peekable();
    times_s
        .map(|t_s| {
            while let Some(m) = waiting.next_if(|m| m.arrived_s <= t_s) {
                chain.absorb(m);
            }
            Published {
                t_s,
                point: chain.point(t_s),
            }
        })
        .collect()
}

struct Chain {
    runs: Runs,
    lids: Option<LidGate>,
    shut: bool,
    taken_ns: Option<u64>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack of a report"
)]
enum Runs {
    Ours(GazeFilter),
    Textbook(TextbookState),
}

impl Chain {
    fn new(candidate: Candidate, lids: bool) -> Self {
        Self {
            runs: match candidate {
                Candidate::Ours(config) => Runs::Ours(GazeFilter::new(config)),
                Candidate::Textbook(config) => Runs::Textbook(TextbookState::new(config)),
            },
            lids: lids.then(LidGate::default),
            shut: true,
            taken_ns: None,
        }
    }

    fn absorb(&mut self, m: &Measured) {
        let t_ns = nanoseconds(m.captured_s);
        self.shut = !m.open();
        let admitted = match &mut self.lids {
            Some(lids) => lids.admit(t_ns, m.gap_mm, m.open()),
            None => m.open(),
        };
        if !admitted || m.confidence < LEAST_CONFIDENCE {
            return;
        }
        let noise = ASSUMED_NOISE / m.confidence.max(0.1);
        let forgotten = self
            .taken_ns
            .is_some_and(|then| t_ns.saturating_sub(then) > FORGET_NS);
        self.taken_ns = Some(t_ns);
        match &mut self.runs {
            Runs::Ours(filter) => {
                if forgotten {
                    filter.reset();
                }
                // Refused ones change nothing.
                let _ = filter.update(t_ns, m.point, noise);
            }
            Runs::Textbook(filter) => filter.update(m.captured_s, m.point, noise),
        }
    }

    fn point(&self, t_s: f64) -> Option<[f64; 2]> {
        if self.shut {
            return None;
        }
        match &self.runs {
            Runs::Ours(filter) => filter.predict(nanoseconds(t_s)),
            Runs::Textbook(filter) => filter.predict(t_s),
        }
    }
}

struct TextbookState {
    config: Textbook,
    last_s: Option<f64>,
    x: [f64; 2],
    v: [f64; 2],
    /// Variance of the position, of the velocity, and what ties them.
    p: [f64; 3],
}

/// Doubt about the velocity at the beginning, screens per second.
const INITIAL_SPEED: f64 = 1.0;

impl TextbookState {
    fn new(config: Textbook) -> Self {
        Self {
            config,
            last_s: None,
            x: [0.0; 2],
            v: [0.0; 2],
            p: [0.0; 3],
        }
    }

    fn update(&mut self, t_s: f64, z: [f64; 2], noise: f64) {
        let r = noise * noise;
        let gap_s = MAX_GAP_NS as f64 * 1e-9;
        let Some(dt) = self.last_s.map(|last| t_s - last).filter(|dt| *dt < gap_s) else {
            (self.x, self.v, self.last_s) = (z, [0.0; 2], Some(t_s));
            self.p = [r, INITIAL_SPEED * INITIAL_SPEED, 0.0];
            return;
        };
        if dt <= 0.0 {
            return;
        }
        self.last_s = Some(t_s);
        let q = self.config.agility * self.config.agility;
        let [pp, vv, pv] = self.p;
        let pp = pp + dt * (2.0 * pv + dt * vv) + q * dt * dt * dt / 3.0;
        let pv = pv + dt * vv + q * dt * dt / 2.0;
        let vv = vv + q * dt;
        let (k, l) = (pp / (pp + r), pv / (pp + r));
        for ((x, v), z) in self.x.iter_mut().zip(&mut self.v).zip(z) {
            *x += dt * *v;
            let off = z - *x;
            *x += k * off;
            *v += l * off;
        }
        self.p = [(1.0 - k) * pp, vv - l * pv, (1.0 - k) * pv];
    }

    fn predict(&self, t_s: f64) -> Option<[f64; 2]> {
        let age = (t_s - self.last_s?).max(0.0);
        let on = if self.config.extrapolates { age } else { 0.0 };
        (age <= MAX_GAP_NS as f64 * 1e-9)
            .then(|| [0, 1].map(|axis| self.x[axis] + on * self.v[axis]))
    }
}

fn nanoseconds(t_s: f64) -> u64 {
    (t_s * 1e9) as u64
}
