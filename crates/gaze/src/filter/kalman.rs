//! The default filter: Kalman filters for an eye that rests, follows or leaps.
//!
//! Two filters run side by side on the same measurements, both with coloured
//! noise ([`super::coloured`]): one believes that the eye rests (constant
//! position with a slow drift), one that it moves evenly (constant velocity).
//!
//! * **Fixation**: the first one answers, and the prediction holds still.
//! * **Saccade**: a measurement that lies too far from the prediction in units
//!   of its own variance loosens the position so far that this one measurement
//!   carries it over. No velocity is involved: nothing can overshoot. Frames
//!   caught in flight are followed by loosening the next few as well.
//! * A change too small for one measurement shows in the mean of several: while
//!   they stay off to one side, the position gives way to them.
//! * **Outlier**: if the next measurement is back where the eye was before the
//!   leap, the state from before is restored: no eye returns within 100 ms.
//!   A leap far off the screen is believed only when the next one confirms it.
//! * **Pursuit**: when the second filter's velocity is significant, it answers,
//!   and the prediction runs along.
//!
//! The noise that the caller states is scaled by what the innovations show (a
//! running median, which saccades do not disturb), and so are the share of it
//! that hangs together from frame to frame and how much more of it there is
//! down the screen than across: webcams tell up and down much worse. One
//! covariance serves both axes; lengths are measured in each axis' own noise.

use nalgebra::RowVector2;
use serde::{Deserialize, Serialize};

use super::GazeState;
use super::coloured::{Coloured, Innovation, Step};
use crate::affine::Affine;

/// Settings of the Kalman filter. The defaults come from `gazed filter-report`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KalmanConfig {
    /// Wander of the eye and of the head in a fixation: screens per √second.
    pub drift: f64,
    /// Time constant over which the measurements' noise hangs together, in seconds.
    pub noise_correlation_s: f64,
    /// Share of the noise's variance that hangs together, to begin with; the
    /// rest is white. Adapted to what the measurements show.
    pub noise_coloured_share: f64,
    /// Noise down the screen over noise across, to begin with. Adapted too.
    pub noise_aspect: f64,
    /// A measurement further than this from the prediction is a saccade, in its standard deviations.
    pub saccade_sigma: f64,
    /// A mean offset larger than this makes the position give way, in its standard deviations.
    pub offset_sigma: f64,
    /// How far from complete a leap may be when it is first seen, as a share of its length.
    pub in_flight: f64,
    /// A velocity larger than this is pursuit, in its standard deviations.
    pub pursuit_sigma: f64,
    /// Slower than this is never pursuit: screens per second.
    pub pursuit_min_speed: f64,
    /// How readily the velocity changes: screens/second per √second.
    pub pursuit_agility: f64,
    /// A leap that ends further than this outside the screen needs a second measurement.
    pub outside_margin: f64,
}

impl Default for KalmanConfig {
    fn default() -> Self {
        Self {
            drift: 0.011,
            noise_correlation_s: 0.08,
            noise_coloured_share: 0.9,
            noise_aspect: 2.5,
            saccade_sigma: 4.5,
            offset_sigma: 1.7,
            in_flight: 0.26,
            pursuit_sigma: 2.7,
            pursuit_min_speed: 0.07,
            pursuit_agility: 0.65,
            outside_margin: 0.5,
        }
    }
}

/// Doubt about the velocity at the start and after a leap: screens per second.
const INITIAL_SPEED: f64 = 0.3;
/// Time constant of the mean offset.
const OFFSET_TIME_S: f64 = 0.05;
/// How much of a mean offset becomes doubt about the position.
const OFFSET_GAIN: f64 = 0.85;
/// Within this time no eye leaps away and comes back (the shortest time
/// between two saccades is about 150 ms).
const NO_RETURN_S: f64 = 0.1;
/// Frames this soon after a leap may still show the eye in flight: even the
/// longest saccade on a screen takes under 100 ms.
const FLIGHT_S: f64 = 0.07;
/// Back from a leap means: this near to where the eye was, in standard deviations.
const RETURN_SIGMA: f64 = 3.0;
/// Pursuit ends when the velocity is no longer this many standard deviations from none.
const PURSUIT_END_SIGMA: f64 = 1.5;
/// The stated noise is trusted within this factor.
const SCALE_LIMIT: f64 = 3.0;
/// Step of the running median of the noise's scale, for each measurement.
const SCALE_STEP: f64 = 0.02;
/// Step of the coloured share, for each measurement.
const SHARE_STEP: f64 = 0.01;
/// Step of the logarithm of the noise's aspect, for each measurement.
const ASPECT_STEP: f64 = 0.01;
/// One axis is never taken for this much noisier than the other.
const ASPECT_LIMIT: f64 = 5.0;
/// The noise is never taken for all white or all coloured.
const SHARE_LIMITS: (f64, f64) = (0.05, 0.95);
/// Median of the length of a two-dimensional unit normal variable: √(2 ln 2).
const MEDIAN_LENGTH: f64 = 1.177_410_022_515_474_7;

#[derive(Debug, Clone, Copy)]
struct Memory {
    rest: Coloured,
    moving: Coloured,
    state: GazeState,
    age_s: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Kalman {
    config: KalmanConfig,
    /// Constant position.
    rest: Coloured,
    /// Constant velocity.
    moving: Coloured,
    state: GazeState,
    /// Seconds since the last leap.
    since_leap_s: f64,
    /// Length of the last leap.
    leap: f64,
    /// From just before the last leap, while it can still prove an outlier.
    before: Option<Memory>,
    /// A leap off the screen waits for its second measurement.
    unconfirmed: bool,
    /// Running mean of measurement − position.
    offset: RowVector2<f64>,
    /// Observed over stated noise.
    scale: f64,
    /// Share of the noise's variance that hangs together, as observed.
    share: f64,
    /// Noise of each axis over that of both together; their product is 1.
    axes: RowVector2<f64>,
    /// The innovation before this one.
    last_innovation: RowVector2<f64>,
}

impl Kalman {
    pub(super) fn new(config: KalmanConfig) -> Self {
        let nothing = Step {
            dt: 0.0,
            coloured: 0.0,
            white: 0.0,
            correlation_s: 1.0,
            drift: 0.011,
        };
        let rest = Coloured::at([0.0; 2], &nothing, 0.0, 0.0);
        Self {
            config,
            rest,
            moving: rest,
            state: GazeState::Lost,
            since_leap_s: 0.0,
            leap: 0.0,
            before: None,
            unconfirmed: false,
            offset: RowVector2::zeros(),
            scale: 1.0,
            share: config
                .noise_coloured_share
                .clamp(SHARE_LIMITS.0, SHARE_LIMITS.1),
            axes: axes(config.noise_aspect),
            last_innovation: RowVector2::zeros(),
        }
    }

    /// Begins anew at a point. Only what is known of the noise is kept.
    pub(super) fn start(&mut self, p: [f64; 2], noise: f64) {
        let step = self.step(0.0, noise);
        *self = Self {
            scale: self.scale,
            share: self.share,
            axes: self.axes,
            ..Self::new(self.config)
        };
        self.begin(p, &step);
        self.state = GazeState::Fixation;
    }

    pub(super) fn update(&mut self, dt: f64, p: [f64; 2], noise: f64) -> [f64; 2] {
        let step = self.step(dt, noise);
        let z = RowVector2::new(p[0], p[1]);
        self.since_leap_s += dt;
        self.rest.advance(&step);
        self.moving.advance(&step);
        self.age_memory(&step);

        let pursuing = self.state == GazeState::Pursuit;
        let believed = if pursuing { &self.moving } else { &self.rest };
        let innovation = believed.innovation(z, &step);
        let distance = self.normalised(&innovation).sqrt();
        self.learn_noise(innovation.v, distance);

        if distance > self.config.saccade_sigma {
            if self.back_from_outlier(z, &step) {
                self.correct(z, &step);
            } else if !self.unconfirmed && self.off_screen(z) {
                self.unconfirmed = true;
            } else {
                self.leap(z, &step);
            }
            return self.predict(0.0);
        }
        self.unconfirmed = false;
        if self.since_leap_s < FLIGHT_S {
            let doubt = (self.config.in_flight * self.leap).powi(2);
            self.rest.loosen(doubt);
            self.moving.loosen(doubt);
        } else if self.state == GazeState::Saccade {
            self.state = GazeState::Fixation;
        }
        self.correct(z, &step);
        self.follow_offset(z, &step);
        self.choose_model();
        self.predict(0.0)
    }

    pub(super) fn predict(&self, dt: f64) -> [f64; 2] {
        let p = match self.state {
            GazeState::Pursuit => self.moving.position() + self.moving.velocity() * dt,
            _ => self.rest.position(),
        };
        [p[0], p[1]]
    }

    /// Variance on each axis `dt` seconds after the last measurement.
    pub(super) fn variance(&self, dt: f64) -> [f64; 2] {
        let drift = self.config.drift.powi(2);
        let both = match self.state {
            GazeState::Pursuit => self.moving.variance_after(dt, drift),
            _ => self.rest.variance_after(dt, drift),
        };
        [both * self.axes[0].powi(2), both * self.axes[1].powi(2)]
    }

    /// Squared, in units of its own variance: χ² with two degrees of freedom.
    fn normalised(&self, innovation: &Innovation) -> f64 {
        self.length_squared(&innovation.v) / innovation.variance
    }

    /// Of a way on the screen, each axis in its own noise.
    fn length_squared(&self, way: &RowVector2<f64>) -> f64 {
        way.component_div(&self.axes).norm_squared()
    }

    pub(super) fn state(&self) -> GazeState {
        self.state
    }

    pub(super) fn rebase(&mut self, map: &Affine) {
        let innovation = map.apply_linear([self.last_innovation[0], self.last_innovation[1]]);
        self.last_innovation = RowVector2::new(innovation[0], innovation[1]);
        let area = map.determinant().abs();
        let memory = self
            .before
            .iter_mut()
            .flat_map(|m| [&mut m.rest, &mut m.moving]);
        for track in [&mut self.rest, &mut self.moving].into_iter().chain(memory) {
            track.transform(|p| map.apply(p), |v| map.apply_linear(v), area);
        }
        let offset = map.apply_linear([self.offset[0], self.offset[1]]);
        self.offset = RowVector2::new(offset[0], offset[1]);
        self.leap *= area.sqrt();
        // Noise of the new axes: of independent ones, through the map.
        let across = map.apply_linear([self.axes[0], 0.0]);
        let down = map.apply_linear([0.0, self.axes[1]]);
        let noise = [0, 1].map(|k| across[k].hypot(down[k]));
        if noise.iter().all(|n| n.is_finite() && *n > 0.0) {
            self.axes = axes(noise[1] / noise[0]);
        }
    }

    fn step(&self, dt: f64, noise: f64) -> Step {
        let variance = (noise * self.scale).powi(2);
        Step {
            dt,
            coloured: variance * self.share,
            white: variance * (1.0 - self.share),
            correlation_s: self.config.noise_correlation_s.max(1e-4),
            drift: self.config.drift.powi(2),
        }
    }

    fn begin(&mut self, p: [f64; 2], step: &Step) {
        self.rest = Coloured::at(p, step, 0.0, 0.0);
        self.moving = self.rest;
        self.free_velocity();
        self.offset = RowVector2::zeros();
    }

    fn free_velocity(&mut self) {
        self.moving
            .set_velocity(INITIAL_SPEED.powi(2), self.config.pursuit_agility.powi(2));
    }

    fn correct(&mut self, z: RowVector2<f64>, step: &Step) {
        self.rest.correct(z, step);
        self.moving.correct(z, step);
    }

    fn age_memory(&mut self, step: &Step) {
        if let Some(memory) = &mut self.before {
            memory.age_s += step.dt;
            memory.rest.advance(step);
            memory.moving.advance(step);
            if memory.age_s > NO_RETURN_S {
                self.before = None;
            }
        }
    }

    /// Fits the noise to the innovations: their length to the scale by a
    /// running median, and their likeness from one to the next to the coloured
    /// share (the innovations of a filter with the right model are white).
    fn learn_noise(&mut self, v: RowVector2<f64>, distance: f64) {
        let change = if distance > MEDIAN_LENGTH {
            SCALE_STEP
        } else {
            -SCALE_STEP
        };
        self.scale = (self.scale * change.exp()).clamp(SCALE_LIMIT.recip(), SCALE_LIMIT);
        let [across, down] = [0, 1].map(|k| (v[k] / self.axes[k]).abs());
        let change = (ASPECT_STEP * if down > across { 1.0 } else { -1.0 }).exp();
        self.axes = axes(self.axes[1] / self.axes[0] * change);
        let alike = v
            .component_div(&self.axes)
            .dot(&self.last_innovation.component_div(&self.axes));
        let change = if alike > 0.0 { SHARE_STEP } else { -SHARE_STEP };
        self.share = (self.share + change).clamp(SHARE_LIMITS.0, SHARE_LIMITS.1);
        self.last_innovation = v;
    }

    fn back_from_outlier(&mut self, z: RowVector2<f64>, step: &Step) -> bool {
        let Some(memory) = self.before.take() else {
            return false;
        };
        let believed = if memory.state == GazeState::Pursuit {
            &memory.moving
        } else {
            &memory.rest
        };
        if self.normalised(&believed.innovation(z, step)) > RETURN_SIGMA.powi(2) {
            return false;
        }
        (self.rest, self.moving, self.state) = (memory.rest, memory.moving, memory.state);
        self.leap = 0.0;
        true
    }

    fn off_screen(&self, z: RowVector2<f64>) -> bool {
        let margin = self.config.outside_margin;
        z.iter().any(|c| *c < -margin || *c > 1.0 + margin)
    }

    fn leap(&mut self, z: RowVector2<f64>, step: &Step) {
        let from = if self.state == GazeState::Pursuit {
            self.moving.pinned()
        } else {
            self.rest
        };
        // Only a leap out of a rest can be an outlier that comes back.
        self.before = (self.state != GazeState::Saccade).then_some(Memory {
            rest: self.rest,
            moving: self.moving,
            state: self.state,
            age_s: 0.0,
        });
        let innovation = from.innovation(z, step);
        self.leap = self.length_squared(&innovation.v).sqrt();
        self.rest = from;
        self.rest.loosen(100.0 * self.leap.powi(2));
        self.rest.correct(z, step);
        self.moving = self.rest;
        self.free_velocity();
        self.offset = RowVector2::zeros();
        self.since_leap_s = 0.0;
        self.unconfirmed = false;
        self.state = GazeState::Saccade;
    }

    /// Follows steps too small for one measurement: while the measurements stay
    /// off to one side by more than their noise explains, the position gives way.
    fn follow_offset(&mut self, z: RowVector2<f64>, step: &Step) {
        let (time, tau) = (OFFSET_TIME_S, step.correlation_s);
        self.offset += (z - self.rest.position() - self.offset) * (1.0 - (-step.dt / time).exp());
        // Variance of an exponential mean of noise with correlation time τ: σ²·τ/(τ+T).
        let noise = (step.coloured + step.white) * tau / (tau + time);
        let variance = noise + self.rest.position_variance();
        let squared = self.length_squared(&self.offset);
        if squared > self.config.offset_sigma.powi(2) * variance {
            self.rest.loosen(OFFSET_GAIN * squared * step.dt / time);
        }
    }

    fn choose_model(&mut self) {
        let velocity = self.moving.velocity();
        let speed = velocity.norm();
        let sigmas = (self.length_squared(&velocity) / self.moving.velocity_variance()).sqrt();
        match self.state {
            GazeState::Fixation => {
                let fast = speed > self.config.pursuit_min_speed;
                if fast && sigmas > self.config.pursuit_sigma {
                    self.state = GazeState::Pursuit;
                }
            }
            GazeState::Pursuit if sigmas < PURSUIT_END_SIGMA => {
                self.rest = self.moving.pinned();
                self.offset = RowVector2::zeros();
                self.state = GazeState::Fixation;
            }
            _ => {}
        }
    }
}

/// Noise of each axis over both together, given the one down over the one across.
fn axes(aspect: f64) -> RowVector2<f64> {
    let down = aspect.clamp(ASPECT_LIMIT.recip(), ASPECT_LIMIT).sqrt();
    RowVector2::new(down.recip(), down)
}
