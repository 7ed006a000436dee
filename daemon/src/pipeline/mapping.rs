//! What turns a line of sight into a point: screen, calibration, filter.

use gaze::affine::Affine;
use gaze::calibration::HeadRange;
use gaze::error_radius::MapError;
use gaze::filter::FilterConfig;
use gaze::screen::Screen;
use ring::layout::{CalibrationNote, CalibrationStatus, Grade, put_text};

/// Swapped whole while the daemon runs; never changed in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The rectangle that lines of sight are met with, and the camera's place at it:
    /// the calibration's own where one is in force (the map was fitted to points on
    /// that one), with the display's pixels of now.
    pub screen: Screen,
    /// Raised whenever `screen` changes, from 1.
    pub display_version: u32,
    /// The person's map, if one is in force.
    pub calibration: Option<Affine>,
    /// Raised whenever `calibration` changes; 0 until the first.
    pub calibration_generation: u32,
    /// How good the map in force is.
    pub map_error: MapError,
    /// Where the head was when it was made, as far as the file says.
    pub head: Option<HeadRange>,
    /// Which network the calibration was made with, by the number that the daemon gives
    /// each ([`NetworkTag::number`](super::measurement::NetworkTag)): points of another
    /// one are not put through it.
    pub network: u32,
    /// How points are steadied.
    pub filter: FilterConfig,
    /// What the header says about all this.
    pub note: CalibrationNote,
    /// Raised whenever `note` changes.
    pub note_version: u32,
}

impl Mapping {
    /// What samples and header call the calibration in force; 0: none.
    pub fn generation(&self) -> u32 {
        self.calibration.map_or(0, |_| self.calibration_generation)
    }

    /// The same for lines of sight of another network: without the calibration.
    pub fn for_network(&self, network: u32) -> Mapping {
        if network == self.network {
            return self.clone();
        }
        Mapping {
            calibration: None,
            map_error: MapError::Uncalibrated,
            head: None,
            network,
            note: CalibrationNote {
                status: CalibrationStatus::None.raw(),
                text: put_text("another network has just taken over"),
                user: self.note.user,
                ..CalibrationNote::default()
            },
            ..self.clone()
        }
    }

    /// How old the calibration in force is, in seconds; 0 by a clock that was set back.
    pub fn age_s(&self, now_unix_s: u64) -> u64 {
        now_unix_s.saturating_sub(self.note.created_unix_s)
    }

    /// Whether points tell no more than the regions of a screen apart.
    pub fn is_coarse(&self) -> bool {
        self.calibration.is_none() || self.note.grade() <= Grade::Poor
    }

    /// No calibration yet.
    pub fn uncalibrated(screen: Screen, filter: FilterConfig) -> Self {
        Mapping {
            screen,
            display_version: 1,
            calibration: None,
            calibration_generation: 0,
            map_error: MapError::Uncalibrated,
            head: None,
            network: 0,
            filter,
            note: CalibrationNote::default(),
            note_version: 0,
        }
    }
}
