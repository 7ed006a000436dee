//! The per-user calibration file: one for each user, camera and display.
//!
//! A JSON object of schema [`SCHEMA`]; unknown keys are errors. It lies in
//! [`default_folder`] as `<user>__<camera>__<display>.json` ([`file_name`]).
//! Lengths of errors are shares of the screen's diagonal.
//!
//! Shortened to one of its targets:
//!
//! ```json
//! {
//!   "schema": 1,
//!   "user": "ada",
//!   "camera": "FaceTime HD",
//!   "display": {"id": "Built-in", "width_px": 1512, "height_px": 982, "width_mm": 302.0, "height_mm": 196.0},
//!   "network": "sha256 of the network's file, or the name of a gaze without one",
//!   "form": "affine",
//!   "map": {"a": 0.9, "b": 0.0, "c": 0.1, "d": 0.0, "e": 1.1, "f": -0.05},
//!   "targets": [{"x": 0.1, "y": 0.1, "raw_x": 0.01, "raw_y": 0.13, "samples": 30, "scatter": 0.02,
//!                "residual": 0.006, "held_out": 0.01, "used": true}],
//!   "residual": 0.02,
//!   "cross_validated": 0.035,
//!   "grade": "excellent",
//!   "head_distance_mm": 560.0,
//!   "created_unix_s": 1790000000
//! }
//! ```
//!
//! A file is refused, with the reason, when it does not parse, is of another
//! schema, is not finite, when its map is singular, when its numbers
//! contradict each other, or when it fails its own grade.

mod atomic;
mod file;
mod place;
pub mod selection;

use serde::{Deserialize, Serialize};

use crate::affine::{Affine, Fit, Form, MAX_TARGETS, MIN_TARGETS, diagonal_fraction};
pub use file::{FileError, load, write};
pub use place::{default_folder, file_name};

/// Version of the file's layout.
pub const SCHEMA: u32 = 1;

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
    /// The grade of a cross-validated error (share of the diagonal). NaN fails.
    pub fn of(cross_validated: f64, suspicious: bool) -> Self {
        match cross_validated {
            _ if suspicious => Self::Failed,
            e if e <= 0.04 => Self::Excellent,
            e if e <= 0.08 => Self::Good,
            e if e <= 0.13 => Self::Fair,
            e if e <= 0.20 => Self::Poor,
            _ => Self::Failed,
        }
    }
}

/// The display that a calibration was made on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisplayRecord {
    /// A name that is the same at the next start.
    pub id: String,
    /// Width in pixels at the time.
    pub width_px: u32,
    /// Height in pixels at the time.
    pub height_px: u32,
    /// Width of the visible area, in millimetres.
    pub width_mm: f64,
    /// Height of the visible area, in millimetres.
    pub height_mm: f64,
}

impl DisplayRecord {
    /// Width divided by height, by millimetres.
    pub fn aspect(&self) -> f64 {
        self.width_mm / self.height_mm
    }
}

/// One target of the calibration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRecord {
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
    /// Distance from the target after the map.
    pub residual: f64,
    /// The same with a map that was fitted without this target.
    pub held_out: f64,
    /// False when it was set aside as wild.
    pub used: bool,
}

/// What a calibration is made for; the file's name follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Whose eyes.
    pub user: String,
    /// Seen by which camera.
    pub camera: String,
    /// On which display.
    pub display: DisplayRecord,
    /// SHA-256 of the network's file, or the name of a gaze without a network.
    pub network: String,
}

/// A calibration as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Whose eyes.
    pub user: String,
    /// Seen by which camera.
    pub camera: String,
    /// On which display.
    pub display: DisplayRecord,
    /// SHA-256 of the network's file, or the name of a gaze without a network.
    pub network: String,
    /// The form of the map.
    pub form: Form,
    /// From the uncalibrated point to the point on the screen.
    pub map: Affine,
    /// The targets it was fitted to.
    pub targets: Vec<TargetRecord>,
    /// Root mean square residual of the used targets.
    pub residual: f64,
    /// Root mean square error at targets left out of the fit; one that was set
    /// aside as wild counts as much as the worst that was not.
    pub cross_validated: f64,
    /// What that error is worth.
    pub grade: Grade,
    /// How far the eyes were from the camera, in millimetres, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_distance_mm: Option<f64>,
    /// When it was made: seconds since 1970, UTC.
    pub created_unix_s: u64,
}

/// Why a calibration that could be read is not used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// Another version of the file's layout.
    #[error("its schema is {found}, this program reads {SCHEMA}: calibrate again")]
    Schema {
        /// The version in the file.
        found: u32,
    },
    /// A name is empty.
    #[error("{field} is empty")]
    Empty {
        /// Which name.
        field: &'static str,
    },
    /// A number is not finite or of the wrong sign.
    #[error("{field} is not a sensible number")]
    Number {
        /// Which number.
        field: &'static str,
    },
    /// The map flattens the plane or explodes.
    #[error("its map is singular or explodes: calibrate again")]
    Map,
    /// The stated form has no mixed terms, the map has.
    #[error("its form says scale and offset, but b or d is not zero")]
    Form,
    /// Too few or too many targets.
    #[error("it has {found} targets, not {MIN_TARGETS} to {MAX_TARGETS}")]
    Targets {
        /// How many.
        found: usize,
    },
    /// A residual is not what map and target give: the parts are not of one fit.
    #[error("the residual of target {index} does not belong to its map: the file is mixed up")]
    Residual {
        /// Number of the target, from 0.
        index: usize,
    },
    /// The stated error is not that of its targets.
    #[error("{field} is not that of its targets: the file is mixed up")]
    Summary {
        /// Which number.
        field: &'static str,
    },
    /// The stated grade is not that of the error.
    #[error("it says {stated:?}, its error is worth {earned:?}: the file is mixed up")]
    Grade {
        /// As written.
        stated: Grade,
        /// As calculated.
        earned: Grade,
    },
    /// It fails its own grade.
    #[error("its grade is failed: calibrate again")]
    Failed,
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
    /// The record of a fit. It is graded here; check it with
    /// [`validate`](Self::validate) before using it.
    pub fn from_fit(
        fit: &Fit,
        setup: &Setup,
        head_distance_mm: Option<f64>,
        created_unix_s: u64,
    ) -> Self {
        let targets = fit.targets.iter().map(|t| TargetRecord {
            x: t.target[0],
            y: t.target[1],
            raw_x: t.raw[0],
            raw_y: t.raw[1],
            samples: t.samples,
            scatter: t.scatter,
            residual: t.residual,
            held_out: t.held_out,
            used: t.used,
        });
        Self {
            schema: SCHEMA,
            user: setup.user.clone(),
            camera: setup.camera.clone(),
            display: setup.display.clone(),
            network: setup.network.clone(),
            form: fit.form,
            map: fit.map,
            targets: targets.collect(),
            residual: fit.residual,
            cross_validated: fit.cross_validated,
            grade: Grade::of(fit.cross_validated, fit.suspicious),
            head_distance_mm,
            created_unix_s,
        }
    }

    /// Whether it can be used at all, by what it says itself.
    ///
    /// # Errors
    /// [`Invalid`] names the first thing that is wrong.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.schema != SCHEMA {
            return Err(Invalid::Schema { found: self.schema });
        }
        let names = [
            ("user", &self.user),
            ("camera", &self.camera),
            ("display.id", &self.display.id),
            ("network", &self.network),
        ];
        if let Some((field, _)) = names.iter().find(|(_, name)| name.is_empty()) {
            return Err(Invalid::Empty { field });
        }
        let display = &self.display;
        let positive = [
            ("display.width_px", f64::from(display.width_px)),
            ("display.height_px", f64::from(display.height_px)),
            ("display.width_mm", display.width_mm),
            ("display.height_mm", display.height_mm),
            ("head_distance_mm", self.head_distance_mm.unwrap_or(1.0)),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, v)| !(v.is_finite() && *v > 0.0)) {
            return Err(Invalid::Number { field });
        }
        if !self.map.is_usable() {
            return Err(Invalid::Map);
        }
        if self.form == Form::ScaleOffset && (self.map.b != 0.0 || self.map.d != 0.0) {
            return Err(Invalid::Form);
        }
        self.validate_targets()?;
        match (self.grade, Grade::of(self.cross_validated, false)) {
            (Grade::Failed, _) => Err(Invalid::Failed),
            (stated, earned) if stated != earned => Err(Invalid::Grade { stated, earned }),
            _ => Ok(()),
        }
    }

    /// Whether it is for this user, camera, display and network. The display's
    /// resolution may have changed: the map is normalised.
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

    fn validate_targets(&self) -> Result<(), Invalid> {
        /// Files keep all digits; this much is lost by other programs' writers.
        const EXACT: f64 = 1e-6;
        let used: Vec<&TargetRecord> = self.targets.iter().filter(|t| t.used).collect();
        // A quarter may have been set aside.
        if !(MIN_TARGETS..=MAX_TARGETS).contains(&self.targets.len())
            || 4 * used.len() < 3 * self.targets.len()
        {
            return Err(Invalid::Targets { found: used.len() });
        }
        for (index, t) in self.targets.iter().enumerate() {
            let numbers = [
                t.x, t.y, t.raw_x, t.raw_y, t.scatter, t.residual, t.held_out,
            ];
            if !numbers.iter().all(|v| v.is_finite()) {
                return Err(Invalid::Number { field: "a target" });
            }
            let [x, y] = self.map.apply([t.raw_x, t.raw_y]);
            let residual = diagonal_fraction([x - t.x, y - t.y], self.display.aspect());
            if (residual - t.residual).abs() > EXACT {
                return Err(Invalid::Residual { index });
            }
        }
        let rms = |errors: &[f64]| {
            (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt()
        };
        let residuals: Vec<f64> = used.iter().map(|t| t.residual).collect();
        // As in the fit: one that was set aside counts as much as the worst that was not.
        let worst = used.iter().map(|t| t.held_out).fold(0.0, f64::max);
        let held_out: Vec<f64> = self.targets.iter().map(|t| t.held_out.min(worst)).collect();
        for (field, stated, is) in [
            ("residual", self.residual, rms(&residuals)),
            ("cross_validated", self.cross_validated, rms(&held_out)),
        ] {
            let belongs = (stated - is).abs() <= EXACT;
            if !belongs {
                return Err(Invalid::Summary { field });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
