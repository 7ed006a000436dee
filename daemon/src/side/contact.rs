//! Who is in eye contact: the face table as clips and hooks read it.

use clips::Seen;
use ring::layout::{FACE_ROWS, FaceState, FaceTable};

/// The faces of a table. No heap.
pub fn seen(table: &FaceTable) -> ([Seen; FACE_ROWS], usize) {
    let nobody = Seen {
        id: 0,
        contact: false,
        since_ns: 0,
        probability: f32::NAN,
    };
    let mut all = [nobody; FACE_ROWS];
    let rows = table.faces();
    for (to, row) in all.iter_mut().zip(rows) {
        *to = Seen {
            id: row.id,
            contact: row.state() == FaceState::Contact,
            since_ns: row.since_ns,
            probability: row.contact,
        };
    }
    (all, rows.len())
}
