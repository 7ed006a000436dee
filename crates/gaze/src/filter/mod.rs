//! From noisy points at the camera's rate to a steady point at any time.
//!
//! A camera gives some 30 points a second, a little irregularly; the publisher
//! asks for a point 60 times a second. [`GazeFilter::update`] takes a
//! measurement when there is one, [`GazeFilter::predict`] answers for any time
//! after it. Points are normalised to the screen, `noise` is the standard
//! deviation of one measurement on each axis in the same unit.
//!
//! | kind | loses | keeps |
//! |---|---|---|
//! | [`FilterKind::None`] | nothing | all the noise |
//! | [`FilterKind::Ema`] | a fixed time behind everything | a steady point |
//! | [`FilterKind::OneEuro`] | less behind fast movements | noise where it moves |
//! | [`FilterKind::Kalman`] | steps and slow ramps smaller than the noise | fixations still, saccades at once, pursuit followed |
//!
//! No kind extrapolates in a fixation or in a saccade; only a recognised
//! pursuit runs ahead, and never by more than one camera frame.
//!
//! ```
//! use gaze::filter::{FilterConfig, GazeFilter};
//! let mut filter = GazeFilter::new(FilterConfig::default());
//! assert_eq!(filter.predict(0), None);
//! filter.update(1_000_000, [0.4, 0.6], 0.02).unwrap();
//! assert_eq!(filter.predict(17_000_000), Some([0.4, 0.6]));
//! // Without measurements for 200 ms there is nothing left to say.
//! assert_eq!(filter.predict(900_000_000), None);
//! // What is not a point changes nothing.
//! assert!(filter.update(34_000_000, [f64::NAN, 0.6], 0.02).is_err());
//! assert_eq!(filter.predict(34_000_000), Some([0.4, 0.6]));
//! ```

mod coloured;
mod ema;
mod kalman;
mod lids;
mod one_euro;

use serde::{Deserialize, Serialize};

use crate::affine::Affine;
pub use ema::EmaConfig;
pub use kalman::KalmanConfig;
pub use lids::LidGate;
pub use one_euro::OneEuroConfig;

use ema::Ema;
use kalman::Kalman;
use one_euro::OneEuro;

/// Which filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilterKind {
    /// The last measurement, held.
    None,
    /// Exponential moving average with a time constant.
    Ema,
    /// One-Euro filter (Casiez, Roussel, Vogel 2012).
    OneEuro,
    /// Kalman filter with coloured noise, saccades and pursuit.
    #[default]
    Kalman,
}

/// The kind and the settings of every kind.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterConfig {
    /// Which filter runs.
    pub kind: FilterKind,
    /// Settings of [`FilterKind::Ema`].
    pub ema: EmaConfig,
    /// Settings of [`FilterKind::OneEuro`].
    pub one_euro: OneEuroConfig,
    /// Settings of [`FilterKind::Kalman`].
    pub kalman: KalmanConfig,
}

impl FilterConfig {
    /// The default settings of one kind.
    pub fn of(kind: FilterKind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }
}

/// What the eye is doing, as far as the filter can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GazeState {
    /// No measurement yet, or none for longer than [`MAX_GAP_NS`].
    Lost,
    /// The point rests. Kinds that do not look for movements always say this.
    Fixation,
    /// The point moves smoothly and is followed.
    Pursuit,
    /// The point has just relocated.
    Saccade,
}

/// Why a measurement was not taken. The filter is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A coordinate is NaN, infinite, or too large to calculate with.
    #[error("gaze point is not a finite number of reasonable size: measurement dropped")]
    Point,
    /// The noise is NaN, infinite, zero or negative.
    #[error("noise of a gaze point must be positive and finite: measurement dropped")]
    Noise,
    /// The measurement is not later than the one before it.
    #[error("gaze point is not later than the one before it: measurement dropped")]
    NotLater,
}

/// After this long without a measurement the past says nothing: the filter
/// starts anew, and predicts nothing until it does. 200 ms is longer than most
/// blinks' dropouts and shorter than two fixations.
pub const MAX_GAP_NS: u64 = 200_000_000;

/// Standard deviation of a fully trusted point on each axis, as a fraction of
/// the screen's side. Assumed; the filter adapts the scale to what it sees.
pub const ASSUMED_NOISE: f64 = 0.02;

/// Lines of sight trusted less are not turned into a point.
pub const LEAST_CONFIDENCE: f64 = 0.05;

/// A face whose eyes were not seen for longer comes back without a past.
pub const FORGET_NS: u64 = 500_000_000;

/// Coordinates beyond this are not points of any screen (and their squares
/// would no longer be exact enough to subtract).
const MAX_COORDINATE: f64 = 1e3;

/// Bounds of the assumed time between frames, in seconds.
const FRAME_INTERVAL_S: (f64, f64) = (1.0 / 240.0, 0.1);

#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "one a face, made once; in place, resets need no heap"
)]
enum Inner {
    None([f64; 2]),
    Ema(Ema),
    OneEuro(OneEuro),
    Kalman(Kalman),
}

/// One person's gaze filter. Neither allocates nor blocks.
#[derive(Debug, Clone)]
pub struct GazeFilter {
    config: FilterConfig,
    inner: Inner,
    last_ns: Option<u64>,
    frame_interval_s: f64,
    noise: f64,
}

impl GazeFilter {
    /// A filter that has seen nothing.
    pub fn new(config: FilterConfig) -> Self {
        let inner = match config.kind {
            FilterKind::None => Inner::None([0.0; 2]),
            FilterKind::Ema => Inner::Ema(Ema::new(config.ema)),
            FilterKind::OneEuro => Inner::OneEuro(OneEuro::new(config.one_euro)),
            FilterKind::Kalman => Inner::Kalman(Kalman::new(config.kalman)),
        };
        Self {
            config,
            inner,
            last_ns: None,
            frame_interval_s: 1.0 / 30.0,
            noise: 0.0,
        }
    }

    /// The settings it was made with.
    pub fn config(&self) -> &FilterConfig {
        &self.config
    }

    /// Takes a measurement: capture time, point, and the standard deviation of
    /// its noise per axis. Gives the filtered point at that time.
    ///
    /// A measurement that comes more than [`MAX_GAP_NS`] after the last one, or
    /// that much before it (another clock), starts the filter anew.
    ///
    /// # Errors
    /// [`Refused`]; nothing has changed then.
    pub fn update(&mut self, t_ns: u64, p: [f64; 2], noise: f64) -> Result<[f64; 2], Refused> {
        if !p.iter().all(|c| c.abs() <= MAX_COORDINATE) {
            return Err(Refused::Point);
        }
        if !(noise > 0.0 && noise <= MAX_COORDINATE) {
            return Err(Refused::Noise);
        }
        let dt = match self.last_ns {
            Some(last) if t_ns.abs_diff(last) > MAX_GAP_NS => None,
            Some(last) if t_ns <= last => return Err(Refused::NotLater),
            Some(last) => Some((t_ns - last) as f64 * 1e-9),
            None => None,
        };
        self.last_ns = Some(t_ns);
        self.noise = noise;
        let Some(dt) = dt else {
            self.start(p, noise);
            return Ok(p);
        };
        let interval = dt.clamp(FRAME_INTERVAL_S.0, FRAME_INTERVAL_S.1);
        self.frame_interval_s += 0.1 * (interval - self.frame_interval_s);
        Ok(match &mut self.inner {
            Inner::None(last) => {
                *last = p;
                p
            }
            Inner::Ema(ema) => ema.update(dt, p),
            Inner::OneEuro(one_euro) => one_euro.update(dt, p),
            Inner::Kalman(kalman) => kalman.update(dt, p, noise),
        })
    }

    /// The point at a time. Times before the last measurement get its estimate;
    /// `None` when there is none or it is older than [`MAX_GAP_NS`].
    pub fn predict(&self, t_ns: u64) -> Option<[f64; 2]> {
        let age = self.age_s(t_ns)?;
        Some(match &self.inner {
            Inner::None(last) => *last,
            Inner::Ema(ema) => ema.point(),
            Inner::OneEuro(one_euro) => one_euro.point(),
            Inner::Kalman(kalman) => kalman.predict(age.min(self.frame_interval_s)),
        })
    }

    /// Covariance of the point at a time, in squared screen units; `None` where
    /// [`predict`](Self::predict) is. Only the Kalman filter knows how much it
    /// has averaged away: the others answer with the last measurement's noise.
    pub fn covariance(&self, t_ns: u64) -> Option<[[f64; 2]; 2]> {
        let age = self.age_s(t_ns)?;
        let variance = match &self.inner {
            Inner::Kalman(kalman) => kalman.variance(age),
            _ => [self.noise * self.noise; 2],
        };
        Some([[variance[0], 0.0], [0.0, variance[1]]])
    }

    /// What the eye was doing at the last measurement.
    pub fn state(&self) -> GazeState {
        match (&self.inner, self.last_ns) {
            (_, None) => GazeState::Lost,
            (Inner::Kalman(kalman), _) => kalman.state(),
            _ => GazeState::Fixation,
        }
    }

    /// What the eye is doing at a time: [`GazeState::Lost`] where
    /// [`predict`](Self::predict) has nothing to say.
    pub fn state_at(&self, t_ns: u64) -> GazeState {
        self.age_s(t_ns).map_or(GazeState::Lost, |_| self.state())
    }

    /// Forgets everything but the settings.
    pub fn reset(&mut self) {
        *self = Self::new(self.config);
    }

    /// Re-expresses the state after the calibration changed: `map` takes points
    /// of the old calibration to points of the new one. The point jumps with
    /// the map at once and is not swept across the screen.
    pub fn rebase(&mut self, map: &Affine) {
        if self.last_ns.is_none() {
            return;
        }
        match &mut self.inner {
            Inner::None(last) => *last = map.apply(*last),
            Inner::Ema(ema) => ema.rebase(map),
            Inner::OneEuro(one_euro) => one_euro.rebase(map),
            Inner::Kalman(kalman) => kalman.rebase(map),
        }
        // A map that is not finite, or throws the point off every screen.
        let point = self.last_ns.and_then(|t| self.predict(t));
        if !point.is_some_and(|p| p.iter().all(|c| c.abs() <= MAX_COORDINATE)) {
            self.reset();
        }
    }

    fn start(&mut self, p: [f64; 2], noise: f64) {
        match &mut self.inner {
            Inner::None(last) => *last = p,
            Inner::Ema(ema) => ema.start(p),
            Inner::OneEuro(one_euro) => one_euro.start(p),
            Inner::Kalman(kalman) => kalman.start(p, noise),
        }
    }

    /// Seconds since the last measurement, if it still counts.
    fn age_s(&self, t_ns: u64) -> Option<f64> {
        let age = t_ns.saturating_sub(self.last_ns?);
        (age <= MAX_GAP_NS).then_some(age as f64 * 1e-9)
    }
}

#[cfg(test)]
mod tests;
