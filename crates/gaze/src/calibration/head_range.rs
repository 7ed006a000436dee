//! Where the head was while a calibration was made.

use serde::{Deserialize, Serialize};

/// One look's head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadSample {
    /// The eyes' place (origin of the line of sight), camera frame, millimetres.
    pub eye_mm: [f64; 3],
    /// Yaw and pitch of the head, degrees.
    pub yaw_pitch_deg: [f64; 2],
    /// Lids of the more open eye: 0 closed … 1 open.
    pub openness: f64,
    /// How far the network expected to be off then, degrees; where it tells.
    pub spread_deg: Option<f64>,
}

/// Mean and standard deviation of the head's place and turn over all looks of a
/// calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRange {
    /// Mean place of the eyes, camera frame, millimetres.
    pub centre_mm: [f64; 3],
    /// Its standard deviation along each axis.
    pub spread_mm: [f64; 3],
    /// Mean yaw and pitch of the head, degrees.
    pub yaw_pitch_deg: [f64; 2],
    /// Their standard deviations.
    pub yaw_pitch_spread_deg: [f64; 2],
    /// Mean openness of the lids, 0..1.
    pub openness: f64,
    /// How far the network expected its lines of sight to be off for somebody nobody calibrated,
    /// degrees: of nine looks in ten no more than this. Where it told it of all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread_deg: Option<f64>,
}

impl HeadRange {
    /// Of the looks that a calibration was made of; what is not finite is left
    /// out. `None` without a look.
    pub fn of(looks: impl IntoIterator<Item = HeadSample>) -> Option<Self> {
        let mut told = Vec::new();
        let rows: Vec<[f64; 6]> = looks
            .into_iter()
            .map(|l| {
                let [x, y, z] = l.eye_mm;
                let row = [x, y, z, l.yaw_pitch_deg[0], l.yaw_pitch_deg[1], l.openness];
                (row, l.spread_deg.filter(|s| s.is_finite() && *s > 0.0))
            })
            .filter(|(row, _)| row.iter().all(|v| v.is_finite()))
            .map(|(row, spread)| {
                told.extend(spread);
                row
            })
            .collect();
        if rows.is_empty() {
            return None;
        }
        let n = rows.len() as f64;
        told.sort_by(f64::total_cmp);
        let of_ten = (told.len() * 9).div_ceil(10);
        let spread = (told.len() == rows.len()).then(|| told[of_ten - 1]);
        let mean: [f64; 6] = std::array::from_fn(|i| rows.iter().map(|r| r[i]).sum::<f64>() / n);
        let sd = |i: usize| {
            let squares = rows.iter().map(|r| (r[i] - mean[i]).powi(2)).sum::<f64>();
            (squares / n).sqrt()
        };
        Some(Self {
            centre_mm: [mean[0], mean[1], mean[2]],
            spread_mm: [sd(0), sd(1), sd(2)],
            yaw_pitch_deg: [mean[3], mean[4]],
            yaw_pitch_spread_deg: [sd(3), sd(4)],
            openness: mean[5].clamp(0.0, 1.0),
            spread_deg: spread,
        })
    }

    /// Distance of the eyes from the camera, in millimetres.
    pub fn distance_mm(&self) -> f64 {
        let [x, y, z] = self.centre_mm;
        x.hypot(y).hypot(z)
    }

    pub(super) fn is_sensible(&self) -> bool {
        let angles = self
            .yaw_pitch_deg
            .iter()
            .chain(&self.yaw_pitch_spread_deg)
            .all(|a| a.abs() <= 180.0);
        let spreads = self.spread_mm.iter().chain(&self.yaw_pitch_spread_deg);
        angles
            && spreads.into_iter().all(|s| s.is_finite() && *s >= 0.0)
            && self.centre_mm.iter().all(|v| v.is_finite())
            && self.centre_mm[2] > 0.0
            && (0.0..=1.0).contains(&self.openness)
            && self.spread_deg.is_none_or(|s| s > 0.0 && s <= 180.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_spreads_are_those_of_the_looks() {
        let at = |z: f64, yaw: f64| HeadSample {
            eye_mm: [30.0, 40.0, z],
            yaw_pitch_deg: [yaw, -5.0],
            openness: 0.8,
            spread_deg: Some(z / 200.0),
        };
        assert_eq!(HeadRange::of([]), None);
        assert_eq!(HeadRange::of([at(f64::NAN, 0.0)]), None);
        let range = HeadRange::of([at(590.0, 1.0), at(f64::NAN, 9.0), at(610.0, 3.0)]).unwrap();
        assert_eq!(range.centre_mm, [30.0, 40.0, 600.0]);
        assert_eq!(range.spread_mm, [0.0, 0.0, 10.0]);
        assert_eq!(range.yaw_pitch_deg, [2.0, -5.0]);
        assert_eq!(range.yaw_pitch_spread_deg, [1.0, 0.0]);
        assert!((range.distance_mm() - 362_500f64.sqrt()).abs() < 1e-9);
        assert!(range.is_sensible());
        let ten = (0..10).rev().map(|i| at(600.0 + 20.0 * f64::from(i), 0.0));
        let ninth = HeadRange::of(ten).unwrap().spread_deg.unwrap();
        assert!((ninth - 3.8).abs() < 1e-9, "{ninth}");
        // Of looks of which some are not told of, it is not known.
        for untold in [None, Some(0.0), Some(f64::NAN)] {
            let untold = HeadSample {
                spread_deg: untold,
                ..at(600.0, 2.0)
            };
            let range = HeadRange::of([at(590.0, 1.0), untold]).unwrap();
            assert_eq!(range.spread_deg, None);
            // Files without it are as they were.
            let text = serde_json::to_string(&range).unwrap();
            assert!(!text.contains("spread_deg\":null"), "{text}");
            assert_eq!(serde_json::from_str::<HeadRange>(&text).unwrap(), range);
        }
        let no_angle = HeadRange {
            spread_deg: Some(-1.0),
            ..range
        };
        assert!(!no_angle.is_sensible());
    }
}
