//! Starts and ends of contact, out of one table of faces after the other.

use super::ContactState;

/// Faces that are kept in mind.
const FACES: usize = 32;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Contact began.
    Started,
    /// It ended: another state, or the face has gone.
    Ended,
}

/// A start or an end of one face's contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// Whose.
    pub id: u32,
    /// Which.
    pub change: Change,
    /// When it began or ended, monotonic nanoseconds: the state's own time; of a face that
    /// has gone, the time of the last table that listed it.
    pub at_ns: u64,
    /// When the contact had begun.
    pub began_ns: u64,
    /// The probability then, NaN if unknown.
    pub probability: f32,
}

#[derive(Debug, Clone, Copy)]
struct Looking {
    id: u32,
    began_ns: u64,
    seen_ns: u64,
    probability: f32,
}

/// Remembers who is in contact; allocates nothing after it is made.
#[derive(Debug)]
pub struct Transitions {
    looking: Vec<Looking>,
    /// A face that is not listed for so long has gone, nanoseconds.
    patience_ns: u64,
}

impl Transitions {
    /// A face in contact that is not listed for longer than `patience_ns` has ended it.
    pub fn new(patience_ns: u64) -> Self {
        Transitions {
            looking: Vec::with_capacity(FACES),
            patience_ns,
        }
    }

    /// Takes in the faces of a picture (id, state, since when that holds, probability) and
    /// calls `tell` for each change, ends first.
    pub fn absorb(
        &mut self,
        now_ns: u64,
        faces: impl Iterator<Item = (u32, ContactState, u64, f32)> + Clone,
        mut tell: impl FnMut(Transition),
    ) {
        let patience = self.patience_ns;
        self.looking.retain_mut(|was| {
            let ended = |at_ns, probability| Transition {
                id: was.id,
                change: Change::Ended,
                at_ns,
                began_ns: was.began_ns,
                probability,
            };
            match faces.clone().find(|f| f.0 == was.id) {
                Some((_, ContactState::Contact, _, p)) => {
                    (was.seen_ns, was.probability) = (now_ns, p);
                    true
                }
                Some((_, _, since_ns, p)) => {
                    tell(ended(since_ns, p));
                    false
                }
                None if now_ns.saturating_sub(was.seen_ns) > patience => {
                    tell(ended(was.seen_ns, was.probability));
                    false
                }
                None => true,
            }
        });
        for (id, state, since_ns, probability) in faces {
            let known = self.looking.iter().any(|l| l.id == id);
            if state != ContactState::Contact || known || self.looking.len() == FACES {
                continue;
            }
            self.looking.push(Looking {
                id,
                began_ns: since_ns,
                seen_ns: now_ns,
                probability,
            });
            tell(Transition {
                id,
                change: Change::Started,
                at_ns: since_ns,
                began_ns: since_ns,
                probability,
            });
        }
    }

    /// The ids of all faces in contact.
    pub fn looking(&self) -> impl Iterator<Item = u32> {
        self.looking.iter().map(|l| l.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ContactState::{Contact, No};

    #[test]
    fn starts_and_ends_are_told_once_each_and_a_face_that_goes_ends() {
        let mut t = Transitions::new(1000);
        let mut told = Vec::new();
        let mut absorb = |now, faces: &[(u32, ContactState, u64, f32)]| {
            told.clear();
            t.absorb(now, faces.iter().copied(), |x| {
                told.push((x.id, x.change, x.at_ns, x.began_ns));
            });
            told.clone()
        };
        assert_eq!(absorb(10, &[(1, No, 0, 0.1), (2, No, 0, 0.1)]), []);
        let start = (1, Change::Started, 18, 18);
        assert_eq!(
            absorb(20, &[(1, Contact, 18, 0.9), (2, No, 0, 0.1)]),
            [start]
        );
        assert_eq!(
            absorb(30, &[(2, Contact, 29, 0.9), (1, Contact, 18, 0.9)]).len(),
            1
        );
        assert_eq!(absorb(900, &[(2, Contact, 29, 0.9)]), [], "patience");
        assert_eq!(
            absorb(1100, &[(2, No, 1050, 0.2)]),
            [(1, Change::Ended, 30, 18), (2, Change::Ended, 1050, 29)]
        );
    }
}
