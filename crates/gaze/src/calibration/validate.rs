//! Whether a calibration can be used at all, by what it says itself.

use super::{Calibration, Grade, MAX_HISTORY, SCHEMA, Sitting, TargetRecord};
use crate::affine::{Form, MAX_TARGETS, MIN_TARGETS, diagonal_fraction};

/// Files keep all digits; this much is lost by other programs' writers.
const EXACT: f64 = 1e-6;

/// A repair moves points by at most this share of the diagonal: more is no drift.
pub const MAX_REPAIR: f64 = 0.5;

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
    /// The same of a validation target.
    #[error(
        "the error of validation target {index} does not belong to its map: the file is mixed up"
    )]
    ValidationError {
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
    /// The history is not one.
    #[error("its history {what}: the file is mixed up")]
    History {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The repair moves points further than drift does.
    #[error("its repair moves points across half the screen: calibrate again")]
    Repair,
}

impl Calibration {
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
        self.validate_geometry()?;
        if !self.map.is_usable() {
            return Err(Invalid::Map);
        }
        if self.form == Form::ScaleOffset && (self.map.b != 0.0 || self.map.d != 0.0) {
            return Err(Invalid::Form);
        }
        self.validate_targets()?;
        self.validate_validation()?;
        self.validate_history()?;
        if let Some(repair) = &self.repair {
            let length = diagonal_fraction([repair.dx, repair.dy], self.display.aspect());
            let drift = length <= MAX_REPAIR;
            if !drift {
                return Err(Invalid::Repair);
            }
        }
        match (self.grade, Grade::of(self.graded_error(), false)) {
            (Grade::Failed, _) => Err(Invalid::Failed),
            (stated, earned) if stated != earned => Err(Invalid::Grade { stated, earned }),
            _ => Ok(()),
        }
    }

    fn validate_geometry(&self) -> Result<(), Invalid> {
        let display = &self.display;
        let positive = [
            ("display.width_px", f64::from(display.width_px)),
            ("display.height_px", f64::from(display.height_px)),
            ("display.width_mm", display.width_mm),
            ("display.height_mm", display.height_mm),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, v)| !(v.is_finite() && *v > 0.0)) {
            return Err(Invalid::Number { field });
        }
        let place = &display.camera;
        let finite = [place.x_norm, place.above_mm, place.forward_mm]
            .iter()
            .all(|v| v.is_finite());
        if !finite || !(-90.0..=90.0).contains(&place.tilt_deg) {
            return Err(Invalid::Number {
                field: "display.camera",
            });
        }
        if self.head.is_some_and(|h| !h.is_sensible()) {
            return Err(Invalid::Number { field: "head" });
        }
        Ok(())
    }

    fn validate_targets(&self) -> Result<(), Invalid> {
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
            let residual = self.miss([t.raw_x, t.raw_y], [t.x, t.y], [0.0; 2]);
            if (residual - t.residual).abs() > EXACT {
                return Err(Invalid::Residual { index });
            }
        }
        let residuals: Vec<f64> = used.iter().map(|t| t.residual).collect();
        // As in the fit: one that was set aside counts as much as the worst that was not.
        let worst = used.iter().map(|t| t.held_out).fold(0.0, f64::max);
        let held_out: Vec<f64> = self.targets.iter().map(|t| t.held_out.min(worst)).collect();
        belongs("residual", self.residual, &residuals)?;
        belongs("cross_validated", self.cross_validated, &held_out)
    }

    fn validate_validation(&self) -> Result<(), Invalid> {
        let Some(validation) = &self.validation else {
            return Ok(());
        };
        if validation.targets.is_empty() || validation.targets.len() > MAX_TARGETS {
            return Err(Invalid::Summary {
                field: "the number of validation targets",
            });
        }
        for (index, t) in validation.targets.iter().enumerate() {
            let numbers = [t.x, t.y, t.raw_x, t.raw_y, t.scatter, t.error];
            if !numbers.iter().all(|v| v.is_finite()) {
                return Err(Invalid::Number {
                    field: "a validation target",
                });
            }
            let error = self.miss([t.raw_x, t.raw_y], [t.x, t.y], validation.offset);
            let same = (error - t.error).abs() <= EXACT;
            if !same {
                return Err(Invalid::ValidationError { index });
            }
        }
        let errors: Vec<f64> = validation.targets.iter().map(|t| t.error).collect();
        belongs("validation.error", validation.error, &errors)
    }

    fn validate_history(&self) -> Result<(), Invalid> {
        let wrong = |what| Err(Invalid::History { what });
        if self.history.len() > MAX_HISTORY {
            return wrong("is too long");
        }
        if self.history_used && self.history.is_empty() {
            return wrong("is said to be used and is empty");
        }
        let newest_first = |s: &[Sitting]| s[0].created_unix_s >= s[1].created_unix_s;
        if !self.history.windows(2).all(newest_first) {
            return wrong("is not ordered, newest first");
        }
        for sitting in &self.history {
            // Its validation's too.
            if !(MIN_TARGETS..=2 * MAX_TARGETS).contains(&sitting.targets.len()) {
                return wrong("has a sitting of too few or too many targets");
            }
            let finite = sitting
                .targets
                .iter()
                .flat_map(|t| [t.x, t.y, t.raw_x, t.raw_y, t.scatter])
                .all(f64::is_finite);
            if !finite {
                return Err(Invalid::Number {
                    field: "a target of the history",
                });
            }
        }
        Ok(())
    }

    /// How far from the target the map and then the offset put the point.
    fn miss(&self, raw: [f64; 2], target: [f64; 2], offset: [f64; 2]) -> f64 {
        let [x, y] = self.map.apply(raw);
        let error = [x + offset[0] - target[0], y + offset[1] - target[1]];
        diagonal_fraction(error, self.display.aspect())
    }
}

/// Whether the stated error is the root mean square of these.
fn belongs(field: &'static str, stated: f64, errors: &[f64]) -> Result<(), Invalid> {
    let mean = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
    let same = (stated - mean.sqrt()).abs() <= EXACT;
    if same {
        Ok(())
    } else {
        Err(Invalid::Summary { field })
    }
}
