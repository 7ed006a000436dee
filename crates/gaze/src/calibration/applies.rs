//! Whether a calibration is for this user, camera, display and network.

use super::{Calibration, DisplayRecord};

/// What a calibration is made for; the file's name follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Whose eyes.
    pub user: String,
    /// Seen by which camera.
    pub camera: String,
    /// On which display.
    pub display: DisplayRecord,
    /// Through which network: [`network_id`](super::network_id).
    pub network: String,
}

/// Why a valid calibration does not apply here.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotApplicable {
    /// Of somebody else.
    #[error("the calibration is {found}'s, not {wanted}'s")]
    User {
        /// In the file.
        found: String,
        /// Here.
        wanted: String,
    },
    /// Through another camera.
    #[error("the calibration was made with camera {found}, not {wanted}")]
    Camera {
        /// In the file.
        found: String,
        /// Here.
        wanted: String,
    },
    /// On another display.
    #[error("the calibration was made on display {found}, not {wanted}")]
    Display {
        /// In the file.
        found: String,
        /// Here.
        wanted: String,
    },
    /// With another network: its output may lie anywhere else.
    #[error("the calibration was made with network {found}, not {wanted}: calibrate again")]
    Network {
        /// In the file.
        found: String,
        /// Here.
        wanted: String,
    },
}

impl Calibration {
    /// Whether it is for this user, camera, display and network. The display's
    /// resolution may have changed: the map is normalised. So may what is known
    /// of its millimetres: the map goes with the geometry in the file.
    ///
    /// # Errors
    /// [`NotApplicable`] names the first difference.
    pub fn applies_to(&self, setup: &Setup) -> Result<(), NotApplicable> {
        let differs = |found: &str, wanted: &str| {
            (found != wanted).then(|| (found.to_owned(), wanted.to_owned()))
        };
        if let Some((found, wanted)) = differs(&self.user, &setup.user) {
            return Err(NotApplicable::User { found, wanted });
        }
        if let Some((found, wanted)) = differs(&self.camera, &setup.camera) {
            return Err(NotApplicable::Camera { found, wanted });
        }
        if let Some((found, wanted)) = differs(&self.display.id, &setup.display.id) {
            return Err(NotApplicable::Display { found, wanted });
        }
        match differs(&self.network, &setup.network) {
            Some((found, wanted)) => Err(NotApplicable::Network { found, wanted }),
            None => Ok(()),
        }
    }
}
