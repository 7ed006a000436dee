//! Which measurements to hold back because the lids are on their way.
//!
//! Lids that close draw the measured point down long before they hide the iris: by a third of
//! the screen's height for each millimetre, in the demo's blinks by more than its whole height,
//! and no trust is lost over it, since networks learn that low lids look down. The point alone
//! does not tell that from a look down: lids follow the eye. The lids' own course does: after a
//! look down they stay where they are, after a blink's fall they do not.
//!
//! So a measurement whose lids have fallen is held back until they have come back up or stay.
//! What that costs: a look down by more than some 4° is seen one frame of a 30 fps camera later.

/// A fall of the lids by less than this is none, millimetres.
const FALL_MM: f64 = 0.35;
/// Lids that move less than this are still, millimetres.
const STILL_MM: f64 = 0.2;
/// The same, as multiples of what the gap changes by from frame to frame in open eyes.
const FALL_NOISE: f64 = 5.0;
const STILL_NOISE: f64 = 3.0;
/// Lids still for so long have arrived: a frame of a 30 fps camera that comes a little early.
const STILL_NS: u64 = 28_000_000;
/// Further than any look down lowers the lids, millimetres (25° at 0.1 mm each).
const DEEP_MM: f64 = 2.2;
/// So low they are a blink's that stops half-way, unless they stay for so long.
const DEEP_STILL_NS: u64 = 120_000_000;
/// Held back no longer than this, whatever the lids do.
const LONGEST_NS: u64 = 500_000_000;
/// Not seen for so long, they are met anew.
const FORGET_NS: u64 = 1_000_000_000;
/// The gap of open lids follows the seen one: up at once, down slowly, in seconds.
const OPEN_TIME_S: (f64, f64) = (0.02, 0.2);
/// The gap's noise is learnt over so many frames.
const NOISE_FRAMES: f64 = 30.0;
/// Bounds of that noise, mean change from frame to frame, millimetres.
const NOISE_MM: (f64, f64) = (0.02, 0.4);

/// Watches the lids of one person. Neither allocates nor blocks.
///
/// ```
/// use gaze::filter::LidGate;
/// let (mut gate, frame) = (LidGate::default(), 33_000_000);
/// assert!((0..30).all(|i| gate.admit(i * frame, 9.0, true)));
/// // A blink: closing, closed, opening, open.
/// assert!(!gate.admit(30 * frame, 6.0, true));
/// assert!(!gate.admit(31 * frame, 0.5, false));
/// assert!(!gate.admit(32 * frame, 7.0, true));
/// assert!(gate.admit(33 * frame, 8.9, true));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LidGate {
    /// The frame before this one: when, and the gap in it.
    last: Option<(u64, f64)>,
    /// Gap of the lids while they are open.
    open_mm: f64,
    /// Mean change of the gap from frame to frame.
    noise_mm: f64,
    /// Since when measurements are held back.
    held: Option<u64>,
    /// Since when the lids are about here.
    still: (u64, f64),
}

impl Default for LidGate {
    fn default() -> Self {
        Self {
            last: None,
            open_mm: 0.0,
            noise_mm: 0.06,
            held: None,
            still: (0, 0.0),
        }
    }
}

impl LidGate {
    /// Whether a frame's measurement says where the eye looks. Times are of capture; `gap_mm`
    /// is the wider eye's ([`crate::eyes::EyeState::gap_mm`]); `open` is false where the eyes
    /// are shut so far that nothing is measured.
    pub fn admit(&mut self, t_ns: u64, gap_mm: f64, open: bool) -> bool {
        let last = self.last.replace((t_ns, gap_mm));
        let Some((last_ns, last_mm)) =
            last.filter(|(then, _)| t_ns > *then && t_ns - then <= FORGET_NS)
        else {
            let noise_mm = self.noise_mm;
            *self = Self {
                last: self.last,
                open_mm: gap_mm,
                noise_mm,
                still: (t_ns, gap_mm),
                held: (!open).then_some(t_ns),
            };
            return open;
        };
        if !open {
            self.held = Some(t_ns);
            self.still = (t_ns, gap_mm);
            return false;
        }
        let fall_mm = self.open_mm - gap_mm;
        let Some(since) = self.held else {
            if fall_mm > FALL_MM.max(FALL_NOISE * self.noise_mm) {
                self.held = Some(t_ns);
                self.still = (t_ns, gap_mm);
                return false;
            }
            let change = (gap_mm - last_mm).abs();
            self.noise_mm += (change - self.noise_mm) / NOISE_FRAMES;
            self.noise_mm = self.noise_mm.clamp(NOISE_MM.0, NOISE_MM.1);
            let (up, down) = OPEN_TIME_S;
            let time = if fall_mm < 0.0 { up } else { down };
            let dt = (t_ns - last_ns) as f64 * 1e-9;
            self.open_mm += (gap_mm - self.open_mm) * (1.0 - libm::exp(-dt / time));
            return true;
        };
        let still_mm = STILL_MM.max(STILL_NOISE * self.noise_mm);
        if (gap_mm - self.still.1).abs() > still_mm {
            self.still = (t_ns, gap_mm);
        }
        let back = fall_mm < still_mm;
        let enough = if fall_mm > DEEP_MM {
            DEEP_STILL_NS
        } else {
            STILL_NS
        };
        let stays = t_ns - self.still.0 >= enough;
        if back || stays || t_ns - since > LONGEST_NS {
            self.held = None;
            if !back {
                self.open_mm = gap_mm;
            }
            return true;
        }
        false
    }

    /// Whether the last frame's measurement was held back.
    pub fn holds(&self) -> bool {
        self.held.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Each frame's gap, whether it counts as open, and what came of it.
    fn admitted(fps: u64, gaps: &[f64]) -> Vec<bool> {
        let mut gate = LidGate::default();
        for i in 0..20 {
            assert!(gate.admit(i * 1000 * MS / fps, 9.0, true));
        }
        gaps.iter()
            .enumerate()
            .map(|(i, gap)| gate.admit((20 + i as u64) * 1000 * MS / fps, *gap, *gap >= 4.5))
            .collect()
    }

    #[test]
    fn nothing_of_a_blink_passes_and_all_after_it_does() {
        let blink = [6.0, 0.4, 0.2, 2.0, 6.6, 8.3, 8.95, 9.0];
        assert_eq!(
            admitted(30, &blink),
            [false, false, false, false, false, false, true, true]
        );
        // Half-way down and up again: the eyes never count as closed.
        let half = [7.4, 5.6, 5.2, 5.2, 5.2, 5.9, 7.2, 8.1, 8.6, 8.85, 9.0];
        let passed = admitted(60, &half);
        assert_eq!(passed.iter().position(|p| *p), Some(9), "{passed:?}");
    }

    #[test]
    fn a_look_down_costs_a_frame_and_a_slow_one_none() {
        assert_eq!(
            admitted(30, &[8.2, 8.05, 8.0, 8.0]),
            [false, true, true, true]
        );
        let slow: Vec<f64> = (1..60).map(|i| 9.0 - 0.03 * f64::from(i)).collect();
        assert!(admitted(30, &slow).iter().all(|p| *p));
        // Looking up opens the lids: nothing falls.
        assert!(admitted(30, &[9.8, 10.3, 10.3]).iter().all(|p| *p));
    }

    #[test]
    fn narrowed_lids_are_believed_when_they_stay() {
        let passed = admitted(30, &[6.0; 8]);
        assert_eq!(passed.iter().position(|p| *p), Some(4), "{passed:?}");
        assert!(passed[4..].iter().all(|p| *p));
    }

    #[test]
    fn lids_that_are_told_badly_do_not_stop_the_stream() {
        let mut gate = LidGate::default();
        let mut held = 0;
        let mut rng = crate::eye_movements::Random::new(3);
        for i in 0..3000 {
            held +=
                usize::from(!gate.admit(i * 33 * MS, 8.0 + 0.3 * rng.normal(), true) && i > 300);
        }
        assert!(held < 30, "{held}");
    }
}
