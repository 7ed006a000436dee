//! Where the detector looks, one part of the picture after the other.
//!
//! It takes 128 × 128 pixels, of which a face must fill about a tenth: in a whole picture of
//! 1280 × 720 it finds faces of some 120 pixels, in a square as high as the picture of 65, in a
//! square of half that of 35.

use crate::region::Region;

/// A square smaller than this shows faces that nothing can be told of.
const LEAST_SIDE: f32 = 320.0;
/// Neighbouring squares overlap by at least this share, so that no face lies on a border.
const OVERLAP: f32 = 0.15;

/// Squares of one size that cover a picture.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    side: f32,
    across: usize,
    down: usize,
}

impl Tiles {
    fn new(side: f32, [w, h]: [f32; 2]) -> Tiles {
        let count = |length: f32| {
            let free = (length - side).max(0.0);
            (free / (side * (1.0 - OVERLAP))).ceil() as usize + 1
        };
        Tiles {
            side,
            across: count(w),
            down: count(h),
        }
    }

    fn count(&self) -> usize {
        self.across * self.down
    }

    fn tile(&self, index: usize, [w, h]: [f32; 2]) -> Region {
        let place = |i: usize, n: usize, length: f32| {
            if n == 1 {
                length / 2.0
            } else {
                self.side / 2.0 + (length - self.side) * i as f32 / (n - 1) as f32
            }
        };
        let index = index % self.count();
        Region {
            x: place(index % self.across, self.across, w),
            y: place(index / self.across, self.down, h),
            size: self.side,
            roll: 0.0,
        }
    }
}

/// The part of a picture that look number `turn` is for: every second one the whole of it, the
/// others a square as high as it is, or half as high, in turns.
pub(crate) fn glance(turn: usize, width: u32, height: u32) -> Region {
    if turn.is_multiple_of(2) {
        return Region::around_picture(width, height);
    }
    part(turn / 2, width, height)
}

/// Part number `turn` of the picture.
pub(crate) fn part(turn: usize, width: u32, height: u32) -> Region {
    let picture = [width as f32, height as f32];
    let side = picture[0].min(picture[1]);
    let large = Tiles::new(side, picture);
    let small = Tiles::new(side * 0.55, picture);
    if small.side < LEAST_SIDE || turn.is_multiple_of(2) {
        // Square pictures have no larger parts.
        let turn = if small.side < LEAST_SIDE {
            turn
        } else {
            turn / 2
        };
        return large.tile(turn, picture);
    }
    small.tile(turn / 2, picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_picture_and_faces_on_no_border() {
        for (w, h) in [
            (1280, 720),
            (1920, 1080),
            (640, 480),
            (720, 1280),
            (500, 500),
        ] {
            for large in [true, false] {
                let parts: Vec<Region> = (0..200)
                    .map(|t| part(t, w, h))
                    .filter(|r| (r.size > 0.9 * w.min(h) as f32) == large)
                    .collect();
                if parts.is_empty() {
                    assert!(!large && w.min(h) < 600, "{w}×{h}");
                    continue;
                }
                // A face of a tenth of a part's side, wherever it is, lies whole in some part.
                let face = parts[0].size * 0.1;
                for i in 0..400 {
                    let x = (i % 20) as f32 / 19.0 * (w as f32 - face);
                    let y = (i / 20) as f32 / 19.0 * (h as f32 - face);
                    let inside = |r: &Region| {
                        let half = r.size / 2.0 + 0.5;
                        x >= r.x - half
                            && x + face <= r.x + half
                            && y >= r.y - half
                            && y + face <= r.y + half
                    };
                    assert!(parts.iter().any(inside), "{w}×{h} large {large}: {x} {y}");
                }
            }
        }
        assert_eq!(glance(4, 1280, 720).size, 1280.0);
    }
}
