//! What the daemon would have expected to err by.

use super::Look;
use crate::affine::Fit;
use crate::calibration::HeadRange;
use crate::drift::{AWAY_NS, DriftWatch};
use crate::error_radius::{Evidence, MapError};
use crate::screen::Screen;

/// The radius as the daemon reckons it.
pub(super) struct Radius {
    map: MapError,
    head: Option<HeadRange>,
}

impl Radius {
    pub fn of(fit: &Fit, looks: &[Look]) -> Self {
        let head = HeadRange::of(looks.iter().filter_map(|l| l.head));
        Self {
            map: MapError::Calibrated {
                held_out: fit.cross_validated,
                head_distance_mm: head.map(|h| h.distance_mm()),
                spread_deg: head.and_then(|h| h.spread_deg),
            },
            head,
        }
    }

    /// Of a look during the calibration's sitting, or after the person was away.
    pub fn at(&self, look: &Look, was_away: bool) -> f64 {
        const TICK_NS: u64 = 16_666_667;
        let mut evidence = Evidence {
            map: self.map,
            ..Evidence::default()
        };
        let mut watch = DriftWatch::new(self.head);
        if let Some(head) = look.head {
            let [x, y, z] = head.eye_mm;
            evidence.head_distance_mm = Some(x.hypot(y).hypot(z));
            evidence.openness = head.openness;
            evidence.spread_deg = head.spread_deg;
            let mut now_ns = 0;
            watch.look(now_ns, head.eye_mm, head.yaw_pitch_deg);
            if was_away {
                now_ns += AWAY_NS + TICK_NS;
            }
            // Three seconds there.
            for _ in 0..180 {
                now_ns += TICK_NS;
                watch.look(now_ns, head.eye_mm, head.yaw_pitch_deg);
            }
        }
        // Where nothing is known of the head only the time can tell.
        let age_s = if was_away { 86_400 } else { 60 };
        evidence.widening = watch.drift(age_s).widening;
        evidence.radius(&Screen::default())
    }
}
