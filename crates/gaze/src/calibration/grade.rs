//! How good a calibration is, in one word.

use serde::{Deserialize, Serialize};

/// How good a calibration is, from its error on targets that the fit did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Not fit for use: worse than a fifth of the diagonal, or contradictory.
    Failed,
    /// Tells the regions of a screen apart.
    Poor,
    /// What webcams usually give.
    Fair,
    /// About 8 % of the diagonal: a large button.
    Good,
    /// Within 4 % of the diagonal.
    Excellent,
}

impl Grade {
    /// The grade of an error at targets that the fit did not see (share of the
    /// diagonal). NaN fails.
    pub fn of(error: f64, suspicious: bool) -> Self {
        match error {
            _ if suspicious => Self::Failed,
            e if e <= 0.04 => Self::Excellent,
            e if e <= 0.08 => Self::Good,
            e if e <= 0.13 => Self::Fair,
            e if e <= 0.20 => Self::Poor,
            _ => Self::Failed,
        }
    }

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Poor => "poor",
            Self::Fair => "fair",
            Self::Good => "good",
            Self::Excellent => "excellent",
        }
    }
}
