//! Targets of earlier sittings.

use serde::{Deserialize, Serialize};

/// One target of an earlier sitting: its looks as one point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SittingTarget {
    /// Where it was shown, normalised.
    pub x: f64,
    /// Where it was shown, normalised.
    pub y: f64,
    /// Mean of the uncalibrated looks at it, normalised.
    pub raw_x: f64,
    /// Mean of the uncalibrated looks at it, normalised.
    pub raw_y: f64,
    /// How many looks.
    pub samples: usize,
    /// Root mean square distance of the looks from their mean, before the map.
    pub scatter: f64,
}

/// An earlier sitting of the same person at the same display, through the same
/// camera and network, with rays met by the same screen geometry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sitting {
    /// When: seconds since 1970, UTC.
    pub created_unix_s: u64,
    /// Its targets, those of its validation too.
    pub targets: Vec<SittingTarget>,
}
