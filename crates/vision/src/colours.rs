//! How a face and what is around it is coloured: a cheap cue to who it is.
//!
//! Means of the cells of the landmark network's own input, a levelled square about the face, so
//! that it costs no sampling. Only the cells about its middle count: face and hair, not the room. Each is
//! divided by the mean of all, so that the light's strength does not matter much.

/// Cells on a side of the square.
const CELLS: usize = 8;
/// Every so many pixels and rows is enough.
const STRIDE: usize = 4;
/// Cells whose middle is further from the square's middle than this share of its side are
/// left out.
const REACH: f32 = 0.33;
const NUMBERS: usize = 3 * CELLS * CELLS;

/// The colours of one face; cells of the room hold 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Colours([f32; NUMBERS]);

impl Default for Colours {
    fn default() -> Self {
        Colours([0.0; NUMBERS])
    }
}

fn of_the_face(cell: usize) -> bool {
    let at = |i: usize| (i as f32 + 0.5) / CELLS as f32 - 0.5;
    let (x, y) = (at(cell % CELLS), at(cell / CELLS));
    x.hypot(y) < REACH
}

impl Colours {
    /// Of three planes of `side` × `side` values of at least 0.
    pub fn of(planes: &[f32], side: usize) -> Colours {
        let mut cells = [0.0f32; NUMBERS];
        let step = side / CELLS;
        let mut sum = 0.0;
        for (plane, to) in planes
            .chunks_exact(side * side)
            .zip(cells.chunks_exact_mut(CELLS * CELLS))
        {
            for (cell, mean) in to.iter_mut().enumerate() {
                if !of_the_face(cell) {
                    continue;
                }
                let (x0, y0) = (cell % CELLS * step, cell / CELLS * step);
                let mut n = 0.0;
                for y in (y0..y0 + step).step_by(STRIDE) {
                    let row = &plane[y * side + x0..][..step];
                    for v in row.iter().step_by(STRIDE) {
                        *mean += v;
                        n += 1.0;
                    }
                }
                *mean /= f32::max(n, 1.0);
                sum += *mean;
            }
        }
        let count = 3.0 * (0..CELLS * CELLS).filter(|c| of_the_face(*c)).count() as f32;
        let mean = (sum / count).max(1e-3);
        for v in &mut cells {
            *v /= mean;
        }
        Colours(cells)
    }

    /// How different two faces' colours are: 0 the same. Of rendered people a face a moment
    /// later is 0.05 to 0.15 and with someone close beside it up to 0.4; other faces are
    /// 0.15 to 0.5. So it tells only those apart who differ much.
    pub fn distance(&self, other: &Colours) -> f32 {
        let (mut sum, mut n) = (0.0, 0.0);
        for (a, b) in self.0.iter().zip(&other.0) {
            // Both 0: the room's, or black in both.
            if a + b > 0.0 {
                sum += (a - b) * (a - b);
                n += 1.0;
            }
        }
        (sum / f32::max(n, 1.0)).sqrt()
    }

    /// Moves a share of the way to `newer`.
    pub fn follow(&mut self, newer: &Colours, share: f32) {
        for (own, new) in self.0.iter_mut().zip(&newer.0) {
            *own += (new - *own) * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(colour: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
        (0..3 * 64 * 64)
            .map(|i| colour(i / 4096, i % 64, i / 64 % 64))
            .collect()
    }

    #[test]
    fn light_and_room_do_not_matter_and_hair_does() {
        let face = |light: f32, room: f32, hair: f32| {
            let planes = square(|c, x, y| {
                let inside = ((x as f32 - 31.5).hypot(y as f32 - 31.5)) < 27.0;
                match (inside, y < 24) {
                    (false, _) => room,
                    (true, true) => light * hair,
                    (true, false) => light * [0.8, 0.6, 0.5][c],
                }
            });
            Colours::of(&planes, 64)
        };
        let one = face(1.0, 0.2, 0.1);
        assert!(one.distance(&face(0.5, 0.9, 0.1)) < 0.12);
        assert!(one.distance(&face(1.0, 0.2, 0.6)) > 0.25);
    }
}
