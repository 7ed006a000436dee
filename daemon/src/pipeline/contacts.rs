//! Whether each face looks at the camera: the perceive thread's memory of single pictures.
//!
//! On the way from frame to sample: no lock, no allocation after it is made, no log, no disk.

use gaze::contact::{ContactFilter, ContactSettings, ContactState, Evidence};
use ring::layout::{ContactSource, FaceState, FaceTable};
use vision::Perception;

/// Faces that are kept in mind: those that are there and those that may come back.
const FACES: usize = 32;

/// What the contact network said of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Whose.
    pub id: u32,
    /// Probability of contact.
    pub probability: f64,
    /// Capture time of the picture.
    pub at_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    id: u32,
    filter: ContactFilter,
    /// Capture time of the picture that was told of it last.
    told_ns: u64,
    source: ContactSource,
}

/// One filter for each face.
#[derive(Debug)]
pub struct Contacts {
    settings: ContactSettings,
    faces: Vec<Known>,
    /// A contact network is in force: geometry is not asked.
    network: bool,
}

impl Contacts {
    /// Nobody seen yet.
    pub fn new(settings: ContactSettings) -> Contacts {
        Contacts {
            settings,
            faces: Vec::with_capacity(FACES),
            network: false,
        }
    }

    /// Judges by other settings from now on.
    pub fn set(&mut self, settings: ContactSettings) {
        self.settings = settings;
    }

    /// From now on a contact network tells, or geometry again.
    pub fn by_network(&mut self, network: bool) {
        if self.network != network {
            self.network = network;
            // What the other one said is no past for this one.
            self.faces.clear();
        }
    }

    /// Takes in what the contact network said of a face `face_px` wide.
    pub fn told(&mut self, answer: Answer, face_px: f64) {
        if self.network {
            let settings = self.settings;
            let known = self.known(answer.id, answer.at_ns);
            known.source = ContactSource::Network;
            known.told_ns = answer.at_ns;
            let evidence = Evidence::Probability(answer.probability);
            known
                .filter
                .tell(evidence, face_px, answer.at_ns, &settings);
        }
    }

    /// Judges every face of a frame and writes that into its rows, which are in the order of
    /// [`Perception::faces`].
    pub fn judge(&mut self, found: &Perception, table: &mut FaceTable) {
        let (settings, network) = (self.settings, self.network);
        for (row, seen) in table.rows.iter_mut().zip(found.faces()) {
            let known = self.known(seen.id, seen.measured_ns);
            let width = f64::from(seen.bbox.width);
            if !network {
                known.source = ContactSource::Geometry;
                if seen.measured_ns > known.told_ns {
                    known.told_ns = seen.measured_ns;
                    known
                        .filter
                        .tell(seen.contact, width, seen.measured_ns, &settings);
                }
            }
            // Nobody has told anything for too long, or the face is too small.
            let silent = found.captured_ns.saturating_sub(known.told_ns) > settings.hold_ns;
            if silent {
                known
                    .filter
                    .tell(Evidence::Nothing, width, found.captured_ns, &settings);
            }
            let contact = known.filter.contact();
            row.contact = contact.probability.map_or(f32::NAN, |p| p as f32);
            row.since_ns = contact.since_ns;
            row.state = match contact.state {
                ContactState::Unknown => FaceState::Unknown,
                ContactState::No if contact.eyes_shut => FaceState::EyesClosed,
                ContactState::No => FaceState::Away,
                ContactState::Contact => FaceState::Contact,
            }
            .raw();
            let source = contact
                .probability
                .map_or(ContactSource::None, |_| known.source);
            row.contact_source = source.raw();
        }
    }

    fn known(&mut self, id: u32, now_ns: u64) -> &mut Known {
        let index = match self.faces.iter().position(|k| k.id == id) {
            Some(i) => i,
            None => {
                if self.faces.len() == FACES {
                    let oldest = (0..FACES).min_by_key(|i| self.faces[*i].told_ns);
                    self.faces.swap_remove(oldest.unwrap_or(0));
                }
                self.faces.push(Known {
                    id,
                    filter: ContactFilter::new(now_ns),
                    told_ns: 0,
                    source: ContactSource::None,
                });
                self.faces.len() - 1
            }
        };
        &mut self.faces[index]
    }
}
