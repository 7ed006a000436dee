//! What the camera, the networks and the lids make of an eye movement.

use super::{Movement, Random, Residuals, SCREEN_DEG};
use crate::eyes::{OPEN_FROM, openness_of};
use crate::geometric::trust_in_lids;

/// What the chain measures of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// When the light fell in, seconds.
    pub captured_s: f64,
    /// When the filter gets it, seconds.
    pub arrived_s: f64,
    /// Where on the screen, normalised.
    pub point: [f64; 2],
    /// Gap between the lids, millimetres of an average face.
    pub gap_mm: f64,
    /// 0 closed … 1 open.
    pub openness: f64,
    /// 0 no trust … 1 full trust.
    pub confidence: f64,
}

impl Measured {
    /// Open enough to tell where the eye looks.
    pub fn open(&self) -> bool {
        self.openness >= OPEN_FROM
    }
}

/// A camera, a person before it, and our networks behind it.
#[derive(Debug, Clone, Copy)]
pub struct Webcam {
    /// Frames a second.
    pub fps: f64,
    /// Noise as a multiple of the measured one.
    pub noise: f64,
    /// From capture to when the filter gets the measurement, seconds.
    pub latency_s: f64,
}

/// Trust in open eyes that are seen well: the demo's median.
const TRUST: f64 = 0.92;
/// How unevenly frames come, seconds.
const UNEVEN_S: f64 = 0.002;
/// Share of frames that never come.
const LOST: f64 = 0.01;

impl Webcam {
    /// What is measured of somebody: how noisy, and what lids, the random numbers decide.
    pub fn look(
        &self,
        movement: &Movement,
        residuals: &Residuals,
        rng: &mut Random,
    ) -> Vec<Measured> {
        let person = libm::exp(0.25 * rng.normal()).clamp(0.6, 1.6);
        let open_mm = rng.uniform(7.5, 10.0);
        // The demo's lids follow the eye by 0.09 mm a degree; real people's by more.
        let follow_mm = rng.uniform(0.08, 0.14);
        let aside = rng.uniform(-1.0, 1.0) * residuals.drag_aside;
        let mut coloured = [rng.normal(), rng.normal()];
        let mut measured = Vec::new();
        let mut last = 0.0;
        for frame in 1.. {
            let captured_s = f64::from(frame) / self.fps + UNEVEN_S * rng.normal().clamp(-3.0, 3.0);
            if captured_s >= movement.seconds() - 0.1 {
                break;
            }
            if captured_s <= last {
                continue;
            }
            let mut point = movement.at(captured_s);
            let [_, down] = point;
            let open_mm = open_mm - follow_mm * SCREEN_DEG[1] * (down - 0.5);
            let fall_mm = open_mm * movement.shut(captured_s);
            let gap_mm = open_mm - fall_mm + residuals.gap_sd_mm * rng.normal();
            for (axis, p) in point.iter_mut().enumerate() {
                let colour = residuals.axes[axis];
                let rho = libm::exp(-(captured_s - last) / colour.correlation_s);
                coloured[axis] = rho * coloured[axis] + libm::sqrt(1.0 - rho * rho) * rng.normal();
                let noise = libm::sqrt(1.0 - colour.white_share) * coloured[axis]
                    + libm::sqrt(colour.white_share) * rng.normal();
                *p += self.noise * person * colour.sd * noise;
            }
            last = captured_s;
            point[0] += aside * fall_mm;
            point[1] += (residuals.drag_down * fall_mm).min(residuals.drag_most);
            if rng.uniform(0.0, 1.0) < LOST {
                continue;
            }
            let openness = openness_of(gap_mm);
            measured.push(Measured {
                captured_s,
                arrived_s: captured_s + self.latency_s,
                point,
                gap_mm,
                openness,
                confidence: TRUST * trust_in_lids(openness),
            });
        }
        measured
    }
}
