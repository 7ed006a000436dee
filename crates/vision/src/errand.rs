//! What a perceiver asks of a looker for one frame, and what comes back.

use crate::colours::Colours;
use crate::detector::{Detection, MAX_DETECTIONS};
use crate::models::ModelError;
use crate::perception::{Face, MAX_FACES};
use crate::region::{BBox, Region};
use crate::tracks::Sighted;

/// Faces that one errand asks for at most.
pub const ERRAND_FACES: usize = 4;
/// Newcomers that one errand measures at most.
pub(crate) const NEWCOMERS: usize = 2;

/// A face to be measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// Its id.
    pub id: u32,
    /// Where it is looked for.
    pub region: Region,
}

/// What a perceiver wants to know of one frame beside its primary face.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Errand {
    /// Capture time of the frame.
    pub at_ns: u64,
    /// Faces to measure.
    pub wanted: [Option<Wanted>; ERRAND_FACES],
    /// A part of the picture where the detector is to look for newcomers, who are measured.
    pub detect: Option<Region>,
    /// Where the faces are that are known, by id, as far as it can be foreseen.
    pub known: [Option<(u32, BBox)>; MAX_FACES],
}

impl Errand {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.detect.is_none() && self.wanted.iter().all(Option::is_none)
    }
}

/// What an errand brought back. Kept and filled anew: it allocates nothing.
#[derive(Debug)]
pub struct Findings {
    /// What was asked.
    pub errand: Errand,
    /// For each face asked for.
    pub(crate) faces: [Option<Measured>; ERRAND_FACES],
    pub(crate) newcomers: [Option<Measured>; NEWCOMERS],
    pub(crate) detections: Vec<Detection>,
    /// How long it took, nanoseconds.
    pub spent_ns: u64,
    /// A network failed.
    pub fault: Option<ModelError>,
}

impl Default for Findings {
    fn default() -> Self {
        Findings {
            errand: Errand::default(),
            faces: [const { None }; ERRAND_FACES],
            newcomers: [const { None }; NEWCOMERS],
            detections: Vec::with_capacity(MAX_DETECTIONS),
            spent_ns: 0,
            fault: None,
        }
    }
}

impl Findings {
    /// The faces that were found: those asked for, then newcomers. Their ids are not known yet.
    pub fn faces(&self) -> impl Iterator<Item = &Face> {
        let all = self.faces.iter().chain(&self.newcomers);
        all.flatten().map(|m| &m.face)
    }

    /// Where a face that was asked for is.
    pub fn bbox_of(&self, id: u32) -> Option<BBox> {
        let asked = self.errand.wanted.iter().zip(&self.faces);
        let (_, found) = asked
            .filter_map(|(wanted, found)| Some((wanted.as_ref()?, found.as_ref()?)))
            .find(|(wanted, _)| wanted.id == id)?;
        Some(found.face.bbox)
    }
}

/// A face and what is needed to know it again.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub face: Face,
    pub next: Region,
    pub colours: Colours,
    /// How badly one head fits the landmarks, mm.
    pub misfit_mm: f32,
}

impl Measured {
    pub fn sighted(&self) -> Sighted {
        Sighted {
            at_ns: self.face.measured_ns,
            bbox: self.face.bbox,
            next: self.next,
            presence: self.face.presence,
            head: self.face.head,
            eyes_open: self.face.eyes.open == [true; 2],
            contact: self.face.contact,
            colours: self.colours,
            misfit_mm: self.misfit_mm,
        }
    }
}
