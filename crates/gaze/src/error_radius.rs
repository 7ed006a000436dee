//! How far off a sample should be expected to be.
//!
//! A radius about the published point, as a share of the screen's diagonal,
//! within which the true point lies in roughly two of three samples. Four
//! things add up as independent errors do (root of the sum of squares):
//!
//! * the **map**: the calibration's error on targets it was not fitted to, of the
//!   fit and of the validation, or, without one, [`UNCALIBRATED_DEG`] seen from where
//!   the head is. Further away than at calibration it grows by
//!   [`DISTANCE_EXPONENT`]; at another sitting and outside the calibrated range of
//!   head places by what [`crate::drift`] says. Falling lids hide the iris and
//!   multiply it by up to 1 + [`LID_PENALTY`];
//! * the **spread**: what the gaze network, where it tells how far it errs, expects to
//!   be off *more* than it did when the calibration was made; see below;
//! * the **noise** that the filter has not averaged away: its covariance;
//! * the **age**: since the last measurement the eye may have moved on.
//!
//! # What a network's own spread adds
//!
//! A network's spread σ is of people nobody calibrated: σ² = o² + r², o what is a person's own
//! and always the same (the eye's axes, their lids), r what differs from look to look (a turned
//! head, a dim or blurred picture). A calibration takes o away and measures, at targets left out,
//! what is left of r where it was made: that is the map's error already. Of the network's word only the
//! *difference* may be added, σ² now less σ² then: o is in both and cancels, and where looks are as
//! they were nothing is counted twice. What counts as told then is what nine looks in ten kept
//! within ([`HeadRange::spread_deg`](crate::calibration::HeadRange)): towards the screen's edges a
//! network is less sure in the same light too, and the targets left out lay there. In millimetres it is reckoned at the distance of now, as
//! an angle's worth: what distance itself does to a map is in [`DISTANCE_EXPONENT`]. Where the
//! network is surer than it was then, nothing is taken off: the map's error was measured, the
//! spread is a guess. Of a calibration that does not say what the spread was (made of recordings
//! without it) nothing is added.
//!
//! Without a calibration [`UNCALIBRATED_DEG`] and σ are two words for one thing, as o is in both;
//! the larger one counts.
//!
//! Measured at held-out targets of two people in 23 sittings, one mean look for each:
//! `gaze-calib evaluate` prints what share of them lies within the radius.
//!
//! ```
//! use gaze::error_radius::{Evidence, MapError};
//! use gaze::screen::Screen;
//! let screen = Screen::default();
//! let map = MapError::Calibrated {
//!     held_out: 0.05, head_distance_mm: Some(600.0), spread_deg: Some(3.0),
//! };
//! let evidence = Evidence { map, head_distance_mm: Some(600.0), ..Evidence::default() };
//! assert!((evidence.radius(&screen) - 0.05).abs() < 1e-9);
//! assert!(Evidence { openness: 0.2, ..evidence }.radius(&screen) > 0.05);
//! assert!(Evidence { spread_deg: Some(5.0), ..evidence }.radius(&screen) > 0.1);
//! ```

use crate::affine::diagonal_fraction;
use crate::calibration::Calibration;
use crate::screen::Screen;

/// What the uncalibrated gaze is off by, in degrees: 64 % of 368 looks of two people
/// were off by less on a screen of assumed size and place (of the one 73 %, of the
/// other 52 %). The angle between the eye's visual and optical axes alone is some 5°.
pub const UNCALIBRATED_DEG: f64 = 7.0;
/// A map's error grows with the head's distance over that at calibration to this
/// power: of the same people, all pairs of sittings of each, at 398 to 888 mm. Nearer it
/// fell by as much; that is one person's, and not counted on.
pub const DISTANCE_EXPONENT: f64 = 0.45;
/// Relative growth of a map's error from open lids to closed ones. Assumed: in the
/// recordings eyes are wide open.
pub const LID_PENALTY: f64 = 2.0;
/// Lids at least this open (0..1) hide nothing that matters.
pub const OPEN: f64 = 0.6;

/// Where the head is assumed to be when nothing is known of it.
const ARMS_LENGTH_MM: f64 = 600.0;
/// How far looks lie apart, root mean square, as a share of the diagonal. Assumed.
const WANDER: f64 = 0.2;
/// Eyes move on some three times a second (textbooks on eye movements).
const MOVES_A_SECOND: f64 = 3.0;
/// More than the whole screen says no more.
const LARGEST: f64 = 1.0;

/// How good the map in use is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum MapError {
    /// There is no calibration.
    #[default]
    Uncalibrated,
    /// A calibration's own numbers.
    Calibrated {
        /// Root mean square error at targets the fit did not see, share of the diagonal.
        held_out: f64,
        /// How far the head was from the camera, where known.
        head_distance_mm: Option<f64>,
        /// How far the network expected to be off then at most, degrees, where it told
        /// ([`crate::calibration::HeadRange::spread_deg`]).
        spread_deg: Option<f64>,
    },
}

impl From<&Calibration> for MapError {
    fn from(calibration: &Calibration) -> Self {
        Self::Calibrated {
            held_out: calibration.expected_error(),
            head_distance_mm: calibration.head.map(|h| h.distance_mm()),
            spread_deg: calibration.head.and_then(|h| h.spread_deg),
        }
    }
}

/// What is known about one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// How good the map is.
    pub map: MapError,
    /// What the drift watch says of the map: at least 1, and 1 without one.
    pub widening: f64,
    /// Distance of the eyes from the camera now, where known.
    pub head_distance_mm: Option<f64>,
    /// How far the network expects its line of sight to be off for somebody nobody calibrated,
    /// where it tells: degrees, root of the sum of its variances across and up.
    pub spread_deg: Option<f64>,
    /// Lids: 0 closed … 1 open; of the more open eye where one is used.
    pub openness: f64,
    /// Covariance of the filtered point, in squared screen units.
    pub covariance: [[f64; 2]; 2],
    /// Seconds since the measurement that the point rests on.
    pub age_s: f64,
}

impl Default for Evidence {
    /// No calibration, open eyes, no noise, measured just now.
    fn default() -> Self {
        Self {
            map: MapError::Uncalibrated,
            widening: 1.0,
            head_distance_mm: None,
            spread_deg: None,
            openness: 1.0,
            covariance: [[0.0; 2]; 2],
            age_s: 0.0,
        }
    }
}

impl Evidence {
    /// The expected-error radius: 0..=1, a share of the screen's diagonal.
    /// What cannot be calculated counts as the worst.
    pub fn radius(&self, screen: &Screen) -> f64 {
        let noise = diagonal_fraction(
            [self.covariance[0][0].sqrt(), self.covariance[1][1].sqrt()],
            screen.width_mm / screen.height_mm,
        );
        let moved = WANDER * (-(-MOVES_A_SECOND * self.age_s.clamp(0.0, f64::MAX)).exp_m1()).sqrt();
        let map = self.map_error(screen) * self.lids();
        let more = self.share(self.more_spread_deg(), screen);
        let radius = (map * map + more * more + noise * noise + moved * moved).sqrt();
        if radius <= LARGEST { radius } else { LARGEST }
    }

    fn map_error(&self, screen: &Screen) -> f64 {
        match self.map {
            MapError::Uncalibrated => {
                let told = self.spread_deg.unwrap_or(0.0);
                // By libm's max a NaN would pass for the other one.
                let deg = if told < UNCALIBRATED_DEG {
                    UNCALIBRATED_DEG
                } else {
                    told
                };
                self.share(deg, screen)
            }
            MapError::Calibrated {
                held_out,
                head_distance_mm: then,
                ..
            } => {
                let ratio = match (self.head_distance_mm, then) {
                    (Some(now), Some(then)) => now / then,
                    _ => 1.0,
                };
                // By libm's max a NaN would pass for 1.
                let farther = if ratio < 1.0 { 1.0 } else { ratio };
                held_out * farther.powf(DISTANCE_EXPONENT) * self.widening
            }
        }
    }

    /// What the network expects to be off more than when the map was made, degrees.
    fn more_spread_deg(&self) -> f64 {
        let MapError::Calibrated { spread_deg, .. } = self.map else {
            return 0.0;
        };
        let (Some(now), Some(then)) = (self.spread_deg, spread_deg) else {
            return 0.0;
        };
        let more = now * now - then * then;
        if more < 0.0 { 0.0 } else { more.sqrt() }
    }

    /// An angle at the eyes as a share of the screen's diagonal; half a circle is all of it.
    fn share(&self, deg: f64, screen: &Screen) -> f64 {
        let distance = self.head_distance_mm.unwrap_or(ARMS_LENGTH_MM);
        let angle = if deg > 89.0 { 89.0 } else { deg };
        angle.to_radians().tan() * distance / screen.diagonal_mm()
    }

    fn lids(&self) -> f64 {
        1.0 + LID_PENALTY * ((OPEN - self.openness) / OPEN).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calibrated(held_out: f64) -> Evidence {
        Evidence {
            map: MapError::Calibrated {
                held_out,
                head_distance_mm: Some(600.0),
                spread_deg: Some(3.0),
            },
            head_distance_mm: Some(600.0),
            ..Evidence::default()
        }
    }

    #[test]
    fn each_part_is_what_its_formula_says() {
        let screen = Screen::default();
        assert!((calibrated(0.07).radius(&screen) - 0.07).abs() < 1e-12);
        // 7° at 600 mm are 73.7 mm of 355.6.
        assert!((Evidence::default().radius(&screen) - 0.2072).abs() < 1e-4);
        let nearer = Evidence {
            head_distance_mm: Some(300.0),
            ..Evidence::default()
        };
        assert!((nearer.radius(&screen) - 0.1036).abs() < 1e-4);
        let far = Evidence {
            head_distance_mm: Some(1200.0),
            ..calibrated(0.05)
        };
        assert!((far.radius(&screen) - 0.05 * 2f64.powf(0.45)).abs() < 1e-12);
        let drifted = Evidence {
            widening: 1.5,
            ..calibrated(0.05)
        };
        assert!((drifted.radius(&screen) - 0.075).abs() < 1e-12);
        let closed = Evidence {
            openness: 0.0,
            ..calibrated(0.05)
        };
        assert!((closed.radius(&screen) - 0.15).abs() < 1e-12);
        // 3 % of the width and of the height are 3 % of the diagonal.
        let noisy = Evidence {
            covariance: [[9e-4, 0.0], [0.0, 9e-4]],
            ..calibrated(0.04)
        };
        assert!((noisy.radius(&screen) - 0.05).abs() < 1e-12);
        // 5° where 3° were expected at the calibration: 4° more, 41.96 mm of 355.6.
        let unsure = Evidence {
            spread_deg: Some(5.0),
            ..calibrated(0.05)
        };
        let more = 600.0 * 4f64.to_radians().tan() / screen.diagonal_mm();
        let wanted = 0.05f64.hypot(more);
        assert!((unsure.radius(&screen) - wanted).abs() < 1e-12);
        // As sure as then, or surer: the map's own error, nothing twice and nothing off.
        for told in [0.5, 3.0] {
            let sure = Evidence {
                spread_deg: Some(told),
                ..calibrated(0.05)
            };
            assert!((sure.radius(&screen) - 0.05).abs() < 1e-12);
        }
        // A calibration that does not say what it was then.
        let silent = Evidence {
            map: MapError::Calibrated {
                held_out: 0.05,
                head_distance_mm: Some(600.0),
                spread_deg: None,
            },
            ..unsure
        };
        assert!((silent.radius(&screen) - 0.05).abs() < 1e-12);
        // Without a calibration the larger of two words for one thing.
        let stranger = |told| Evidence {
            spread_deg: Some(told),
            head_distance_mm: Some(300.0),
            ..Evidence::default()
        };
        assert!((stranger(3.0).radius(&screen) - 0.1036).abs() < 1e-4);
        let wanted = 300.0 * 14f64.to_radians().tan() / screen.diagonal_mm();
        assert!((stranger(14.0).radius(&screen) - wanted).abs() < 1e-12);
        let old = Evidence {
            age_s: 1.0,
            ..calibrated(0.0)
        };
        assert!((old.radius(&screen) - 0.2 * (1.0 - (-3f64).exp()).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_calculated_is_the_worst() {
        let screen = Screen::default();
        for bad in [
            calibrated(f64::NAN),
            Evidence {
                head_distance_mm: Some(f64::NAN),
                ..calibrated(0.05)
            },
            Evidence {
                spread_deg: Some(f64::NAN),
                ..calibrated(0.05)
            },
            Evidence {
                spread_deg: Some(f64::NAN),
                ..Evidence::default()
            },
            Evidence {
                spread_deg: Some(f64::INFINITY),
                ..calibrated(0.05)
            },
            Evidence {
                widening: f64::NAN,
                ..calibrated(0.05)
            },
            Evidence {
                openness: f64::NAN,
                ..calibrated(0.05)
            },
            Evidence {
                covariance: [[-1.0, 0.0], [0.0, 1.0]],
                ..calibrated(0.05)
            },
            Evidence {
                age_s: f64::NAN,
                ..calibrated(0.05)
            },
            Evidence {
                age_s: f64::INFINITY,
                ..calibrated(f64::INFINITY)
            },
        ] {
            assert_eq!(bad.radius(&screen), 1.0, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn worse_evidence_never_shrinks_the_radius(
            held_out in 0.0..0.3f64, ratio in 1.0..3.0f64, openness in 0.0..1.0f64,
            variance in 0.0..1e-2f64, age in 0.0..0.3f64, told in 0.3..20.0f64,
            worse in 0.0..0.5f64, which in 0usize..7,
        ) {
            let screen = Screen::default();
            let at = |ratio: f64| Evidence {
                head_distance_mm: Some(600.0 * ratio), openness,
                covariance: [[variance, 0.0], [0.0, variance]], age_s: age,
                spread_deg: Some(told), ..calibrated(held_out)
            };
            let better = at(ratio);
            let (before, after) = match which {
                0 => (better, Evidence { map: calibrated(held_out + worse).map, ..better }),
                1 => (better, at(ratio + worse)),
                2 => (better, Evidence { widening: 1.0 + worse, ..better }),
                3 => (better, Evidence { openness: openness - worse, ..better }),
                4 => (better, Evidence {
                    covariance: [[variance + worse, 0.0], [0.0, variance]], ..better
                }),
                5 => (better, Evidence { spread_deg: Some(told + 20.0 * worse), ..better }),
                _ => (better, Evidence { age_s: age + worse, ..better }),
            };
            prop_assert!(after.radius(&screen) >= before.radius(&screen));
            let stranger = |e: Evidence| Evidence { map: MapError::Uncalibrated, ..e };
            prop_assert!(stranger(after).radius(&screen) >= stranger(before).radius(&screen));
            prop_assert!((0.0..=1.0).contains(&after.radius(&screen)));
        }
    }
}
