//! What a sitting is to do, and where its dots are.

use gaze::affine::{MAX_TARGETS, MIN_TARGETS};
use gaze::calibration::{Calibration, Setup};
use gaze::screen::Screen;

/// Held-out targets after every calibration.
pub const CHECKS: usize = 4;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A new map from this many targets, judged at [`CHECKS`] others.
    Calibrate {
        /// 5, 9, 13, 16 or 20.
        targets: usize,
    },
    /// The stored map is judged at this many targets; nothing is stored.
    Validate {
        /// 4 to 20.
        targets: usize,
    },
    /// One target gives the offset that the stored map has drifted by.
    Repair,
}

/// What a sitting is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is made.
    pub kind: Kind,
    /// For whom, through which camera, on which display, with which network.
    pub setup: Setup,
    /// The stored calibration for that setup. Needed to validate and repair; a new
    /// calibration is compared with it and takes its targets as history.
    pub previous: Option<Calibration>,
    /// Orders the targets and places the held-out ones; the same seed gives the same sitting.
    pub seed: u64,
    /// The time: seconds since 1970, UTC. The record's time is this.
    pub created_unix_s: u64,
}

/// Why a sitting cannot begin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// There is no layout of so many targets.
    #[error("{found} targets: choose 5, 9, 13, 16 or 20")]
    Targets {
        /// How many were asked for.
        found: usize,
    },
    /// Too few or too many to judge a map.
    #[error("{found} targets: choose {CHECKS} to {MAX_TARGETS}")]
    Checks {
        /// How many were asked for.
        found: usize,
    },
    /// Nothing to validate or repair.
    #[error("there is no calibration yet: make one with `gaze-calib run`")]
    Nothing,
    /// The stored one is not for this setup.
    #[error("{0}")]
    NotApplicable(#[from] gaze::calibration::NotApplicable),
    /// The display has no size.
    #[error("the display's size is not known: give it with --size-mm")]
    Display,
}

impl Plan {
    /// The screen that lines of sight are to be met with: of a stored map its own, as
    /// its numbers are of that one.
    pub fn screen(&self) -> Screen {
        match (self.kind, &self.previous) {
            (Kind::Validate { .. } | Kind::Repair, Some(stored)) => stored.display.screen(),
            _ => self.setup.display.screen(),
        }
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        let display = &self.setup.display;
        let sizes = [
            f64::from(display.width_px),
            f64::from(display.height_px),
            display.width_mm,
            display.height_mm,
        ];
        if !sizes.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err(PlanError::Display);
        }
        match self.kind {
            Kind::Calibrate { targets } => {
                debug_assert!(super::layout::COUNTS.iter().all(|n| *n >= MIN_TARGETS));
                if !super::layout::COUNTS.contains(&targets) {
                    return Err(PlanError::Targets { found: targets });
                }
                return Ok(());
            }
            Kind::Validate { targets } if !(CHECKS..=MAX_TARGETS).contains(&targets) => {
                return Err(PlanError::Checks { found: targets });
            }
            Kind::Validate { .. } | Kind::Repair => {}
        }
        let previous = self.previous.as_ref().ok_or(PlanError::Nothing)?;
        Ok(previous.applies_to(&self.setup)?)
    }
}
