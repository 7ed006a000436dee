//! What a calibration file holds, and how it comes about.

use serde::{Deserialize, Serialize};

use super::{Grade, HeadRange, MAX_HISTORY, SCHEMA, Setup, Sitting, SittingTarget};
use crate::affine::{
    Affine, Fit, FitError, Form, MIN_TARGETS, Sample, diagonal_fraction, looks_at,
};
use crate::screen::{CameraPlace, Screen};

/// The display that a calibration was made on, as it was taken to be.
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
    /// Where the camera sits at it.
    pub camera: CameraPlace,
}

impl DisplayRecord {
    /// The record of a screen.
    pub fn of(id: impl Into<String>, screen: &Screen) -> Self {
        Self {
            id: id.into(),
            width_px: screen.width_px,
            height_px: screen.height_px,
            width_mm: screen.width_mm,
            height_mm: screen.height_mm,
            camera: screen.camera,
        }
    }

    /// The screen whose intersections the map takes. Millimetres and the
    /// camera's place belong to the map; the pixels may have changed since.
    pub fn screen(&self) -> Screen {
        Screen {
            width_px: self.width_px,
            height_px: self.height_px,
            width_mm: self.width_mm,
            height_mm: self.height_mm,
            camera: self.camera,
        }
    }

    /// Width divided by height, by millimetres.
    pub fn aspect(&self) -> f64 {
        self.width_mm / self.height_mm
    }

    /// Whether rays meet both screens at the same points, within what a display
    /// that is asked twice may answer: whole millimetres.
    pub fn same_geometry(&self, other: &Self) -> bool {
        const MM: f64 = 1.0;
        const DEG: f64 = 0.25;
        let (a, b) = (&self.camera, &other.camera);
        let within = |x: f64, y: f64, limit: f64| (x - y).abs() <= limit;
        within(self.width_mm, other.width_mm, MM)
            && within(self.height_mm, other.height_mm, MM)
            && within(a.x_norm * self.width_mm, b.x_norm * other.width_mm, MM)
            && within(a.above_mm, b.above_mm, MM)
            && within(a.forward_mm, b.forward_mm, MM)
            && within(a.tilt_deg, b.tilt_deg, DEG)
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

impl TargetRecord {
    /// The looks at it, for a history.
    fn looks(&self) -> SittingTarget {
        SittingTarget {
            x: self.x,
            y: self.y,
            raw_x: self.raw_x,
            raw_y: self.raw_y,
            samples: self.samples,
            scatter: self.scatter,
        }
    }
}

/// One target that the fit never saw.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationTarget {
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
    /// Distance from the target after the map and the offset of the time.
    pub error: f64,
}

impl ValidationTarget {
    /// The looks at it, for a history.
    fn looks(&self) -> SittingTarget {
        SittingTarget {
            x: self.x,
            y: self.y,
            raw_x: self.raw_x,
            raw_y: self.raw_y,
            samples: self.samples,
            scatter: self.scatter,
        }
    }
}

/// How the map did at targets that the fit never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// The targets.
    pub targets: Vec<ValidationTarget>,
    /// The repair that was in force, added after the map; (0, 0) without one.
    pub offset: [f64; 2],
    /// Root mean square of the targets' errors.
    pub error: f64,
    /// When, where that was another sitting than the fit's: seconds since 1970, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_unix_s: Option<u64>,
}

/// An offset against drift, from one target; added after the map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// Added to x'.
    pub dx: f64,
    /// Added to y'.
    pub dy: f64,
    /// When: seconds since 1970, UTC.
    pub created_unix_s: u64,
}

/// A calibration as it is stored; the module's own page shows one.
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
    /// Through which network: [`network_id`](super::network_id).
    pub network: String,
    /// The form of the map.
    pub form: Form,
    /// From the uncalibrated point to the point on the screen, before the repair.
    pub map: Affine,
    /// The targets it was fitted to.
    pub targets: Vec<TargetRecord>,
    /// Root mean square residual of the used targets.
    pub residual: f64,
    /// Root mean square error at targets left out of the fit; one that was set
    /// aside as wild counts as much as the worst that was not.
    pub cross_validated: f64,
    /// How it did at targets that the fit never saw, where there were such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// What the validation's error is worth, or without one the cross-validated.
    pub grade: Grade,
    /// Where the head was, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadRange>,
    /// Earlier sittings, newest first, at most [`MAX_HISTORY`].
    pub history: Vec<Sitting>,
    /// Whether they had a part in the map: where they make it worse at held-out
    /// targets of this sitting they have none.
    pub history_used: bool,
    /// A correction of drift, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// When it was made: seconds since 1970, UTC.
    pub created_unix_s: u64,
}

impl Calibration {
    /// The record of a fit that had this history to use (empty: none). It is
    /// graded here; check it with [`validate`](Self::validate) before using it.
    pub fn from_fit(
        fit: &Fit,
        setup: &Setup,
        head: Option<HeadRange>,
        history: Vec<Sitting>,
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
            validation: None,
            grade: Grade::of(fit.cross_validated, fit.suspicious),
            head,
            history,
            history_used: fit.history_used,
            repair: None,
            created_unix_s,
        }
    }

    /// With looks at targets that the fit never saw, taken then: judges what is in force, the
    /// map and its repair, and grades anew. A fit that failed as contradictory
    /// stays failed.
    ///
    /// # Errors
    /// [`FitError`] of samples that are none: not finite, none at all, or targets
    /// on top of each other.
    pub fn with_validation(
        mut self,
        samples: &[Sample],
        created_unix_s: u64,
    ) -> Result<Self, FitError> {
        let aspect = self.display.aspect();
        let looks = looks_at(samples, aspect)?;
        if looks.is_empty() {
            return Err(FitError::TooFewTargets { found: 0 });
        }
        let contradictory =
            self.grade == Grade::Failed && Grade::of(self.graded_error(), false) != Grade::Failed;
        let in_force = self.effective_map();
        let targets: Vec<ValidationTarget> = looks
            .iter()
            .map(|look| {
                let [x, y] = in_force.apply([look.raw_x, look.raw_y]);
                ValidationTarget {
                    x: look.x,
                    y: look.y,
                    raw_x: look.raw_x,
                    raw_y: look.raw_y,
                    samples: look.samples,
                    scatter: look.scatter,
                    error: diagonal_fraction([x - look.x, y - look.y], aspect),
                }
            })
            .collect();
        let squares: f64 = targets.iter().map(|t| t.error * t.error).sum();
        let error = (squares / targets.len() as f64).sqrt();
        self.grade = Grade::of(error, contradictory);
        self.validation = Some(Validation {
            targets,
            offset: self.repair.map_or([0.0; 2], |r| [r.dx, r.dy]),
            error,
            created_unix_s: Some(created_unix_s).filter(|t| *t != self.created_unix_s),
        });
        Ok(self)
    }

    /// With an offset after the map, in place of an earlier one:
    /// [`repair_for`](Self::repair_for) calculates it.
    #[must_use]
    pub fn repaired(mut self, [dx, dy]: [f64; 2], now_unix_s: u64) -> Self {
        self.repair = Some(Repair {
            dx,
            dy,
            created_unix_s: now_unix_s,
        });
        self
    }

    /// The offset that takes looks with this mean onto their target.
    pub fn repair_for(&self, raw: [f64; 2], target: [f64; 2]) -> [f64; 2] {
        let [x, y] = self.map.apply(raw);
        [target[0] - x, target[1] - y]
    }

    /// What is to be applied to uncalibrated points: the map, then the repair.
    pub fn effective_map(&self) -> Affine {
        let [dx, dy] = self.repair.map_or([0.0; 2], |r| [r.dx, r.dy]);
        Affine {
            c: self.map.c + dx,
            f: self.map.f + dy,
            ..self.map
        }
    }

    /// Root mean square error to be expected where the head stays: that of all
    /// targets that were held out, in the fit and in the validation.
    pub fn expected_error(&self) -> f64 {
        let n = self.targets.len() as f64;
        let fitted = n * self.cross_validated * self.cross_validated;
        let Some(v) = &self.validation else {
            return (fitted / n).sqrt();
        };
        let m = v.targets.len() as f64;
        ((fitted + m * v.error * v.error) / (n + m)).sqrt()
    }

    /// What the next sitting in this setup takes as its history: this sitting,
    /// all its targets, and then its own history. A validation of another day is a
    /// sitting of its own, if it has targets enough. Nothing where user, camera,
    /// display, network or geometry differ: those raw points lie elsewhere.
    pub fn history_for_next(&self, setup: &Setup) -> Vec<Sitting> {
        if self.applies_to(setup).is_err() || !self.display.same_geometry(&setup.display) {
            return Vec::new();
        }
        let mut newest = Sitting {
            created_unix_s: self.created_unix_s,
            targets: self.targets.iter().map(TargetRecord::looks).collect(),
        };
        let mut history = Vec::new();
        if let Some(validation) = &self.validation {
            let checked = validation.targets.iter().map(ValidationTarget::looks);
            match validation.created_unix_s {
                None => newest.targets.extend(checked),
                Some(_) if checked.len() < MIN_TARGETS => {}
                Some(created_unix_s) => history.push(Sitting {
                    created_unix_s,
                    targets: checked.collect(),
                }),
            }
        }
        history.push(newest);
        history.extend(self.history.iter().cloned());
        // A clock that was wrong for a while does not make a file that is refused.
        history.sort_by_key(|sitting| std::cmp::Reverse(sitting.created_unix_s));
        history.truncate(MAX_HISTORY);
        history
    }

    /// The error that the grade is of.
    pub(super) fn graded_error(&self) -> f64 {
        self.validation
            .as_ref()
            .map_or(self.cross_validated, |v| v.error)
    }
}
