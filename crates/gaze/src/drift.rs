//! Whether a calibration still fits where the person sits now, and since when not.
//!
//! Fed with every look's head while a calibration is in force, it says by how much
//! to widen the expected error ([`crate::error_radius::Evidence::widening`]) and
//! whether to ask for a new calibration. Three things count:
//!
//! * **another sitting**: who went away and came back sits otherwise, holds the head
//!   otherwise, and the mesh lies otherwise on the face. Measured: of 246 pairs of
//!   sittings (two people, 23 sittings) the one's map errs at the other by
//!   [`ANOTHER_SITTING`] times what it does at its own left-out targets, twelve
//!   sittings later no more than at the next;
//! * **leaving the calibrated range of head places**, for two seconds together. The
//!   range is wide, as the rays answer most of a move: in the same recordings 80 to
//!   200 mm sideways cost nothing beyond the other sitting, and three quarters of an
//!   octave of distance little. Turns of 20° up or down did;
//! * **age**.
//!
//! Pure, without clock or memory of its own: the publisher calls it at every tick.
//!
//! ```
//! use gaze::calibration::HeadRange;
//! use gaze::drift::DriftWatch;
//! let head = HeadRange {
//!     centre_mm: [0.0, 0.0, 600.0], spread_mm: [5.0; 3],
//!     yaw_pitch_deg: [0.0; 2], yaw_pitch_spread_deg: [1.0; 2], openness: 1.0, spread_deg: None,
//! };
//! let mut watch = DriftWatch::new(Some(head));
//! let far_left = [300.0, 0.0, 600.0];
//! for tick in 0..180 {
//!     watch.look(tick * 16_666_667, far_left, [0.0; 2]);
//! }
//! assert!(watch.drift(60).recalibrate && watch.drift(60).widening > 1.3);
//! ```

use crate::calibration::HeadRange;

/// A map's error at another sitting over that at its own: measured, see the module.
pub const ANOTHER_SITTING: f64 = 1.35;
/// Who was away for longer sits down anew (the gap between sittings in the recordings
/// that this was measured on).
pub const AWAY_NS: u64 = 60_000_000_000;
/// Nobody sits still for longer. Assumed.
pub const SITTING_LASTS_S: u64 = 3600;
/// Older maps should be made again. Assumed: the recordings tell of twelve sittings,
/// not of months.
pub const OLD_S: u64 = 30 * 86_400;

/// So far sideways or up and down beside the calibration's own spread, in millimetres.
/// Moves up to 200 mm were measured to be harmless.
const SIDEWAYS_MM: f64 = 150.0;
/// So much nearer or further, as a ratio. Ratios up to 2.2 were measured.
const NEARER: f64 = 1.5;
/// So far turned beside the calibration's own spread, in degrees: 20° were measured to cost.
const TURNED_DEG: f64 = 15.0;
/// The calibration's own spread counts so many times.
const SPREADS: f64 = 3.0;
/// Back within this share of the limits is back.
const BACK: f64 = 0.8;
/// So long outside, or back inside, counts.
const HOLD_S: f64 = 2.0;
/// Between two looks further apart nothing is known.
const STEP_S: f64 = 0.2;
/// Further outside says no more. Assumed.
const FURTHEST: f64 = 3.0;
/// How fast the widening follows the head.
const SMOOTH_S: f64 = 0.5;

/// What a [`DriftWatch`] has to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The expected error of the map is to be multiplied by this: at least 1.
    pub widening: f64,
    /// The calibration should be made again.
    pub recalibrate: bool,
    /// The head has left the calibrated range of places.
    pub left_range: bool,
    /// It is not, or not known to be, the sitting of the calibration any more.
    pub another_sitting: bool,
}

/// Watches the head against the calibration in force. Begin a new one with each
/// calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftWatch {
    range: Option<HeadRange>,
    last_ns: Option<u64>,
    /// Seconds outside less seconds back inside, 0..=[`HOLD_S`].
    outside_s: f64,
    /// Smoothed distance from the middle of the range in units of its limits.
    reach: f64,
    left_range: bool,
    went_away: bool,
}

impl DriftWatch {
    /// Of a calibration that was made with the head there; without a range only
    /// absence and age tell.
    pub fn new(range: Option<HeadRange>) -> Self {
        Self {
            range,
            last_ns: None,
            outside_s: 0.0,
            reach: 0.0,
            left_range: false,
            went_away: false,
        }
    }

    /// A look: the eyes' place (camera frame, millimetres) and the head's yaw and
    /// pitch in degrees. To be left out while no face is seen: that is how
    /// absence shows.
    pub fn look(&mut self, now_ns: u64, eye_mm: [f64; 3], yaw_pitch_deg: [f64; 2]) {
        let gap_ns = self.last_ns.map_or(0, |last| now_ns.saturating_sub(last));
        self.last_ns = Some(now_ns);
        self.went_away |= gap_ns > AWAY_NS;
        let Some(reach) = self.range.map(|r| reach(&r, eye_mm, yaw_pitch_deg)) else {
            return;
        };
        if !reach.is_finite() {
            return;
        }
        let step_s = (gap_ns as f64 * 1e-9).min(STEP_S);
        self.reach += (reach - self.reach) * -(-step_s / SMOOTH_S).exp_m1();
        if reach > 1.0 {
            self.outside_s = (self.outside_s + step_s).min(HOLD_S);
        } else if reach < BACK {
            self.outside_s = (self.outside_s - step_s).max(0.0);
        }
        if self.outside_s >= HOLD_S {
            self.left_range = true;
        } else if self.outside_s <= 0.0 {
            self.left_range = false;
        }
    }

    /// What follows, `age_s` seconds of wall time after the calibration was made.
    pub fn drift(&self, age_s: u64) -> Drift {
        let another_sitting = self.went_away || self.left_range || age_s > SITTING_LASTS_S;
        let sitting = if another_sitting {
            ANOTHER_SITTING
        } else {
            1.0
        };
        let place = if self.left_range {
            self.reach.clamp(1.0, FURTHEST)
        } else {
            1.0
        };
        Drift {
            widening: sitting * place,
            recalibrate: self.left_range || age_s > OLD_S,
            left_range: self.left_range,
            another_sitting,
        }
    }
}

/// How far the head is from the middle of the range, in units of its limits: of the
/// several measures the largest. NaN where one is.
fn reach(range: &HeadRange, eye_mm: [f64; 3], yaw_pitch_deg: [f64; 2]) -> f64 {
    let [x, y, z] = eye_mm;
    let ratio = x.hypot(y).hypot(z) / range.distance_mm();
    let mut reach = [ratio.ln().abs() / NEARER.ln(), 0.0, 0.0, 0.0, 0.0];
    for i in 0..2 {
        let side = SIDEWAYS_MM + SPREADS * range.spread_mm[i];
        reach[1 + i] = (eye_mm[i] - range.centre_mm[i]).abs() / side;
        let turn = TURNED_DEG + SPREADS * range.yaw_pitch_spread_deg[i];
        reach[3 + i] = (yaw_pitch_deg[i] - range.yaw_pitch_deg[i]).abs() / turn;
    }
    // f64::max would pass over a NaN.
    if reach.iter().any(|r| r.is_nan()) {
        return f64::NAN;
    }
    reach.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
