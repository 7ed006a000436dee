//! A room out of focus, made of soft shapes.

use crate::maths::{Rng, V3, fbm, smoothstep, v3};

/// The room, one linear colour per pixel.
#[derive(Debug)]
pub struct Background {
    /// Pixels across.
    pub width: usize,
    /// Row by row.
    pub pixels: Vec<V3>,
}

/// A soft-edged upright rectangle: middle, half size, softness (parts of the picture's height), colour.
struct Block(f32, f32, f32, f32, f32, V3);

/// A book's back: mostly grey or brown, a little tinted.
fn book(r: &mut Rng) -> V3 {
    let grey = r.range(0.04, 0.34);
    let tint = v3(
        r.range(-0.12, 0.2),
        r.range(-0.1, 0.1),
        r.range(-0.12, 0.14),
    );
    v3(grey, grey * 0.92, grey * 0.85) + tint * (grey + 0.1)
}

impl Background {
    /// A room of this seed: wall, shelf with books, door, lamp, plant.
    pub fn new(seed: u64, width: usize, height: usize) -> Background {
        let mut r = Rng::new(seed ^ 0xbac);
        let blur = 0.022;
        let mut blocks = Vec::new();
        // A shelf on one side: boards, and books of many colours.
        let x0 = r.range(0.18, 0.26);
        for row in 0..3 {
            let y = 0.16 + 0.25 * row as f32;
            blocks.push(Block(
                x0,
                y - 0.105,
                0.26,
                0.115,
                blur,
                v3(0.13, 0.095, 0.07),
            ));
            let mut x = x0 - 0.24;
            while x < x0 + 0.22 {
                let w = r.range(0.010, 0.024);
                let h = r.range(0.055, 0.095);
                let c = book(&mut r);
                if r.unit() < 0.85 {
                    blocks.push(Block(x + w, y - h, w * 0.9, h, blur * 0.8, c));
                }
                x += 2.0 * w;
            }
            blocks.push(Block(
                x0,
                y + 0.008,
                0.27,
                0.010,
                blur * 0.8,
                v3(0.26, 0.18, 0.12),
            ));
        }
        // A door with its frame, and a picture on the wall on the other side.
        blocks.push(Block(1.22, 0.62, 0.17, 0.55, blur, v3(0.50, 0.47, 0.43)));
        blocks.push(Block(1.22, 0.63, 0.145, 0.53, blur, v3(0.42, 0.39, 0.355)));
        blocks.push(Block(0.91, 0.22, 0.085, 0.105, blur, v3(0.09, 0.075, 0.06)));
        blocks.push(Block(0.91, 0.22, 0.070, 0.09, blur, v3(0.26, 0.33, 0.36)));
        blocks.push(Block(
            0.89,
            0.26,
            0.05,
            0.035,
            blur * 1.5,
            v3(0.20, 0.25, 0.13),
        ));
        let mut samples = Vec::with_capacity(width * height);
        let unit = 1.0 / height as f32;
        for y in 0..height {
            for x in 0..width {
                let (u, v) = (x as f32 * unit, y as f32 * unit);
                // The wall: lit from the window's side, darker below.
                let light = 0.80 - 0.24 * u
                    + 0.16 * (0.5 - v)
                    + 0.05 * fbm(v3(u * 2.0, v * 2.0, (seed % 4096) as f32), 2);
                let mut c = v3(0.60, 0.565, 0.51) * light;
                for Block(bx, by, hw, hh, soft, colour) in &blocks {
                    let a = smoothstep(hw + soft, hw - soft, (u - bx).abs())
                        * smoothstep(hh + soft, hh - soft, (v - by).abs());
                    c = c.mix(*colour * (0.55 + 0.6 * light), a);
                }
                samples.push(c * 0.92);
            }
        }
        Background {
            width,
            pixels: samples,
        }
    }

    /// The room for a picture with `times` samples along each side of a pixel.
    pub(crate) fn spread(&self, times: usize, samples: &mut Vec<V3>) {
        samples.clear();
        samples.reserve(self.pixels.len() * times * times);
        for row in self.pixels.chunks_exact(self.width) {
            let begin = samples.len();
            for &c in row {
                for _ in 0..times {
                    samples.push(c);
                }
            }
            let end = samples.len();
            for _ in 1..times {
                samples.extend_from_within(begin..end);
            }
        }
    }
}
