//! Noise as demosaicing and denoising leave it: correlated between neighbours, coarser in colour.

use std::sync::OnceLock;

use crate::maths::Rng;

/// Side of the tile of noise, samples.
const SIDE: usize = 128;
/// Rows that share a piece of the tile.
const BAND: usize = 8;

/// A tile of noise for red, green and blue, each of about deviation 1, doubled in width so
/// that any piece can be cut without a seam.
#[derive(Debug, Clone)]
pub struct Grain {
    tiles: [Vec<f32>; 3],
}

/// Unrelated normal numbers; each sensor shapes them its own way.
fn raw() -> &'static [Vec<f32>; 3] {
    static RAW: OnceLock<[Vec<f32>; 3]> = OnceLock::new();
    RAW.get_or_init(|| {
        let mut r = Rng::new(0x91a1);
        [0, 1, 2].map(|_| (0..SIDE * SIDE).map(|_| r.normal()).collect())
    })
}

/// Each sample with `share` of its neighbours in it, of deviation 1 again. The tile is a torus.
fn spread(tile: &[f32], share: f32) -> Vec<f32> {
    let (side, corner) = (share * 0.5, share * share * 0.25);
    let norm = 1.0 / (1.0 + 4.0 * side * side + 4.0 * corner * corner).sqrt();
    let mut out = Vec::with_capacity(tile.len());
    for y in 0..SIDE {
        let row = |d: usize| &tile[(y + d) % SIDE * SIDE..][..SIDE];
        let (up, here, low) = (row(SIDE - 1), row(0), row(1));
        for x in 0..SIDE {
            let (l, r) = ((x + SIDE - 1) % SIDE, (x + 1) % SIDE);
            let cross = up[x] + low[x] + here[l] + here[r];
            let diagonal = up[l] + up[r] + low[l] + low[r];
            out.push((here[x] + side * cross + corner * diagonal) * norm);
        }
    }
    out
}

impl Grain {
    /// Grain whose neighbours are alike by `share` (0..1), with so much `colour` in it.
    pub fn new(seed: u64, share: f32, colour: f32) -> Grain {
        let raw = raw();
        // Which raw tile is the brightness and which the colours differs too.
        let first = (seed % 3) as usize;
        let luma = spread(&raw[first], share);
        let tint = [1, 2].map(|k| spread(&spread(&raw[(first + k) % 3], 0.9), 0.5));
        let double = |f: &dyn Fn(usize) -> f32| {
            let mut tile = Vec::with_capacity(2 * SIDE * SIDE);
            for y in 0..SIDE {
                tile.extend((0..2 * SIDE).map(|x| f(y * SIDE + x % SIDE)));
            }
            tile
        };
        Grain {
            tiles: [
                double(&|i| luma[i] + colour * tint[0][i]),
                double(&|i| luma[i] - 0.4 * colour * (tint[0][i] + tint[1][i])),
                double(&|i| luma[i] + colour * 1.3 * tint[1][i]),
            ],
        }
    }

    /// The noise of a row, piece by piece: where each begins, and its red, green and blue.
    pub fn row(
        &self,
        y: usize,
        width: usize,
        (sensor, frame): (u64, u64),
    ) -> impl Iterator<Item = (usize, [&[f32]; 3])> {
        let band = (y / BAND) as u64;
        (0..width).step_by(SIDE).map(move |from| {
            // Where this piece is cut: a number of the piece's own.
            let mut r = Rng::new(sensor ^ (frame << 24) ^ (band << 8) ^ (from / SIDE) as u64);
            let bits = r.bits();
            let (x, dy) = (bits as usize % SIDE, (bits >> 20) as usize % SIDE);
            let n = SIDE.min(width - from);
            let at = (y + dy) % SIDE * 2 * SIDE + x;
            (from, [0, 1, 2].map(|c| &self.tiles[c][at..at + n]))
        })
    }
}
