//! Which face is which from frame to frame.
//!
//! An id belongs to a face while its boxes overlap from one look to the next;
//! ids are never used again.

use gaze::head::HeadPose;

use crate::detector::Detection;
use crate::perception::{MAX_FACES, SeenFace};
use crate::region::BBox;

/// Boxes of one face in two looks overlap at least this much.
const SAME_FACE: f32 = 0.2;
/// A face that the detector did not see for so long is gone.
const FORGET_NS: u64 = 1_500_000_000;

/// The faces known; the primary one first, if there is one.
#[derive(Debug)]
pub(crate) struct Roster {
    faces: Vec<SeenFace>,
    primary: Option<u32>,
    /// The primary face that was lost last: it gets its id back if it turns up
    /// soon and near.
    ghost: Option<SeenFace>,
    next_id: u32,
}

impl Roster {
    pub fn new() -> Roster {
        Roster {
            faces: Vec::with_capacity(MAX_FACES + 1),
            primary: None,
            ghost: None,
            next_id: 1,
        }
    }

    /// Takes in what the detector saw at `now_ns`.
    pub fn absorb(&mut self, detections: &[Detection], now_ns: u64) {
        // The primary face is first and so claims its detection before others can.
        let mut taken = [false; crate::detector::MAX_DETECTIONS];
        for face in &mut self.faces {
            let overlaps = |d: &Detection| d.bbox.overlap(&face.bbox);
            let best = (0..detections.len())
                .filter(|&i| !taken[i] && overlaps(&detections[i]) > SAME_FACE)
                .max_by(|&a, &b| overlaps(&detections[a]).total_cmp(&overlaps(&detections[b])));
            if let Some(i) = best {
                taken[i] = true;
                if self.primary != Some(face.id) {
                    face.bbox = detections[i].bbox;
                    face.score = detections[i].score;
                    face.measured_ns = now_ns;
                }
            }
        }
        let primary = self.primary;
        self.faces
            .retain(|f| primary == Some(f.id) || now_ns.saturating_sub(f.measured_ns) <= FORGET_NS);
        for (_, d) in taken.iter().zip(detections).filter(|(taken, _)| !**taken) {
            // Landmarks reach farther than the detector's box, so a detection of
            // the primary face can fail to match by overlap; its middle is inside.
            if self.covers(&d.bbox) || self.faces.len() == MAX_FACES {
                continue;
            }
            let face = self.newcomer(d.bbox, d.score, now_ns);
            self.faces.push(face);
        }
    }

    fn covers(&self, bbox: &BBox) -> bool {
        let (x, y) = (bbox.x + bbox.width / 2.0, bbox.y + bbox.height / 2.0);
        self.faces.iter().any(|f| {
            let b = &f.bbox;
            let inside = |v: f32, from: f32, length: f32| {
                (from + length * 0.25..from + length * 0.75).contains(&v)
            };
            inside(x, b.x, b.width) && inside(y, b.y, b.height)
        })
    }

    /// The primary face was measured: it is here now. A face that nobody knows
    /// yet gets an id.
    pub fn measured(&mut self, bbox: BBox, score: f32, now_ns: u64, head: Option<HeadPose>) -> u32 {
        let index = self
            .primary
            .and_then(|id| self.faces.iter().position(|f| f.id == id))
            .or_else(|| {
                let overlap = |f: &SeenFace| f.bbox.overlap(&bbox);
                (0..self.faces.len())
                    .filter(|&i| overlap(&self.faces[i]) > SAME_FACE)
                    .max_by(|&a, &b| overlap(&self.faces[a]).total_cmp(&overlap(&self.faces[b])))
            });
        let index = index.unwrap_or_else(|| {
            self.faces.truncate(MAX_FACES - 1);
            let face = self.newcomer(bbox, score, now_ns);
            self.faces.push(face);
            self.faces.len() - 1
        });
        let face = &mut self.faces[index];
        (face.bbox, face.score, face.measured_ns, face.head) = (bbox, score, now_ns, head);
        let id = face.id;
        self.primary = Some(id);
        self.faces.swap(0, index);
        id
    }

    fn newcomer(&mut self, bbox: BBox, score: f32, now_ns: u64) -> SeenFace {
        let returned = self.ghost.take_if(|ghost| {
            ghost.bbox.overlap(&bbox) > SAME_FACE
                && now_ns.saturating_sub(ghost.measured_ns) <= FORGET_NS
        });
        let (id, since_ns) = match returned {
            Some(ghost) => (ghost.id, ghost.since_ns),
            None => {
                self.next_id += 1;
                (self.next_id - 1, now_ns)
            }
        };
        SeenFace {
            id,
            bbox,
            score,
            since_ns,
            measured_ns: now_ns,
            head: None,
        }
    }

    /// The primary face is not there any more; it is not listed.
    pub fn lost(&mut self) {
        if let Some(id) = self.primary.take() {
            self.ghost = self.faces.iter().find(|f| f.id == id).copied();
            self.faces.retain(|f| f.id != id);
        }
    }

    /// The primary face is one like the others from now on.
    pub fn release(&mut self) {
        self.primary = None;
        for face in &mut self.faces {
            face.head = None;
        }
    }

    /// Nothing is known any more; ids go on.
    pub fn clear(&mut self) {
        self.faces.clear();
        self.primary = None;
        self.ghost = None;
    }

    /// All faces, the primary one first.
    pub fn faces(&self) -> &[SeenFace] {
        &self.faces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME_NS: u64 = 33_000_000;

    fn boxed(x: f32) -> BBox {
        BBox {
            x,
            y: 50.0,
            width: 100.0,
            height: 100.0,
        }
    }

    fn seen(x: f32) -> Detection {
        Detection {
            score: 0.9,
            bbox: boxed(x),
            points: [[0.0; 2]; 6],
        }
    }

    fn ids(roster: &Roster) -> Vec<u32> {
        roster.faces().iter().map(|f| f.id).collect()
    }

    #[test]
    fn faces_keep_their_ids_while_they_move_and_newcomers_get_new_ones() {
        let mut roster = Roster::new();
        roster.absorb(&[seen(0.0), seen(300.0)], 0);
        assert_eq!(roster.measured(boxed(300.0), 1.0, 0, None), 2);
        assert_eq!(ids(&roster), [2, 1], "the primary one is first");
        roster.measured(boxed(330.0), 1.0, FRAME_NS, None);
        // Named in another order, moved, and one more.
        roster.absorb(&[seen(600.0), seen(340.0), seen(20.0)], 2 * FRAME_NS);
        assert_eq!(ids(&roster), [2, 1, 3]);
        assert_eq!(
            roster.faces()[0].bbox.x,
            330.0,
            "the primary one is measured, not detected"
        );
        assert_eq!(roster.faces()[1].bbox.x, 20.0);
        assert_eq!(roster.faces()[1].since_ns, 0);
    }

    #[test]
    fn a_face_lost_for_a_moment_comes_back_as_itself_and_later_as_another() {
        for (away_ns, id) in [(FORGET_NS, 1), (FORGET_NS + 1, 2)] {
            let mut roster = Roster::new();
            assert_eq!(roster.measured(boxed(0.0), 1.0, 0, None), 1);
            roster.lost();
            assert!(roster.faces().is_empty(), "what is lost is not listed");
            roster.absorb(&[seen(15.0)], away_ns);
            assert_eq!(roster.measured(boxed(16.0), 1.0, away_ns, None), id);
            assert_eq!(ids(&roster), [id]);
        }
    }

    #[test]
    fn unseen_faces_go_and_the_list_never_overflows() {
        let mut roster = Roster::new();
        let crowd: Vec<_> = (0..12).map(|i| seen(150.0 * i as f32)).collect();
        roster.absorb(&crowd, 0);
        assert_eq!(roster.faces().len(), MAX_FACES);
        let id = roster.measured(boxed(9000.0), 1.0, 0, None);
        assert_eq!(
            (roster.faces().len(), roster.faces()[0].id),
            (MAX_FACES, id)
        );
        roster.absorb(&[], FORGET_NS + 1);
        assert_eq!(
            ids(&roster),
            [id],
            "the primary one is watched by its landmarks"
        );
    }
}
